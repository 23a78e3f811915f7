"""Waits that end: at their limit, by the fleet's clock, and never later because something refuses to be cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tui.ports import Clock

__all__ = ["abandon", "within", "woken"]

T = TypeVar("T")


def abandon(task: asyncio.Future[Any]) -> None:
    """Cancel *task* without waiting for it; whatever it still raises is nobody's business."""
    if not task.done():
        task.cancel()
    task.add_done_callback(_look_away)


def _look_away(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()  # an exception that nobody looked at would be reported when the task is collected


async def within(clock: Clock, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What *work* returns, if it does within *seconds* of the clock.

    Raises TimeoutError otherwise. Unlike ``asyncio.timeout`` it goes on at the limit, and when it is
    cancelled, even if *work* does not heed its cancellation.
    """
    task = asyncio.ensure_future(work)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise TimeoutError(f"not done within {seconds:g} s")
    finally:
        abandon(timer)
        abandon(task)


async def woken(clock: Clock, seconds: float, event: asyncio.Event) -> bool:
    """Wait until *event* is set (True), at most *seconds* of the clock (False)."""
    if event.is_set():
        return True
    waiter = asyncio.ensure_future(event.wait())
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiter, timer), return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        abandon(waiter)
        abandon(timer)
