"""Long work on the event loop, in slices between which keys are taken and the screen is painted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from tui.domain.steps import Steps

__all__ = ["SLICE_S", "in_slices"]

T = TypeVar("T")

SLICE_S = 0.008
"""How long work goes on before the loop goes round, in seconds."""


async def in_slices(steps: Steps[T], wanted: Callable[[], bool]) -> T | None:
    """The result of *steps*; None, and the rest is not done, once *wanted* says no after a pause."""
    until = time.perf_counter() + SLICE_S
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            if not wanted():
                steps.close()
                return None
            until = time.perf_counter() + SLICE_S
