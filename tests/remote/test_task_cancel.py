"""Cancelling: in each phase it leaves no process and no lock, and reaches nobody else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.shells import GNU_PATH, SHELLS, busybox_path
from tests.remote.taskhost import LOCK, TaskHost, bin_sh, contents, lock_entries, marked, path_without
from tui.domain.tasks import Task, TaskSpec, TaskState
from tui.remote.tasks import CancelAnswer, cancel_task

STUBBORN = 'trap "" INT TERM; echo up; while :; do sleep 0.1; done'


@pytest.fixture(params=["bash", "busybox alone", "no script"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TaskHost]:
    if request.param == "busybox alone":
        made = TaskHost(tmp_path / "home", SHELLS["busybox"], path=busybox_path(tmp_path), wrap=bin_sh("busybox"))
    elif request.param == "no script":
        made = TaskHost(tmp_path / "home", path=path_without(tmp_path / "bin", ("script", "python3", "perl")))
    else:
        made = TaskHost(tmp_path / "home", SHELLS[request.param], wrap=bin_sh(request.param))
    yield made
    await made.close()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[TaskHost]:
    made = TaskHost(tmp_path / "home")
    yield made
    await made.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    place = tmp_path / "pkgs"
    place.mkdir()
    return place


async def cancel(host: TaskHost, spec: TaskSpec, seconds: int = 20) -> CancelAnswer:
    return await cancel_task(
        await host.lane(), "gpu01", spec.id, 'bob "x" $(id)', interrupt_s=seconds, terminate_s=seconds
    )


async def is_clean(host: TaskHost, spec: TaskSpec, place: Path) -> Task:
    """Its end, once nothing of it is left."""
    task = await host.become(spec)
    assert task.state is TaskState.CANCELLED, task
    assert not task.cancelling and task.left_behind == 0
    await eventually(lambda: not contents(place))
    # Its keeper has only to end itself.
    await eventually(lambda: not marked(spec.id))
    return task


async def test_a_command_is_interrupted_and_may_clean_up(host: TaskHost, place: Path) -> None:
    spec = host.sh(
        'trap "echo cleaned; exit 3" INT; echo up; while :; do sleep 0.1; done', places=[place]
    )  # fmt: skip
    await host.start(spec)
    await eventually(lambda: b"up" in (host.folder(spec) / "log").read_bytes())
    assert await cancel(host, spec) is CancelAnswer.ASKED
    task = await is_clean(host, spec, place)
    assert task.exit_code == 3
    assert (await host.log(spec)).replace(b"^C", b"").split() == [b"up", b"cleaned"]
    assert await cancel(host, spec) is CancelAnswer.ENDED


async def test_one_that_does_not_listen_is_killed(host: TaskHost, place: Path) -> None:
    spec = host.sh(STUBBORN, places=[place])
    await host.start(spec)
    await eventually(lambda: b"up" in (host.folder(spec) / "log").read_bytes())
    assert await cancel(host, spec, 0) is CancelAnswer.ASKED
    await is_clean(host, spec, place)


async def test_what_left_its_session_is_ended_too(plain: TaskHost, place: Path) -> None:
    inner = f"{STUBBORN} & wait"
    spec = plain.sh(f"setsid sh -c '{inner}' & sleep 600", places=[place])
    await plain.start(spec)
    await eventually(lambda: b"up" in (plain.folder(spec) / "log").read_bytes())
    assert await cancel(plain, spec) is CancelAnswer.ASKED
    await is_clean(plain, spec, place)


async def test_one_that_waits_for_a_lock_gives_its_place_up(plain: TaskHost, place: Path, tmp_path: Path) -> None:
    gate, other = tmp_path / "gate", tmp_path / "other"
    os.mkfifo(gate)
    other.mkdir()
    first = plain.sh('read -r x <"$1"', str(gate), places=[place])
    await plain.start(first)
    await plain.become(first, TaskState.RUNNING)
    ran = tmp_path / "ran"
    second = plain.sh('touch "$1"', str(ran), places=[place, other])
    await plain.start(second)
    await plain.become(second, TaskState.WAITING_LOCK)
    assert await cancel(plain, second) is CancelAnswer.ASKED
    task = await is_clean(plain, second, other)
    assert task.started is None and task.exit_code == 130 and not ran.exists()
    gate.write_text("go\n")
    assert (await plain.become(first)).state is TaskState.SUCCEEDED
    assert not contents(place)


async def test_one_that_has_not_begun_never_begins(plain: TaskHost, place: Path, tmp_path: Path) -> None:
    for _ in range(5):
        ran = tmp_path / "ran"
        spec = plain.sh('touch "$1"; sleep 600', str(ran), places=[place])
        await plain.start(spec)
        # As early as can be: it may be anywhere before its command, or just in it.
        assert await cancel(plain, spec) is CancelAnswer.ASKED
        task = await is_clean(plain, spec, place)
        assert (task.started is None) <= (not ran.exists())
        ran.unlink(missing_ok=True)


@pytest.mark.parametrize("step", ["ln", "mkdir"])
async def test_one_stopped_while_it_enters_the_lock_leaves_no_folder(tmp_path: Path, place: Path, step: str) -> None:
    played = tmp_path / "played"
    played.mkdir()
    here = tmp_path / "here"
    # Only the entry lies below the folder that the first mkdir makes.
    hang = f"case $* in *{LOCK}/*) : >'{here}'; exec sleep 600 ;; esac; exec /bin/{step} \"$@\""
    (played / step).write_text(f"#!/bin/sh\n{hang}\n")
    (played / step).chmod(0o755)
    host = TaskHost(tmp_path / "home", path=f"{played}:{GNU_PATH}")
    try:
        spec = host.sh("sleep 600", places=[place])
        await host.start(spec)
        await eventually(here.exists)
        assert lock_entries(place) == [] and contents(place)
        assert await cancel(host, spec) is CancelAnswer.ASKED
        assert (await is_clean(host, spec, place)).started is None
    finally:
        await host.close()


async def test_one_whose_keeper_was_killed_is_ended_all_the_same(plain: TaskHost, place: Path) -> None:
    spec = plain.sh("trap '' HUP; " + STUBBORN, places=[place])
    await plain.start(spec)
    await eventually(lambda: b"up" in (plain.folder(spec) / "log").read_bytes())
    os.kill(int((plain.folder(spec) / "outer").read_text().split("_")[3]), 9)
    assert (await plain.see(spec)).state is TaskState.RUNNING
    assert await cancel(plain, spec, 0) is CancelAnswer.ASKED
    await is_clean(plain, spec, place)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def replace_text(file: Path, text: str) -> None:
    """At once, as the host's own scripts do it: nobody reads half of it."""
    fresh = file.with_name(file.name + ".fresh")
    fresh.write_text(text)
    fresh.replace(file)


