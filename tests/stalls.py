"""How long an event loop's own thread computes without a pause: what a stall is, whatever else the machine does."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Stalls:
    """The longest slice seen, in seconds of the loop thread's CPU time."""

    longest = 0.0


@asynccontextmanager
async def watched() -> AsyncIterator[Stalls]:
    """Measure the running loop while the block runs; what earlier tests left in memory is not collected meanwhile."""
    stalls = Stalls()
    gc.collect()
    gc.freeze()

    async def watch() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            stalls.longest = max(stalls.longest, now - last)
            last = now

    task = asyncio.create_task(watch())
    try:
        await asyncio.sleep(0)
        yield stalls
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        gc.unfreeze()
