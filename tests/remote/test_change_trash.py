"""Environments put aside: out of sight at once, back as they were, or gone for good after their time."""

from __future__ import annotations

import os
import time
from itertools import cycle
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, PYTHON
from tests.remote.changehost import ChangeHost, listing, mounted_at, refused_for, running
from tests.remote.inventories import inventory, lane
from tests.remote.shells import GNU_PATH, SHELLS
from tests.remote.taskhost import contents
from tui.domain.changes import ConcernKind
from tui.domain.tasks import TaskState
from tui.domain.trash import Aside, AsideState, due

K = ConcernKind
ODD = ("train", "two words", "-rf", "new\nline", "$(touch x)'\"", os.fsdecode(b"\xff\xfe"), "[a-z]*?\\")

SINCE = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()[19]
"""When this process began, as its host tells."""


async def aside_of(host: ChangeHost, prefix: Path, keep_s: float = 3600) -> Aside:
    assert (await host.remove(prefix, keep_s)).state is TaskState.SUCCEEDED
    (aside,) = (await host.trash()).asides
    return aside


def lines(host: ChangeHost) -> list[str]:
    return (host.home / ".conda/environments.txt").read_text(errors="surrogateescape").splitlines()


@pytest.mark.parametrize(("host", "name"), zip(cycle(SHELLS), ODD), indirect=["host"])
async def test_it_comes_back_as_it_was(host: ChangeHost, name: str) -> None:
    prefix = host.root.named(name, (PYTHON, NUMPY))
    other = host.root.named("other", (PYTHON,))
    condaroot.environments_txt(host.home, [other] if "\n" in name else [prefix, other])
    before, size = (
        listing(host.root.root),
        sum(
            path.lstat().st_blocks * 512
            for path in (prefix, *prefix.rglob("*"))
            if path.is_dir() or path.lstat().st_nlink == 1
        ),
    )
    started = time.time()
    aside = await aside_of(host, prefix)
    assert not prefix.exists() and contents(host.envs) == ["other"] and lines(host) == [str(other)]
    assert aside.path == f"{host.root.root}/.condafleet-trash/{aside.id}"
    assert (aside.prefix, aside.state, aside.mine, aside.operator) == (str(prefix), AsideState.KEPT, True, "ada@laptop")
    assert aside.listed is ("\n" not in name) and aside.bytes == size and aside.restorable
    assert aside.since is not None and int(started) <= aside.since <= time.time()
    assert aside.until == aside.since + 3600
    task = await host.restore(aside)
    assert task.state is TaskState.SUCCEEDED, task
    assert listing(host.root.root) == before
    assert (await host.trash()).asides == () and lines(host)[: None if aside.listed else 1] == [
        str(other),
        *([str(prefix)] if aside.listed else []),
    ]


async def test_nothing_finds_it_while_it_is_aside(plain: ChangeHost, tmp_path: Path) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    plain.root.base()
    await aside_of(plain, prefix)
    shell = (SHELLS["dash"], {"PATH": GNU_PATH, "HOME": str(plain.home)})
    async with lane(*shell) as asked:
        reader = inventory(tmp_path)
        assert await reader.search(asked, str(tmp_path)) == (str(plain.root.root),)
        parts = await reader.read(asked, None, None)
    assert {env.prefix for env in parts["environments"].value or ()} == {str(plain.root.root)}


