"""Tasks that run nowhere: what is asked of them is remembered, their logs are given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault
from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import Holder, HostTasks, Task, TaskState
from tui.remote.condasays.progress import Phase
from tui.remote.jobs import Job
from tui.services.store import Store
from tui.services.tasks import CancelAnswer, LogPart, Progress

__all__ = ["FakeTasks", "task", "usual_tasks"]

NOW = 1_790_000_000.0


class FakeTasks:
    """A TasksApi that tests turn."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.logs: dict[str, bytes] = {}
        """By id, as far as they are written."""
        self.progresses: dict[str, Progress] = {}
        self.records: tuple[TaskRecord, ...] = ()
        self.answer = CancelAnswer.ASKED
        self.fault: Fault | None = None
        """Why nothing is answered."""
        self.cancelled: list[tuple[str, str]] = []
        self.purged: list[tuple[str, tuple[str, ...]]] = []
        self.refreshed: list[tuple[str, ...] | None] = []
        self.followed: list[str] = []
        self.grown = asyncio.Event()

    def put(self, host: str, *found: Task, fault: Fault | None = None) -> None:
        """Let a host tell of its tasks."""
        self._store.set_tasks(host, HostTasks(found, NOW, fault), NOW)

    def write(self, task_id: str, data: bytes) -> None:
        """Let a log grow."""
        self.logs[task_id] = self.logs.get(task_id, b"") + data
        self.grown.set()

    async def start(self, host: str, job: Job, *, detached: bool = False) -> Task:
        raise AssertionError("nothing is started")

    def refresh(self, hosts: Iterable[str] | None = None) -> None:
        self.refreshed.append(None if hosts is None else tuple(hosts))

    async def look(self, host: str) -> tuple[Task, ...]:
        known = self._store.host(host).tasks
        return () if known is None else known.tasks

    def get(self, host: str, task_id: str) -> Task | None:
        known = self._store.host(host).tasks
        return next((each for each in (known.tasks if known else ()) if each.id == task_id), None)

    def progress(self, host: str, task_id: str) -> Progress | None:
        return self.progresses.get(task_id)

    async def follow(self, host: str, task_id: str, offset: int = 0) -> AsyncGenerator[LogPart, None]:
        self.followed.append(task_id)
        if self.fault is not None:
            raise HostFaultError(self.fault)
        while True:
            self.grown.clear()
            data, now = self.logs.get(task_id, b""), self.get(host, task_id)
            over = now is None or now.is_over
            if offset < len(data) or over:
                yield LogPart(offset, data[offset:], len(data), over)
                offset = len(data)
            if over:
                return
            await self.grown.wait()

    async def settled(self, host: str, task_id: str) -> Task:
        raise AssertionError("nobody waits for an end")

    async def cancel(self, host: str, task_id: str) -> CancelAnswer:
        if self.fault is not None:
            raise HostFaultError(self.fault)
        self.cancelled.append((host, task_id))
        return self.answer

    async def purge(self, host: str, task_ids: Sequence[str] = (), older_s: float = 0.0) -> tuple[str, ...]:
        self.purged.append((host, tuple(task_ids)))
        known = await self.look(host)
        self.put(host, *(each for each in known if each.id not in task_ids))
        return tuple(task_ids)

    async def history(self) -> tuple[TaskRecord, ...]:
        if self.fault is not None:
            raise HostFaultError(self.fault)
        return self.records


def task(host: str, number: int = 0, state: TaskState = TaskState.RUNNING, **other: object) -> Task:
    """A task like many; *number* varies it."""
    over = state in (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED)
    begun = state not in (TaskState.QUEUED, TaskState.WAITING_LOCK)
    prefix = f"/data/conda/envs/{('llm-finetune', 'cv-old', 'nlp-eval')[number % 3]}"
    created = NOW - 300.0 - 40 * number
    plain = Task(
        id=f"20260921-1413{number:02}-{number:08x}",
        host=host,
        kind=("install", "remove", "create")[number % 3],
        target=prefix,
        argv=("/data/conda/bin/mamba", "install", "-y", "-p", prefix, "numpy>=2", "it's"),
        state=state,
        operator="ada@laptop",
        created=created,
        started=created + 5 if begun else None,
        ended=created + 95 if over else None,
        exit_code={TaskState.SUCCEEDED: 0, TaskState.FAILED: 1, TaskState.CANCELLED: 130}.get(state),
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # tests name fields of Task


LOG = (
    b"\x1b[1mCollecting package metadata\x1b[0m (repodata.json): \x1b[32mdone\x1b[0m\r\n"
    b"Solving environment: |\b/\b-\bdone\r\n\r\n"
    b"Downloading and Extracting Packages:\r\n\r\n"
    b"numpy-2.0.2  | 6.8 MB  | ###1       |  31% \x1b[A\r\n"
)


FAILURE = b"""PackagesNotFoundError: The following packages are not available from current channels:\r\n
  - nump\r\n"""


def usual_tasks(desk: FakeTasks) -> None:
    """A task in each state, one with hostile words among them."""
    holder = Holder("task", "/data/conda/pkgs", "bob@desk", "gpu01", 4711, task_kind="clean", target="/data/conda")
    concern = ("concern", "in_use", "/data/conda/envs/cv-old", "4711 ada python train.py")
    desk.put(
        "gpu01",
        task("gpu01", 0),
        task("gpu01", 1, TaskState.WAITING_LOCK, waits_for=holder),
        task("gpu01", 4, TaskState.FAILED, exit_code=3, said=(concern, ("left", "/data/conda/envs/cv-old"))),
    )
    desk.put(
        "gpu02",
        task("gpu02", 1, TaskState.SUCCEEDED, summary="2.1 GiB freed", said=(("freed", "/data/x", "2254857830"),)),
        task("gpu02", 3, TaskState.FAILED),
        task("gpu02", 5, TaskState.LOST),
        task("gpu02", 6, TaskState.CANCELLED, left_behind=1),
    )
    desk.put(
        "hostile",
        task("hostile", 2, target="/envs/[b]x\x1b[31m深度", operator="\u202eroot", argv=("rm", "\x1b]0;x\x07")),
    )
    desk.progresses[task("gpu01", 0).id] = Progress(Phase.DOWNLOADING, "numpy-2.0.2", 31, "2.1MB", "6.8MB")
    desk.logs[task("gpu01", 0).id] = LOG
    desk.logs[task("gpu02", 3).id] = (
        b"Solving environment: failed\r\n\r\nPackagesNotFoundError: no such package: nump\r\n"
    )
