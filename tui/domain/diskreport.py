"""What a host's disk holds, said: its file systems, environments, package caches, other caches. Pure.

Everything follows from one count (:class:`DiskCount`) and the snapshot it was made over. What is unknown is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tui.domain.assemble import mount_of
from tui.domain.caches import CacheItem
from tui.domain.cacheusers import CacheUsers, Unseen
from tui.domain.diskbounds import Bound, Reason, bound_of
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.disksizes import environment_size
from tui.domain.disktable import OUTSIDE, DiskTable, OwnerState
from tui.domain.environments import DiskSize, Environment, EnvKind
from tui.domain.machine import Mount
from tui.domain.snapshot import HostSnapshot

__all__ = [
    "CacheUse",
    "EnvironmentUse",
    "HostDisk",
    "MountUse",
    "PartUse",
    "PlaceUse",
    "Sharer",
    "Slice",
    "SliceKind",
    "host_disk",
]

MOST_SHARERS = 5


class SliceKind(StrEnum):
    """Who holds a part of a file system. Each byte is in one slice; the values are what ``--json`` shows."""

    ENVIRONMENTS = "environments"
    """Environments alone."""
    SHARED = "shared"
    """Packages that environments hold through links."""
    PACKAGES = "packages"
    """Packages in caches that are in use otherwise, or of which that cannot be known."""
    UNUSED = "unused"
    """Packages in caches that nothing uses."""
    TARBALLS = "tarballs"
    CACHE = "cache"
    """The rest of package caches: indexes, logs, what was not finished."""
    ASIDE = "aside"
    TOOLS = "tool_caches"
    """Other tools' caches, without what environments hold of them, too."""
    INSTALLS = "installs"
    """Files of install roots that are no environment."""
    ELSE = "else"
    """Everything that is not ours; unknown where the file system does not say how full it is."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a file system."""

    kind: SliceKind
    bytes: int
    files: int | None = None


@dataclass(frozen=True, slots=True)
class MountUse:
    """A file system on which something of ours lies."""

    path: str | None
    """Where it is mounted; None when the host does not say."""
    mount: Mount | None
    """Its size and room; None when that is not known."""
    slices: tuple[Slice, ...]
    """In the order of :class:`SliceKind`, empty ones left out."""

    @property
    def held_bytes(self) -> int:
        """What ours hold of it."""
        return sum(each.bytes for each in self.slices if each.kind is not SliceKind.ELSE)


@dataclass(frozen=True, slots=True)
class Sharer:
    """Who holds some of the same files."""

    kind: OwnerKind
    path: str
    label: str
    bytes: int


@dataclass(frozen=True, slots=True)
class EnvironmentUse:
    """What an environment holds."""

    environment: Environment
    number: int | None
    """The owner in the disk table."""
    size: DiskSize | None
    """None when it was not counted."""
    state: OwnerState | None
    """Why not, or that it was; None when it was not asked for."""
    exclusive_files: int | None = None
    shared_with: tuple[Sharer, ...] = ()
    """The first few, most first. Several may share the same bytes."""
    sharers: int = 0
    """How many there are."""
    outside_bytes: int | None = None
    """Of what it shares, with links outside everything that was counted."""
    mount: str | None = None
    reasons: frozenset[Reason] = frozenset()


@dataclass(frozen=True, slots=True)
class PartUse:
    """What a part of a package cache holds."""

    kind: OwnerKind
    number: int
    bytes: int
    files: int
    freed_bytes: int | None
    """What cleaning it alone gives back; None for packages where not all users were seen."""
    freed_files: int | None
    reasons: frozenset[Reason] = frozenset()

    @property
    def bound(self) -> Bound:
        """Which way :attr:`freed_bytes` can be wrong."""
        return bound_of(self.reasons)


@dataclass(frozen=True, slots=True)
class CacheUse:
    """What a package cache holds, part by part."""

    path: str
    state: OwnerState
    parts: tuple[PartUse, ...]
    """In the order of :data:`CACHE_PARTS`; none when it was not counted."""
    users: CacheUsers
    installs: tuple[str, ...] = ()
    """The roots of the installs that use it."""
    mount: str | None = None

    @property
    def bytes(self) -> int | None:
        """All of it; what environments hold, too, included."""
        return sum(part.bytes for part in self.parts) if self.parts else None

    @property
    def freed_bytes(self) -> int | None:
        """What cleaning every part gives back, at least; None when it was not counted."""
        return sum(part.freed_bytes or 0 for part in self.parts) if self.parts else None

    def part(self, kind: OwnerKind) -> PartUse | None:
        """The part of that kind."""
        return next((part for part in self.parts if part.kind is kind), None)


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """Another directory: what was put aside, or an install's root that is no environment."""

    kind: OwnerKind
    path: str
    number: int
    bytes: int
    files: int
    exclusive_bytes: int
    reasons: frozenset[Reason] = frozenset()
    mount: str | None = None


