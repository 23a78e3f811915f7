"""Whatever is killed on the host while it counts, and whenever: the right table or a fault, and nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.fakes import eventually
from tests.remote.disktrees import Tree
from tests.remote.shells import SHELLS
from tests.remote.test_disk import LIMIT, a_lane, session
from tests.remote.test_disk_conda import write
from tests.remote.test_kept import COUNTS
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.remote.caches import ask_caches
from tui.remote.disk import DiskMethod, ask_disk
from tui.remote.kept import LOSSES, KeptPass
from tui.remote.lane import Lane

T = TypeVar("T")

KILLS = 5
NOWHERE = Path("/nonexistent")
ENDED = {FaultKind.INCOMPLETE, FaultKind.LOST, FaultKind.SHELL_BROKEN, FaultKind.PROTOCOL, FaultKind.TOOL_MISSING}
WAYS = [*((DiskMethod.FIND, shell) for shell in SHELLS), (DiskMethod.PYTHON, "dash")]


def processes(leader: int) -> list[int]:
    """What runs in a session, its leader apart."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "stat").read_text("latin-1").rpartition(")")[2].split()
            if int(words[3]) == leader and words[0] != "Z" and int(path.name) != leader:
                found.append(int(path.name))
    return sorted(found)


async def killed(
    count: Callable[[Lane, KeptPass | None], Awaitable[T]], shell: str, seed: int, longest: float, home: Path | None
) -> T | FaultKind:
    """What comes of a count of which something is killed at a moment that follows from *seed*."""
    chance = random.Random(seed)
    kept = None if home is None else KeptPass()
    async with a_lane(shell, home=home or NOWHERE) as (connection, lane):
        leader = connection.channels[0].pid
        asked = asyncio.ensure_future(count(lane, kept))
        await asyncio.sleep(chance.random() * longest)
        # Something of the count, or now and then the shell itself.
        victims = [leader] if chance.random() < 0.1 else processes(leader)
        if victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(victims), signal.SIGKILL)
        try:
            async with asyncio.timeout(LIMIT):
                try:
                    return await asked
                except HostFaultError as error:
                    if kept is None or not kept.begun or error.fault.kind not in LOSSES:
                        raise
                # The shell alone was killed: it is gone on with over another one.
                return await count(await Lane.open(connection, timeout=LIMIT), kept)
        except HostFaultError as error:
            return error.fault.kind
        finally:
            lane.close()
            connection.channels[-1].close()
            await eventually(lambda: not session(leader))
            await eventually(lambda: home is None or not [*home.glob(f"{COUNTS}/*")])


async def hold(count: Callable[[Lane, KeptPass | None], Awaitable[object]], shell: str, home: Path | None) -> None:
    """Kill something in each of several counts, and look at what comes of them."""
    began = time.monotonic()
    async with a_lane(shell, home=home or NOWHERE) as (_, lane):
        right = await count(lane, None if home is None else KeptPass())
    longest = time.monotonic() - began
    wrong, kinds = [], set()
    # Other moments with each shell and each way.
    first = zlib.crc32(f"{shell} {home is None}".encode())
    for seed in range(first, first + KILLS):
        came = await killed(count, shell, seed, longest, home)
        if isinstance(came, FaultKind):
            kinds.add(came)
        elif came != right:
            wrong.append(seed)
    assert not wrong
    assert kinds <= ENDED


@pytest.fixture(params=["kept", "over its lane"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """A home where what is counted can be kept, or none."""
    if request.param != "kept":
        return None
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.mark.parametrize(("method", "shell"), WAYS)
async def test_a_kill_gives_the_right_table_or_a_fault_and_leaves_nothing(
    tmp_path: Path, method: DiskMethod, shell: str, home: Path | None
) -> None:
    places = Tree(tmp_path / "tree", 11).places
    await hold(lambda lane, kept: ask_disk(lane, places, "gpu01", timeout=LIMIT, method=method, kept=kept), shell, home)


@pytest.mark.parametrize("shell", list(SHELLS))
async def test_other_caches_are_counted_right_or_not_at_all(tmp_path: Path, shell: str, home: Path | None) -> None:
    for number in range(30):
        for name in ("pip/http", "uv/archive", "huggingface/hub/models--a--b/blobs", "thing"):
            write(tmp_path / ".cache" / name / f"{number}" / "x", 5000)
    homes = [str(tmp_path)]
    await hold(
        lambda lane, kept: ask_caches(lane, "gpu01", timeout=LIMIT, homes=homes, cores=False, kept=kept), shell, home
    )
