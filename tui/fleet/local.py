"""This machine as a host: the connection port over ``/bin/sh`` subprocesses, without SSH.

Each channel's program runs in a session of its own, inherits the environment and starts in the home
directory, as over SSH. Closing a channel hangs its process group up (SIGHUP).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import pwd
import signal
import socket
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import cast

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.fleet.inbox import Inbox, Received, Tail
from tui.ports import Channel, Clock, ConnectionFacts, TermRequest

__all__ = ["LocalConnection"]

_WINDOW = 1 << 20
_SHELL = "/bin/sh"
# A session leader without a terminal gets the one that it opens: no code has to run between fork and exec.
# It is opened for both ways: tmux's server draws on what its client has as standard input.
_ON_PTY = 'exec <>"$0" >&0 2>&0; exec /bin/sh -c "$1"'
_GRACE_S = 1.0


def _ended(message: str) -> HostFaultError:
    return HostFaultError(Fault(FaultKind.LOST, message, phrase("Nothing else was affected; open it again.")))


class LocalConnection:
    """Always up; :meth:`close` hangs up every program still running and leaves no process behind."""

    def __init__(self, clock: Clock) -> None:
        self._facts = ConnectionFacts(
            address=socket.gethostname(), user=_user_name(), auth_method="none", connected_at=clock.now()
        )
        self._channels: set[_LocalChannel] = set()
        self._closed: asyncio.Event = asyncio.Event()

    @property
    def facts(self) -> ConnectionFacts:
        """How this machine is reached: directly, as the current user."""
        return self._facts

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        """Start *command* by ``/bin/sh -c``. Raises HostFaultError (``lost``, ``shell_broken``)."""
        if self._closed.is_set():
            raise _ended(phrase("The connection to this machine was closed."))
        channel = _LocalChannel(window or _WINDOW, self._channels.discard)
        self._channels.add(channel)
        try:
            await channel.start(command, term)
        except OSError as error:
            self._channels.discard(channel)
            message = phrase(
                "{shell} could not be started on this machine: {errno}.",
                shell=_SHELL,
                errno=os.strerror(error.errno or 0),
            )
            raise HostFaultError(
                Fault(FaultKind.SHELL_BROKEN, message, phrase("See whether the machine is out of processes or memory."))
            ) from error
        except BaseException:
            channel.close()
            raise
        if self._closed.is_set():
            channel.close()
            raise _ended(phrase("The connection to this machine was closed."))
        return channel

    async def closed(self) -> Fault | None:
        """Wait for :meth:`close`; this machine is never lost."""
        await self._closed.wait()
        return None

    async def close(self) -> None:
        """Hang up all programs, wait at most one second for them, then end their process groups."""
        self._closed.set()
        channels = list(self._channels)
        for channel in channels:
            channel.close()
        if channels:
            waits = [asyncio.ensure_future(channel.finished()) for channel in channels]
            _, late = await asyncio.wait(waits, timeout=_GRACE_S)
            for channel in channels:
                channel.kill()
            if late:
                await asyncio.wait(late, timeout=_GRACE_S)
            for wait in waits:
                wait.cancel()


class _LocalChannel(Received, asyncio.SubprocessProtocol):
    """A program on this machine; with a pty when a terminal was asked for."""

    def __init__(self, window: int, gone: Callable[[_LocalChannel], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._gone = gone
        self._inbox = Inbox(window // 2, self._flow)
        self._stderr = Tail()
        self._transport: asyncio.SubprocessTransport | None = None
        self._pid: int | None = None
        self._master: int | None = None
        self._reading = False
        self._exit: asyncio.Future[int | None] = self._loop.create_future()
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = False

    async def start(self, command: str, term: TermRequest | None) -> None:
        """Start the program. Raises OSError."""
        cwd = _home()
        if term is None:
            await self._loop.subprocess_exec(lambda: self, _SHELL, "-c", command, cwd=cwd, start_new_session=True)
        else:
            self._master, slave = os.openpty()
            try:
                self.resize(term.columns, term.rows)
                os.set_blocking(self._master, False)
                await self._loop.subprocess_exec(
                    lambda: self,
                    _SHELL, "-c", _ON_PTY, os.ttyname(slave), command,
                    stdin=slave, stdout=slave, stderr=slave,
                    cwd=cwd, env={**os.environ, "TERM": term.term}, start_new_session=True,
                )  # fmt: skip
            except BaseException:
                self._close_master()
                raise
            finally:
                os.close(slave)
            self._flow(False)

    # -- Channel ---------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        if self._closed or self._exit.done():
            raise _ended(phrase("The program on this machine has ended and takes no more input."))
        if self._master is not None:
            await self._write_master(data)
            return
        pipe = cast("asyncio.WriteTransport | None", self._transport and self._transport.get_pipe_transport(0))
        if pipe is None or pipe.is_closing():
            raise _ended(phrase("The program on this machine takes no more input."))
        pipe.write(data)
        await self._writable.wait()
        if pipe.is_closing():
            raise _ended(phrase("The program on this machine takes no more input."))

    async def write_eof(self) -> None:
        if self._master is not None:
            with contextlib.suppress(HostFaultError):
                await self._write_master(b"\x04")
        elif self._transport is not None:
            pipe = self._transport.get_pipe_transport(0)
            if pipe is not None:
                pipe.close()

    def resize(self, columns: int, rows: int) -> None:
        if self._master is not None:
            size = struct.pack("HHHH", max(1, min(rows, 9999)), max(1, min(columns, 9999)), 0, 0)
            with contextlib.suppress(OSError):
                fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._inbox.drop()
        self._inbox.end()
        self._writable.set()
        self._close_master()
        if self._transport is not None:
            for number in (0, 1, 2):
                pipe = self._transport.get_pipe_transport(number)
                if pipe is not None:
                    pipe.close()
        self._signal(signal.SIGHUP)

    async def finished(self) -> None:
        """Wait until the program ended and its pipes are closed."""
        await asyncio.shield(self._finished)

    def kill(self) -> None:
        """End the program and its process group for good."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        # The group is signalled only while its leader lives: afterwards the number may be another's.
        if self._pid is not None and not self._exit.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)

    # -- callbacks of the event loop ----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._inbox.feed(data)
        else:
            self._stderr.feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0:
            self._writable.set()
        elif fd == 1:
            self._inbox.end()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def process_exited(self) -> None:
        code = self._transport.get_returncode() if self._transport is not None else None
        if not self._exit.done():
            self._exit.set_result(code if code is not None and code >= 0 else None)
        self._writable.set()
        if self._master is not None:
            self._read_master()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inbox.end()
        if self._transport is not None:
            self._transport.close()  # all is over; this only marks it so
        _fulfil(self._finished)
        self._gone(self)

    # -- the pty ------------------------------------------------------------------------------------

    def _flow(self, stop: bool) -> None:
        if self._master is not None:
            if stop == self._reading:
                self._reading = not stop
                if stop:
                    self._loop.remove_reader(self._master)
                else:
                    self._loop.add_reader(self._master, self._read_master)
            return
        pipe = self._transport.get_pipe_transport(1) if self._transport is not None else None
        if pipe is not None and not pipe.is_closing():
            reader = cast(asyncio.ReadTransport, pipe)
            if stop:
                reader.pause_reading()
            else:
                reader.resume_reading()

    def _read_master(self) -> None:
        if self._master is None:
            return
        try:
            data = os.read(self._master, 65536)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: the last of the terminal's programs is gone
                self._stderr.feed(os.strerror(error.errno or 0).encode())
            data = b""
        if data:
            self._inbox.feed(data)
        else:
            self._close_master()
            self._inbox.end()

    async def _write_master(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if self._master is None:
                raise _ended(phrase("The program on this machine has ended and takes no more input."))
            try:
                view = view[os.write(self._master, view) :]
            except BlockingIOError:
                await self._master_writable()
            except OSError as error:
                raise _ended(phrase("The program on this machine has ended and takes no more input.")) from error

    async def _master_writable(self) -> None:
        ready = self._loop.create_future()
        master = cast(int, self._master)
        self._loop.add_writer(master, _fulfil, ready)
        try:
            # A closed terminal is no longer watched: look again from time to time.
            await asyncio.wait((ready, self._exit), timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self._master == master:
                self._loop.remove_writer(master)

    def _close_master(self) -> None:
        if self._master is not None:
            if self._reading:
                self._loop.remove_reader(self._master)
                self._reading = False
            self._loop.remove_writer(self._master)
            os.close(self._master)
            self._master = None


def _fulfil(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _home() -> str:
    home = str(Path.home())
    return home if Path(home).is_dir() else "/"


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
