"""Several questions of one kind at once: none loses its shell because another one has its answer."""

from __future__ import annotations

import asyncio

from tests.remote.shells import SHELLS, ShellConnection
from tests.remote.taskhost import PATIENCE_S, QuickClock
from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.remote.lane import Lane
from tui.remote.probe import HostProbe


async def test_the_last_of_several_questions_closes_their_lane() -> None:
    connection = ShellConnection(SHELLS["dash"])
    probe = HostProbe(
        connection, HostSpec("gpu01"), QuickClock(), command_limit=PATIENCE_S, interner=PackageInterner(), protect=()
    )
    lanes: set[Lane] = set()
    first_answered = asyncio.Event()

    async def quick(lane: Lane) -> bytes:
        lanes.add(lane)
        return await lane.ask(b"echo quick", timeout=PATIENCE_S)

    async def slow(lane: Lane) -> bytes:
        lanes.add(lane)
        await first_answered.wait()
        return await lane.ask(b"echo slow", timeout=PATIENCE_S)

    try:
        other = asyncio.create_task(probe.put_question("change", slow))
        assert (await probe.put_question("change", quick)).strip() == b"quick"
        first_answered.set()
        assert (await other).strip() == b"slow"
        assert len(lanes) == 1
        assert not any(lane.usable for lane in lanes)
    finally:
        await probe.close()
        await connection.close()
