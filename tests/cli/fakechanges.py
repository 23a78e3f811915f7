"""Changes and tasks that live in memory, for the command line's tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tui.domain.changes import Change, Concern, ConcernKind, Prepared
from tui.domain.errors import CondafleetError
from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import Task, TaskSpec, began, ended, queued
from tui.remote.changes.trash import TrashSeen
from tui.remote.condasays.progress import Progress
from tui.remote.jobs import Job
from tui.remote.task_log import LogPart
from tui.remote.tasks import CancelAnswer
from tui.services.changes import Told

__all__ = ["FakeDesk", "FakeTasks"]


@dataclass
class FakeTasks:
    """Tasks that end as soon as somebody waits for them."""

    exit_codes: Mapping[str, int] = field(default_factory=dict)
    """By target; 0 for others."""
    endless: bool = False
    known: dict[str, Task] = field(default_factory=dict)
    logs: dict[str, tuple[LogPart, ...]] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    purged: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)

    async def start(self, host: str, job: Job, *, detached: bool = False) -> Task:
        raise AssertionError("the desk of changes starts them")

    async def look(self, host: str) -> tuple[Task, ...]:
        return tuple(task for task in self.known.values() if task.host == host)

    def refresh(self, hosts: Iterable[str] | None = None) -> None:
        return

    def get(self, host: str, task_id: str) -> Task | None:
        return self.known.get(task_id)

    def progress(self, host: str, task_id: str) -> Progress | None:
        return None

    async def follow(self, host: str, task_id: str, offset: int = 0) -> AsyncGenerator[LogPart, None]:
        for part in self.logs.get(task_id, ()):
            yield part

    async def cancel(self, host: str, task_id: str) -> CancelAnswer:
        self.cancelled.append(task_id)
        return CancelAnswer.ASKED

    async def purge(self, host: str, task_ids: Sequence[str] = (), older_s: float = 0.0) -> tuple[str, ...]:
        self.purged.append((host, tuple(task_ids), older_s))
        return tuple(task_ids)

    async def history(self) -> tuple[TaskRecord, ...]:
        return ()

    async def settled(self, host: str, task_id: str) -> Task:
        if self.endless:
            await asyncio.Event().wait()
        task = self.known[task_id]
        done = ended(began(task, 2.0), 3.0, self.exit_codes.get(task.target, 0))
        self.known[task_id] = done
        return done


@dataclass
class FakeDesk:
    """What each change meets, by prefix."""

    tasks: FakeTasks
    concerns: Mapping[str, tuple[Concern, ...]] = field(default_factory=dict)
    unlooked: Mapping[str, CondafleetError] = field(default_factory=dict)
    unstarted: Mapping[str, CondafleetError] = field(default_factory=dict)
    asides: Mapping[str, TrashSeen] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else is shown of each."""
    looked: list[Change] = field(default_factory=list)
    started: list[Change] = field(default_factory=list)

    async def trash(self, host: str) -> TrashSeen:
        return self.asides.get(host, TrashSeen((), 0.0))

    async def prepare(self, change: Change) -> Prepared:
        self.looked.append(change)
        if change.prefix in self.unlooked:
            raise self.unlooked[change.prefix]
        argv = ("/opt/conda/bin/conda", change.kind.value, "-p", change.prefix)
        return replace(Prepared(change, argv, 1.0, self.concerns.get(change.prefix, ())), **self.more)

    async def start(self, prepared: Prepared, accepted: Iterable[ConcernKind] = (), told: Told | None = None) -> Task:
        change = replace(prepared.change, accepted=frozenset(accepted))
        assert not replace(prepared, change=change).standing, "what stands was started"
        if change.prefix in self.unstarted:
            raise self.unstarted[change.prefix]
        self.started.append(change)
        task_id = f"20261121-120000-{len(self.started):08x}"
        spec = TaskSpec(task_id, change.kind.value, change.prefix, prepared.argv, "ada@laptop")
        task = queued(spec, change.host, 1.0)
        self.tasks.known[task_id] = task
        return task
