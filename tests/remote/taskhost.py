"""A host for the tests of tasks: a shell of this machine with a home of its own, and a look behind the scenes."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection
from tui.domain.tasks import Task, TaskSpec, TaskState
from tui.domain.text import decode
from tui.remote.lane import Lane
from tui.remote.task_log import LogFollower, lane_reader
from tui.remote.tasks import list_tasks, start_task

__all__ = [
    "HERE",
    "LOCK",
    "PATIENCE_S",
    "QuickClock",
    "TaskHost",
    "bin_sh",
    "contents",
    "lock_entries",
    "marked",
    "path_without",
]

LOCK = ".condafleet-lock"
PATIENCE_S = 30.0
# Tests run side by side on one machine, and what a cancelled task leaves is found there by the name of the task.
_numbers = itertools.count(int.from_bytes(os.urandom(2), "big") << 12)


@dataclass(frozen=True)
class Here:
    """This machine, as the identities of its processes name it."""

    boot: str
    machine: str
    host: str
    ns: str

    @classmethod
    def read(cls) -> Here:
        names = ("/proc/sys/kernel/random/boot_id", "/etc/machine-id", "/proc/sys/kernel/hostname")
        boot, machine, host = (Path(name).read_text().strip() for name in names)
        return cls(boot, machine, host, re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink())))


HERE = Here.read()


class QuickClock:
    """Real time whose pauses are short."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.05))

    def jitter(self) -> float:
        return 0.0


def marked(task_id: str) -> set[int]:
    """The processes of a task, by the mark in their environment."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if f"CONDAFLEET_TASK={task_id}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.add(int(entry.name))
    return found


def contents(*places: Path | str | bytes) -> list[str]:
    """The names of what is in *places*."""
    return [path.name for place in places for path in Path(os.fsdecode(place)).iterdir()]


def lock_entries(*places: Path) -> list[str]:
    """Who holds the locks of *places*, or waits for them."""
    return [entry.name for place in places for entry in sorted((place / LOCK).glob("*"))]


def path_without(folder: Path, missing: Iterable[str]) -> str:
    """A PATH that holds this machine's programs but those named."""
    folder.mkdir()
    left_out = set(missing)
    for source in map(Path, GNU_PATH.split(":")):
        for program in source.iterdir():
            place = folder / program.name
            if program.name not in left_out and not place.is_symlink():
                place.symlink_to(program)
    return str(folder)


def bin_sh(shell: str) -> tuple[str, ...]:
    """Start a command where ``/bin/sh`` is *shell*; the rest of the machine does not see it."""
    program = SHELLS[shell][0]
    mount = 'mount --bind "$0" "$(readlink -f /bin/sh)" && exec "$@"'
    return () if shell == "dash" else ("unshare", "-m", "/usr/bin/dash", "-c", mount, program)


class TaskHost:
    """One operator's way to one host."""

    def __init__(
        self,
        home: Path,
        argv: tuple[str, ...] = SHELLS["dash"],
        *,
        path: str = GNU_PATH,
        operator: str = "ada@laptop",
        wrap: tuple[str, ...] = (),
    ) -> None:
        home.mkdir(exist_ok=True)
        self.home = home
        self.operator = operator
        env = {"PATH": path, "HOME": str(home)}
        self.connection = ShellConnection(argv, env=env, wrap=wrap)
        self._lane: Lane | None = None

    async def lane(self) -> Lane:
        """A usable lane."""
        if self._lane is None or not self._lane.usable:
            self._lane = await Lane.open(self.connection, timeout=PATIENCE_S)
        return self._lane

    def spec(
        self,
        *argv: str | bytes,
        places: Sequence[Path | bytes] = (),
        roots: Sequence[Path] = (),
        kind: str = "create",
        target: str = "/opt/envs/train",
    ) -> TaskSpec:
        """A task that runs *argv*."""
        words = tuple(decode(word) if isinstance(word, bytes) else word for word in argv)
        held = tuple(decode(place) if isinstance(place, bytes) else str(place) for place in places)
        task_id = f"20261121-101500-{next(_numbers):08x}"
        return TaskSpec(task_id, kind, target, words, self.operator, held, tuple(map(str, roots)))

    def sh(
        self,
        script: str,
        *args: str,
        places: Sequence[Path | bytes] = (),
        roots: Sequence[Path] = (),
        kind: str = "create",
        target: str = "/opt/envs/train",
    ) -> TaskSpec:
        """A task that runs *script*."""
        return self.spec("/bin/sh", "-c", script, "sh", *args, places=places, roots=roots, kind=kind, target=target)

    async def start(self, spec: TaskSpec) -> bool:
        """Start it; whether this was what started it."""
        return await start_task(await self.lane(), "gpu01", spec, timeout=PATIENCE_S)

    async def see(self, spec: TaskSpec) -> Task:
        """The task as it is now."""
        found = await list_tasks(await self.lane(), "gpu01", [spec.id], timeout=PATIENCE_S)
        assert found.complete
        (task,) = found.tasks
        return task

    async def become(self, spec: TaskSpec, *states: TaskState) -> Task:
        """Wait until it is in one of *states* (none: until it is over)."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            task = await self.see(spec)
            if task.state in states or (not states and task.is_over):
                return task
            assert not task.is_over and time.monotonic() < deadline, task
            await asyncio.sleep(0.02)

    async def run(self, spec: TaskSpec) -> tuple[Task, bytes]:
        """Start it, wait for its end; the task and its log."""
        assert await self.start(spec)
        return await self.become(spec), await self.log(spec)

    async def log(self, spec: TaskSpec, offset: int = 0, part_bytes: int = 1000) -> bytes:
        """Its log from *offset* to its end, followed."""
        follower = LogFollower(
            lane_reader(self.lane, "gpu01", spec.id), QuickClock(), offset=offset, part_bytes=part_bytes
        )
        return b"".join([part.data async for part in follower.parts()])

    def folder(self, spec: TaskSpec) -> Path:
        """What the host keeps of it."""
        return self.home / ".local/state/condafleet/tasks" / spec.id

    def kill_all(self, spec: TaskSpec) -> None:
        """Kill all of it at once, as when the memory ran out: nobody is left to say a word."""
        inner, outer = (int((self.folder(spec) / name).read_text().split("_")[3]) for name in ("pid", "outer"))
        # The rest of a session that is stopped would be woken up when its terminal goes.
        for pid in (inner, outer, *marked(spec.id)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def close(self) -> None:
        """End the shells."""
        await self.connection.close()
