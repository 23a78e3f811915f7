"""A program on a demo host, run for one SSH channel: real pipes or a real pty, both ways held back when full.

It behaves as sshd's child does: the exit status goes out when the program ended and its output was read to
its end; a program that leaves something behind on the pipes keeps the channel open; with a pty the channel
ends with the program. When the connection goes, its process group is told to hang up.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Mapping, Sequence

__all__ = ["Child"]

CHUNK = 65536
_MOST_WAITING = 1 << 18
_MOST_DRAINED = 64
# In a new session the first terminal opened becomes the controlling one (Linux).
_ON_TTY = 'tty=$1; shift; exec "$@" <>"$tty" >&0 2>&1'


class Child:
    """One program. *output* gets (bytes, is stderr); *ended* gets the wait status once, after all output.

    *blocked* gets True when input should pause, False when it may go on.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        executable: str | None = None,
        environ: Mapping[str, str],
        cwd: str,
        size: tuple[int, int] | None,
        output: Callable[[bytes, bool], None],
        ended: Callable[[int], None],
        blocked: Callable[[bool], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._output, self._ended, self._blocked = output, ended, blocked
        self._waiting = bytearray()
        self._eof = False
        self._paused = False
        self._held = False
        self._status: int | None = None
        self._done = False
        self._readers: dict[int, bool] = {}
        self._tty: int | None = None
        self._handle: int | None = None
        self._writer: int | None = None
        if size is not None:
            self._process = self._spawn_on_tty(argv, executable, environ, cwd, size)
        else:
            self._process = self._spawn(argv, executable, environ, cwd)
        self.pid = self._process.pid
        self._watch()
        for descriptor in self._readers:
            self._loop.add_reader(descriptor, self._on_output, descriptor)

    def _watch(self) -> None:
        """Have :meth:`_on_exit` called when the program has ended."""
        try:
            self._handle = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # not on this system, or not allowed in this container
            threading.Thread(target=self._wait_in_thread, daemon=True).start()
        else:
            self._loop.add_reader(self._handle, self._on_exit)

    def _wait_in_thread(self) -> None:
        self._process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            self._loop.call_soon_threadsafe(self._on_exit)

    def _spawn(
        self, argv: Sequence[str], executable: str | None, environ: Mapping[str, str], cwd: str
    ) -> subprocess.Popen[bytes]:
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        (stdin, self._writer), (out, stdout), (err, stderr) = pipes
        self._readers = {out: False, err: True}
        for descriptor in (self._writer, out, err):
            os.set_blocking(descriptor, False)
        try:
            return subprocess.Popen(
                argv,
                executable=executable,
                env=environ,
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError:
            for descriptor in (self._writer, out, err):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (stdin, stdout, stderr):
                os.close(descriptor)

    def _spawn_on_tty(
        self,
        argv: Sequence[str],
        executable: str | None,
        environ: Mapping[str, str],
        cwd: str,
        size: tuple[int, int],
    ) -> subprocess.Popen[bytes]:
        master, slave = os.openpty()
        os.set_blocking(master, False)
        self._tty = self._writer = master
        self._readers = {master: False}
        self.resize(*size)
        name = os.ttyname(slave)
        first = argv[0] if executable is None else executable
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _ON_TTY, "sh", name, first, *argv[1:]],
                env={**environ, "SSH_TTY": name},
                cwd=cwd,
                stdin=slave,  # keeps the terminal alive until the program has opened it as its own
                stdout=slave,
                stderr=slave,
                start_new_session=True,
            )
        except OSError:
            os.close(master)
            raise
        finally:
            os.close(slave)

    def write(self, data: bytes) -> None:
        """Hand *data* to the program's input."""
        if self._writer is None or self._eof:
            return
        self._waiting += data
        self._push()

    def write_eof(self) -> None:
        """End the program's input once all of it was taken. A terminal has no end; as with sshd, it gets none."""
        if self._tty is None:
            self._eof = True
            self._push()

    def _push(self) -> None:
        if self._writer is None:
            return
        try:
            while self._waiting:
                taken = os.write(self._writer, self._waiting[:CHUNK])
                del self._waiting[:taken]
        except BlockingIOError:
            self._loop.add_writer(self._writer, self._push)
        except OSError:  # the program closed its input
            self._waiting.clear()
            self._close_input()
        else:
            self._loop.remove_writer(self._writer)
            if self._eof:
                self._close_input()
        full = len(self._waiting) > _MOST_WAITING
        if full != self._held:
            self._held = full
            self._blocked(full)

    def _close_input(self) -> None:
        if self._writer is not None and self._writer != self._tty:
            self._loop.remove_writer(self._writer)
            os.close(self._writer)
            self._writer = None

    def pause(self) -> None:
        """Read no more output until :meth:`resume`."""
        if not self._paused:
            self._paused = True
            for descriptor in self._readers:
                self._loop.remove_reader(descriptor)

    def resume(self) -> None:
        """Undo :meth:`pause`."""
        if self._paused:
            self._paused = False
            for descriptor in self._readers:
                self._loop.add_reader(descriptor, self._on_output, descriptor)
            if self._status is not None:
                self._drain_tty()

    def _on_output(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            if self._tty is not None and self._status is not None:
                self._end_of(descriptor)
            return
        except OSError:  # a terminal whose last user is gone
            data = b""
        if data:
            self._output(data, self._readers.get(descriptor, False))
        else:
            self._end_of(descriptor)

    def _end_of(self, descriptor: int) -> None:
        if self._readers.pop(descriptor, None) is None:
            return
        self._loop.remove_reader(descriptor)
        if descriptor == self._tty:
            self._loop.remove_writer(descriptor)
            self._tty = self._writer = None
        os.close(descriptor)
        self._maybe_ended()

    def _on_exit(self) -> None:
        if self._handle is not None:
            self._loop.remove_reader(self._handle)
            os.close(self._handle)
        self._status = self._process.wait()
        self._drain_tty()
        self._maybe_ended()

    def _drain_tty(self) -> None:
        """What the terminal still holds goes out; programs left on it do not keep the channel."""
        for _ in range(_MOST_DRAINED):
            if self._tty is None or self._paused:
                return
            self._on_output(self._tty)
        if self._tty is not None:
            self._end_of(self._tty)

    def _maybe_ended(self) -> None:
        if self._status is not None and not self._readers and not self._done:
            self._done = True
            self._close_input()
            self._ended(self._status)

    def resize(self, columns: int, rows: int) -> None:
        """Set the terminal's size; programs on it get SIGWINCH."""
        if self._tty is not None:
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._tty, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: signal.Signals) -> None:
        """Signal the program's process group, while the program lives."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def abandon(self) -> None:
        """The channel is gone: hang up, close everything; nothing is called back any more."""
        self._done = True
        self.signal(signal.SIGHUP)
        for descriptor in self._readers:
            self._loop.remove_reader(descriptor)
            if descriptor == self._tty:
                self._loop.remove_writer(descriptor)
                self._tty = self._writer = None
            os.close(descriptor)
        self._readers.clear()
        self._waiting.clear()
        self._close_input()
