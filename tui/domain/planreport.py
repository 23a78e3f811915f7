"""What became of a plan: predicted, removed, and what the file systems say, with the difference explained. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from tui.domain.diskbounds import Bound
from tui.domain.planitems import Item
from tui.domain.planmissed import Missed
from tui.domain.plans import Changed, HostOutlook, MountFreed, Refusal
from tui.domain.text import printable

__all__ = ["HostReport", "MountActual", "PlanReport", "Removed", "between", "markdown", "why_different"]


@dataclass(frozen=True, slots=True)
class Removed:
    """An item that a task worked on."""

    item: Item
    done: bool
    """True when its task ended well: it was seen on the disk that it is gone."""
    task: str | None = None
    files: int | None = None
    bytes: int | None = None
    """As the program that removed it counted; None where it does not."""
    note: str = ""
    """What stayed and why, or why it failed; in printed form."""


@dataclass(frozen=True, slots=True)
class MountActual:
    """What a file system says itself: free after minus free before. Others use it meanwhile, too."""

    mount: str
    bytes: int
    inodes: int
    own: int = 0
    """What the tasks that removed it wrote there themselves: their logs stay a while."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """One host's part of a plan that was run, or only looked at."""

    host: str
    outlook: HostOutlook
    changed: tuple[Changed, ...] = ()
    """What was refused because it is not what was chosen."""
    removed: tuple[Removed, ...] = ()
    actual: tuple[MountActual, ...] | None = None
    """None when it was not run, or the host did not say."""
    error: str | None = None
    """Why nothing of it could be done, or not all; in printed form."""

    @property
    def actual_bytes(self) -> int | None:
        """On all file systems together."""
        return None if self.actual is None else sum(each.bytes for each in self.actual)

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """What may not go."""
        return self.outlook.refused

    @property
    def failed(self) -> bool:
        """True when something was to be done, and was not."""
        return self.error is not None or any(not each.done for each in self.removed)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """All hosts of a plan."""

    hosts: tuple[HostReport, ...]
    made: float
    ran: float | None = None
    """Unix time, operator's clock; None when it was only looked at."""
    by: str = ""
    missed: tuple[Missed, ...] = ()
    """Hosts that were not looked at when it was made."""

    @property
    def refused(self) -> bool:
        """True when something was refused."""
        return any(each.refused or each.changed for each in self.hosts)

    @property
    def failed(self) -> bool:
        """True when something failed."""
        return any(each.failed for each in self.hosts)


def why_different(predicted: MountFreed | None, actual: MountActual, complete: bool) -> str:
    """How *actual* is not what was predicted; empty when it is. *complete*: all that was to go went.

    What lies outside the interval that was told is told as that, with what may be behind it: nobody saw what it was.
    """
    said = MountFreed(actual.mount, 0, 0) if predicted is None else predicted
    if actual.bytes == said.bytes:
        return ""
    own = f"the tasks' own logs hold {_size(actual.own)} there" if actual.own and actual.bytes < said.bytes else ""
    freed = actual.bytes + (actual.own if own else 0)
    if own and freed == said.bytes:
        return own
    least, most = said.between
    if not complete:
        why = "not everything went"
    elif freed >= least and (most is None or freed <= most):
        names = ", ".join(sorted(reason.value.replace("_", " ") for reason in said.reasons))
        why = f"within what was told, {between(said)}: {names}"
    elif freed > said.bytes:
        told = "" if said.bound is Bound.EXACT or most is None else f", more than the {_size(most)} that could be"
        why = f"not as predicted{told}: others may have freed space there meanwhile"
    else:
        told = "" if said.bound is Bound.EXACT else f", less than the {_size(least)} that had to be"
        why = (
            f"not as predicted{told}: others may have written there meanwhile, a process may have removed files open, "
            "or a snapshot may keep them"
        )
    return f"{own}, and {why}" if own else why


