"""Counting a host's disk when somebody wants it: one count at a time for each host, over what is there now.

A count goes on on the host when its connection is lost, and is gone on with once the host is back. Where the host can
keep nothing (a full disk, a home that cannot be written), where it was started anew meanwhile, or where the count was
given up there for want of anybody who asks for it, it begins anew, a few times. Either way the person is told.

Each host counts all that it sees, an export that others mount as well too; sums take it once. One host's table cannot
stand for another's: what uses a package of a host's own cache is seen only where that cache is, also for an environment
on the export that leads to it by soft links; an account may be let in on one host and kept out on another; and what has
several links there is known only together with all places that this host found. To leave an export out would let
packages in use pass for unused, which is worse than reading it again at the lowest priority.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tui.domain.caches import Caches
from tui.domain.cacheusers import AccountsSeen, CacheUsers, UsersSeen, cache_users, users_seen
from tui.domain.diskplaces import DiskPlace, PlaceKind, disk_places
from tui.domain.disksizes import environment_sizes
from tui.domain.environments import Environment, EnvKind
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import LOCAL, HostState
from tui.domain.phrases import phrase
from tui.domain.snapshot import HostSnapshot
from tui.domain.trash import Aside
from tui.ports import Clock, Connection
from tui.remote.caches import ask_caches
from tui.remote.changes.trash import list_trash
from tui.remote.diskusers import ask_stamp, ask_users
from tui.remote.kept import LOSSES, KeptGoneError, KeptPass
from tui.services.events import HostNoticed
from tui.services.faults import lost_fault
from tui.services.probing import ProbeApi
from tui.services.schedule import Ask
from tui.services.store import DiskCount, HostView, Store
from tui.services.waiting import within
from tui.services.watcher import HostWatcher

__all__ = ["DiskCounter", "expected_entries"]

TRIES = 3
"""So often is one count begun or gone on with when the connection is lost in its midst and nothing new was learnt."""
SETTLE_S = 2.0
"""So long it may take to be seen that a connection is lost, or a host to have room for another shell."""
BACK_S = 120.0
"""So long a host may take to be back."""
USERS_S = 30.0
STAMP_S = 20.0
CACHES_S = 4 * 3600.0
LET_GO_S = 3.0
"""So long whoever gives a count up waits until the host was told; it ends there by itself later, otherwise."""
_GONE = frozenset({FaultKind.LOST, FaultKind.SHELL_BROKEN})

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a count goes over, as it was just looked at."""

    snapshot: HostSnapshot
    environments: tuple[Environment, ...]
    asides: tuple[Aside, ...]
    places: tuple[DiskPlace, ...]

    @property
    def caches(self) -> tuple[str, ...]:
        return tuple(place.path for place in self.places if place.kind is PlaceKind.CACHE)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A count under way, which may outlive its connection."""

    ground: _Ground
    stamp: bytes | None
    accounts: AccountsSeen | None
    users: tuple[CacheUsers, ...]
    told: UsersSeen
    disk: KeptPass | None
    """None on this machine: there is no connection that could be lost."""
    caches: KeptPass | None

    @property
    def kept(self) -> tuple[KeptPass, ...]:
        """What may be under way on the host."""
        return tuple(each for each in (self.disk, self.caches) if each is not None and each.begun)

    @property
    def fetched(self) -> int:
        """How much of it ever came."""
        return 0 if self.disk is None else self.disk.fetched


class DiskCounter:
    """Counts, and leaves the table and the sizes in *store*; *keep* is told of a host whose sizes are worth keeping."""

    def __init__(self, store: Store, clock: Clock, keep: Callable[[str], None]) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: dict[str, tuple[HostWatcher, _Begun]] = {}
        self._closing = False

    async def count(self, watcher: HostWatcher, progress: Progress | None, *, fresh: bool = True) -> DiskCount:
        """See :meth:`FleetApi.disk`. Raises HostFaultError; what was known before then stays."""
        async with self._turns[watcher.name]:
            try:
                return await self._count(watcher, progress, fresh)
            finally:
                await self._let_go(watcher.name)

    async def close(self) -> None:
        """Tell hosts that nobody waits for their counts any more: at once, or else they end by themselves later."""
        self._closing = True
        await asyncio.gather(*(self._let_go(host) for host in tuple(self._under_way)))

    async def _count(self, watcher: HostWatcher, progress: Progress | None, fresh: bool) -> DiskCount:
        host, left = watcher.name, TRIES
        begun: _Begun | None = None
        room_until: float | None = None
        while True:
            connection, probe = await watcher.reached()
            fetched = 0
            try:
                if begun is None:
                    found = await self._begin(watcher, probe, fresh)
                    if isinstance(found, DiskCount):
                        return found
                    begun = found
                    self._under_way[host] = (watcher, begun)
                fetched = begun.fetched
                return await self._counted(watcher, probe, begun, progress)
            except HostFaultError as error:
                if error.fault.kind is FaultKind.SESSIONS_EXHAUSTED and begun is not None and begun.kept:
                    # A terminal took its channel: it goes on there, and is asked for when there is one again.
                    now = self._clock.monotonic()
                    room_until = now + BACK_S if room_until is None else room_until
                    if now < room_until:
                        await self._clock.sleep(SETTLE_S)
                        continue
                left -= 1
                if begun is not None and begun.fetched > fetched:
                    left = TRIES - 1  # it gets on, if slowly
                gone = isinstance(error, KeptGoneError)
                if self._closing or not left or not (gone or error.fault.kind in LOSSES):
                    raise
                fault = error.fault
            if gone or begun is None or not begun.kept:
                begun = None
                self._say(host, phrase("counting the disk was cut off, and begins anew"))
            else:
                self._say(host, phrase("the connection was lost while the disk is counted: that goes on on the host"))
            if not gone:
                await self._back(watcher, connection, fault)

    async def _begin(self, watcher: HostWatcher, probe: ProbeApi, fresh: bool) -> _Begun | DiskCount:
        """What a count goes over; or the last count, where nothing changed since and that is enough."""
        host = watcher.name
        await watcher.renewed(Ask.INVENTORY)
        # Which file systems other hosts share, and who we are there, decides on packages.
        await watcher.settled(frozenset({"machine", "mounts"}))
        view = self._store.host(host)
        ground = await self._ground(probe, view)
        stamp = await self._stamp(probe, ground, keep=fresh)
        known = view.disk
        if not fresh and known is not None and stamp is not None and known.stamp == stamp:
            same = replace(known, unchanged=self._clock.now())
            self._store.set_count(host, same)
            return same
        accounts, users = await self._users(probe, ground, view)
        machine = ground.snapshot.machine.value
        told = users_seen(users, ground.environments, machine.user if machine else None)
        disk, caches = (None, None) if host == LOCAL else (KeptPass(), KeptPass())
        return _Begun(ground, stamp, accounts, users, told, disk, caches)

    async def _counted(
        self, watcher: HostWatcher, probe: ProbeApi, begun: _Begun, progress: Progress | None
    ) -> DiskCount:
        host, ground = watcher.name, begun.ground
        caches = asyncio.ensure_future(self._caches(probe, begun, self._store.host(host)))
        try:
            seen = 0

            def counted(entries: int) -> None:
                nonlocal seen
                seen = max(seen, entries)
                if progress is not None:
                    progress(entries)

            table = await probe.disk(ground.places, counted, begun.told, begun.disk)
            others, why = await caches
        finally:
            caches.cancel()
            await asyncio.gather(caches, return_exceptions=True)
            if begun.disk is not None and begun.disk.refusal is not None:
                text = phrase(
                    "a count of the disk cannot outlive its connection here: {reason}", reason=begun.disk.refusal
                )
                self._store.write_log(host, text, self._clock.now())
        now = self._clock.now()
        bases = frozenset(env.prefix for env in ground.environments if env.kind is EnvKind.BASE)
        # Off the loop: each size goes through the whole table.
        sizes = await asyncio.to_thread(environment_sizes, table, now, bases)
        entries = max(seen, sum(row.files for row in table.rows))
        count = DiskCount(table, now, begun.users, others, why, entries, ground.asides, begun.stamp)
        self._store.set_disk(host, count, sizes)
        self._keep(host)
        return count

    async def _ground(self, probe: ProbeApi, view: HostView) -> _Ground:
        snapshot = view.snapshot
        installs, environments = snapshot.installs, snapshot.environments
        if view.stale_parts & {"installs", "environments"} or environments.value is None:
            raise HostFaultError(environments.fault or installs.fault or lost_fault(view.name))
        asides = await self._asides(probe, view)
        places = disk_places(installs.value or (), environments.value, (each.path for each in asides))
        return _Ground(snapshot, environments.value, asides, places)

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

    async def _users(
        self, probe: ProbeApi, ground: _Ground, view: HostView
    ) -> tuple[AccountsSeen | None, tuple[CacheUsers, ...]]:
        """Whether all users of each cache are seen; where the host does not say, that is what is said."""
        accounts: AccountsSeen | None = None
        search = view.spec.search
        try:
            accounts = await probe.put_question(
                "disk",
                lambda lane: ask_users(lane, view.name, ground.caches, only=search.only, timeout=USERS_S),
                keep=True,
            )
        except HostFaultError as error:
            if error.fault.kind in _GONE:
                raise
        return accounts, cache_users(ground.caches, accounts, ground.snapshot, search)

    async def _caches(self, probe: ProbeApi, begun: _Begun, view: HostView) -> tuple[Caches | None, Fault | None]:
        """What other tools' caches hold, or why that is not known. A loss of the connection is seen by the count."""
        homes: Sequence[str] = () if begun.accounts is None else begun.accounts.homes
        package_caches, kept = begun.ground.caches, begun.caches
        only = view.spec.search.only
        try:
            found = await probe.put_question(
                "caches",
                lambda lane: ask_caches(
                    lane,
                    view.name,
                    timeout=CACHES_S,
                    homes=homes,
                    package_caches=package_caches,
                    cores=not only,
                    kept=kept,
                ),
            )
        except HostFaultError as error:
            return None, error.fault
        return found, None

    async def _stamp(self, probe: ProbeApi, ground: _Ground, *, keep: bool) -> bytes | None:
        paths = [place.path for place in ground.places]
        try:
            return await probe.put_question("disk", lambda lane: ask_stamp(lane, paths, timeout=STAMP_S), keep=keep)
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
        try:
            await within(self._clock, BACK_S, watcher.regained(lost))
        except TimeoutError:
            raise HostFaultError(fault) from None

    def _say(self, host: str, text: str) -> None:
        now = self._clock.now()
        self._store.write_log(host, text, now)
        self._store.bus.publish(HostNoticed(host, now, text))

    async def _let_go(self, host: str) -> None:
        """Have what is under way on *host* end there, if it can be told now."""
        watcher, begun = self._under_way.pop(host, (None, None))
        if watcher is None or begun is None or not begun.kept or watcher.state is not HostState.UP:
            return
        with contextlib.suppress(HostFaultError, TimeoutError):
            await within(self._clock, LET_GO_S, self._stop(watcher, begun))

    async def _stop(self, watcher: HostWatcher, begun: _Begun) -> None:
        _, probe = await watcher.reached()
        for kept in begun.kept:
            await probe.put_question("disk", kept.stop)


def expected_entries(view: HostView) -> int | None:
    """About how many entries a count of this host will look at, from the last one; None when none is known."""
    if view.disk is not None and view.disk.entries:
        return view.disk.entries
    environments = view.snapshot.environments.value or ()
    return sum(env.size.files for env in environments if env.size is not None) or None
