"""The operator's own terminal joined to a program on a host, byte for byte, and given back as it was."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import termios
import time
import tty
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import Any

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault
from tui.ports import Channel, TermRequest
from tui.terminal.escape import EscapeDetector
from tui.terminal.reset import ScreenTracker, reset_sequence

__all__ = ["End", "NotATerminalError", "Result", "pass_through", "term_request"]

CHUNK = 65536
UNWRITTEN_LIMIT = 65536
"""Bytes the terminal may be behind before the host is made to wait."""
UNSENT_LIMIT = 1 << 20
"""Bytes of typing or pasting that may wait for the host; beyond it the terminal is not read."""
EXIT_LIMIT_S = 3.0
DRAIN_LIMIT_S = 1.0
USUAL_TERM = "xterm-256color"


class End(StrEnum):
    """Why a pass-through ended."""

    ENDED = "ended"
    """The program on the host ended (or detached): ``exit_status``, None when unknown."""
    FAULT = "fault"
    """The connection died: ``fault`` says why."""
    LEFT = "left"
    """The person typed Enter ``~.``; the program may still run."""
    NO_TERMINAL = "no_terminal"
    """The operator's terminal is gone (its window was closed)."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a pass-through ended. The terminal is as it was before, in every case."""

    end: End
    exit_status: int | None = None
    fault: Fault | None = None


class NotATerminalError(Exception):
    """The descriptors given are not a terminal."""


def term_request(fd: int = 1, environ: dict[str, str] | None = None) -> TermRequest:
    """The pty to ask a host for: the size of the terminal *fd* (80×24 when it tells none) and its TERM."""
    term = (os.environ if environ is None else environ).get("TERM", "")
    columns, rows = _size(fd)
    return TermRequest(USUAL_TERM if term in ("", "dumb", "unknown") else term, columns, rows)


def _size(fd: int) -> tuple[int, int]:
    with contextlib.suppress(OSError):
        columns, rows = os.get_terminal_size(fd)
        if columns > 0 and rows > 0:
            return columns, rows
    return 80, 24


async def pass_through(channel: Channel, fd_in: int = 0, fd_out: int = 1) -> Result:
    """Join the terminal *fd_in*/*fd_out* to *channel* until either ends.

    The terminal is raw meanwhile, its size is passed on as it changes, and a host that sends faster than the
    terminal takes is made to wait. Enter ``~.`` leaves. Afterwards, also after an error or a cancellation,
    the channel is closed, the modes that a full-screen program may have left on are reset, and termios, file
    status flags and the SIGWINCH handler are as before.

    Never raises for what the host does: see :class:`Result`. Raises :class:`NotATerminalError`, with nothing
    touched, when there is no terminal.
    """
    try:
        saved = termios.tcgetattr(fd_in)
        termios.tcgetattr(fd_out)
    except (termios.error, OSError, ValueError) as error:
        channel.close()
        raise NotATerminalError("standard input and output are not a terminal") from error
    flags = [(fd, os.get_blocking(fd)) for fd in (fd_in, fd_out)]
    join = _Join(channel, fd_in, fd_out)
    flush_input = True
    try:
        tty.setraw(fd_in, termios.TCSANOW)
        os.set_blocking(fd_in, False)
        os.set_blocking(fd_out, False)
        with _WindowChanges(lambda: channel.resize(*_size(fd_out))):
            channel.resize(*_size(fd_out))  # it may have changed while the channel was opened
            result = await join.run()
            flush_input = result.end is not End.ENDED
            return result
    finally:
        channel.close()
        for fd, blocking in flags:
            with contextlib.suppress(OSError):
                os.set_blocking(fd, blocking)
        _write_within(fd_out, reset_sequence(join.screen.alternate), DRAIN_LIMIT_S)
        with contextlib.suppress(termios.error, OSError):
            if flush_input:  # keys typed at a dead connection are not meant for the local shell
                termios.tcflush(fd_in, termios.TCIFLUSH)
            termios.tcsetattr(fd_in, termios.TCSANOW, saved)