def between(said: MountFreed) -> str:
    """``0 B to 5.7 GiB (6,100,000,000 B)``: the interval of a number that is not exact."""
    least, most = said.between
    return f"{_size(max(0, least))} {'or more' if most is None else f'to {_size(most)}'}"


def _size(value: int | None) -> str:
    """``5.7 GiB (6,100,000,000 B)``."""
    if value is None:
        return "unknown"
    shown, unit = float(value), "B"
    for name in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if abs(shown) < 1024:
            break
        shown, unit = shown / 1024, name
    return f"{value:,} B" if unit == "B" else f"{shown:.1f} {unit} ({value:,} B)"


_SIGNS = {Bound.EXACT: "", Bound.AT_LEAST: "at least ", Bound.AT_MOST: "at most ", Bound.BETWEEN: "about "}
_MARKED = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|!~&"})


def _text(raw: str) -> str:
    """Host's words as plain text of Markdown: no markup of theirs takes effect."""
    return printable(raw).translate(_MARKED)


def _when(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S} UTC"


def markdown(report: PlanReport) -> str:
    """The report for a ticket."""
    verb = "Looked at" if report.ran is None else "Run"
    by = f" by {_text(report.by)}" if report.by else ""
    lines = ["# Disk plan", "", f"Made {_when(report.made)}{by}."]
    if report.ran is not None:
        lines[-1] += f" {verb} {_when(report.ran)}."
    if report.missed:
        lines += ["", f"**Not looked at when it was made, and in none of the sums: {_hosts(report.missed)}.**", ""]
        lines += [f"- {_text(each.host)}: {_text(each.message) or 'not counted'}" for each in report.missed]
    for host in report.hosts:
        lines += ["", f"## {_text(host.host)}", "", *_host(host, report.ran is not None)]
    return "\n".join(lines) + "\n"


def _hosts(missed: tuple[Missed, ...]) -> str:
    return "1 host" if len(missed) == 1 else f"{len(missed)} hosts"


def _host(host: HostReport, ran: bool) -> list[str]:
    head = ["file system", "predicted", *(("actual", "difference") if ran else ())]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    actual = {each.mount: each for each in host.actual or ()}
    predicted = {each.mount: each for each in host.outlook.mounts}
    complete = not host.failed
    for mount in sorted({*actual, *predicted}):
        said, found = predicted.get(mount), actual.get(mount)
        size = 0 if said is None else said.bytes
        sign = "" if said is None else _SIGNS[said.bound]
        told = "" if said is None or said.bound is Bound.EXACT else f", {between(said)}"
        row = [_text(mount), sign + _size(size) + told]
        if ran and found is None:
            row += ["unknown", ""]
        elif found is not None:
            why = why_different(said, found, complete)
            row += [_size(found.bytes), f"{found.bytes - size:+,} B{': ' + why if why else ''}"]
        lines.append(f"| {' | '.join(row)} |")
    if host.error is not None:
        lines += ["", f"**{_text(host.error)}**"]
    done = {each.item.key: each for each in host.removed}
    lines += ["", "| what | path | held | result |", "|---|---|---|---|"]
    for item in host.outlook.items:
        each = done.get(item.key)
        result = "would go" if each is None else ("removed" if each.done else "failed")
        if each is not None and each.note:
            result += f": {_text(each.note)}"
        lines.append(f"| {item.kind.value} | {_text(item.path)} | {_size(item.bytes)} | {result} |")
    for refusal in host.refused:
        why = " ".join(concern.text for concern in refusal.concerns)
        lines.append(f"| {refusal.item.kind.value} | {_text(refusal.item.path)} |  | refused: {_text(why)} |")
    for changed in host.changed:
        why = ", ".join(difference.value for difference in changed.differences)
        lines.append(f"| {changed.item.kind.value} | {_text(changed.item.path)} |  | refused, changed since: {why} |")
    for item in host.outlook.twice:
        lines.append(f"| {item.kind.value} | {_text(item.path)} |  | the same as on an earlier host |")
    return lines
