"""Tasks over a real sshd, whose connections are cut, whose clients are killed, and which is itself restarted."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.taskhost import QuickClock, TaskHost, contents, lock_entries, marked
from tests.sshd import SshServer, SshUser, run_as_root
from tui.domain.errors import HostFaultError
from tui.domain.tasks import Task, TaskSpec, TaskState
from tui.remote.lane import Lane
from tui.remote.task_log import LogFollower, lane_reader

# As every machine has it, whatever was done to the one that runs the test.
FRESH_PROC = ("unshare", "-m", "/bin/sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh")
LINES = 120
CLOCK = QuickClock()
PROGRAM = (
    'echo x >>"$1"; i=0; while [ $i -lt 120 ]; do '
    "printf 'line %d \\000\\033[3%dm\\r%s\\n' $i $((i % 8)) \"$2\"; i=$((i + 1)); [ $((i % 12)) = 0 ] && sleep 0.05; "
    "done; exit 7"
)
WORDS = b"\xff $(id) '"


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=FRESH_PROC) as server:
        yield server


@pytest.fixture(scope="module")
def ada(server: SshServer) -> SshUser:
    return server.add_user(shell="/bin/bash")


@pytest.fixture(scope="module")
def bob(server: SshServer) -> SshUser:
    return server.add_user(shell="/bin/sh")


class SshHost(TaskHost):
    """The same over ``ssh``: each lane is a client of its own."""

    def __init__(self, server: SshServer, user: SshUser, folder: Path) -> None:
        files = server.client_config({"gpu01": user}, directory=folder / user.name)
        super().__init__(user.home, ("ssh", "-F", str(files.config), "gpu01", "exec /bin/sh"), operator=user.name)
        self.user = user

    async def lane(self) -> Lane:
        """A usable lane; sshd may be on its way up."""
        while True:
            try:
                async with asyncio.timeout(30):
                    return await super().lane()
            except HostFaultError:
                await asyncio.sleep(0.05)

    async def see(self, spec: TaskSpec) -> Task:
        """The task as it is now, asked as often as it takes."""
        while True:
            with suppress(HostFaultError):
                return await super().see(spec)

    def kill_clients(self) -> None:
        """Kill -9 what this operator runs."""
        for channel in self.connection.channels:
            with suppress(ProcessLookupError):
                os.kill(channel.pid, signal.SIGKILL)


@pytest.fixture
async def hosts(server: SshServer, ada: SshUser, bob: SshUser, tmp_path: Path) -> AsyncIterator[list[SshHost]]:
    made = [SshHost(server, user, tmp_path) for user in (ada, bob)]
    yield made
    for host in made:
        await host.close()


@pytest.fixture
def place(server: SshServer) -> Iterator[Path]:
    """A package cache that both accounts may write to."""
    place = server.directory / "homes" / "pkgs"
    run_as_root("install", "-d", "-m", "2775", "-g", "nogroup", place)
    yield place
    run_as_root("rm", "-rf", place)


def expected(newline: bytes = b"\r\n") -> bytes:
    """The log of PROGRAM, on a pty."""
    return b"".join(b"line %d \0\x1b[3%dm\r%s%s" % (i, i % 8, WORDS, newline) for i in range(LINES))


POINTS: dict[str, Callable[[Path], bool]] = {
    "at once": lambda folder: True,
    "folder made": lambda folder: folder.exists(),
    "about to begin": lambda folder: (folder / "born").exists(),
    "keeper began": lambda folder: (folder / "outer").exists(),
    "wrapper began": lambda folder: (folder / "pid").exists(),
    "command began": lambda folder: (folder / "started").exists(),
    "some lines": lambda folder: (folder / "log").stat().st_size > 500,
    "many lines": lambda folder: (folder / "log").stat().st_size > len(expected()) // 2,
    "command ended": lambda folder: (folder / "status").exists(),
    "all over": lambda folder: (folder / "exit").exists(),
}


def cut(how: str, server: SshServer, host: SshHost) -> None:
    """End the connection, one way or another."""
    if how == "client killed":
        host.kill_clients()
    elif how == "connection cut":
        server.kill_sessions()
    else:
        server.stop()
        server.start()


async def start_again(host: SshHost, spec: TaskSpec) -> None:
    """Ask until there is an answer."""
    while True:
        with suppress(HostFaultError):
            await host.start(spec)
            return


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_cut_the_task_runs_once_and_its_log_is_whole(
    server: SshServer, hosts: list[SshHost], place: Path, seed: int
) -> None:
    dice = random.Random(seed)
    host = hosts[0]
    runs = host.home / f"runs{seed}"
    spec = host.sh(PROGRAM, str(runs), os.fsdecode(WORDS), places=[place])
    folder = host.folder(spec)
    points = sorted(dice.sample(range(len(POINTS)), 3))
    # What a client has read before it was cut is not asked for again.
    seen = b""
    follower: LogFollower | None = None
    starting = asyncio.create_task(start_again(host, spec))
    try:
        for point in points:
            name, reached = list(POINTS.items())[point]

            def is_there(reached: Callable[[Path], bool] = reached) -> bool:
                try:
                    return reached(folder)
                except OSError:
                    return False

            await eventually(is_there)
            if name in ("some lines", "many lines") and starting.done():
                follower = LogFollower(
                    lane_reader(host.lane, "gpu01", spec.id), CLOCK, offset=len(seen), part_bytes=700
                )
                parts = follower.parts()
                seen += (await anext(parts)).data
                await parts.aclose()
            cut(dice.choice(["client killed", "connection cut", "sshd restarted"]), server, host)
        await starting
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    seen += await host.log(spec, len(seen), part_bytes=997)
    task = await host.become(spec)
    assert (task.state, task.exit_code) == (TaskState.FAILED, 7), (task, points)
    assert seen == expected(), points
    assert runs.read_text() == "x\n", points
    assert not contents(place), points
    await eventually(lambda: not marked(spec.id))


async def test_a_follower_goes_on_by_itself_over_many_cuts(
    server: SshServer, hosts: list[SshHost], place: Path
) -> None:
    host = hosts[0]
    spec = host.sh(PROGRAM, str(host.home / "runs of a follower"), os.fsdecode(WORDS), places=[place])
    assert await host.start(spec)
    seen = b""
    cuts = ["client killed", "connection cut", "sshd restarted"]
    follower = LogFollower(lane_reader(host.lane, "gpu01", spec.id), CLOCK, part_bytes=900)
    async for part in follower.parts():
        assert part.offset == len(seen)
        seen += part.data
        if cuts and len(seen) > (4 - len(cuts)) * 900:
            cut(cuts.pop(), server, host)
    assert seen == expected() and not cuts


async def test_two_accounts_share_one_lock(hosts: list[SshHost], place: Path) -> None:
    ada, bob = hosts
    gate = ada.home / "gate"
    ada.user.run("mkfifo", gate)
    first = ada.sh('read -r x <"$1"; exit 3', str(gate), places=[place], kind="clean")
    await ada.start(first)
    await ada.become(first, TaskState.RUNNING)
    second = bob.sh("exit 0", places=[place])
    await bob.start(second)
    waiting = await bob.become(second, TaskState.WAITING_LOCK)
    assert waiting.waits_for is not None
    assert (waiting.waits_for.operator, waiting.waits_for.task_kind) == (ada.user.name, "clean")
    # The other account's task is none of bob's.
    assert len(lock_entries(place)) == 2
    # Even when every connection is gone, the order stays.
    for host in hosts:
        host.kill_clients()
    ada.user.run("sh", "-c", f"echo go >'{gate}'")
    assert (await bob.become(second)).state is TaskState.SUCCEEDED
    assert (await ada.become(first)).exit_code == 3
    assert not contents(place)


async def test_another_accounts_dead_task_blocks_nobody(hosts: list[SshHost], place: Path) -> None:
    ada, bob = hosts
    first = ada.sh("sleep 600", places=[place])
    await ada.start(first)
    await ada.become(first, TaskState.RUNNING)
    ada.kill_all(first)
    second = bob.sh("exit 0", places=[place])
    await bob.start(second)
    assert (await bob.become(second)).state is TaskState.SUCCEEDED
    assert not contents(place)


async def test_a_place_that_the_account_may_not_write_is_refused_by_name(hosts: list[SshHost], place: Path) -> None:
    run_as_root("chmod", "0755", place)
    ran = hosts[1].home / "ran"
    task, _ = await hosts[1].run(hosts[1].sh('touch "$1"', str(ran), places=[place]))
    assert task.state is TaskState.FAILED and task.fault is not None
    assert task.fault.kind.value == "permission" and str(place) in task.fault.message
    assert not contents(place) and not ran.exists()


async def test_who_may_not_see_other_peoples_processes_takes_none_for_dead(tmp_path: Path) -> None:
    hidden = (*FRESH_PROC[:4], FRESH_PROC[4].replace("-t proc", "-t proc -o hidepid=2"), "sh")
    with SshServer(wrapper=hidden) as server:
        users = server.add_user(), server.add_user()
        ada, bob = (SshHost(server, user, tmp_path) for user in users)
        place = server.directory / "homes" / "pkgs"
        run_as_root("install", "-d", "-m", "2775", "-g", "nogroup", place)
        first, second = ada.sh("sleep 600", places=[place]), bob.sh("exit 0", places=[place])
        await ada.start(first)
        await ada.become(first, TaskState.RUNNING)
        ada.kill_all(first)
        await bob.start(second)
        waiting = await bob.become(second, TaskState.WAITING_LOCK)
        assert waiting.waits_for is not None and waiting.waits_for.task == first.id
        assert len(lock_entries(place)) == 2
        # Its own account can tell.
        third = ada.sh("exit 0", places=[place])
        await ada.start(third)
        assert (await bob.become(second)).state is TaskState.SUCCEEDED
        assert (await ada.become(third)).state is TaskState.SUCCEEDED
        assert not contents(place)
        for host in (ada, bob):
            await host.close()
