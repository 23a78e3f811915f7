"""Hosts whose sshd gives a connection one, two or three channels: everything is asked, nothing fails for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.fakes import ScriptedPrompter, eventually
from tests.sshd import SshServer, SshUser, run_as_root
from tui import runtime
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.snapshot import PARTS
from tui.ports import Channel, TermRequest
from tui.services.engine import FleetService
from tui.services.fleet import TerminalPlan

# As every machine has it, whatever was done to the one that runs the test.
FRESH_PROC = ("unshare", "-m", "/bin/sh", "-c", 'mount -t proc proc /proc && exec "$@"', "sh")
TERM = TermRequest("xterm-256color", 80, 24)


@pytest.fixture(scope="module", params=[1, 2, 3])
def server(request: pytest.FixtureRequest) -> Iterator[SshServer]:
    with SshServer(options=[f"MaxSessions {request.param}"], wrapper=FRESH_PROC) as server:
        yield server


@pytest.fixture(scope="module")
def ada(server: SshServer, tmp_path_factory: pytest.TempPathFactory) -> SshUser:
    user = server.add_user(shell="/bin/bash")
    work = tmp_path_factory.mktemp("tree")
    root = CondaRoot(work / "miniforge3")
    root.base()
    root.named("train")
    run_as_root("cp", "-a", f"{work}/.", user.home)
    run_as_root("chown", "-R", "-h", user.name, user.home)
    return user


@pytest.fixture
async def fleet(server: SshServer, ada: SshUser, tmp_path: Path) -> AsyncIterator[FleetService]:
    files = server.client_config({"gpu01": ada}, directory=tmp_path / "client")
    settings = Settings(
        hosts=(HostSpec("gpu01", search=SearchPlaces((str(ada.home),), only=True)),),
        intervals=Intervals(status=1, gpus=1, inventory=2),
        limits=Limits(connect=15, command=40),
    )
    service = runtime.build(settings, ScriptedPrompter(), state_dir=tmp_path / "state", ssh_config=files.config)
    await service.start()
    async with asyncio.timeout(60):
        await service.settled(["gpu01"], PARTS)
    yield service
    await service.close()


async def renewed_load(fleet: FleetService) -> None:
    """Wait until the host told its load once more, by what it says a second from now."""

    def at() -> float:
        return fleet.store.host("gpu01").snapshot.load.time or 0.0

    seen = at()
    await eventually(lambda: at() > seen + 1, 30)


def faults(fleet: FleetService) -> dict[str, str]:
    view = fleet.store.host("gpu01")
    found = {name: str(part.fault) for name, part in view.snapshot.parts().items() if part.fault is not None}
    if view.fault is not None:
        found["host"] = str(view.fault)
    return found


async def said(channel: Channel, mark: bytes) -> None:
    seen = b""
    async with asyncio.timeout(15):
        while mark not in seen:
            data = await channel.read()
            assert data, seen
            seen += data


async def test_all_is_asked_again_and_again_with_the_channels_there_are(fleet: FleetService, ada: SshUser) -> None:
    view = fleet.store.host("gpu01")
    assert (view.state, faults(fleet)) == (HostState.UP, {})
    environments = view.snapshot.environments.value
    assert environments is not None
    assert {environment.name for environment in environments} == {"base", "train"}
    assert view.snapshot.mounts.value and view.snapshot.gpus.value == () and view.snapshot.sessions.value == ()
    connected = fleet.store.host("gpu01").facts
    before = {name: part.time or 0.0 for name, part in view.snapshot.parts().items()}

    def renewed() -> bool:
        parts = fleet.store.host("gpu01").snapshot.parts()
        return all((parts[name].time or 0.0) > before[name] for name in ("load", "gpus", "environments", "mounts"))

    async with asyncio.timeout(30):
        await eventually(renewed, 30)
    assert faults(fleet) == {} and fleet.store.host("gpu01").facts == connected


async def test_a_terminal_finds_room_and_leaves_it_again(fleet: FleetService, ada: SshUser) -> None:
    run_as_root("setpriv", f"--reuid={ada.uid}", "--regid=nogroup", "--clear-groups", "env", f"HOME={ada.home}",
                "tmux", "-f", "/dev/null", "new-session", "-d", "-s", "run", "echo it-runs; sleep 300")  # fmt: skip
    try:
        fleet.refresh(["gpu01"])
        async with asyncio.timeout(30):
            await eventually(lambda: bool(fleet.store.host("gpu01").snapshot.sessions.value), 30)
        sessions = fleet.store.host("gpu01").snapshot.sessions.value
        assert sessions is not None
        connected = fleet.store.host("gpu01").facts
        for session in (*sessions, None):
            channel = await fleet.terminal(TerminalPlan("gpu01", session), TERM)
            await channel.write(b"\n" if session else b"echo it-$((1+1))-runs; sleep 2; echo later\n")
            await said(channel, b"it-runs" if session else b"it-2-runs")
            if session is None:
                # Meanwhile the host is asked, or why it is not is told; the terminal is not disturbed.
                await said(channel, b"later")
                told = fleet.store.host("gpu01").snapshot.load.fault
                assert told is None or (told.kind is FaultKind.SESSIONS_EXHAUSTED and "terminal" in told.message)
            assert fleet.store.host("gpu01").state is HostState.UP
            channel.close()
            await renewed_load(fleet)
        async with asyncio.timeout(30):
            await eventually(lambda: faults(fleet) == {}, 30)
        assert fleet.store.host("gpu01").facts == connected
    finally:
        run_as_root("setpriv", f"--reuid={ada.uid}", "--regid=nogroup", "--clear-groups", "tmux", "kill-server")


async def test_a_search_needs_no_channel_of_its_own(fleet: FleetService, ada: SshUser) -> None:
    async with asyncio.timeout(40):
        found = await fleet.search("gpu01", str(ada.home))
    assert str(ada.home / "miniforge3/envs/train") in found
    assert fleet.store.host("gpu01").state is HostState.UP
