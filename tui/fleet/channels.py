"""Programs on a host, each over one session channel."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import asyncssh

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.fleet.inbox import Inbox, Received, Tail

__all__ = ["Places", "SshChannel"]


class Places:
    """At most *limit* channels at once, one of them kept for control; first come, first served."""

    def __init__(self, limit: int = 8) -> None:
        self._limit = limit
        self._used = 0
        self._control: deque[asyncio.Future[None]] = deque()
        self._ordinary: deque[asyncio.Future[None]] = deque()

    @property
    def used(self) -> int:
        """Channels open or being opened."""
        return self._used

    def _free(self, control: bool) -> bool:
        return self._used < (self._limit if control or self._limit == 1 else self._limit - 1)

    def take(self, control: bool) -> bool:
        """Take a place that is free now; False when there is none."""
        if (self._control if control else self._ordinary) or not self._free(control):
            return False
        self._used += 1
        return True

    async def enter(self, control: bool) -> None:
        """Wait for a place."""
        if self.take(control):
            return
        queue = self._control if control else self._ordinary
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.leave()
            else:
                queue.remove(waiter)
            raise

    def leave(self) -> None:
        """Give a place back."""
        self._used -= 1
        self._let_in()

    def shrink(self) -> None:
        """The host refused one more than it has open now (MaxSessions): ask for no more than that."""
        self._limit = max(1, min(self._limit, self._used - 1))

    def _let_in(self) -> None:
        for queue, control in ((self._control, True), (self._ordinary, False)):
            while queue and self._free(control):
                waiter = queue.popleft()
                if not waiter.done():
                    self._used += 1
                    waiter.set_result(None)


class SshChannel(Received, asyncssh.SSHClientSession[bytes]):
    """The channel port over one SSH session channel."""

    def __init__(
        self, where: str, window: int, gone: Callable[[], None], dying: Callable[[], bool], why: Callable[[], Fault]
    ) -> None:
        self._where = where
        self._gone = gone
        self._dying = dying
        self._why = why
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        # Half the window waits here at most, the other half on its way: so back-pressure reaches the host.
        self._inbox = Inbox(max(window // 2, 1), self._flow)
        self._stderr = Tail()
        self._exit: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False
        self._closed = False
        self._lost: Fault | None = None

    # -- Channel ---------------------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        channel = self._writing()
        try:
            channel.write(data)
        except OSError as error:
            raise self._no_input() from error
        await self._writable.wait()
        self._writing()

    async def write_eof(self) -> None:
        if self._channel is not None and not self._ended:
            with contextlib.suppress(OSError):
                self._channel.write_eof()

    def resize(self, columns: int, rows: int) -> None:
        if self._channel is not None and not self._ended and not self._closed:
            with contextlib.suppress(OSError):
                self._channel.change_terminal_size(max(1, columns), max(1, rows))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._inbox.drop()
        self._inbox.end()
        self._writable.set()
        if self._channel is not None and not self._ended:
            # Not close(): that would wait for input which the program may never take.
            self._channel.abort()

    def _writing(self) -> asyncssh.SSHClientChannel[bytes]:
        if self._lost is not None:
            raise HostFaultError(self._lost)
        if self._channel is None or self._ended or self._closed:
            raise self._no_input()
        return self._channel

    def refuse(self, fault: Fault) -> None:
        """The host did not start the program: reading and writing raise *fault*."""
        if not self._closed and not self._ended:
            self._lost = fault
            self._inbox.end(fault)
            self._writable.set()

    def _no_input(self) -> HostFaultError:
        message = phrase("The program on {where} has ended and takes no more input.", where=self._where)
        return HostFaultError(Fault(FaultKind.LOST, message, phrase("Nothing else was affected; open it again.")))

    # -- callbacks of the SSH library -----------------------------------------------------------------

    def connection_made(self, chan: Any) -> None:
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is None:
            self._inbox.feed(data)
        else:
            self._stderr.feed(data)

    def eof_received(self) -> bool:
        self._inbox.end()
        return True

    def exit_status_received(self, status: int) -> None:
        if not self._exit.done():
            self._exit.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        if (exc is not None or self._dying()) and not self._closed and self._lost is None:
            self._lost = self._why()
        self._inbox.end(self._lost)
        if not self._exit.done():
            self._exit.set_result(None)
        self._writable.set()
        self._gone()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _flow(self, stop: bool) -> None:
        if self._channel is not None and not self._ended:
            if stop:
                self._channel.pause_reading()
            else:
                self._channel.resume_reading()
