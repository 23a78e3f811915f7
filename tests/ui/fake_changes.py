"""Changes that are looked at and started nowhere: what is asked for is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.ui.fake_tasks import NOW, FakeTasks
from tui.domain.changes import Change, Concern, ConcernKind, Prepared
from tui.domain.errors import CondafleetError
from tui.domain.tasks import Task, TaskSpec, queued
from tui.remote.changes.trash import TrashSeen
from tui.services.changes import Told

__all__ = ["FakeChanges"]


@dataclass
class FakeChanges:
    """A ChangesApi that tests turn."""

    tasks: FakeTasks
    concerns: dict[str, tuple[Concern, ...]] = field(default_factory=dict)
    """By prefix."""
    unlooked: dict[str, Exception] = field(default_factory=dict)
    """By host."""
    unstarted: dict[str, CondafleetError] = field(default_factory=dict)
    """By host."""
    asides: dict[str, TrashSeen | CondafleetError] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    """Nothing is answered before it is set."""
    looked: list[Change] = field(default_factory=list)
    started: list[Change] = field(default_factory=list)
    given_up: int = 0

    async def trash(self, host: str) -> TrashSeen:
        seen = self.asides.get(host, TrashSeen((), NOW))
        if isinstance(seen, CondafleetError):
            raise seen
        return seen

    async def prepare(self, change: Change) -> Prepared:
        self.looked.append(change)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if change.host in self.unlooked:
            raise self.unlooked[change.host]
        argv = ("/data/conda/bin/conda", change.kind.value, "-p", change.prefix, *change.specs)
        return Prepared(change, argv, NOW, self.concerns.get(change.prefix, ()))

    async def start(self, prepared: Prepared, accepted: Iterable[ConcernKind] = (), told: Told | None = None) -> Task:
        change = replace(prepared.change, accepted=frozenset(accepted))
        assert not replace(prepared, change=change).standing, "what stands was started"
        if change.host in self.unstarted:
            raise self.unstarted[change.host]
        self.started.append(change)
        task_id = f"20260921-150000-{len(self.started):08x}"
        spec = TaskSpec(task_id, change.kind.value, change.prefix, prepared.argv, "ada@laptop")
        task = queued(spec, change.host, NOW)
        self.tasks.put(change.host, *await self.tasks.look(change.host), task)
        return task
