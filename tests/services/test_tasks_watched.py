"""How often hosts are asked for their tasks: where something lives, now and again; elsewhere hardly ever."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.fakes import FakeClock, eventually
from tests.remote.taskhost import TaskHost
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.tasks import Task, TaskState
from tui.ports import Clock
from tui.remote.lane import Lane
from tui.services.events import Bus, Event, TasksChanged
from tui.services.store import Store
from tui.services.taskpast import TaskPast
from tui.services.taskwatch import TaskWatch

T = TypeVar("T")
SILENT = Fault(FaultKind.TOOL_HUNG, "no answer", "")
PAUSE_S = 5.0


class Watched:
    """A watch over one host, whose shell is this machine's, by a clock that tests turn."""

    def __init__(self, host: TaskHost) -> None:
        self.host = host
        self.clock = FakeClock()
        self.store = Store([HostSpec("gpu01")], Bus())
        self.kinds: list[str] = []
        """Over which lane each question went."""
        self.changed: list[str] = []
        self.events: list[Event] = []
        self.fault: Fault | None = None
        self.store.bus.subscribe(self.events.append)
        self.be(HostState.UP)
        clock: Clock = self.clock
        self.watch = TaskWatch(self.store, clock, self.put, TaskPast(None), self.changed.append, PAUSE_S)

    def be(self, state: HostState) -> None:
        self.store.set_state("gpu01", state, None, 0.0)

    async def put(self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        self.kinds.append(kind if keep else f"leave {kind}")
        if self.fault is not None:
            raise HostFaultError(self.fault)
        return await question(await self.host.lane())

    def tasks(self) -> tuple[Task, ...]:
        known = self.store.host("gpu01").tasks
        return () if known is None else known.tasks

    async def asked(self, count: int) -> None:
        """Wait until that many questions were put, and the next look waits for its time; there is none too many."""
        await eventually(lambda: len(self.kinds) >= count and self.waits())
        assert len(self.kinds) == count, self.kinds

    def waits(self) -> bool:
        return self.clock.sleepers > 0

    async def pass_by(self, seconds: float) -> None:
        """Let time pass, in which nothing is asked."""
        await self.clock.advance(seconds)
        await asyncio.sleep(0.05)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    host = TaskHost(tmp_path / "home")
    made = Watched(host)
    yield made
    for look in made.watch.close():
        await asyncio.gather(look, return_exceptions=True)
    await host.close()


async def test_a_host_where_nothing_lives_is_asked_after_inventories_alone(watched: Watched) -> None:
    watched.watch.inventoried("gpu01")
    await watched.pass_by(100)
    assert watched.kinds == []  # nobody watches
    await watched.host.run(watched.host.sh("exit 4"))
    watched.watch.begin()
    assert watched.kinds == []  # nothing is known of its environments
    watched.watch.inventoried("gpu01")
    await eventually(watched.tasks)
    await watched.pass_by(1000)
    assert watched.kinds == ["inventory"] and [task.exit_code for task in watched.tasks()] == [4]
    assert watched.changed == []  # it had ended before anybody looked
    before = len(watched.events)
    watched.watch.inventoried("gpu01")
    await eventually(lambda: len(watched.kinds) == 2)
    await watched.pass_by(1000)
    assert watched.kinds == ["inventory"] * 2 and watched.events[before:] == []


async def test_what_lives_is_asked_for_every_interval_until_it_ends(watched: Watched, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    spec = watched.host.sh('read -r x <"$1"; exit 0', str(gate))
    await watched.host.start(spec)
    await watched.host.become(spec, TaskState.RUNNING)
    watched.watch.begin()
    watched.watch.inventoried("gpu01")
    await eventually(lambda: watched.tasks() and watched.waits())
    assert watched.kinds == ["inventory"]
    for count in range(2, 7):
        await watched.clock.advance(PAUSE_S)
        await watched.asked(count)
    assert watched.kinds[1:] == ["tasks"] * 5
    assert [task.state for task in watched.tasks()] == [TaskState.RUNNING]
    gate.write_text("go\n")
    await watched.host.become(spec)
    assert watched.changed == []
    await watched.clock.advance(PAUSE_S)
    await eventually(lambda: watched.changed == ["gpu01"])
    await eventually(lambda: watched.kinds[6:] == ["tasks", "leave tasks"])
    await watched.pass_by(1000)
    assert watched.kinds[8:] == [] and [task.state for task in watched.tasks()] == [TaskState.SUCCEEDED]


async def test_a_host_that_is_lost_keeps_its_tasks_and_is_asked_when_it_is_back(watched: Watched) -> None:
    spec = watched.host.sh("sleep 600")
    await watched.host.start(spec)
    watched.watch.begin()
    watched.watch.inventoried("gpu01")
    await eventually(lambda: watched.tasks() and watched.waits())
    watched.fault = SILENT
    await watched.clock.advance(PAUSE_S)
    await eventually(lambda: (known := watched.store.host("gpu01").tasks) is not None and known.fault == SILENT)
    assert [task.id for task in watched.tasks()] == [spec.id]
    # It is up: it is asked again, less often.
    count = len(watched.kinds)
    await watched.clock.advance(PAUSE_S + 3)
    await watched.asked(count + 1)
    watched.be(HostState.WAITING)
    await watched.clock.advance(100)
    await eventually(lambda: len(watched.kinds) == count + 2)
    await watched.pass_by(1000)
    assert len(watched.kinds) == count + 2
    watched.fault = None
    watched.be(HostState.UP)
    await eventually(lambda: (known := watched.store.host("gpu01").tasks) is not None and known.fault is None)
    assert [task.id for task in watched.tasks()] == [spec.id]
    assert sum(isinstance(event, TasksChanged) for event in watched.events) == 3
    watched.host.kill_all(spec)


async def test_what_is_gone_is_not_shown_any_more(watched: Watched) -> None:
    over: list[str] = []
    watched.watch.when_over(lambda task: over.append(task.id))
    spec = watched.host.sh("sleep 600")
    await watched.host.start(spec)
    await watched.host.become(spec, TaskState.RUNNING)
    watched.watch.begin()
    watched.watch.inventoried("gpu01")
    await eventually(lambda: watched.tasks() and watched.waits())
    watched.host.kill_all(spec)
    folder = watched.host.folder(spec)
    folder.rename(folder.with_name("elsewhere"))
    await watched.clock.advance(PAUSE_S)
    await eventually(lambda: watched.tasks() == ())
    assert over == [spec.id]
