"""Bytes on their way from a program to its reader: bounded, and honest about how they ended."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault

__all__ = ["Inbox", "Received", "Tail"]


class Inbox:
    """A byte stream between callbacks and one reader.

    *flow* is called with True when more than *high* bytes wait unread, or when the reader asked for
    a pause, and with False when both are over. Belongs to one event loop; not safe across threads.
    """

    def __init__(self, high: int, flow: Callable[[bool], None]) -> None:
        self._high = high
        self._flow = flow
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._held = False
        self._stopped = False
        self._ended = False
        self._fault: Fault | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def size(self) -> int:
        """Bytes that wait unread."""
        return self._size

    def feed(self, data: bytes) -> None:
        """Take in what arrived; empty pieces and anything after the end are dropped."""
        if not data or self._ended:
            return
        self._pieces.append(data)
        self._size += len(data)
        self._regulate()
        self._wake()

    def end(self, fault: Fault | None = None) -> None:
        """No more will come; with *fault*, reading raises it once what waits was read. The first call counts."""
        if self._ended:
            return
        self._ended = True
        self._fault = fault
        self._wake()

    def drop(self) -> None:
        """Forget what waits unread: the reader gave up."""
        self._pieces.clear()
        self._size = 0

    def hold(self, held: bool) -> None:
        """Ask for a pause (True) or its end (False)."""
        self._held = held
        self._regulate()

    async def read(self, limit: int) -> bytes:
        """Up to *limit* bytes as soon as there are any; b"" at the end; HostFaultError at a bad end."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        while not self._pieces:
            if self._ended:
                # Yield, so that a loop which overlooks the end cannot starve the event loop.
                await asyncio.sleep(0)
                if self._fault is not None:
                    raise HostFaultError(self._fault)
                return b""
            if self._waiter is not None:
                raise RuntimeError("two readers on one channel")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._take(limit)

    def _take(self, limit: int) -> bytes:
        taken: list[bytes] = []
        room = limit
        while self._pieces and room:
            piece = self._pieces.popleft()
            if len(piece) > room:
                self._pieces.appendleft(piece[room:])
                piece = piece[:room]
            taken.append(piece)
            room -= len(piece)
        self._size -= limit - room
        self._regulate()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def _regulate(self) -> None:
        low_again = self._size <= self._high // 4
        if not self._stopped and (self._held or self._size > self._high):
            self._stopped = True
            self._flow(True)
        elif self._stopped and not self._held and low_again:
            self._stopped = False
            self._flow(False)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Tail:
    """The last *limit* bytes of a stream that nobody may be reading."""

    def __init__(self, limit: int = 65536) -> None:
        self._limit = limit
        self._data = bytearray()

    def feed(self, data: bytes) -> None:
        """Take in what arrived, forgetting the oldest bytes."""
        self._data += data[-self._limit :]
        if len(self._data) > self._limit:
            del self._data[: len(self._data) - self._limit]

    def value(self) -> bytes:
        """What is kept."""
        return bytes(self._data)


class Received:
    """What a program gives, as every channel hands it on; a mixin over the three that it is kept in."""

    _inbox: Inbox
    _stderr: Tail
    _exit: asyncio.Future[int | None]

    async def read(self, limit: int = 65536) -> bytes:
        return await self._inbox.read(limit)

    def stderr_tail(self) -> bytes:
        return self._stderr.value()

    def pause_reading(self) -> None:
        self._inbox.hold(True)

    def resume_reading(self) -> None:
        self._inbox.hold(False)

    async def wait(self) -> int | None:
        return await asyncio.shield(self._exit)
