"""A limit on a wait that stands still while a person is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

__all__ = ["Deadline"]


class Deadline:
    """``async with Deadline(10)`` raises TimeoutError after 10 s, not counting time inside :meth:`paused`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._timeout: asyncio.Timeout | None = None
        self._pauses = 0
        self._left = seconds

    async def __aenter__(self) -> Deadline:
        self._timeout = asyncio.timeout(None if self._pauses else self._left)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._timeout is not None
        timeout, self._timeout = self._timeout, None
        await timeout.__aexit__(kind, error, trace)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time inside does not count; may nest and may be entered by several tasks."""
        now = asyncio.get_running_loop().time
        if self._pauses == 0 and self._timeout is not None and not self._timeout.expired():
            self._left = max(0.0, (self._timeout.when() or now()) - now())
            self._timeout.reschedule(None)
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if self._pauses == 0 and self._timeout is not None and not self._timeout.expired():
                self._timeout.reschedule(now() + self._left)
