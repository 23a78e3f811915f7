"""A fleet that answers from memory, and values to answer with."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import pytest

from tests.cli.fakechanges import FakeDesk
from tui.cli.main import FrontEnds, main
from tui.domain.disksizes import environment_sizes
from tui.domain.environments import Environment, EnvKind, Manager, UsageSignal, Use
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.gpus import Gpu, GpuProcess
from tui.domain.history import History
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Load, Machine, Mount
from tui.domain.packages import PackageInterner, PackageManager
from tui.domain.sessions import Pane, Session, Window
from tui.domain.settings import Limits, Settings
from tui.domain.snapshot import Part
from tui.domain.text import decode
from tui.ports import ArchiveStore, Channel, ConnectionFacts, Prompter, TermRequest, TrustedKey
from tui.remote.lane import Lane
from tui.services.changes import ChangesApi
from tui.services.events import Bus
from tui.services.fleet import TerminalPlan
from tui.services.plans import PlanDesk
from tui.services.store import DiskCount, Store
from tui.services.tasks import TasksApi

T = TypeVar("T")

REFUSED = Fault(FaultKind.REFUSED, "gpu02: 192.0.2.2 port 22 refused the connection", "Is sshd running there?", 1.8e9)
NO_TMUX = Fault(FaultKind.TOOL_MISSING, "there is no tmux", "Install it.")
HOSTILE = decode(b"x\x1b]0;owned\x07[/y]\n\xff\\")
"""Escapes, markup, a line feed, a byte that is no UTF-8, a backslash."""
HOSTILE_SHOWN = r"x\x1b]0;owned\x07[/y]\x0a\xff\\"

PACKAGES = PackageInterner()


def package_set(*names: str, pip: Sequence[str] = ()) -> Any:
    """A set of conda packages and pip packages at version 1.0."""
    conda = [PACKAGES.package(name, "1.0", "h0_0", "conda-forge", PackageManager.CONDA) for name in names]
    wheels = [PACKAGES.package(name, "2.0", None, None, PackageManager.PIP) for name in pip]
    return PACKAGES.package_set([*conda, *wheels])


def environment(host: str, name: str | None, **fields: Any) -> Environment:
    """An environment with two packages."""
    values: dict[str, Any] = {
        "prefix": f"/opt/conda/envs/{name or 'lone'}",
        "kind": EnvKind.PREFIX if name is None else EnvKind.NAMED,
        "install": "/opt/conda",
        "manager": Manager.CONDA,
        "packages": package_set("numpy", pip=["torch"]),
        "packages_known": True,
        "python": "3.11.9",
        **fields,
    }
    return Environment(host, name=name, **values)


BUSY = environment(
    "gpu01", "cv-resnet50",
    in_use=(Use(4242, "ada", "python train.py --api-key hunter22", "exe"),), in_use_complete=True,
    created=1.7e9, modified=1.71e9, last_used=1.72e9, last_used_signal=UsageSignal.PROCESS, owner="ada",
    writable=True, frozen=False, requested=frozenset({"numpy"}), clobbered=frozenset({"torch"}),
)  # fmt: skip
GPU = Gpu(
    "gpu01", 0, "GPU-1", "NVIDIA H200", "570.1", "12.8", 97.0, 12 << 30, 141 << 30, 61.0, 512.5, False,
    processes=(GpuProcess(4242, "ada", "/opt/conda/envs/cv-resnet50/bin/python train.py", 11 << 30),),
)  # fmt: skip
SESSION = Session(
    "gpu01", "tmux", "/tmp/tmux-1000/default", "$3", "train", 1.7e9, 1.71e9, 1,
    (Window("@1", 0, "run", True, (Pane("%7", 4242, "python", "title", cwd="/home/ada", active=True),)),),
)  # fmt: skip
MACHINE = Machine(
    "m1", "b1", "gpu01", "Debian GNU/Linux 12", "6.1", "x86_64", "glibc 2.36", 64, "ada", 1000, "/home/ada"
)
LOAD = Load(1.5, 1.0, 0.5, 512 << 30, 256 << 30, 0, 0, 86400.0)
MOUNT = Mount("/data", "/dev/sda1", "ext4", 1 << 40, 1 << 39, 1 << 38)


@dataclass
class Answer:
    """What a host does when it is tried."""

    parts: Mapping[str, object] = field(default_factory=dict)
    """Values by part."""
    faults: Mapping[str, Fault] = field(default_factory=dict)
    fault: Fault | None = None
    """It is down for this reason."""
    silent: bool = False
    """It never answers."""
    stale: Mapping[str, object] = field(default_factory=dict)
    """What the last snapshot held, an hour ago."""
    histories: Mapping[str, History | Fault] = field(default_factory=dict)
    """By prefix; that of any other never arrives."""
    disk: DiskCount | Fault | None = None
    """What a count comes to; None: it never ends."""
    trusted: TrustedKey | None = None
    """The key that can be trusted, by its fingerprint."""


FACTS = ConnectionFacts("192.0.2.1", 22, "ada", ("bastion",), "ssh-ed25519 SHA256:known", "publickey", "OpenSSH_9.2")


class FakeFleet:
    """FleetApi over answers."""

    def __init__(self, settings: Settings, answers: Mapping[str, Answer], prompter: Prompter) -> None:
        self.settings = settings
        self.bus = Bus()
        self.store = Store(settings.hosts, self.bus)
        self.prompter = prompter
        self.closed = False
        self.searched: list[tuple[str, str]] = []
        self.desk: FakeDesk | None = None
        self._answers = answers
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, hosts: Iterable[str] | None = None) -> None:
        for name in list(self._answers) if hosts is None else hosts:
            self._tasks.append(asyncio.create_task(self._try(name, self._answers.get(name, Answer()))))

    async def _try(self, name: str, answer: Answer) -> None:
        hour_ago = time.time() - 3600
        self.store.set_parts(
            name, {part: Part(it, hour_ago) for part, it in answer.stale.items()}, hour_ago, stale=True
        )
        self.store.set_state(name, HostState.CONNECTING, None, time.time())
        self.store.write_log(name, "resolving", time.time())
        if answer.silent:
            await asyncio.Event().wait()
        if answer.fault is not None:
            self.store.set_state(name, HostState.WAITING, answer.fault, time.time())
            return
        self.store.set_state(name, HostState.UP, None, time.time(), FACTS)
        now = time.time()
        parts: dict[str, Part[object]] = {part: Part(value, now) for part, value in answer.parts.items()}
        for part, fault in answer.faults.items():
            parts[part] = replace(parts.get(part, Part()), fault=fault)
        self.store.set_parts(name, parts, now)

    async def close(self) -> None:
        self.closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def refresh(
        self, hosts: Iterable[str] | None = None, parts: Iterable[str] | None = None, *, changed: bool = False
    ) -> None:
        raise NotImplementedError

    def set_visible(self, hosts: Sequence[str], parts: Iterable[str]) -> None:
        for name in hosts:
            assert name in self.store

    async def settled(self, hosts: Iterable[str], parts: Iterable[str]) -> None:
        await asyncio.gather(*self._tasks)

    def reconnect(self, host: str) -> None:
        raise NotImplementedError

    def disconnect(self, host: str) -> None:
        raise NotImplementedError

    async def search(self, host: str, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        self.searched.append((host, path))
        return ()

    @property
    def tasks(self) -> TasksApi:
        assert self.desk is not None, "nobody asks for tasks"
        return self.desk.tasks

    @property
    def changes(self) -> ChangesApi:
        assert self.desk is not None, "nobody changes anything"
        return self.desk

    @property
    def plans(self) -> PlanDesk:
        raise AssertionError("nobody makes plans")

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        raise AssertionError(f"nobody puts a question of {kind} to {host}")

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = True) -> DiskCount:
        counted = self._answers[host].disk
        if progress is not None:
            progress(500)
        if counted is None:
            await asyncio.Event().wait()
        if not isinstance(counted, DiskCount):
            raise HostFaultError(counted or REFUSED)
        self.store.set_disk(host, counted, environment_sizes(counted.table, counted.time))
        return counted

    async def history(self, host: str, prefix: str) -> History:
        known = self._answers[host].histories.get(prefix)
        if known is None:
            await asyncio.Event().wait()
        if not isinstance(known, History):
            raise HostFaultError(known or REFUSED)
        return known

    async def terminal(self, plan: TerminalPlan, term: TermRequest) -> Channel:
        raise NotImplementedError


@dataclass
class FakeBackend:
    """A backend with these hosts and answers."""

    settings: Settings
    answers: Mapping[str, Answer] = field(default_factory=dict)
    ssh_aliases: tuple[str, ...] = ()
    written: list[tuple[str, HostSpec | str]] = field(default_factory=list)
    fleets: list[FakeFleet] = field(default_factory=list)
    load_error: Exception | None = None
    desk: FakeDesk | None = None
    kept: ArchiveStore | None = None

    def prepare(self, debug: bool) -> None:
        return None

    def load(self, config: str | None, *, new: bool = False) -> Settings:
        if self.load_error is not None:
            raise self.load_error
        return self.settings

    def add_host(self, config: str | None, spec: HostSpec) -> str:
        self.written.append(("add", spec))
        return "/home/ada/.config/condafleet/config.yaml"

    def forget_host(self, config: str | None, name: str) -> str:
        self.written.append(("forget", name))
        return "/home/ada/.config/condafleet/config.yaml"

    def aliases(self) -> Sequence[str]:
        return self.ssh_aliases

    def build(self, settings: Settings, prompter: Prompter) -> FakeFleet:
        self.fleets.append(FakeFleet(settings, self.answers, prompter))
        self.fleets[-1].desk = self.desk
        return self.fleets[-1]

    def archives(self) -> ArchiveStore:
        assert self.kept is not None, "nobody looks at archives"
        return self.kept

    async def trust(self, settings: Settings, host: str, fingerprint: str, prompter: Prompter) -> TrustedKey:
        answer = self.answers[host]
        if answer.trusted is not None and answer.trusted.fingerprint == fingerprint:
            return answer.trusted
        raise HostFaultError(answer.fault or Fault(FaultKind.HOST_KEY_UNKNOWN, f"{host} has no such key", "Compare."))

    def run(self, main: Callable[[], Coroutine[Any, Any, int]]) -> int:
        return asyncio.run(main())


def fleet(answers: Mapping[str, Answer], *, desk: FakeDesk | None = None, **settings: Any) -> FakeBackend:
    """A fleet of the hosts that *answers* names; all are in the group ``a100``."""
    hosts = tuple(HostSpec(name, address=f"{name}.example", groups=("a100",)) for name in answers)
    values: dict[str, Any] = {"hosts": hosts, "limits": Limits(0.2, 0.03), "file": "config.yaml", **settings}
    return FakeBackend(Settings(**values), answers, desk=desk)


@dataclass
class Done:
    """A finished run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON object."""
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        """Standard output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Run:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, backend: FakeBackend, *argv: str, front_ends: FrontEnds | None = None) -> Done:
        code = main(argv, front_ends or FrontEnds(), backend)
        out, err = self._capsys.readouterr()
        return Done(code, out, err)
