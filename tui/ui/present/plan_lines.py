"""A plan in lines: what would go and what comes free before it is run; what went and what came free afterwards."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from tui.domain.changes import ConcernKind
from tui.domain.planitems import Item, ItemKind
from tui.domain.planmissed import Missed
from tui.domain.planreport import HostReport, PlanReport, why_different
from tui.domain.plans import MountFreed, Outlook, outlook
from tui.services.plans import ReadyPlan
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.disk import WHAT
from tui.ui.present.environments import path_end
from tui.ui.present.lines import Line, blank, heading, item, words
from tui.ui.present.words import BOUND_MARKS, size

__all__ = ["before", "outcome", "title", "with_accepted"]

Key = tuple[str, ItemKind, str]
MOST_MISSED = 8
_COSTS = {
    ItemKind.TARBALLS: "download",
    ItemKind.PACKAGES: "download",
    ItemKind.INDEX: "index",
    ItemKind.ENVIRONMENT: "rebuild",
}


def title(report: PlanReport) -> Cell:
    """What is asked."""
    number = sum(len(each.outlook.items) for each in report.hosts)
    total = sum(each.outlook.bytes for each in report.hosts)
    if not number:
        return cell(tr("Nothing of it goes unless it is named"), Tone.WARN)
    words = trn("Let {n} thing go", "Let {n} things go", number)
    return join((cell(words, Tone.STRONG), cell(tr("frees {size}", size=size(total)), Tone.GOOD)))


def with_accepted(ready: ReadyPlan, accepted: Mapping[Key, Collection[ConcernKind]]) -> PlanReport:
    """*ready* as it would be with what was accepted by name. The host still looks at that before anything is done."""
    if not accepted:
        return ready.report
    items = [item for item in ready.plan.items if item.key in accepted or item in ready.outlook.items]
    found = outlook(items, ready.tables, accepted)
    refused = {each.host: each.refused for each in ready.outlook.hosts}
    hosts = (replace(each, refused=tuple(
        refusal for refusal in refused.get(each.host, ()) if refusal.item.key not in accepted
    )) for each in found.hosts)  # fmt: skip
    others = (each for each in ready.outlook.hosts if each.host not in {one.host for one in found.hosts})
    by_host = {each.host: each for each in (*hosts, *others)}
    return replace(ready, outlook=Outlook(tuple(by_host[each.host] for each in ready.outlook.hosts))).report


def before(report: PlanReport, hidden: Collection[Key]) -> list[Line]:
    """Everything that goes, host by host, those rows too that a filter hides; what is refused, and why."""
    lines: list[Line] = []
    for host in report.hosts:
        lines += [blank()] if lines else []
        lines.append(heading(join((cell(host.host, Tone.STRONG), _freed(host.outlook.mounts)))))
        lines += [item(_thing(each, each.key in hidden)) for each in host.outlook.items]
        lines += _against(host)
    lines += _missed(report.missed)
    costs = {_COSTS[each.kind] for host in report.hosts for each in host.outlook.items if each.kind in _COSTS}
    notes = [text for key, text in _prices() if key in costs]
    return [*lines, blank(), *(words(text, Tone.DIM) for text in notes)] if notes else lines


def _missed(missed: Sequence[Missed]) -> list[Line]:
    """Which hosts nothing is known of: what is shown is not the whole fleet."""
    if not missed:
        return []
    named = [join((cell(each.host), cell(_why_missed(each), Tone.DIM)), " ") for each in missed[:MOST_MISSED]]
    more = len(missed) - MOST_MISSED
    rest = [cell(trn("{n} more", "{n} more", more), Tone.DIM)] if more > 0 else []
    title = trn(
        "{n} host was not looked at and is in none of the sums:",
        "{n} hosts were not looked at and are in none of the sums:",
        len(missed),
    )
    return [blank(), item(join((cell(title, Tone.WARN), join((*named, *rest), tr(", "))), " "))]


def _why_missed(missed: Missed) -> str:
    """Its host stands before it."""
    return said(missed.message).removeprefix(f"{missed.host} ") or tr("not counted")


def _prices() -> Iterator[tuple[str, str]]:
    yield "download", tr("Going back to an earlier state, or working offline, needs packages downloaded again.")
    yield "index", tr("The channels' indexes are downloaded again at the next search or install.")
    yield "rebuild", tr("What an environment can be made again from is archived on this machine first.")


def _against(host: HostReport) -> Iterator[Line]:
    for refusal in host.refused:
        reasons = " ".join(said(each.text) for each in refusal.concerns)
        yield item(join((cell(tr("stays"), Tone.WARN), _thing(refusal.item, False), cell(reasons, Tone.WARN))))
    for change in host.changed:
        why = tr(", ").join(each.value for each in change.differences)
        yield item(join((cell(tr("stays"), Tone.WARN), _thing(change.item, False), cell(why, Tone.WARN))))
    if host.error is not None:
        yield item(cell(host.error, Tone.BAD))


def _freed(mounts: tuple[MountFreed, ...]) -> Cell:
    parts = [
        join((remote(each.mount), cell(BOUND_MARKS[each.bound] + size(each.bytes), Tone.GOOD)), " ") for each in mounts
    ]
    return join(parts, tr(", ")) or cell(tr("nothing comes free"), Tone.DIM)


def _thing(thing: Item, hidden: bool) -> Cell:
    name = (
        remote(thing.label, Tone.STRONG) if thing.kind is ItemKind.ENVIRONMENT else path_end(thing.path, 3, Tone.PLAIN)
    )
    frees = cell(size(thing.exclusive_bytes), Tone.DIM) if thing.exclusive_bytes is not None else ()
    unseen = cell(tr("hidden by the filter"), Tone.ACCENT) if hidden else ()
    return join((cell(said(WHAT[thing.kind]), Tone.DIM), name, frees, unseen))


def outcome(report: PlanReport) -> list[Line]:
    """What went where, and what the file systems say beside what was predicted."""
    lines: list[Line] = []
    for host in report.hosts:
        lines += [blank()] if lines else []
        lines.append(heading(cell(host.host, Tone.STRONG)))
        for each in host.removed:
            mark = cell("✓", Tone.GOOD) if each.done else cell("✗", Tone.BAD)
            note = cell(each.note, Tone.DIM if each.done else Tone.BAD) if each.note else ()
            lines.append(item(join((mark, _thing(each.item, False), note))))
        lines += _actual(host)
        lines += _against(host)
    return lines + _missed(report.missed)


def _actual(host: HostReport) -> Iterator[Line]:
    predicted = {each.mount: each for each in host.outlook.mounts}
    complete = all(each.done for each in host.removed)
    for each in host.actual or ():
        want = predicted.get(each.mount)
        figures = tr(
            "freed {actual} of {predicted} predicted",
            actual=size(max(0, each.bytes + each.own)),
            predicted=size(want.bytes if want is not None else 0),
        )
        why = why_different(want, each, complete)
        yield item(join((remote(each.mount), cell(figures, Tone.GOOD), cell(why, Tone.DIM))))
