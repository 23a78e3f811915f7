"""The disk table of a host: for every set of owners, what exactly that set holds. Pure.

An owner is what can be removed by itself: an environment, a part of a package cache, a directory put
aside. A file belongs to all owners that hold a link to it, and comes back when the last of them goes.
So the small table of {owner set -> bytes, files} answers for any set of marks at once::

    table.freed([3, 7]).bytes       # what removing owners 3 and 7 together gives back
    table.holding(3).shared_with    # whom owner 3 shares with, and how much

Sets are whole numbers used as bits: owner *n* is the bit ``1 << (n + 1)``, and :data:`OUTSIDE` stands
for links that lie outside everything scanned: what it holds is never given back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tui.domain.diskbounds import Bound, Reason, bound_of
from tui.domain.diskplaces import OwnerKind

__all__ = ["OUTSIDE", "Device", "DeviceFreed", "DiskTable", "Freed", "Holding", "Owner", "OwnerState", "Row"]

OUTSIDE = 1


class OwnerState(StrEnum):
    """Whether an owner's directory was counted."""

    READ = "read"
    ABSENT = "absent"
    DENIED = "denied"
    """This account may not look into it."""
    LINK = "link"
    """A soft link stands there: not followed, nothing of it counted."""
    SAME = "same"
    """Another path to a directory that is counted as :attr:`Owner.same_as`."""


@dataclass(frozen=True, slots=True)
class Device:
    """A file system, told apart by the device number of its files."""

    number: str
    mount: str | None = None
    """Where it is mounted; None when the host's mounts cannot be read."""
    fs_type: str | None = None
    reasons: frozenset[Reason] = frozenset()
    """What makes numbers on it uncertain, whatever is chosen."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Something that can be removed by itself. All parts of a package cache have its path."""

    kind: OwnerKind
    path: str
    state: OwnerState = OwnerState.READ
    device: int | None = None
    """Index into :attr:`DiskTable.devices`; None unless it was read."""
    within: int | None = None
    """The owner in whose directory this one lies: it goes along when that is removed."""
    same_as: int | None = None
    unreadable: int = 0
    """Directories in it that could not be read."""
    changed: int = 0
    """How often something was seen to change while it was counted."""
    crossed: int = 0
    """Other file systems mounted in it: not counted, and not removed."""
    mounts: tuple[str, ...] = ()
    """Where some of those are."""

    @property
    def reasons(self) -> frozenset[Reason]:
        """What makes its own numbers uncertain, the file system's reasons apart."""
        found = set()
        if self.unreadable or self.state is OwnerState.DENIED:
            found.add(Reason.UNREADABLE)
        if self.changed:
            found.add(Reason.CHANGED)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Row:
    """What exactly one set of owners holds."""

    owners: int
    """Everyone with a link to each of these files, :data:`OUTSIDE` included."""
    users: int
    """For files of extracted packages: who else uses these packages. While one of them stays, so do the packages."""
    bytes: int
    """Blocks on the disk."""
    files: int
    """Inodes, directories included."""


@dataclass(frozen=True, slots=True)
class DeviceFreed:
    """What comes back on one file system."""

    device: int
    bytes: int
    files: int


@dataclass(frozen=True, slots=True)
class Freed:
    """What a set of removals gives back together."""

    bytes: int
    files: int
    devices: tuple[DeviceFreed, ...]
    """Each file system on which something chosen lies, in the table's order."""
    reasons: frozenset[Reason]

    @property
    def bound(self) -> Bound:
        """Which way the numbers can be wrong."""
        return bound_of(self.reasons)


@dataclass(frozen=True, slots=True)
class Holding:
    """What one owner holds, with all that lies in its directory."""

    bytes: int
    files: int
    exclusive_bytes: int
    """What removing it alone gives back."""
    exclusive_files: int
    shared_with: tuple[tuple[int, int], ...]
    """(owner, bytes held together with it), most first. Several may share the same bytes."""
    outside_bytes: int
    """Held together with links outside everything scanned."""
    reasons: frozenset[Reason]

    @property
    def shared_bytes(self) -> int:
        """What it holds that something else holds, or still uses, too."""
        return self.bytes - self.exclusive_bytes

    @property
    def bound(self) -> Bound:
        """Which way the numbers can be wrong."""
        return bound_of(self.reasons)


