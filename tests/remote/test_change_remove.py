"""Removing environments as tasks: exactly what lies below the prefix, and nothing else, whatever happens meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, PYTHON
from tests.remote.changehost import ChangeHost, listing, mounted_at, refused_for, running
from tests.remote.loopdisk import mounted_ext4
from tests.remote.shells import SHELLS, ShellConnection
from tests.remote.taskhost import LOCK, contents
from tui.domain.changes import ConcernKind
from tui.domain.tasks import Task, TaskState
from tui.remote.lane import Lane

K = ConcernKind
ODD = (
    "two words",
    "-rf",
    "$(touch x)`id`",
    "a'b\"c",
    "new\nline",
    "\u7814\u7a76",
    os.fsdecode(b"\xff\xfe"),
    "[a-z]*?\\",
    "*",
)


def said(task: Task, word: str) -> list[tuple[str, ...]]:
    return [words[1:] for words in task.said if words[0] == word]


async def test_a_removal_takes_exactly_what_lies_below(host: ChangeHost, tmp_path: Path) -> None:
    prefix = host.root.named("train", (PYTHON, NUMPY))
    host.root.named("other", (PYTHON, NUMPY))
    (prefix / "empty").mkdir()
    (prefix / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("x")
    condaroot.environments_txt(host.home, [host.root.root, prefix, f"{prefix}2", host.envs / "other"])
    before = listing(tmp_path / "conda", tmp_path / "outside")
    task = await host.remove(prefix, accepted=[K.UNOWNED])
    assert task.state is TaskState.SUCCEEDED, task
    gone = {path for path in before if f"{os.fsdecode(path)}/".startswith(f"{prefix}/")}
    assert listing(tmp_path / "conda", tmp_path / "outside") == {
        path: known for path, known in before.items() if path not in gone
    }
    lines = (host.home / ".conda/environments.txt").read_text().splitlines()
    assert lines == [str(host.root.root), f"{prefix}2", str(host.envs / "other")]
    ((place, freed),) = said(task, "freed")
    assert place == str(prefix) and int(freed) is not None
    assert list((host.home / ".local/state/condafleet/trash").iterdir()) == []


@pytest.mark.parametrize(("host", "name"), zip(cycle(SHELLS), ODD), indirect=["host"])
async def test_any_name_is_data(host: ChangeHost, name: str, tmp_path: Path) -> None:
    prefix = host.root.named(name, (PYTHON,))
    (prefix / f"{name} file").write_text("x")
    host.root.named("other", (PYTHON,))
    before = listing(host.envs / "other")
    condaroot.environments_txt(host.home, [] if "\n" in name else [prefix, host.envs / "other"])
    task = await host.remove(prefix, accepted=[K.UNOWNED])
    assert task.state is TaskState.SUCCEEDED, task
    assert listing(host.envs / "other") == before and contents(host.envs) == ["other"]
    assert set(contents(tmp_path)) <= {"conda", "home", "played", "applets"}
    if "\n" not in name:
        assert (host.home / ".conda/environments.txt").read_bytes() == os.fsencode(host.envs / "other") + b"\n"


async def test_what_speaks_against_it_is_found_again_in_the_task(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    job = await plain.removal(prefix)
    # After the look a person put a file there.
    (prefix / "notes").write_text("x")
    before = listing(plain.root.root)
    assert refused_for(await plain.do(job)).keys() == {K.UNOWNED, K.OUTDATED}
    condaroot.freeze(prefix)
    task = await plain.remove(prefix, accepted=[K.UNOWNED])
    assert refused_for(task).keys() == {K.UNOWNED, K.FROZEN} and not said(task, "freed")
    (prefix / "conda-meta" / "frozen").unlink()
    assert listing(plain.root.root) == before
    assert (await plain.remove(plain.root.root)).exit_code == 3 and listing(plain.root.root) == before


@pytest.mark.parametrize("by", ("link", "directory", "file", "nothing"))
async def test_what_took_its_place_meanwhile_is_left_alone(plain: ChangeHost, tmp_path: Path, by: str) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    other = plain.root.named("other", (PYTHON,))
    job = await plain.removal(prefix)
    prefix.rename(tmp_path / "moved")
    if by == "link":
        prefix.symlink_to(other)
    elif by == "directory":
        shutil.copytree(other, prefix)
    elif by == "file":
        prefix.write_text("x")
    before = listing(tmp_path / "conda", tmp_path / "moved")
    expected = {"link": K.SOFT_LINK, "directory": K.CHANGED, "file": K.NOT_AN_ENVIRONMENT, "nothing": K.MISSING}[by]
    assert refused_for(await plain.do(job)).keys() == {expected}
    assert listing(tmp_path / "conda", tmp_path / "moved") == before


async def test_what_is_in_use_goes_only_with_its_name_typed(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    job = await plain.removal(prefix)
    with running("sleep", "1000", cwd=prefix) as pid:
        task = await plain.do(job)
        assert refused_for(task).keys() == {K.IN_USE}
        assert any(words[2] == str(pid) for words in said(task, "concern")), task.said
        assert (await plain.remove(prefix, accepted=[K.IN_USE])).state is TaskState.SUCCEEDED


@pytest.fixture(params=("bind", "tmpfs"))
def mounted(request: pytest.FixtureRequest, plain: ChangeHost, tmp_path: Path) -> Iterator[Path]:
    """A mount two levels below an environment: of this very file system, or of another."""
    place = plain.root.named("train", (PYTHON,)) / "data" / "[set] 1"
    place.mkdir(parents=True)
    (tmp_path / "treasure").mkdir()
    kind = ("--bind", tmp_path / "treasure") if request.param == "bind" else ("-t", "tmpfs", "tmpfs")
    with mounted_at(place, *kind):
        (place / "deep").mkdir()
        (place / "deep" / "file").write_text("x")
        (place.parent / "other").write_text("x")
        yield place


async def test_nothing_of_a_mount_is_removed(plain: ChangeHost, mounted: Path, tmp_path: Path) -> None:
    prefix = plain.envs / "train"
    treasure = listing(mounted)
    assert refused_for(await plain.remove(prefix, accepted=[K.UNOWNED])).keys() == {K.UNOWNED, K.MOUNTED}
    assert (await plain.remove(prefix, 3600, [K.UNOWNED, K.MOUNTED])).exit_code == 3
    assert (prefix / "conda-meta" / "history").exists()
    task = await plain.remove(prefix, accepted=[K.UNOWNED, K.MOUNTED])
    assert task.state is TaskState.SUCCEEDED and said(task, "left") == [(str(prefix),)]
    assert listing(mounted) == treasure
    left = [path for path in prefix.rglob("*") if mounted not in path.parents]
    assert left == [mounted.parent, mounted]


async def test_it_frees_what_it_says(tmp_path: Path) -> None:
    """On a file system of its own, so that nobody else's blocks count."""
    with mounted_ext4(tmp_path, "1024") as disk:
        host = ChangeHost(disk, home="../home")
        prefix = host.root.named("train", (PYTHON, NUMPY))
        host.root.named("other", (PYTHON,))
        (prefix / "big").write_bytes(b"x" * (5 << 20))
        (prefix / "again").hardlink_to(prefix / "big")
        (disk / "elsewhere").hardlink_to(prefix / "lib/numpy/part0.txt")
        task = await host.remove(prefix, accepted=[K.UNOWNED])
        assert task.state is TaskState.SUCCEEDED
        ((_, freed),), ((_, unlinked),) = said(task, "freed"), said(task, "unlinked")
        assert int(freed) == int(unlinked) > 5 << 20
        await host.close()


