"""The pass-through in real terminals: what is carried, how it ends, and that the terminal is given back as it was."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.terminal.ptychannel import LOST, PtyChannel, Terminal, set_size, until
from tui.terminal.passthrough import End, NotATerminalError, Result, pass_through, term_request


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal of 80×24."""
    made = Terminal()
    yield made
    made.close()


async def start(channel: PtyChannel, terminal: Terminal) -> asyncio.Task[Result]:
    """Begin a pass-through; wait until the terminal is raw."""
    return asyncio.create_task(pass_through(channel, terminal.fd, terminal.fd))


async def finish(task: asyncio.Task[Result], limit: float = 30) -> Result:
    """Its result, within *limit* seconds."""
    async with asyncio.timeout(limit):
        return await task


async def test_the_exit_status_comes_back_and_the_terminal_is_as_before(terminal: Terminal) -> None:
    before = terminal.state()
    handler = signal.getsignal(signal.SIGWINCH)
    result = await finish(await start(PtyChannel(["sh", "-c", "echo hello; exit 3"]), terminal))
    assert result == Result(End.ENDED, exit_status=3)
    assert terminal.state() == before
    assert signal.getsignal(signal.SIGWINCH) is handler
    await terminal.shows(b"hello")
    await terminal.shows(b"\x1b[0 q")


async def test_the_handler_of_size_changes_from_before_is_put_back(terminal: Terminal) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGWINCH, lambda number, _: seen.append(number))
    try:
        await finish(await start(PtyChannel(["true"]), terminal))
        os.kill(os.getpid(), signal.SIGWINCH)
        await until(lambda: seen == [signal.SIGWINCH])
    finally:
        signal.signal(signal.SIGWINCH, before)


async def test_keys_typed_at_a_dead_connection_do_not_reach_the_local_shell(terminal: Terminal) -> None:
    channel = PtyChannel(["cat"])
    close = channel.close

    def typing_until_the_last_moment() -> None:
        terminal.type(b"rm -rf work\r")
        assert select.select([terminal.fd], [], [], 5)[0]
        close()

    channel.close = typing_until_the_last_moment  # type: ignore[method-assign]
    channel.die()
    assert (await finish(await start(channel, terminal))).end is End.FAULT
    os.set_blocking(terminal.fd, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal.fd, 100)


async def test_keys_go_to_the_program_unchanged(terminal: Terminal) -> None:
    channel = PtyChannel(["sh", "-c", "stty raw -echo; echo ready; head -c 6 | od -An -tx1"])
    task = await start(channel, terminal)
    await terminal.shows(b"ready")
    terminal.type(b"\x03\x1a\x1c\x11\r\xff")
    assert (await finish(task)).exit_status == 0
    await terminal.shows(b"03 1a 1c 11 0d ff")


async def test_a_resize_reaches_the_program(terminal: Terminal) -> None:
    channel = PtyChannel(["sh", "-c", "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.05; done"])
    task = await start(channel, terminal)
    await terminal.shows(b"ready")
    set_size(terminal.master, 132, 43)
    os.kill(os.getpid(), signal.SIGWINCH)
    assert (await finish(task)).end is End.ENDED
    assert channel.sizes[-1] == (132, 43)
    await terminal.shows(b"43 132")


async def test_a_lost_connection_comes_back_with_its_fault_and_a_clean_terminal(terminal: Terminal) -> None:
    before = terminal.state()
    channel = PtyChannel(["sh", "-c", r"printf '\033[?1049h\033[?1002hfull screen'; exec cat"])
    task = await start(channel, terminal)
    await terminal.shows(b"full screen")
    channel.die()
    assert await finish(task) == Result(End.FAULT, fault=LOST)
    assert terminal.state() == before
    await terminal.shows(b"\x1b[?1002l")
    await terminal.shows(b"\x1b[?1049l\x1b[23;0;0t")
    assert channel.closed


async def test_enter_tilde_dot_leaves_a_connection_that_no_longer_answers(terminal: Terminal) -> None:
    before = terminal.state()
    channel = PtyChannel(["sh", "-c", "stty -echo raw; echo ready; exec sleep 1000"])
    task = await start(channel, terminal)
    await terminal.shows(b"ready")
    terminal.type(b"ls\r~.")
    assert await finish(task) == Result(End.LEFT)
    assert terminal.state() == before
    assert channel.closed


async def test_a_flood_arrives_whole_although_the_terminal_is_slow(terminal: Terminal) -> None:
    terminal.listen(False)
    channel = PtyChannel(["sh", "-c", "stty raw; head -c 1000000 /dev/zero | tr '\\0' x; printf END"])
    task = await start(channel, terminal)
    await until(lambda: channel.pauses > 0)
    terminal.listen(True)
    assert (await finish(task)).exit_status == 0
    await terminal.shows(b"END")
    assert terminal.screen.count(b"x") == 1_000_000


async def test_a_terminal_that_takes_nothing_does_not_hold_the_end(terminal: Terminal) -> None:
    terminal.listen(False)
    channel = PtyChannel(["sh", "-c", "stty raw; head -c 60000 /dev/zero; echo; exit 5"])
    assert await finish(await start(channel, terminal), 8) == Result(End.ENDED, exit_status=5)


