"""A removal that is interrupted: the environment stands whole, or it is out of sight and what is left goes later."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, PYTHON
from tests.remote.changehost import ChangeHost, listing
from tests.remote.shells import GNU_PATH
from tests.remote.taskhost import contents, until
from tui.domain.changes import ConcernKind
from tui.domain.tasks import TaskState
from tui.domain.trash import AsideState, due
from tui.remote.tasks import CancelAnswer, cancel_task

K = ConcernKind

# Programs that stop where a test wants: before or after what they are there for.
MV = """#!/bin/sh
case "$*" in *"/envs/"*.condafleet-trash/*) ;; *) exec /usr/bin/mv "$@" ;; esac
[ "$POINT" = renamed ] && /usr/bin/mv "$@"
case $POINT in renaming | renamed) : >"$HOME/reached"; while ! [ -e "$HOME/go" ]; do sleep 0.1; done ;; esac
[ "$POINT" = renamed ] || exec /usr/bin/mv "$@"
"""
FIND = """#!/bin/sh
case "$*" in *-delete) ;; *) exec /usr/bin/find "$@" ;; esac
case $POINT in
  deleting)
    /usr/bin/find ./conda-meta -delete
    : >"$HOME/reached"
    while ! [ -e "$HOME/go" ]; do sleep 0.1; done
    ;;
esac
exec /usr/bin/find "$@"
"""
STAT = """#!/bin/sh
if [ "$POINT" = looking ] && [ "$1" = -f ]; then
  : >"$HOME/reached"
  while ! [ -e "$HOME/go" ]; do sleep 0.1; done
fi
exec /usr/bin/stat "$@"
"""


class StoppingHost(ChangeHost):
    """Its programs wait at a point."""

    def stop_at(self, folder: Path, point: str) -> None:
        tools = folder / "tools"
        tools.mkdir()
        for name, text in (("mv", MV), ("find", FIND), ("stat", STAT)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.connection.env |= {"PATH": f"{tools}:{GNU_PATH}", "POINT": point}


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[StoppingHost]:
    host = StoppingHost(tmp_path)
    yield host
    await host.close()


def whole(host: ChangeHost) -> dict[bytes, tuple[int, int]]:
    return {path: known for path, known in listing(host.root.root).items() if b".condafleet-lock" not in path}


@pytest.mark.parametrize("how", ("interrupted", "killed"))
@pytest.mark.parametrize("point", ("looking", "renaming", "renamed", "deleting"))
async def test_it_stands_whole_or_is_out_of_sight(host: StoppingHost, tmp_path: Path, point: str, how: str) -> None:
    prefix = host.root.named("train", (PYTHON, NUMPY))
    other = host.root.named("other", (PYTHON,))
    condaroot.environments_txt(host.home, [prefix, other])
    job = await host.removal(prefix)
    before = whole(host)
    # The look is over: from here on its programs wait.
    await host.close()
    host = StoppingHost(tmp_path)
    host.stop_at(tmp_path, point)
    spec = await host.begin(job)
    await until((host.home / "reached").exists)
    if how == "killed":
        host.kill_all(spec)
    else:
        assert await cancel_task(await host.lane(), "gpu01", spec.id, "bob") is CancelAnswer.ASKED
    task = await host.become(spec)
    assert task.state in (TaskState.CANCELLED, TaskState.LOST, TaskState.FAILED), task
    assert task.left_behind == 0
    await host.close()
    host = StoppingHost(tmp_path)
    seen = await host.trash()
    if point in ("looking", "renaming"):
        assert {path: before[path] for path in before} == {path: whole(host).get(path) for path in before}
        assert seen.asides == ()
        if how == "interrupted":
            assert whole(host) == before
        # The next one is not disturbed by what a kill left.
        assert (await host.remove(prefix)).state is TaskState.SUCCEEDED
    else:
        assert contents(host.envs) in (["other"], ["other", ".condafleet-lock"], [".condafleet-lock", "other"])
        if how == "interrupted":
            assert [words for words in task.said if words[0] == "left"] == [("left", seen.asides[0].path)]
        (left,) = due(seen.asides, seen.now)
        assert left.state is AsideState.LEFT and left.prefix == str(prefix) and not left.restorable
        assert (await host.purge(left)).state is TaskState.SUCCEEDED
    assert (await host.trash()).asides == ()
    gone = {path for path in before if f"{os.fsdecode(path)}/".startswith(f"{prefix}/")}
    now = {path: known for path, known in whole(host).items() if b"/.condafleet-trash" not in path}
    assert now == {path: known for path, known in before.items() if path not in gone}
    assert (host.home / ".conda/environments.txt").read_text().splitlines() == [str(other)]
    await host.close()


@pytest.mark.parametrize("how", ("interrupted", "killed"))
@pytest.mark.parametrize("point", ("renaming", "renamed"))
async def test_what_was_to_be_put_aside_is_whole_wherever_it_is(
    host: StoppingHost, tmp_path: Path, point: str, how: str
) -> None:
    prefix = host.root.named("train", (PYTHON, NUMPY))
    job = await host.removal(prefix, 3600)
    before = listing(prefix)
    await host.close()
    host = StoppingHost(tmp_path)
    host.stop_at(tmp_path, point)
    spec = await host.begin(job)
    await until((host.home / "reached").exists)
    if how == "killed":
        host.kill_all(spec)
    else:
        await cancel_task(await host.lane(), "gpu01", spec.id, "bob")
    await host.become(spec)
    await host.close()
    host = StoppingHost(tmp_path)
    seen = await host.trash()
    if point == "renaming":
        assert seen.asides == () and listing(prefix) == before
    else:
        assert not prefix.exists()
        (aside,) = seen.asides
        assert aside.restorable and aside.prefix == str(prefix)
        assert (await host.restore(aside)).state is TaskState.SUCCEEDED
        assert listing(prefix) == before
    await host.close()
