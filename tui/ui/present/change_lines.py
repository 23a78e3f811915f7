"""What a change dialog says: what would run, what speaks against it, what it does to packages and to the disk."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import replace

from tui.domain.changes import Change, ChangeKind, Concern, Prepared, Severity
from tui.domain.diskbounds import together
from tui.domain.phrases import phrase
from tui.domain.toolargs import EXPLICIT_FILE, explicit_source, pip_argv
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.package_plans import alike, counts, one_plan
from tui.ui.present.words import BOUND_MARKS, bounded, day, size, size_long

__all__ = ["KIND_WORDS", "command_text", "key_of", "lines", "named", "refused", "title", "verb"]

KIND_WORDS: dict[str, str] = {
    ChangeKind.CREATE.value: phrase("create"),
    ChangeKind.CLONE.value: phrase("clone"),
    ChangeKind.REMOVE.value: phrase("remove"),
    ChangeKind.RENAME.value: phrase("rename"),
    ChangeKind.RECREATE.value: phrase("recreate"),
    ChangeKind.INSTALL.value: phrase("install"),
    ChangeKind.UPDATE.value: phrase("update"),
    ChangeKind.UNINSTALL.value: phrase("uninstall"),
    ChangeKind.CLEAN.value: phrase("clean"),
    ChangeKind.RESTORE.value: phrase("restore"),
    ChangeKind.PURGE.value: phrase("purge"),
}
"""Kinds of tasks in words; a kind that is not here stands as it is."""
SEVERITIES: tuple[tuple[Severity, str, Tone], ...] = (
    (Severity.FORBIDDEN, phrase("Refused"), Tone.BAD),
    (Severity.NAME, phrase("Only by its name"), Tone.WARN),
    (Severity.WARNING, phrase("Look at this"), Tone.WARN),
    (Severity.NOTE, phrase("To know"), Tone.DIM),
)
"""What weighs most first."""
DETAILS = 12
VICTIMS = 200


def key_of(change: Change) -> Hashable:
    """The row of the Environments table that a change is about."""
    return (change.host, change.prefix)


def verb(kind: ChangeKind) -> str:
    """What is done, as a button says it."""
    word = said(KIND_WORDS[kind.value])
    return word[:1].upper() + word[1:]


def title(prepared: Sequence[Prepared]) -> Cell:
    """What is asked."""
    if len(prepared) == 1:
        change = prepared[0].change
        name = join((remote(change.label, Tone.ACCENT), cell(tr("on {host}", host=change.host))), " ")
        return join((cell(verb(change.kind)), name), " ")
    hosts = len({each.change.host for each in prepared})
    many = trn("{n} environment", "{n} environments", len(prepared))
    return join((cell(verb(prepared[0].change.kind)), cell(many), cell(trn("on {n} host", "on {n} hosts", hosts))), " ")


def command_text(prepared: Sequence[Prepared]) -> str:
    """What will run, a command a line, as a shell takes it; in printed form."""
    return "\n".join(" ".join(shlex.quote(shown(word)) for word in each.argv) for each in prepared if each.argv)


def refused(prepared: Prepared) -> bool:
    """Whether there is no way to start it."""
    return any(each.severity is Severity.FORBIDDEN for each in prepared.concerns)


def named(prepared: Prepared) -> bool:
    """Whether it takes its name typed."""
    return any(each.severity is Severity.NAME for each in prepared.concerns)


def lines(prepared: Sequence[Prepared], hidden: Collection[Hashable] = ()) -> list[Line]:
    """All of it; *hidden*: rows that a filter hides at present."""
    return list(_one(prepared[0], hidden) if len(prepared) == 1 else _several(prepared, hidden))


def _one(prepared: Prepared, hidden: Collection[Hashable]) -> Iterator[Line]:
    change = prepared.change
    yield pair(tr("Place"), remote(change.prefix))
    if change.new_prefix is not None:
        yield pair(tr("Becomes"), remote(change.new_prefix))
    if change.source is not None:
        yield pair(tr("From"), join((cell(change.source.host), remote(change.source.prefix))))
    yield from _runs(prepared)
    yield from _disk(prepared)
    yield from _carried(prepared)
    if key_of(change) in hidden:
        yield words(tr("It is hidden by the filter now."), Tone.WARN)
    for severity, name, tone in SEVERITIES:
        found = [each for each in prepared.concerns if each.severity is severity]
        if found:
            yield blank()
            yield heading(cell(said(name), tone))
            for concern in found:
                yield from _concern(concern, tone)
    if prepared.packages is not None:
        yield blank()
        yield from one_plan(prepared.packages)


def _runs(prepared: Prepared, *, source: bool = True) -> Iterator[Line]:
    """The exact command, and what pip does after it; *source*: what writes a file that the command names."""
    change = prepared.change
    if prepared.argv:
        yield pair(tr("Runs"), cell(command_text([prepared]), Tone.STRONG))
    if source and (listed_by := explicit_source(change)) is not None and EXPLICIT_FILE in prepared.argv:
        yield pair("", cell(said(listed_by), Tone.DIM))
    then = pip_argv(change)
    if then and then != prepared.argv:
        yield pair(tr("Then"), cell(command_text([replace(prepared, argv=then)]), Tone.STRONG))


def _carried(prepared: Prepared) -> Iterator[Line]:
    cargo = prepared.cargo
    if cargo is None:
        return
    parts = []
    if cargo.loads:
        count = trn("{n} package", "{n} packages", len(cargo.loads))
        way = tr("from {host} through this machine", host=cargo.source)
        parts += [cell(count), cell(size_long(cargo.total_bytes)), cell(way)]
    if cargo.arrived:
        ready = trn("{n} lies ready there", "{n} lie ready there", len(cargo.arrived))
        parts.append(cell(ready, Tone.DIM))
    if cargo.free_bytes is not None:
        parts.append(cell(tr("{free} free", free=size_long(cargo.free_bytes)), Tone.DIM))
    yield pair(tr("Carries"), join(parts, tr(", ")))


def _disk(prepared: Prepared) -> Iterator[Line]:
    known = prepared.size
    if known is not None:
        later = tr("put aside first, freed when it is purged") if prepared.change.keep_s > 0 else ""
        counted = tr("counted {when}", when=day(known.time))
        frees = bounded(size_long(known.exclusive_bytes), known.bound)
        total = tr("{some} of {all}", some=frees, all=size_long(known.total_bytes))
        why = cell(said(prepared.uncounted), Tone.WARN)
        yield pair(tr("Frees"), join((cell(total), cell(later), cell(counted, Tone.DIM), why), tr(", ")))
    elif prepared.change.kind is ChangeKind.REMOVE:
        yield pair(tr("Frees"), cell(said(prepared.uncounted) or tr("not counted yet"), Tone.DIM))
    yield from _needs(prepared)


def _needs(prepared: Prepared) -> Iterator[Line]:
    if prepared.needed_bytes is not None:
        tight = prepared.free_bytes is not None and prepared.needed_bytes > prepared.free_bytes
        need = tr(
            "about {need}, {free} free", need=size_long(prepared.needed_bytes), free=size_long(prepared.free_bytes)
        )
        yield pair(tr("Needs"), cell(need, Tone.BAD if tight else Tone.PLAIN))


def _concern(concern: Concern, tone: Tone) -> Iterator[Line]:
    yield item(cell(said(concern.text), Tone.PLAIN if tone is Tone.DIM else tone))
    for detail in concern.details[:DETAILS]:
        yield Line(cell("  " + said(detail), Tone.DIM), indent=4)
    if len(concern.details) > DETAILS:
        yield words("  " + tr("and {n} more", n=len(concern.details) - DETAILS), Tone.DIM)


def _several(prepared: Sequence[Prepared], hidden: Collection[Hashable]) -> Iterator[Line]:
    sizes = [each.size for each in prepared if each.size is not None and not refused(each)]
    if sizes:
        bound = BOUND_MARKS[together(each.bound for each in sizes)]
        frees = cell(bound + size(sum(each.exclusive_bytes for each in sizes)), Tone.STRONG)
        oldest = cell(tr("counted {when}", when=day(min(each.time for each in sizes))), Tone.DIM)
        unknown = sum(each.size is None and not refused(each) for each in prepared)
        rest = trn("{n} not counted", "{n} not counted", unknown) if unknown else ""
        yield pair(tr("Frees"), join((frees, oldest, cell(rest, Tone.WARN)), tr(", ")))
    out_of_sight = sum(key_of(each.change) in hidden for each in prepared)
    if out_of_sight:
        yield words(
            trn("{n} of them hidden by the filter", "{n} of them hidden by the filter", out_of_sight), Tone.WARN
        )
    first = not sizes and not out_of_sight
    for each in prepared[:VICTIMS]:
        if not first:
            yield blank()
        first = False
        yield heading(_victim(each, key_of(each.change) in hidden))
        if each.packages is not None:
            yield from _runs(each, source=False)
            yield from _needs(each)
        yield from _carried(each)
        for severity, _, tone in SEVERITIES:
            for concern in each.concerns:
                if concern.severity is severity:
                    yield from _concern(concern, tone)
    if len(prepared) > VICTIMS:
        yield words(tr("and {n} more", n=len(prepared) - VICTIMS), Tone.WARN)
    yield from alike(prepared)


def _victim(prepared: Prepared, out_of_sight: bool) -> Cell:
    known = prepared.size
    frees = "" if known is None else BOUND_MARKS[known.bound] + size(known.exclusive_bytes)
    return join(
        (
            remote(prepared.change.label, Tone.STRONG),
            cell(tr("on {host}", host=prepared.change.host)),
            cell(frees),
            () if prepared.packages is None else counts(prepared.packages),
            cell(tr("Refused"), Tone.BAD) if refused(prepared) else (),
            cell(tr("hidden by the filter"), Tone.WARN) if out_of_sight else (),
        )
    )
