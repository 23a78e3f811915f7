"""Helpers that run the app over a fake fleet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.geometry import Region
from textual.pilot import Pilot

from tests.ui.fake_fleet import NOW, FakeFleet
from tui.terminal.passthrough import pass_through
from tui.ui.app import CondafleetApp
from tui.ui.prompter import DialogPrompter
from tui.ui.screens.listing import ListingScreen
from tui.ui.terminal import PassThrough

__all__ = ["focused", "front", "line", "quiet", "running", "until"]


async def quiet(pilot: Pilot[int]) -> None:
    """Wait until the screen shows what the store holds."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@asynccontextmanager
async def running(
    fleet: FakeFleet,
    size: tuple[int, int] = (100, 30),
    *,
    prompter: DialogPrompter | None = None,
    join: PassThrough = pass_through,
    deaf_s: float = 0,
    readonly: bool = False,
) -> AsyncIterator[tuple[CondafleetApp, Pilot[int]]]:
    """The app over *fleet*, mounted and drawn; dialogs take keys at once unless *deaf_s* says otherwise."""
    app = CondafleetApp(fleet, now=lambda: NOW, prompter=prompter, join=join, deaf_s=deaf_s, readonly=readonly)
    async with app.run_test(size=size) as pilot:
        await quiet(pilot)
        yield app, pilot


def front(app: CondafleetApp) -> ListingScreen:
    """The table in front."""
    screen = app.front()
    assert screen is not None
    return screen


def focused(app: CondafleetApp) -> str | None:
    """The id of the widget that has the keys."""
    return app.focused.id if app.focused is not None else None


def line(app: CondafleetApp, y: int) -> str:
    """Line *y* of the table as it is painted."""
    return front(app).grid.render_lines(Region(0, y, 400, 1))[0].text


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    """Wait for a condition, at most 10 s."""
    async with asyncio.timeout(10):
        while not holds():
            await pilot.pause()
