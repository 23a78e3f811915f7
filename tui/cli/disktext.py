"""What a host's disk holds, for people: on a terminal, or as Markdown for a ticket. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tui.cli.diskjson import HostAnswer, totals
from tui.cli.tables import Column, Table
from tui.cli.words import UNKNOWN, age, harmless, size
from tui.domain.caches import CacheKind
from tui.domain.cacheusers import why_unseen
from tui.domain.diskbounds import Bound
from tui.domain.diskplaces import OwnerKind
from tui.domain.diskreport import CacheUse, EnvironmentUse, MountUse, SliceKind
from tui.domain.disktable import OwnerState
from tui.domain.suggestions import Suggestion
from tui.domain.text import printable

__all__ = ["Section", "disk_lines", "disk_markdown"]

MOST_ROWS = 10
BAR = 30
_SIGNS = {Bound.EXACT: "", Bound.AT_LEAST: "≥ ", Bound.AT_MOST: "≤ ", Bound.BETWEEN: "~ "}
_SLICES = {
    SliceKind.ENVIRONMENTS: "environments alone",
    SliceKind.SHARED: "shared by environments and caches",
    SliceKind.PACKAGES: "packages in caches, in use",
    SliceKind.UNUSED: "packages nothing uses",
    SliceKind.TARBALLS: "downloaded packages",
    SliceKind.CACHE: "the rest of package caches",
    SliceKind.ASIDE: "put aside",
    SliceKind.TOOLS: "other tools' caches",
    SliceKind.INSTALLS: "installs",
    SliceKind.ELSE: "everything else",
}
_KINDS: dict[OwnerKind | CacheKind, str] = {
    OwnerKind.ENVIRONMENT: "environment",
    OwnerKind.ASIDE: "put aside",
    OwnerKind.PACKAGES: "unused packages",
    OwnerKind.PARTIAL: "unfinished, temporary",
}
_STATES = {
    OwnerState.ABSENT: "not there",
    OwnerState.DENIED: "may not be read",
    OwnerState.LINK: "a soft link",
    None: "not counted",
}


@dataclass(frozen=True)
class Section:
    """A part of what is told: a heading, then lines, a table, and notes below it."""

    title: str
    lines: tuple[str, ...] = ()
    table: Table | None = None
    notes: tuple[str, ...] = ()


def disk_lines(answers: Sequence[HostAnswer], now: float, width: int | None, *, everything: bool = False) -> list[str]:
    """For a terminal of so many columns; None: in full."""
    lines: list[str] = []
    for answer in answers:
        for section in _sections(answer, now, width, everything):
            lines += ["", section.title] if lines else [section.title]
            lines += [f"  {line}" for line in section.lines]
            if section.table is not None:
                lines += [f"  {line}" for line in section.table.lines(None if width is None else max(20, width - 2))]
            lines += [f"  {note}" for note in section.notes]
    return [_cut(line, width) for line in (*lines, *_together(answers))]


def disk_markdown(answers: Sequence[HostAnswer], now: float, *, everything: bool = False) -> list[str]:
    """The same as Markdown."""
    lines: list[str] = []
    for answer in answers:
        for number, section in enumerate(_sections(answer, now, None, everything)):
            lines += [f"{'##' if number == 0 else '###'} {_escaped(section.title)}", ""]
            if section.lines:
                lines += ["```", *section.lines, "```", ""]
            if section.table is not None:
                lines += [*_table(section.table), ""]
            lines += [line for note in section.notes for line in (_escaped(note), "")]
    return [*lines, *_together(answers)[1:]]


def _together(answers: Sequence[HostAnswer]) -> list[str]:
    """Of several hosts, what they hold, counting once what more than one of them sees."""
    if len(answers) < 2:
        return []
    count, held = totals(answers)
    return ["", f"{len(answers)} hosts: {count} environments; ours hold {size(held)}. What several see counts once."]


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>|#" else char for char in text)


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(column.title for column in table.columns) + " |"
    yield "|" + "|".join("---:" if column.right else "---" for column in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(map(_escaped, row)) + " |"


def _cut(line: str, width: int | None) -> str:
    if width is None or cell_len(line) <= width:
        return line
    while cell_len(line) > max(1, width - 1):
        line = line[:-1]
    return line + "…"


def _sections(answer: HostAnswer, now: float, width: int | None, everything: bool) -> Iterator[Section]:
    count = answer.disk.count
    ago = age(now - count.time)
    when = "just now" if ago == "now" else f"{ago} ago"
    machine = answer.disk.snapshot.machine.value
    played = "; what others hold there is played" if machine is not None and machine.played else ""
    title = f"{answer.disk.host}: {count.entries:,} entries counted {when}{played}"
    yield Section(title, tuple(_mounts(answer, width)))
    most = None if everything else MOST_ROWS
    if answer.environments:
        yield _environments(answer.environments, now, most)
    if answer.only is None:
        if answer.disk.caches:
            yield _caches(answer.disk.caches)
        if answer.disk.items:
            yield _tools(answer, now, most)
    if answer.suggested:
        yield _suggestions(answer, most)


# -- file systems


def _mounts(answer: HostAnswer, width: int | None) -> Iterator[str]:
    if not answer.mounts:
        yield "No conda was found there."
    for use in answer.mounts:
        yield _mount(use)
        held = [each for each in use.slices if each.kind is not SliceKind.ELSE and each.bytes]
        largest = max((each.bytes for each in held), default=0)
        names = 34 if width is None else max(10, min(34, width - 26))
        room = BAR if width is None else max(4, min(BAR, width - names - 16))
        for each in held:
            name, bar = _cut(_SLICES[each.kind], names - 1), "█" * max(1, round(room * each.bytes / largest))
            yield f"  {name:{names}}{size(each.bytes):>10} {bar}"


def _mount(use: MountUse) -> str:
    where = "a file system that is not known" if use.path is None else printable(use.path)
    mount = use.mount
    if mount is None or mount.used_bytes is None:
        return f"{where}: ours hold {size(use.held_bytes)}; how full it is is not known"
    used = "" if mount.used_fraction is None else f" ({100 * mount.used_fraction:.0f}% full)"
    inodes = ""
    if mount.inodes and mount.inodes_free is not None:
        inodes = f", inodes {100 * (1 - mount.inodes_free / mount.inodes):.0f}% used"
    return (
        f"{where} ({printable(mount.fs_type)}): {size(mount.free_bytes)} free of {size(mount.size_bytes)}{used}"
        f"{inodes}; ours hold {size(use.held_bytes)}"
    )


# -- environments and caches


def _environments(uses: Sequence[EnvironmentUse], now: float, most: int | None) -> Section:
    columns = (
        Column("ENVIRONMENT", flexible=True), Column("SIZE", right=True), Column("ALONE", right=True),
        Column("SHARED", right=True, drop=2), Column("FILES", right=True, drop=4),
        Column("LAST USED", right=True, drop=1), Column("SHARES WITH", flexible=True, drop=3),
    )  # fmt: skip
    rows = []
    labels = Counter(use.environment.label for use in uses)
    for use in uses[:most]:
        env, held = use.environment, use.size
        name = env.label if labels[env.label] == 1 else env.prefix
        used = "in use" if env.in_use else UNKNOWN if env.last_used is None else age(now - env.last_used)
        if held is None:
            why = "a soft link" if env.linked_to is not None else _STATES.get(use.state, "not counted")
            rows.append((printable(name), UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, used, why))
            continue
        others = [f"{printable(each.label)} {size(each.bytes)}" for each in use.shared_with[:2]]
        more = use.sharers - len(others)
        rows.append(
            (
                printable(name),
                size(held.total_bytes),
                _SIGNS[held.bound] + size(held.exclusive_bytes),
                size(held.shared_bytes),
                f"{held.files:,}",
                used,
                ", ".join(others) + (f" and {more} more" if more > 0 else ""),
            )
        )
    notes = [*_more(len(uses), most)]
    if any(use.size is not None and use.size.bound is not Bound.EXACT for use in uses):
        notes.append("≥ at least, ≤ at most, ~ about: the file system does not let it be told exactly.")
    return Section(
        "Environments, by what removing each alone gives back", (), Table(columns, tuple(rows)), tuple(notes)
    )


def _caches(caches: Sequence[CacheUse]) -> Section:
    columns = (
        Column("PACKAGE CACHE", flexible=True), Column("SIZE", right=True), Column("TARBALLS", right=True),
        Column("UNUSED", right=True), Column("INDEX", right=True, drop=3), Column("TEMP", right=True, drop=2),
        Column("LOGS", right=True, drop=4),
    )  # fmt: skip
    order = (OwnerKind.TARBALLS, OwnerKind.PACKAGES, OwnerKind.INDEX, OwnerKind.PARTIAL, OwnerKind.LOGS)
    rows, notes = [], []
    for cache in caches:
        parts = (cache.part(kind) for kind in order)
        freed = (UNKNOWN if part is None else size(part.freed_bytes) for part in parts)
        rows.append((printable(cache.path), size(cache.bytes), *freed))
        if not cache.users.seen and cache.parts:
            why = "; ".join(harmless(why_unseen(reason)) for reason in cache.users.unseen)
            notes.append(f"{printable(cache.path)}: its packages count as used: {why}.")
    return Section(
        "Package caches, by what cleaning each part gives back", (), Table(columns, tuple(rows)), tuple(notes)
    )


def _tools(answer: HostAnswer, now: float, most: int | None) -> Section:
    columns = (
        Column("CACHE"), Column("SIZE", right=True), Column("ALONE", right=True), Column("UNUSED FOR", right=True),
        Column("PATH", flexible=True), Column("OWNER", flexible=True, drop=1),
    )  # fmt: skip
    items = answer.disk.items or ()
    rows = [
        (
            item.kind.value,
            size(item.bytes),
            UNKNOWN if item.bytes is None else size(item.freed_bytes),
            UNKNOWN if item.last_used is None else age(now - item.last_used),
            printable(item.path),
            UNKNOWN if item.owner is None else printable(item.owner),
        )
        for item in items[:most]
    ]
    return Section("Other tools' caches", (), Table(columns, tuple(rows)), tuple(_more(len(items), most)))


def _more(total: int, most: int | None) -> list[str]:
    return [] if most is None or total <= most else [f"and {total - most} more; --all shows them"]


# -- suggestions


def _suggestions(answer: HostAnswer, most: int | None) -> Section:
    columns = (
        Column("GIVES BACK", right=True), Column("WHAT"), Column("WHICH", flexible=True), Column("WHY", flexible=True),
    )  # fmt: skip
    found = answer.suggested
    rows = tuple(
        (
            _SIGNS[each.bound] + size(each.bytes),
            _KINDS[each.what] if each.what in _KINDS else f"{each.what.value}{_suffix(each)}",
            printable(each.label),
            "; ".join(map(harmless, each.reasons)),
        )
        for each in found[:most]
    )
    notes = _more(len(found), most)
    prices = dict.fromkeys(harmless(each.price) for each in found[:most] if each.price is not None)
    ways = dict.fromkeys(f"{each.what.value}: {harmless(each.way)}" for each in found[:most] if each.way is not None)
    notes += [*prices, *ways]
    plan = answer.plan
    if answer.only is None and plan.suggestions:
        sign = {Bound.EXACT: "", Bound.AT_LEAST: "at least ", Bound.AT_MOST: "at most ", Bound.BETWEEN: "about "}
        few = "one" if len(plan.suggestions) == 1 else str(len(plan.suggestions))
        notes.append(f"A sensible plan, {few} of these, gives back {sign[plan.bound]}{size(plan.bytes)} together.")
    return Section("What could go", (), Table(columns, rows), tuple(notes))


def _suffix(each: Suggestion) -> str:
    return " cache" if isinstance(each.what, CacheKind) and each.what not in (CacheKind.CORE, CacheKind.TRASH) else ""
