"""The logs of tasks that the person looks at: followed while they are looked at, kept for a while."""

from __future__ import annotations

import asyncio
import posixpath
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault
from tui.domain.phrases import phrase
from tui.domain.tasks import Task
from tui.remote.condasays.outcome import Outcome, read_outcome
from tui.services.fleet import FleetApi
from tui.ui.present.logscreen import LogScreen
from tui.ui.present.tasks import known

__all__ = ["TaskKey", "TaskLog", "TaskLogs", "find_task"]

KEPT = 12
TOOLS = frozenset({"conda", "mamba", "micromamba"})
MOST_LINES = 3000
"""Of a log, its last lines that are read for what it says of the end."""

TaskKey = tuple[str, str]
"""(host, id): what a task is known by."""
Launch = Callable[[Callable[[], Coroutine[Any, Any, None]], str], object]


def find_task(fleet: FleetApi, key: TaskKey) -> Task | None:
    """The task as it was last seen; None when it is gone."""
    host, task_id = key
    if host not in fleet.store:
        return None
    return next((task for task in known(fleet.store.host(host)) if task.id == task_id), None)


def _by_tool(task: Task) -> bool:
    """Whether a package manager wrote the log: nobody else's words are read as its."""
    return bool(task.argv) and posixpath.basename(task.argv[0]) in TOOLS and not task.is_refused


@dataclass(slots=True, eq=False)
class TaskLog:
    """One log, as far as it was read."""

    screen: LogScreen = field(default_factory=LogScreen)
    offset: int = 0
    """The bytes that were read."""
    size: int = 0
    """How long it was, at the last look."""
    ended: bool = False
    """All of it was read, and nothing comes any more."""
    fault: Fault | None = None
    """Why it can't be read any further."""
    outcome: Outcome | None = None
    """What it says of how the task ended, once it has."""
    follower: asyncio.Task[None] | None = None
    """What reads it, while somebody looks."""

    @property
    def text(self) -> str:
        """The end of it, without colours."""
        first = max(0, len(self.screen) - MOST_LINES)
        return "\n".join(self.screen.text(index) for index in range(first, len(self.screen)))


class TaskLogs:
    """*launch* is told of what went wrong; *grew* is called with the task whose log has something new to show."""

    def __init__(self, fleet: FleetApi, launch: Launch, grew: Callable[[TaskKey], None]) -> None:
        self._fleet = fleet
        self._launch = launch
        self._grew = grew
        self._kept: OrderedDict[TaskKey, TaskLog] = OrderedDict()

    def get(self, key: TaskKey) -> TaskLog | None:
        """What was read of a task's log; None while nobody wanted it."""
        return self._kept.get(key)

    def want(self, key: TaskKey) -> TaskLog:
        """Follow the log of a task, and no other one, until another is wanted or :meth:`rest` is called."""
        for other, log in self._kept.items():
            if other != key:
                self._stop(log)
        log = self._kept.setdefault(key, TaskLog())
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        if log.follower is None and not log.ended:
            log.fault = None
            log.follower = asyncio.create_task(self._follow(key, log), name=f"log of {key[1]}")
            log.follower.add_done_callback(partial(self._done, log))
        return log

    def rest(self) -> None:
        """Follow none: nobody looks."""
        for log in self._kept.values():
            self._stop(log)

    @staticmethod
    def _stop(log: TaskLog) -> None:
        if log.follower is not None:
            log.follower.cancel()
            log.follower = None

    def _done(self, log: TaskLog, follower: asyncio.Task[None]) -> None:
        """It came to an end; what nobody foresaw goes where the app tells of it."""
        if log.follower is follower:
            log.follower = None
        problem = None if follower.cancelled() else follower.exception()
        if problem is not None:
            error = problem

            async def fail() -> None:
                raise error

            self._launch(fail, phrase("follow the log of a task"))

    async def _follow(self, key: TaskKey, log: TaskLog) -> None:
        host, task_id = key
        try:
            async with aclosing(self._fleet.tasks.follow(host, task_id, log.offset)) as parts:
                async for part in parts:
                    log.screen.feed(part.data)
                    log.offset, log.size = part.offset + len(part.data), part.size
                    log.ended = part.is_last
                    self._grew(key)
        except HostFaultError as error:
            log.fault = error.fault
        self._read_end(key, log)
        self._grew(key)

    def _read_end(self, key: TaskKey, log: TaskLog) -> None:
        task = find_task(self._fleet, key)
        if task is not None and task.is_over and log.ended and log.outcome is None and _by_tool(task):
            log.outcome = read_outcome(task.argv, task.exit_code, log.text)

    def outcome(self, key: TaskKey) -> Outcome | None:
        """What its log says of a task's end; None while it is not over, or not read."""
        log = self._kept.get(key)
        if log is not None and log.outcome is None and log.ended:
            self._read_end(key, log)
        return None if log is None else log.outcome
