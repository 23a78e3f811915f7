"""Plans: what is chosen to go, on any number of hosts, and what exactly that gives back. Pure.

:func:`outlook` answers for any combination of marks at once, so that the numbers follow the cursor; what may not go
is left out of them and named with its reasons. :func:`recheck` holds a plan, hours or weeks old, against hosts as they
are now: whatever changed since it was chosen is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tui.domain.assemble import mount_of
from tui.domain.changes import Concern, ConcernKind, Severity, standing
from tui.domain.diskbounds import Bound, Reason, bound_of, filesystem_reasons, interval
from tui.domain.planchecks import concerns_of
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.planmissed import Missed

__all__ = [
    "Changed",
    "Difference",
    "HostOutlook",
    "MountFreed",
    "Outlook",
    "Plan",
    "Refusal",
    "outlook",
    "recheck",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """Items on any number of hosts."""

    items: tuple[Item, ...]
    made: float
    """Unix time, operator's clock."""
    by: str = ""
    """Who made it: ``ada@laptop``."""
    counted: tuple[tuple[str, float], ...] = ()
    """When the disk of each host was counted that the items' figures are from."""
    older_s: float | None = None
    """Of caches only what was not changed for so many seconds; None: all of it."""
    missed: tuple[Missed, ...] = ()
    """Hosts that were to be looked at and could not be: what they hold is in none of the numbers."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Each host once, in the order of the items."""
        return tuple(dict.fromkeys(item.host for item in self.items))

    def of(self, host: str) -> tuple[Item, ...]:
        """The items on *host*."""
        return tuple(item for item in self.items if item.host == host)

    def without(self, gone: Collection[Item]) -> Plan:
        """The plan less these items."""
        keys = {item.key for item in gone}
        return replace(self, items=tuple(item for item in self.items if item.key not in keys))


