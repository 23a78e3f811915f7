"""The rows of one counted host: everything that could go, with what is known of it. Pure; goes through the table."""

from __future__ import annotations

from collections.abc import Iterator

from tui.domain.assemble import mount_of
from tui.domain.caches import cleaning
from tui.domain.changes import Severity, standing
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import OwnerKind
from tui.domain.diskreport import HostDisk, host_disk
from tui.domain.filters_disk import CountedHost, DiskRow
from tui.domain.planchecks import concerns_of
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.snapshot import HostSnapshot
from tui.domain.suggestions import Suggestion, sensible_plan, suggestions, why_not

__all__ = ["counted_host", "host_tables"]


def host_tables(snapshot: HostSnapshot, count: DiskCount) -> HostTables:
    """What a plan stands on, from one count and the snapshot that it was made over."""
    machine = snapshot.machine.value
    return HostTables(
        snapshot.host,
        count.table,
        count.time,
        snapshot.environments.value or (),
        frozenset(install.root for install in snapshot.installs.value or ()),
        None if count.caches is None else count.caches.items,
        snapshot.mounts.value,
        None if machine is None else machine.user,
        None if machine is None else machine.machine_id,
        None if machine is None else machine.home,
    )


def counted_host(snapshot: HostSnapshot, count: DiskCount, groups: tuple[str, ...], now: float) -> CountedHost:
    """All that is told of *count* at Unix time *now*; what could go with least regret comes first."""
    disk, tables = host_disk(snapshot, count), host_tables(snapshot, count)
    found = suggestions(disk, now)
    sensible = {_key(each) for each in sensible_plan(disk, found).suggestions}
    ranks = {_key(each): (rank, each) for rank, each in enumerate(found)}
    rows = []
    for item in tables.items(ItemKind):
        rank, suggestion = ranks.get((item.kind.value, item.path), (len(found), None))
        rows.append((rank, -(item.exclusive_bytes or 0), _row(item, disk, tables, suggestion, groups, now)))
    rows.sort(key=lambda each: each[:2])
    made = tuple(row for _, _, row in rows)
    for row in made:
        row.sensible = (row.item.kind.value, row.item.path) in sensible
    return CountedHost(disk, tables, made)


_WORDS = {OwnerKind.PARTIAL: ItemKind.TEMP, OwnerKind.ASIDE: ItemKind.ASIDE}


def _key(suggestion: Suggestion) -> tuple[str, str]:
    what = suggestion.what
    word = _WORDS[what].value if isinstance(what, OwnerKind) and what in _WORDS else what.value
    return word, suggestion.path


def _row(
    item: Item,
    disk: HostDisk,
    tables: HostTables,
    suggestion: Suggestion | None,
    groups: tuple[str, ...],
    now: float,
) -> DiskRow:
    mount = mount_of(item.path, tables.mounts or ())
    env = tables.environment(item.path) if item.kind is ItemKind.ENVIRONMENT else None
    use = None if env is None else disk.environment(env.prefix)
    against = standing(concerns_of(item, tables))
    cache = tables.cache(item.kind, item.path)
    idle = suggestion.idle_days if suggestion is not None else None
    if idle is None and cache is not None:
        idle = cache.idle_days(now)
    if idle is None and env is not None and env.last_used is not None:
        idle = max(0, int((now - env.last_used) // 86400))
    return DiskRow(
        item,
        None if mount is None else mount.path,
        env,
        suggestion,
        refusals=tuple(each.text for each in against),
        forbidden=any(each.severity is Severity.FORBIDDEN for each in against),
        not_suggested="" if suggestion is not None or use is None else why_not(disk, use) or "",
        way=None if cache is None else cleaning(cache),
        idle_days=idle,
        shared_with=tuple(_sharers(item, disk)),
        groups=groups,
    )


def _sharers(item: Item, disk: HostDisk) -> Iterator[tuple[str, int]]:
    if item.kind is ItemKind.ENVIRONMENT and (use := disk.environment(item.path)) is not None:
        for each in use.shared_with:
            yield each.label, each.bytes
