"""A fleet that lives in memory: hosts that answer, hang, fail and vanish on command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.fakes import FakeClock
from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace
from tui.domain.disktable import DiskTable
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import History, Revision
from tui.domain.hosts import HostSpec
from tui.domain.machine import Load, Machine
from tui.domain.settings import Settings
from tui.domain.snapshot import HostSnapshot, Part
from tui.ports import Channel, Clock, Connection, ConnectionFacts, TermRequest
from tui.remote.kept import KeptPass
from tui.remote.lane import Lane
from tui.services.asking import AskingPrompter
from tui.services.engine import FleetService
from tui.services.events import Event
from tui.services.probing import Partial, ProbeApi

__all__ = ["FakeHost", "FakeSnapshots", "FakeWorld", "Reading", "fault", "running"]

T = TypeVar("T")


def fault(kind: FaultKind = FaultKind.TIMEOUT, message: str = "it did not answer") -> HostFaultError:
    return HostFaultError(Fault(kind, message, "wait"))


@dataclass(frozen=True)
class Reading:
    parts: Mapping[str, Part[Any]]
    inventory_due: bool = False


class FakeConnection:
    def __init__(self, host: FakeHost) -> None:
        self.facts = ConnectionFacts(address=host.name)
        self.end: asyncio.Future[Fault | None] = asyncio.get_running_loop().create_future()
        self.host = host

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        raise AssertionError("the fake probe opens no channels")

    async def closed(self) -> Fault | None:
        return await asyncio.shield(self.end)

    def lose(self, reason: Fault | None = None) -> None:
        self.end.set_result(reason or Fault(FaultKind.LOST, "connection reset", ""))

    async def close(self) -> None:
        self.host.closed += 1
        if self.host.deaf:
            await deaf()
        if not self.end.done():
            self.end.set_result(None)


async def deaf() -> None:
    """Hang, and heed no cancellation for three seconds: what careless code does."""
    deadline = asyncio.get_running_loop().time() + 3
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(left)


async def no_disk(places: Sequence[DiskPlace], progress: Callable[[int], None] | None) -> DiskTable:
    return DiskTable()


@dataclass
class FakeHost:
    """How a host behaves, and what was asked of it."""

    name: str
    clock: Clock
    connects: list[Callable[[], Awaitable[None]] | HostFaultError | Exception] = field(default_factory=list)
    """What the next tries to connect meet, in order; afterwards they succeed."""
    answers: dict[str, Callable[[], Awaitable[Reading]]] = field(default_factory=dict)
    """Other answers than the usual ones: status, mounts, gpus, inventory."""
    asked: list[tuple[float, str]] = field(default_factory=list)
    tries: list[float] = field(default_factory=list)
    forced: list[bool] = field(default_factory=list)
    connection: FakeConnection | None = None
    under_way: dict[str, int] = field(default_factory=dict)
    most: dict[str, int] = field(default_factory=dict)
    partial: Partial | None = None
    disk: Callable[[Sequence[DiskPlace], Callable[[int], None] | None], Awaitable[DiskTable]] = no_disk
    users: UsersSeen | None = None
    """What the last count was told of who uses the caches."""
    lanes: dict[str, Lane] = field(default_factory=dict)
    """Real lanes for questions of a kind; of other kinds none is answered."""
    closed: int = 0
    deaf: bool = False
    due: bool = False
    load: float = 0.0
    specs: list[HostSpec] = field(default_factory=list)

    def times(self, ask: str) -> list[float]:
        """When *ask* was asked."""
        return [at for at, what in self.asked if what == ask]

    async def ask(self, what: str) -> Reading:
        self.asked.append((self.clock.monotonic(), what))
        self.under_way[what] = self.under_way.get(what, 0) + 1
        self.most[what] = max(self.most.get(what, 0), self.under_way[what])
        try:
            if what in self.answers:
                return await self.answers[what]()
            return Reading(self.usual(what), self.due and what == "status")
        finally:
            self.under_way[what] -= 1

    def usual(self, what: str) -> dict[str, Part[Any]]:
        now = self.clock.now()
        values: dict[str, dict[str, Any]] = {
            "status": {"machine": Machine(hostname=self.name), "load": Load(load1=self.load), "sessions": ()},
            "mounts": {"mounts": ()},
            "gpus": {"gpus": ()},
            "inventory": {"installs": (), "environments": ()},
        }
        return {name: Part(value, now) for name, value in values[what].items()}


class FakeProbe:
    def __init__(self, host: FakeHost) -> None:
        self.host = host

    async def status(self) -> Reading:
        return await self.host.ask("status")

    async def mounts(self) -> Reading:
        return await self.host.ask("mounts")

    async def gpus(self, force: bool = False) -> Reading:
        self.host.forced.append(force)
        return await self.host.ask("gpus")

    async def inventory(self, on_partial: Partial | None = None) -> Reading:
        self.host.partial = on_partial
        return await self.host.ask("inventory")

    async def search(self, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        if progress is not None:
            progress(path)
        return (f"{path}/found",)

    async def put_question(self, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        self.host.asked.append((self.host.clock.monotonic(), f"put {kind}"))
        if kind in self.host.lanes:
            return await question(self.host.lanes[kind])
        raise HostFaultError(Fault(FaultKind.TOOL_MISSING, f"nobody answers questions of {kind}", ""))

    async def disk(
        self,
        places: Sequence[DiskPlace],
        progress: Callable[[int], None] | None = None,
        users: UsersSeen | None = None,
        kept: KeptPass | None = None,
    ) -> DiskTable:
        self.host.users = users
        self.host.asked.append((self.host.clock.monotonic(), "disk"))
        return await self.host.disk(places, progress)

    async def history(self, prefix: str) -> History:
        self.host.asked.append((self.host.clock.monotonic(), f"history {prefix}"))
        return History((Revision(0, 1.0, f"conda create -p {prefix}", None),))

    async def close(self) -> None:
        if self.host.deaf:
            await deaf()


class FakeSnapshots:
    """Keeps snapshots in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, HostSnapshot] = {}
        self.saves: list[HostSnapshot] = []
        self.places: dict[str, tuple[str, ...]] = {}
        self.found: dict[str, tuple[str, ...]] = {}

    def load(self, hosts: Sequence[str]) -> dict[str, HostSnapshot]:
        return {name: self.kept[name] for name in hosts if name in self.kept}

    def save(self, snapshot: HostSnapshot) -> None:
        self.saves.append(snapshot)

    def load_search(self, host: str) -> tuple[str, ...]:
        return self.places.get(host, ())

    def load_found(self, host: str) -> tuple[str, ...]:
        return self.found.get(host, ())

    def save_search(self, host: str, paths: Sequence[str], found: Sequence[str] = ()) -> str | None:
        self.places[host] = tuple(paths)
        self.found[host] = tuple(found)
        return None


