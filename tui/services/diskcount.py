"""Counting a host's disk when somebody wants it: one count at a time for each host, over what is there now.

A count whose connection is lost ends on the host by itself. It is begun again once the host is back, a few times, and
the person is told.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tui.domain.caches import Caches
from tui.domain.cacheusers import AccountsSeen, CacheUsers, cache_users, users_seen
from tui.domain.diskplaces import DiskPlace, PlaceKind, disk_places
from tui.domain.disksizes import environment_sizes
from tui.domain.environments import Environment, EnvKind
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.snapshot import HostSnapshot
from tui.domain.trash import Aside
from tui.ports import Clock, Connection
from tui.remote.caches import ask_caches
from tui.remote.changes.trash import list_trash
from tui.remote.diskusers import ask_stamp, ask_users
from tui.services.events import HostNoticed
from tui.services.faults import lost_fault
from tui.services.probing import ProbeApi
from tui.services.schedule import Ask
from tui.services.store import DiskCount, HostView, Store
from tui.services.waiting import within
from tui.services.watcher import HostWatcher

__all__ = ["DiskCounter", "expected_entries"]

TRIES = 3
"""So often is one count begun when the connection is lost in its midst."""
SETTLE_S = 2.0
"""So long it may take to be seen that a connection is lost, or a host to have room for another shell."""
BACK_S = 120.0
"""So long a host may take to be back."""
USERS_S = 30.0
STAMP_S = 20.0
CACHES_S = 4 * 3600.0
_GONE = frozenset({FaultKind.LOST, FaultKind.SHELL_BROKEN})
_LOSSES = _GONE | {FaultKind.TIMEOUT}

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a count goes over, as it was just looked at."""

    probe: ProbeApi
    snapshot: HostSnapshot
    environments: tuple[Environment, ...]
    asides: tuple[Aside, ...]
    places: tuple[DiskPlace, ...]

    @property
    def caches(self) -> tuple[str, ...]:
        return tuple(place.path for place in self.places if place.kind is PlaceKind.CACHE)


