"""Random trees, random plans, carried out by our programs: what comes free is what was predicted, to the block."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.remote.cleanhost import clean, look
from tests.remote.disktrees import Slow, Tree, every_path
from tests.remote.loopdisk import free, mounted_ext4
from tests.remote.shells import GNU_PATH, SHELLS
from tests.remote.taskhost import TaskHost
from tests.remote.test_disk_exact import choices, counted
from tests.services.planfleet import PlanHost
from tui.domain.changes import NAMED, Change, ChangeKind
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.planitems import ItemKind
from tui.domain.tasks import TaskState
from tui.remote.changes.clean import CleanRequest
from tui.remote.disk import DiskMethod

KINDS = {kind.owner: kind for kind in ItemKind if kind.owner in CACHE_PARTS}
SEEDS = st.integers(min_value=0, max_value=1 << 32)
Plan = list[tuple[OwnerKind, Path]]


def request(tree: Tree, plan: Plan) -> CleanRequest:
    return CleanRequest(
        tuple((KINDS[kind], str(path)) for kind, path in plan if kind in CACHE_PARTS),
        tuple(map(str, tree.caches)),
        tuple(map(str, (*tree.envs, tree.base))),
    )


def without_root(owners: Plan) -> list[int]:
    """What our programs remove: everything but the install's root."""
    return [number for number in choices(owners) if owners[number][0] is not OwnerKind.OTHER]


async def carry_out(host: TaskHost, tree: Tree, plan: Plan) -> None:
    """Environments first, as a plan does."""
    fleet = PlanHost.of(tree, host)
    chosen = (path for kind, path in plan if kind is OwnerKind.ENVIRONMENT)
    for path in sorted(chosen, key=lambda each: len(str(each)), reverse=True):
        if path.exists():
            found = await fleet.prepare(Change(ChangeKind.REMOVE, fleet.name, str(path)))
            task = await fleet.settled(fleet.name, (await fleet.start(found, NAMED)).id)
            assert (task.state, path.exists()) == (TaskState.SUCCEEDED, False), task
    wanted = request(tree, plan)
    if not wanted.parts:
        return
    ahead = await look(host, wanted)
    task, said = await clean(host, wanted)
    assert task.state is TaskState.SUCCEEDED, said
    assert (sorted(said.parts, key=str), said.left, said.concerns) == (sorted(ahead.parts, key=str), (), ())


def paths_of(tree: Tree) -> set[str]:
    return set(every_path(tree.root))


def removed(before: set[str], after: set[str]) -> Iterable[str]:
    assert after <= before
    return before - after


@pytest.fixture(params=["1024", "4096"])
def ext4(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of the test's own, with blocks of 1 or 4 KiB."""
    with mounted_ext4(tmp_path, request.param) as mount:
        yield mount


@pytest.mark.timeout(400)
def test_ext4_gives_back_what_was_predicted_to_the_block(ext4: Path, tmp_path: Path) -> None:
    async def main() -> None:
        host = TaskHost(tmp_path / "home")
        try:
            for seed in range(6):
                tree = Tree(ext4 / "tree", seed)
                chance = random.Random(seed)
                for _ in range(2):  # a second plan, after the first was carried out
                    owners = tree.owners()
                    numbers = chance.sample(without_root(owners), chance.randrange(1, 9))
                    plan = [owners[number] for number in numbers]
                    table = await asyncio.to_thread(counted, tree, DiskMethod.PYTHON, "dash")
                    said = table.freed(numbers)
                    assert not said.reasons
                    slow, before = Slow(tree), paths_of(tree)
                    expected = slow.removed_paths(plan)
                    space = free(ext4)
                    await carry_out(host, tree, plan)
                    now = free(ext4)
                    assert removed(before, paths_of(tree)) == expected, (seed, plan)
                    assert (now[0] - space[0], now[1] - space[1]) == (said.bytes, said.files), (seed, plan)
                    assert (said.bytes, said.files) == slow.freed(expected)
                shutil.rmtree(tree.root)
        finally:
            await host.close()

    asyncio.run(main())


@pytest.mark.timeout(400)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS)
def test_every_shell_and_awk_removes_exactly_what_the_slow_look_says(seed: int) -> None:
    async def main(folder: Path) -> None:
        chance = random.Random(seed)
        tools = folder / "tools"
        tools.mkdir()
        (tools / "awk").symlink_to(chance.choice(("/usr/bin/gawk", "/usr/bin/mawk", "/usr/bin/busybox")))
        shell = SHELLS[chance.choice(sorted(SHELLS))]
        host = TaskHost(folder / "home", shell, path=f"{tools}:{GNU_PATH}")
        try:
            tree = Tree(folder / "tree", seed)
            owners = tree.owners()
            numbers = chance.sample(without_root(owners), chance.randrange(1, 12))
            plan = [owners[number] for number in numbers]
            slow, before = Slow(tree), paths_of(tree)
            expected = slow.removed_paths(plan)
            await carry_out(host, tree, plan)
            assert removed(before, paths_of(tree)) == expected
        finally:
            await host.close()

    with tempfile.TemporaryDirectory(prefix="condafleet-clean-") as folder:
        asyncio.run(main(Path(folder).resolve()))
