"""What was put aside for a while is freed by the next client once its time has come, and not before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.condaroot import NUMPY, PYTHON
from tests.fakes import FakeClock
from tests.remote.changehost import ChangeHost
from tui.domain.environments import Install, Manager
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState, SearchPlaces
from tui.domain.machine import Machine
from tui.domain.settings import Settings
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.tasks import Task, TaskState, queued
from tui.remote.jobs import Job
from tui.remote.lane import Lane
from tui.services.changedesk import Ground
from tui.services.changing.common import World
from tui.services.changing.duetrash import purge_due
from tui.services.store import HostView

T = TypeVar("T")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ChangeHost]:
    host = ChangeHost(tmp_path)
    yield host
    await host.close()


class Client:
    """A client that sees one host."""

    def __init__(self, host: ChangeHost) -> None:
        self.host = host
        self.jobs: list[Job] = []
        self.fault: Fault | None = None

    async def put(self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        if self.fault is not None:
            raise HostFaultError(self.fault)
        return await question(await self.host.lane())

    def ground(self, host: str) -> Ground:
        machine = Part(Machine(hostname=host, played=True), 1.0)
        view = HostView(
            HostSpec(host, search=SearchPlaces(only=True)), HostState.UP, HostSnapshot(host, machine=machine)
        )
        root = str(self.host.root.root)
        install = Install(root, Manager.CONDA, "26.7.1", envs_dirs=(str(self.host.envs),))
        return Ground(view, (install,), ())

    async def start(self, host: str, job: Job) -> Task:
        self.jobs.append(job)
        return queued(await self.host.begin(job), host, 1.0)

    async def purge(self) -> Task | None:
        """What a client does that sees the host for the first time."""
        world = World(Settings(), FakeClock(), self.put)
        return await purge_due(world, "gpu01", self.ground, self.start, "bob@desk")


async def test_only_what_is_due_goes(host: ChangeHost) -> None:
    short, long = host.root.named("short", (PYTHON, NUMPY)), host.root.named("long", (PYTHON,))
    assert (await host.remove(short, 1)).state is TaskState.SUCCEEDED
    assert (await host.remove(long, 3600)).state is TaskState.SUCCEEDED
    client = Client(host)
    task = None
    while task is None:  # a second has to pass by the host's own clock
        task = await client.purge()
    done = await host.become(client.jobs[0].spec)
    assert done.state is TaskState.SUCCEEDED, done
    (left,) = (await host.trash()).asides
    assert left.prefix == str(long)
    assert await client.purge() is None
    assert len(client.jobs) == 1


async def test_a_host_that_cannot_be_asked_keeps_it_for_the_next_time(host: ChangeHost) -> None:
    client = Client(host)
    client.fault = Fault(FaultKind.LOST, "connection reset", "wait")
    assert await client.purge() is None
    assert not client.jobs
