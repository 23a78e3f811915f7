"""Remembers what tasks did: off the event loop, each once, and never at the cost of anything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from tui.domain.errors import StorageError
from tui.domain.taskhistory import TaskRecord, record_of
from tui.domain.tasks import Task
from tui.ports import TaskHistoryStore

__all__ = ["TaskPast"]

LOG = logging.getLogger(__name__)


class TaskPast:
    """Takes the tasks that are over. *store* makes what keeps them, when it is first needed; None: nobody does."""

    def __init__(self, store: Callable[[], TaskHistoryStore] | None) -> None:
        self._make = store
        self._store: TaskHistoryStore | None = None
        self._pending: dict[tuple[str, str], Task] = {}
        self._done: set[tuple[str, str]] = set()
        self._writing: asyncio.Task[None] | None = None

    def add(self, task: Task) -> None:
        """Remember *task*, which is over, soon; every further time it costs nothing."""
        key = (task.host, task.id)
        if self._make is None or key in self._done or key in self._pending:
            return
        self._pending[key] = task
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="remember tasks")

    async def written(self) -> None:
        """Wait until all that was added is remembered, or failed to be."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def finish(self, seconds: float) -> None:
        """Wait for it no longer than that, in real time."""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait((self._writing,), timeout=seconds)

    async def load(self) -> tuple[TaskRecord, ...]:
        """All that is remembered, the newest first. Raises StorageError."""
        await self.written()
        return await asyncio.to_thread(self._load)

    async def _write(self) -> None:
        while self._pending:
            batch = list(self._pending.values())
            try:
                await asyncio.to_thread(self._keep, batch)
            except (StorageError, OSError, ValueError):
                LOG.exception("%d tasks could not be remembered", len(batch))
            for task in batch:
                self._pending.pop((task.host, task.id), None)
                self._done.add((task.host, task.id))

    def _keep(self, tasks: Sequence[Task]) -> None:
        store = self._opened()
        if store is not None:
            store.add([record_of(task) for task in tasks])

    def _load(self) -> tuple[TaskRecord, ...]:
        store = self._opened()
        return () if store is None else store.load()

    def _opened(self) -> TaskHistoryStore | None:
        if self._store is None and self._make is not None:
            self._store = self._make()
        return self._store
