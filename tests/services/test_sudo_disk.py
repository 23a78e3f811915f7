"""The disk as root sees it, and what an owner's removal gives back of it, to the byte."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.condaroot import NUMPY, PYTHON, Pkg
from tests.remote.loopdisk import free, mounted_ext4
from tests.services.sudoing import OPEN_PROC, Admin, Owner, environment, removed
from tests.sshd import SshServer
from tests.sudoers import allowed
from tui.domain.cacheusers import Unseen
from tui.domain.changes import ConcernKind
from tui.domain.tasks import TaskState

pytestmark = pytest.mark.timeout(180)
BULKY = Pkg("bulky", files=40)


@pytest.fixture
def disk() -> Iterator[Path]:
    # Not below pytest's own: the owner must be able to pass.
    with TemporaryDirectory() as name, mounted_ext4(Path(name), "4096") as disk:
        Path(name).chmod(0o755)
        disk.chmod(0o755)
        yield disk


async def test_the_bytes_that_were_said_come_back(disk: Path, tmp_path: Path) -> None:
    with SshServer(wrapper=OPEN_PROC) as server:
        bob = Owner(server, (), server.add_user(home=disk / "bob"))
        for name in ("train", "other"):
            bob.root.named(name, (PYTHON, NUMPY, BULKY))
        # What only this one holds, for its package is gone from the cache; of the rest it has links.
        for part in (bob.root.pkgs / BULKY.stem).rglob("part*"):
            part.unlink()
        shutil.rmtree(bob.envs / "other/lib/bulky")
        (bob.envs / "train/data").write_bytes(b"x" * 50_000)
        bob.close_home()
        admin = Admin(server, tmp_path, bob.user.home)
        train = bob.envs / "train"
        with allowed(admin.user.name):
            async with admin.fleet() as fleet:
                count = await fleet.disk("gpu01")
                size = environment(fleet, train).size
                assert size is not None and size.exclusive_bytes > 40 * 4096 + 50_000
                assert size.bound.value == "exact", (size, count)
                assert {use.path: use.unseen for use in count.users}[str(bob.root.pkgs)] == (Unseen.ONLY_CONFIGURED,)
                before = free(disk)[0]
                task = await removed(fleet, train, accepted=(ConcernKind.UNOWNED,))
                assert task.state is TaskState.SUCCEEDED, task
                assert free(disk)[0] - before == size.exclusive_bytes
                assert ("freed", str(train), str(size.exclusive_bytes)) in task.said
                assert ("unlinked", str(train), str(size.exclusive_bytes)) in task.said
