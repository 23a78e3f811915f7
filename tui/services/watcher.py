"""One host, watched: its connection made, lost and made again, and its parts kept fresh while it is up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Set
from dataclasses import dataclass, field, replace
from typing import Any

from tui.domain.backoff import retry_delay
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.phrases import phrase
from tui.domain.settings import Settings
from tui.domain.text import printable
from tui.ports import Clock, Connection, ConnectionFacts, Connector, Notice
from tui.services.asking import watched_host
from tui.services.events import HostNoticed
from tui.services.faults import internal_fault, lost_fault
from tui.services.lanes import HostLanes
from tui.services.probing import ProbeApi, ProbeFactory
from tui.services.schedule import Ask, Sight
from tui.services.store import Store
from tui.services.waiting import abandon, within, woken

__all__ = ["STABLE_S", "HostWatcher", "World"]

LOG = logging.getLogger(__name__)

STABLE_S = 60.0
"""A connection that held for so long, in seconds, was good: after its loss the first, short delay applies again."""
_GIVEN_ELSEWHERE = (FaultKind.HOST_KEY_UNKNOWN, FaultKind.AUTH_NEEDED)
GOODBYE_S = 1.0
"""How long a lost or dropped connection gets to end, in seconds; nobody waits for it."""


@dataclass(slots=True)
class World:
    """What all watchers of a fleet share."""

    settings: Settings
    store: Store
    clock: Clock
    connector: Connector
    probe_factory: ProbeFactory
    keep: Callable[[str], None]
    """Called with a host's name after each inventory: its snapshot is worth keeping."""
    sight: Sight = field(default_factory=Sight)
    reached: Callable[[str], None] = lambda host: None
    """Called with a host's name when it is up."""


