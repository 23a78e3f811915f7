"""The whole of it, as front ends get it: real sshd, real shells, and hosts that are broken beside them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes import BadServer, ScriptedPrompter, bad_server, eventually, refused_port
from tests.services.test_living_fleet import plant
from tests.sshd import SshServer, SshUser, run_as_root
from tui import runtime
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.snapshot import PARTS
from tui.ports import Channel, TermRequest
from tui.services.engine import FleetService
from tui.services.fleet import TerminalPlan

TERM = TermRequest("xterm-256color", 80, 24)


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer() as server:
        yield server


@pytest.fixture(scope="module")
def ada(server: SshServer) -> SshUser:
    return server.add_user(shell="/bin/bash")


@pytest.fixture(scope="module")
def csh(server: SshServer) -> SshUser:
    return server.add_user(shell="/bin/csh", password="the password")


class Fleet:
    """A fleet over ssh_config, started and waited for."""

    def __init__(self, service: FleetService, prompter: ScriptedPrompter) -> None:
        self.service = service
        self.prompter = prompter

    def state(self, host: str) -> HostState:
        return self.service.store.host(host).state

    def kind(self, host: str) -> FaultKind | None:
        fault = self.service.store.host(host).fault
        return fault.kind if fault else None


@pytest.fixture
async def fleet(server: SshServer, ada: SshUser, csh: SshUser, tmp_path: Path) -> AsyncIterator[Fleet]:
    plant(tmp_path / "env")
    run_as_root("cp", "-rT", tmp_path / "env", ada.home / "训练 [cu118]")
    run_as_root("chown", "-R", ada.name, ada.home)
    files = server.client_config(
        {"gpu01": ada, "gpu02": csh}, directory=tmp_path / "client", options={"gpu02": {"IdentityFile": "none"}}
    )
    prompter = ScriptedPrompter(secrets=["the password"])
    async with bad_server(BadServer.SILENT) as silent:
        with refused_port() as refused:
            settings = Settings(
                hosts=(
                    HostSpec("silent", address="127.0.0.1", port=silent, user="x"),
                    HostSpec("refused", address="127.0.0.1", port=refused, user="x"),
                    HostSpec("gpu01", search=SearchPlaces((str(ada.home),), only=True)),
                    HostSpec("gpu02", search=SearchPlaces((str(csh.home),), only=True)),
                ),
                intervals=Intervals(status=1, gpus=1, inventory=60),
                limits=Limits(connect=8),
            )
            service = runtime.build(settings, prompter, state_dir=tmp_path / "state", ssh_config=files.config)
            await service.start()
            yield Fleet(service, prompter)
            await service.close()


async def test_broken_hosts_do_not_keep_the_others_from_the_screen(fleet: Fleet, ada: SshUser) -> None:
    async with asyncio.timeout(60):
        await fleet.service.settled(["gpu01", "gpu02", "refused"], PARTS)
    assert fleet.state("silent") is HostState.CONNECTING
    assert (fleet.state("refused"), fleet.kind("refused")) == (HostState.WAITING, FaultKind.REFUSED)
    assert fleet.state("gpu01") is HostState.UP and fleet.state("gpu02") is HostState.UP
    assert [env.prefix for env in fleet.service.store.environments()] == [f"{ada.home}/训练 [cu118]"]
    assert [question.host for question in fleet.prompter.asked] == ["gpu02"]
    async with asyncio.timeout(30):
        await fleet.service.settled(["silent"], PARTS)
    assert (fleet.state("silent"), fleet.kind("silent")) == (HostState.WAITING, FaultKind.TIMEOUT)


async def test_closing_in_the_middle_of_connecting_comes_to_an_end(fleet: Fleet) -> None:
    began = time.monotonic()
    await fleet.service.close()
    assert time.monotonic() - began < 20


async def shown(channel: Channel, text: bytes) -> None:
    seen = b""
    async with asyncio.timeout(30):
        while text not in seen:
            data = await channel.read()
            assert data, seen
            seen += data
    assert b"condafleet" not in seen


@pytest.mark.parametrize("host", ["gpu01", "gpu02"])
async def test_a_shell_opens_on_the_live_connection_whatever_the_login_shell_is(fleet: Fleet, host: str) -> None:
    async with asyncio.timeout(60):
        await fleet.service.settled([host], ["load"])
        channel = await fleet.service.terminal(TerminalPlan(host, None), TERM)
    await channel.write(b"expr 40 + 2; stty size\r")
    await shown(channel, b"42\r\n24 80")
    channel.close()


async def test_a_session_attaches_over_ssh_and_survives_a_lost_connection(
    fleet: Fleet, server: SshServer, ada: SshUser
) -> None:
    ada.run("tmux", "new-session", "-d", "-s", "train", "printf wel%s come; exec cat")
    try:
        async with asyncio.timeout(60):
            await fleet.service.settled(["gpu01"], ["sessions"])
        await eventually(fleet.service.store.sessions)
        (session,) = fleet.service.store.sessions()
        channel = await fleet.service.terminal(TerminalPlan("gpu01", session), TERM)
        await shown(channel, b"welcome")
        server.kill_sessions()
        await eventually(lambda: fleet.state("gpu01") is HostState.WAITING)
        assert fleet.kind("gpu01") is FaultKind.LOST
        assert fleet.service.store.sessions() == (session,) or fleet.service.store.sessions()[0].id == session.id
        await eventually(lambda: fleet.state("gpu01") is HostState.UP, 30)
        again = await fleet.service.terminal(TerminalPlan("gpu01", session), TERM)
        await shown(again, b"welcome")
        again.close()
    finally:
        ada.run("tmux", "kill-server")


async def test_the_next_start_shows_the_last_snapshot_before_a_host_answers(
    fleet: Fleet, tmp_path: Path, ada: SshUser
) -> None:
    async with asyncio.timeout(60):
        await fleet.service.settled(["gpu01"], PARTS)
    await fleet.service.close()
    with refused_port() as refused:
        spec = HostSpec("gpu01", address="127.0.0.1", port=refused, user="x")
        later = runtime.build(
            Settings(hosts=(spec,)), ScriptedPrompter(), state_dir=tmp_path / "state", ssh_config=Path("/dev/null")
        )
        await later.start()
        async with asyncio.timeout(30):
            await later.settled(["gpu01"], PARTS)
        view = later.store.host("gpu01")
        assert view.state is HostState.WAITING
        assert view.snapshot.stale and "environments" in view.stale_parts
        assert [env.prefix for env in later.store.environments()] == [f"{ada.home}/训练 [cu118]"]
        await later.close()
