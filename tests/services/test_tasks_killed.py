"""Clients that are killed, connections that are cut, an sshd that is restarted: the task goes on, once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.taskhost import contents, marked
from tests.services.tasking import FRESH_PROC, Operator, job
from tests.sshd import SshServer
from tui.domain.tasks import TaskState
from tui.storage.taskhistory import TaskHistory

LINES = 150
PROGRAM = (
    'echo x >>"$1"; i=0; while [ $i -lt 150 ]; do '
    "printf 'line %d \\000\\033[3%dm\\r%s\\n' $i $((i % 8)) \"$2\"; i=$((i + 1)); [ $((i % 10)) = 0 ] && sleep 0.1; "
    "done; exit 7"
)
WORDS = "$(id) 'é"


def expected() -> bytes:
    """The log of PROGRAM, on a pty."""
    return b"".join(b"line %d \0\x1b[3%dm\r%s\r\n" % (i, i % 8, WORDS.encode()) for i in range(LINES))


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=FRESH_PROC) as server:
        yield server


POINTS = ("born", "outer", "pid", "started", "log:300", "log:1500", "log:3000", "status", "exit")


def is_at(spool: Path, point: str) -> bool:
    """Whether the task on the host has come so far."""
    name, _, size = point.partition(":")
    try:
        return (spool / name).stat().st_size >= int(size or 0)
    except OSError:
        return False


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_cut_it_runs_once_and_all_of_it_is_known(
    server: SshServer, tmp_path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    ada = Operator(server, server.add_user(shell="/bin/bash"), tmp_path)
    place, runs, log = ada.user.home / "pkgs", ada.user.home / "runs", tmp_path / "log"
    ada.user.run("mkdir", place)
    # Other tests of tasks may run beside this one: processes are told by the id.
    task_id = f"20261121-101500-{os.urandom(4).hex()}"
    spool = ada.user.home / ".local/state/condafleet/tasks" / task_id
    argv = (
        sys.executable, "-m", "tests.services.taskclient", ada.files.config, ada.state, ada.user.home, task_id, place,
        log, PROGRAM, runs, WORDS,
    )  # fmt: skip
    root = Path(__file__).parents[2]
    client: asyncio.subprocess.Process | None = None
    cuts: list[str] = []

    async def begin() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(*map(str, argv), cwd=root, stdout=asyncio.subprocess.PIPE)

    try:
        client = await begin()
        for point in sorted(dice.sample(range(len(POINTS)), 3)):
            await eventually(lambda point=point: is_at(spool, POINTS[point]))  # type: ignore[misc]  # mypy infers none
            cuts.append(how := dice.choice(["client killed", "connection cut", "sshd restarted"]))
            if how == "client killed":
                if client.returncode is None:
                    client.send_signal(signal.SIGKILL)
                await client.wait()
                client = await begin()
            elif how == "connection cut":
                server.kill_sessions()
            else:
                server.stop()
                server.start()
        async with asyncio.timeout(90):
            out, _ = await client.communicate()
    finally:
        if client is not None and client.returncode is None:
            client.kill()
            await client.wait()
    # A client may have been killed in the midst of writing a part; what it wrote is a beginning all the same.
    assert out == b"failed 7\n", cuts
    assert log.read_bytes() == expected(), cuts
    assert runs.read_text() == "x\n" and contents(place) == [], cuts
    await eventually(lambda: not marked(task_id))
    async with ada.fleet(watch=False) as fleet:
        (task,) = await fleet.tasks.look("gpu01")
        assert (task.state, task.exit_code, task.log_bytes) == (TaskState.FAILED, 7, len(expected()))
        again = [part.data async for part in fleet.tasks.follow("gpu01", task_id)]
        assert b"".join(again) == expected()
        assert [(record.id, record.exit_code) for record in await fleet.tasks.history()] == [(task_id, 7)]
    assert len(TaskHistory(ada.state).file.read_bytes().splitlines()) == 1


async def test_a_waiting_task_goes_on_although_its_client_and_its_connection_are_gone(
    server: SshServer, tmp_path: Path
) -> None:
    ada = Operator(server, server.add_user(shell="/bin/sh"), tmp_path)
    place, door = ada.user.home / "pkgs", ada.user.home / "door"
    ada.user.run("mkdir", place)
    ada.user.run("mkfifo", door)
    async with ada.fleet() as fleet:
        first = await fleet.tasks.start("gpu01", job('read -r x <"$1"', str(door), places=(place,)))
        second = await fleet.tasks.start("gpu01", job("exit 0", places=(place,)))
        await eventually(lambda: getattr(fleet.tasks.get("gpu01", second.id), "waits_for", None) is not None)
    server.kill_sessions()
    ada.user.run("sh", "-c", f"echo go >'{door}'")
    async with ada.fleet(watch=False) as fleet:
        for task in (first, second):
            assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
    assert contents(place) == []
