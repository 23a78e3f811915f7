"""A host with a stand-in conda, and the changes that tasks make on it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.fakes import eventually
from tests.remote.shells import GNU_PATH, SHELLS
from tests.remote.taskhost import LOCK, PATIENCE_S, TaskHost, marked
from tests.standin import StandinInstall
from tui.domain.changes import Change, ChangeKind, EnvRef
from tui.domain.environments import Install, Manager
from tui.domain.tasks import Task
from tui.domain.toolargs import Tool, choose_tool
from tui.remote.changes.outcome import read_task_outcome
from tui.remote.changes.tool import Means, tool_job
from tui.remote.changes.tools import ask_tools
from tui.remote.condasays.outcome import Outcome
from tui.remote.jobs import Job
from tui.remote.tasks import cancel_task, start_task

__all__ = ["ToolHost", "tree"]


def tree(folder: Path) -> list[tuple[str, int, int]]:
    """All that is below *folder*: names, inodes, sizes."""
    found = []
    for path in folder.rglob("*"):
        about = path.lstat()
        found.append((str(path.relative_to(folder)), about.st_ino, 0 if path.is_dir() else about.st_size))
    return sorted(found)


def _environ(pid: int) -> list[bytes]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return []


class ToolHost:
    """One operator's way to a host whose only install is a stand-in."""

    def __init__(
        self,
        folder: Path,
        shell: str = "dash",
        *,
        tool: str = "conda",
        wrap: tuple[str, ...] = (),
        path: str = GNU_PATH,
        condarc: str = "",
        **settings: object,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.conda = StandinInstall(folder / "conda", folder / "home", base=(), tool=tool, condarc=condarc, **settings)
        self.tasks = TaskHost(folder / "home", SHELLS[shell], wrap=wrap, path=path)
        self.install = Install(
            str(self.conda.root),
            Manager(tool),
            "26.7.1" if tool == "conda" else None,
            envs_dirs=(str(self.conda.root / "envs"),),
            pkgs_dirs=(str(self.conda.pkgs),),
        )

    async def means(self, change: Change, tool: Tool | None = None) -> Means:
        """With what *change* is made."""
        box = await ask_tools(await self.tasks.lane(), "gpu01", self.install, timeout=PATIENCE_S)
        if tool is None:
            chosen = choose_tool(box, change.kind)
            assert isinstance(chosen, Tool), chosen
            tool = chosen
        return Means(self.install, box, tool, roots=(self.install.root,), envs_dirs=self.install.envs_dirs, played=True)

    def change(
        self, kind: ChangeKind, name: str, *specs: str, pip: Sequence[str] = (), source: str | None = None
    ) -> Change:
        """A change of the environment called *name*."""
        copied = None if source is None else EnvRef("gpu01", str(self.conda.env(source)))
        return Change(
            kind, "gpu01", str(self.conda.env(name)), self.install.root, name, copied, tuple(specs), tuple(pip)
        )

    async def job(self, change: Change, tool: Tool | None = None) -> Job:
        """What is started for *change*."""
        task_id = self.tasks.spec().id
        return tool_job(change, await self.means(change, tool), task_id, "ada@laptop")

    async def start(self, job: Job) -> None:
        """Start it."""
        lane = await self.tasks.lane()
        assert await start_task(lane, "gpu01", job.spec, program=job.program, args=job.args, timeout=PATIENCE_S)

    async def end(self, job: Job) -> tuple[Task, Outcome, str]:
        """Wait for its end: the task, how it went, and its log."""
        task = await self.tasks.become(job.spec)
        log = await self.tasks.log(job.spec)
        return task, read_task_outcome(task, log), log.decode("utf-8", "replace")

    async def run(self, job: Job) -> tuple[Task, Outcome, str]:
        """Start it, and wait for its end."""
        await self.start(job)
        return await self.end(job)

    async def held(self, job: Job, phase: str) -> None:
        """Start it, and wait until the tool is held in *phase*."""
        self.conda.slow(**{phase: "hold"})
        await self.start(job)
        ended = self.tasks.folder(job.spec) / "exit"
        await eventually(lambda: self.conda.reached(phase) or ended.exists())
        assert not ended.exists(), await self.tasks.log(job.spec)

    async def cancel(self, job: Job) -> None:
        """Ask for its end."""
        lane = await self.tasks.lane()
        await cancel_task(lane, "gpu01", job.spec.id, "ada@laptop", timeout=PATIENCE_S)

    def processes(self, job: Job) -> list[int]:
        """What runs of a task, by its folder: other tests have tasks of the same id."""
        mark = f"CONDAFLEET_SPOOL={self.tasks.folder(job.spec)}".encode()
        return [pid for pid in marked(job.spec.id) if mark in _environ(pid)]

    def traces(self, job: Job) -> list[object]:
        """What a task may not leave: processes, locks, lists that it was given, halves."""
        root = self.conda.root
        places = (root / "envs", self.conda.pkgs)
        return [
            *self.processes(job),
            *(place / LOCK for place in places if (place / LOCK).exists()),
            *(root / "envs").glob(".condafleet*"),
            *root.glob(".condafleet*"),
            *(self.tasks.home / ".local/state/condafleet").glob("trash/*"),
            *self.tasks.folder(job.spec).glob("lists*"),
        ]

    async def close(self) -> None:
        """End the shells."""
        await self.tasks.close()
