"""On file systems that give back more than the blocks of files the number is a bound, and the bound holds.

Each of those that this kernel knows is made as an image of the test's own and mounted through a loop device, so root
runs it. ext4, where the number is exact, has tests of its own.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote.disktrees import Slow, Tree, remove
from tests.remote.loopdisk import free, mounted
from tests.remote.test_disk_exact import choices, counted
from tui.domain.diskbounds import Bound, Reason
from tui.remote.disk import DiskMethod

OWN = {"xfs": 0, "btrfs": 64 << 10}
"""What a file system may take for books of its own meanwhile: btrfs writes its trees anew, in nodes of 16 KiB."""
SYSTEMS = {"xfs": 400 << 20, "btrfs": 400 << 20}
"""How large the image is: below some 300 MiB neither is made."""


def back(mount: Path, before: int, wanted: int) -> bool:
    """Wait until at least *wanted* bytes more than *before* are free."""
    deadline = time.monotonic() + 30
    while free(mount)[0] - before < wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def known() -> list[str]:
    """Those of :data:`SYSTEMS` that this kernel can mount as it is."""
    listed = Path("/proc/filesystems").read_text().split()
    return [name for name in SYSTEMS if name in listed]


@pytest.fixture(params=known())
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    with mounted(tmp_path, request.param, SYSTEMS[request.param]) as mount:
        yield request.param, mount


def test_what_comes_back_is_within_the_bound_that_was_told(place: tuple[str, Path]) -> None:
    kind, mount = place
    for seed in range(3):
        tree = Tree(mount / "tree", seed)
        chance = random.Random(seed)
        for _ in range(3):  # a plan after another was carried out
            before = free(mount)
            table = counted(tree, DiskMethod.PYTHON, "dash")
            owners = tree.owners()
            plan = chance.sample(choices(owners), chance.randrange(1, 8))
            said = table.freed(plan)
            if not said.devices:
                continue  # nothing is there any more
            assert Reason.METADATA in said.reasons, kind
            assert said.bound is Bound.BETWEEN  # more by what the file system holds itself, less by shared blocks
            slow = Slow(tree)
            remove(slow.removed_paths(owners[number] for number in plan))
            # Nothing of these trees is shared by reflinks: then it is a lower bound. Both give blocks back in the
            # background, after the last name of a file went.
            assert back(mount, before[0], said.bytes - OWN[kind]), (kind, seed, plan)
        shutil.rmtree(tree.root)


def test_blocks_that_copies_share_come_back_only_with_the_last(place: tuple[str, Path]) -> None:
    """What ``up to`` stands for: a copy by reflink looks like a file of its own, and gives back nothing."""
    _, mount = place
    tree = Tree(mount / "tree", 1)
    source, copy = tree.envs[0] / "weights.bin", tree.envs[1] / "weights.bin"
    source.write_bytes(os.urandom(8 << 20))
    subprocess.run(["cp", "--reflink=always", source, copy], check=True)
    before = free(mount)
    table = counted(tree, DiskMethod.PYTHON, "dash")
    number = table.find(str(tree.envs[1]))
    assert number is not None
    said = table.freed([number])
    assert said.bytes >= 8 << 20
    assert Reason.REFLINKS in said.reasons
    assert said.bound is Bound.BETWEEN
    copy.unlink()
    assert free(mount)[0] - before[0] < 1 << 20, "the blocks are the other's, too"
