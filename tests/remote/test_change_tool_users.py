"""Changes of what is another account's: by root as that account, by others not at all."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.remote.inventories import NOBODY
from tests.remote.shells import SHELLS
from tests.remote.taskhost import PATIENCE_S, TaskHost, bin_sh
from tui.domain.changes import Change, ChangeKind
from tui.domain.environments import Install, Manager
from tui.domain.tasks import Task, TaskState
from tui.domain.toolargs import Tool, choose_tool
from tui.remote.changes.dryrun import dry_run
from tui.remote.changes.tool import Means, tool_job
from tui.remote.changes.tools import ask_tools
from tui.remote.tasks import start_task

UID = 65534
TOOL = """#!/bin/sh
printf '%s %s\\n' "$(id -u)" "$HOME"
case " $* " in *' --json '*) echo '{"success": true, "actions": {"LINK": []}}' >&1; exit ;; esac
for last; do :; done
case $last in *.txt) echo "$last"; cat "$last" ;; esac
mkdir -p "$3/conda-meta"
printf '# cmd: x -p %s\\n' "$3" >>"$3/conda-meta/history"
: >"$3/conda-meta/libsmall-1.0-h0.json"
echo 'Executing transaction: done'
"""


def give(top: Path, uid: int) -> None:
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files, "."):
            os.chown(Path(folder, name), uid, uid, follow_symlinks=False)


@pytest.fixture
def root() -> Iterator[Path]:
    """An install in a place that every account can reach, nobody's."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        made = Path(name, "conda")
        Path(name, "tmp").mkdir()
        Path(name, "tmp").chmod(0o1777)
        for folder in ("bin", "envs", "pkgs", "conda-meta"):
            (made / folder).mkdir(parents=True)
        (made / "bin/conda").write_text(TOOL)
        (made / "bin/conda").chmod(0o755)
        give(made, UID)
        yield made


@pytest.fixture(params=["dash", "bash", "busybox"])
async def admin(request: pytest.FixtureRequest, tmp_path: Path, root: Path) -> AsyncIterator[TaskHost]:
    """Root's way to the host."""
    host = TaskHost(tmp_path / "home", SHELLS[request.param], wrap=bin_sh(request.param))
    host.connection.env["TMPDIR"] = str(root.with_name("tmp"))
    yield host
    await host.close()


def left_over(root: Path) -> list[Path]:
    """What is in the folder for things of a moment."""
    return list(root.with_name("tmp").iterdir())


async def carried_out(host: TaskHost, root: Path, change: Change) -> tuple[Task, str]:
    install = Install(str(root), Manager.CONDA, None, envs_dirs=(f"{root}/envs",), pkgs_dirs=(f"{root}/pkgs",))
    box = await ask_tools(await host.lane(), "gpu01", install, timeout=PATIENCE_S)
    tool = choose_tool(box, change.kind)
    if not isinstance(tool, Tool):
        tool = Tool(Manager.CONDA, f"{root}/bin/conda", str(root))
    job = tool_job(change, Means(install, box, tool, (str(root),), install.envs_dirs), host.spec().id, "ada@laptop")
    assert await start_task(
        await host.lane(), "gpu01", job.spec, program=job.program, args=job.args, timeout=PATIENCE_S
    )
    task = await host.become(job.spec)
    assert not (host.folder(job.spec) / "program").exists() or not change.explicit
    return task, (await host.log(job.spec)).decode()


async def test_root_makes_and_changes_as_the_owner(admin: TaskHost, root: Path) -> None:
    url = "https://example.org/noarch/libsmall-1.0-h0.conda"
    prefix = root / "envs/train"
    task, log = await carried_out(admin, root, Change(ChangeKind.CREATE, "gpu01", str(prefix), explicit=(url,)))
    assert task.state is TaskState.SUCCEEDED, log
    assert f"{UID} /nonexistent" in log
    assert f"{root.with_name('tmp')}/condafleet-lists." in log
    assert url in log
    assert ("made", str(prefix)) in task.said
    assert {path.lstat().st_uid for path in (prefix, *prefix.rglob("*"))} == {UID}
    task, log = await carried_out(admin, root, Change(ChangeKind.INSTALL, "gpu01", str(prefix), specs=("libsmall",)))
    assert task.state is TaskState.SUCCEEDED, log
    assert {path.lstat().st_uid for path in (prefix, *prefix.rglob("*"))} == {UID}
    assert not left_over(root)


async def test_a_dry_run_by_root_is_the_owners(admin: TaskHost, root: Path) -> None:
    install = Install(str(root), Manager.CONDA, None, envs_dirs=(f"{root}/envs",), pkgs_dirs=(f"{root}/pkgs",))
    box = await ask_tools(await admin.lane(), "gpu01", install, timeout=PATIENCE_S)
    assert box.caches == (f"{root}/pkgs",)
    change = Change(ChangeKind.CREATE, "gpu01", f"{root}/envs/x", specs=("libsmall",))
    tool = choose_tool(box, change.kind)
    assert isinstance(tool, Tool)
    told = await dry_run(await admin.lane(), "gpu01", tool, change)
    assert told.outcome is not None
    assert told.outcome.is_success


async def test_a_program_of_a_third_account_is_run_for_nobody(admin: TaskHost, root: Path) -> None:
    os.chown(root / "bin/conda", 54321, 54321)
    prefix = root / "envs/train"
    task, log = await carried_out(admin, root, Change(ChangeKind.CREATE, "gpu01", str(prefix), specs=("libsmall",)))
    assert task.exit_code == 3, log
    assert not prefix.exists()


@pytest.fixture
async def nobody(root: Path) -> AsyncIterator[TaskHost]:
    """The way of an account to which nothing belongs."""
    give(root, 54321)
    for folder in ("envs", "pkgs"):
        (root / folder).chmod(0o777)
    host = TaskHost(root.with_name("home"), wrap=NOBODY)
    os.chown(host.home, UID, UID)
    yield host
    await host.close()


async def test_another_account_changes_nothing(nobody: TaskHost, root: Path) -> None:
    change = Change(ChangeKind.CREATE, "gpu01", f"{root}/envs/train", specs=("libsmall",))
    task, log = await carried_out(nobody, root, change)
    assert task.exit_code == 3, log
    assert any(each[:2] == ("concern", "foreign_owner") for each in task.said)
    assert not (root / "envs/train").exists()
