"""What could go from a host's disk, best first, each with its reason; and a sensible plan out of that. Pure.

Suggested is only what nobody has to be asked about: never ``base``, an install's root, what is protected, frozen, in
use or perhaps in use, incomplete, or seen by other hosts, too. A suggestion is no permission: the host decides again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from tui.domain.assemble import mount_of
from tui.domain.caches import CacheItem, CacheKind, cleaning
from tui.domain.diskbounds import Bound, Reason, bound_of
from tui.domain.diskplaces import OwnerKind
from tui.domain.diskreport import CacheUse, EnvironmentUse, HostDisk
from tui.domain.disktable import OwnerState
from tui.domain.environments import Environment, EnvKind, UsageSignal
from tui.domain.phrases import Phrase, mark, phrase, plural

__all__ = ["LEAST_BYTES", "Cost", "SensiblePlan", "Suggestion", "sensible_plan", "suggestions", "why_not"]

DAY = 86400.0
LEAST_BYTES = 1 << 20
LEAST_SHARE = 1000
"""What gives back less than that, and less than this part of all that could go, is not worth a person's look."""
RESTED_DAYS = 14
"""An environment used since then is nobody's to suggest."""
IDLE_DAYS = 90
"""From here on an environment or another tool's cache is part of a sensible plan."""


class Cost(IntEnum):
    """What it costs to let something go, the least first."""

    NOTHING = 0
    """It comes back by itself, or was of no use any more."""
    DOWNLOAD = 1
    """What is needed again is fetched again."""
    REBUILD = 2
    """Somebody has to make it anew."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that could go."""

    what: OwnerKind | CacheKind
    path: str
    label: str
    owner: int | None
    """Its number in the disk table; None for other tools' caches, which are none of its owners."""
    bytes: int
    """What comes back when it alone goes."""
    files: int | None
    idle_days: int | None
    """Without use; None where use is nothing that such a thing has, or nobody knows."""
    cost: Cost
    reasons: tuple[Phrase, ...]
    price: Phrase | None = None
    """What is to be borne, in words."""
    way: Phrase | None = None
    """How its own tool cleans it."""
    item: CacheItem | None = None
    bounds: frozenset[Reason] = frozenset()
    mine: bool = True
    """False where this account may not remove it."""

    @property
    def bound(self) -> Bound:
        """Which way :attr:`bytes` can be wrong."""
        return bound_of(self.bounds)

    @property
    def score(self) -> float:
        """Bytes times days of disuse."""
        return float(self.bytes) * max(1, self.idle_days or 0)


@dataclass(frozen=True, slots=True)
class SensiblePlan:
    """What may go from a host without much thought, and what that gives back together."""

    suggestions: tuple[Suggestion, ...]
    bytes: int
    files: int
    bounds: frozenset[Reason]

    @property
    def bound(self) -> Bound:
        """Which way :attr:`bytes` can be wrong."""
        return bound_of(self.bounds)


def suggestions(disk: HostDisk, now: float) -> tuple[Suggestion, ...]:
    """What could go from *disk* at Unix time *now*: what costs nothing, then downloads, then by bytes × disuse."""
    found = [*_of_environments(disk, now), *_of_tools(disk, now)]
    prefixes = {each.path: each.prefix for each in disk.count.asides}
    for cache in disk.caches:
        found += _of_cache(disk, cache)
    found += (
        Suggestion(
            place.kind,
            place.path,
            prefixes.get(place.path) or place.path,
            place.number,
            place.exclusive_bytes,
            place.files,
            None,
            Cost.NOTHING,
            (phrase("removed earlier and put aside, to be freed in the end"),),
            phrase("It can't be restored any more."),
            bounds=place.reasons,
        )
        for place in disk.places
        if place.kind is OwnerKind.ASIDE
    )
    least = min(LEAST_BYTES, sum(each.bytes for each in found) / LEAST_SHARE)
    worth = (each for each in found if each.bytes and each.bytes >= least)
    return tuple(sorted(worth, key=lambda each: (each.cost is Cost.REBUILD, -each.score, each.cost, each.path)))


def sensible_plan(disk: HostDisk, found: Iterable[Suggestion]) -> SensiblePlan:
    """Of what was suggested for *disk*, what this account can let go without asking anybody.

    Environments and other tools' caches only after :data:`IDLE_DAYS` without use. What was put aside was put aside
    to be kept for a while: it is left to its time.
    """
    chosen = tuple(each for each in found if each.mine and _sensible(each))
    owners = [each.owner for each in chosen if each.owner is not None]
    freed = disk.table.freed(owners)
    tools = [each for each in chosen if each.owner is None]
    bounds = freed.reasons.union(*(each.bounds for each in tools))
    return SensiblePlan(
        chosen,
        freed.bytes + sum(each.bytes for each in tools),
        freed.files + sum(each.files or 0 for each in tools),
        frozenset(bounds),
    )


def _sensible(each: Suggestion) -> bool:
    if each.what is OwnerKind.ASIDE:
        return False
    if each.cost is Cost.REBUILD or isinstance(each.what, CacheKind):
        return each.idle_days is not None and each.idle_days >= IDLE_DAYS
    return True


# -- environments


