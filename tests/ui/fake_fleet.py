"""A fleet of fixed values behind :class:`tui.services.fleet.FleetApi`: no host, no clock, no chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.ui.fake_tasks import FakeTasks
from tui.domain.diskbounds import Bound
from tui.domain.environments import DiskSize, Environment, EnvKind, Install, Manager, UsageSignal, Use
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.gpus import Gpu, GpuProcess
from tui.domain.history import Dist, History, Request, Revision
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Load, Machine, Mount
from tui.domain.packages import Package, PackageInterner, PackageManager
from tui.domain.sessions import Pane, Session, Window
from tui.domain.settings import Settings
from tui.domain.snapshot import HostSnapshot, Part
from tui.ports import Channel, ConnectionFacts, TermRequest
from tui.remote.lane import Lane
from tui.services.changes import ChangesApi
from tui.services.events import Bus
from tui.services.fleet import TerminalPlan
from tui.services.plans import PlanDesk
from tui.services.store import DiskCount, Store

T = TypeVar("T")

NOW = 1_790_000_000.0
GIB = 1 << 30
HOSTILE = (
    "env[cu118]",
    "x[/y]",
    "[bold red]alarm[/]",
    "深度学习-微调",
    "run-👩‍🔬-🚀",
    "esc\x1b[2J\x1b]0;pwned\x07",
    "left\u202eright\u200f",
    "not-utf8-\udcff\udcfe",
    "back\\slash",
    "new\nline",
    "n" * 300,
)
"""Names that a host may give to things."""

_interner = PackageInterner()


class FakeFleet:
    """Records what the screen asks for; tests put values into :attr:`store` themselves."""

    def __init__(self, specs: Iterable[HostSpec], settings: Settings | None = None) -> None:
        specs = tuple(specs)
        self.settings = settings or Settings(hosts=specs)
        self.bus = Bus()
        self.store = Store(specs, self.bus)
        self.started = 0
        self.closed = 0
        self.released: list[str] = []
        self.refreshed: list[tuple[str, ...] | None] = []
        self.visible: list[tuple[tuple[str, ...], frozenset[str]]] = []
        self.opened: list[TerminalPlan] = []
        self.channel: Channel | None = None
        self.histories: dict[tuple[str, str], History | Fault] = {}
        self.histories_asked: list[tuple[str, str]] = []
        self.task_desk = FakeTasks(self.store)
        self.change_desk: ChangesApi | None = None
        self.history_gate: asyncio.Event | None = None
        """No history arrives before it is set."""

    async def start(self, hosts: Iterable[str] | None = None) -> None:
        self.started += 1

    async def close(self) -> None:
        self.closed += 1

    def refresh(
        self, hosts: Iterable[str] | None = None, parts: Iterable[str] | None = None, *, changed: bool = False
    ) -> None:
        self.refreshed.append(None if hosts is None else tuple(hosts))

    def set_visible(self, hosts: Sequence[str], parts: Iterable[str]) -> None:
        self.visible.append((tuple(hosts), frozenset(parts)))

    async def settled(self, hosts: Iterable[str], parts: Iterable[str]) -> None:
        return

    def reconnect(self, host: str) -> None:
        self.refreshed.append((host,))

    def disconnect(self, host: str) -> None:
        self.released.append(host)
        self.state(host, HostState.IDLE)

    async def search(self, host: str, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        return ()

    @property
    def changes(self) -> ChangesApi:
        assert self.change_desk is not None, "nobody changes anything"
        return self.change_desk

    @property
    def plans(self) -> PlanDesk:
        raise AssertionError("nobody makes plans")

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        raise AssertionError(f"nobody puts a question of {kind} to {host}")

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = True) -> DiskCount:
        raise AssertionError("nobody wanted the disk to be counted")

    async def history(self, host: str, prefix: str) -> History:
        self.histories_asked.append((host, prefix))
        if self.history_gate is not None:
            await self.history_gate.wait()
        known = self.histories.get((host, prefix), History())
        if isinstance(known, Fault):
            raise HostFaultError(known)
        return known

    @property
    def tasks(self) -> FakeTasks:
        return self.task_desk

    async def terminal(self, plan: TerminalPlan, term: TermRequest) -> Channel:
        self.opened.append(plan)
        if self.channel is None:
            raise HostFaultError(fault(FaultKind.LOST, f"The connection to {plan.host} is gone."))
        return self.channel

    # For tests

    def put(self, host: str, **parts: Part[object]) -> None:
        """Let parts of a host's snapshot arrive."""
        self.store.set_parts(host, parts, NOW)

    def state(self, host: str, state: HostState, fault: Fault | None = None) -> None:
        """Change the state of a host."""
        self.store.set_state(host, state, fault, NOW)


