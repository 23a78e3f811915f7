"""The event loop's time for reading what hosts answered: shared by all hosts.

Reading in slices of 8 ms keeps one host's answer from stalling the screen; two hundred hosts that
answer together would still add up to seconds in one round of the loop. So the slice belongs to all
together::

    for row in rows:
        if slice_over():
            await next_slice()
        parse(row)
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from weakref import WeakKeyDictionary

__all__ = ["SLICE_S", "next_slice", "slice_over"]

SLICE_S = 0.008
"""How long reading may take, all hosts together, before the loop goes round, in seconds."""


class _Round:
    """What one event loop has spent on reading since it last went round, and who waits for more."""

    def __init__(self) -> None:
        self._until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._scheduled = False

    def over(self) -> bool:
        now = time.perf_counter()
        if not self._scheduled:
            self._until = now + SLICE_S
            self._schedule()
        return now > self._until

    async def wait(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._schedule()
        await waiter

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """The loop went round: a new slice, for one of those who wait."""
        self._scheduled = False
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():  # else cancelled meanwhile
                self._until = time.perf_counter() + SLICE_S
                self._schedule()
                waiter.set_result(None)
                return


_rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Round] = WeakKeyDictionary()


def _round() -> _Round:
    loop = asyncio.get_running_loop()
    current = _rounds.get(loop)
    if current is None:
        current = _rounds[loop] = _Round()
    return current


def slice_over() -> bool:
    """Whether the running loop's slice is used up. To be asked before each small piece of work."""
    return _round().over()


async def next_slice() -> None:
    """Let the loop go round until it is our turn: all readers in the order in which they came here."""
    await _round().wait()
