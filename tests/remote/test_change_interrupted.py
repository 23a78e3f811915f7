"""A removal that is interrupted: the environment stands whole, or it is out of sight and what is left goes later."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, PYTHON, Pkg
from tests.fakes import eventually
from tests.remote.changehost import ChangeHost, listing
from tests.remote.shells import GNU_PATH
from tests.remote.taskhost import contents, marked
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


OTHER_BOOT = "11111111-2222-3333-4444-555555555555"


class StoppingHost(ChangeHost):
    """Its programs wait at a point."""

    def __init__(self, folder: Path, point: str) -> None:
        super().__init__(folder)
        tools = folder / "tools"
        tools.mkdir()
        for name, text in (("mv", MV), ("find", FIND), ("stat", STAT)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        self.connection.env |= {"PATH": f"{tools}:{GNU_PATH}", "POINT": point}


def rebooted(folder: Path) -> ChangeHost:
    """The same host after a reboot, as far as it can tell."""
    (folder / "boot_id").write_text(OTHER_BOOT + "\n")
    mount = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
    return ChangeHost(folder, wrap=("unshare", "-m", "/bin/sh", "-c", mount, str(folder / "boot_id")))


def whole(host: ChangeHost) -> dict[bytes, tuple[int, int]]:
    return {path: known for path, known in listing(host.root.root).items() if b".condafleet-lock" not in path}


@pytest.mark.parametrize("how", ("interrupted", "killed", "rebooted"))
@pytest.mark.parametrize("point", ("looking", "renaming", "renamed", "deleting"))
async def test_it_stands_whole_or_is_out_of_sight(tmp_path: Path, point: str, how: str) -> None:
    host: ChangeHost = ChangeHost(tmp_path)
    prefix = host.root.named("train", (PYTHON, NUMPY))
    other = host.root.named("other", (PYTHON,))
    condaroot.environments_txt(host.home, [prefix, other])
    job = await host.removal(prefix)
    before = whole(host)
    # The look is over: from here on its programs wait.
    await host.close()
    host = StoppingHost(tmp_path, point)
    spec = await host.begin(job)
    await eventually((host.home / "reached").exists)
    if how != "interrupted":
        host.kill_all(spec)
    else:
        assert await cancel_task(await host.lane(), "gpu01", spec.id, "bob") is CancelAnswer.ASKED
    if how == "rebooted":
        await host.close()
        host = rebooted(tmp_path)
    task = await host.become(spec)
    assert task.state is (TaskState.CANCELLED if how == "interrupted" else TaskState.LOST), task
    assert task.left_behind == 0
    # A tool that was just being started when all were killed ends by itself.
    await eventually(lambda: not marked(spec.id))
    if how != "rebooted":
        await host.close()
        host = ChangeHost(tmp_path)
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
async def test_what_was_to_be_put_aside_is_whole_wherever_it_is(tmp_path: Path, point: str, how: str) -> None:
    host: ChangeHost = ChangeHost(tmp_path)
    prefix = host.root.named("train", (PYTHON, NUMPY))
    job = await host.removal(prefix, 3600)
    before = listing(prefix)
    await host.close()
    host = StoppingHost(tmp_path, point)
    spec = await host.begin(job)
    await eventually((host.home / "reached").exists)
    if how == "killed":
        host.kill_all(spec)
    else:
        await cancel_task(await host.lane(), "gpu01", spec.id, "bob")
    await host.become(spec)
    await eventually(lambda: not marked(spec.id))
    await host.close()
    host = ChangeHost(tmp_path)
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


@pytest.mark.parametrize("seed", range(9))
async def test_a_signal_at_any_moment_leaves_it_whole_or_out_of_sight(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    host = ChangeHost(tmp_path)
    prefix = host.root.named("train", (PYTHON, Pkg("many", files=1500)))
    job = await host.removal(prefix)
    before = listing(prefix)
    spec = await host.begin(job)
    await eventually((host.folder(spec) / "started").exists)
    await asyncio.sleep(dice.random() * 0.7)
    inner = int((host.folder(spec) / "pid").read_text().split("_")[3])
    sign = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)[seed % 3]
    if sign is signal.SIGKILL:
        host.kill_all(spec)
    else:
        with suppress(ProcessLookupError):
            os.killpg(inner, sign)
    task = await host.become(spec)
    await eventually(lambda: not marked(spec.id))
    seen = await host.trash()
    if prefix.exists():
        assert listing(prefix) == before and seen.asides == () and task.state is not TaskState.SUCCEEDED
    elif task.state is TaskState.SUCCEEDED:
        assert seen.asides == ()
    for left in seen.asides:
        assert left.state is AsideState.LEFT
        assert (await host.purge(left)).state is TaskState.SUCCEEDED
    # Whatever happened, the next one finds its way.
    if prefix.exists():
        assert (await host.remove(prefix)).state is TaskState.SUCCEEDED
    assert (await host.trash()).asides == () and not prefix.exists()
    await host.close()