@dataclass(frozen=True, slots=True)
class MountFreed:
    """What comes back on one file system."""

    mount: str
    bytes: int
    files: int
    reasons: frozenset[Reason] = frozenset()
    held: int | None = None
    """What all that goes holds, here or elsewhere; None where that is not known."""

    @property
    def bound(self) -> Bound:
        """Which way the numbers can be wrong."""
        return bound_of(self.reasons)

    @property
    def between(self) -> tuple[int, int | None]:
        """By how much: between what the bytes must lie if nobody else changes anything; None: nothing bounds them."""
        return interval(self.bytes, self.files, self.reasons, self.held)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that does not go as things stand."""

    item: Item
    concerns: tuple[Concern, ...]
    """Why: those that stand."""

    @property
    def severity(self) -> Severity:
        """NAME when typing its name is enough, else FORBIDDEN."""
        forbidden = any(each.severity is Severity.FORBIDDEN for each in self.concerns)
        return Severity.FORBIDDEN if forbidden else Severity.NAME


@dataclass(frozen=True, slots=True)
class HostOutlook:
    """What the items on one host give back together, and which of them may not go."""

    host: str
    items: tuple[Item, ...] = ()
    """Those that go."""
    mounts: tuple[MountFreed, ...] = ()
    refused: tuple[Refusal, ...] = ()
    twice: tuple[Item, ...] = ()
    """Those that are the same thing as another one, mostly on an earlier host: counted and removed there."""
    counted: float | None = None
    """When; None: nobody did, and nothing is known."""

    @property
    def bytes(self) -> int:
        """What comes back on all of its file systems."""
        return sum(each.bytes for each in self.mounts)

    @property
    def files(self) -> int:
        """Inodes that come back."""
        return sum(each.files for each in self.mounts)

    @property
    def reasons(self) -> frozenset[Reason]:
        """What makes its numbers uncertain."""
        return frozenset().union(*(each.reasons for each in self.mounts))

    @property
    def bound(self) -> Bound:
        """Which way they can be wrong."""
        return bound_of(self.reasons)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a plan gives back, host by host."""

    hosts: tuple[HostOutlook, ...] = ()

    @property
    def bytes(self) -> int:
        """On all hosts together."""
        return sum(each.bytes for each in self.hosts)

    @property
    def files(self) -> int:
        """Inodes on all hosts together."""
        return sum(each.files for each in self.hosts)

    @property
    def bound(self) -> Bound:
        """Which way the sums can be wrong."""
        return bound_of(reason for each in self.hosts for reason in each.reasons)

    @property
    def items(self) -> tuple[Item, ...]:
        """Those that go."""
        return tuple(item for each in self.hosts for item in each.items)

    @property
    def refused(self) -> tuple[Refusal, ...]:
        """Those that do not."""
        return tuple(refusal for each in self.hosts for refusal in each.refused)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Hosts of which nothing is known."""
        return tuple(each.host for each in self.hosts if each.counted is None)


_NONE: Mapping[tuple[str, ItemKind, str], Collection[ConcernKind]] = {}


def outlook(
    items: Iterable[Item],
    tables: Mapping[str, HostTables],
    accepted: Mapping[tuple[str, ItemKind, str], Collection[ConcernKind]] = _NONE,
) -> Outlook:
    """What *items* give back, for any combination of them.

    *accepted*: for items, by :attr:`Item.key`, the concerns that the person accepted by typing the name. Items that
    may not go are left out of every number. What several hosts see counts on the first of them alone.
    """
    by_host: dict[str, list[Item]] = {}
    for item in items:
        by_host.setdefault(item.host, []).append(item)
    seen: set[tuple[ItemKind, str]] = set()
    found = []
    for host, own in by_host.items():
        known = tables.get(host)
        if known is None:
            found.append(HostOutlook(host, refused=tuple(_unknown(item) for item in own)))
        else:
            found.append(_host(own, known, accepted, seen))
    return Outlook(tuple(found))


def _unknown(item: Item) -> Refusal:
    return Refusal(item, (Concern.of(ConcernKind.MISSING, "Its host was not counted."),))


def _host(
    items: list[Item],
    known: HostTables,
    accepted: Mapping[tuple[str, ItemKind, str], Collection[ConcernKind]],
    seen: set[tuple[ItemKind, str]],
) -> HostOutlook:
    going: set[Item] = set()
    chosen: set[tuple[str, ItemKind, str]] = set()
    refused: dict[Item, Refusal] = {}
    items = list(dict.fromkeys(items))
    keys = {item.key for item in items}
    # The innermost first: what lies in an environment and stays speaks against that environment.
    for item in sorted(items, key=lambda each: len(each.path), reverse=True):
        identity = known.identity(item.kind, item.path)
        if identity is not None:
            if (item.kind, identity) in seen:
                continue
            seen.add((item.kind, identity))
        if item.kind is ItemKind.TRASH and (item.host, ItemKind.TEMP, posixpath.dirname(item.path)) in keys:
            continue  # it is among the temporary files of its cache
        stands = standing(concerns_of(item, known, chosen), accepted.get(item.key, ()))
        if stands:
            refused[item] = Refusal(item, stands)
        else:
            going.add(item)
            chosen.add(item.key)
    kept = tuple(item for item in items if item in going)
    twice = tuple(item for item in items if item not in going and item not in refused)
    no = tuple(refused[item] for item in items if item in refused)
    return HostOutlook(known.host, kept, _freed(kept, known), no, twice, known.counted)


@dataclass(slots=True)
class _Sum:
    bytes: int = 0
    files: int = 0
    reasons: set[Reason] = field(default_factory=set)


def _freed(items: Sequence[Item], known: HostTables) -> tuple[MountFreed, ...]:
    numbers, used, rest = [], [], []
    for item in items:
        number = known.owner(item.kind, item.path)
        if number is None:
            rest.append(item)
            continue
        numbers.append(number)
        env = known.environment(item.path) if item.kind is ItemKind.ENVIRONMENT else None
        if env is not None and env.in_use:
            used.append(number)
    sums: dict[str, _Sum] = {}
    freed = known.table.freed(numbers, in_use=used)
    for each in freed.devices:
        device = known.table.devices[each.device]
        total = sums.setdefault(device.mount or device.number, _Sum())
        total.bytes += each.bytes
        total.files += each.files
        total.reasons |= device.reasons | (freed.reasons - _of_devices(known))
    for item in rest:
        cache = known.cache(item.kind, item.path)
        if cache is None or cache.bytes is None:
            continue
        mount = mount_of(item.path, known.mounts or ())
        total = sums.setdefault(mount.path if mount is not None else "", _Sum())
        total.bytes += cache.freed_bytes
        total.files += cache.files
        total.reasons |= filesystem_reasons(mount.fs_type if mount is not None else None)
        if cache.unreadable_count:
            total.reasons.add(Reason.UNREADABLE)
        if cache.freed_bytes < cache.bytes:
            # Counted by itself: with what else goes, more may come back.
            total.reasons.add(Reason.LINKED_CACHES)
    sizes = [item.bytes for item in items]
    held = None if None in sizes else sum(size or 0 for size in sizes)
    return tuple(
        MountFreed(mount, total.bytes, total.files, frozenset(total.reasons), held)
        for mount, total in sorted(sums.items())
    )


def _of_devices(known: HostTables) -> frozenset[Reason]:
    return frozenset().union(*(device.reasons for device in known.table.devices))


class Difference(StrEnum):
    """How an item is not what it was when it was chosen. A closed list; the values are what ``--json`` shows."""

    GONE = "gone"
    REPLACED = "replaced"
    """Another directory stands at its path."""
    GREW = "grew"
    SHRANK = "shrank"
    SHARED = "shared"
    """More of it is held by something else now."""
    USED = "used"
    """It is in use now, or was used since."""
    UNKNOWN = "unknown"
    """It cannot be told: its host was not counted."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An item that is not what was chosen."""

    item: Item
    differences: tuple[Difference, ...]
    now: Item | None
    """As it is counted now."""


