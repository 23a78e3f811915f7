"""Starting tasks and following them, in the shells and with the tools that hosts have."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.shells import SHELLS, busybox_path
from tests.remote.taskhost import QuickClock, TaskHost, bin_sh, contents, lock_entries, marked, path_without
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.tasks import TaskState
from tui.remote.lane import Lane
from tui.remote.task_log import LogFollower, lane_reader, read_log
from tui.remote.tasks import list_tasks, purge_tasks, start_task

HOSTILE = [
    b"",
    b"-n",
    b"--",
    b"a b",
    b'it\'s "quoted"',
    b"$(touch pwned) `touch pwned` $HOME ${HOME}",
    b"two\nlines\n",
    b"; rm -rf .; #",
    b"back\\slash\\n%s%%",
    b"*?[a]",
    "名前 🐍 e\u0301".encode(),
    b"\xff\xfe\x80 not utf-8",
    b"\x01\x02\x1b[31m\x7f",
]
SHOW_ARGS = r"""for a do printf '%s' "$a" | od -An -tx1 -v | tr -d ' \n'; echo .; done"""


@pytest.fixture(params=["dash", "bash", "busybox alone", "no script"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TaskHost]:
    """Shells with the GNU tools and a pty, the tools of busybox alone, and a host with the bare minimum."""
    home = tmp_path / "home of 'ada' [x] \\n"
    if request.param == "busybox alone":
        made = TaskHost(home, SHELLS["busybox"], path=busybox_path(tmp_path), wrap=bin_sh("busybox"))
    elif request.param == "no script":
        missing = ("script", "tmux", "flock", "python3", "perl", "bash", "gzip")
        made = TaskHost(home, path=path_without(tmp_path / "bin", missing))
    else:
        made = TaskHost(home, SHELLS[request.param], wrap=bin_sh(request.param))
    yield made
    await made.close()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[TaskHost]:
    made = TaskHost(tmp_path / "home")
    yield made
    await made.close()


async def test_a_task_runs_once_with_its_own_exit_code_and_leaves_its_log(host: TaskHost, tmp_path: Path) -> None:
    place = tmp_path / "pkgs"
    place.mkdir()
    spec = host.sh(
        "echo begin; echo err >&2; printf 'a\\000b\\033[1m\\rend'; [ -t 1 ] && echo pty || echo file; "
        'umask; grep -E "^Sig(Ign|Blk)" /proc/self/status; cat; echo once >>"$1"; exit 7',
        str(tmp_path / "runs"),
        places=[place],
    )
    task, log = await host.run(spec)
    assert (task.state, task.exit_code, task.fault) == (TaskState.FAILED, 7, None)
    assert task.started is not None and task.ended is not None and task.created <= task.started <= task.ended
    assert task.log_bytes == len(log)
    lines = log.replace(b"\r\n", b"\n")
    has_pty = b"pty\n" in lines
    assert has_pty == (b"\r\n" in log) == (host.connection.env["PATH"].startswith("/usr/local"))
    expected = b"begin\nerr\na\0b\x1b[1m\rend" + (b"pty" if has_pty else b"file") + b"\n0022\n"
    # Interrupts reach the command: none is ignored, as in what a shell starts in the background.
    assert lines == expected + b"SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"
    assert not await host.start(spec)
    assert (tmp_path / "runs").read_text() == "once\n"
    assert not marked(spec.id)
    assert not contents(place)


async def test_what_a_task_makes_has_the_accounts_own_mode(tmp_path: Path) -> None:
    host = TaskHost(tmp_path / "home", wrap=("/bin/sh", "-c", 'umask 027; exec "$@"', "sh"))
    assert (await host.run(host.sh("umask")))[1] == b"0027\r\n"
    await host.close()


async def test_interrupts_reach_a_task_whose_client_was_started_with_them_ignored(tmp_path: Path) -> None:
    host = TaskHost(tmp_path / "home", wrap=("/bin/sh", "-c", 'trap "" INT QUIT; exec "$@"', "sh"))
    assert (await host.run(host.sh("grep SigIgn /proc/self/status")))[1].split()[-1] == b"0000000000000000"
    await host.close()


async def test_asked_on_many_connections_at_once_it_runs_once(plain: TaskHost, tmp_path: Path) -> None:
    spec = plain.sh('echo x >>"$1"', str(tmp_path / "runs"))
    lanes = [await Lane.open(plain.connection, timeout=30) for _ in range(4)]
    answers = await asyncio.gather(*(start_task(lane, "gpu01", spec) for lane in lanes))
    assert sorted(answers) == [False, False, False, True]
    assert (await plain.become(spec)).state is TaskState.SUCCEEDED
    assert (tmp_path / "runs").read_text() == "x\n"


async def test_success_is_told_and_nobody_else_reads_a_word(host: TaskHost) -> None:
    task, log = await host.run(host.sh("echo done"))
    assert (task.state, task.exit_code, log.strip()) == (TaskState.SUCCEEDED, 0, b"done")
    folder = host.home / ".local/state/condafleet/tasks" / task.id
    assert all(
        not stat.S_IMODE(path.lstat().st_mode) & 0o077 or path.is_symlink() for path in (folder, *folder.iterdir())
    )


def hostile_places(folder: Path) -> list[bytes]:
    """Directories of the worst names."""
    places = [os.fsencode(folder) + b"/" + word.replace(b"/", b"_") for word in HOSTILE if word]
    for place in places:
        Path(os.fsdecode(place)).mkdir()
    return places


def all_of(folder: Path, name: str) -> list[Path]:
    """Everything of that name below *folder*."""
    return list(folder.rglob(name))


async def test_hostile_words_go_through_as_data(host: TaskHost, tmp_path: Path) -> None:
    places = hostile_places(tmp_path)
    spec = host.spec("/bin/sh", "-c", SHOW_ARGS, *HOSTILE, places=places, target="$(id)\n\x1b[31m")
    task, log = await host.run(spec)
    assert task.state is TaskState.SUCCEEDED, task.fault
    # "sh -c SCRIPT" takes the first word as its own name.
    assert log.split() == [word.hex().encode() + b"." for word in HOSTILE[1:]]
    assert (task.argv[3:], task.target) == (spec.argv[3:], spec.target)
    assert not contents(*places)
    assert not all_of(tmp_path, "pwned")


async def test_a_long_program_with_arguments_runs_whole(plain: TaskHost) -> None:
    program = b": " + b"x" * 50_000 + b'\nprintf \'%s|\' "$#" "$@"\n'
    spec = plain.sh("unused")
    big = b"y" * 300_000
    await start_task(await plain.lane(), "gpu01", spec, program=program, args=[big, b"\xff'"])
    assert (await plain.become(spec)).exit_code == 0
    assert await plain.log(spec, part_bytes=100_000) == b"2|" + big + b"|\xff'|"


async def test_a_follower_reads_from_any_byte(plain: TaskHost) -> None:
    spec = plain.sh("i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i + 1)); done")
    _, log = await plain.run(spec)
    assert log == b"".join(b"line %d\r\n" % i for i in range(300))
    for offset in (0, 1, 999, len(log) - 1, len(log)):
        assert await plain.log(spec, offset) == log[offset:]
    lane = await plain.lane()
    part = await read_log(lane, "gpu01", spec.id, 5, limit=10)
    assert (part.data, part.size, part.over, part.is_last) == (log[5:15], len(log), True, False)
    with pytest.raises(HostFaultError) as raised:
        await read_log(lane, "gpu01", spec.id, len(log) + 1)
    assert raised.value.fault.kind is FaultKind.INCOMPLETE


async def test_following_begins_before_the_end_is_near(plain: TaskHost, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    spec = plain.sh('printf begin; read -r x <"$1"; printf end', str(gate))
    assert await plain.start(spec)
    follower = LogFollower(lane_reader(plain.lane, "gpu01", spec.id), QuickClock())
    seen = b""
    async for part in follower.parts():
        seen += part.data
        if seen == b"begin" and gate.exists():
            assert not part.over
            gate.write_text("go\n")
            gate.unlink()
    assert seen == b"beginend"
    assert follower.offset == 8


async def test_a_follower_waits_out_what_time_cures_and_nothing_else(plain: TaskHost) -> None:
    spec = plain.sh("echo done")
    await plain.run(spec)
    faults = [FaultKind.REFUSED, FaultKind.TIMEOUT, FaultKind.SESSIONS_EXHAUSTED]

    async def lanes() -> Lane:
        if faults:
            raise HostFaultError(Fault(faults.pop(), "not now", ""))
        return await plain.lane()

    follower = LogFollower(lane_reader(lanes, "gpu01", spec.id), QuickClock())
    assert [part.data async for part in follower.parts()] == [b"done\r\n"]
    assert not faults and follower.fault is None
    faults.append(FaultKind.HOST_KEY_CHANGED)
    with pytest.raises(HostFaultError) as raised:
        await anext(follower.parts())
    assert raised.value.fault.kind is FaultKind.HOST_KEY_CHANGED


async def test_an_unknown_task_is_a_ghost(plain: TaskHost) -> None:
    for name in ("20261121-101500-ffffffff", "../../etc"):
        with pytest.raises(HostFaultError) as raised:
            await read_log(await plain.lane(), "gpu01", name, 0)
        assert raised.value.fault.kind is FaultKind.GHOST
    assert (await list_tasks(await plain.lane(), "gpu01", ["../.."])).tasks == []


async def test_tasks_are_listed_newest_first_and_cleared_away_when_they_are_over(
    plain: TaskHost, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    over = [plain.sh("exit 0"), plain.sh("exit 1")]
    lasting = plain.sh('read -r x <"$1"', str(gate))
    for spec in (*over, lasting):
        await plain.start(spec)
    for spec in over:
        await plain.become(spec)
    lane = await plain.lane()
    listed = await list_tasks(lane, "gpu01")
    assert [task.id for task in listed.tasks] == [lasting.id, over[1].id, over[0].id]
    assert listed.now is not None
    assert await purge_tasks(lane, "gpu01", 3600) == ()
    assert await purge_tasks(lane, "gpu01", 0, [over[0].id, lasting.id, "../.."]) == (over[0].id,)
    assert await purge_tasks(lane, "gpu01", 0) == (over[1].id,)
    gate.write_text("go\n")
    assert (await plain.become(lasting)).state is TaskState.SUCCEEDED


async def test_a_task_whose_start_was_cut_short_is_lost_and_not_followed_for_ever(plain: TaskHost) -> None:
    spec = plain.sh("exit 0")
    await plain.run(spec)
    for name in ("outer", "pid", "started", "status", "exit"):
        (plain.folder(spec) / name).unlink()
    task = await plain.become(spec)
    assert task.state is TaskState.LOST and task.fault is not None and "never began" in task.fault.message
    assert await plain.log(spec) == b""


async def test_tasks_of_another_machine_with_the_same_home_are_left_to_it(plain: TaskHost) -> None:
    spec = plain.sh("exit 0")
    await plain.run(spec)
    born = plain.folder(spec) / "born"
    born.write_text(re.sub(r" \w+_[\w-]+_", " feedbeef_11111111-2222-_", born.read_text()))
    assert (await list_tasks(await plain.lane(), "gpu01")).tasks == []
    assert await purge_tasks(await plain.lane(), "gpu01", 0) == ()


SMALL_DISK = 'mount -t tmpfs -o size=%s none "$0" && exec "$@"'


@pytest.mark.parametrize("size", ["128k", "600k"])
async def test_on_a_full_disk_nothing_is_run_and_nothing_left(tmp_path: Path, size: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    host = TaskHost(home, wrap=("unshare", "-m", "/bin/sh", "-c", SMALL_DISK % size, str(home)))
    lane = await host.lane()
    # With 600 KB there is room for the folder, and not for all that belongs into it.
    program = b": " + b"x" * 700_000 + b"\n"
    ran = tmp_path / "ran"
    spec = host.sh('touch "$1"', str(ran))
    with pytest.raises(HostFaultError) as raised:
        await start_task(lane, "gpu01", spec, program=program + b'exec "$@"\n')
    assert raised.value.fault.kind is FaultKind.TOO_LARGE, raised.value.fault
    assert "full" in raised.value.fault.message
    assert await lane.ask(b'cd "$HOME/.local/state/condafleet/tasks" && ls -A', timeout=30) == b""
    assert not ran.exists()
    await host.close()


@pytest.mark.parametrize("locked", [True, False])
async def test_a_disk_that_fills_up_meanwhile_hides_no_exit_code(tmp_path: Path, locked: bool) -> None:
    home = tmp_path / "home"
    home.mkdir()
    place = tmp_path / "pkgs"
    place.mkdir()
    host = TaskHost(home, wrap=("unshare", "-m", "/bin/sh", "-c", SMALL_DISK % "2m", str(home)))
    # The last page goes only with small files.
    fill = 'cat /dev/zero >"$HOME/big"; i=0; while printf x >"$HOME/$i"; do i=$((i + 1)); done'
    spec = host.sh(f"{{ {fill}; }} 2>/dev/null; exit 9", places=[place] if locked else [])
    await host.start(spec)
    task = await host.become(spec)
    assert (task.state, task.exit_code) == (TaskState.FAILED, 9)
    free = await (await host.lane()).ask(b'df -kP "$HOME" | tail -n 1', timeout=30)
    assert int(free.split()[3]) < 10
    assert not contents(place)
    await host.close()


async def test_a_full_or_read_only_place_is_named_before_anything_runs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for options, kind, word in (
        ("size=4k,nr_inodes=2", FaultKind.TOO_LARGE, "full"),
        ("ro", FaultKind.PERMISSION, "read-only"),
    ):
        place = tmp_path / f"pkgs {word}"
        place.mkdir()
        mount = f'mount -t tmpfs -o {options} none "$0" && touch "$0/x" 2>/dev/null; exec "$@"'
        host = TaskHost(tmp_path / "home", wrap=("unshare", "-m", "/bin/sh", "-c", mount, str(place)))
        free = tmp_path / "free"
        free.mkdir(exist_ok=True)
        spec = host.sh('touch "$1"', str(ran), places=[free, place])
        await host.start(spec)
        task = await host.become(spec)
        assert task.state is TaskState.FAILED and task.fault is not None
        assert task.fault.kind is kind and word in task.fault.message and str(place) in task.fault.message
        assert task.exit_code is None
        assert not ran.exists()
        assert not lock_entries(free) and not contents(free)
        await host.close()


async def test_an_account_without_a_home_of_its_own_gets_a_clear_word(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    host = TaskHost(tmp_path / "home")
    host.connection.env["HOME"] = str(file)
    with pytest.raises(HostFaultError) as raised:
        await host.start(host.sh("exit 0"))
    assert raised.value.fault.kind is FaultKind.PERMISSION
    await host.close()


async def test_a_program_killed_by_a_signal_has_its_code(plain: TaskHost) -> None:
    task, _ = await plain.run(plain.sh("kill -s KILL $$"))
    assert (task.state, task.exit_code) == (TaskState.FAILED, 137)


async def test_when_all_of_it_is_killed_it_is_lost_and_its_lock_is_free(plain: TaskHost, tmp_path: Path) -> None:
    place = tmp_path / "pkgs"
    place.mkdir()
    spec = plain.sh("sleep 600", places=[place])
    await plain.start(spec)
    await plain.become(spec, TaskState.RUNNING)
    plain.kill_all(spec)
    task = await plain.become(spec, TaskState.LOST)
    assert task.fault is not None and task.fault.kind is FaultKind.LOST
    assert lock_entries(place)
    after = plain.sh("exit 0", places=[place])
    assert (await plain.run(after))[0].state is TaskState.SUCCEEDED
    assert not contents(place)


async def test_when_only_the_wrapper_is_killed_the_lock_holds_until_the_command_ends(
    plain: TaskHost, tmp_path: Path
) -> None:
    place, gate = tmp_path / "pkgs", tmp_path / "gate"
    place.mkdir()
    os.mkfifo(gate)
    # The command ignores the hang-up that comes with its wrapper's end.
    spec = plain.sh('trap "" HUP; echo up; read -r x <"$1"; sleep 0', str(gate), places=[place])
    await plain.start(spec)
    await plain.become(spec, TaskState.RUNNING)
    await eventually(lambda: (plain.folder(spec) / "log").read_bytes())
    inner = int((plain.folder(spec) / "pid").read_text().split("_")[3])
    os.kill(inner, 9)
    second = plain.sh("exit 0", places=[place])
    await plain.start(second)
    waiting = await plain.become(second, TaskState.WAITING_LOCK)
    assert waiting.waits_for is not None and waiting.waits_for.task == spec.id
    assert (await plain.see(spec)).state is TaskState.RUNNING
    gate.write_text("go\n")
    assert (await plain.become(second)).state is TaskState.SUCCEEDED
    task = await plain.become(spec)
    assert task.state is TaskState.FAILED and task.fault is not None and "killed" in task.fault.message
    assert not contents(place)


async def test_what_a_program_says_is_told_even_half_written(plain: TaskHost, tmp_path: Path) -> None:
    odd = "a\nb\x01\udcff'$(x)"
    script = (
        'exec >>"$CONDAFLEET_SPOOL/said"; printf "%s\\0" =said 3 freed "$1" 12 =said 2 left /x; '
        'printf "=said\\0002\\000hal"; exit 3'
    )
    task, _ = await plain.run(plain.sh(script, odd))
    assert task.said == (("freed", odd, "12"), ("left", "/x")) and not task.is_refused
    # More than anybody wants is cut, and hides no other task.
    script = 'yes "$(printf "%0999d" 0)" | head -c 100000 | tr "\\n" "\\000" >>"$CONDAFLEET_SPOOL/said"'
    much, _ = await plain.run(
        plain.sh(f'printf "%s\\0" =said 2 concern base >>"$CONDAFLEET_SPOOL/said"; {script}; exit 3')
    )
    assert much.said == (("concern", "base"),) and much.is_refused
    found = await list_tasks(await plain.lane(), "gpu01")
    assert found.complete and {each.id for each in found.tasks} >= {task.id, much.id}