async def test_what_stands_at_its_place_is_never_overwritten(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    aside = await aside_of(plain, prefix)
    for make in (lambda: prefix.mkdir(), lambda: prefix.symlink_to("/nonexistent"), lambda: prefix.write_text("")):
        make()
        before = listing(plain.root.root)
        assert refused_for(await plain.restore(aside)).keys() == {K.EXISTS}
        assert listing(plain.root.root) == before
        if prefix.is_dir():
            prefix.rmdir()
        else:
            prefix.unlink()
    assert (await plain.restore(aside)).state is TaskState.SUCCEEDED


async def test_what_was_swapped_meanwhile_does_not_come_back(plain: ChangeHost, tmp_path: Path) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    aside = await aside_of(plain, prefix)
    env = Path(aside.path) / "env"
    env.rename(tmp_path / "away")
    env.mkdir()
    assert refused_for(await plain.restore(aside)).keys() == {K.CHANGED}
    env.rmdir()
    env.symlink_to(tmp_path / "away")
    assert K.MISSING in refused_for(await plain.restore(aside))
    assert not prefix.exists() and (tmp_path / "away" / "conda-meta" / "history").exists()


async def test_a_purge_takes_what_has_had_its_time(host: ChangeHost) -> None:
    first, second = host.root.named("first", (PYTHON,)), host.root.named("second", (PYTHON,))
    before = listing(host.root.pkgs)
    assert (await host.remove(first, 1)).state is TaskState.SUCCEEDED
    assert (await host.remove(second, 3600)).state is TaskState.SUCCEEDED
    while True:
        seen = await host.trash()
        chosen = due(seen.asides, seen.now)
        if chosen:
            break
    assert [each.prefix for each in chosen] == [str(first)]
    # The host's own clock has the last word.
    task = await host.purge(*seen.asides, only_due=True)
    assert task.exit_code == 1
    (kept,) = (await host.trash()).asides
    assert kept.prefix == str(second)
    assert (await host.purge(kept, only_due=True)).exit_code == 3
    assert (await host.purge(kept)).state is TaskState.SUCCEEDED
    assert (await host.trash()).asides == () and listing(host.root.pkgs) == before
    assert set(contents(host.root.root)) == {"envs", "pkgs"}
    assert (await host.purge(kept)).state is TaskState.SUCCEEDED


async def test_what_is_used_while_it_is_aside_stays(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    with running("sleep", "1000", cwd=prefix):
        task = await plain.remove(prefix, 1, [K.IN_USE])
        assert task.state is TaskState.SUCCEEDED
        (aside,) = (await plain.trash()).asides
        assert refused_for(await plain.purge(aside)).keys() == {K.IN_USE}
        assert (await plain.trash()).asides == (aside,)
    assert (await plain.purge(aside)).state is TaskState.SUCCEEDED


async def test_nothing_of_a_mount_is_purged(plain: ChangeHost, tmp_path: Path) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    aside = await aside_of(plain, prefix)
    place = Path(aside.path) / "env" / "lib"
    (tmp_path / "treasure").mkdir()
    (tmp_path / "treasure" / "file").write_text("x")
    with mounted_at(place, "--bind", tmp_path / "treasure"):
        assert refused_for(await plain.purge(aside)).keys() == {K.MOUNTED}
        assert refused_for(await plain.purge(aside, accepted=[K.MOUNTED])).keys() == {K.MOUNTED}
        assert (tmp_path / "treasure" / "file").exists()
    assert (await plain.purge(aside)).state is TaskState.SUCCEEDED
    assert (tmp_path / "treasure" / "file").exists() and (await plain.trash()).asides == ()


async def test_what_lies_in_the_trash_and_makes_no_sense_is_passed_over(plain: ChangeHost, tmp_path: Path) -> None:
    aside = await aside_of(plain, plain.root.named("train", (PYTHON,)))
    trash = Path(aside.path).parent
    (trash / "20261121-101500-aaaaaaaa").symlink_to(tmp_path)
    (trash / "20261121-101500-bbbbbbbb").mkdir()
    (trash / "not an id" / "env").mkdir(parents=True)
    odd = trash / "20261121-101500-cccccccc"
    (odd / "env").mkdir(parents=True)
    (odd / "meta").write_bytes(b'{"prefix":"relative"}\n=end\0000\0\n')
    seen = {each.id: each for each in (await plain.trash()).asides}
    assert seen.keys() == {aside.id, odd.name}
    assert seen[odd.name].prefix is None and not seen[odd.name].restorable


async def test_what_an_interrupted_task_prepared_goes_with_the_next_removal(host: ChangeHost) -> None:
    trash = host.root.root / ".condafleet-trash"
    index = host.home / ".local/state/condafleet/trash"
    index.mkdir(parents=True)
    for name in ("20261121-101500-aaaaaaaa", "20261121-101500-bbbbbbbb", "20261121-101500-cccccccc"):
        (trash / name).mkdir(parents=True)
        (trash / name / "meta").write_text("{}\n")
        (index / name).symlink_to(trash / name)
    old = time.time() - 10000
    for name in ("20261121-101500-aaaaaaaa", "20261121-101500-cccccccc"):
        os.utime(index / name, (old, old), follow_symlinks=False)
    (trash / "20261121-101500-cccccccc" / "env").mkdir()
    assert (await host.remove(host.root.named("train", (PYTHON,)))).state is TaskState.SUCCEEDED
    # The second may be just about to be used, the third holds something.
    kept = {"20261121-101500-bbbbbbbb", "20261121-101500-cccccccc"}
    assert set(contents(trash)) == set(contents(index)) == kept


async def test_the_next_removal_finishes_what_one_before_left(host: ChangeHost) -> None:
    index = host.home / ".local/state/condafleet/trash"
    for name in ("first", "second"):
        assert (await host.remove(host.root.named(name, (PYTHON,)), 3600)).state is TaskState.SUCCEEDED
    (first, second) = sorted((await host.trash()).asides, key=lambda each: each.id)
    # As after a kill: the first half removed by a task that is gone, the second by one that lives.
    for aside in (first, second):
        (Path(aside.path) / "env").rename(Path(aside.path) / "gone")
    words = (host.home / ".local/state/condafleet/tasks" / second.id / "pid").read_text().split("_")
    words[3:5] = [str(os.getpid()), SINCE]
    (host.home / ".local/state/condafleet/tasks" / second.id / "pid").write_text("_".join(words))
    assert (await host.remove(host.root.named("third", (PYTHON,)))).state is TaskState.SUCCEEDED
    assert [(each.id, each.state) for each in (await host.trash()).asides] == [(second.id, AsideState.LEFT)]
    assert contents(index) == [second.id]
