"""One change at a time: locks that are seen by every operator and broken only when nobody can hold them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.shells import SHELLS
from tests.remote.taskhost import HERE, LOCK, TaskHost, bin_sh, contents, lock_entries, marked
from tui.domain.faults import FaultKind
from tui.domain.tasks import TaskState
from tui.remote.tasks import CancelAnswer, cancel_task, purge_tasks

OTHER_BOOT = "11111111-2222-3333-4444-555555555555"
WAIT_FOR = 'echo up; read -r x <"$1"'


@pytest.fixture
async def ada(tmp_path: Path) -> AsyncIterator[TaskHost]:
    made = TaskHost(tmp_path / "ada", operator="ada@laptop")
    yield made
    await made.close()


@pytest.fixture
async def bob(tmp_path: Path) -> AsyncIterator[TaskHost]:
    made = TaskHost(tmp_path / "bob", operator="bob@desk \x1b[31m名")
    yield made
    await made.close()


@pytest.fixture
async def rebooted(tmp_path: Path) -> AsyncIterator[TaskHost]:
    """ada's home on the same machine after a reboot, as far as it can tell."""
    boot = tmp_path / "boot_id"
    boot.write_text(OTHER_BOOT + "\n")
    mount = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
    made = TaskHost(tmp_path / "ada", wrap=("unshare", "-m", "/bin/sh", "-c", mount, str(boot)))
    yield made
    await made.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "pkgs"
    place.mkdir()
    return place


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    return gate


async def open_gate(gate: Path) -> None:
    await asyncio.to_thread(gate.write_text, "go\n")


def set_mode(place: Path, mode: int) -> None:
    """Another group's directory with *mode*."""
    os.chown(place, -1, 60_000)
    place.chmod(mode)


