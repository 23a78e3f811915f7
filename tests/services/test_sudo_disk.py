"""The disk as root sees it, and what an owner's removal gives back of it, to the byte."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.condaroot import NUMPY, PYTHON, Pkg
from tests.remote.loopdisk import free, mounted_ext4
from tests.services.sudoing import OPEN_PROC, Admin, Owner, environment, removed, running_as, who_owns
from tests.sshd import SshServer, run_as_root
from tests.sudoers import allowed
from tui.domain.cacheusers import Unseen
from tui.domain.changes import ConcernKind
from tui.domain.planitems import ItemKind
from tui.domain.plans import Plan
from tui.domain.tasks import TaskState, new_task_id
from tui.remote.changes.clean import CleanRequest, clean_job

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


async def test_a_cache_is_cleaned_by_its_owner_s_hand(disk: Path, tmp_path: Path) -> None:
    with SshServer(wrapper=OPEN_PROC) as server:
        bob = Owner(server, ("train",), server.add_user(home=disk / "bob"))
        pkgs = bob.root.pkgs
        bob.root.named("gone", (BULKY,))
        shutil.rmtree(bob.envs / "gone")
        unused = pkgs / BULKY.stem
        (unused / "info").mkdir()
        (unused / "info/index.json").write_text("{}")
        (pkgs / f"{BULKY.stem}.conda").write_bytes(b"x" * 100_000)
        bob.close_home()
        # conda makes some directories read-only, and somebody else may have something open.
        (unused / "lib").chmod(0o555)
        admin = Admin(server, tmp_path, bob.user.home)
        kept = {path for path in pkgs.rglob("*") if not path.is_relative_to(unused) and path.suffix != ".conda"}
        with allowed(admin.user.name):
            async with admin.fleet() as fleet:
                tables, faults = await fleet.plans.count(["gpu01"])
                assert not faults
                found = [tables["gpu01"].item(kind, str(pkgs)) for kind in (ItemKind.TARBALLS, ItemKind.PACKAGES)]
                items = tuple(item for item in found if item is not None)
                ready = await fleet.plans.ready(Plan(items[:1], time.time()))
                before = free(disk)[0]
                report = await fleet.plans.run(ready)
                assert not report.failed, report
                (mount,) = ready.report.hosts[0].outlook.mounts
                assert mount.bytes == free(disk)[0] - before == 102_400
                # All packages count as used where not all places were looked at: the host decides on its own here.
                request = CleanRequest(((ItemKind.PACKAGES, str(pkgs)),), (str(pkgs),), (str(bob.envs),))
                job = clean_job(request, id=new_task_id(time.time(), os.urandom(4)), operator="ada@laptop")
                part = next(unused.rglob("part1.txt"))
                with running_as(0, "tail", "-f", part):
                    task = await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", job)).id)
                    assert ("kept", "in_use", "packages", str(pkgs), "1") in task.said and part.exists()
                job = clean_job(request, id=new_task_id(time.time(), os.urandom(4)), operator="ada@laptop")
                task = await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", job)).id)
                assert task.state is TaskState.SUCCEEDED, task
                assert set(pkgs.rglob("*")) == kept
                assert who_owns(bob.user.home) == {bob.user.uid}
                # What the owner could not remove, root does not remove for him.
                theirs = pkgs / "small-1.0-0/lib/theirs"
                theirs.mkdir(parents=True)
                (pkgs / "small-1.0-0/info").mkdir()
                (pkgs / "small-1.0-0/info/index.json").write_text("{}")
                bob.close_home()
                run_as_root("chown", "0:0", theirs)
                (theirs / "file").write_text("x")
                job = clean_job(request, id=new_task_id(time.time(), os.urandom(4)), operator="ada@laptop")
                task = await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", job)).id)
                assert task.state is TaskState.FAILED and any(words[0] == "left" for words in task.said), task
                assert [path.read_text() for path in pkgs.rglob("theirs/file")] == ["x"]


async def test_one_s_own_caches_of_other_tools_are_still_one_s_own(tmp_path: Path) -> None:
    with SshServer(wrapper=OPEN_PROC) as server:
        admin = Admin(server, tmp_path)
        bob = Owner(server, ())
        own, theirs = (user.home / ".cache/pip/http-v2" for user in (admin.user, bob.user))
        for place in (own, theirs):
            (place / "a").mkdir(parents=True)
            (place / "a/wheel").write_bytes(b"x" * 9000)
        run_as_root("chown", "-R", admin.user.name, admin.user.home / ".cache")
        bob.close_home()
        with allowed(admin.user.name):
            async with admin.fleet() as fleet:
                for place, state in ((theirs, TaskState.FAILED), (own, TaskState.SUCCEEDED)):
                    request = CleanRequest(((ItemKind.PIP, str(place)),))
                    job = clean_job(request, id=new_task_id(time.time(), os.urandom(4)), operator="ada@laptop")
                    task = await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", job)).id)
                    assert task.state is state, task
        assert (theirs / "a/wheel").exists() and not own.exists()