class DiskCounter:
    """Counts, and leaves the table and the sizes in *store*; *keep* is told of a host whose sizes are worth keeping."""

    def __init__(self, store: Store, clock: Clock, keep: Callable[[str], None]) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def count(self, watcher: HostWatcher, progress: Progress | None, *, fresh: bool = True) -> DiskCount:
        """See :meth:`FleetApi.disk`. Raises HostFaultError; what was known before then stays."""
        async with self._turns[watcher.name]:
            for left in reversed(range(TRIES)):
                connection, _ = await watcher.reached()
                try:
                    return await self._once(watcher, progress, fresh)
                except HostFaultError as error:
                    if not left or error.fault.kind not in _LOSSES:
                        raise
                    fault = error.fault
                await self._back(watcher, connection, fault)
        raise AssertionError("the last try returns or raises")

    async def _once(self, watcher: HostWatcher, progress: Progress | None, fresh: bool) -> DiskCount:
        host = watcher.name
        await watcher.renewed(Ask.INVENTORY)
        # Which file systems other hosts share, and who we are there, decides on packages.
        await watcher.settled(frozenset({"machine", "mounts"}))
        view = self._store.host(host)
        ground = await self._ground(watcher, view)
        stamp = await self._stamp(ground, keep=fresh)
        known = view.disk
        if not fresh and known is not None and stamp is not None and known.stamp == stamp:
            same = replace(known, unchanged=self._clock.now())
            self._store.set_count(host, same)
            return same
        users = await self._users(ground, view)
        machine = ground.snapshot.machine.value
        told = users_seen(users[1], ground.environments, machine.user if machine else None)
        caches = asyncio.ensure_future(self._caches(ground, view, users[0]))
        try:
            seen = 0

            def counted(entries: int) -> None:
                nonlocal seen
                seen = max(seen, entries)
                if progress is not None:
                    progress(entries)

            table = await ground.probe.disk(ground.places, counted, told)
            others, why = await caches
        finally:
            caches.cancel()
            await asyncio.gather(caches, return_exceptions=True)
        now = self._clock.now()
        bases = frozenset(env.prefix for env in ground.environments if env.kind is EnvKind.BASE)
        # Off the loop: each size goes through the whole table.
        sizes = await asyncio.to_thread(environment_sizes, table, now, bases)
        entries = max(seen, sum(row.files for row in table.rows))
        count = DiskCount(table, now, users[1], others, why, entries, ground.asides, stamp)
        self._store.set_disk(host, count, sizes)
        self._keep(host)
        return count

    async def _ground(self, watcher: HostWatcher, view: HostView) -> _Ground:
        snapshot = view.snapshot
        installs, environments = snapshot.installs, snapshot.environments
        if view.stale_parts & {"installs", "environments"} or environments.value is None:
            raise HostFaultError(environments.fault or installs.fault or lost_fault(watcher.name))
        _, probe = await watcher.reached()
        asides = await self._asides(probe, view)
        places = disk_places(installs.value or (), environments.value, (each.path for each in asides))
        return _Ground(probe, snapshot, environments.value, asides, places)

    async def _asides(self, probe: ProbeApi, view: HostView) -> tuple[Aside, ...]:
        """What was put aside; none where the host does not say: it is counted with what lies around it, then."""
        installs = view.snapshot.installs.value or ()
        roots = [install.root for install in installs]
        folders = [folder for install in installs for folder in install.envs_dirs]
        try:
            found = await probe.put_question(
                "disk",
                lambda lane: list_trash(lane, view.name, roots=roots, envs_dirs=folders, timeout=USERS_S),
                keep=True,
            )
        except HostFaultError as error:
            if error.fault.kind in _GONE:
                raise
            return ()
        return found.asides

    async def _users(self, ground: _Ground, view: HostView) -> tuple[AccountsSeen | None, tuple[CacheUsers, ...]]:
        """Whether all users of each cache are seen; where the host does not say, that is what is said."""
        accounts: AccountsSeen | None = None
        search = view.spec.search
        try:
            accounts = await ground.probe.put_question(
                "disk",
                lambda lane: ask_users(lane, view.name, ground.caches, only=search.only, timeout=USERS_S),
                keep=True,
            )
        except HostFaultError as error:
            if error.fault.kind in _GONE:
                raise
        return accounts, cache_users(ground.caches, accounts, ground.snapshot, search)

    async def _caches(
        self, ground: _Ground, view: HostView, accounts: AccountsSeen | None
    ) -> tuple[Caches | None, Fault | None]:
        """What other tools' caches hold, or why that is not known. A loss of the connection is seen by the count."""
        homes: Sequence[str] = () if accounts is None else accounts.homes
        only = view.spec.search.only
        try:
            found = await ground.probe.put_question(
                "caches",
                lambda lane: ask_caches(
                    lane, view.name, timeout=CACHES_S, homes=homes, package_caches=ground.caches, cores=not only
                ),
            )
        except HostFaultError as error:
            return None, error.fault
        return found, None

    async def _stamp(self, ground: _Ground, *, keep: bool) -> bytes | None:
        paths = [place.path for place in ground.places]
        try:
            return await ground.probe.put_question(
                "disk", lambda lane: ask_stamp(lane, paths, timeout=STAMP_S), keep=keep
            )
        except HostFaultError as error:
            if error.fault.kind in _GONE:
                raise
            return None

    async def _back(self, watcher: HostWatcher, connection: Connection, fault: Fault) -> None:
        """Wait until a lost host is back. Raises HostFaultError, saying how it was lost, when it is not."""
        lost: Connection | None = connection
        try:
            await within(self._clock, SETTLE_S, connection.closed())
        except TimeoutError:
            # The shell alone was ended: by a person, for want of memory, or to make room for a terminal.
            if fault.kind is FaultKind.TIMEOUT:
                raise HostFaultError(fault) from None
            lost = None
        now = self._clock.now()
        text = phrase("counting the disk was cut off, and begins anew")
        self._store.write_log(watcher.name, text, now)
        self._store.bus.publish(HostNoticed(watcher.name, now, text))
        try:
            await within(self._clock, BACK_S, watcher.regained(lost))
        except TimeoutError:
            raise HostFaultError(fault) from None


def expected_entries(view: HostView) -> int | None:
    """About how many entries a count of this host will look at, from the last one; None when none is known."""
    if view.disk is not None and view.disk.entries:
        return view.disk.entries
    environments = view.snapshot.environments.value or ()
    return sum(env.size.files for env in environments if env.size is not None) or None