@dataclass(frozen=True)
class HostDisk:
    """The disk of one host at the time of one count."""

    host: str
    count: DiskCount
    mounts: tuple[MountUse, ...]
    environments: tuple[EnvironmentUse, ...]
    """What gives back most first; those that were not counted last."""
    caches: tuple[CacheUse, ...]
    items: tuple[CacheItem, ...] | None
    """Other tools' caches, the largest first; None when nobody could count them."""
    places: tuple[PlaceUse, ...]
    snapshot: HostSnapshot = field(repr=False)

    @property
    def table(self) -> DiskTable:
        """The count's table."""
        return self.count.table

    def environment(self, prefix: str) -> EnvironmentUse | None:
        """The environment at *prefix*."""
        return next((use for use in self.environments if use.environment.prefix == prefix), None)


def host_disk(snapshot: HostSnapshot, count: DiskCount) -> HostDisk:
    """What *count* says of the host of *snapshot*. Goes through the whole table for each owner."""
    table, mounts = count.table, snapshot.mounts.value or ()
    environments = snapshot.environments.value or ()
    numbers = {(owner.kind, owner.path): number for number, owner in reversed(tuple(enumerate(table.owners)))}
    labels = {env.prefix: env.label for env in environments}
    uses = [_environment(env, numbers.get((OwnerKind.ENVIRONMENT, env.prefix)), count, labels) for env in environments]
    uses.sort(
        key=lambda use: (use.size is None, -(use.size.exclusive_bytes if use.size else 0), use.environment.prefix)
    )
    caches = None if count.caches is None else tuple(sorted(count.caches.items, key=_largest))
    return HostDisk(
        snapshot.host,
        count,
        tuple(_mounts(table, mounts, caches or ())),
        tuple(uses),
        tuple(_caches(table, count, snapshot, numbers)),
        caches,
        tuple(_places(table)),
        snapshot,
    )


def _largest(item: CacheItem) -> tuple[bool, int, str]:
    return (item.bytes is None, -(item.bytes or 0), item.path)


def _environment(env: Environment, number: int | None, count: DiskCount, labels: Mapping[str, str]) -> EnvironmentUse:
    table = count.table
    if number is None:
        return EnvironmentUse(env, None, None, None)
    owner = table.owners[number]
    base = env.kind is EnvKind.BASE
    size = environment_size(table, number, count.time, base)
    if size is None:
        return EnvironmentUse(env, number, None, owner.state)
    held = table.holding(number)
    inside = table.bits([number]) if base else 0
    sharers = [
        Sharer(other.kind, other.path, labels.get(other.path, other.path), shared)
        for at, shared in held.shared_with
        if not inside >> (at + 1) & 1
        for other in (table.owners[at],)
    ]
    return EnvironmentUse(
        env,
        number,
        size,
        owner.state,
        None if base else held.exclusive_files,
        tuple(sharers[:MOST_SHARERS]),
        len(sharers),
        held.outside_bytes,
        _mount_path(table, number),
        held.reasons,
    )


def _mount_path(table: DiskTable, number: int) -> str | None:
    same = table.owners[number].same_as
    device = table.owners[number if same is None else same].device
    return None if device is None else table.devices[device].mount


def _caches(
    table: DiskTable, count: DiskCount, snapshot: HostSnapshot, numbers: Mapping[tuple[OwnerKind, str], int]
) -> Iterator[CacheUse]:
    users = {each.path: each for each in count.users}
    for path in dict.fromkeys(owner.path for owner in table.owners if owner.kind in CACHE_PARTS):
        first = numbers[OwnerKind.TARBALLS, path]
        owner = table.owners[first]
        if owner.state is OwnerState.SAME:
            continue  # it is told of under the path that it was found by first
        found = users.get(path, CacheUsers(path, (Unseen.NOT_LEARNT,)))
        if found.seen and not table.users_seen(numbers[OwnerKind.PACKAGES, path]):
            found = found.also(Unseen.ENVIRONMENT_UNREADABLE)
        parts: tuple[PartUse, ...] = ()
        if owner.state is OwnerState.READ:
            parts = tuple(_part(table, kind, numbers[kind, path], found.seen) for kind in CACHE_PARTS)
        installs = (install.root for install in snapshot.installs.value or () if path in install.pkgs_dirs)
        yield CacheUse(path, owner.state, parts, found, tuple(installs), _mount_path(table, first))