class _Join:
    """The moving parts of one pass-through."""

    def __init__(self, channel: Channel, fd_in: int, fd_out: int) -> None:
        self.screen = ScreenTracker()
        self._channel = channel
        self._fd_in = fd_in
        self._fd_out = fd_out
        self._escape = EscapeDetector()
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[Result] = self._loop.create_future()
        self._out: deque[memoryview] = deque()
        self._unwritten = 0
        self._room = asyncio.Event()
        self._room.set()
        self._drained = asyncio.Event()
        self._drained.set()
        self._in = bytearray()
        self._typed = asyncio.Event()
        self._reading_terminal = False
        self._writing_terminal = False

    async def run(self) -> Result:
        """Carry bytes both ways until one side ends."""
        self._read_terminal(True)
        pumps = [self._loop.create_task(self._from_host()), self._loop.create_task(self._to_host())]
        for pump in pumps:
            pump.add_done_callback(self._on_pump_end)
        try:
            result = await self._done
            if result.end is End.ENDED:  # the program's last words; a terminal that is stopped may not hold us
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_LIMIT_S):
                        await self._drained.wait()
            return result
        finally:
            self._read_terminal(False)
            self._write_terminal(False)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    def _finish(self, result: Result) -> None:
        if not self._done.done():
            self._done.set_result(result)

    def _on_pump_end(self, pump: asyncio.Task[None]) -> None:
        """A defect in a channel must end where it can be read, not in a raw terminal that does nothing."""
        if not pump.cancelled() and (error := pump.exception()) is not None and not self._done.done():
            self._done.set_exception(error)

    # The host's side

    async def _from_host(self) -> None:
        try:
            while data := await self._channel.read(CHUNK):
                self.screen.feed(data)
                self._put(data)
                if self._unwritten > UNWRITTEN_LIMIT:
                    self._room.clear()
                    self._channel.pause_reading()
                    await self._room.wait()
                    self._channel.resume_reading()
            status = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EXIT_LIMIT_S):
                    status = await self._channel.wait()
            self._finish(Result(End.ENDED, exit_status=status))
        except HostFaultError as error:
            self._finish(Result(End.FAULT, fault=error.fault))

    async def _to_host(self) -> None:
        try:
            while True:
                await self._typed.wait()
                self._typed.clear()
                data = bytes(self._in)
                if not data:
                    continue
                await self._channel.write(data)
                del self._in[: len(data)]
                if len(self._in) < UNSENT_LIMIT:
                    self._read_terminal(True)
                if self._in:
                    self._typed.set()
        except HostFaultError as error:
            # What the host still said is worth more than the first failed write: the reader reports the end.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EXIT_LIMIT_S):
                    await asyncio.shield(self._done)
            self._finish(Result(End.FAULT, fault=error.fault))

    # The terminal's side

    def _read_terminal(self, wanted: bool) -> None:
        if wanted == self._reading_terminal:
            return
        self._reading_terminal = wanted
        if wanted:
            self._loop.add_reader(self._fd_in, self._on_typed)
        else:
            self._loop.remove_reader(self._fd_in)

    def _on_typed(self) -> None:
        try:
            data = os.read(self._fd_in, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._read_terminal(False)
            self._finish(Result(End.NO_TERMINAL))
            return
        self._in += self._escape.feed(data)
        if self._escape.left:
            self._read_terminal(False)
            self._finish(Result(End.LEFT))
            return
        if self._in:
            self._typed.set()
        if len(self._in) >= UNSENT_LIMIT:
            self._read_terminal(False)

    def _put(self, data: bytes) -> None:
        self._out.append(memoryview(data))
        self._unwritten += len(data)
        self._drained.clear()
        self._on_writable()

    def _write_terminal(self, wanted: bool) -> None:
        if wanted == self._writing_terminal:
            return
        self._writing_terminal = wanted
        if wanted:
            self._loop.add_writer(self._fd_out, self._on_writable)
        else:
            self._loop.remove_writer(self._fd_out)

    def _on_writable(self) -> None:
        try:
            while self._out:
                count = os.write(self._fd_out, self._out[0])
                self._unwritten -= count
                rest = self._out[0][count:]
                if rest:
                    self._out[0] = rest
                else:
                    self._out.popleft()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._out.clear()
            self._unwritten = 0
            self._finish(Result(End.NO_TERMINAL))
        self._write_terminal(bool(self._out))
        if self._unwritten <= UNWRITTEN_LIMIT // 2:
            self._room.set()
        if not self._out:
            self._drained.set()


def _write_within(fd: int, data: bytes, limit_s: float) -> None:
    """Write *data* if the terminal takes it within *limit_s* seconds; a stopped or closed one is left alone."""
    deadline = time.monotonic() + limit_s
    view = memoryview(data)
    with contextlib.suppress(OSError, ValueError):
        while view and (left := deadline - time.monotonic()) > 0:
            if not select.select([], [fd], [], left)[1]:
                return
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(fd, view) :]


class _WindowChanges:
    """Calls back on SIGWINCH; the handler from before is put back. Outside the main thread sizes don't follow."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._before: Callable[[int, FrameType | None], Any] | int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._before = signal.getsignal(signal.SIGWINCH)
        with contextlib.suppress(RuntimeError, ValueError, NotImplementedError):
            loop.add_signal_handler(signal.SIGWINCH, self._changed)
            self._loop = loop

    def __exit__(self, *_: object) -> None:
        if self._loop is None:
            return
        self._loop.remove_signal_handler(signal.SIGWINCH)
        if self._before is not None:
            signal.signal(signal.SIGWINCH, self._before)
