"""A client that dies while its plan runs: what it began comes to its end, and the next client does the rest."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.disktrees import Slow, Tree, every_path
from tests.remote.taskhost import PATIENCE_S, TaskHost
from tests.services.planfleet import PlanHost, RealClock
from tui.domain.changes import NAMED
from tui.domain.diskplaces import OwnerKind
from tui.domain.planitems import ItemKind
from tui.domain.plans import Plan
from tui.remote.tasks import list_tasks
from tui.services.plans import PlanDesk

KINDS = {kind.owner: kind for kind in ItemKind if kind.owner is not OwnerKind.OTHER}


async def over(host: TaskHost) -> None:
    """Wait until nothing of any task is under way."""
    deadline = time.monotonic() + PATIENCE_S
    while not all(task.is_over for task in (await list_tasks(await host.lane(), "gpu01")).tasks):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(20, 25))
async def test_whenever_the_client_goes_nothing_is_half_and_the_rest_can_be_done(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    tree = Tree(tmp_path / "tree", seed)
    chosen = [(kind, path) for kind, path in tree.owners() if kind in KINDS and chance.random() < 0.7]
    before, slow = set(every_path(tree.root)), Slow(tree)
    expected = slow.removed_paths(chosen)

    def desk_on(host: TaskHost) -> PlanDesk:
        return PlanDesk(PlanHost.of(tree, host), RealClock(), "ada@laptop")  # type: ignore[arg-type]  # a part of it

    async def begin(host: TaskHost) -> None:
        desk = desk_on(host)
        tables, _ = await desk.count(["gpu01"])
        found = [tables["gpu01"].item(KINDS[kind], str(path)) for kind, path in chosen]
        items = tuple(item for item in found if item is not None and item.files)
        plan = Plan(items, time.time())
        ready = await desk.ready(plan, accepted={item.key: NAMED for item in items}, check=False)
        report = await desk.run(ready)
        assert not report.failed

    host = TaskHost(tmp_path / "home")
    client = asyncio.create_task(begin(host))
    # Until so many paths are gone, which may be none, or all.
    wanted = chance.randrange(len(expected) + 1)
    await eventually(lambda: client.done() or len(before - set(every_path(tree.root))) >= wanted)
    client.cancel()
    await host.close()
    with suppress(asyncio.CancelledError, Exception):
        await client
    host = TaskHost(tmp_path / "home")
    try:
        await over(host)
        left = set(every_path(tree.root))
        assert left <= before
        assert before - left <= expected
        for package in tree.packages:
            inside = {path for path in before if path == str(package) or path.startswith(f"{package}/")}
            assert inside <= left or not inside & left, "half a package"
        await begin(host)
        assert before - set(every_path(tree.root)) == expected
    finally:
        await host.close()