class HostWatcher:
    """Keeps one host connected and its parts fresh, from :meth:`start` until :meth:`stop`."""

    def __init__(self, spec: HostSpec, world: World) -> None:
        self.spec = spec
        self._world = world
        self.lanes = HostLanes(spec.name, world.settings, world.store, world.clock, self._answered)
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._probe: ProbeApi | None = None
        self._farewells: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._tried_and_failed = False
        self._questions = 0
        self._way_opened = False
        self._retry = asyncio.Event()
        self._restart = asyncio.Event()
        self._progress = asyncio.Event()

    # -- what the service asks of a watcher

    @property
    def name(self) -> str:
        """The host's name."""
        return self.spec.name

    @property
    def state(self) -> HostState:
        """Where the connection stands."""
        return self._world.store.host(self.name).state

    def start(self) -> None:
        """Begin to connect and watch."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"watch {self.name}")

    def stop(self) -> list[asyncio.Future[Any]]:
        """Cancel everything, now; returns what may still take a moment to end."""
        if self._task is not None:
            self._task.cancel()
        return [*([self._task] if self._task else []), *self._farewells]

    @property
    def farewells(self) -> set[asyncio.Task[None]]:
        """Connections that are being closed."""
        return self._farewells

    def refresh(self, asks: Iterable[Ask], *, changed: bool, wanted: bool = False) -> None:
        """Ask now, or try a waiting host at once; one that waits for a person when *wanted*: a person named it."""
        if self.state is HostState.WAITING:
            self._retry.set()
        elif wanted and self.state is HostState.DOWN:
            self.reconnect()
        self.lanes.poke(asks, again=changed)

    def look(self) -> None:
        """The person looks elsewhere: think again about what is due."""
        self.lanes.look(self._world.sight)

    def reconnect(self) -> None:
        """A person acted: drop the connection, if any, and try now with a clean slate."""
        self._report(phrase("trying again, as asked"))
        self._failures = 0
        self._tried_and_failed = False
        self._retry.set()
        self._restart.set()

    def way_opened(self, names: Set[str]) -> None:
        """Hosts called *names* were reached: try again now what failed for want of a way through them.

        So does a host that was itself reached on another's behalf while its own try waits for a person: its key
        or its password was given there.
        """
        view = self._world.store.host(self.name)
        behind = not names.isdisjoint(view.facts.via)
        self._way_opened = self._way_opened or behind
        kinds = ((FaultKind.JUMP_FAILED,) if behind else ()) + (_GIVEN_ELSEWHERE if self.name in names else ())
        if view.state in (HostState.WAITING, HostState.DOWN) and view.fault is not None and view.fault.kind in kinds:
            self._report(phrase("trying again: the way there is open"))
            self._failures = 0
            self._retry.set()

    def asking(self, begins: bool) -> None:
        """The host waits for a person, or no longer."""
        self._questions += 1 if begins else -1
        if self._questions and self.state is HostState.CONNECTING:
            self._set_state(HostState.ASKING, self._world.store.host(self.name).fault)
        elif not self._questions and self.state is HostState.ASKING:
            self._set_state(HostState.CONNECTING, self._world.store.host(self.name).fault)

    async def settled(self, parts: frozenset[str]) -> None:
        """Wait until each of *parts* was answered in this run, or the host cannot be reached."""
        while not (parts <= self.lanes.answered or (self._tried_and_failed and self._connection is None)):
            await self._progress.wait()

    async def reached(self) -> tuple[Connection, ProbeApi]:
        """The live connection and its probe, waiting for a first try. Raises HostFaultError when it is not up."""
        while self._connection is None or self._probe is None:
            view = self._world.store.host(self.name)
            if view.state in (HostState.WAITING, HostState.DOWN) and view.fault is not None:
                raise HostFaultError(view.fault)
            await self._progress.wait()
        return self._connection, self._probe

    async def regained(self, lost: Connection | None) -> None:
        """Wait for another connection than *lost*, however often one is tried.

        Raises HostFaultError when a person is needed for that.
        """
        while self._connection is None or self._connection is lost:
            view = self._world.store.host(self.name)
            if self._connection is None and view.state is HostState.DOWN and view.fault is not None:
                raise HostFaultError(view.fault)
            await self._progress.wait()

    async def renewed(self, ask: Ask) -> None:
        """Have *ask* put once more, after anything under way, and wait for it. Raises HostFaultError on a loss."""
        connection, _ = await self.reached()
        lane = self.lanes[ask]
        target = lane.finished + (2 if lane.in_flight else 1)
        self.lanes.poke((ask,), again=True)
        while lane.finished < target:
            if self._connection is not connection:
                fault = self._world.store.host(self.name).fault
                raise HostFaultError(fault or lost_fault(self.name))
            await self._progress.wait()

    # -- the life of the connection

    async def _run(self) -> None:
        watched_host.set(self.name)
        while True:
            self._retry.clear()
            self._restart.clear()
            fault = await self._attempt()
            if fault is not None:
                await self._rest(fault)

    async def _attempt(self) -> Fault | None:
        """Connect and serve until the connection ends: why, or None when a person wanted it."""
        self._way_opened = False
        known = self._world.store.host(self.name).fault
        self._set_state(HostState.CONNECTING, known.with_retry_at(None) if known else None)
        connection: Connection | None = None
        began = self._world.clock.monotonic()
        try:
            connection = await self._connect()
            if connection is None:
                return None
            began = self._world.clock.monotonic()
            return await self._serve(connection)
        except HostFaultError as error:
            return error.fault
        except Exception as error:  # the funnel: a defect here must cost one host a retry, not the app its life
            LOG.exception("watching %s failed", self.name)
            return internal_fault(phrase("watching {host}", host=self.name), error)
        finally:
            if connection is not None:
                if self._world.clock.monotonic() - began >= STABLE_S:
                    self._failures = 0
                self._say_goodbye(connection, self._probe)
            self._connection = self._probe = None

    async def _connect(self) -> Connection | None:
        """A connection, or None when a person wants the attempt to begin anew. Raises HostFaultError."""
        work = asyncio.ensure_future(self._world.connector.connect(self.spec, self._report, self._resolved))
        restart = asyncio.ensure_future(self._restart.wait())
        wanted = False
        try:
            await asyncio.wait((work, restart), return_when=asyncio.FIRST_COMPLETED)
            wanted = work.done()
            return work.result() if wanted else None
        finally:
            abandon(restart)
            if not wanted:
                work.cancel()
                work.add_done_callback(self._unwanted)

    def _unwanted(self, work: asyncio.Future[Connection]) -> None:
        """An attempt that was given up may have got through all the same."""
        if not work.cancelled() and work.exception() is None:
            self._say_goodbye(work.result(), None)

    async def _serve(self, connection: Connection) -> Fault | None:
        probe = self._world.probe_factory(connection, self.spec)
        self._connection, self._probe = connection, probe
        self._set_state(HostState.UP, None, connection)
        self._world.reached(self.name)
        gone = asyncio.ensure_future(connection.closed())
        restart = asyncio.ensure_future(self._restart.wait())
        lanes = self.lanes.begin(probe, self._world.sight)
        try:
            done, _ = await asyncio.wait((gone, restart, *lanes), return_when=asyncio.FIRST_COMPLETED)
            if restart in done:
                return None
            if gone in done:
                return gone.result() or lost_fault(self.name)
            for lane in lanes:
                if lane in done:
                    lane.result()  # raises why it ended
            return lost_fault(self.name)
        finally:
            for task in (gone, restart, *lanes):
                abandon(task)
            self.lanes.end()

    async def _rest(self, fault: Fault) -> None:
        """Wait until the next try: by the schedule, or until a person acts."""
        clock = self._world.clock
        if self._way_opened and fault.kind is FaultKind.JUMP_FAILED:
            return  # the way was opened while this try was failing on it
        self._failures += 1
        self._tried_and_failed = True
        self._report(fault.message)
        self._retry.clear()
        if fault.waits_for_a_person:
            self._set_state(HostState.DOWN, fault.with_retry_at(None))
            await self._retry.wait()
            return
        delay = retry_delay(self._failures, clock.jitter())
        self._set_state(HostState.WAITING, fault.with_retry_at(clock.now() + delay))
        await woken(clock, delay, self._retry)

    def _say_goodbye(self, connection: Connection, probe: ProbeApi | None) -> None:
        if probe is not None:
            self._farewell(probe.close())
        self._farewell(connection.close())

    def _farewell(self, parting: Coroutine[Any, Any, None]) -> None:
        async def goodbye() -> None:
            try:
                await within(self._world.clock, GOODBYE_S, parting)
            except (TimeoutError, HostFaultError):
                pass  # gone is gone
            except Exception:  # nothing that goes wrong with a dropped connection concerns anybody but the log
                LOG.exception("closing the connection to %s failed", self.name)

        task = asyncio.create_task(goodbye(), name=f"close {self.name}")
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    # -- saying so

    def _report(self, text: str) -> None:
        store, now = self._world.store, self._world.clock.now()
        store.write_log(self.name, printable(text), now)
        if isinstance(text, Notice):
            store.bus.publish(HostNoticed(self.name, now, printable(text)))

    def _resolved(self, found: ConnectionFacts) -> None:
        """Where it is tried, known before it is reached, and kept when it never is."""
        store = self._world.store
        view = store.host(self.name)
        facts = replace(view.facts, address=found.address, port=found.port, user=found.user, via=found.via)
        store.set_state(self.name, view.state, view.fault, self._world.clock.now(), facts)

    def _set_state(self, state: HostState, fault: Fault | None, connection: Connection | None = None) -> None:
        facts = connection.facts if connection is not None else None
        self._world.store.set_state(self.name, state, fault, self._world.clock.now(), facts)
        self._progressed()

    def _answered(self, ask: Ask) -> None:
        if ask is Ask.INVENTORY:
            self._world.keep(self.name)
        self._progressed()

    def _progressed(self) -> None:
        """Wake whoever waits for something of this host."""
        self._progress.set()
        self._progress = asyncio.Event()
