"""A fleet of one host for plans: real trees, and the real programs on a shell of this machine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tests.remote.disktrees import Tree
from tests.remote.taskhost import TaskHost
from tui.domain.cacheusers import CacheUsers
from tui.domain.changes import Change, Concern, ConcernKind, Prepared, standing
from tui.domain.diskplaces import disk_places
from tui.domain.environments import Environment, EnvKind, Install, Manager
from tui.domain.errors import RefusedError
from tui.domain.hosts import HostSpec
from tui.domain.look import Look
from tui.domain.machine import Machine
from tui.domain.snapshot import Part
from tui.domain.tasks import Task, new_task_id
from tui.remote.changes.look import look
from tui.remote.changes.remove import remove_job
from tui.remote.disk import DiskMethod, ask_disk
from tui.remote.jobs import Job
from tui.remote.lane import Lane
from tui.remote.tasks import list_tasks, start_task
from tui.services.events import Bus
from tui.services.store import DiskCount, Store

__all__ = ["PlanHost", "RealClock"]

T = TypeVar("T")


class RealClock:
    """The machine's time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def jitter(self) -> float:
        return 0.0


@dataclass
class PlanHost:
    """What :class:`tui.services.plans.PlanFleet` wants, and the tasks and changes of it."""

    host: TaskHost
    roots: Sequence[Path]
    caches: Sequence[Path]
    environments: Sequence[Path]
    name: str = "gpu01"
    users_seen: bool = True
    last_used: ClassVar[float | None] = None
    """Of its environments."""

    def __post_init__(self) -> None:
        self.store = Store([HostSpec(self.name)], Bus())
        self.counts = 0
        self.against: dict[str, tuple[Concern, ...]] = {}
        self.looked: dict[str, Look] = {}
        self.take_inventory()

    @classmethod
    def of(cls, tree: Tree, host: TaskHost) -> PlanHost:
        """The host of a random tree."""
        return cls(host, [tree.base], tree.caches, tree.envs)

    def take_inventory(self) -> None:
        """Take its inventory."""
        now = time.time()
        root = str(self.roots[0])
        install = Install(root, Manager.CONDA, None, pkgs_dirs=tuple(map(str, self.caches)))
        found = tuple(
            Environment(
                self.name, str(path), path.name, EnvKind.NAMED, root, Manager.CONDA, in_use_complete=True,
                fs_id=f"m:{path.stat().st_ino}:{path}", last_used=self.last_used,
            )
            for path in self.environments
            if path.is_dir()
        )  # fmt: skip
        parts: dict[str, Part[Any]] = {
            "installs": Part((install,), now),
            "environments": Part(found, now),
            "mounts": Part((), now),
            "machine": Part(Machine("m", user="root"), now),
        }
        self.store.set_parts(self.name, parts, now)

    # -- PlanFleet

    @property
    def changes(self) -> PlanHost:
        return self

    @property
    def tasks(self) -> PlanHost:
        return self

    async def disk(self, host: str, progress: Callable[[int], None] | None = None) -> DiskCount:
        self.counts += 1
        self.take_inventory()
        snapshot = self.store.host(host).snapshot
        places = disk_places(snapshot.installs.value or (), snapshot.environments.value or ())
        table = await ask_disk(await self.host.lane(), places, host, timeout=60.0, method=DiskMethod.PYTHON)
        if not self.users_seen:
            table = table.with_users_unseen()
        users = tuple(CacheUsers(str(path), private=True) for path in self.caches)
        count = DiskCount(table, time.time(), users)
        self.store.set_disk(host, count, {})
        return count

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        return await question(await self.host.lane())

    # -- ChangesApi

    async def prepare(self, change: Change) -> Prepared:
        roots = tuple(map(str, self.roots))
        looked = await look(await self.host.lane(), self.name, change.prefix, roots=roots, played=True)
        self.looked[change.prefix] = looked
        concerns = (*looked.concerns, *self.against.get(change.prefix, ()))
        return Prepared(change, (), time.time(), concerns)

    async def start(self, prepared_or_host: Prepared | str, job: object = ()) -> Task:
        """Of changes and of tasks: both start something."""
        if isinstance(prepared_or_host, Prepared):
            kinds = job if isinstance(job, Iterable) else ()
            accepted = frozenset(each for each in kinds if isinstance(each, ConcernKind))
            concerns = standing(prepared_or_host.concerns, accepted)
            if concerns:
                raise RefusedError(" ".join(each.text for each in concerns))
            change = replace(prepared_or_host.change, accepted=accepted)
            task_id = new_task_id(time.time(), os.urandom(4))
            job = remove_job(
                change,
                self.looked[change.prefix],
                None,
                None,
                task_id=task_id,
                operator="ada@laptop",
                roots=tuple(map(str, self.roots)),
                played=True,
            )
        assert isinstance(job, Job)
        lane = await self.host.lane()
        await start_task(lane, self.name, job.spec, program=job.program, args=job.args)
        (task,) = (await list_tasks(lane, self.name, [job.spec.id])).tasks
        return task

    async def look_at(self, host: str, ids: Sequence[str] = ()) -> tuple[Task, ...]:
        return tuple((await list_tasks(await self.host.lane(), host, list(ids))).tasks)

    async def settled(self, host: str, task_id: str) -> Task:
        deadline = time.monotonic() + 60.0
        while True:
            (task,) = await self.look_at(host, [task_id])
            if task.is_over:
                return task
            assert time.monotonic() < deadline, task
            await asyncio.sleep(0.02)