def recheck(plan: Plan, tables: Mapping[str, HostTables]) -> tuple[Changed, ...]:
    """The items of *plan* that are not, in *tables*, what they were when they were chosen."""
    found = []
    for item in plan.items:
        known = tables.get(item.host)
        now = None if known is None else known.item(item.kind, item.path)
        differences = (Difference.UNKNOWN,) if known is None else tuple(_differences(item, now, plan.made))
        if differences:
            found.append(Changed(item, differences, now))
    return tuple(found)


def _differences(item: Item, now: Item | None, made: float) -> Iterable[Difference]:
    if now is None or (now.bytes == 0 and now.files == 0 and item.files != 0):
        yield Difference.GONE
        return
    if item.fs_id is not None and now.fs_id is not None and item.fs_id != now.fs_id:
        yield Difference.REPLACED
    grew = _more(now.bytes, item.bytes) or _more(now.files, item.files)
    shrank = _more(item.bytes, now.bytes) or _more(item.files, now.files)
    if grew:
        yield Difference.GREW
    if shrank:
        yield Difference.SHRANK
    if not grew and not shrank and _more(item.exclusive_bytes, now.exclusive_bytes):
        yield Difference.SHARED
    if not item.in_use and (now.in_use or _used_since(item, now, made)):
        yield Difference.USED


def _used_since(item: Item, now: Item, made: float) -> bool:
    """Whether it was used after the use that was known, or where none was, after the plan was made.

    In whole seconds, as files of plans hold them. What was in use when it was chosen was chosen in spite of that.
    """
    before = made if item.last_used is None else item.last_used
    return now.last_used is not None and int(now.last_used) > int(before)


def _more(more: int | None, less: int | None) -> bool:
    return more is not None and less is not None and more > less
