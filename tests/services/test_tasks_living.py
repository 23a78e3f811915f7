"""Tasks of a running fleet, over a real sshd: begun once, seen by everybody, followed, ended, remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.taskhost import HERE
from tests.services.tasking import FRESH_PROC, Operator, job
from tests.sshd import SshServer, SshUser, run_as_root
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.tasks import TaskState
from tui.remote.probe import HostProbe
from tui.remote.tasks import CancelAnswer
from tui.services.engine import FleetService
from tui.services.events import HostNoticed


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=FRESH_PROC) as server:
        yield server


@pytest.fixture
def ada(server: SshServer, tmp_path: Path) -> Operator:
    return Operator(server, server.add_user(shell="/bin/bash"), tmp_path)


def gate(user: SshUser, name: str = "gate") -> Path:
    """A pipe that a task reads from until somebody writes to it."""
    path = user.home / name
    user.run("mkfifo", path)
    return path


def open_gate(user: SshUser, path: Path) -> None:
    user.run("sh", "-c", f"echo go >'{path}'")


BEFORE = "0" * 8 + HERE.boot[8:]
"""Another boot."""


def states(fleet: FleetService) -> list[TaskState]:
    return sorted(task.state for task in fleet.store.tasks())


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def state(fleet: FleetService, task_id: str, *states: TaskState) -> None:
    """Wait until the store knows it to be so."""

    def is_there() -> bool:
        task = fleet.tasks.get("gpu01", task_id)
        return task is not None and task.state in states

    await eventually(is_there)


async def test_a_task_is_begun_seen_followed_and_remembered(ada: Operator) -> None:
    async with ada.fleet() as fleet:
        door = gate(ada.user)
        script = (
            'printf "=said\\0003\\000freed\\000/x\\00012\\000" >>"$CONDAFLEET_SPOOL/said"; '
            'echo begun; read -r x <"$1"; echo "$2"; exit 0'
        )
        wanted = job(script, str(door), "it's done")
        task = await fleet.tasks.start("gpu01", wanted)
        assert task.id == wanted.spec.id and not task.is_over
        await state(fleet, task.id, TaskState.RUNNING)
        known = fleet.store.host("gpu01").tasks
        assert known is not None and known.living == 1 and known.fault is None
        seen = b""
        async for part in fleet.tasks.follow("gpu01", task.id):
            assert part.offset == len(seen)
            seen += part.data
            if seen == b"begun\r\n":
                open_gate(ada.user, door)
        assert seen == b"begun\r\nit's done\r\n"
        over = await fleet.tasks.settled("gpu01", task.id)
        assert (over.state, over.exit_code, over.said) == (TaskState.SUCCEEDED, 0, (("freed", "/x", "12"),))
        assert fleet.tasks.get("gpu01", task.id) == over
        (record,) = await fleet.tasks.history()
        assert (record.id, record.host, record.operator, record.state) == (task.id, "gpu01", "ada@laptop", over.state)
        assert await fleet.tasks.purge("gpu01", (task.id,)) == (task.id,)
        assert fleet.tasks.get("gpu01", task.id) is None and not ada.spool(task).exists()
        assert len(await fleet.tasks.history()) == 1
        with pytest.raises(HostFaultError) as raised:
            await fleet.tasks.settled("gpu01", task.id)
        assert raised.value.fault.kind is FaultKind.GHOST


async def test_the_next_client_finds_what_runs_and_remembers_how_it_ended(ada: Operator) -> None:
    door = gate(ada.user)
    async with ada.fleet() as fleet:
        task = await fleet.tasks.start("gpu01", job('read -r x <"$1"; exit 7', str(door)))
        await state(fleet, task.id, TaskState.RUNNING)
    assert not (ada.state / "tasks").exists()
    async with ada.fleet() as fleet:
        # Nobody asked: it is found after the first inventory.
        await state(fleet, task.id, TaskState.RUNNING)
        open_gate(ada.user, door)
        await state(fleet, task.id, TaskState.FAILED)
        await eventually(lambda: (ada.state / "tasks/history.jsonl").exists())
    async with ada.fleet(watch=False) as fleet:
        assert [(record.id, record.exit_code) for record in await fleet.tasks.history()] == [(task.id, 7)]
        assert fleet.store.host("gpu01").tasks is None


async def test_after_its_end_the_host_is_looked_at_again(ada: Operator) -> None:
    async with ada.fleet() as fleet:
        async with asyncio.timeout(60):
            await fleet.settled(["gpu01"], ["environments"])
        assert fleet.store.environments() == ()
        made = job('mkdir -p "$1/conda-meta" && : >"$1/conda-meta/history"', str(ada.user.home / "made"))
        await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", made)).id)
        await eventually(lambda: [env.prefix for env in fleet.store.environments()] == [str(ada.user.home / "made")])


async def test_two_clients_on_one_install_take_turns_and_say_for_whom(
    server: SshServer, ada: Operator, tmp_path: Path
) -> None:
    bob = Operator(server, ada.user, tmp_path, "bob")
    cache = ada.user.home / "pkgs"
    ada.user.run("mkdir", cache)
    log, door = ada.user.home / "order", gate(ada.user)
    script = 'echo "$2 in" >>"$1"; [ -z "$3" ] || read -r x <"$3"; echo "$2 out" >>"$1"'
    async with ada.fleet() as first, bob.fleet() as second:
        jobs = [
            job(script, str(log), name, str(door), places=(cache,), operator=f"{name}@desk") for name in ("ada", "bob")
        ]
        one, two = await asyncio.gather(first.tasks.start("gpu01", jobs[0]), second.tasks.start("gpu01", jobs[1]))
        # Each sees the other's.
        for fleet in (first, second):
            await eventually(lambda: states(first) == states(second) == [TaskState.RUNNING, TaskState.WAITING_LOCK])
            runs, waits = sorted(fleet.store.tasks(), key=lambda task: task.state)
            assert {runs.id, waits.id} == {one.id, two.id} and waits.waits_for is not None
            assert (waits.waits_for.operator, waits.waits_for.task) == (runs.operator, runs.id)
        open_gate(ada.user, door)
        await first.tasks.settled("gpu01", runs.id)
        open_gate(ada.user, door)
        for task in (one, two):
            assert (await second.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
        lines = log.read_text().split()
        assert lines[0] == lines[2] and lines[4] == lines[6] and sorted(lines[1::2]) == ["in", "in", "out", "out"]
        assert list(cache.iterdir()) == []


async def test_beyond_the_limit_tasks_wait_here_and_say_so(ada: Operator) -> None:
    doors = [gate(ada.user, f"gate{n}") for n in range(3)]
    async with ada.fleet(tasks=1) as fleet:
        jobs = [job('read -r x <"$1"', str(door)) for door in doors]
        first = await fleet.tasks.start("gpu01", jobs[0])
        second, third = [await fleet.tasks.start("gpu01", each) for each in jobs[1:]]
        assert first.waits_for is None
        for task in (second, third):
            assert task.state is TaskState.QUEUED and task.waits_for is not None and task.waits_for.kind == "limit"
            assert not ada.spool(task).exists() and fleet.tasks.get("gpu01", task.id) == task
        # Another look at the host does not lose them.
        assert {task.id for task in await fleet.tasks.look("gpu01")} == {first.id, second.id, third.id}
        assert await fleet.tasks.cancel("gpu01", second.id) is CancelAnswer.ENDED
        assert (await fleet.tasks.settled("gpu01", second.id)).state is TaskState.CANCELLED
        # What may go on without this program does not wait.
        detached = await fleet.tasks.start("gpu01", job("exit 0"), detached=True)
        assert (await fleet.tasks.settled("gpu01", detached.id)).state is TaskState.SUCCEEDED
        assert not ada.spool(third).exists()
        waiting = asyncio.create_task(fleet.tasks.settled("gpu01", third.id))
        open_gate(ada.user, doors[0])
        await state(fleet, third.id, TaskState.RUNNING)
        open_gate(ada.user, doors[2])
        assert (await waiting).state is TaskState.SUCCEEDED
        assert not ada.spool(second).exists()
        assert {record.id: record.state for record in await fleet.tasks.history()}[second.id] is TaskState.CANCELLED


async def test_what_cannot_begin_later_fails_with_the_reason(ada: Operator) -> None:
    door = gate(ada.user)
    async with ada.fleet(tasks=1) as fleet:
        first = await fleet.tasks.start("gpu01", job('read -r x <"$1"', str(door)))
        # It must have begun: what comes next takes the folder away from under it.
        await state(fleet, first.id, TaskState.RUNNING)
        second = await fleet.tasks.start("gpu01", job("exit 0"))
        base = ada.spool(first).parent
        # What is in it can be reached; nothing is begun in it.
        run_as_root("chown", "root:", base)
        run_as_root("chmod", "0755", base)
        try:
            open_gate(ada.user, door)
            over = await fleet.tasks.settled("gpu01", second.id)
        finally:
            run_as_root("chown", f"{ada.user.name}:", base)
        assert over.state is TaskState.FAILED and over.fault is not None
        assert over.fault.kind is FaultKind.PERMISSION and "another account" in over.fault.message
        # There is room again.
        third = await fleet.tasks.start("gpu01", job("exit 0"))
        assert (await fleet.tasks.settled("gpu01", third.id)).state is TaskState.SUCCEEDED


async def test_a_refused_start_is_told_at_once_and_leaves_room(ada: Operator) -> None:
    async with ada.fleet(tasks=1) as fleet:
        base = ada.user.home / ".local/state/condafleet"
        ada.user.run("mkdir", "-p", base.parent)
        ada.user.run("touch", base)
        for _ in range(2):
            with pytest.raises(HostFaultError) as raised:
                await fleet.tasks.start("gpu01", job("exit 0"))
            assert raised.value.fault.kind is FaultKind.PERMISSION
        ada.user.run("rm", base)
        task = await fleet.tasks.start("gpu01", job("exit 0"))
        assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED


async def test_another_boot_makes_it_lost_and_the_lock_free(ada: Operator) -> None:
    cache = ada.user.home / "pkgs"
    ada.user.run("mkdir", cache)
    async with ada.fleet() as fleet:
        task = await fleet.tasks.start("gpu01", job("sleep 600", places=(cache,)))
        await state(fleet, task.id, TaskState.RUNNING)
        spool = ada.spool(task)
        # All of it is killed, and what it wrote down is of a boot before this one.
        pids = [int((spool / name).read_text().split("_")[3]) for name in ("pid", "outer")]
        for name in ("pid", "outer", "born"):
            text = (spool / name).read_text()
            assert HERE.boot in text
            (spool / name).write_text(text.replace(HERE.boot, BEFORE))
        (entry,) = (cache / ".condafleet-lock").iterdir()
        entry.rename(entry.with_name(entry.name.replace(HERE.boot, BEFORE)))
        await state(fleet, task.id, TaskState.LOST)
        lost = await fleet.tasks.settled("gpu01", task.id)
        assert lost.fault is not None and "restarted" in lost.fault.message
        # Whoever has that number now is left alone.
        assert await fleet.tasks.cancel("gpu01", task.id) is CancelAnswer.LOST
        assert all(map(lives, pids))
        after = await fleet.tasks.start("gpu01", job("exit 0", places=(cache,)))
        assert (await fleet.tasks.settled("gpu01", after.id)).state is TaskState.SUCCEEDED
        ada.user.run("kill", "-9", *map(str, pids))


@pytest.mark.parametrize("watch", [True, False])
async def test_old_tasks_are_cleared_away_once_they_are_remembered(ada: Operator, watch: bool) -> None:
    async with ada.fleet(watch=False) as fleet:
        old = await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", job("exit 5"))).id)
        new = await fleet.tasks.settled("gpu01", (await fleet.tasks.start("gpu01", job("exit 0"))).id)
    (ada.state / "tasks/history.jsonl").unlink()
    spool = ada.spool(old)
    assert old.ended is not None
    (spool / "exit").write_text(
        (spool / "exit").read_text().replace(f"{old.ended:.0f}", f"{old.ended - 31 * 86400:.0f}")
    )
    async with ada.fleet(watch=watch) as fleet:
        if not watch:  # a command that asks once
            await fleet.settled(["gpu01"], ["machine"])
            await fleet.tasks.look("gpu01")
        await eventually(lambda: not spool.exists())
        await eventually(lambda: [task.id for task in fleet.store.tasks()] == [new.id])
        assert {record.id for record in await fleet.tasks.history()} == {old.id, new.id}
    assert ada.spool(new).exists()


async def test_a_host_where_nothing_runs_keeps_no_shell_for_tasks(ada: Operator) -> None:
    async with ada.fleet() as fleet:
        await eventually(lambda: fleet.store.host("gpu01").tasks is not None)
        known = fleet.store.host("gpu01").tasks
        assert known is not None and known.tasks == () and known.fault is None
        _, probe = await fleet._watchers["gpu01"].reached()
        assert isinstance(probe, HostProbe) and probe._pool.own("tasks") is None
        task = await fleet.tasks.start("gpu01", job("exit 0"))
        assert probe._pool.own("tasks") is not None
        await fleet.tasks.settled("gpu01", task.id)
        await eventually(lambda: probe._pool.own("tasks") is None)


async def test_a_person_is_warned_where_a_logout_would_end_the_task(ada: Operator) -> None:
    told: list[str] = []
    programs = ada.user.home / "bin"
    ada.user.run("mkdir", programs)
    logind = "#!/bin/sh\nprintf 'KillUserProcesses=yes\\nKillOnlyUsers=\\nKillExcludeUsers=root\\n'\n"
    for name, script in (("loginctl", logind), ("systemd-run", "#!/bin/sh\nexit 1\n")):
        ada.user.run("sh", "-c", 'cat >"$1" && chmod +x "$1"', "sh", programs / name, stdin=script)
    profile = f"export XDG_SESSION_ID=4 PATH='{programs}':\"$PATH\"\n"
    ada.user.run("sh", "-c", 'cat >"$1"', "sh", ada.user.home / ".bashrc", stdin=profile)
    async with ada.fleet() as fleet:
        fleet.bus.subscribe(lambda event: told.append(event.text) if isinstance(event, HostNoticed) else None)
        task = await fleet.tasks.start("gpu01", job("exit 0"))
        assert task.said == (("note", "logout", "session"),)
        assert len(told) == 1 and "KillUserProcesses" in told[0] and task.id in told[0]
        assert (await fleet.tasks.settled("gpu01", task.id)).state is TaskState.SUCCEEDED
