"""Disk tables of random trees: what they predict is what a slow look finds, and what ext4 gives back, to the block.

The file systems are ext4 images of the test's own, mounted through loop devices, so root runs it.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.remote.disktrees import Slow, Tree, remove
from tests.remote.loopdisk import free, mounted_ext4
from tests.remote.shells import SHELLS, ShellConnection
from tui.domain.diskbounds import Reason
from tui.domain.diskplaces import OwnerKind
from tui.domain.disktable import DiskTable
from tui.remote.disk import DiskMethod, ask_disk
from tui.remote.lane import Lane

LIMIT = 60.0
METHODS = [*((DiskMethod.FIND, shell) for shell in SHELLS), (DiskMethod.PYTHON, "dash")]
SEEDS = st.integers(min_value=0, max_value=1 << 32)


async def scan(tree: Tree, method: DiskMethod, shell: str) -> DiskTable:
    connection = ShellConnection(SHELLS[shell])
    try:
        lane = await Lane.open(connection, timeout=LIMIT)
        return await ask_disk(lane, tree.places, "gpu01", timeout=LIMIT, method=method)
    finally:
        await connection.close()


def counted(tree: Tree, method: DiskMethod, shell: str) -> DiskTable:
    return asyncio.run(scan(tree, method, shell))


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS)
def test_every_way_of_counting_says_the_same_and_is_right(seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="condafleet-disk-") as folder:
        tree = Tree(Path(folder).resolve() / "tree", seed)
        tables = [counted(tree, method, shell) for method, shell in METHODS]
        for table in tables[1:]:
            assert table == tables[0]
        check(tree, tables[0], random.Random(seed))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS)
def test_the_program_for_python_is_right(seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="condafleet-disk-") as folder:
        tree = Tree(Path(folder).resolve() / "tree", seed)
        check(tree, counted(tree, DiskMethod.PYTHON, "dash"), random.Random(seed))


def choices(owners: list[tuple[OwnerKind, Path]]) -> list[int]:
    """The owners that can be removed by themselves."""
    return [number for number, (kind, _) in enumerate(owners) if kind is not OwnerKind.REST]


def check(tree: Tree, table: DiskTable, chance: random.Random) -> None:
    """Compare predictions for random plans, and for each owner alone, with the slow way."""
    owners = tree.owners()
    assert [(owner.kind, owner.path) for owner in table.owners] == [(kind, str(path)) for kind, path in owners]
    slow = Slow(tree)
    numbers = choices(owners)
    plans = [[number] for number in numbers] + [numbers]
    plans += [chance.sample(numbers, chance.randrange(2, len(numbers))) for _ in range(12)]
    for plan in plans:
        freed = table.freed(plan)
        expected = slow.freed(slow.removed_paths(owners[number] for number in plan))
        if Reason.LINKED_CACHES in freed.reasons:
            assert freed.bytes <= expected[0], plan
        else:
            assert (freed.bytes, freed.files) == expected, plan
    everything = {path for path in slow.paths if path.startswith((f"{tree.base}/", f"{tree.caches[1]}/"))}
    everything |= {str(tree.base), str(tree.caches[1])}
    inodes = {slow.stats[path].st_ino: slow.stats[path].st_blocks * 512 for path in everything}
    assert sum(row.bytes for row in table.rows) == sum(inodes.values())
    assert sum(row.files for row in table.rows) == len(inodes)


@pytest.fixture(params=["1024", "4096"])
def ext4(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of the test's own, with blocks of 1 or 4 KiB."""
    with mounted_ext4(tmp_path, request.param) as mount:
        yield mount


@pytest.mark.parametrize(("method", "shell"), [(DiskMethod.FIND, "dash"), (DiskMethod.PYTHON, "dash")])
def test_ext4_gives_back_what_was_predicted_to_the_block(ext4: Path, method: DiskMethod, shell: str) -> None:
    for seed in range(4):
        tree = Tree(ext4 / "tree", seed)
        chance = random.Random(seed)
        for _ in range(2):  # a second plan, after the first was carried out
            before = free(ext4)
            table = counted(tree, method, shell)
            owners = tree.owners()
            plan = chance.sample(choices(owners), chance.randrange(1, 8))
            said = table.freed(plan)
            if said.reasons:
                assert said.reasons == {Reason.LINKED_CACHES}
                continue
            assert [table.devices[each.device].mount for each in said.devices] == [str(ext4)] * bool(said.devices)
            slow = Slow(tree)
            remove(slow.removed_paths(owners[number] for number in plan))
            after = free(ext4)
            assert (after[0] - before[0], after[1] - before[1]) == (said.bytes, said.files), (seed, plan)
        shutil.rmtree(tree.root)
