"""The connection port over this machine's own shell."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock, eventually
from tui.domain.errors import HostFaultError
from tui.fleet.local import LocalConnection
from tui.ports import Channel, TermRequest


@pytest.fixture
async def local() -> AsyncIterator[LocalConnection]:
    connection = LocalConnection(FakeClock())
    yield connection
    await connection.close()


async def read_all(channel: Channel) -> bytes:
    out = b""
    while data := await channel.read():
        out += data
    return out


async def read_until(channel: Channel, mark: bytes) -> bytes:
    out = b""
    async with asyncio.timeout(10):
        while mark not in out:
            data = await channel.read()
            assert data, out
            out += data
    return out


async def test_a_program_answers_on_stdout_and_its_exit_status_is_known(local: LocalConnection) -> None:
    channel = await local.open("cat; echo oops >&2; exit 7")
    await channel.write(b"one\n\xff\x00two")
    await channel.write_eof()
    assert await read_all(channel) == b"one\n\xff\x00two"
    assert await channel.wait() == 7
    await eventually(lambda: channel.stderr_tail() == b"oops\n")


async def test_a_program_ended_by_a_signal_has_no_exit_status(local: LocalConnection) -> None:
    channel = await local.open("kill -9 $$")
    assert await channel.wait() is None


async def test_the_program_starts_in_the_home_directory_in_its_own_session(local: LocalConnection) -> None:
    channel = await local.open("pwd; ps -o sid= -p $$; echo $$")
    home, sid, pid = (await read_all(channel)).split()
    assert Path(os.fsdecode(home)) == Path.home().resolve()
    assert sid == pid


async def test_only_the_end_of_a_long_stderr_is_kept(local: LocalConnection) -> None:
    channel = await local.open("head -c 300000 /dev/zero >&2; echo end >&2")
    assert await channel.wait() == 0
    await eventually(lambda: channel.stderr_tail().endswith(b"end\n"))
    assert len(channel.stderr_tail()) == 65536


async def test_a_fast_program_waits_for_a_slow_reader(local: LocalConnection, tmp_path: Path) -> None:
    mark = tmp_path / "done"
    channel = await local.open(f"head -c 20000000 /dev/zero; : >{mark}", window=65536)
    await asyncio.sleep(0.3)
    assert not mark.exists()
    total = 0
    while data := await channel.read():
        total += len(data)
    assert total == 20_000_000
    assert await channel.wait() == 0


async def test_a_paused_channel_delivers_nothing_new_until_it_is_resumed(local: LocalConnection) -> None:
    channel = await local.open("cat")
    channel.pause_reading()
    await channel.write(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.read(), 0.2)
    channel.resume_reading()
    assert await asyncio.wait_for(channel.read(), 30) == b"hello"
    channel.close()


async def test_writing_waits_while_the_program_does_not_read(local: LocalConnection) -> None:
    channel = await local.open("sleep 60")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.write(bytes(5_000_000)), 0.3)
    channel.close()
    with pytest.raises(HostFaultError):
        await channel.write(b"x")


async def test_closing_hangs_up_the_program_and_its_children(local: LocalConnection) -> None:
    channel = await local.open("sleep 1000 & echo $!; wait")
    child = int(await channel.read())
    channel.close()
    channel.close()
    await asyncio.wait_for(channel.wait(), 30)
    await eventually(lambda: not _runs(child))
    assert await channel.read() == b""


async def test_a_pty_is_a_controlling_terminal_of_the_size_asked_for(local: LocalConnection) -> None:
    channel = await local.open("tty; stty size; echo $TERM; cat", term=TermRequest("xterm-256color", 91, 33))
    shown = await read_until(channel, b"xterm-256color\r\n")
    assert b"/dev/pts/" in shown and b"33 91\r\n" in shown
    await channel.write(b"hi\n")
    await read_until(channel, b"hi\r\nhi\r\n")
    await channel.write(b"\x03")  # the terminal's interrupt key reaches the program: the terminal is its own
    await asyncio.wait_for(read_all(channel), 30)
    assert await asyncio.wait_for(channel.wait(), 30) in (None, 130)


async def test_a_resized_pty_tells_its_program(local: LocalConnection) -> None:
    command = "trap 'stty size' WINCH; echo ready; while :; do read x; done"
    channel = await local.open(command, term=TermRequest("vt100", 80, 24))
    await read_until(channel, b"ready")
    channel.resize(100, 40)
    await channel.write(b"\n")
    await read_until(channel, b"40 100")
    channel.close()


async def test_closing_the_connection_ends_what_ignores_its_hang_up() -> None:
    connection = LocalConnection(FakeClock())
    channel = await connection.open("trap '' HUP; echo $$; while :; do sleep 1; done")
    pid = int(await channel.read())
    await asyncio.wait_for(connection.close(), 30)
    await eventually(lambda: not _runs(pid))
    assert await connection.closed() is None
    with pytest.raises(HostFaultError):
        await connection.open("true")


async def test_a_cancelled_read_loses_nothing(local: LocalConnection) -> None:
    channel = await local.open("read x; echo $x")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.read(), 0.1)
    await channel.write(b"later\n")
    assert await read_all(channel) == b"later\n"


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
