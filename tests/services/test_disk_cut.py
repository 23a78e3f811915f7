"""A count over a real sshd whose connection, channel or client goes: it begins again, and the host is left clean."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.e2e.condafleet_command import PROGRAM, Command
from tests.fakes import ScriptedPrompter, eventually
from tests.remote.test_disk import HANG, played_program
from tests.sshd import SshServer, SshUser, run_as_root
from tui import runtime
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import OwnerKind
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.snapshot import PARTS
from tui.ports import TermRequest
from tui.remote import disk
from tui.services.engine import FleetService
from tui.services.events import HostNoticed
from tui.services.fleet import TerminalPlan

TERM = TermRequest("xterm-256color", 80, 24)
LIMIT = 60


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


def counting(user: SshUser) -> bool:
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


async def test_a_killed_connection_begins_the_count_again_and_leaves_nothing(
    fleet: FleetService, server: SshServer, ada: SshUser, hangs: Callable[[], None]
) -> None:
    notes: list[str] = []
    fleet.bus.subscribe(lambda event: notes.append(event.text) if isinstance(event, HostNoticed) else None)
    right = await asyncio.wait_for(fleet.disk("gpu01"), LIMIT)
    hangs()
    again = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: counting(ada))
    server.kill_sessions()
    count = await asyncio.wait_for(again, 2 * LIMIT)
    assert count.table == right.table
    assert names(count) == {"miniforge3", "train"}
    assert notes == ["counting the disk was cut off, and begins anew"]
    await eventually(lambda: not counting(ada))


async def test_a_cancelled_count_leaves_nothing_on_the_host(
    fleet: FleetService, ada: SshUser, hangs: Callable[[], None]
) -> None:
    hangs()
    count = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: counting(ada))
    count.cancel()
    await asyncio.gather(count, return_exceptions=True)
    await eventually(lambda: not counting(ada))
    assert fleet.store.host("gpu01").disk is None


async def test_a_terminal_takes_the_channel_of_a_count_which_begins_again(
    fleet: FleetService, server: SshServer, ada: SshUser, hangs: Callable[[], None]
) -> None:
    # The shell that the status goes over, and one more.
    server.reload(options=["MaxSessions 2"])
    server.kill_sessions()
    hangs()
    count = asyncio.create_task(fleet.disk("gpu01"))
    await eventually(lambda: counting(ada), LIMIT)
    channel = await asyncio.wait_for(fleet.terminal(TerminalPlan("gpu01", None), TERM), LIMIT)
    try:
        await eventually(lambda: not counting(ada) or count.done())
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
    for _ in range(10):  # one that has counted before it was seen to count is let go
        with subprocess.Popen(
            [*PROGRAM, "--config", str(command.config), "disk", "--json"], env=env, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        ) as client:  # fmt: skip
            asyncio.run(eventually(lambda client=client: counting(ada) or client.poll() is not None, LIMIT))  # type: ignore[misc]  # mypy infers none
            if client.poll() is None:
                os.kill(client.pid, number)
            said, _ = client.communicate(timeout=LIMIT)
        if client.returncode != 0:
            break
    assert client.returncode in (-number, 130)
    if number is signal.SIGINT:
        assert b'"interrupted"' in said
    asyncio.run(eventually(lambda: commands(ada) == []))
