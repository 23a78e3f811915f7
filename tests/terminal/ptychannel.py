"""A channel to a program in a real pty on this machine, and a terminal to sit at, for the pass-through tests."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Awaitable, Callable, Sequence

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind

LOST = Fault(FaultKind.LOST, "gpu01: the connection was lost", "It is tried again by itself.")


def set_size(fd: int, columns: int, rows: int) -> None:
    """Give a pty a size; its foreground program gets SIGWINCH."""
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def until(holds: Callable[[], bool | Awaitable[bool]], limit: float = 30) -> None:
    """Wait until *holds* gives true, at most *limit* seconds."""
    async with asyncio.timeout(limit):
        while True:
            answer = holds()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


class Terminal:
    """The operator's side: ``fd`` is what the program uses, ``screen`` all that it was sent."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.master, self.fd = os.openpty()
        set_size(self.master, columns, rows)
        os.set_blocking(self.master, False)
        self.screen = bytearray()
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self.listen(True)

    def listen(self, on: bool) -> None:
        """Whether the terminal takes what is written (a frozen one does not)."""
        if on:
            self._loop.add_reader(self.master, self._read)
        else:
            self._loop.remove_reader(self.master)

    def _read(self) -> None:
        try:
            self.screen += os.read(self.master, 65536)
        except OSError:
            self.listen(False)
        self._changed.set()

    async def shows(self, text: bytes, limit: float = 30) -> None:
        """Wait until *text* was written."""
        async with asyncio.timeout(limit):
            while text not in self.screen:
                self._changed.clear()
                await self._changed.wait()

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def state(self) -> tuple[object, bool]:
        """All that a pass-through could leave changed."""
        return termios.tcgetattr(self.fd), os.get_blocking(self.fd)

    def close(self) -> None:
        """Close the window."""
        self.listen(False)
        for fd in (self.master, self.fd):
            with contextlib.suppress(OSError):
                os.close(fd)


class PtyChannel:
    """ports.Channel over a local program in a pty of its own."""

    def __init__(
        self, argv: Sequence[str], columns: int = 80, rows: int = 24, env: dict[str, str] | None = None
    ) -> None:
        self.master, slave = pty.openpty()
        set_size(self.master, columns, rows)
        os.set_blocking(self.master, False)
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=env, preexec_fn=_own_terminal
        )
        os.close(slave)
        self.sizes: list[tuple[int, int]] = []
        self.pauses = 0
        self.closed = False
        self.dead = False
        self._readable = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.master, self._readable.set)

    async def read(self, limit: int = 65536) -> bytes:
        while True:
            if self.dead:
                raise HostFaultError(LOST)
            try:
                return os.read(self.master, limit)
            except BlockingIOError:
                self._readable.clear()
                await self._readable.wait()
            except OSError:
                return b""

    async def write(self, data: bytes) -> None:
        while data:
            if self.dead:
                raise HostFaultError(LOST)
            try:
                data = data[os.write(self.master, data) :]
            except BlockingIOError:
                await asyncio.sleep(0.005)

    async def write_eof(self) -> None:
        raise NotImplementedError

    def stderr_tail(self) -> bytes:
        return b""

    def resize(self, columns: int, rows: int) -> None:
        self.sizes.append((columns, rows))
        if not self.closed:
            set_size(self.master, columns, rows)

    def pause_reading(self) -> None:
        self.pauses += 1

    def resume_reading(self) -> None:
        pass

    async def wait(self) -> int | None:
        return await asyncio.to_thread(self.process.wait)

    def die(self) -> None:
        """The connection is gone, as after a dropped network."""
        self.dead = True
        self._readable.set()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self.master)
        os.close(self.master)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGHUP)
        self.process.wait(10)


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
