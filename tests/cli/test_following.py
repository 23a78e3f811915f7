"""What a command tells of the tasks that it waits for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.cli.fakechanges import FakeTasks
from tests.fakes import eventually
from tui.cli import following
from tui.cli.following import Following, live_text
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.domain.tasks import Holder, Task, TaskSpec, TaskState, began, queued
from tui.remote.condasays.progress import Phase, Progress

BOB = Holder("task", operator="bob@desk", task_kind="create", host="gpu01")
LOST = Fault(FaultKind.LOST, "The connection was lost.", "")


def task(number: int, host: str = "gpu01") -> Task:
    spec = TaskSpec(f"20261121-120000-{number:08x}", "remove", "/envs/a", ("conda",), "ada@laptop")
    return queued(spec, host, 1.0)


class Diag:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.is_terminal = False
        self.notes: list[str] = []
        self.line = ""
        self.progress = self

    def note(self, text: str) -> None:
        self.notes.append(text)

    def hide(self) -> None:
        return

    def show(self, text: str, *, force: bool = False) -> None:
        self.line = text


class Bench:
    """One command that waits for *tasks*."""

    def __init__(self, *tasks: Task, json_lines: bool = False) -> None:
        self.diag = Diag()
        self.events: list[dict[str, object]] = []
        self.tasks = FakeTasks(endless=True, known={each.id: each for each in tasks})
        self.views = {each.host: SimpleNamespace(state=HostState.UP, fault=None) for each in tasks}
        args = SimpleNamespace(json=False, json_lines=json_lines)
        out = SimpleNamespace(json=lambda line, one_line: self.events.append(line))
        fleet = SimpleNamespace(
            api=SimpleNamespace(tasks=self.tasks, store=SimpleNamespace(host=self.views.__getitem__))
        )
        context = SimpleNamespace(diag=self.diag, args=args, out=out)
        names = [f"{each.host}:a" for each in tasks]
        self.following = Following(context, fleet, tasks, names)  # type: ignore[arg-type]  # a part of each

    def become(self, changed: Task) -> None:
        self.tasks.known[changed.id] = changed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "PACE_S", 0.01)
    monkeypatch.setenv("COLUMNS", "200")


async def test_whom_a_task_waits_for_and_which_host_is_silent_is_told_once() -> None:
    first, second = task(1), task(2, "gpu02")
    bench = Bench(first, second)
    async with bench.following.telling():
        await eventually(lambda: bench.diag.line == "0 of 2 tasks ended")
        assert bench.diag.notes == []
        bench.become(replace(first, state=TaskState.WAITING_LOCK, waits_for=BOB))
        await eventually(lambda: "gpu01:a waits for create of bob@desk on gpu01" in bench.diag.line)
        bench.views["gpu02"] = SimpleNamespace(state=HostState.WAITING, fault=LOST)
        await eventually(lambda: "gpu02:a: no answer from gpu02" in bench.diag.line)
        bench.become(began(replace(first, waits_for=None), 2.0))
        await eventually(lambda: "gpu01:a running" in bench.diag.line)
        bench.views["gpu02"] = SimpleNamespace(state=HostState.UP, fault=None)
        await eventually(lambda: "gpu02" not in bench.diag.line)
    assert bench.diag.notes == [
        "gpu01:a waits for create of bob@desk on gpu01.",
        "gpu02: The connection was lost. What was begun there goes on; it is tried again.",
    ]


async def test_a_silent_host_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    one = task(1)
    bench = Bench(one)
    bench.views["gpu01"] = SimpleNamespace(state=HostState.WAITING, fault=LOST)
    async with bench.following.telling():
        waiting = asyncio.ensure_future(bench.following.settled(one))
        await eventually(lambda: bench.diag.notes)
        assert not waiting.done()
        monkeypatch.setattr(following, "SILENT_S", 0.0)
        with pytest.raises(HostFaultError) as raised:
            await waiting
    assert raised.value.fault is LOST


async def test_changes_of_a_task_are_events_for_scripts() -> None:
    one = task(1)
    bench = Bench(one, json_lines=True)
    async with bench.following.telling():
        bench.become(began(one, 2.0))
        await eventually(lambda: bench.events)
    assert [(line["event"], line["state"]) for line in bench.events] == [("task", "running")]
    assert bench.diag.notes == []


def test_the_line_tells_what_the_tool_printed() -> None:
    progress = Progress(Phase.DOWNLOADING, "numpy", 45, None, None, None)
    text = live_text(3, [("gpu01:a", began(task(1), 2.0), progress, False)], 10.0)
    assert text == "2 of 3 tasks ended; gpu01:a downloading 45% numpy"
