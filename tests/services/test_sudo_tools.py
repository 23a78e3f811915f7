"""Package managers run as an environment's owner, with nothing of the login's, over a real sshd and a real sudo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.fakes import eventually
from tests.remote.taskhost import LOCK, marked
from tests.services.sudoing import OPEN_PROC, Admin, Owner, environment, who_owns
from tests.sshd import SshServer, run_as_root
from tests.sudoers import allowed
from tui.domain.changes import Change, ChangeKind, acceptable
from tui.domain.tasks import Task, TaskState
from tui.services.engine import FleetService
from tui.services.schedule import Ask

pytestmark = pytest.mark.timeout(180)

TOOL = """#!/bin/sh
# A stand-in: it tells who runs it with what, and makes what it was asked for.
env | sort
id -un
case " $* " in *' --dry-run '*) echo '{"success": true, "actions": {"LINK": []}}'; exit ;; esac
mkdir -p "$3/conda-meta"
printf '# cmd: %s -p %s\\n' "$0" "$3" >>"$3/conda-meta/history"
: >"$3/conda-meta/libsmall-1.0-h0.json"
while [ -e "$3/../hold" ]; do sleep 0.1; done
echo 'Executing transaction: done'
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=OPEN_PROC) as server:
        yield server


def with_tool(owner: Owner) -> Owner:
    """The install has a conda that can be run."""
    tool = owner.root.root / "bin/conda"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    owner.close_home()
    return owner


async def begun(fleet: FleetService, change: Change) -> Task:
    prepared = await fleet.changes.prepare(change)
    return await fleet.changes.start(prepared, acceptable(prepared.concerns))


async def log_of(fleet: FleetService, task: Task) -> str:
    return b"".join([part.data async for part in fleet.tasks.follow("gpu01", task.id)]).decode()


def make(owner: Owner, name: str) -> Change:
    return Change(ChangeKind.CREATE, "gpu01", str(owner.envs / name), str(owner.root.root), name, specs=("libsmall",))


async def test_the_owner_s_tool_runs_as_the_owner_and_clean(server: SshServer, tmp_path: Path) -> None:
    bob = with_tool(Owner(server))
    admin = Admin(server, tmp_path, bob.user.home)
    (admin.user.home / ".bashrc").write_text(
        "export SECRET_OF_THE_LOGIN=hush CONDA_PKGS_DIRS=/x PIP_INDEX_URL=https://u:p@x PYTHONPATH=/x\n"
    )
    # What most administrators leave as it is: even where sudo hands the environment on, none of it gets in.
    with allowed(admin.user.name, defaults="!env_reset"):
        async with admin.fleet() as fleet:
            task = await begun(fleet, make(bob, "new"))
            assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
            log = await log_of(fleet, task)
            change = Change(
                ChangeKind.INSTALL, "gpu01", str(bob.envs / "train"), str(bob.root.root), "train", specs=("libsmall",)
            )
            task = await begun(fleet, change)
            assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
    lines = log.replace("\r", "").splitlines()
    assert bob.user.name in lines
    for word in (f"HOME={bob.user.home}", f"USER={bob.user.name}", f"LOGNAME={bob.user.name}"):
        assert word in lines
    for word in ("hush", "u:p", "PYTHONPATH", "CONDAFLEET_LOGIN", "SUDO_", admin.user.name, "HOME=/root"):
        assert word not in log, word
    assert who_owns(bob.user.home) == {bob.user.uid}
    assert not list(bob.root.root.rglob(LOCK))


@pytest.mark.parametrize("ended", [TaskState.SUCCEEDED, TaskState.CANCELLED])
async def test_a_running_one_outlives_the_connection_and_the_next_client_sees_or_makes_its_end(
    server: SshServer, tmp_path: Path, ended: TaskState
) -> None:
    bob = with_tool(Owner(server))
    admin = Admin(server, tmp_path, bob.user.home)
    hold = bob.envs / "hold"
    hold.touch()
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            task = await begun(fleet, make(bob, "new"))
            await eventually(lambda: (bob.envs / "new/conda-meta/libsmall-1.0-h0.json").exists())
            server.kill_sessions()
        async with admin.fleet() as fleet:
            await eventually(lambda: fleet.tasks.get("gpu01", task.id) is not None)
            if ended is TaskState.CANCELLED:
                await fleet.tasks.cancel("gpu01", task.id)
            else:
                hold.unlink()
            over = await fleet.tasks.settled("gpu01", task.id)
    assert over.state is ended, over
    hold.unlink(missing_ok=True)
    assert not marked(task.id) and not list(bob.root.root.rglob(LOCK))
    assert (bob.envs / "new").exists() is (ended is TaskState.SUCCEEDED)
    assert who_owns(bob.user.home) == {bob.user.uid}


async def test_where_the_login_may_write_it_makes_its_own(server: SshServer, tmp_path: Path) -> None:
    """A root's install with a directory of environments for everybody."""
    shared = server.directory / "shared"
    root = CondaRoot(shared)
    root.base()
    (shared / "bin/conda").write_text(TOOL)
    (shared / "bin/conda").chmod(0o755)
    run_as_root("chown", "-R", "-h", "0:0", shared)
    (shared / "envs").chmod(0o1777)
    admin = Admin(server, tmp_path, shared)
    change = Change(ChangeKind.CREATE, "gpu01", f"{shared}/envs/mine", str(shared), "mine", specs=("libsmall",))
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            task = await begun(fleet, change)
            over = await fleet.tasks.settled("gpu01", task.id)
            assert over.state is TaskState.SUCCEEDED, (over, await log_of(fleet, task))
            await fleet._watch("gpu01").renewed(Ask.INVENTORY)
            assert environment(fleet, shared / "envs/mine").owner == admin.user.name
    assert (shared / "envs/mine/conda-meta").stat().st_uid == admin.user.uid


async def test_a_program_of_a_third_account_is_run_for_nobody(server: SshServer, tmp_path: Path) -> None:
    bob = with_tool(Owner(server))
    run_as_root("chown", "54321", bob.root.root / "bin/conda")
    admin = Admin(server, tmp_path, bob.user.home)
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            prepared = await fleet.changes.prepare(make(bob, "new"))
            assert [each.kind.value for each in prepared.standing] == ["foreign_owner"]
    assert not (bob.envs / "new").exists()
