"""A host's own conda is asked for its directories behind everybody's back, and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.condaroot import PYTHON, CondaRoot
from tests.fakes import FakeClock, eventually
from tests.remote.inventories import inventory
from tests.remote.shells import GNU_PATH, ShellConnection
from tui.domain.environments import Install
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.ports import Channel, TermRequest
from tui.remote import inventory_confirm
from tui.remote.inventory import Inventory
from tui.remote.probe import HostProbe, Reading


class Conda:
    """An install whose conda is a stand-in, and the inventory of its host."""

    def __init__(self, folder: Path) -> None:
        self.root = CondaRoot(folder / "c")
        self.root.base()
        self.far = self.root.env(folder / "more" / "far", (PYTHON,))
        self.log = folder / "log"
        self.log.touch()
        self.inventory = inventory(folder / "c", folder / "more")
        self.said = json.dumps({"envs_dirs": [str(folder / "more")], "pkgs_dirs": [str(self.root.pkgs)]})

    def does(self, commands: str) -> None:
        tool = self.root.root / "bin" / "conda"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\necho $$ >>'{self.log}'\n{commands}\n")
        tool.chmod(0o755)

    @property
    def runs(self) -> int:
        return len(self.log.read_text().splitlines())


@pytest.fixture
def conda(tmp_path: Path) -> Conda:
    return Conda(tmp_path)


@asynccontextmanager
async def probing(
    inv: Inventory, folder: Path, connection: ShellConnection | None = None
) -> AsyncIterator[tuple[HostProbe, ShellConnection]]:
    connection = connection or ShellConnection(env={"PATH": GNU_PATH, "TMUX_TMPDIR": str(folder)})
    probe = HostProbe(
        connection,
        HostSpec("gpu01"),
        FakeClock(),
        command_limit=10.0,
        interner=PackageInterner(),
        protect=(),
        inventory=inv,
    )
    try:
        yield probe, connection
    finally:
        await probe.close()
        await connection.close()


def installed(reading: Reading) -> Install:
    found = reading.parts["installs"].value
    assert found is not None
    (install,) = found
    assert isinstance(install, Install)
    return install


async def settled(probe: HostProbe) -> None:
    """Until nothing is asked in the background."""
    task = probe._confirming._task
    assert task is not None, "nothing was asked"
    await asyncio.wait({task}, timeout=10)
    assert task.done()


async def test_a_slow_conda_holds_nobody_up_and_makes_a_new_inventory_due(conda: Conda, tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    os.mkfifo(slow)
    conda.does(f"read -r x <'{slow}'\nprintf '%s\\n' '{conda.said}'")
    async with probing(conda.inventory, tmp_path) as (probe, connection):
        assert installed(await probe.inventory()).dirs_confirmed is False
        assert conda.runs == 0, "who asks for one inventory alone does not start conda"
        await probe.status()
        await eventually(lambda: conda.runs)
        # While it thinks: everything else answers, each in its own shell.
        for _ in range(2):
            assert not (await probe.status()).inventory_due
            assert installed(await probe.inventory()).dirs_confirmed is False
        assert conda.runs == 1
        used = connection.channels[-1]
        await asyncio.to_thread(slow.write_bytes, b"\n")
        await settled(probe)
        assert used._process.stdin is not None and used._process.stdin.is_closing()

        assert (await probe.status()).inventory_due
        reading = await probe.inventory()
        assert not reading.inventory_due and not (await probe.status()).inventory_due
        install = installed(reading)
        assert (install.dirs_confirmed, install.envs_dirs) == (True, (str(tmp_path / "more"),))
        names = {env.prefix: env.name for env in reading.parts["environments"].value or ()}
        assert names[str(conda.far)] == "far"
    async with probing(conda.inventory, tmp_path) as (probe, _):
        await probe.status()
        assert installed(await probe.inventory()).dirs_confirmed is True
        await probe.status()
        assert probe._confirming._task is None
    assert conda.runs == 1


async def test_what_conda_says_during_an_inventory_is_for_the_next_one(conda: Conda, tmp_path: Path) -> None:
    conda.does(f"printf '%s\\n' '{conda.said}'")
    async with probing(conda.inventory, tmp_path) as (probe, _):
        await probe.inventory()
        original = conda.inventory._ask_places

        async def meanwhile(*args: object) -> object:
            conda.inventory._ask_places = original  # type: ignore[method-assign]
            found = await original(*args)  # type: ignore[arg-type]
            await probe.status()
            await settled(probe)
            return found

        conda.inventory._ask_places = meanwhile  # type: ignore[method-assign, assignment]
        reading = await probe.inventory()
        assert installed(reading).dirs_confirmed is False
        assert reading.inventory_due
        assert installed(await probe.inventory()).dirs_confirmed is True


@pytest.mark.parametrize("commands", ["exec sleep 60", "echo '{\"envs_dirs\": 7'", "exit 3", "yes | head -c 3000000"])
async def test_a_conda_that_hangs_or_babbles_is_asked_once_and_changes_nothing(
    conda: Conda, tmp_path: Path, commands: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_confirm, "CONFIRM_S", 1.0)
    conda.does(commands)
    for _ in range(2):
        async with probing(conda.inventory, tmp_path) as (probe, connection):
            await probe.inventory()
            await probe.status()
            if conda.inventory.unconfirmed:
                await settled(probe)
            assert not (await probe.status()).inventory_due
            assert installed(await probe.inventory()).dirs_confirmed is False
            assert not conda.inventory.unconfirmed
            assert len([c for c in connection.channels if c._process.stdin and not c._process.stdin.is_closing()]) == 2
    assert conda.runs == 1


async def test_a_conda_that_is_still_thinking_when_the_connection_goes_is_asked_again(
    conda: Conda, tmp_path: Path
) -> None:
    conda.does("exec sleep 60")
    async with probing(conda.inventory, tmp_path) as (probe, connection):
        await probe.inventory()
        await probe.status()
        await eventually(lambda: conda.runs)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await probe.close()
        assert loop.time() - begun < 20
        assert all(c._process.stdin is not None and c._process.stdin.is_closing() for c in connection.channels)
    conda.does(f"printf '%s\\n' '{conda.said}'")
    async with probing(conda.inventory, tmp_path) as (probe, _):
        await probe.status()
        await settled(probe)
        assert (await probe.status()).inventory_due


async def test_a_host_without_a_channel_to_spare_is_not_asked_and_not_disturbed(conda: Conda, tmp_path: Path) -> None:
    class Narrow(ShellConnection):
        async def open(
            self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
        ) -> Channel:
            if len(self.channels) == 2:
                raise HostFaultError(Fault(FaultKind.SESSIONS_EXHAUSTED, "no more", ""))
            return await super().open(command, term=term, window=window, control=control)

    conda.does(f"printf '%s\\n' '{conda.said}'")
    narrow = Narrow(env={"PATH": GNU_PATH, "TMUX_TMPDIR": str(tmp_path)})
    async with probing(conda.inventory, tmp_path, narrow) as (probe, _):
        await probe.inventory()
        for _ in range(2):
            reading = await probe.status()
            assert reading.parts["load"].fault is None and not reading.inventory_due
            await settled(probe)
    assert conda.runs == 0 and conda.inventory.unconfirmed
