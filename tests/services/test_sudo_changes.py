"""Changes of another account's environments over a real sshd and a real sudo: by that account, never by root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.taskhost import LOCK, marked
from tests.services.sudoing import OPEN_PROC, ROOTS_TASKS, Admin, Owner, environment, removed, running_as, who_owns
from tests.sshd import SshServer, run_as_root
from tests.sudoers import allowed
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.errors import RefusedError
from tui.domain.tasks import TaskState
from tui.services.schedule import Ask

pytestmark = pytest.mark.timeout(180)
K = ConcernKind


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=OPEN_PROC) as server:
        yield server


async def test_an_environment_of_another_account_goes_by_that_account_s_hand(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    admin = Admin(server, tmp_path, bob.user.home)
    train = bob.envs / "train"
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            task = await removed(fleet, train)
            assert task.state is TaskState.SUCCEEDED, task
            assert not train.exists()
            log = b"".join([part.data async for part in fleet.tasks.follow("gpu01", task.id)])
            assert b"Removed." in log
            assert not list(bob.envs.glob(LOCK))
            assert who_owns(bob.user.home) == {bob.user.uid}
            assert not list(admin.user.home.glob(".local/state/condafleet/tasks/*"))
            # What rebuilds it was kept before.
            assert list((admin.state / "archives").rglob("environment.yml"))


async def test_put_aside_brought_back_and_gone_for_good(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    admin = Admin(server, tmp_path, bob.user.home)
    train = bob.envs / "train"
    before = {path: os.lstat(path).st_ino for path in train.rglob("*")}
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            assert (await removed(fleet, train, keep_s=3600)).state is TaskState.SUCCEEDED
            (aside,) = (await fleet.changes.trash("gpu01")).asides
            assert aside.mine and os.lstat(aside.path).st_uid == bob.user.uid and not train.exists()
            change = Change(ChangeKind.RESTORE, "gpu01", aside.prefix or "", aside_id=aside.id)
            task = await fleet.changes.start(await fleet.changes.prepare(change))
            assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
            assert {path: os.lstat(path).st_ino for path in train.rglob("*")} == before
            await fleet._watch("gpu01").renewed(Ask.INVENTORY)
            assert (await removed(fleet, train, keep_s=3600)).state is TaskState.SUCCEEDED
            (aside,) = (await fleet.changes.trash("gpu01")).asides
            change = Change(ChangeKind.PURGE, "gpu01", aside.prefix or "", aside_id=aside.id)
            task = await fleet.changes.start(await fleet.changes.prepare(change))
            assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
            assert not (await fleet.changes.trash("gpu01")).asides
    assert who_owns(bob.user.home) == {bob.user.uid}


async def test_what_a_process_of_a_third_account_uses_is_seen_in_the_look_and_in_the_task(
    server: SshServer, tmp_path: Path
) -> None:
    bob = Owner(server)
    admin = Admin(server, tmp_path, bob.user.home)
    eve = server.add_user()
    train = bob.envs / "train"
    bob.user.home.chmod(0o755)
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            with running_as(eve.uid, "/bin/sh", "-c", f"cd {train} && exec sleep 1000") as pid:
                with pytest.raises(RefusedError) as raised:
                    await removed(fleet, train)
                assert "uses" in raised.value.message
                prepared = await fleet.changes.prepare(Change(ChangeKind.REMOVE, "gpu01", str(train), name="train"))
                (used,) = [each for each in prepared.concerns if each.kind is K.IN_USE]
                assert used.details[0].split()[:2] == [str(pid), eve.name]
                assert K.USE_UNKNOWN not in {each.kind for each in prepared.concerns}
            prepared = await fleet.changes.prepare(Change(ChangeKind.REMOVE, "gpu01", str(train), name="train"))
            assert prepared.concerns == ()
            # Somebody begins to use it between the look and the task.
            with running_as(eve.uid, "/bin/sh", "-c", f"cd {train} && exec sleep 1000"):
                task = await fleet.tasks.settled("gpu01", (await fleet.changes.start(prepared)).id)
            assert task.exit_code == 3 and any(words[:2] == ("concern", "in_use") for words in task.said)
            assert train.exists()


async def test_one_s_own_environment_needs_no_name_typed_any_more(server: SshServer, tmp_path: Path) -> None:
    user = server.add_user(shell="/bin/bash")
    own = Owner(server, user=user)
    admin = Admin(server, tmp_path, user=user)
    eve = server.add_user()
    with running_as(eve.uid, "sleep", "1000"):
        async with admin.fleet(sudo=False) as fleet:
            assert environment(fleet, own.envs / "train").in_use_complete is False
            with pytest.raises(RefusedError) as raised:
                await removed(fleet, own.envs / "train")
            assert "cannot be known" in raised.value.message
            found = await fleet.changes.prepare(Change(ChangeKind.REMOVE, "gpu01", str(own.envs / "train")))
            (unknown,) = [each for each in found.concerns if each.kind is K.USE_UNKNOWN]
            assert "`sudo: true`" in unknown.details[-1]
        with allowed(user.name):
            async with admin.fleet() as fleet:
                task = await removed(fleet, own.envs / "train")
    assert task.state is TaskState.SUCCEEDED, task
    assert who_owns(user.home) == {user.uid}


HOSTILE = ["-rf x; touch hurt `id` $(id)", "a'b\"c\\d", "zwei\nzeilen", "ümlaut 空", "*"]


async def test_hostile_names_go_through_as_data(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server, HOSTILE)
    admin = Admin(server, tmp_path, bob.user.home)
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            for name in HOSTILE:
                task = await removed(fleet, bob.envs / name)
                assert task.state is TaskState.SUCCEEDED, (name, task)
    assert not list(bob.envs.iterdir())
    assert sorted(path.name for path in bob.user.home.iterdir()) == ["miniforge3"]
    assert (bob.root.root / "conda-meta/history").exists()


async def test_an_environment_of_root_goes_by_root(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    run_as_root("chown", "-R", "-h", "0:0", bob.user.home)
    admin = Admin(server, tmp_path, bob.user.home)
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            assert (await removed(fleet, bob.envs / "train")).state is TaskState.SUCCEEDED
    assert not (bob.envs / "train").exists()


async def test_nobody_acts_as_an_account_that_is_gone(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    run_as_root("chown", "-R", "-h", "54321", bob.envs / "train")
    admin = Admin(server, tmp_path, bob.user.home)
    with allowed(admin.user.name):
        async with admin.fleet() as fleet:
            env = environment(fleet, bob.envs / "train")
            assert env.owner == "54321" and env.writable is False
            found = await fleet.changes.prepare(Change(ChangeKind.REMOVE, "gpu01", str(bob.envs / "train")))
            (foreign,) = [each for each in found.concerns if each.kind is K.FOREIGN_OWNER]
            assert "No account has the number 54321" in foreign.details[-1]
            with pytest.raises(RefusedError):
                await removed(fleet, bob.envs / "train", accepted=list(K))
    assert (bob.envs / "train/conda-meta/history").exists()


async def test_without_sudo_the_refusal_says_whose_it_is_and_what_would_help(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    bob.user.home.chmod(0o755)
    admin = Admin(server, tmp_path, bob.user.home)
    for sudo, words in ((False, "set `sudo: true` for this host"), (True, "the host's faults say why")):
        async with admin.fleet(sudo=sudo) as fleet:
            found = await fleet.changes.prepare(Change(ChangeKind.REMOVE, "gpu01", str(bob.envs / "train")))
            (denied,) = [each for each in found.concerns if each.kind is K.NOT_WRITABLE]
            assert f"Owned by {bob.user.name}: " in denied.details[-1] and words in denied.details[-1]


async def test_the_next_client_finds_a_task_of_root_s_and_ends_it(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    admin = Admin(server, tmp_path, bob.user.home)
    train = bob.envs / "train"
    # A conda of somebody's that runs there is waited for.
    busy = bob.root.root / "bin/conda"
    busy.parent.mkdir(exist_ok=True)
    busy.write_text("#!/bin/sh\nsleep 1000\n")
    busy.chmod(0o755)
    bob.close_home()
    with allowed(admin.user.name), running_as(bob.user.uid, busy, "install", "x"):
        async with admin.fleet() as fleet:
            env = environment(fleet, train)
            change = Change(ChangeKind.REMOVE, "gpu01", str(train), name="train", install=env.install)
            task = await fleet.changes.start(await fleet.changes.prepare(change))
            await eventually(lambda: (fleet.tasks.get("gpu01", task.id) or task).state is TaskState.WAITING_LOCK)
            assert (ROOTS_TASKS / task.id).is_dir()
            # Root's hand writes nothing into anybody's directory.
            assert list((bob.envs / LOCK).iterdir()) and who_owns(bob.envs) == {bob.user.uid}
            server.kill_sessions()
        async with admin.fleet() as fleet:
            await eventually(lambda: fleet.tasks.get("gpu01", task.id) is not None)
            await fleet.tasks.cancel("gpu01", task.id)
            over = await fleet.tasks.settled("gpu01", task.id)
            assert over.state is TaskState.CANCELLED, over
            assert not marked(task.id) and not list(bob.envs.glob(LOCK))
            assert await fleet.tasks.purge("gpu01", [task.id]) == (task.id,)
            assert not (ROOTS_TASKS / task.id).exists()
    assert train.exists()
