from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests import frozen_mount
from tests.fakes import FakeClock, eventually
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.machine import Machine, Mount
from tui.domain.packages import PackageInterner
from tui.domain.snapshot import Part
from tui.remote.lane import Lane
from tui.remote.probe import HostProbe, OnPartial, Parts, ProbeMemory, Reading

FROZEN = (sys.executable, frozen_mount.__file__)


class FakeInventory:
    """An inventory of one file."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.script = b"echo x"
        self.limit = 20.0
        self.taken = False
        self.machine: Machine | None = None
        self.mounts: tuple[Mount, ...] | None = None

    async def read(
        self, lane: Lane, machine: Machine | None, mounts: tuple[Mount, ...] | None, on_partial: OnPartial | None
    ) -> Parts:
        self.machine, self.mounts = machine, mounts
        self.taken = True
        await lane.ask(self.script, timeout=self.limit)
        return {"installs": Part((), 1.0), "environments": Part((), 1.0)}

    def stamp_paths(self) -> tuple[str, ...]:
        return (str(self.place), "/nonexistent") if self.taken else ()

    due = False
    unconfirmed = False
    cut_short = False

    async def confirm_dirs(self, lane: Lane) -> bool:
        raise AssertionError("there is nothing to confirm")

    async def search(self, lane: Lane, path: str, progress: Callable[[str], None] | None) -> tuple[str, ...]:
        return ((await lane.ask(b'printf "%s" "$1"', [path], timeout=5)).decode(),)


@pytest.fixture
def connection(tmp_path: Path) -> ShellConnection:
    (tmp_path / "bin").mkdir()
    return ShellConnection(env={"PATH": f"{tmp_path}/bin:{GNU_PATH}", "TMUX_TMPDIR": str(tmp_path)})


@pytest.fixture
async def probe(connection: ShellConnection, tmp_path: Path) -> AsyncIterator[HostProbe]:
    made = make(connection, tmp_path)
    yield made
    await made.close()
    await connection.close()


def make(
    connection: ShellConnection, tmp_path: Path, memory: ProbeMemory | None = None, *, command_limit: float = 10.0
) -> HostProbe:
    return HostProbe(
        connection,
        HostSpec("gpu01"),
        FakeClock(),
        command_limit=command_limit,
        interner=PackageInterner(),
        protect=(),
        memory=memory,
        inventory=FakeInventory(tmp_path / "place"),
        gpu_limit=10.0,
        mounts_limit=3.0,
    )


def value(reading: Reading, name: str) -> Any:
    """What a part holds."""
    found = reading.parts[name].value
    assert found is not None
    return found


def kind(reading: Reading, name: str) -> FaultKind | None:
    """What a part lacks."""
    fault = reading.parts[name].fault
    return fault.kind if fault else None


async def retried(ask: Callable[[], Awaitable[Reading]], name: str) -> None:
    """Ask until the part has no fault any more."""
    async with asyncio.timeout(10):
        while kind(await ask(), name) is not None:  # noqa: ASYNC110  # nobody tells when a process of the host ends
            await asyncio.sleep(0.05)


def clock_of(probe: HostProbe) -> FakeClock:
    clock = probe._clock
    assert isinstance(clock, FakeClock)
    return clock


async def test_a_host_tells_machine_load_sessions_and_mounts(probe: HostProbe) -> None:
    first = await probe.status()
    assert set(first.parts) == {"machine", "load", "sessions"}
    assert value(first, "machine").tools >= {"awk", "stat"}
    assert first.parts["sessions"] == Part((), clock_of(probe).now())
    again = await probe.status()
    assert again.parts["machine"].value == first.parts["machine"].value
    reading = await probe.mounts()
    assert kind(reading, "mounts") is None
    root = next(mount for mount in value(reading, "mounts") if mount.path == "/")
    assert root.size_bytes == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize


async def test_mounts_can_be_the_first_question(probe: HostProbe) -> None:
    assert (await probe.mounts()).parts["mounts"].value


async def test_a_host_without_gpus_says_so(probe: HostProbe) -> None:
    part = (await probe.gpus()).parts["gpus"]
    assert (part.value, part.fault) == ((), None)


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_mount_that_never_answers_is_named_and_delays_nothing(shell: str, tmp_path: Path) -> None:
    place = tmp_path / "frozen here"
    place.mkdir()
    connection = ShellConnection(SHELLS[shell], wrap=(*FROZEN, str(place), "--"))
    memory = ProbeMemory()
    probe = make(connection, tmp_path, memory)
    try:
        await probe.status()
        reading = await asyncio.wait_for(probe.mounts(), 30)
        by_path = {mount.path: mount for mount in value(reading, "mounts")}
        assert by_path["/"].size_bytes
        frozen = by_path[str(place)]
        assert frozen.fault is not None
        assert frozen.fault.kind is FaultKind.TOOL_HUNG
        assert str(place) in frozen.fault.message
        assert frozen.size_bytes is None
        assert reading.parts["mounts"].fault == frozen.fault
        assert list(memory.hung_mounts) == [str(place)]

        # While what hung still hangs, it is not started again, on no connection: the answer is there at once.
        shells = len(connection.channels)
        probe._mounts_limit = 600.0
        reading = await asyncio.wait_for(probe.mounts(), 30)
        assert kind(reading, "mounts") is FaultKind.TOOL_HUNG
        assert {mount.path for mount in value(reading, "mounts") if mount.fault} == {str(place)}
        assert len(connection.channels) == shells + 1
        assert value(await probe.status(), "load").load1 is not None
    finally:
        await probe.close()
        await connection.close()


SMI = """#!/bin/sh
echo >>{folder}/asked
if [ -p {folder}/hang ]; then read -r x <{folder}/hang; fi
case "$*" in *query-gpu*) echo "0, GPU-aa, L40S, 595.80, 9, 1235, 46068, 54, 110.23, [N/A]" ;; *) : ;; esac
"""


async def test_a_driver_that_hangs_is_left_in_peace_for_growing_times(
    connection: ShellConnection, probe: HostProbe, tmp_path: Path
) -> None:
    smi = tmp_path / "bin/nvidia-smi"
    smi.write_text(SMI.format(folder=tmp_path))
    smi.chmod(0o755)
    asked = tmp_path / "asked"
    hang = tmp_path / "hang"
    clock = clock_of(probe)
    good = (await probe.gpus()).parts["gpus"]
    assert good.value is not None
    assert good.value[0].name == "L40S"

    def times() -> int:
        return len(asked.read_text())

    os.mkfifo(hang)
    before = times()
    probe._gpu_limit = 2.0
    part = (await probe.gpus()).parts["gpus"]
    assert part.value == good.value
    assert part.time == good.time
    assert part.fault is not None
    assert part.fault.kind is FaultKind.TOOL_HUNG
    assert part.fault.retry_at == clock.now() + 60
    assert times() == before + 1

    # Neither within its pause, nor while the old process lives, even when a person asks.
    await probe.gpus()
    assert (await probe.gpus(force=True)).parts["gpus"].fault is not None
    assert times() == before + 1
    fault = (await probe.gpus()).parts["gpus"].fault
    assert fault is not None
    assert fault.retry_at == clock.now() + 120

    await asyncio.to_thread(hang.write_bytes, b"go\n")
    hang.unlink()
    probe._gpu_limit = 10.0
    await clock.advance(121)
    await retried(lambda: probe.gpus(force=True), "gpus")


async def test_a_shell_that_was_killed_is_replaced(connection: ShellConnection, probe: HostProbe) -> None:
    await probe.status()
    os.kill(connection.channels[0].pid, signal.SIGKILL)
    assert value(await probe.status(), "load").load1 is not None
    assert len(connection.channels) == 2


async def test_a_host_whose_shell_never_works_raises(tmp_path: Path) -> None:
    connection = ShellConnection(("false",))
    probe = make(connection, tmp_path)
    with pytest.raises(HostFaultError) as raised:
        await probe.status()
    assert raised.value.fault.kind is FaultKind.SHELL_BROKEN
    assert "gpu01" in raised.value.fault.message
    await connection.close()


async def test_a_changed_place_makes_a_new_inventory_due(probe: HostProbe, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    clock = clock_of(probe)
    reading = await probe.inventory()
    assert set(reading.parts) == {"installs", "environments"}
    inventory = probe._inventory
    assert isinstance(inventory, FakeInventory)
    assert inventory.machine is not None
    assert inventory.mounts

    async def poll() -> bool:
        await clock.advance(11)
        await probe.status()
        task = probe._stamp_task
        if task is not None:
            await task
        return (await probe.status()).inventory_due

    assert not await poll()
    assert not await poll()
    (place / "new").mkdir()
    assert await poll()
    assert not (await probe.inventory()).inventory_due
    assert not await poll()


async def test_a_change_while_the_connection_was_down_is_seen(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    memory = ProbeMemory()
    for change in (False, True):
        connection = ShellConnection(env={"PATH": GNU_PATH, "TMUX_TMPDIR": str(tmp_path)})
        probe = make(connection, tmp_path, memory)
        assert isinstance(probe._inventory, FakeInventory)
        probe._inventory.taken = True
        await probe.status()
        assert probe._stamp_task is not None
        await probe._stamp_task
        assert (await probe.status()).inventory_due is change
        await probe.close()
        await connection.close()
        (place / "new").mkdir(exist_ok=True)


async def test_a_cancelled_inventory_is_not_joined_by_a_second_one(probe: HostProbe, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    inventory = probe._inventory
    assert isinstance(inventory, FakeInventory)
    inventory.script = b"read -r x <" + str(fifo).encode()
    task = asyncio.create_task(probe.inventory())
    await eventually(lambda: (lane := probe._pool.own("inventory")) is not None and lane.busy)
    task.cancel()
    await asyncio.wait({task})
    assert kind(await probe.inventory(), "installs") is FaultKind.TOOL_HUNG
    await asyncio.to_thread(fifo.write_bytes, b"\n")
    inventory.script = b"echo fine"
    await retried(probe.inventory, "installs")


async def test_an_inventory_that_hangs_is_not_begun_again_while_it_hangs(probe: HostProbe, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    inventory = probe._inventory
    assert isinstance(inventory, FakeInventory)
    inventory.script = b"read -r x <" + str(fifo).encode()
    inventory.limit = 1.0
    first = await probe.inventory()
    assert kind(first, "environments") is FaultKind.TOOL_HUNG
    inventory.limit = 600.0
    assert kind(await asyncio.wait_for(probe.inventory(), 30), "installs") is FaultKind.TOOL_HUNG
    await asyncio.to_thread(fifo.write_bytes, b"\n")
    inventory.script = b"echo fine"

    await retried(probe.inventory, "installs")


async def test_searching_has_a_shell_of_its_own(connection: ShellConnection, probe: HostProbe) -> None:
    assert await probe.search("/data") == ("/data",)
    await eventually(lambda: connection.channels[0]._process.returncode is not None)


FAKE_TMUX = """#!/bin/sh
for word do case $word in '@P|'*) n=${word#@P}; n=${n%%'#{'*} ;; esac; done
printf '@P'
for field in '$0' 1 2 0 @0 0 1 1 %0 1 1 0 '' '' 3.4 name win cmd title /; do printf '%s%s' "$n" "$field"; done
printf '%s\\n' "$n"
"""


async def test_a_process_that_cannot_be_looked_into_costs_one_answer_and_no_more(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # What hangs when a process is stuck in the kernel is the reading of its environment: here, its reader.
    for name, text in (("tmux", FAKE_TMUX), ("grep", f"#!/bin/sh\nread -r x <{fifo}\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    sockets = tmp_path / f"tmux-{os.getuid()}"
    sockets.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(sockets / "default"))
        connection = ShellConnection(env={"PATH": f"{tools}:{GNU_PATH}", "TMUX_TMPDIR": str(tmp_path)})
        probe = make(connection, tmp_path, command_limit=1.0)
        first = await probe.status()
        assert kind(first, "load") is kind(first, "sessions") is FaultKind.TOOL_HUNG
        second = await probe.status()
        assert kind(second, "load") is kind(second, "sessions") is None
        assert [session.name for session in value(second, "sessions")] == ["name"]
        await probe.close()
        await connection.close()
