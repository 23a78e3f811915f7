"""What is told of tasks that a command waits for: how far they are, whom they wait for, which host is silent.

On a terminal one line follows them. What a person has to know, that a task waits behind somebody's or that a host
fell silent, is written once, on a terminal and into a file alike; ``--json-lines`` has events of both.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

from tui.cli.context import Context, Fleet
from tui.cli.jsonview import Object, time_json
from tui.cli.taskview import progress_json, task_json, waits_text
from tui.cli.words import one_line
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault
from tui.domain.hosts import HostState
from tui.domain.tasks import Task, TaskState, duration_s
from tui.domain.text import printable
from tui.remote.condasays.progress import Progress

__all__ = ["SILENT_S", "Following", "live_text"]

PACE_S = 0.5
SILENT_S = 900.0
"""So long a host may be silent before nothing more is waited for there; what was begun on it goes on."""
MOST_LOGS = 8
"""So many logs are read along, to tell how far their tasks are."""


class Following:
    """Follows *tasks*, each named for a person in *names*, in the same order."""

    def __init__(self, context: Context, fleet: Fleet, tasks: Sequence[Task], names: Sequence[str]) -> None:
        self._context = context
        self._fleet = fleet
        self._tasks = {(task.host, task.id): task for task in tasks}
        self._names = dict(zip(self._tasks, names, strict=True))
        self._over: set[tuple[str, str]] = set()
        self._said: dict[tuple[str, str], object] = {key: (task.state, None) for key, task in self._tasks.items()}
        self._silent: dict[str, float] = {}
        self._faults: dict[str, Fault] = {}
        self._heard: dict[tuple[str, str], Progress] = {}

    async def settled(self, task: Task) -> Task:
        """*task* as it ended. Raises CondafleetError, also when its host was silent for :data:`SILENT_S`."""
        work = asyncio.ensure_future(self._fleet.api.tasks.settled(task.host, task.id))
        try:
            while not (await asyncio.wait((work,), timeout=PACE_S))[0]:
                since = self._silent.get(task.host)
                if since is not None and time.monotonic() - since > SILENT_S:
                    raise HostFaultError(self._faults[task.host])
            self._over.add((task.host, task.id))
            return work.result()
        finally:
            work.cancel()

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Tell of the tasks meanwhile."""
        work = [asyncio.create_task(self._tell())]
        if self._context.diag.is_terminal or self._context.args.json_lines:
            work += [asyncio.create_task(self._read_along(key)) for key in list(self._tasks)[:MOST_LOGS]]
        try:
            yield
        finally:
            for each in work:
                each.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _read_along(self, key: tuple[str, str]) -> None:
        with suppress(CondafleetError):
            async with aclosing(self._fleet.api.tasks.follow(*key)) as parts:
                async for _ in parts:
                    continue

    async def _tell(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(PACE_S)

    def _look(self) -> None:
        api = self._fleet.api
        for host in {host for host, _ in self._tasks}:
            view = api.store.host(host)
            fault = view.fault if view.state is not HostState.UP else None
            if fault is None:
                self._silent.pop(host, None)
            elif host not in self._silent:
                self._silent[host] = time.monotonic()
                self._note(f"{host}: {one_line(fault.message)} What was begun there goes on; it is tried again.")
            if fault is not None:
                self._faults[host] = fault
        open_ones = []
        for key, first in self._tasks.items():
            task = api.tasks.get(*key) or first
            if key in self._over or task.is_over:
                continue
            progress = api.tasks.progress(*key)
            self._say(key, task, progress)
            open_ones.append((self._names[key], task, progress, key[0] in self._silent))
        text = live_text(len(self._tasks), open_ones, time.time())
        room = shutil.get_terminal_size().columns - 1
        self._context.diag.progress.show(text if len(text) < room else text[: room - 1] + "…", force=True)

    def _say(self, key: tuple[str, str], task: Task, progress: Progress | None) -> None:
        waits = task.waits_for if task.state is TaskState.WAITING_LOCK or task.waits_here else None
        now = (task.state, waits)
        if self._said.get(key) != now:
            self._said[key] = now
            if waits is not None:
                self._note(f"{self._names[key]} {waits_text(waits)}.")
            self._event("task", task.host, task_json(task))
        if progress is not None and self._heard.get(key) != progress:
            self._heard[key] = progress
            self._event("progress", task.host, {"id": task.id, **progress_json(progress)})

    def _note(self, text: str) -> None:
        if not (self._context.args.json or self._context.args.json_lines):
            self._context.diag.progress.hide()
            self._context.diag.note(text)

    def _event(self, event: str, host: str, body: Object) -> None:
        if self._context.args.json_lines:
            line: Object = {"event": event, "time": time_json(time.time()), "host": host, **body}
            self._context.out.json(line, one_line=True)


def live_text(total: int, open_ones: Sequence[tuple[str, Task, Progress | None, bool]], now: float) -> str:
    """``1 of 3 tasks ended; gpu01:train downloading 45% numpy; gpu02:train waits for …``

    *open_ones*: name, task, how far it is, whether its host is silent; those that are not over.
    """
    words = [f"{total - len(open_ones)} of {total} tasks ended"]
    for name, task, progress, silent in open_ones:
        if silent:
            words.append(f"{name}: no answer from {task.host}")
        elif task.waits_for is not None and (task.state is TaskState.WAITING_LOCK or task.waits_here):
            words.append(f"{name} {waits_text(task.waits_for)}")
        elif progress is not None:
            words.append(f"{name} {_progress_words(progress)}")
        elif task.state is TaskState.RUNNING:
            words.append(f"{name} running for {duration_s(task, now) or 0:.0f}s")
    return "; ".join(words)


def _progress_words(progress: Progress) -> str:
    parts = [progress.phase.value]
    if progress.percent is not None:
        parts.append(f"{progress.percent}%")
    if progress.done and progress.total:
        parts.append(printable(f"{progress.done}/{progress.total}"))
    if progress.package:
        parts.append(printable(progress.package))
    return " ".join(parts)