class FakeWorld:
    """Hosts by name, and the connector that reaches them."""

    def __init__(self, names: Iterable[str], clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.hosts = {name: FakeHost(name, self.clock) for name in names}
        self.snapshots = FakeSnapshots()
        self.events: list[Event] = []
        self.connector_closed = False

    def __getitem__(self, name: str) -> FakeHost:
        return self.hosts[name]

    async def connect(
        self,
        spec: HostSpec,
        report: Callable[[str], None] | None = None,
        resolved: Callable[[ConnectionFacts], None] | None = None,
    ) -> Connection:
        host = self.hosts[spec.name]
        host.tries.append(self.clock.monotonic())
        if report is not None:
            report("resolving\x1b[2J")
        if resolved is not None:
            resolved(ConnectionFacts(address=f"{spec.name}.example", port=2200, user="ada"))
        if host.connects:
            step = host.connects.pop(0)
            if isinstance(step, Exception):
                raise step
            await step()
        host.connection = FakeConnection(host)
        return host.connection

    async def close(self) -> None:
        self.connector_closed = True

    def probe(self, connection: Connection, spec: HostSpec) -> ProbeApi:
        self.hosts[spec.name].specs.append(spec)
        return FakeProbe(self.hosts[spec.name])

    def service(self, settings: Settings | None = None, asking: AskingPrompter | None = None) -> FleetService:
        settings = settings or Settings(hosts=tuple(map(HostSpec, self.hosts)))
        service = FleetService(settings, self, self.snapshots, self.clock, self.probe, asking=asking)
        service.bus.subscribe(self.events.append)
        return service


@contextlib.asynccontextmanager
async def running(
    world: FakeWorld, settings: Settings | None = None, asking: AskingPrompter | None = None
) -> AsyncIterator[FleetService]:
    """A started fleet, closed at the end."""
    service = world.service(settings, asking)
    try:
        await service.start()
        yield service
    finally:
        await service.close()