async def test_nobody_else_is_signalled(plain: TaskHost, place: Path, bystander: subprocess.Popen[bytes]) -> None:
    spec, other = plain.sh("echo up; sleep 600", places=[place]), plain.sh("echo up; sleep 600")
    for each in (spec, other):
        await plain.start(each)
        await plain.become(each, TaskState.RUNNING)
    # The number in the file is somebody else's by now: another start time.
    file = plain.folder(spec) / "pid"
    told = file.read_text()
    words = told.split("_")
    replace_text(file, "_".join([*words[:3], str(bystander.pid), *words[4:]]))
    await cancel(plain, spec, 0)
    canceller = plain.folder(spec) / "canceller"
    await eventually(lambda: canceller.exists() and not Path("/proc", canceller.read_text().split("_")[3]).exists())
    replace_text(file, told)
    assert await cancel(plain, spec) is CancelAnswer.ASKED
    await is_clean(plain, spec, place)
    assert bystander.poll() is None
    assert (await plain.see(other)).state is TaskState.RUNNING
    assert await cancel(plain, other) is CancelAnswer.ASKED
    assert (await plain.become(other)).state is TaskState.CANCELLED


async def test_from_another_container_nothing_is_signalled_and_nothing_taken(
    plain: TaskHost, place: Path, tmp_path: Path
) -> None:
    spec = plain.sh("sleep 600", places=[place])
    await plain.start(spec)
    await plain.become(spec, TaskState.RUNNING)
    # Process numbers mean something else there: this one's may be anybody's.
    inside = TaskHost(plain.home, wrap=("unshare", "-p", "-f", "--mount-proc"))
    assert (await inside.see(spec)).state is TaskState.RUNNING
    assert await cancel(inside, spec, 0) is CancelAnswer.UNKNOWN
    assert not (plain.folder(spec) / "cancel").exists()
    second = inside.sh("exit 0", places=[place])
    await inside.start(second)
    await inside.become(second, TaskState.WAITING_LOCK)
    assert await cancel(plain, spec) is CancelAnswer.ASKED
    await plain.become(spec)
    assert (await inside.become(second)).state is TaskState.SUCCEEDED
    assert not contents(place)
    await inside.close()


async def test_an_unknown_task_is_gone(plain: TaskHost) -> None:
    lane = await plain.lane()
    assert await cancel_task(lane, "gpu01", "20261121-101500-ffffffff", "ada") is CancelAnswer.GONE
    assert await cancel_task(lane, "gpu01", "../x", "ada") is CancelAnswer.GONE
