"""What is needed to rebuild is archived before anything goes or is changed; where it cannot be, nothing is begun."""

from __future__ import annotations

from typing import cast

import pytest

from tests.remote.taskhost import QuickClock
from tui.domain.changes import Change, ChangeKind, Prepared
from tui.domain.errors import HostFaultError, StorageError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.tasks import Task, TaskSpec, queued
from tui.remote.changes.trash import TrashSeen
from tui.remote.jobs import Job
from tui.services.changedesk import ChangeDesk, Ground
from tui.services.store import HostView, Store

CHANGED = (
    *(ChangeKind.REMOVE, ChangeKind.RENAME, ChangeKind.RECREATE),
    *(ChangeKind.INSTALL, ChangeKind.UPDATE, ChangeKind.UNINSTALL),
)


class OneHost:
    """A store that knows one host."""

    def host(self, name: str) -> HostView:
        snapshot = HostSnapshot(name, installs=Part((), 1.0), environments=Part((), 1.0))
        return HostView(HostSpec(name), HostState.UP, snapshot)


class AnyKind:
    """A change that needs nothing."""

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        return Prepared(change, (), 1.0)

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        spec = TaskSpec(task_id, prepared.change.kind.value, prepared.change.prefix, ("true",), operator)
        return Job(spec, b"", ())


class Records:
    """In which order what happened."""

    def __init__(self, error: Exception | None = None) -> None:
        self.events: list[str] = []
        self._error = error

    async def archive(self, prepared: Prepared, task_id: str) -> None:
        self.events.append(f"archive {prepared.change.prefix} {task_id}")
        if self._error is not None:
            raise self._error

    async def start(self, host: str, job: Job) -> Task:
        self.events.append(f"start {job.spec.target} {job.spec.id}")
        return queued(job.spec, host, 1.0)

    async def trash(self, ground: Ground) -> TrashSeen:
        raise AssertionError

    def desk(self) -> ChangeDesk:
        kinds = dict.fromkeys(ChangeKind, AnyKind())
        store = cast("Store", OneHost())
        return ChangeDesk(store, QuickClock(), lambda: kinds, self.start, "ada@laptop", self.trash, self.archive)


@pytest.mark.parametrize("kind", CHANGED)
async def test_it_is_archived_first_for_the_very_task(kind: ChangeKind) -> None:
    records = Records()
    desk = records.desk()
    task = await desk.start(await desk.prepare(Change(kind, "gpu01", "/e/x")))
    assert records.events == [f"archive /e/x {task.id}", f"start /e/x {task.id}"]


@pytest.mark.parametrize("kind", CHANGED)
@pytest.mark.parametrize(
    "error",
    [
        StorageError("The archive cannot be written.", "Make room."),
        HostFaultError(Fault(FaultKind.LOST, "gpu01 was lost.", "Try again.")),
    ],
)
async def test_where_it_cannot_be_nothing_is_begun(kind: ChangeKind, error: Exception) -> None:
    records = Records(error)
    desk = records.desk()
    with pytest.raises(type(error)):
        await desk.start(await desk.prepare(Change(kind, "gpu01", "/e/x")))
    assert [each.split()[0] for each in records.events] == ["archive"]