def fault(kind: FaultKind, message: str, remedy: str = "Check the network.", retry_at: float | None = None) -> Fault:
    return Fault(kind, message, remedy, retry_at)


def package(name: str, version: str, manager: PackageManager = PackageManager.CONDA) -> Package:
    conda = manager is PackageManager.CONDA
    return _interner.package(name, version, "py311_0" if conda else None, "conda-forge" if conda else None, manager)


def environment(host: str, name: str | None, number: int = 0, **other: object) -> Environment:
    """An environment like many; *number* varies it."""
    packages = [
        package("python", "3.11.9"),
        package("numpy", f"1.26.{number % 5}"),
        package("pytorch", f"2.{number % 4}.1"),
        package("cuda-version", "12.1"),
        package("transformers", "4.44.0", PackageManager.PIP),
    ]
    plain = Environment(
        host=host,
        prefix=f"/data/conda/envs/{name}",
        name=name,
        kind=EnvKind.NAMED,
        install="/data/conda",
        manager=Manager.CONDA,
        packages=_interner.package_set(packages),
        packages_known=True,
        requested=frozenset({"python", "pytorch"}),
        python="3.11.9",
        created=NOW - 86400 * (20 + number),
        modified=NOW - 86400 * (3 + number),
        last_used=NOW - 3600.0 * (1 + number * 7),
        last_used_signal=UsageSignal.PYCACHE,
        owner="ada",
        writable=True,
        in_use_complete=True,
        seen_in=("envs_dirs", "environments.txt"),
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # tests name fields of Environment


def disk_size(number: int) -> DiskSize:
    """What an environment holds; *number* varies it."""
    total = (number % 7 + 1) * GIB
    alone = total * (number % 4 + 1) // 5
    bound = (Bound.EXACT, Bound.AT_LEAST, Bound.AT_MOST, Bound.BETWEEN)[number % 4]
    return DiskSize(total, alone, total - alone, 21_000 + number, NOW - 3 * 3600, bound)


def session(host: str, name: str, number: int = 0, command: str = "python", **other: object) -> Session:
    panes = (
        Pane(
            "%1",
            4001 + number,
            command,
            title="training",
            cwd="/home/ada/llm",
            prefix="/data/conda/envs/llm",
            active=True,
        ),
        Pane("%2", 4101 + number, "bash", cwd="/home/ada"),
    )
    plain = Session(
        host=host,
        kind="tmux",
        socket="/tmp/tmux-1000/default",
        id=f"${number}",
        name=name,
        created=NOW - 7200.0 * (number + 1),
        activity=NOW - 40.0 * (number * number + 1),
        attached=number % 3,
        windows=(Window("@1", 0, "train", True, panes),),
        version="3.3a",
    )
    return replace(plain, **other)  # type: ignore[arg-type]  # tests name fields of Session


def mounts(used: float, path: str = "/data") -> tuple[Mount, ...]:
    size = 4000 * GIB
    root = Mount("/", "/dev/sda1", "ext4", 200 * GIB, 50 * GIB, 150 * GIB, 1000, 900)
    return (root, Mount(path, "/dev/sdb1", "xfs", size, int(size * used), int(size * (1 - used)), 10_000, 1_500))


def gpus(host: str, *util: float | None) -> tuple[Gpu, ...]:
    return tuple(
        Gpu(
            host,
            index,
            name="NVIDIA A100-SXM4-80GB",
            driver="550.54.15",
            cuda_max="12.4",
            util_pct=value,
            memory_used_bytes=int(80 * GIB * (value or 0) / 110),
            memory_total_bytes=80 * GIB,
            temperature_c=40 + (value or 0) / 3,
            power_w=70 + (value or 0) * 3,
            processes=(GpuProcess(5000 + index, "ada", "python train.py", 30 * GIB, "/data/conda/envs/llm"),)
            if value
            else (),
        )
        for index, value in enumerate(util)
    )


def up_snapshot(host: str, number: int = 0, *, age: float = 4.0) -> HostSnapshot:
    """A host that answered everything."""
    time = NOW - age
    names = ("base", "llm-finetune", "cv-resnet50-exp1", "glm_finetune_gpu", "nlp-eval")
    environments = [
        environment(host, "base", number, kind=EnvKind.BASE, prefix="/data/conda", protected=True, writable=False),
        *(environment(host, name, number + place) for place, name in enumerate(names[1:])),
    ]
    environments = [
        replace(env, size=None if place == 2 else disk_size(number + place)) for place, env in enumerate(environments)
    ]
    environments[1] = replace(environments[1], in_use=(Use(5000, "ada", "python train.py", "exe"),))
    return HostSnapshot(
        host,
        machine=Part(
            Machine(os="Ubuntu 22.04.4 LTS", kernel="6.5.0-35", arch="x86_64", libc="glibc 2.35", cores=64, user="ada"),
            time,
        ),
        load=Part(Load(3.2 + number * 9, 2.9, 2.2, 512 * GIB, (400 - 60 * number) * GIB, uptime_s=86400.0 * 41), time),
        mounts=Part(mounts((0.55, 0.84, 0.96, 0.31)[number]), time),
        installs=Part(
            (
                Install(
                    "/data/conda", Manager.CONDA, "26.7.1", owner="root", writable=True, envs_dirs=("/data/conda/envs",)
                ),
            ),
            time,
        ),
        environments=Part(tuple(environments), time),
        gpus=Part(gpus(host, *((97.0, 88.0, 3.0, 0.0)[: 4 - number] if number < 3 else ())), time),
        sessions=Part(
            tuple(session(host, name, place) for place, name in enumerate(("train-llm", "notebook")[: 2 - number % 2])),
            time,
        ),
    )


def fill(fleet: FakeFleet, snapshot: HostSnapshot, *, stale: bool = False) -> None:
    fleet.store.set_parts(snapshot.host, snapshot.parts(), NOW, stale=stale)


def usual_fleet() -> FakeFleet:
    """Eight hosts in the states that a fleet knows, with hostile names among the usual ones."""
    names = ("gpu01", "gpu02", "a100-box", "hostile", "bastion-lab", "newbox", "oldkey", "attic", "local")
    fleet = FakeFleet(HostSpec(name, groups=("a100",) if name.startswith(("gpu", "a100")) else ()) for name in names)
    facts = ConnectionFacts(
        "192.0.2.12", 22, "ada", ("bastion",), "ssh-ed25519 SHA256:u6Ah0kDyFJvPz9uVmQvN", "publickey", "OpenSSH_9.2p1"
    )
    for number, name in enumerate(names[:3]):
        fleet.store.set_state(name, HostState.UP, None, NOW, facts)
        fill(fleet, up_snapshot(name, number))
        fleet.store.write_log(name, "resolving", NOW - 60)
        fleet.store.write_log(name, "authenticating with ~/.ssh/id_ed25519", NOW - 59)
        fleet.store.write_log(name, "connected", NOW - 58)
    fleet.state("hostile", HostState.UP)
    fill(fleet, hostile_snapshot("hostile"))
    lost = fault(
        FaultKind.TIMEOUT, "bastion-lab did not answer within 10 s.", "Is it switched on? Is the VPN up?", NOW + 42
    )
    fleet.state("bastion-lab", HostState.WAITING, lost)
    fleet.store.write_log("bastion-lab", "no answer within 10 s", NOW - 8)
    fleet.state("newbox", HostState.CONNECTING)
    changed = fault(
        FaultKind.HOST_KEY_CHANGED,
        "The host key of oldkey is not the one that ~/.ssh/known_hosts:12 holds.",
        "Ask its owner whether it was reinstalled; if so run: ssh-keygen -R oldkey",
    )
    fleet.state("oldkey", HostState.DOWN, changed)
    fill(fleet, up_snapshot("attic", 1, age=86400 * 3), stale=True)
    fleet.state(
        "attic",
        HostState.WAITING,
        fault(FaultKind.REFUSED, "attic refused the connection.", "Is sshd running?", NOW + 5),
    )
    fleet.state("local", HostState.UP)
    fill(fleet, up_snapshot("local", 3))
    hung = fault(FaultKind.TOOL_HUNG, "nvidia-smi did not answer within 5 s.", "Look at dmesg on local.")
    fleet.put("local", gpus=Part(None, None, hung))
    fleet.histories["gpu01", "/data/conda/envs/llm-finetune"] = usual_history("/data/conda/envs/llm-finetune")
    return fleet


def usual_history(prefix: str) -> History:
    """Four changes, a hostile one among them."""
    numpy, newer = Dist("numpy", "1.25.0", "py311_0", "conda-forge"), Dist("numpy", "1.26.1", "py311_0", "conda-forge")
    many = tuple(Dist(f"lib{number}", "1.0", "h0_0", "conda-forge") for number in range(28))
    return History(
        (
            Revision(3, NOW - 3600, f"conda install -p {prefix} {HOSTILE[2]} {HOSTILE[5]} {HOSTILE[3]}", None),
            Revision(
                2,
                NOW - 86400 * 2,
                "/opt/conda/bin/conda remove -y lib0",
                "26.7.1",
                many[:1],
                (),
                (Request("remove", ("lib0",)),),
            ),
            Revision(
                1,
                NOW - 86400 * 9,
                f"/opt/conda/bin/conda install -p {prefix} numpy=1.26 深度学习",
                "26.7.1",
                (numpy,),
                (newer, Dist("libblas", "3.9.0", "23_linux64_openblas", "conda-forge")),
                (Request("update", ("numpy=1.26", "深度学习")),),
            ),
            Revision(0, NOW - 86400 * 20, None, None, (), (numpy, *many)),
        )
    )


def hostile_snapshot(host: str) -> HostSnapshot:
    """A host whose every string means harm."""
    time = NOW - 2
    environments = tuple(
        environment(host, name, number, owner=HOSTILE[number % len(HOSTILE)], python=name[:20], prefix=f"/envs/{name}")
        for number, name in enumerate(HOSTILE)
    )
    ghost = fault(FaultKind.GHOST, "environments.txt names /envs/gone, which is not there.", "Nothing; conda drops it.")
    environments += (
        environment(host, None, prefix="/envs/gone", kind=EnvKind.PREFIX, packages_known=False, fault=ghost),
    )
    sessions = tuple(session(host, name, number, command=name) for number, name in enumerate(HOSTILE))
    return HostSnapshot(
        host,
        machine=Part(Machine(os="[/]Evil\x1b[31mOS", kernel="x[/y]", cores=8, user="root\u202e"), time),
        load=Part(Load(1.0, memory_total_bytes=8 * GIB, memory_available_bytes=GIB // 4), time),
        mounts=Part(mounts(0.97, "/envs[/x]"), time),
        installs=Part((), time),
        environments=Part(environments, time),
        gpus=Part((), time),
        sessions=Part(sessions, time),
    )


def large_fleet(hosts: int = 200, each: int = 40) -> FakeFleet:
    """Many hosts, none of which answered yet; :func:`answer_all` lets them."""
    return FakeFleet(HostSpec(f"node{number:03}") for number in range(hosts))


def answer_all(fleet: FakeFleet, each: int = 40) -> None:
    """Every host answers at the same moment."""
    for number, view in enumerate(fleet.store.hosts()):
        fleet.state(view.name, HostState.UP)
        environments = tuple(environment(view.name, f"env{place:02}", number + place) for place in range(each))
        fleet.put(view.name, environments=Part(environments, NOW))
