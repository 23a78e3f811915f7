"""A count over a real sshd whose connection, channel or client goes: it goes on or begins anew, and leaves no trace."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.e2e.condafleet_command import PROGRAM, Command
from tests.fakes import ScriptedPrompter, eventually
from tests.remote.test_disk import HANG, played_program
from tests.remote.test_kept import COUNTS
from tests.sshd import SshServer, SshUser, run_as_root
from tui import runtime
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import OwnerKind
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.snapshot import PARTS
from tui.ports import TermRequest
from tui.remote import disk
from tui.services import engine
from tui.services.engine import FleetService
from tui.services.events import HostNoticed
from tui.services.fleet import TerminalPlan

TERM = TermRequest("xterm-256color", 80, 24)
LIMIT = 60
IMPATIENT = (
    sys.executable,
    "-c",
    "from tui.remote import kept; kept.GRACE_S = 3; from tui.__main__ import main; raise SystemExit(main())",
)
"""The program, whose counts wait for three seconds for somebody to ask for them."""


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer() as server:
        yield server


@pytest.fixture
def ada(server: SshServer, tmp_path: Path) -> SshUser:
    user = server.add_user(shell="/bin/bash")
    root = CondaRoot(tmp_path / "tree" / "miniforge3")
    root.base()
    root.named("train")
    run_as_root("cp", "-a", f"{tmp_path}/tree/.", user.home)
    run_as_root("chown", "-R", "-h", user.name, user.home)
    return user


@pytest.fixture
async def fleet(server: SshServer, ada: SshUser, tmp_path: Path) -> AsyncIterator[FleetService]:
    files = server.client_config({"gpu01": ada}, directory=tmp_path / "client")
    settings = Settings(
        hosts=(HostSpec("gpu01", search=SearchPlaces((str(ada.home),), only=True)),),
        intervals=Intervals(status=1, gpus=5, inventory=60),
        limits=Limits(connect=15, command=30),
    )
    service = runtime.build(settings, ScriptedPrompter(), state_dir=tmp_path / "state", ssh_config=files.config)
    await service.start()
    async with asyncio.timeout(LIMIT):
        await service.settled(["gpu01"], PARTS)
    yield service
    await service.close()


def commands(user: SshUser) -> list[str]:
    """What runs as *user*, the shells that wait for questions and sshd's own processes apart."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == user.uid:
                found.append((path / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return [command for command in found if command and not command.startswith("sshd")]


def under_way(user: SshUser) -> bool:
    """Whether a count is under way."""
    return any("exec(zlib" in command for command in commands(user))


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The next count hangs in its midst; those after it do not."""
    usual = disk._program

    def once() -> None:
        played = played_program(HANG)

        def program() -> str:
            monkeypatch.setattr(disk, "_program", usual)
            return played()

        monkeypatch.setattr(disk, "_program", program)

    return once


def names(count: DiskCount) -> set[str]:
    found = (Path(owner.path) for owner in count.table.owners if owner.kind is OwnerKind.ENVIRONMENT)
    return {path.name for path in found}


def heard(user: SshUser) -> list[str]:
    """What was last said by who asked for the counts that are kept on the host."""
    return [path.read_text() for path in (user.home / COUNTS).glob("*/heard")]


def said_yet(user: SshUser) -> dict[Path, int]:
    """How many bytes each count that is kept on the host has said so far."""
    return {path: path.stat().st_size for path in (user.home / COUNTS).glob("*/out")}


def grew(had: dict[Path, int], has: dict[Path, int]) -> bool:
    return any(size > had.get(path, 0) for path, size in has.items())


def left(user: SshUser) -> list[Path]:
    """What is kept of counts on the host."""
    return list((user.home / COUNTS).glob("*"))


@pytest.fixture
def notes(fleet: FleetService) -> list[str]:
    said: list[str] = []
    fleet.bus.subscribe(lambda event: said.append(event.text) if isinstance(event, HostNoticed) else None)
    return said


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch, ada: SshUser) -> Path:
    """Every count says in the file "began" that it began, and waits in its midst until this file is there."""
    go = ada.home / "go"
    wait = f"echo x >>{ada.home}/began; while ! [ -e {go} ]; do sleep 0.1; done"
    monkeypatch.setattr(disk, "_program", played_program(wait, "/train"))
    return go


async def test_a_count_goes_on_on_the_host_when_its_connection_is_killed(
    fleet: FleetService, server: SshServer, ada: SshUser, waits: Path, notes: list[str]
) -> None:
    counting = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: (ada.home / "began").exists())
    for _ in range(4):  # more often than a count that does not get on is tried
        said = len(notes)
        had = said_yet(ada)
        await eventually(lambda had=had: grew(had, said_yet(ada)))  # type: ignore[misc]  # mypy infers none
        for _ in range(3):  # it is asked for again, and what it said since is fetched
            last = heard(ada)
            await eventually(lambda last=last: heard(ada) != last)  # type: ignore[misc]  # mypy infers none
        server.kill_sessions()
        await eventually(lambda said=said: len(notes) > said)  # type: ignore[misc]  # mypy infers none
        assert not counting.done()
    await asyncio.to_thread(waits.touch)
    count = await asyncio.wait_for(counting, 2 * LIMIT)
    assert names(count) == {"miniforge3", "train"}
    assert (ada.home / "began").read_text() == "x\n"
    assert set(notes) == {"the connection was lost while the disk is counted: that goes on on the host"}
    await eventually(lambda: not under_way(ada) and not left(ada))


async def test_a_count_that_was_ended_while_the_connection_was_lost_begins_anew(
    fleet: FleetService, server: SshServer, ada: SshUser, waits: Path, notes: list[str]
) -> None:
    counting = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: (ada.home / "began").exists())
    await asyncio.to_thread(waits.touch)
    # All of this account: as when the machine is started anew.
    run_as_root("sh", "-c", f"kill -9 $(ps -o pid= -u {ada.name}) || :")
    count = await asyncio.wait_for(counting, 2 * LIMIT)
    assert names(count) == {"miniforge3", "train"}
    assert notes[-1] == "counting the disk was cut off, and begins anew"
    await eventually(lambda: not under_way(ada) and not left(ada))


async def test_a_count_that_can_be_kept_nowhere_begins_anew(
    fleet: FleetService, server: SshServer, ada: SshUser, notes: list[str], hangs: Callable[[], None]
) -> None:
    ada.run("sh", "-c", "rm -rf ~/.local && ln -s /nonexistent ~/.local")
    right = await asyncio.wait_for(fleet.disk("gpu01"), LIMIT)
    hangs()
    again = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: under_way(ada))
    server.kill_sessions()
    count = await asyncio.wait_for(again, 2 * LIMIT)
    assert count.table == right.table
    assert notes == ["counting the disk was cut off, and begins anew"]
    assert "cannot outlive its connection" in " ".join(text for _, text in fleet.store.log("gpu01"))
    await eventually(lambda: not under_way(ada))


async def test_a_cancelled_count_leaves_nothing_on_the_host(
    fleet: FleetService, ada: SshUser, hangs: Callable[[], None]
) -> None:
    hangs()
    count = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: under_way(ada))
    count.cancel()
    await asyncio.gather(count, return_exceptions=True)
    await eventually(lambda: not under_way(ada) and not left(ada))
    assert fleet.store.host("gpu01").disk is None


async def test_a_count_ends_with_the_program(
    fleet: FleetService, ada: SshUser, waits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_STOP_S", LIMIT)  # on a busy machine a quarter of a second may not be enough
    count = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: (ada.home / "began").exists())
    await fleet.close()
    await eventually(lambda: not left(ada))
    count.cancel()
    await asyncio.gather(count, return_exceptions=True)
    assert fleet.store.host("gpu01").disk is None
    await asyncio.to_thread(waits.touch)  # what plays the wait is no part of it, and heeds nothing
    await eventually(lambda: not under_way(ada))


async def test_a_terminal_takes_the_channel_of_a_count_which_begins_again(
    fleet: FleetService, server: SshServer, ada: SshUser, hangs: Callable[[], None]
) -> None:
    # The shell that the status goes over, and one more.
    server.reload(options=["MaxSessions 2"])
    server.kill_sessions()
    hangs()
    count = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: under_way(ada), LIMIT)
    channel = await asyncio.wait_for(fleet.terminal(TerminalPlan("gpu01", None), TERM), LIMIT)
    try:
        await channel.write(b"echo is$((6*7))here\n")
        said = b""
        async with asyncio.timeout(LIMIT):
            while b"is42here" not in said:
                said += await channel.read()
    finally:
        channel.close()
    found = await asyncio.wait_for(count, 2 * LIMIT)
    assert names(found) == {"miniforge3", "train"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_client_that_ends_in_the_midst_leaves_nothing(
    server: SshServer, ada: SshUser, tmp_path: Path, number: signal.Signals
) -> None:
    # Enough to be counted for a while.
    ada.run("sh", "-c", "mkdir -p ~/miniforge3/envs/train/many && cd ~/miniforge3/envs/train/many && "
            "seq 40000 | xargs touch")  # fmt: skip
    files = server.client_config({"gpu01": ada}, directory=tmp_path / "client")
    search = {"search": [str(ada.home)], "only": True}
    command = Command(tmp_path / "command", {"hosts": {"gpu01": search}}, Path(files.config).read_text())
    env = {**command.env, "CONDAFLEET_SSH_CONFIG": str(files.config)}
    # Interrupted, it says itself that nobody waits any more.
    program = PROGRAM if number is signal.SIGINT else IMPATIENT
    for _ in range(10):  # one that has counted before it was seen to count is let go
        with subprocess.Popen(
            [*program, "--config", str(command.config), "disk", "--json"], env=env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as client:  # fmt: skip
            asyncio.run(eventually(lambda client=client: under_way(ada) or client.poll() is not None, LIMIT))  # type: ignore[misc]  # mypy infers none
            if client.poll() is None:
                os.kill(client.pid, number)
            said, _ = client.communicate(timeout=LIMIT)
        if client.returncode != 0:
            break
    assert client.returncode in (-number, 130)
    if number is signal.SIGINT:
        assert b'"interrupted"' in said
    asyncio.run(eventually(lambda: commands(ada) == [] and not left(ada)))
