"""Two hosts of one fleet over a real sshd: one has an environment, the other reaches no server of its packages."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes import ScriptedPrompter
from tests.sshd import SshServer, SshUser, run_as_root
from tests.standin import StandinInstall, standin_channel
from tui import runtime
from tui.demo.standin.place import SETTINGS
from tui.domain.changes import CarryMode, Change, ChangeKind, EnvRef
from tui.domain.environments import Environment
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.tasks import Task, TaskState
from tui.services.engine import FleetService

__all__ = ["NOWHERE", "CarryFleet", "wrapper"]


def wrapper() -> tuple[str, ...]:
    """As every machine has /proc; and where Python lies in a home that others may not enter, it is to be had."""
    needed = {Path(sys.executable).resolve(), Path(sys.prefix).resolve(), Path(__file__).parents[2]}
    closed = {next((up for up in reversed(path.parents) if not up.stat().st_mode & 0o001), None) for path in needed} - {
        None
    }
    words = ["mount -t proc proc /proc"]
    for number, top in enumerate(sorted(map(str, closed))):
        keep = sorted({f"{top}/{path.relative_to(top).parts[0]}" for path in needed if path.is_relative_to(top)})
        aside = f"/mnt/{number}"
        words += ["mount -t tmpfs tmpfs /mnt", f"mkdir {aside}", f"mount --bind {top} {aside}"]
        words.append(f"mount -t tmpfs -o mode=755 tmpfs {top}")
        words += [f"mkdir {path} && mount --bind {aside}/{Path(path).name} {path}" for path in keep]
    return ("unshare", "-m", "/bin/sh", "-c", " && ".join([*words, 'exec "$@"']), "sh")


NOWHERE = "http://127.0.0.1:1/main"
"""Nobody listens there: it is refused at once."""
PARTS = ("machine", "mounts", "installs", "environments")


class CarryFleet:
    """gpu01 has the environment ``train``; gpu02 gets a copy."""

    def __init__(self, server: SshServer, folder: Path, tool: str, *specs: str) -> None:
        self.folder = folder
        self.users = {name: server.add_user(shell="/bin/bash") for name in ("gpu01", "gpu02")}
        condarc = f"channels:\n  - {NOWHERE}\n"
        self.installs: dict[str, StandinInstall] = {}
        mirrors = {NOWHERE: str(standin_channel() / "channel")}
        for name, user in self.users.items():
            self.installs[name] = StandinInstall(
                user.home / "conda", user.home, base=(), tool=tool, condarc=condarc, mirrors=mirrors
            )
            if tool == "conda":
                # By this an install of conda is known.
                record = {"name": "conda", "version": "26.7.1", "build": "py311h0", "build_number": 0, "files": []}
                path = user.home / "conda/conda-meta/conda-26.7.1-py311h0.json"
                path.write_text(json.dumps(record))
        self.installs["gpu01"].create("train", *specs)
        # What is there shows that it is an install.
        self.target.create("other", "libsmall=2.0")
        settings = self.target.root / SETTINGS
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "mirrors": {}}))
        for user in self.users.values():
            run_as_root("chown", "-R", user.name, user.home)
        self.files = server.client_config(self.users, directory=folder / "client")
        self.state = folder / "state"

    @property
    def target(self) -> StandinInstall:
        """The host that gets the copy."""
        return self.installs["gpu02"]

    @property
    def archives(self) -> dict[str, str]:
        """The archives of the source, with their hashes."""
        return _archives(self.installs["gpu01"].pkgs)

    @property
    def had(self) -> dict[str, str]:
        """Those in the cache of the target."""
        found = _archives(self.target.pkgs)
        return {name: found[name] for name in found.keys() & self.archives.keys()}

    @property
    def waiting(self) -> list[str]:
        """What waits beside the cache of the target."""
        return sorted(path.name for path in self.target.pkgs.glob(".condafleet-carried-*/*"))

    def settings(self, **intervals: float) -> Settings:
        """As a person's configuration."""
        return Settings(
            hosts=tuple(
                HostSpec(name, search=SearchPlaces((str(user.home),), only=True)) for name, user in self.users.items()
            ),
            intervals=Intervals(status=0.4, gpus=60, inventory=60),
            limits=Limits(connect=8),
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[FleetService]:
        """A running client that knows both."""
        service = runtime.build(
            self.settings(), ScriptedPrompter(), state_dir=self.state, ssh_config=self.files.config, watch_tasks=True
        )
        await service.start()
        try:
            await service.settled(self.users, PARTS)
            yield service
        finally:
            await service.close()

    def copy(self, carry: CarryMode = CarryMode.AUTO) -> Change:
        """A copy on gpu02."""
        source = EnvRef("gpu01", str(self.installs["gpu01"].env("train")))
        prefix = str(self.target.env("train"))
        return Change(ChangeKind.CLONE, "gpu02", prefix, str(self.target.root), "train", source, carry=carry)

    async def end(self, service: FleetService, task: Task) -> tuple[TaskState, str]:
        """How *task* ended, and its log."""
        over = await service.tasks.settled("gpu02", task.id)
        log = [part.data async for part in service.tasks.follow("gpu02", task.id)]
        return over.state, b"".join(log).decode("utf-8", "replace")

    def environment(self, service: FleetService, host: str) -> Environment | None:
        """``train`` as the client sees it."""
        found = service.store.host(host).snapshot.environments.value or ()
        return next((each for each in found if each.prefix == str(self.installs[host].env("train"))), None)

    def user(self, host: str) -> SshUser:
        """Its account."""
        return self.users[host]


def _archives(cache: Path) -> dict[str, str]:
    found = [*cache.rglob("*.conda"), *cache.rglob("*.tar.bz2")]
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.is_file() and not any(part.startswith(".condafleet") for part in path.parts)
    }
