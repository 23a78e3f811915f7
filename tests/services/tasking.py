"""Fleets over a real sshd, for the tests of tasks as the services know them."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes import ScriptedPrompter
from tests.sshd import SshServer, SshUser
from tui import runtime
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.tasks import Task, TaskSpec, new_task_id
from tui.remote.jobs import Job
from tui.services.engine import FleetService

__all__ = ["FRESH_PROC", "Operator", "job"]

FRESH_PROC = ("unshare", "-m", "/bin/sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh")
"""As every machine has it, whatever was done to the one that runs the test."""
PATIENCE_S = 60.0


def job(
    script: str,
    *args: str,
    places: tuple[Path, ...] = (),
    kind: str = "create",
    target: str = "/opt/envs/train",
    operator: str = "ada@laptop",
) -> Job:
    """A task that runs *script*."""
    task_id = new_task_id(time.time(), os.urandom(4))
    spec = TaskSpec(task_id, kind, target, ("conda", kind, target), operator, tuple(map(str, places)))
    return Job(spec, script.encode() + b"\n", args)


class Operator:
    """A person's client: fleets one after another over the same state folder."""

    def __init__(self, server: SshServer, user: SshUser, folder: Path, name: str = "ada") -> None:
        self.user = user
        self.folder = folder / name
        self.files = server.client_config({"gpu01": user}, directory=self.folder / "client")
        self.state = self.folder / "state"

    @asynccontextmanager
    async def fleet(self, *, tasks: int = 16, watch: bool = True) -> AsyncIterator[FleetService]:
        """A running client."""
        settings = Settings(
            hosts=(HostSpec("gpu01", search=SearchPlaces((str(self.user.home),), only=True)),),
            intervals=Intervals(status=0.4, gpus=60, inventory=60),
            limits=Limits(connect=8, tasks=tasks),
        )
        service = runtime.build(
            settings, ScriptedPrompter(), state_dir=self.state, ssh_config=self.files.config, watch_tasks=watch
        )
        await service.start()
        try:
            yield service
        finally:
            await service.close()

    def spool(self, task: Task | Job) -> Path:
        """What the host keeps of a task."""
        task_id = task.spec.id if isinstance(task, Job) else task.id
        return self.user.home / ".local/state/condafleet/tasks" / task_id
