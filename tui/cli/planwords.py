"""Plans in words and in JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tui.cli.jsonview import Object, time_json
from tui.cli.words import one_line, size
from tui.domain.changes import Severity
from tui.domain.diskbounds import Bound
from tui.domain.planitems import Item
from tui.domain.planmissed import Missed
from tui.domain.planreport import HostReport, PlanReport, Removed, between, why_different
from tui.domain.text import printable

__all__ = ["missed_lines", "plan_extra", "plan_json", "preview", "result_lines"]

_SIGNS = {Bound.EXACT: "", Bound.AT_LEAST: "at least ", Bound.AT_MOST: "at most ", Bound.BETWEEN: "about "}
MOST_ITEMS = 40


def preview(report: PlanReport) -> list[str]:
    """What a person reads before anything begins."""
    lines = []
    for host in report.hosts:
        lines.append(f"{host.host} would free {_SIGNS[host.outlook.bound]}{size(host.outlook.bytes)}")
        if len(host.outlook.mounts) > 1:
            lines += [
                f"  {_SIGNS[each.bound]}{size(each.bytes)} on {printable(each.mount)}" for each in host.outlook.mounts
            ]
        lines += (
            f"  {between(each)} on {printable(each.mount)}, as far as can be told"
            for each in host.outlook.mounts
            if each.bound is not Bound.EXACT
        )
        for reason in sorted(reason.value for reason in host.outlook.reasons):
            lines.append(f"  not exact: {reason.replace('_', ' ')}")
        lines += _items(host.outlook.items)
        for refusal in host.refused:
            word = "guarded" if refusal.severity is Severity.NAME else "refused"
            lines.append(f"  {word:<8} {refusal.item.kind.value:<11} {printable(refusal.item.path)}")
            for concern in refusal.concerns:
                lines.append(f"           {one_line(concern.text)}")
                lines += [f"             {one_line(detail)}" for detail in concern.details]
        for changed in host.changed:
            lines.append(f"  changed  {changed.item.kind.value:<11} {printable(changed.item.path)}")
            lines.append(f"           {', '.join(changed.differences)} since the plan was made: it stays")
        lines += [f"  twice    {each.kind.value:<11} {printable(each.path)}" for each in host.outlook.twice]
        if host.error is not None:
            lines.append(f"  {one_line(host.error)}")
    if len(report.hosts) > 1:
        lines.append(f"together {size(sum(host.outlook.bytes for host in report.hosts))}")
    return [*lines, *missed_lines(report.missed)]


def missed_lines(missed: Sequence[Missed]) -> list[str]:
    """Which hosts a plan knows nothing of; nothing when there are none."""
    if not missed:
        return []
    number = "1 host" if len(missed) == 1 else f"{len(missed)} hosts"
    lines = [f"not looked at when this was made, and in none of the sums: {number}"]
    lines += (f"  {each.host}  {one_line(each.message) or 'not counted'}" for each in missed[:MOST_ITEMS])
    return [*lines, f"  … and {len(missed) - MOST_ITEMS} more"] if len(missed) > MOST_ITEMS else lines


def plan_extra(report: PlanReport) -> Object:
    """The whole of a plan beside its hosts, for ``--json``."""
    return {
        "made": time_json(report.made),
        "ran": None if report.ran is None else time_json(report.ran),
        "operator": printable(report.by),
        "missed": [{"host": each.host, "kind": each.kind, "message": each.message or None} for each in report.missed],
    }


def _items(items: tuple[Item, ...]) -> Iterator[str]:
    for item in items[:MOST_ITEMS]:
        yield f"  goes     {item.kind.value:<11} {printable(item.path)}  {size(item.exclusive_bytes)}"
    if len(items) > MOST_ITEMS:
        yield f"  … and {len(items) - MOST_ITEMS} more"


def result_lines(report: PlanReport, detached: bool) -> list[str]:
    """How it ended: predicted against what the file systems say; *detached*: only that it was begun."""
    lines: list[str] = []
    for host in report.hosts:
        lines += (
            f"{host.host}:{printable(each.item.path)} {each.item.kind.value}: {_result(each, detached)}"
            for each in host.removed
        )
        complete = not host.failed
        predicted = {each.mount: each for each in host.outlook.mounts}
        for actual in host.actual or ():
            said = predicted.get(actual.mount)
            why = why_different(said, actual, complete)
            sign = "" if said is None else _SIGNS[said.bound]
            text = f"{host.host} {printable(actual.mount)}: freed {size(actual.bytes)}"
            text += f", predicted {sign}{size(0 if said is None else said.bytes)}"
            lines.append(text + (f" ({why})" if why else ""))
    return [*lines, *missed_lines(report.missed)]


def _result(removed: Removed, detached: bool) -> str:
    note = f" ({one_line(removed.note)})" if removed.note else ""
    if not removed.done:
        return f"not removed{note}"
    if detached:
        return f"task {removed.task}{note}"
    count = "" if removed.bytes is None else f", {size(removed.bytes)}, {removed.files} files"
    return f"removed{count}{note}"


def plan_json(host: HostReport) -> Object:
    """One host of a plan, as the outside contract has it."""
    removed = {each.item.key: each for each in host.removed}
    items: list[Object] = []
    for item in host.outlook.items:
        done = removed.get(item.key)
        state = "chosen" if done is None else ("removed" if done.done else "failed")
        items.append(_item_json(item, state) | _done_json(done))
    for refusal in host.refused:
        concerns: list[Object] = [
            {
                "kind": each.kind.value,
                "severity": each.severity.value,
                "text": str(each.text),
                "details": list(each.details),
            }
            for each in refusal.concerns
        ]
        items.append(_item_json(refusal.item, "refused") | {"concerns": concerns})
    items += (
        _item_json(changed.item, "changed") | {"differences": [each.value for each in changed.differences]}
        for changed in host.changed
    )
    items += (_item_json(item, "twice") for item in host.outlook.twice)
    known = host.outlook.counted is not None
    actual = {each.mount: each for each in host.actual or ()}
    mounts: list[Object] = [
        {
            "mount": printable(each.mount),
            "freed_bytes": each.bytes,
            "freed_inodes": each.files,
            "bound": each.bound.value,
            "reasons": sorted(reason.value for reason in each.reasons),
            "least_bytes": max(0, each.between[0]),
            "most_bytes": each.between[1],
            "actual_bytes": actual[each.mount].bytes if each.mount in actual else None,
            "own_bytes": actual[each.mount].own if each.mount in actual else None,
            "actual_inodes": actual[each.mount].inodes if each.mount in actual else None,
            "difference": why_different(each, actual[each.mount], not host.failed) if each.mount in actual else None,
        }
        for each in host.outlook.mounts
    ]
    return {
        "host": host.host,
        "items": items,
        "freed_bytes": host.outlook.bytes if known else None,
        "freed_inodes": host.outlook.files if known else None,
        "bound": host.outlook.bound.value if known else None,
        "mounts": mounts,
        "actual_bytes": host.actual_bytes,
        "error": host.error,
    }


def _item_json(item: Item, state: str) -> Object:
    return {
        "kind": item.kind.value,
        "path": printable(item.path),
        "name": None if item.name is None else printable(item.name),
        "bytes": item.bytes,
        "exclusive_bytes": item.exclusive_bytes,
        "files": item.files,
        "last_used": None if item.last_used is None else time_json(item.last_used),
        "last_used_signal": item.last_used_signal,
        "state": state,
    }


def _done_json(done: Removed | None) -> Object:
    if done is None:
        return {}
    return {"task": done.task, "removed_bytes": done.bytes, "removed_files": done.files, "note": done.note}
