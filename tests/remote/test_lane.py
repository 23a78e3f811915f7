from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.shells import GNU_PATH, SHELLS, ShellChannel, ShellConnection, busybox_path
from tests.stalls import watched
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.remote.lane import Lane
from tui.remote.lane_pipe import Pipe
from tui.remote.scripts import script

ENDLESS = b"while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done"


@pytest.fixture(params=SHELLS)
async def connection(request: pytest.FixtureRequest) -> AsyncIterator[ShellConnection]:
    made = ShellConnection(SHELLS[request.param])
    yield made
    await made.close()


async def test_a_script_gets_its_arguments_and_answers_with_what_it_printed(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    args: list[str | bytes] = ["a'b", "", "two\nlines", b"\xff\x01%s%%", "$(id) `id` \\"]
    body = await lane.ask(b'printf \'%s\\0\' "$#" "$@"; exit 3', args, timeout=10)
    assert body == b"5\0" + b"".join((arg.encode() if isinstance(arg, str) else arg) + b"\0" for arg in args)
    assert lane.last_status == 3


async def test_a_warm_question_is_one_short_write(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    script = b"printf 'a long script'\n" + b": comment\n" * 500
    for _ in range(2):
        assert await lane.ask(script, ["boot", "digest"], timeout=10) == b"a long script"
    _, second, third = connection.channels[0].sent
    assert len(second) > 5000
    assert len(third) < 60


async def test_the_first_question_need_not_wait_for_the_shell(connection: ShellConnection) -> None:
    lane = await Lane.begin(connection, timeout=10)
    assert lane.pid is None
    assert await lane.ask(b'printf "%s" "$1"', ["x"], timeout=10, compress=True) == b"x"
    assert lane.process is not None
    assert lane.has_gzip
    assert await lane.ask(b"echo again", timeout=10, compress=True) == b"again\n"
    assert len(connection.channels[0].sent) == 3


async def test_a_first_question_that_hangs_leaves_the_lane_for_later(
    connection: ShellConnection, tmp_path: Path
) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    lane = await Lane.begin(connection, timeout=10)
    with pytest.raises(HostFaultError) as raised:
        await lane.ask(b'cat "$1"', [str(fifo)], timeout=0.5)
    assert raised.value.fault.kind is FaultKind.TOOL_HUNG
    await asyncio.to_thread(fifo.write_bytes, b"late words\n")
    await eventually(lambda: not lane.hung)
    assert await lane.ask(b"echo fresh", timeout=10) == b"fresh\n"


async def test_kept_arguments_travel_only_when_they_change(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    script = b"printf '%s,' \"$@\""
    places = [f"/place/{number}" for number in range(50)]
    for _ in range(2):
        assert await lane.ask(script, ["x"], sticky=places, timeout=10) == ("x," + ",".join(places) + ",").encode()
    assert len(connection.channels[0].sent[-1]) < 60
    assert await lane.ask(script, ["x"], sticky=["/other"], timeout=10) == b"x,/other,"
    assert await lane.ask(script, ["x"], timeout=10) == b"x,"


async def test_nothing_that_a_script_does_to_its_shell_outlives_it(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    await lane.ask(b"R() { echo hijacked; }; PATH=/nowhere; IFS=x; cd /; set -f; exec >/dev/null; exit 9", timeout=10)
    assert await lane.ask(b'printf "%s" "$1"; ls / >/dev/null && echo .', ["axb"], timeout=10) == b"axb.\n"


async def test_no_program_of_a_script_can_swallow_what_the_shell_is_to_read(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    assert await lane.ask(b"cat; cat >/dev/null; read -r x; echo done", timeout=10) == b"done\n"
    assert await lane.ask(b"echo next", timeout=10) == b"next\n"


async def test_compressed_answers_are_the_same_and_smaller_than_their_limit_unpacked(
    connection: ShellConnection,
) -> None:
    lane = await Lane.open(connection, timeout=10)
    assert lane.has_gzip
    script = b"yes 0123456789 | head -c 300000"
    assert await lane.ask(script, compress=True, timeout=20) == await lane.ask(script, timeout=20)
    with pytest.raises(HostFaultError) as raised:
        await lane.ask(b"yes | head -c 60000000", compress=True, timeout=60, limit=1 << 20)
    assert raised.value.fault.kind is FaultKind.TOO_LARGE
    assert lane.closed


async def test_records_arrive_while_the_script_still_runs(connection: ShellConnection, tmp_path: Path) -> None:
    fifo = tmp_path / "go"
    os.mkfifo(fifo)
    lane = await Lane.open(connection, timeout=10)
    script = b"printf '%s\\0' =first 1 a; read -r x <\"$1\"; printf '%s\\0' =second 1 \"$x\""
    seen = []
    async with aclosing(lane.stream(script, [str(fifo)], timeout=10)) as stream:
        async for record in stream:
            if record.tag == "first":
                await asyncio.to_thread(fifo.write_bytes, b"now\n")
            seen.append((record.tag, record.fields))
    assert seen == [("first", (b"a",)), ("second", (b"now",))]
    assert lane.usable


async def test_a_tool_that_hangs_is_given_up_and_its_late_answer_is_dropped(
    connection: ShellConnection, tmp_path: Path
) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    lane = await Lane.open(connection, timeout=10, name="gpu01")
    with pytest.raises(HostFaultError) as raised:
        await lane.ask(b'cat "$1"', [str(fifo)], timeout=0.3)
    assert raised.value.fault.kind is FaultKind.TOOL_HUNG
    assert "gpu01" in raised.value.fault.message
    assert lane.hung
    assert not lane.usable
    with pytest.raises(HostFaultError, match="still hangs"):
        await lane.ask(b"echo early", timeout=5)
    other = await Lane.open(connection, timeout=10)
    assert lane.process is not None
    assert await other.lives(lane.process, timeout=10)

    await asyncio.to_thread(fifo.write_bytes, b"late words\n")
    await eventually(lambda: not lane.hung)
    assert await lane.ask(b"echo fresh", timeout=10) == b"fresh\n"
    # Questions that were refused did not count as sent.
    assert await lane.ask(b"echo early", timeout=10) == b"early\n"


async def test_a_given_up_shell_lives_until_what_hangs_in_it_ends(connection: ShellConnection, tmp_path: Path) -> None:
    fifo = tmp_path / "never"
    os.mkfifo(fifo)
    hung = await Lane.open(connection, timeout=10)
    watcher = await Lane.open(connection, timeout=10)
    with pytest.raises(HostFaultError):
        await hung.ask(b'cat "$1"', [str(fifo)], timeout=0.3)
    hung.close()
    assert hung.process is not None
    assert await watcher.lives(hung.process, timeout=10)
    await asyncio.to_thread(fifo.write_bytes, b"")
    await connection.channels[0].wait()
    assert not await watcher.lives(hung.process, timeout=10)


async def test_a_later_process_with_the_same_number_is_another(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    assert lane.process is not None
    assert lane.pid == connection.channels[0].pid
    other = type(lane.process)(lane.process.pid, str(int(lane.process.start) - 1))
    assert await lane.lives(lane.process, timeout=10)
    assert not await lane.lives(other, timeout=10)
    assert not await lane.lives(type(lane.process)(2**22 + 7, "1"), timeout=10)


async def test_a_cancelled_question_leaves_the_lane_for_the_next(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    task = asyncio.create_task(lane.ask(b"sleep 0.3; echo old", timeout=10))
    await eventually(lambda: len(connection.channels[0].sent) == 2)
    task.cancel()
    await asyncio.wait({task})
    await eventually(lambda: not lane.hung)
    assert await lane.ask(b"echo new", timeout=10) == b"new\n"


async def test_a_stream_left_early_is_drained(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    async with aclosing(lane.stream(b"for i in 1 2 3 4 5; do printf '%s\\0' =n 1 $i; done", timeout=10)) as stream:
        async for _ in stream:
            break
    await eventually(lambda: not lane.hung)
    assert await lane.ask(b"echo new", timeout=10) == b"new\n"


async def test_questions_wait_their_turn(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    answers = await asyncio.gather(*(lane.ask(b'echo "$1"', [str(n)], timeout=10) for n in range(20)))
    assert answers == [b"%d\n" % n for n in range(20)]


async def test_a_shell_that_is_killed_is_named_with_its_last_words(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10, name="gpu01")
    with pytest.raises(HostFaultError) as raised:
        await lane.ask(b"echo 'out of \x1b[31mluck' >&2; kill -9 $$", timeout=10)
    assert raised.value.fault.kind is FaultKind.SHELL_BROKEN
    assert "gpu01" in raised.value.fault.message
    assert "out of \\x1b[31mluck" in raised.value.fault.message
    with pytest.raises(HostFaultError, match="is closed"):
        await lane.ask(b"echo", timeout=1)


@pytest.mark.parametrize(
    "script",
    [ENDLESS, b"yes | tr -d '\\n'", b"cat /dev/zero", b"cat /dev/urandom"],
    ids=["lines", "line", "nul", "noise"],
)
async def test_endless_output_is_cut_off_at_its_limit(connection: ShellConnection, script: bytes) -> None:
    lane = await Lane.open(connection, timeout=10)
    with pytest.raises(HostFaultError) as raised:
        await lane.ask(script, timeout=30, limit=3 << 20)
    assert raised.value.fault.kind is FaultKind.TOO_LARGE
    assert lane.closed


async def test_a_record_of_a_gigabyte_is_cut_off_and_the_loop_goes_on(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    async with watched() as stalls:
        with pytest.raises(HostFaultError) as raised:
            async with aclosing(lane.stream(b"printf '=x\\0001\\000'; yes | head -c 1000000000", timeout=60)) as stream:
                async for _ in stream:
                    pytest.fail("no record was whole")
    assert raised.value.fault.kind is FaultKind.TOO_LARGE
    assert stalls.longest < 0.25  # the parse itself takes 5 ms


async def test_a_flood_of_records_lets_the_loop_go(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    count = 0
    script = b"awk 'BEGIN { for (i = 0; i < 100000; i++) printf \"=r 2 a b \" }' | tr ' ' '\\000'"
    async with watched() as stalls, aclosing(lane.stream(script, timeout=60)) as stream:
        async for record in stream:
            assert record.fields == (b"a", b"b")
            count += 1
    assert count == 100_000
    assert stalls.longest < 0.25


async def test_names_of_ten_thousand_characters_and_escapes_pass_as_they_are(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    name = b"\x1b]0;title\x07[b]\xff\xfe" + b"n" * 10_000
    async with aclosing(lane.stream(b'printf "%s\\0" =name 1 "$1"', [name], timeout=10)) as stream:
        records = [record async for record in stream]
    assert [record.fields for record in records] == [(name,)]


async def test_what_is_no_record_is_a_fault(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    with pytest.raises(HostFaultError) as raised:
        async with aclosing(lane.stream(b"printf 'hello\\0world\\0'", timeout=10)) as stream:
            async for _ in stream:
                pass
    assert raised.value.fault.kind is FaultKind.PROTOCOL


async def test_a_slow_stream_is_borne_as_long_as_it_is_not_silent(connection: ShellConnection) -> None:
    lane = await Lane.open(connection, timeout=10)
    script = b"for i in 1 2 3; do printf '%s\\0' =n 1 $i; sleep 0.2; done; sleep 30"
    seen: list[bytes] = []
    with pytest.raises(HostFaultError) as raised:
        async with aclosing(lane.stream(script, timeout=60, idle=1.5)) as stream:
            async for record in stream:
                seen += record.fields
    assert seen == [b"1", b"2", b"3"]
    assert raised.value.fault.kind is FaultKind.TOOL_HUNG


@pytest.mark.parametrize("login", [("csh",), ("fish",), ("bash",), ("dash",)], ids=lambda login: login[0])
async def test_any_login_shell_with_noisy_start_up_files_leads_to_a_lane(
    login: tuple[str, ...], tmp_path: Path
) -> None:
    noise = "echo 'Welcome! \x1b[2J @begin{'\n" * 200
    for name in (".cshrc", ".login", ".profile", ".bashrc", ".config/fish/config.fish"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(noise + "echo error >&2\n")
    env = {
        "PATH": GNU_PATH,
        "HOME": str(tmp_path),
        "ENV": str(tmp_path / ".profile"),
        "BASH_ENV": str(tmp_path / ".bashrc"),
    }
    connection = ShellConnection(login=login, env=env, cwd=tmp_path)
    lane = await Lane.open(connection, timeout=20)
    assert await lane.ask(b"echo here", timeout=10) == b"here\n"
    await connection.close()


@pytest.mark.parametrize(
    "env",
    [{}, {"PATH": ""}, {"PATH": "/nonexistent"}, {"PATH": GNU_PATH, "LC_ALL": "tr_TR.UTF-8", "LANG": "zz_ZZ"}],
    ids=["nothing", "empty PATH", "restricted PATH", "odd locale"],
)
async def test_a_poor_environment_is_completed(env: dict[str, str]) -> None:
    for shell in SHELLS.values():
        connection = ShellConnection(shell, env=env)
        lane = await Lane.open(connection, timeout=10)
        assert await lane.ask(b"printf '%s ' I | tr A-Z a-z; echo $LC_ALL", timeout=10) == b"i C\n"
        await connection.close()


async def test_a_path_with_the_basic_tools_is_left_as_it_is(tmp_path: Path) -> None:
    path = busybox_path(tmp_path)
    connection = ShellConnection(SHELLS["busybox"], env={"PATH": path})
    lane = await Lane.open(connection, timeout=10)
    assert await lane.ask(b'echo "$PATH"', timeout=10) == path.encode() + b"\n"
    await connection.close()


async def test_a_host_that_never_answers_is_a_timeout() -> None:
    connection = ShellConnection(("sleep", "60"))
    with pytest.raises(HostFaultError) as raised:
        await Lane.open(connection, timeout=0.3, name="gpu01")
    assert raised.value.fault.kind is FaultKind.TIMEOUT
    assert "gpu01" in raised.value.fault.message
    await connection.close()


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (("yes", "noise"), FaultKind.PROTOCOL),
        (("echo", "This account is closed."), FaultKind.SHELL_BROKEN),
        (("sh", "-c", "echo 'no shell for you' >&2; exit 1"), FaultKind.SHELL_BROKEN),
        (("cat",), FaultKind.TIMEOUT),
    ],
    ids=["endless noise", "a message", "a refusal", "an echo"],
)
async def test_what_is_no_shell_is_named(argv: tuple[str, ...], kind: FaultKind) -> None:
    connection = ShellConnection(argv)
    with pytest.raises(HostFaultError) as raised:
        await Lane.open(connection, timeout=2, name="gpu01")
    assert raised.value.fault.kind is kind
    await connection.close()


async def test_a_full_disk_is_no_hindrance(tmp_path: Path) -> None:
    """No file can be made anywhere: the shell has a file size limit of nothing, and no writable TMPDIR."""
    for shell in SHELLS.values():
        connection = ShellConnection(
            shell, wrap=("sh", "-c", 'ulimit -f 0; export TMPDIR=/nonexistent; exec "$@"', "sh")
        )
        lane = await Lane.open(connection, timeout=10)
        assert await lane.ask(b"echo works | cat", timeout=10) == b"works\n"
        await connection.close()


class LosingChannel(ShellChannel):
    """A channel whose connection is gone after some bytes."""

    def __init__(self, inner: ShellChannel, reads: int) -> None:
        self.__dict__ = inner.__dict__
        self._reads = reads

    async def read(self, limit: int = 65536) -> bytes:
        self._reads -= 1
        if self._reads < 0:
            raise HostFaultError(Fault(FaultKind.LOST, "the connection to gpu01 is gone", ""))
        return await super().read(limit)


@pytest.mark.parametrize("reads", [0, 1])
async def test_a_lost_connection_is_named_as_such(reads: int) -> None:
    connection = ShellConnection()
    lane = await Lane.open(connection, timeout=10)
    lane._pipe = Pipe(LosingChannel(connection.channels[0], reads), "gpu01")
    with pytest.raises(HostFaultError) as raised:
        await lane.ask(b"echo one; sleep 20", timeout=10)
    assert raised.value.fault.kind is FaultKind.LOST
    assert lane.closed
    await connection.close()


async def test_a_connection_lost_while_a_tool_hangs_closes_the_lane() -> None:
    connection = ShellConnection()
    lane = await Lane.open(connection, timeout=10)
    with pytest.raises(HostFaultError):
        await lane.ask(b"sleep 20", timeout=0.2)
    assert lane.hung
    await connection.channels[0].end()
    await eventually(lambda: lane.closed)
    assert not lane.usable
    await connection.close()


async def test_a_host_that_takes_nothing_is_a_timeout() -> None:
    connection = ShellConnection(("sleep", "60"))
    with pytest.raises(HostFaultError) as raised:
        lane = await Lane.begin(connection, timeout=10)
        await lane.ask(b": " + b"x" * 5_000_000, timeout=0.5)
    assert raised.value.fault.kind is FaultKind.TIMEOUT
    assert lane.closed
    await connection.close()


@pytest.mark.parametrize("userland", ["gnu", "busybox"])
async def test_a_stamp_changes_when_a_place_does(connection: ShellConnection, userland: str, tmp_path: Path) -> None:
    connection.env["PATH"] = GNU_PATH if userland == "gnu" else busybox_path(tmp_path)
    lane = await Lane.open(connection, timeout=10)
    place, missing = tmp_path / "a place", tmp_path / "missing"
    place.mkdir()

    async def stamp() -> bytes:
        return await lane.ask(script("stamp"), sticky=[str(place), str(missing)], timeout=10)

    seen = [await stamp()]
    assert await stamp() == seen[0]
    (place / "new").touch()
    seen.append(await stamp())
    missing.mkdir()
    seen.append(await stamp())
    missing.rmdir()
    seen.append(await stamp())
    assert len(set(seen[:3])) == 3
    assert seen[3] == seen[1]