def gone_pid() -> int:
    """A number that no process has."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def my_start() -> int:
    """When this very process began, in clock ticks."""
    return int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])


def plant(
    place: Path,
    *,
    pid: int,
    number: int = 1,
    start: int = 5,
    boot: str = HERE.boot,
    host: str = HERE.host,
    machine: str = HERE.machine,
    ns: str = HERE.ns,
) -> Path:
    """An entry in the lock of *place*, as another task would make it."""
    entry = place / LOCK / f"{1_000_000_000 + number}_{machine}_{boot}_{ns}_{pid}_{start}_{host}"
    entry.mkdir(parents=True)
    (entry / "owner").write_text('1795000000 {"operator":"eve@elsewhere","task":"t","kind":"clean","target":"/x"}\n')
    return entry


async def test_of_two_operators_one_runs_and_the_other_waits_and_says_for_whom(
    ada: TaskHost, bob: TaskHost, place: Path, gate: Path, tmp_path: Path
) -> None:
    first = bob.sh(WAIT_FOR, str(gate), places=[place], kind="clone", target="/opt/名前 [x]")
    await bob.start(first)
    running = await bob.become(first, TaskState.RUNNING)
    (tmp_path / "same").symlink_to(place)
    second = ada.sh("exit 0", places=[tmp_path / "same"])
    await ada.start(second)
    waiting = await ada.become(second, TaskState.WAITING_LOCK)
    holder = waiting.waits_for
    assert holder is not None and running.started is not None and holder.since is not None
    assert (holder.kind, holder.operator, holder.task, holder.task_kind, holder.target, holder.place) == (
        "task", bob.operator, first.id, "clone", "/opt/名前 [x]", str(place),
    )  # fmt: skip
    assert holder.pid in marked(first.id)
    assert running.created <= holder.since <= running.started
    assert waiting.started is None
    assert len(lock_entries(place)) == 2
    await open_gate(gate)
    assert (await bob.become(first)).state is TaskState.SUCCEEDED
    done = await ada.become(second)
    assert done.state is TaskState.SUCCEEDED and done.waits_for is None
    assert not contents(place)


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
async def test_many_at_once_never_meet_and_never_block_each_other(shell: str, tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("a b", "z'")]
    for each in places:
        each.mkdir()
    alias = tmp_path / "0alias"
    alias.symlink_to(places[1])
    # Whoever is alone can make the directory in both.
    script = 'for d do mkdir "$d/alone" || exit 9; done; sleep 0.05; for d do rmdir "$d/alone" || exit 8; done'
    hosts = [TaskHost(tmp_path / f"home{n}", SHELLS[shell], operator=f"op{n}", wrap=bin_sh(shell)) for n in range(3)]
    orders = [(places[0], places[1]), (places[1], places[0]), (alias, places[0])]
    specs = [
        (host, host.sh(script, *map(str, places), places=orders[(n + turn) % 3]))
        for turn in range(2)
        for n, host in enumerate(hosts)
    ]
    for each in places:
        # The dead of an earlier time, which everybody clears away at once.
        for number in range(3):
            plant(each, pid=gone_pid(), number=number)
    await asyncio.gather(*(host.lane() for host in hosts))
    await asyncio.gather(*(host.start(spec) for host, spec in specs))
    for host, spec in specs:
        task = await host.become(spec)
        assert (task.state, task.exit_code) == (TaskState.SUCCEEDED, 0), task
    assert not contents(*places)
    for host in hosts:
        await host.close()


async def test_a_task_of_another_boot_is_lost_and_nobody_is_signalled(
    ada: TaskHost, rebooted: TaskHost, bob: TaskHost, place: Path, gate: Path
) -> None:
    spec = ada.sh(WAIT_FOR, str(gate), places=[place])
    await ada.start(spec)
    await ada.become(spec, TaskState.RUNNING)
    # The processes of that number go on living here; after a real reboot they would be somebody else's.
    before = marked(spec.id)
    seen = await rebooted.become(spec)
    assert seen.state is TaskState.LOST and seen.fault is not None and "restarted" in seen.fault.message
    answer = await cancel_task(await rebooted.lane(), "gpu01", spec.id, "ada", interrupt_s=0, terminate_s=0)
    assert answer is CancelAnswer.LOST
    assert not (ada.folder(spec) / "cancel").exists() and not (ada.folder(spec) / "signalled").exists()
    # Its lock can be taken over.
    after = rebooted.sh("exit 0", places=[place])
    await rebooted.start(after)
    assert (await rebooted.become(after)).state is TaskState.SUCCEEDED
    assert not contents(place)
    assert marked(spec.id) == before
    assert (await ada.see(spec)).state is TaskState.RUNNING
    await open_gate(gate)
    assert (await ada.become(spec)).state is TaskState.SUCCEEDED


@pytest.mark.parametrize("holder", ["elsewhere", "clone of this machine", "container", "alive"])
async def test_a_lock_is_never_broken_while_its_holder_may_live(ada: TaskHost, place: Path, holder: str) -> None:
    entry = {
        "elsewhere": lambda: plant(place, boot=OTHER_BOOT, pid=99999999, host="gpu77", machine="beef"),
        "clone of this machine": lambda: plant(place, boot=OTHER_BOOT, pid=9, host="twin"),
        "container": lambda: plant(place, pid=99999999, ns="42"),
        "alive": lambda: plant(place, pid=os.getpid(), start=my_start()),
    }[holder]()
    spec = ada.sh("exit 0", places=[place])
    await ada.start(spec)
    waiting = await ada.become(spec, TaskState.WAITING_LOCK)
    assert waiting.waits_for is not None
    assert (waiting.waits_for.operator, waiting.waits_for.since) == ("eve@elsewhere", 1795000000.0)
    assert waiting.waits_for.host == entry.name.split("_", 6)[6]
    # More than one look.
    await eventually(lambda: len(lock_entries(place)) == 2)
    assert (await ada.see(spec)).state is TaskState.WAITING_LOCK
    (entry / "owner").unlink()
    entry.rmdir()
    assert (await ada.become(spec)).state is TaskState.SUCCEEDED
    assert not contents(place)


@pytest.mark.parametrize("dead", ["gone", "reused", "rebooted"])
async def test_a_lock_is_broken_when_its_holder_is_proved_dead(ada: TaskHost, place: Path, dead: str) -> None:
    {
        "gone": lambda: plant(place, pid=gone_pid()),
        "reused": lambda: plant(place, pid=os.getpid()),
        "rebooted": lambda: plant(place, boot=OTHER_BOOT, pid=os.getpid()),
    }[dead]()
    task, _ = await ada.run(ada.sh("exit 0", places=[place]))
    assert task.state is TaskState.SUCCEEDED
    assert not contents(place)


async def test_the_words_of_a_hostile_holder_stay_words(ada: TaskHost, place: Path) -> None:
    entry = plant(place, boot=OTHER_BOOT, pid=9, host="gpu\x1b[31m77", machine="beef")
    owner = {"operator": "x" * 3000 + "\x1b[2J", "task": ["no"], "kind": 7, "target": "\ud800"}
    (entry / "owner").write_bytes(b"9" * 30 + b"\0\n\x1b" + json.dumps(owner).encode() + b"z" * 200_000)
    for name in ("1junk", "1000000001_x", "9999999999", "2000000000_a_b_c_d_e_f_g\n"):
        (place / LOCK / name).mkdir()
    spec = ada.sh("exit 0", places=[place])
    await ada.start(spec)
    task = await ada.become(spec, TaskState.WAITING_LOCK)
    assert task.waits_for is not None
    assert (task.waits_for.operator, task.waits_for.since, task.waits_for.target) == (None, None, None)
    assert await cancel_task(await ada.lane(), "gpu01", spec.id, "ada") is CancelAnswer.ASKED
    assert (await ada.become(spec)).state is TaskState.CANCELLED
    assert spec.id not in " ".join(lock_entries(place)) and len(lock_entries(place)) == 5


async def test_a_lock_that_is_a_soft_link_is_refused(ada: TaskHost, place: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    (place / LOCK).symlink_to(target)
    task, _ = await ada.run(ada.sh("exit 0", places=[place]))
    assert task.state is TaskState.FAILED and task.fault is not None and "soft link" in task.fault.message
    assert not contents(target)


async def test_an_entry_that_is_a_soft_link_leads_nowhere(ada: TaskHost, place: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "owner").write_text("precious")
    dead = plant(place, pid=gone_pid())
    (dead / "owner").unlink()
    dead.rmdir()
    dead.symlink_to(target)
    task, _ = await ada.run(ada.sh("exit 0", places=[place]))
    assert task.state is TaskState.SUCCEEDED
    assert contents(target) == ["owner"]


async def test_a_place_that_is_not_there_yet_is_made(ada: TaskHost, tmp_path: Path) -> None:
    place = tmp_path / "envs" / "new"
    task, _ = await ada.run(ada.sh('[ -d "$1" ] && stat -c %a "$1"', str(place), places=[place]))
    assert task.state is TaskState.SUCCEEDED
    assert place.is_dir() and place.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("mode", "expected"), [(0o755, 0o755), (0o2775, 0o775), (0o1777, 0o777)])
async def test_whoever_may_write_a_place_may_take_its_lock(
    ada: TaskHost, place: Path, gate: Path, mode: int, expected: int
) -> None:
    set_mode(place, mode)
    spec = ada.sh(WAIT_FOR, str(gate), places=[place])
    await ada.start(spec)
    await ada.become(spec, TaskState.RUNNING)
    lock = place / LOCK
    (entry,) = lock.iterdir()
    assert (lock.stat().st_mode & 0o777, entry.stat().st_mode & 0o777) == (expected, expected)
    assert lock.stat().st_gid == 60_000
    assert (entry / "owner").stat().st_mode & 0o444 == 0o444
    await open_gate(gate)
    await ada.become(spec)
    assert not contents(place)


@pytest.fixture
def by_hand(tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """conda, mamba and micromamba that somebody runs in a terminal of his own."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    yield started
    for process in started.values():
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_by_hand(root: Path, *argv: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    tool = root / "bin" / argv[0]
    tool.parent.mkdir(parents=True, exist_ok=True)
    # As conda: a script that its interpreter is named in; it waits for whatever comes.
    tool.write_text("#!/bin/sh\nsleep 600\n")
    tool.chmod(0o755)
    return subprocess.Popen([str(tool), *argv[1:]], start_new_session=True, env=env or {"PATH": "/usr/bin:/bin"})


CHANGES = [
    (("conda", "create", "-n", "x y", "--yes", "--token", "hunter2"), ("create", "-n", "x y")),
    (("conda", "--no-plugins", "env", "update", "-f", "e.yml"), ("env", "update")),
    (
        ("mamba", "-p", "/elsewhere", "install", "numpy", "-c", "https://ada:hunter2@repo"),
        ("-p", "/elsewhere", "install"),
    ),
    (("conda-env", "remove", "--name=x", "hunter2"), ("remove", "--name=x")),
]
HARMLESS = [
    ("conda", "run", "-n", "x", "python", "train.py", "install"),
    ("conda", "list"),
    ("conda", "env", "export", "-n", "create"),
    ("jupyter", "lab", "conda", "install"),
]


@pytest.mark.parametrize(("argv", "told"), CHANGES)
async def test_a_conda_that_somebody_started_by_hand_is_waited_for_and_named(
    ada: TaskHost,
    place: Path,
    tmp_path: Path,
    by_hand: dict[str, subprocess.Popen[bytes]],
    argv: tuple[str, ...],
    told: tuple[str, ...],
) -> None:
    root = tmp_path / "mini (x) [1]"
    other = by_hand["it"] = run_by_hand(root, *argv)
    spec = ada.sh("exit 0", places=[place], roots=[tmp_path / "other", root])
    await eventually(lambda: b"sleep" not in Path(f"/proc/{other.pid}/cmdline").read_bytes())
    await ada.start(spec)
    task = await ada.become(spec, TaskState.WAITING_LOCK)
    assert task.waits_for is not None
    assert (task.waits_for.kind, task.waits_for.pid) == ("process", other.pid)
    assert task.waits_for.command == (str(root / "bin" / argv[0]), *told)
    # What else stands in a command line may be a secret: it is not written down.
    assert not any(b"hunter2" in file.read_bytes() for file in ada.folder(spec).iterdir() if file.is_file())
    os.killpg(other.pid, signal.SIGKILL)
    other.wait()
    assert (await ada.become(spec)).state is TaskState.SUCCEEDED


async def test_what_changes_nothing_there_is_not_waited_for(
    ada: TaskHost, place: Path, tmp_path: Path, by_hand: dict[str, subprocess.Popen[bytes]]
) -> None:
    root, beside = tmp_path / "mini", tmp_path / "mini2"
    for argv in HARMLESS:
        by_hand[" ".join(argv)] = run_by_hand(root, *argv)
    by_hand["beside"] = run_by_hand(beside, "conda", "create", "-n", "x")
    by_hand["other root"] = run_by_hand(beside, "micromamba", "-r", str(beside), "create", "-n", str(root))
    task, _ = await ada.run(ada.sh("exit 0", places=[place], roots=[root]))
    assert task.state is TaskState.SUCCEEDED


@pytest.mark.parametrize("way", ["option", "variable", "default"])
async def test_micromamba_is_known_by_its_root(
    ada: TaskHost, tmp_path: Path, by_hand: dict[str, subprocess.Popen[bytes]], way: str
) -> None:
    root = tmp_path / "home" / "micromamba"
    words = ["create", "-n", "x", *(["--root-prefix", str(root)] if way == "option" else [])]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home" if way == "default" else tmp_path)}
    if way == "variable":
        env["MAMBA_ROOT_PREFIX"] = str(root)
    by_hand["it"] = run_by_hand(tmp_path / "local", "micromamba", *words, env=env)
    spec = ada.sh("exit 0", roots=[root])
    await ada.start(spec)
    assert (await ada.become(spec, TaskState.WAITING_LOCK)).waits_for is not None
    assert await cancel_task(await ada.lane(), "gpu01", spec.id, "ada") is CancelAnswer.ASKED
    assert (await ada.become(spec)).state is TaskState.CANCELLED


async def test_clearing_away_a_lost_task_lets_its_lock_go(ada: TaskHost, rebooted: TaskHost, place: Path) -> None:
    spec = ada.sh("sleep 600", places=[place])
    await ada.start(spec)
    await ada.become(spec, TaskState.RUNNING)
    ada.kill_all(spec)
    await eventually(lambda: not marked(spec.id))
    assert lock_entries(place)
    assert await purge_tasks(await rebooted.lane(), "gpu01", 0) == (spec.id,)
    assert not contents(place)
    assert not ada.folder(spec).exists()


async def test_a_lock_that_may_not_be_taken_is_a_fault_with_the_reason(ada: TaskHost, place: Path) -> None:
    (place / "file").touch()
    task, _ = await ada.run(ada.sh("exit 0", places=[place / "file"]))
    assert task.state is TaskState.FAILED and task.fault is not None
    assert task.fault.kind is FaultKind.INCOMPLETE and str(place) in task.fault.message