def why_not(disk: HostDisk, use: EnvironmentUse) -> Phrase | None:
    """Why an environment of *disk* is never suggested; None for one that may be."""
    env = use.environment
    mount = mount_of(env.prefix, disk.snapshot.mounts.value or ())
    if env.kind is EnvKind.BASE or env.prefix == env.install:
        return phrase("it is an install's own")
    if env.protected:
        return phrase("it is protected by the configuration")
    if env.in_use:
        return phrase("it is in use")
    if not env.in_use_complete or (mount is not None and (mount.network or mount.export_id is not None)):
        return phrase("whether it is in use cannot be known")
    if env.frozen or env.frozen is None:
        return phrase("it is frozen") if env.frozen else phrase("whether it is frozen cannot be known")
    if env.fault is not None or env.linked_to is not None:
        return phrase("it is not whole, or another's")
    if use.size is None or use.state is not OwnerState.READ:
        return phrase("it was not counted")
    return None


def _of_environments(disk: HostDisk, now: float) -> Iterator[Suggestion]:
    roots = {install.root for install in disk.snapshot.installs.value or ()}
    for use in disk.environments:
        env = use.environment
        if why_not(disk, use) is not None or env.prefix in roots or env.last_used is None or use.size is None:
            continue
        if disk.table.bits([use.number or 0]).bit_count() > 1:
            continue  # others lie in it
        idle = max(0, int((now - env.last_used) // DAY))
        if idle < RESTED_DAYS:
            continue
        yield Suggestion(
            OwnerKind.ENVIRONMENT,
            env.prefix,
            env.label,
            use.number,
            use.size.exclusive_bytes,
            use.exclusive_files,
            idle,
            Cost.REBUILD,
            tuple(_environment_reasons(env, idle)),
            phrase("Whoever wants it again has to build it anew."),
            bounds=use.reasons,
            mine=env.writable is not False,
        )


def _environment_reasons(env: Environment, idle: int) -> Iterator[Phrase]:
    if env.last_used_signal is UsageSignal.HISTORY:
        yield plural("not changed for {n} day, and no trace of use since", "not changed for {n} days, and no trace of "
                     "use since", idle)  # fmt: skip
    else:
        yield plural("not used for {n} day", "not used for {n} days", idle)
    if env.owner is not None and env.owner.isdigit():
        yield phrase("owner's account is gone")
    if env.writable is False:
        yield phrase("this account can't remove it")


# -- package caches

_PARTS = {
    OwnerKind.TARBALLS: (Cost.DOWNLOAD, mark("downloads that are extracted already")),
    OwnerKind.PACKAGES: (Cost.DOWNLOAD, mark("extracted packages that no environment uses")),
    OwnerKind.INDEX: (Cost.NOTHING, mark("lists of channels, fetched anew when needed")),
    OwnerKind.PARTIAL: (Cost.NOTHING, mark("downloads and extractions that did not end, temporary files")),
    OwnerKind.LOGS: (Cost.NOTHING, mark("logs of conda")),
}


def _of_cache(disk: HostDisk, cache: CacheUse) -> Iterator[Suggestion]:
    writable = _writable(disk, cache)
    for part in cache.parts:
        if part.kind not in _PARTS or part.freed_bytes is None:
            continue
        cost, reason = _PARTS[part.kind]
        price = None
        if cost is Cost.DOWNLOAD:
            price = phrase("Going back to an earlier state, or working offline, needs them downloaded again.")
        reasons = [phrase(reason)]
        if not writable:
            reasons.append(phrase("this account can't remove it"))
        yield Suggestion(
            part.kind, cache.path, cache.path, part.number, part.freed_bytes, part.freed_files, None, cost,
            tuple(reasons), price, bounds=part.reasons, mine=writable,
        )  # fmt: skip


def _writable(disk: HostDisk, cache: CacheUse) -> bool:
    roots = [install for install in disk.snapshot.installs.value or () if install.root in cache.installs]
    return not roots or any(install.writable is not False for install in roots)


# -- other tools' caches

_NEVER = frozenset({CacheKind.RUNS, CacheKind.OTHER, CacheKind.KEPT})
"""What may be the only copy, and what nobody knows."""
_LITTLE = frozenset({CacheKind.TRASH, CacheKind.CORE})


def _of_tools(disk: HostDisk, now: float) -> Iterator[Suggestion]:
    account = disk.snapshot.machine.value.user if disk.snapshot.machine.value else None
    for item in disk.items or ():
        if item.kind in _NEVER or item.bytes is None:
            continue
        idle = item.idle_days(now)
        reasons = []
        if item.kind is CacheKind.TRASH:
            reasons.append(phrase("what conda could not remove at once"))
        elif item.kind is CacheKind.CORE:
            reasons.append(phrase("memory of a program that crashed"))
        if idle is not None and idle > 0:
            reasons.append(plural("not used for {n} day", "not used for {n} days", idle))
        if item.owner is not None and item.owner.isdigit():
            reasons.append(phrase("owner's account is gone"))
        mine = account is None or account == "root" or item.owner in (None, account)
        if not mine:
            reasons.append(phrase("this account can't remove it"))
        yield Suggestion(
            item.kind,
            item.path,
            item.path,
            None,
            item.freed_bytes,
            item.files,
            idle,
            Cost.NOTHING if item.kind in _LITTLE else Cost.DOWNLOAD,
            tuple(reasons),
            None if item.kind in _LITTLE else phrase("What is needed again is downloaded or built again."),
            cleaning(item),
            item,
            frozenset({Reason.UNREADABLE}) if item.unreadable_count else frozenset(),
            mine,
        )
