"""A client whose account may become root on the host, and the things of another account there."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.condaroot import CONDA, NUMPY, PIP, PYTHON, CondaRoot
from tests.fakes import ScriptedPrompter
from tests.sshd import SshServer, SshUser, run_as_root
from tui import runtime
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.environments import Environment
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.snapshot import PARTS
from tui.domain.tasks import Task
from tui.services.engine import FleetService

__all__ = ["OPEN_PROC", "ROOTS_TASKS", "Admin", "Owner", "environment", "removed", "running_as", "who_owns"]

OPEN_PROC = (
    *("unshare", "-m", "/bin/sh", "-c"),
    'mount -t proc proc /proc && { readlink /proc/1/exe || mount -t tmpfs none /proc/1; } >/dev/null && exec "$@"',
    "sh",
)
"""As every machine has it, on which root may look at each process: on some that run tests not at the first one."""
ROOTS_TASKS = Path(pwd.getpwuid(0).pw_dir, ".local/state/condafleet/tasks")


class Owner:
    """An account with an install in a home that nobody else may enter."""

    def __init__(self, server: SshServer, names: Iterable[str] = ("train",), user: SshUser | None = None) -> None:
        self.user = user or server.add_user()
        self.root = CondaRoot(self.user.home / "miniforge3")
        self.root.base((PYTHON, CONDA, PIP))
        for name in names:
            self.root.named(name, (PYTHON, NUMPY))
        self.close_home()

    def close_home(self) -> None:
        """All of it is the account's, and its alone."""
        run_as_root("chown", "-R", "-h", f"{self.user.uid}", self.user.home)
        self.user.home.chmod(0o700)

    @property
    def envs(self) -> Path:
        return self.root.root / "envs"


class Admin:
    """A person's client, as an account with `sudo: true`."""

    def __init__(self, server: SshServer, folder: Path, *places: Path, user: SshUser | None = None) -> None:
        self.user = user or server.add_user(shell="/bin/bash")
        self.files = server.client_config({"gpu01": self.user}, directory=folder / "client")
        self.state = folder / "state"
        self.places = places

    @asynccontextmanager
    async def fleet(self, *, sudo: bool = True, watch: bool = True) -> AsyncIterator[FleetService]:
        """A running client that has seen its host."""
        search = SearchPlaces((str(self.user.home), *map(str, self.places)), only=True)
        settings = Settings(
            hosts=(HostSpec("gpu01", search=search, sudo=sudo),),
            intervals=Intervals(status=0.4, gpus=60, inventory=60),
            limits=Limits(connect=8, command=20),
        )
        service = runtime.build(
            settings, ScriptedPrompter(), state_dir=self.state, ssh_config=self.files.config, watch_tasks=watch
        )
        await service.start()
        try:
            await service.settled(["gpu01"], PARTS)
            yield service
        finally:
            await service.close()
            # Root's tasks are kept where real ones are.
            known = service.store.host("gpu01").tasks
            for task in known.tasks if known else ():
                if task.is_over and task.target.startswith(tuple(map(str, (self.user.home, *self.places)))):
                    run_as_root("rm", "-rf", ROOTS_TASKS / task.id)


def environment(fleet: FleetService, prefix: Path) -> Environment:
    """As it is known now."""
    found = fleet.store.host("gpu01").snapshot.environments.value or ()
    return next(each for each in found if each.prefix == str(prefix))


async def removed(
    fleet: FleetService, prefix: Path, *, keep_s: float = 0, accepted: Iterable[ConcernKind] = ()
) -> Task:
    """Remove it; the task at its end."""
    env = environment(fleet, prefix)
    change = Change(ChangeKind.REMOVE, "gpu01", str(prefix), name=env.name, install=env.install, keep_s=keep_s)
    prepared = await fleet.changes.prepare(change)
    task = await fleet.changes.start(prepared, accepted)
    return await fleet.tasks.settled("gpu01", task.id)


@contextmanager
def running_as(uid: int, *argv: str | Path) -> Iterator[int]:
    """A process of that account, and its number."""
    words = ["setpriv", f"--reuid={uid}", "--regid=nogroup", "--init-groups", *map(str, argv)]
    process = subprocess.Popen(words, start_new_session=True, cwd="/")
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def who_owns(place: Path) -> set[int]:
    """Whose all of it is."""
    return {os.lstat(path).st_uid for path in (place, *place.rglob("*"))}
