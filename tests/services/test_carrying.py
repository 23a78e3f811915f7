"""Copies on a host whose network reaches no server of the packages: they come through this program."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.services.carryfleet import CarryFleet, wrapper
from tests.sshd import SshServer
from tui.domain.carrying import Carried
from tui.domain.changes import CarryMode, ConcernKind
from tui.domain.compare import compare
from tui.domain.errors import CondafleetError
from tui.domain.tasks import TaskState
from tui.remote.changes.outcome import read_task_outcome
from tui.remote.condasays.kinds import Kind

SPECS = ("python=3.11", "numpy=1.26.4", "cudatoolkit=11.8.0", "tqdm", "libsmall=1.0", "relocated")


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=wrapper()) as server:
        yield server


def on_disk(folder: Path) -> list[Path]:
    """Archives below *folder*."""
    return [path for path in folder.rglob("*") if path.suffix in (".conda", ".bz2")]


@pytest.mark.parametrize("tool", ["conda", "micromamba"])
async def test_a_copy_on_a_host_that_reaches_nothing_compares_empty(
    server: SshServer, tmp_path: Path, tool: str
) -> None:
    hosts = CarryFleet(server, tmp_path, tool, *SPECS)
    heard: list[Carried] = []
    async with hosts.client() as client:
        prepared = await client.changes.prepare(hosts.copy())
        cargo = prepared.cargo
        assert cargo is not None
        assert (cargo.source, cargo.target, cargo.arrived, cargo.absent) == ("gpu01", "gpu02", (), ())
        sizes = {path.name: path.stat().st_size for path in hosts.installs["gpu01"].pkgs.rglob("*") if path.is_file()}
        assert {load.parcel.file for load in cargo.loads} == set(hosts.archives)
        assert cargo.total_bytes == sum(sizes[name] for name in hosts.archives)
        assert not prepared.concerns
        task = await client.changes.start(prepared, (), heard.append)
        state, log = await hosts.end(client, task)
        assert state is TaskState.SUCCEEDED, log
        await eventually(lambda: hosts.environment(client, "gpu02"))
        source, copy = (hosts.environment(client, host) for host in ("gpu01", "gpu02"))
        assert source is not None
        assert copy is not None
        found = compare(source, copy)
        assert found.known
        assert not found.changes
    assert [each.bytes for each in heard] == sorted(each.bytes for each in heard)
    assert (heard[-1].packages, heard[-1].bytes) == (len(cargo.loads), cargo.total_bytes)
    assert hosts.had == hosts.archives
    assert not list(hosts.target.pkgs.glob(".condafleet*"))
    # Nothing of it lay on a disk of ours.
    assert not on_disk(tmp_path)


async def test_what_the_cache_holds_is_not_sent_again(server: SshServer, tmp_path: Path) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", *SPECS)
    async with hosts.client() as client:
        first = await client.changes.prepare(hosts.copy())
        task = await client.changes.start(first)
        state, log = await hosts.end(client, task)
        assert state is TaskState.SUCCEEDED, log
        again = hosts.copy(CarryMode.ALWAYS)
        other = type(again)(again.kind, again.host, f"{again.prefix}-2", again.install, "train-2", again.source)
        assert (await client.changes.prepare(other)).cargo is None
        task = await client.changes.start(await client.changes.prepare(other))
        state, log = await hosts.end(client, task)
        assert state is TaskState.SUCCEEDED, log


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_cut_the_rest_is_sent_the_next_time(server: SshServer, tmp_path: Path, seed: int) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", *SPECS)
    dice = random.Random(seed)
    async with hosts.client() as client:
        prepared = await client.changes.prepare(hosts.copy())
        assert prepared.cargo is not None
        at = dice.randrange(1, prepared.cargo.total_bytes)
        ended = asyncio.Event()

        def cut(carried: Carried) -> None:
            if carried.bytes >= at and not ended.is_set():
                ended.set()
                work.cancel()

        work = asyncio.ensure_future(client.changes.start(prepared, (), cut))
        with pytest.raises(asyncio.CancelledError):
            await work
        # Nothing that looks whole is half.
        await eventually(lambda: not any(name.startswith("part.") for name in hosts.waiting))
        assert not hosts.had
        assert not hosts.target.env("train").exists()
    async with hosts.client() as client:
        prepared = await client.changes.prepare(hosts.copy())
        assert prepared.cargo is not None
        assert {parcel.staged for parcel in prepared.cargo.arrived} == set(hosts.waiting)
        assert len(prepared.cargo.loads) + len(prepared.cargo.arrived) == len(hosts.archives)
        task = await client.changes.start(prepared)
        state, log = await hosts.end(client, task)
        assert state is TaskState.SUCCEEDED, log
    assert hosts.had == hosts.archives
    assert not hosts.waiting


@pytest.mark.parametrize("seed", range(3))
async def test_a_lost_connection_is_waited_for(server: SshServer, tmp_path: Path, seed: int) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", *SPECS)
    async with hosts.client() as client:
        prepared = await client.changes.prepare(hosts.copy())
        assert prepared.cargo is not None
        at = random.Random(seed).randrange(1, prepared.cargo.total_bytes)
        cuts: list[int] = []

        def cut(carried: Carried) -> None:
            if carried.bytes >= at and not cuts:
                cuts.append(carried.bytes)
                server.kill_sessions()

        task = await client.changes.start(prepared, (), cut)
        assert cuts
        state, log = await hosts.end(client, task)
        assert state is TaskState.SUCCEEDED, log
    assert hosts.had == hosts.archives
    assert not hosts.waiting


async def test_what_is_nowhere_to_be_had_is_named_and_nothing_is_started(server: SshServer, tmp_path: Path) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", *SPECS)
    cache = hosts.installs["gpu01"].pkgs
    (gone,), (broken,) = cache.glob("libsmall-*.conda"), cache.glob("relocated-*.conda")
    gone.unlink()
    broken.write_bytes(broken.read_bytes()[:-1] + b"x")
    async with hosts.client() as client:
        with pytest.raises(CondafleetError, match="Nothing was started") as caught:
            await client.changes.prepare(hosts.copy())
        assert gone.name in caught.value.message
        assert broken.name in caught.value.message
        assert "--download-only" in caught.value.remedy
        forced = await client.changes.prepare(hosts.copy(CarryMode.ALWAYS))
        assert forced.cargo is not None
        (concern,) = forced.concerns
        assert (concern.kind, set(concern.details)) == (ConcernKind.OFFLINE, {gone.name, broken.name})
        assert (await client.changes.prepare(hosts.copy(CarryMode.NEVER))).cargo is None
    assert not hosts.waiting


@pytest.mark.parametrize("tool", ["conda", "micromamba"])
async def test_left_to_itself_it_fails_and_is_told_what_would_help(
    server: SshServer, tmp_path: Path, tool: str
) -> None:
    hosts = CarryFleet(server, tmp_path, tool, "libsmall=1.0")
    async with hosts.client() as client:
        task = await client.changes.start(await client.changes.prepare(hosts.copy(CarryMode.NEVER)))
        state, log = await hosts.end(client, task)
        over = client.tasks.get("gpu02", task.id)
        assert over is not None
        outcome = read_task_outcome(over, log.encode())
        assert (state, outcome.kind) == (TaskState.FAILED, Kind.CHANNEL_UNREACHABLE), log
        assert "--carry always" in outcome.remedy
    assert not hosts.target.env("train").exists()


async def test_what_pip_installed_is_told_to_be_left_behind(server: SshServer, tmp_path: Path) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", "python=3.11", "pip")
    info = hosts.installs["gpu01"].env("train") / "lib/python3.11/site-packages/peft-0.13.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: peft\nVersion: 0.13.2\n")
    (info / "INSTALLER").write_text("pip\n")
    (info / "RECORD").write_text("peft-0.13.2.dist-info/METADATA,,\n")
    async with hosts.client() as client:
        prepared = await client.changes.prepare(hosts.copy())
        assert [(each.kind, each.details) for each in prepared.concerns] == [
            (ConcernKind.OFFLINE, ("peft==0.13.2",)),
        ]
