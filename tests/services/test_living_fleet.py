"""The services over real parts: this machine's shell, the real probe, a real tmux."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.services.fakes_services import FakeSnapshots
from tui import runtime
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import LOCAL, HostSpec, HostState, SearchPlaces
from tui.domain.packages import PackageInterner
from tui.domain.settings import Settings
from tui.domain.snapshot import PARTS
from tui.fleet.local import LocalConnection
from tui.ports import Connection, ConnectionFacts, TermRequest
from tui.services.engine import FleetService
from tui.services.fleet import TerminalPlan

TERM = TermRequest("xterm-256color", 80, 24)


class LocalConnector:
    """Reaches this machine only."""

    def __init__(self, clock: runtime.SystemClock) -> None:
        self._clock = clock

    async def connect(
        self,
        spec: HostSpec,
        report: Callable[[str], None] | None = None,
        resolved: Callable[[ConnectionFacts], None] | None = None,
    ) -> Connection:
        return LocalConnection(self._clock)

    async def close(self) -> None:
        return


def plant(prefix: Path) -> None:
    """An environment of one package."""
    meta = prefix / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").write_text("==> 2026-01-01 00:00:00 <==\n# cmd: conda create\n", encoding="utf-8")
    record = {"name": "zlib", "version": "1.3", "build": "h1", "channel": "conda-forge", "files": []}
    (meta / "zlib-1.3-h1.json").write_text(json.dumps(record), encoding="utf-8")


def tmux(base: Path, *argv: str) -> None:
    socket = f"{base}/tmux/tmux-{os.getuid()}/default"
    subprocess.run(["tmux", "-f", "/dev/null", "-S", socket, *argv], check=True, timeout=20)


async def start(spec: HostSpec, snapshots: FakeSnapshots) -> FleetService:
    clock = runtime.SystemClock()
    settings = Settings(hosts=(spec,))
    probe = runtime.probe_factory(settings, clock, PackageInterner())
    service = FleetService(settings, LocalConnector(clock), snapshots, clock, probe)
    await service.start()
    async with asyncio.timeout(60):
        await service.settled([LOCAL], PARTS)
    return service


@pytest.fixture
async def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FleetService]:
    sockets = tmp_path / "tmux"
    sockets.mkdir(mode=0o700)
    monkeypatch.setenv("TMUX_TMPDIR", str(sockets))
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    plant(tmp_path / "envs" / "训练 [cu118]")
    spec = HostSpec(LOCAL, search=SearchPlaces((str(tmp_path / "envs"),), only=True))
    service = await start(spec, FakeSnapshots())
    yield service
    await service.close()


async def test_what_a_search_found_deep_down_is_there_at_the_next_start_until_it_is_gone(tmp_path: Path) -> None:
    plant(tmp_path / "data" / "near")
    deep = tmp_path / "data/1/2/3/4/5/6/7/deep"
    plant(deep)
    spec = HostSpec(LOCAL, search=SearchPlaces((str(tmp_path / "data"),), only=True))
    snapshots = FakeSnapshots()

    async def listed(search: bool = False) -> set[str]:
        service = await start(spec, snapshots)
        try:
            if search:
                async with asyncio.timeout(60):
                    await service.search(LOCAL, str(tmp_path / "data"))
            return {env.prefix for env in service.store.environments()}
        finally:
            await service.close()

    near = str(tmp_path / "data" / "near")
    assert await listed() == {near}
    assert await listed(search=True) == {near, str(deep)}
    assert await listed() == {near, str(deep)}
    shutil.rmtree(deep)
    assert await listed() == {near}, "nothing on the host speaks of it: it is no ghost"


async def test_this_machine_fills_the_store(fleet: FleetService, tmp_path: Path) -> None:
    view = fleet.store.host(LOCAL)
    assert view.state is HostState.UP
    environment = next(
        env for env in fleet.store.environments() if env.prefix == str(tmp_path / "envs" / "训练 [cu118]")
    )
    assert [package.name for package in environment.packages.packages] == ["zlib"]
    assert view.snapshot.machine.value is not None
    assert view.snapshot.load.value is not None
    assert view.snapshot.mounts.value


async def test_a_change_on_the_host_is_there_after_a_refresh(fleet: FleetService, tmp_path: Path) -> None:
    plant(tmp_path / "envs" / "new")
    fleet.refresh([LOCAL], ["environments"], changed=True)
    await eventually(lambda: any(env.prefix.endswith("/new") for env in fleet.store.environments()), 30)


async def test_a_session_in_the_store_can_be_attached_and_is_refused_once_it_is_gone(
    fleet: FleetService, tmp_path: Path
) -> None:
    (tmp_path / "tmux" / f"tmux-{os.getuid()}").mkdir(mode=0o700, exist_ok=True)
    tmux(tmp_path, "new-session", "-d", "-s", "train", "printf wel%s come; exec cat")
    try:
        fleet.refresh([LOCAL], ["sessions"])
        await eventually(fleet.store.sessions, 30)
        (session,) = fleet.store.sessions()
        async with asyncio.timeout(30):
            assert session.name == "train"
            channel = await fleet.terminal(TerminalPlan(LOCAL, session), TERM)
            seen = b""
            while b"welcome" not in seen:
                data = await channel.read()
                assert data
                seen += data
            channel.close()
    finally:
        tmux(tmp_path, "kill-server")
    with pytest.raises(HostFaultError) as caught:
        await fleet.terminal(TerminalPlan(LOCAL, session), TERM)
    assert caught.value.fault.kind is FaultKind.GHOST
