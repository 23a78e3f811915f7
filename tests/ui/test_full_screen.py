"""The terminal is handed over and comes back, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from tests.ui.driving import front, line, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, fault, usual_fleet
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostState
from tui.ports import Channel
from tui.terminal.passthrough import End, Result
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.message import MessageDialog


class Suspendable(HeadlessDriver):
    """A driver without a terminal that notes when the app gives it away."""

    log: list[str] = []  # noqa: RUF012  # one app runs at a time

    @property
    def can_suspend(self) -> bool:
        return True

    def suspend_application_mode(self) -> None:
        self.log.append("given")

    def resume_application_mode(self) -> None:
        self.log.append("back")


@dataclass
class FakeChannel:
    closed: int = 0
    given: list[str] = field(default_factory=list)

    def close(self) -> None:
        self.closed += 1


@asynccontextmanager
async def attaching(
    join: Callable[[FakeFleet], Result], *keys: str
) -> AsyncIterator[tuple[CondafleetApp, Pilot[int], FakeFleet, FakeChannel]]:
    fleet, channel = usual_fleet(), FakeChannel()
    fleet.channel = cast("Channel", channel)

    async def joined(_: Channel) -> Result:
        await asyncio.sleep(0)
        channel.given = list(Suspendable.log)
        return join(fleet)

    Suspendable.log.clear()
    app = CondafleetApp(fleet, now=lambda: NOW, join=joined)
    app.driver_class = Suspendable
    async with app.run_test(size=(100, 30), headless=False) as pilot:
        await quiet(pilot)
        await pilot.press("4", "j", *keys)
        await quiet(pilot)
        yield app, pilot, fleet, channel


async def test_attaching_gives_the_terminal_away_and_comes_back_to_the_same_row() -> None:
    async with attaching(lambda _: Result(End.ENDED, 0), "a") as (app, _, fleet, channel):
        assert [(plan.host, plan.session and plan.session.id) for plan in fleet.opened] == [("gpu01", "$1")]
        assert channel.given == ["given"]
        assert Suspendable.log == ["given", "back"]
        assert channel.closed
        assert fleet.refreshed == [("gpu01",)]
        assert front(app).grid.cursor_key == ("gpu01", "/tmp/tmux-1000/default", "$1")
        assert "notebook" in line(app, 2)


async def test_what_hosts_say_meanwhile_is_shown_afterwards() -> None:
    def join(fleet: FakeFleet) -> Result:
        fleet.state("newbox", HostState.UP)
        for _ in range(200):
            fleet.store.write_log("newbox", "connected", NOW)
        return Result(End.LEFT)

    async with attaching(join, "s") as (app, pilot, fleet, _):
        assert fleet.opened[0].session is None
        await pilot.press("1")
        await until(pilot, lambda: "● up" in line(app, 6))


async def test_a_connection_that_dies_brings_the_screen_back_and_says_that_the_session_lives() -> None:
    lost = Result(End.FAULT, fault=fault(FaultKind.LOST, "The connection to gpu01 was lost."))
    async with attaching(lambda _: lost, "a") as (app, pilot, _, _channel):
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        await quiet(pilot)
        assert "The session goes on there." in _words(app)
        await pilot.press("escape")
        assert front(app).grid.cursor_row == 1
        assert Suspendable.log == ["given", "back"]


async def test_a_defect_while_the_terminal_is_away_brings_the_screen_back_too() -> None:
    def broken(_: FakeFleet) -> Result:
        raise RuntimeError("[/x] broken")

    async with attaching(broken, "a") as (app, pilot, _, channel):
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        await quiet(pilot)
        assert Suspendable.log == ["given", "back"]
        assert "RuntimeError: [/x] broken" in _words(app)
        assert channel.closed


async def test_a_host_that_opens_no_terminal_is_told_of_without_giving_ours_away() -> None:
    fleet = usual_fleet()
    async with running(fleet) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        await quiet(pilot)
        assert "The connection to gpu01 is gone." in _words(app)


async def test_where_the_terminal_cannot_be_given_away_the_command_is_shown() -> None:
    fleet = usual_fleet()
    fleet.channel = cast("Channel", FakeChannel())
    async with running(fleet) as (app, pilot):
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        await quiet(pilot)
        assert "condafleet shell gpu01" in _words(app)


def _words(app: CondafleetApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())