async def test_a_megabyte_pasted_arrives_whole(terminal: Terminal) -> None:
    channel = PtyChannel(["sh", "-c", "stty raw -echo; echo ready; head -c 1000000 | cksum"])
    task = await start(channel, terminal)
    await terminal.shows(b"ready")
    text = b"y\r" * 500_000
    async with asyncio.timeout(30):
        while text:
            try:
                text = text[os.write(terminal.master, text) :]
            except BlockingIOError:
                await asyncio.sleep(0.002)
    assert (await finish(task, 30)).exit_status == 0
    cksum = await asyncio.create_subprocess_exec("cksum", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    expected = (await cksum.communicate(b"y\r" * 500_000))[0].split()[0]
    await terminal.shows(expected)


async def test_cancelling_gives_the_terminal_back(terminal: Terminal) -> None:
    before = terminal.state()
    channel = PtyChannel(["sh", "-c", "echo ready; exec cat"])
    task = await start(channel, terminal)
    await terminal.shows(b"ready")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finish(task)
    assert terminal.state() == before
    assert channel.closed
    await terminal.shows(b"\x1b[?1049l")


async def test_a_defect_in_a_channel_gives_the_terminal_back(terminal: Terminal) -> None:
    before = terminal.state()
    channel = PtyChannel(["cat"])

    async def broken(limit: int = 65536) -> bytes:
        raise ZeroDivisionError

    channel.read = broken  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        await finish(await start(channel, terminal))
    assert terminal.state() == before
    assert channel.closed


async def test_a_closed_window_ends_it(terminal: Terminal) -> None:
    channel = PtyChannel(["sh", "-c", "echo ready; exec cat"])
    task = await start(channel, terminal)
    await terminal.shows(b"ready")
    terminal.listen(False)
    os.close(terminal.master)
    assert await finish(task) == Result(End.NO_TERMINAL)
    terminal.master = os.open("/dev/null", os.O_RDONLY)


async def test_without_a_terminal_nothing_is_touched() -> None:
    read, write = os.pipe()
    channel = PtyChannel(["cat"])
    with pytest.raises(NotATerminalError):
        await pass_through(channel, read, write)
    assert channel.closed
    assert os.get_blocking(read)
    os.close(read)
    os.close(write)


async def test_fifty_times_in_and_out_leaks_no_descriptor(terminal: Terminal) -> None:
    before = terminal.state()
    await finish(await start(PtyChannel(["true"]), terminal))
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a moving directory
    for _ in range(50):
        assert (await finish(await start(PtyChannel(["true"]), terminal))).exit_status == 0
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208
    assert terminal.state() == before


def test_the_pty_asked_for_has_the_terminals_size_and_a_term_that_hosts_know() -> None:
    assert term_request(-1, {"TERM": "dumb"}).term == "xterm-256color"
    assert term_request(-1, {}).columns == 80
    assert term_request(-1, {"TERM": "foot"}).term == "foot"


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """A tmux server of its own with one session, ended afterwards."""
    program = shutil.which("tmux")
    assert program, "tmux is needed for these tests"
    command = [program, "-u", "-f", "/dev/null", "-S", str(tmp_path / "socket")]
    env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "HOME": str(tmp_path), "SHELL": "/bin/sh"}
    subprocess.run([*command, "new-session", "-d", "-s", "run", "-x", "80", "-y", "24", "cat"], env=env, check=True)
    yield command
    subprocess.run([*command, "kill-server"], env=env, check=True)


def attach(tmux: list[str]) -> PtyChannel:
    """A client of the session, as a host would start it."""
    return PtyChannel(
        [*tmux, "attach", "-t", "run"], env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    )


async def test_tmux_is_attached_resized_and_detached_at_full_screen(terminal: Terminal, tmux: list[str]) -> None:
    before = terminal.state()
    task = await start(attach(tmux), terminal)
    await terminal.shows(b"\x1b[?1049h")
    terminal.type(b"typed here\r")
    await terminal.shows(b"typed here")
    set_size(terminal.master, 100, 30)
    os.kill(os.getpid(), signal.SIGWINCH)

    async def followed() -> bool:
        return await size_of(tmux) == "100x29"  # one row is tmux's status line

    await until(followed)
    terminal.type(b"\x02d")
    assert await finish(task) == Result(End.ENDED, exit_status=0)
    assert terminal.state() == before
    await terminal.shows(b"[detached")


async def test_tmux_survives_a_lost_connection_and_can_be_attached_again(terminal: Terminal, tmux: list[str]) -> None:
    before = terminal.state()
    for _ in range(2):
        channel = attach(tmux)
        del terminal.screen[:]
        task = await start(channel, terminal)
        await terminal.shows(b"\x1b[?1049h")
        channel.die()
        assert (await finish(task)).end is End.FAULT
        assert terminal.state() == before
    assert await size_of(tmux)


async def size_of(tmux: list[str]) -> str:
    """The size of the session's window, as tmux tells it."""
    done = await asyncio.create_subprocess_exec(
        *tmux, "display-message", "-p", "-t", "run", "#{window_width}x#{window_height}", stdout=subprocess.PIPE
    )
    return (await done.communicate())[0].decode().strip()
