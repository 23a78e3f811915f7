"""The running fleet: one watcher for each host over one store. The implementation of :class:`FleetApi`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from tui.domain.changes import ChangeKind
from tui.domain.history import History
from tui.domain.hosts import HostSpec, HostState
from tui.domain.phrases import phrase
from tui.domain.settings import Settings
from tui.domain.snapshot import PARTS
from tui.domain.tasks import Task
from tui.domain.text import printable
from tui.ports import ArchiveStore, Channel, Clock, Connection, Connector, SnapshotStore, TaskHistoryStore, TermRequest
from tui.remote import attach
from tui.remote.changes.trash import TrashSeen
from tui.remote.jobs import Job
from tui.remote.lane import Lane
from tui.services.asking import AskingPrompter
from tui.services.changedesk import ChangeDesk, Ground, Kind
from tui.services.diskcount import DiskCounter
from tui.services.events import Bus, HostNoticed
from tui.services.exporting import Archiver
from tui.services.fleet import TerminalPlan
from tui.services.keeper import SnapshotKeeper
from tui.services.probing import ProbeFactory
from tui.services.schedule import Ask, Sight, asks_for
from tui.services.store import DiskCount, Store
from tui.services.waiting import abandon
from tui.services.watcher import HostWatcher, World

if TYPE_CHECKING:
    from tui.domain.carrying import Cargo, Carried
    from tui.services.changing.carrying import Carrier
    from tui.services.plans import PlanDesk
    from tui.services.taskdesk import TaskDesk

__all__ = ["FleetService"]

LOG = logging.getLogger(__name__)
T = TypeVar("T")

# Real seconds, whatever the fleet's clock says: together they keep the promise that closing takes one.
_READ_SEARCH_S = 2.0
_SHOW_LAST_S = 0.25
_STOP_S = 0.25
_GOODBYE_S = 0.3
_KEEP_S = 0.3


class FleetService:
    """See :class:`tui.services.fleet.FleetApi`. To be made and used inside a running event loop.

    *asking* is the prompter that *connector* was given, when people can be asked; *operator*, ``ada@laptop``, is who
    changes are made for; *history* makes what remembers their tasks;
    with *watch_tasks* those of all hosts are looked at; with *purge_due* what was put aside is freed after its time.
    """

    def __init__(
        self,
        settings: Settings,
        connector: Connector,
        snapshots: SnapshotStore,
        clock: Clock,
        probe_factory: ProbeFactory,
        *,
        asking: AskingPrompter | None = None,
        operator: str = "",
        history: Callable[[], TaskHistoryStore] | None = None,
        watch_tasks: bool = False,
        purge_due: bool = False,
        archives: ArchiveStore | None = None,
    ) -> None:
        self.settings = settings
        self.bus = Bus()
        self.store = Store(settings.hosts, self.bus)
        self._clock = clock
        self._connector = connector
        self._keeper = SnapshotKeeper(snapshots, self.store, clock)
        self._world = World(settings, self.store, clock, connector, probe_factory, self._after_inventory)
        self._world.reached = self._reached
        self._watchers: dict[str, HostWatcher] = {}
        self._counter = DiskCounter(self.store, clock, self._keeper.mark)
        self._operator = operator
        self._history = history
        self._watch_tasks = watch_tasks
        self._purges = purge_due
        self._purged: set[str] = set()
        self._tasks: TaskDesk | None = None
        self._inventoried: Callable[[str], None] | None = None
        archiver = None if archives is None else Archiver(self, archives, operator)
        self.changes = ChangeDesk(
            self.store, clock, self._change_kinds, self._start_job, operator, self._see_trash, archiver, self._carry
        )
        self._chores: set[asyncio.Task[Any]] = set()
        self._keeping = False
        self._closing = False
        if asking is not None:
            asking.listen(self._asking)

    # -- FleetApi

    async def start(self, hosts: Iterable[str] | None = None) -> None:
        """Show the last snapshots, then begin to connect and watch *hosts* (None: all).

        Raises KeyError for a host that is not in the fleet. Snapshots that take long to read are shown
        while the hosts are connecting; they never replace what a host said.
        """
        names = [view.name for view in self.store.hosts()] if hosts is None else list(dict.fromkeys(hosts))
        for name in names:
            self.store.host(name)
        for name in names:
            if name not in self._watchers:  # it is about to be tried: a person need not press anything
                self.store.set_state(name, HostState.CONNECTING, None, self._clock.now())
        loading = self._chore(self._keeper.load(names), "load snapshots")
        searching = self._chore(self._keeper.load_search(names), "load search places")
        await asyncio.wait((searching,), timeout=_READ_SEARCH_S)
        if searching.done():
            for name, (places, found) in searching.result().items():
                self._remember_search(name, places, found)
        await asyncio.wait((loading,), timeout=_SHOW_LAST_S)
        if not self._closing:
            if not self._keeping:
                self._keeping = True
                self._chore(self._keeper.run(), "keep snapshots")
            for name in names:
                self._watch(name)
            if self._watch_tasks:
                self.tasks.watch()

    async def close(self) -> None:
        """Stop everything within one second, whatever hosts do; keep the last snapshots."""
        if self._closing:
            return
        self._closing = True
        ending: list[asyncio.Future[Any]] = [*self._chores]
        for chore in self._chores:
            chore.cancel()
        if self._tasks is not None:
            ending += self._tasks.close()
        # While there are connections over which it can be said.
        ending.append(asyncio.ensure_future(self._counter.close()))
        await _wait(ending[-1:], _STOP_S)
        for watcher in self._watchers.values():
            ending += watcher.stop()
        await _wait(ending, _STOP_S)
        farewells = [task for watcher in self._watchers.values() for task in watcher.farewells]
        parting = asyncio.ensure_future(self._connector.close())
        await asyncio.gather(_wait([*farewells, parting], _GOODBYE_S), self._keeper.finish(_KEEP_S), self._remembered())
        for task in (*ending, *farewells, parting):
            abandon(task)

    def refresh(
        self, hosts: Iterable[str] | None = None, parts: Iterable[str] | None = None, *, changed: bool = False
    ) -> None:
        """Ask again now; see :class:`FleetApi`. Raises KeyError for an unknown host or part."""
        asks = asks_for(PARTS if parts is None else parts)
        if hosts is None:
            for watcher in self._watchers.values():
                watcher.refresh(asks, changed=changed)
            return
        wanted = parts is None and not changed
        for name in hosts:
            self._watch(name).refresh(asks, changed=changed, wanted=wanted)

    def set_visible(self, hosts: Sequence[str], parts: Iterable[str]) -> None:
        """What the person looks at; see :class:`FleetApi`."""
        self._world.sight = Sight(frozenset(hosts), frozenset(parts))
        for watcher in self._watchers.values():
            watcher.look()

    async def settled(self, hosts: Iterable[str], parts: Iterable[str]) -> None:
        """Wait until each of *parts* of each host arrived or failed, or the host is not up and waits.

        A host that nobody started has nothing to wait for. The caller limits the wait.
        """
        wanted = frozenset(parts)
        asks_for(wanted)
        await asyncio.gather(*(self._watchers[name].settled(wanted) for name in hosts if name in self._watchers))

    def reconnect(self, host: str) -> None:
        """Drop the connection, if any, and try again now (after a person acted)."""
        self._watch(host).reconnect()

    def disconnect(self, host: str) -> None:
        """Let go of the connection; see :class:`FleetApi`. Raises KeyError for an unknown host."""
        view = self.store.host(host)
        watcher = self._watchers.pop(host, None)
        if watcher is not None:
            self.store.write_log(host, phrase("let go, as asked"), self._clock.now())
            self._chore(_wait(watcher.stop(), _STOP_S), f"let go of {host}")
        if view.state is not HostState.IDLE:
            self.store.set_state(host, HostState.IDLE, None, self._clock.now())

    async def search(self, host: str, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        """Look for environments below *path*; they are in the store when this returns. Raises HostFaultError."""
        watcher = self._watch(host)
        _, probe = await watcher.reached()
        found = await probe.search(path, progress)
        self._remember_search(host, (path,), found)
        why = await self._keeper.add_search(host, path, found)
        if why is not None:
            now = self._clock.now()
            text = phrase("{path} was searched but could not be remembered: {reason}", path=printable(path), reason=why)
            self.store.write_log(host, text, now)
            self.bus.publish(HostNoticed(host, now, text))
        await watcher.renewed(Ask.INVENTORY)
        return found

    async def history(self, host: str, prefix: str) -> History:
        """The history of an environment; see :class:`FleetApi`. Raises HostFaultError."""
        _, probe = await self._watch(host).reached()
        return await probe.history(prefix)

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = True) -> DiskCount:
        """Count the disk of *host*; see :class:`FleetApi`. Raises HostFaultError."""
        return await self._counter.count(self._watch(host), progress, fresh=fresh)

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        """Put *question* to *host*; see :class:`FleetApi`. Raises HostFaultError."""
        _, probe = await self._watch(host).reached()
        return await probe.put_question(kind, question, keep=keep)

    async def terminal(self, plan: TerminalPlan, term: TermRequest) -> Channel:
        """A pty channel for *plan* over the live connection. Raises HostFaultError."""
        connection, _ = await self._watch(plan.host).reached()
        return await attach.open_terminal(connection, plan.host, plan.session, term, limit=self.settings.limits.command)

    # -- beyond it

    def add(self, spec: HostSpec) -> None:
        """Take a host into the running fleet and watch it."""
        self.store.add(spec)
        self._watch(spec.name)

    def _change_kinds(self) -> Mapping[ChangeKind, Kind]:
        # Imported here: who only looks at the fleet must not pay for what changes it.
        from tui.services.changing.common import World as Changing
        from tui.services.changing.kinds import change_kinds

        return change_kinds(Changing(self.settings, self._clock, self.put_question, self._carrier))

    @cached_property
    def _carrier(self) -> Carrier:
        from tui.services.changing.carrying import Carrier

        return Carrier(self.settings, self._clock, self.put_question, self._connection, self._caches)

    async def _carry(self, cargo: Cargo, told: Callable[[Carried], None] | None) -> None:
        await self._carrier.carry(cargo, told)

    async def _connection(self, host: str) -> Connection:
        connection, _ = await self._watch(host).reached()
        return connection

    def _caches(self, host: str, prefix: str) -> tuple[str, ...]:
        """Those of the install of *prefix* first."""
        installs = self.store.host(host).snapshot.installs.value or ()
        own = sorted(installs, key=lambda each: not f"{prefix}/".startswith(f"{each.root}/"))
        return tuple(dict.fromkeys(path for install in own for path in install.pkgs_dirs))

    async def _see_trash(self, ground: Ground) -> TrashSeen:
        from tui.services.changing.common import World as Changing
        from tui.services.changing.removing import see_trash

        return await see_trash(Changing(self.settings, self._clock, self.put_question), ground)

    @cached_property
    def tasks(self) -> TaskDesk:
        """Tasks; see :class:`FleetApi`."""
        # Imported here, and made when it is first asked for: most commands want nothing of it.
        from tui.services.taskdesk import TaskDesk
        from tui.services.taskpast import TaskPast
        from tui.services.taskwatch import TaskWatch

        past = TaskPast(self._history)
        watch = TaskWatch(
            self.store, self._clock, self.put_question, past, self._changed, self.settings.intervals.status
        )
        self._tasks = TaskDesk(self.store, self._clock, watch, past, self._operator, self.settings.limits.tasks)
        self._inventoried = watch.inventoried
        return self._tasks

    @cached_property
    def plans(self) -> PlanDesk:
        """Plans; see :class:`FleetApi`."""
        from tui.services.plans import PlanDesk

        return PlanDesk(self, self._clock, self._operator)

    async def _start_job(self, host: str, job: Job) -> Task:
        return await self.tasks.start(host, job)

    def _changed(self, host: str) -> None:
        if not self._closing:
            self.refresh((host,), changed=True)

    def _after_inventory(self, host: str) -> None:
        self._keeper.mark(host)
        if self._inventoried is not None:
            self._inventoried(host)
        if self._purges and host not in self._purged and not self._closing:
            self._purged.add(host)
            self._chore(self._purge_due(host), f"free what is due on {host}")

    async def _purge_due(self, host: str) -> None:
        from tui.services.changing.common import World as Changing
        from tui.services.changing.duetrash import purge_due

        world = Changing(self.settings, self._clock, self.put_question)
        await purge_due(world, host, self.changes.ground, self._start_job, self._operator)

    async def _remembered(self) -> None:
        if self._tasks is not None:
            await self._tasks.finish(_KEEP_S)

    def _watch(self, name: str) -> HostWatcher:
        if name not in self._watchers:
            watcher = HostWatcher(self.store.host(name).spec, self._world)
            self._watchers[name] = watcher
            if not self._closing:
                watcher.start()
        return self._watchers[name]

    def _reached(self, host: str) -> None:
        """Whoever failed on the way through this host, or through those it was reached by, is tried again."""
        facts = self.store.host(host).facts
        names = {host, *facts.via, *((facts.address,) if facts.address else ())}
        for name, watcher in self._watchers.items():
            if name != host:
                watcher.way_opened(names)

    def _asking(self, host: str, begins: bool) -> None:
        if host in self._watchers:
            self._watchers[host].asking(begins)

    def _remember_search(self, name: str, places: Sequence[str], found: Sequence[str]) -> None:
        spec = self.store.host(name).spec
        old = spec.search
        # Where a person named all places, no search adds to them; what it found below them counts.
        new = () if old.only else tuple(place for place in dict.fromkeys(places) if place not in old.paths)
        search = replace(
            old,
            paths=(*old.paths, *new),
            found=tuple(dict.fromkeys((*old.found, *found))),
            remembered=old.remembered.union(new),
        )
        if search != old:
            spec = replace(spec, search=search)
            self.store.add(spec)
            if name in self._watchers:
                self._watchers[name].spec = spec

    def _chore(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run *work* beside the watchers; should it fail, the log says so and the watching goes on."""
        task = asyncio.create_task(work, name=name)
        self._chores.add(task)
        task.add_done_callback(self._chore_done)
        return task

    def _chore_done(self, task: asyncio.Task[Any]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("%s failed", task.get_name(), exc_info=error)


async def _wait(tasks: Sequence[asyncio.Future[Any]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
