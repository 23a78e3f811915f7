"""How many handshakes run at once: as many as the event loop bears.

A handshake costs 1 to 2 ms of the loop's time in pieces of 0.3 ms; two hundred that become ready together
hold every key press back for 60 ms and more. So the number at work grows while the loop answers
promptly and shrinks when it lags (additive increase, multiplicative decrease). The lag is measured by a
ticker that runs only while handshakes do. A host that stays silent costs the loop nothing and
gives its place on, so that dead hosts never hold up living ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

__all__ = ["Admission", "Place"]

_TICK_S = 0.005
_CALM_S = 0.006
_BUSY_S = 0.012
_FIRST = 8.0
_LEAST = 2.0
_MOST = 256.0
_SILENT_S = 0.3


class Place:
    """The right to handshake; :meth:`leave` gives it back, any number of times."""

    __slots__ = ("_admission", "_silent", "_timer")

    def __init__(self, admission: Admission, silent: Callable[[], bool] | None) -> None:
        self._admission: Admission | None = admission
        self._silent = silent
        self._timer = asyncio.get_running_loop().call_later(_SILENT_S, self._look)

    def watch(self, silent: Callable[[], bool]) -> None:
        """From now on *silent* tells whether the host has said nothing yet."""
        self._silent = silent

    def leave(self) -> None:
        """Let the next one in."""
        self._timer.cancel()
        if self._admission is not None:
            admission, self._admission = self._admission, None
            admission.left()

    def _look(self) -> None:
        if self._silent is None or self._silent():
            self.leave()


class Admission:
    """Hands out places. *fixed* is a bound set by the person; None: by measured lag."""

    def __init__(self, fixed: int | None = None) -> None:
        self._fixed = fixed
        self._window = float(fixed) if fixed is not None else _FIRST
        self._inside = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._ticker: asyncio.TimerHandle | None = None
        self._due = 0.0

    @property
    def inside(self) -> int:
        """Handshakes at work."""
        return self._inside

    @property
    def window(self) -> float:
        """How many may be at work now."""
        return self._window

    async def enter(self) -> Place:
        """Wait for a place, first come first served. Every place inside is given on after 0.3 s of silence."""
        if self._inside >= int(self._window) or self._waiters:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self.left()  # the place was given at the very moment of the cancellation
                else:
                    self._waiters.remove(waiter)
                raise
        else:
            self._inside += 1
        self._start_ticker()
        return Place(self, None)

    def left(self) -> None:
        """A place became free."""
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self._waiters and self._inside < int(self._window):
            waiter = self._waiters.popleft()
            if not waiter.done():
                self._inside += 1
                waiter.set_result(None)

    def _start_ticker(self) -> None:
        if self._fixed is None and self._ticker is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + _TICK_S
            self._ticker = loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        self._ticker = None
        lag = asyncio.get_running_loop().time() - self._due
        if lag < _CALM_S:
            # Growing while nobody waits would only store up a burst for later.
            if self._waiters:
                self._window = min(_MOST, self._window + 1.0)
        elif lag > _BUSY_S:
            self._window = max(_LEAST, self._window * 0.7)
        self._let_in()
        if self._inside or self._waiters:
            self._start_ticker()
