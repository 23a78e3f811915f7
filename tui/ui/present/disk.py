"""The Disk table: a row for everything that could go, of every host that was counted."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence

from tui.domain.environments import EnvKind
from tui.domain.faults import Fault
from tui.domain.filters_disk import CountedHost, DiskRow
from tui.domain.phrases import phrase
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.plans import HostOutlook, outlook
from tui.domain.suggestions import LEAST_BYTES
from tui.services.store import HostView
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Live, Tone, cell, join, plain, remote
from tui.ui.present.environments import path_end
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.groups import Grouping, GroupKey
from tui.ui.present.table import Column, Row
from tui.ui.present.words import BOUND_MARKS, UNKNOWN, age_cell, size

__all__ = ["COLUMNS", "GROUPINGS", "WHAT", "is_thing", "joint", "rows"]

WHAT: dict[ItemKind, str] = {
    ItemKind.ENVIRONMENT: phrase("environment"),
    ItemKind.ASIDE: phrase("put aside"),
    ItemKind.TARBALLS: phrase("tarballs"),
    ItemKind.PACKAGES: phrase("unused packages"),
    ItemKind.INDEX: phrase("channel index"),
    ItemKind.TEMP: phrase("temporary files"),
    ItemKind.LOGS: phrase("logs"),
    ItemKind.PIP: phrase("pip's cache"),
    ItemKind.UV: phrase("uv's cache"),
    ItemKind.HUB: phrase("model hub"),
    ItemKind.HF: phrase("Hugging Face"),
    ItemKind.TORCH: phrase("torch hub"),
    ItemKind.TRITON: phrase("Triton's cache"),
    ItemKind.WANDB: phrase("wandb's cache"),
    ItemKind.RUNS: phrase("wandb runs"),
    ItemKind.OTHER: phrase("other cache"),
    ItemKind.CORE: phrase("core dump"),
    ItemKind.TRASH: phrase("conda's trash"),
}
"""What an item is, in the words of its column."""

COLUMNS = (
    Column("name", phrase("What could go"), 0, 20, 44, by=lambda row: _name_order(row)),
    Column("frees", phrase("Frees"), 1, 6, 7, right=True, by=lambda row: _frees(row), falling=True),
    Column("host", phrase("Host"), 2, 9, 20, by=lambda row: _host(row)),
    Column("why", phrase("Why, or why not"), 4, 24, 56),
    Column("unused", phrase("Unused"), 5, 6, 7, right=True, by=lambda row: _of(row, "idle_days"), falling=True),
    Column("age", phrase("Age"), 3, 5, 8, right=True, live=5),
    Column("holds", phrase("Holds"), 6, 6, 7, right=True, by=lambda row: _holds(row), falling=True),
    Column("files", phrase("Files"), 7, 7, 9, right=True, by=lambda row: _files(row), falling=True),
    Column("what", phrase("Kind"), 11, 12, 18, by=lambda row: plain(_what(row)) if isinstance(row, DiskRow) else None),
    Column("mount", phrase("Mount"), 9, 10, 24, end=True, by=lambda row: _of(row, "mount")),
    Column("path", phrase("Path"), 10, 24, 80, end=True, by=lambda row: _path(row)),
)

MISSING = cell(UNKNOWN, Tone.DIM)


class Uncounted:
    """The row of a host of whose disk nothing is known yet."""

    def __init__(self, view: HostView, seen: int | None, fault: Fault | None) -> None:
        self.host = view.name
        self.groups = view.spec.groups
        self.seen = seen
        """How much was looked at so far; None when nobody counts."""
        self.fault = fault


def is_thing(key: Hashable) -> bool:
    """Whether *key* is of something that could go, not of a host to be counted."""
    return isinstance(key, tuple) and len(key) == 3


def rows(view: HostView, told: CountedHost | None, seen: int | None, fault: Fault | None) -> list[Row]:
    """The rows of one host; one that was never counted has a row that says so."""
    if told is None:
        return [_uncounted(Uncounted(view, seen, fault))]
    return [_row(row, told) for row in told.rows]


def _uncounted(about: Uncounted) -> Row:
    if about.seen is not None:
        words = trn("counting: {n} file so far", "counting: {n} files so far", about.seen)
        state = cell(words, Tone.ACCENT)
    elif about.fault is not None:
        state = cell(fault_words(about.fault), fault_tone(about.fault))
    else:
        state = cell(tr("n counts it"), Tone.DIM)
    name = cell(tr("the whole disk"), Tone.DIM)
    rest = [MISSING] * 7
    cells: list[Cell | Live] = [name, MISSING, cell(about.host), state, *rest]
    facts = DiskRow(Item(about.host, ItemKind.ENVIRONMENT, ""), groups=about.groups, said=plain(state))
    return Row((about.host,), cells, item=about, facts=facts)


def _row(row: DiskRow, told: CountedHost) -> Row:
    item = row.item
    why = _why(row)
    row.said = " ".join((plain(_what(row)), plain(why)))
    bound = "" if row.suggestion is None else BOUND_MARKS[row.suggestion.bound]
    frees = MISSING
    if row.frees is not None and not row.forbidden:
        frees = cell(bound + size(row.frees), Tone.PLAIN if row.frees else Tone.DIM)
    idle = MISSING if row.idle_days is None else cell(f"{row.idle_days}d")
    return Row(
        item.key,
        (
            _name(row),
            frees,
            cell(item.host),
            why,
            idle,
            age_cell(told.disk.count.time),
            cell(size(item.bytes), Tone.DIM),
            MISSING if item.files is None else cell(f"{item.files:,}", Tone.DIM),
            _what(row),
            remote(row.mount, Tone.DIM) or MISSING,
            remote(item.path, Tone.DIM),
        ),
        item=row,
        facts=row,
    )


def _name(row: DiskRow) -> Cell:
    """An environment by its name; of anything else what it is, then where."""
    if row.item.kind is ItemKind.ENVIRONMENT:
        if row.item.name is None:
            return path_end(row.item.path, 2, Tone.PLAIN)
        base = row.environment is not None and row.environment.kind is EnvKind.BASE
        return join((remote(row.item.name, Tone.STRONG), path_end(row.item.path) if base else ()), " ")
    return join((_what(row), path_end(row.item.path, 2)), " ")


def _what(row: DiskRow) -> Cell:
    return cell(said(WHAT[row.item.kind]))


def _why(row: DiskRow) -> Cell:
    if row.refusals:
        return cell(said(row.refusals[0]), Tone.WARN)
    if row.suggestion is not None:
        words = tr(", ").join(said(reason) for reason in row.suggestion.reasons)
        return cell(words, Tone.GOOD if row.sensible else Tone.PLAIN)
    if row.not_suggested:
        return cell(said(row.not_suggested), Tone.DIM)
    if row.frees is not None and row.frees < LEAST_BYTES:
        return cell(tr("too little to matter"), Tone.DIM)
    return cell(tr("nothing speaks for it"), Tone.DIM)


def _of(row: object, name: str) -> object:
    return getattr(row, name) if isinstance(row, DiskRow) else None


def _frees(row: object) -> int | None:
    return row.frees if isinstance(row, DiskRow) and not row.forbidden else None


def _host(row: object) -> str | None:
    if isinstance(row, DiskRow):
        return row.item.host
    return row.host if isinstance(row, Uncounted) else None


def _name_order(row: object) -> str | None:
    return plain(_name(row)).casefold() if isinstance(row, DiskRow) else None


def _holds(row: object) -> int | None:
    return row.item.bytes if isinstance(row, DiskRow) else None


def _files(row: object) -> int | None:
    return row.item.files if isinstance(row, DiskRow) else None


def _path(row: object) -> str | None:
    return row.item.path if isinstance(row, DiskRow) else None


def _title_host(key: GroupKey | None, items: Sequence[object]) -> Cell:
    name = cell(key[0] if key else UNKNOWN, Tone.STRONG)
    return join((name, _sum(items)))


def _title_mount(key: GroupKey | None, items: Sequence[object]) -> Cell:
    if key is None:
        return join((cell(tr("file system not known"), Tone.STRONG), _sum(items)))
    name = join((remote(key[1], Tone.STRONG), cell(tr("on {host}", host=key[0]))), " ")
    return join((name, _sum(items)))


def _title_what(key: GroupKey | None, items: Sequence[object]) -> Cell:
    name = cell(said(WHAT[ItemKind(key[0])]) if key else tr("not counted yet"), Tone.STRONG)
    return join((name, _sum(items)))


def _sum(items: Iterable[object]) -> Cell:
    """What the sensible part of the items of a head comes to: each counted by itself, so at least."""
    things = [row for row in items if isinstance(row, DiskRow)]
    if not things:
        return cell(tr("not counted yet"), Tone.DIM)
    sensible = sum(row.frees or 0 for row in things if row.sensible)
    words = trn("{n} thing", "{n} things", len(things))
    worth = cell(tr("≥{size} worth letting go", size=size(sensible)), Tone.GOOD) if sensible else ()
    return join((cell(words, Tone.DIM), worth))


GROUPINGS = (
    Grouping("host", phrase("host"), lambda row: (str(_host(row)),), _title_host),
    Grouping(
        "mount",
        phrase("mount"),
        lambda row: (row.item.host, row.mount) if isinstance(row, DiskRow) and row.mount else None,
        _title_mount,
    ),
    Grouping(
        "what",
        phrase("kind"),
        lambda row: (row.item.kind.value,) if isinstance(row, DiskRow) else None,
        _title_what,
    ),
)


def joint(items: Collection[Item], tables: dict[str, HostTables]) -> str:
    """What marked things give back together: ``frees 42.1G: gpu01 /data 40G, gpu02 /home 2.1G; 2 refused``."""
    if not items:
        return ""
    found = outlook(items, tables)
    parts = [
        f"{each.host} {plain(remote(mount.mount))} {BOUND_MARKS[mount.bound]}{size(mount.bytes)}"
        for each in found.hosts
        for mount in each.mounts
    ]
    words = [tr("frees {size} together", size=BOUND_MARKS[found.bound] + size(found.bytes))]
    if len(parts) > 1:
        shown = tr(", ").join(parts[:3])
        words.append(shown if len(parts) <= 3 else tr("{shown} and {n} more", shown=shown, n=len(parts) - 3))
    elif parts:
        words.append(_room(found.hosts, tables))
    if found.refused:
        words.append(trn("{n} refused", "{n} refused", len(found.refused)))
    return tr(", ").join(word for word in words if word)


def _room(hosts: Sequence[HostOutlook], tables: dict[str, HostTables]) -> str:
    """How full the one file system will be."""
    (each,) = (one for one in hosts if one.mounts)
    freed = each.mounts[0]
    mount = next((one for one in tables[each.host].mounts or () if one.path == freed.mount), None)
    if mount is None or not mount.size_bytes or mount.used_fraction is None:
        return ""
    after = max(0.0, mount.used_fraction - freed.bytes / mount.size_bytes)
    return tr(
        "{mount} from {before}% to {after}% full",
        mount=plain(remote(mount.path)),
        before=round(mount.used_fraction * 100),
        after=round(after * 100),
    )