async def test_a_folder_with_a_dot_beside_it_serves_where_there_is_no_other_place(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    found = await plain.removal(prefix)
    with mounted_at(plain.envs, "-t", "tmpfs", "tmpfs"):
        prefix = plain.root.named("train", ())
        assert refused_for(await plain.do(found)).keys() == {K.CHANGED}
        task = await plain.remove(prefix, 3600)
        assert task.exit_code == 3 and said(task, "no_place") and prefix.exists()
        assert (await plain.remove(prefix)).state is TaskState.SUCCEEDED
        assert list(plain.envs.iterdir()) == []
    assert (plain.envs / "train" / "conda-meta" / "history").exists()


async def test_two_operators_on_one_install_take_turns(plain: ChangeHost, tmp_path: Path) -> None:
    first, second = plain.root.named("train", (PYTHON,)), plain.root.named("other", (PYTHON,))
    bob = ChangeHost(tmp_path, operator="bob@desk", home="bob")
    holding = plain.sh('while ! [ -e "$1" ]; do sleep 0.1; done', str(tmp_path / "go"), places=[plain.envs])
    assert await plain.start(holding)
    await plain.become(holding, TaskState.RUNNING)
    waiting = await bob.begin(await bob.removal(second))
    task = await bob.become(waiting, TaskState.WAITING_LOCK)
    assert task.waits_for is not None and task.waits_for.operator == "ada@laptop" and second.exists()
    (tmp_path / "go").touch()
    assert (await bob.become(waiting)).state is TaskState.SUCCEEDED
    assert first.exists() and not second.exists() and not (plain.envs / LOCK).exists()
    await bob.close()


async def test_what_a_start_up_file_activated_is_no_use(tmp_path: Path) -> None:
    """Each shell of a client then carries it, also those that do something else meanwhile."""
    host = ChangeHost(tmp_path)
    prefix = host.root.named("train", (PYTHON,))
    env = host.connection.env | {"CONDA_PREFIX": str(prefix)}
    host.connection = ShellConnection(env=env, login=("/usr/bin/bash",))
    other = await Lane.open(host.connection, timeout=30)
    assert (await host.remove(prefix)).state is TaskState.SUCCEEDED
    assert other.usable
    await host.close()