def _part(table: DiskTable, kind: OwnerKind, number: int, seen: bool) -> PartUse:
    if kind is OwnerKind.REST:
        rows = [row for row in table.rows if row.owners >> (number + 1) & 1]
        return PartUse(kind, number, sum(row.bytes for row in rows), sum(row.files for row in rows), 0, 0)
    held = table.holding(number)
    known = kind is not OwnerKind.PACKAGES or seen
    freed, files = (held.exclusive_bytes, held.exclusive_files) if known else (None, None)
    return PartUse(kind, number, held.bytes, held.files, freed, files, held.reasons)


def _places(table: DiskTable) -> Iterator[PlaceUse]:
    for number, owner in enumerate(table.owners):
        if owner.kind in (OwnerKind.ASIDE, OwnerKind.OTHER) and owner.state is OwnerState.READ:
            held = table.holding(number)
            own = held.bytes, held.files
            if owner.kind is OwnerKind.OTHER:
                # What lies in it is told of by itself.
                rows = [row for row in table.rows if row.owners >> (number + 1) & 1]
                own = sum(row.bytes for row in rows), sum(row.files for row in rows)
            yield PlaceUse(
                owner.kind, owner.path, number, *own, held.exclusive_bytes, held.reasons, _mount_path(table, number)
            )


_PACKAGES = frozenset({OwnerKind.PACKAGES})
_SLICES = (
    # The first whose owners are among a row's: what a thing is for comes before where else it lies.
    (SliceKind.TARBALLS, frozenset({OwnerKind.TARBALLS})),
    (SliceKind.CACHE, frozenset({OwnerKind.INDEX, OwnerKind.PARTIAL, OwnerKind.LOGS, OwnerKind.REST})),
    (SliceKind.ASIDE, frozenset({OwnerKind.ASIDE})),
    (SliceKind.INSTALLS, frozenset({OwnerKind.OTHER})),
)


def _slice_of(kinds: frozenset[OwnerKind], outside: bool, users: int) -> SliceKind:
    if OwnerKind.ENVIRONMENT in kinds:
        return SliceKind.SHARED if kinds & _PACKAGES else SliceKind.ENVIRONMENTS
    if kinds & _PACKAGES:
        return SliceKind.UNUSED if kinds == _PACKAGES and not outside and not users else SliceKind.PACKAGES
    return next(kind for kind, owners in _SLICES if owners & kinds)


def _mounts(table: DiskTable, mounts: Iterable[Mount], items: Iterable[CacheItem]) -> Iterator[MountUse]:
    mounts = tuple(mounts)
    sums: dict[str | None, dict[SliceKind, list[int]]] = {}
    known: dict[str | None, Mount | None] = {}

    def at(path: str | None) -> dict[SliceKind, list[int]]:
        mount = None if path is None else mount_of(path, mounts)
        where = path if mount is None else mount.path
        known[where] = mount
        return sums.setdefault(where, {})

    devices = [at(device.mount) for device in table.devices]
    owners = table.owners
    for row in table.rows:
        members = [number for number in range(len(owners)) if row.owners >> (number + 1) & 1]
        kinds = frozenset(owners[number].kind for number in members)
        device = next(owners[number].device for number in members if owners[number].device is not None)
        assert device is not None
        caches = sum(1 << (number + 1) for number in members if owners[number].kind is OwnerKind.PACKAGES)
        kind = _slice_of(kinds, bool(row.owners & OUTSIDE), row.users & ~caches)
        found = devices[device].setdefault(kind, [0, 0])
        found[0] += row.bytes
        found[1] += row.files
    for item in items:
        mount = mount_of(item.path, mounts)
        if mount is not None and item.freed_bytes:
            found = at(mount.path).setdefault(SliceKind.TOOLS, [0, 0])
            found[0] += item.freed_bytes
            found[1] += item.files
    for where, held in sorted(sums.items(), key=lambda pair: pair[0] or ""):
        mount = known[where]
        slices = [Slice(kind, *held[kind]) for kind in SliceKind if kind in held]
        if mount is not None and mount.used_bytes is not None:
            rest = mount.used_bytes - sum(each.bytes for each in slices)
            slices += [Slice(SliceKind.ELSE, rest)] if rest > 0 else []
        yield MountUse(where, mount, tuple(slices))