@dataclass(frozen=True)
class DiskTable:
    """One host's disk table. Rows have distinct (owners, users)."""

    devices: tuple[Device, ...] = ()
    owners: tuple[Owner, ...] = ()
    rows: tuple[Row, ...] = ()
    unseen: frozenset[int] = frozenset()
    """The packages (owners) that environments may use, unseen, without a hard link to show it: each counts as used."""
    _needs: tuple[tuple[int, int, int, int, int], ...] = field(init=False, repr=False, compare=False)
    _inside: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        merged: dict[tuple[int, int], list[int]] = {}
        for row in self.rows:
            sums = merged.setdefault((row.owners, row.users), [0, 0])
            sums[0] += row.bytes
            sums[1] += row.files
        needs = [(owners, users, sums[0], sums[1], self._device_of(owners)) for (owners, users), sums in merged.items()]
        object.__setattr__(self, "_needs", tuple(needs))
        object.__setattr__(self, "_inside", tuple(self._nested()))

    def _device_of(self, owners: int) -> int:
        """All links to a file lie on one file system: any owner tells it."""
        for number in _members(owners):
            device = self.owners[number].device
            if device is not None:
                return device
        raise ValueError("a row without an owner that was read")

    def _nested(self) -> Iterator[int]:
        """For each owner the set of itself and all that lies in it."""
        inside = [1 << (number + 1) for number in range(len(self.owners))]
        for number, owner in enumerate(self.owners):
            above, steps = owner.within, 0
            while above is not None and steps <= len(self.owners):
                inside[above] |= 1 << (number + 1)
                above, steps = self.owners[above].within, steps + 1
        yield from inside

    def bits(self, chosen: Iterable[int]) -> int:
        """The set of the owners numbered *chosen* and of all that lies in their directories."""
        found = 0
        for number in chosen:
            found |= self._inside[self._real(number)]
        return found

    def _real(self, number: int) -> int:
        same = self.owners[number].same_as
        return number if same is None else same

    def freed(self, chosen: Iterable[int], *, in_use: Iterable[int] = ()) -> Freed:
        """What removing the owners *chosen* gives back together. Of a cache's packages those go that nothing left uses.

        A package cache in the directory of a chosen environment goes whole. *in_use*: owners of which a process
        has files open; chosen, they may give back less. Raises ValueError for what cannot be removed by itself: the
        rest of a cache.
        """
        chosen = tuple(chosen)
        if any(self.owners[number].kind is OwnerKind.REST for number in chosen):
            raise ValueError("the rest of a package cache goes with the directory around it alone")
        return self._freed(chosen, in_use)

    def _freed(self, chosen: tuple[int, ...], in_use: Iterable[int]) -> Freed:
        marked = self.bits(chosen)
        whole = self._whole_caches(chosen)
        left = ~marked
        sums: dict[int, list[int]] = {}
        reasons, devices = self._reasons(marked)
        for owners, users, size, files, device in self._needs:
            if owners & left:
                continue
            if users & left:
                if not whole & owners:
                    continue
                if not self._all_whole(owners, whole):
                    # In another cache, too: who uses it there is not told apart.
                    reasons.add(Reason.LINKED_CACHES)
                    continue
            found = sums.setdefault(device, [0, 0])
            found[0] += size
            found[1] += files
        if marked & self.bits(in_use):
            reasons |= {Reason.OPEN_FILES}
        by_device = tuple(DeviceFreed(device, *sums.get(device, (0, 0))) for device in sorted(devices))
        return Freed(
            sum(each.bytes for each in by_device), sum(each.files for each in by_device), by_device, frozenset(reasons)
        )

    def holding(self, number: int) -> Holding:
        """What owner *number* holds, alone and with whom."""
        own = self.bits([number])
        size = files = outside = 0
        shared: dict[int, int] = {}
        for owners, _, row_bytes, row_files, _ in self._needs:
            if owners & own == 0:
                continue
            size += row_bytes
            files += row_files
            if owners & OUTSIDE:
                outside += row_bytes
            for other in _members(owners & ~own):
                shared[other] = shared.get(other, 0) + row_bytes
        alone = self._freed((number,), ())
        order = sorted(shared.items(), key=lambda pair: (-pair[1], pair[0]))
        return Holding(size, files, alone.bytes, alone.files, tuple(order), outside, alone.reasons)

    def find(self, path: str, kind: OwnerKind = OwnerKind.ENVIRONMENT) -> int | None:
        """The number of the owner of *kind* at *path*; None when it was not asked for."""
        for number, owner in enumerate(self.owners):
            if owner.path == path and owner.kind is kind:
                return number
        return None

    @property
    def all_users_seen(self) -> bool:
        """False where environments that nobody saw may use packages of some cache."""
        return not self.unseen

    def with_users_unseen(self, caches: Iterable[str] | None = None) -> DiskTable:
        """The same table where not all users of these package caches (None: of any) could be seen.

        Every package of theirs then counts as used.
        """
        paths = None if caches is None else frozenset(caches)
        found = {
            self._real(number)
            for number, owner in enumerate(self.owners)
            if owner.kind is OwnerKind.PACKAGES and (paths is None or owner.path in paths)
        }
        packages = sum(1 << (number + 1) for number in found)
        rows = (replace(row, users=row.users | OUTSIDE) if row.owners & packages else row for row in self.rows)
        return replace(self, rows=tuple(rows), unseen=self.unseen | found)

    def users_seen(self, number: int) -> bool:
        """Whether all users of these packages (an owner) were seen: what is unused can then be told."""
        return self._real(number) not in self.unseen

    def _whole_caches(self, chosen: Iterable[int]) -> int:
        """The packages that go whatever uses them, for the directory around their cache goes."""
        found = 0
        for number in chosen:
            found |= self.bits([number]) & ~(1 << (self._real(number) + 1))
        packages = (n for n in _members(found) if self.owners[n].kind is OwnerKind.PACKAGES)
        return sum(1 << (number + 1) for number in packages)

    def _all_whole(self, owners: int, whole: int) -> bool:
        return all(
            whole >> (number + 1) & 1 for number in _members(owners) if self.owners[number].kind is OwnerKind.PACKAGES
        )

    def _reasons(self, marked: int) -> tuple[set[Reason], set[int]]:
        reasons: set[Reason] = set()
        devices: set[int] = set()
        for number in _members(marked):
            owner = self.owners[number]
            reasons |= owner.reasons
            if owner.device is not None:
                devices.add(owner.device)
        for device in devices:
            reasons |= self.devices[device].reasons
        return reasons, devices


def _members(owners: int) -> Iterator[int]:
    """The numbers of the owners in a set, :data:`OUTSIDE` apart."""
    owners >>= 1
    while owners:
        low = owners & -owners
        yield low.bit_length() - 1
        owners ^= low
