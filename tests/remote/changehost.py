"""A host on which environments are changed: a shell of this machine, an install, and what can be seen of it all."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.condaroot import CondaRoot
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tests.remote.taskhost import PATIENCE_S, TaskHost, bin_sh
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.look import Look, concerns_said
from tui.domain.tasks import Task, TaskSpec
from tui.domain.trash import Aside
from tui.remote.changes.look import look
from tui.remote.changes.remove import remove_job
from tui.remote.changes.trash import TrashSeen, list_trash, purge_job, restore_job
from tui.remote.jobs import Job
from tui.remote.tasks import start_task

__all__ = ["ChangeHost", "listing", "mounted_at", "refused_for", "running"]

K = ConcernKind


class ChangeHost(TaskHost):
    """One operator's way to one host, with an install that all of them see."""

    def __init__(
        self,
        folder: Path,
        shell: str = "dash",
        *,
        operator: str = "ada@laptop",
        home: str = "home",
        wrap: tuple[str, ...] = (),
    ) -> None:
        path = busybox_path(folder) if shell == "busybox" else GNU_PATH
        super().__init__(folder / home, SHELLS[shell], path=path, operator=operator)
        played = folder / "played"
        played.mkdir(exist_ok=True)
        # As a demo's host: processes that this machine hides, even from root, do not count.
        env = {"PATH": path, "HOME": str(self.home), "CONDAFLEET_PLAYED": str(played)}
        self.connection = ShellConnection(SHELLS[shell], env=env, wrap=(*bin_sh(shell), *wrap))
        self.root = CondaRoot(folder / "conda")
        self.envs = self.root.root / "envs"

    @property
    def ground(self) -> dict[str, Any]:
        """What the client knows of the host."""
        return {"roots": (str(self.root.root),), "envs_dirs": (str(self.envs),), "played": True}

    async def look(self, prefix: Path | str) -> Look:
        """A look at *prefix*."""
        return await look(await self.lane(), "gpu01", str(prefix), timeout=60, **self.ground)

    async def removal(self, prefix: Path | str, keep_s: float = 0, accepted: Iterable[ConcernKind] = ()) -> Job:
        """The job that removes it as it is now."""
        found = await self.look(prefix)
        change = Change(ChangeKind.REMOVE, "gpu01", str(prefix), keep_s=keep_s, accepted=frozenset(accepted))
        return remove_job(change, found, None, None, task_id=self.spec().id, operator=self.operator, **self.ground)

    async def begin(self, job: Job) -> TaskSpec:
        """Start *job*."""
        lane = await self.lane()
        assert await start_task(lane, "gpu01", job.spec, program=job.program, args=job.args, timeout=PATIENCE_S)
        return job.spec

    async def do(self, job: Job) -> Task:
        """Start *job* and wait for its end."""
        return await self.become(await self.begin(job))

    async def remove(self, prefix: Path | str, keep_s: float = 0, accepted: Iterable[ConcernKind] = ()) -> Task:
        """Remove it; the task at its end."""
        return await self.do(await self.removal(prefix, keep_s, accepted))

    async def trash(self) -> TrashSeen:
        """What is put aside."""
        ground = self.ground
        return await list_trash(await self.lane(), "gpu01", roots=ground["roots"], envs_dirs=ground["envs_dirs"])

    async def restore(self, aside: Aside) -> Task:
        """Bring it back."""
        change = Change(ChangeKind.RESTORE, "gpu01", aside.prefix or "", aside_id=aside.id)
        return await self.do(restore_job(change, aside, task_id=self.spec().id, operator="ada", **self.ground))

    async def purge(self, *asides: Aside, only_due: bool = False, accepted: Iterable[ConcernKind] = ()) -> Task:
        """Remove them for good."""
        change = replace(Change(ChangeKind.PURGE, "gpu01", ""), accepted=frozenset(accepted))
        job = purge_job(change, asides, task_id=self.spec().id, operator="ada", only_due=only_due, played=True)
        return await self.do(job)


@contextmanager
def mounted_at(place: Path, *how: str | Path) -> Iterator[Path]:
    """A mount at *place*, for a while."""
    subprocess.run(["mount", *how, place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@contextmanager
def running(*argv: str | Path, **more: Any) -> Iterator[int]:
    """A process of its own session, and its number."""
    process = subprocess.Popen(argv, start_new_session=True, **more)
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def listing(*tops: Path) -> dict[bytes, tuple[int, int]]:
    """Everything below *tops*, with inode and mode: what must be as it was."""
    found = {}
    for top in tops:
        for folder, folders, files in os.walk(os.fsencode(top)):
            for name in (*folders, *files, b"."):
                path = folder + b"/" + name
                status = os.lstat(path)
                found[path] = (status.st_ino, status.st_mode)
    return found


def refused_for(task: Task) -> dict[ConcernKind, str]:
    """What stood against a task that was refused on its host, with the words for each."""
    assert task.exit_code == 3, task
    return {concern.kind: concern.text for concern in concerns_said(task.said)}
