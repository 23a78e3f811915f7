"""What one account may change of another's: asked of the file system before anything is touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.condaroot import NUMPY, PYTHON
from tests.remote.changehost import ChangeHost, listing, refused_for, running
from tests.remote.inventories import NOBODY
from tests.remote.loopdisk import mounted_ext4
from tests.remote.shells import GNU_PATH
from tui.domain.changes import ConcernKind
from tui.domain.tasks import TaskState

K = ConcernKind
UID = 65534
STRANGER = 54321


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that every account can reach, whatever becomes of pytest's own."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(params=("dash", "busybox"))
async def host(request: pytest.FixtureRequest, open_folder: Path) -> AsyncIterator[ChangeHost]:
    """nobody's way to the host, whose install is nobody's."""
    host = ChangeHost(open_folder, request.param, wrap=NOBODY)
    host.root.named("train", (PYTHON, NUMPY))
    for top in (host.root.root, host.home):
        give(top, UID)
    yield host
    await host.close()


def give(top: Path, uid: int) -> None:
    """All of *top* to *uid*."""
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files, "."):
            os.chown(Path(folder, name), uid, uid, follow_symlinks=False)


async def test_what_is_ours_goes_though_it_was_made_read_only(host: ChangeHost) -> None:
    prefix = host.envs / "train"
    (prefix / "lib" / "deep" / "deeper").mkdir(parents=True)
    (prefix / "lib" / "deep" / "deeper" / "file").write_text("x")
    give(prefix, UID)
    # A directory of another account goes with the one that holds it, as long as it is empty.
    (prefix / "empty").mkdir()
    (prefix / "lib" / "deep" / "deeper").chmod(0)
    (prefix / "lib" / "deep").chmod(0o555)
    (prefix / "conda-meta").chmod(0o500)
    prefix.chmod(0o755)
    task = await host.remove(prefix, accepted=[K.USE_UNKNOWN, K.UNOWNED])
    assert task.state is TaskState.SUCCEEDED, task
    assert not prefix.exists()


def in_a_foreign_directory(host: ChangeHost) -> None:
    os.chown(host.envs, 0, 0)
    host.envs.chmod(0o755)


def below_a_sticky_one(host: ChangeHost) -> None:
    os.chown(host.envs, 0, 0)
    host.envs.chmod(0o1777)
    give(host.envs / "train", STRANGER)
    for folder in (host.envs / "train", *(path for path in (host.envs / "train").rglob("*") if path.is_dir())):
        folder.chmod(0o777)


def with_a_foreign_directory_in_it(host: ChangeHost) -> None:
    inner = host.envs / "train" / "lib" / "theirs\nand odd"
    inner.mkdir()
    (inner / "file").write_text("x")
    inner.chmod(0o755)


def with_one_that_cannot_be_read(host: ChangeHost) -> None:
    inner = host.envs / "train" / "lib" / "shut"
    inner.mkdir()
    inner.chmod(0o700)


def of_another_account(host: ChangeHost) -> None:
    give(host.envs / "train", STRANGER)


@pytest.mark.parametrize(
    "make",
    (
        in_a_foreign_directory,
        below_a_sticky_one,
        with_a_foreign_directory_in_it,
        with_one_that_cannot_be_read,
        of_another_account,
    ),
)
@pytest.mark.parametrize("keep_s", (0, 60))
async def test_what_cannot_be_removed_to_its_end_is_not_begun(
    host: ChangeHost, make: Callable[[ChangeHost], None], keep_s: float
) -> None:
    make(host)
    before = listing(host.root.root)
    found = await host.look(host.envs / "train")
    assert K.NOT_WRITABLE in {concern.kind for concern in found.concerns}
    task = await host.remove(host.envs / "train", keep_s, [K.USE_UNKNOWN, K.UNOWNED, K.IN_USE])
    # Where not even the lock can be taken, the task has no say.
    if make is in_a_foreign_directory:
        assert task.state is TaskState.FAILED and task.fault is not None and task.exit_code is None
    else:
        assert K.NOT_WRITABLE in refused_for(task)
    assert listing(host.root.root) == before


@pytest.fixture
async def as_root(open_folder: Path) -> AsyncIterator[ChangeHost]:
    """root's way to a host whose install is nobody's, where only nobody may be told anything."""
    host = ChangeHost(open_folder)
    host.root.named("train", (PYTHON, NUMPY))
    give(host.root.root, UID)
    yield host
    await host.close()


WHO = """#!/bin/sh
id -u >>"$WHO"
exec /usr/bin/mv "$@"
"""


def watched(host: ChangeHost, folder: Path) -> Path:
    """Where it is written down who renames."""
    (folder / "tools").mkdir(mode=0o755)
    (folder / "tools" / "mv").write_text(WHO)
    (folder / "tools" / "mv").chmod(0o755)
    (folder / "who").touch()
    (folder / "who").chmod(0o666)
    host.connection.env |= {"PATH": f"{folder}/tools:{GNU_PATH}", "WHO": str(folder / "who")}
    return folder / "who"


async def test_root_changes_another_account_s_install_as_that_account(as_root: ChangeHost, open_folder: Path) -> None:
    who = watched(as_root, open_folder)
    prefix = as_root.envs / "train"
    before = listing(as_root.root.root)
    task = await as_root.remove(prefix, 60)
    assert task.state is TaskState.SUCCEEDED, task
    (aside,) = (await as_root.trash()).asides
    assert task.said == (("aside", aside.id, aside.path),) and aside.mine
    trash = as_root.root.root / ".condafleet-trash"
    assert trash.stat().st_uid == (trash / aside.id).stat().st_uid == UID
    assert (await as_root.restore(aside)).state is TaskState.SUCCEEDED
    assert listing(as_root.root.root) == before
    (prefix / "notes").write_text("x")
    assert set(refused_for(await as_root.remove(prefix))) == {K.UNOWNED}
    assert (await as_root.remove(prefix, 60, [K.UNOWNED])).state is TaskState.SUCCEEDED
    (aside,) = (await as_root.trash()).asides
    task = await as_root.purge(aside)
    assert task.state is TaskState.SUCCEEDED and task.said[-1][0] == "unlinked"
    assert {path.name for path in as_root.root.root.iterdir()} == {"envs", "pkgs"}
    # mv of the engine's own small files apart, in root's own home.
    assert str(UID) in who.read_text().split()


async def test_root_sees_who_uses_it_before_it_becomes_the_owner(as_root: ChangeHost) -> None:
    prefix = as_root.envs / "train"
    with running("sleep", "1000", cwd=prefix):
        assert set(refused_for(await as_root.remove(prefix))) == {K.IN_USE}
        assert (await as_root.remove(prefix, 60, [K.IN_USE])).state is TaskState.SUCCEEDED
        (aside,) = (await as_root.trash()).asides
        assert set(refused_for(await as_root.purge(aside))) == {K.IN_USE}
    assert (await as_root.purge(aside)).state is TaskState.SUCCEEDED


async def test_what_the_owner_may_not_remove_root_does_not_remove_for_him(as_root: ChangeHost) -> None:
    (as_root.envs / "train" / "lib" / "theirs").mkdir()
    (as_root.envs / "train" / "lib" / "theirs" / "file").write_text("x")
    before = listing(as_root.root.root)
    refused = refused_for(await as_root.remove(as_root.envs / "train", 0, [K.UNOWNED]))
    assert K.NOT_WRITABLE in refused and listing(as_root.root.root) == before


async def test_root_changes_nothing_of_an_account_that_it_cannot_become(tmp_path: Path) -> None:
    host = ChangeHost(tmp_path)
    prefix = host.root.named("train", (PYTHON,))
    give(prefix, STRANGER)
    before = listing(host.root.root)
    assert set(refused_for(await host.remove(prefix))) == {K.FOREIGN_OWNER}
    assert listing(host.root.root) == before
    await host.close()


async def test_processes_of_others_that_cannot_be_looked_at_are_said(host: ChangeHost) -> None:
    assert (await host.look(host.envs / "train")).concerns == ()
    job = await host.removal(host.envs / "train")
    assert job.args is not None and job.args[5] == "1"
    # The same, but not as a demo's host.
    refused = refused_for(await host.do(replace(job, args=(*job.args[:5], "0", *job.args[6:]))))
    assert set(refused) == {K.USE_UNKNOWN} and "cannot be known" in refused[K.USE_UNKNOWN]


def chattr(flag: str, path: Path) -> None:
    subprocess.run(["chattr", flag, path], check=True)


async def test_what_is_immutable_is_seen_before(tmp_path: Path) -> None:
    with mounted_ext4(tmp_path, "4096") as disk:
        host = ChangeHost(disk)
        prefix = host.root.named("train", (PYTHON,))
        chattr("+i", prefix / "conda-meta" / "history")
        before = listing(host.root.root)
        refused = refused_for(await host.remove(prefix))
        assert set(refused) == {K.NOT_WRITABLE} and "conda-meta/history" in refused[K.NOT_WRITABLE]
        assert listing(host.root.root) == before
        chattr("-i", prefix / "conda-meta" / "history")
        assert (await host.remove(prefix)).state is TaskState.SUCCEEDED
        await host.close()
