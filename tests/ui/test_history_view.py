"""The history of an environment: in its detail and as a view of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.ui.driving import front, line, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, environment, fault, usual_history
from tests.ui.test_views import text
from tui.domain.environments import Environment
from tui.domain.faults import FaultKind
from tui.domain.history import History, Revision
from tui.domain.hosts import HostSpec, HostState
from tui.domain.snapshot import Part

ENV = environment("gpu01", "llm")
KEY = (ENV.host, ENV.prefix)
DOWN = fault(FaultKind.PERMISSION, "The history of gpu01:/data may not be read.", "Ask its owner.")


def fleet(*environments: Environment) -> FakeFleet:
    made = FakeFleet([HostSpec("gpu01")])
    made.state("gpu01", HostState.UP)
    made.put("gpu01", environments=Part(environments or (ENV,), NOW))
    made.histories[KEY] = usual_history(ENV.prefix)
    return made


async def test_the_changes_are_listed_newest_first_and_enter_shows_one() -> None:
    async with running(fleet(), (80, 24)) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: front(app).MODE == "history" and len(front(app).grid.rows) == 4)
        await quiet(pilot)
        assert "Environments › llm on gpu01 › History" in text(app)
        assert "4 changes" in text(app)
        assert "conda install -p …/llm numpy=1.26" in line(app, 3)
        assert "+1 ~1" in line(app, 3)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "numpy  1.25.0 → 1.26.1" in text(app))
        assert "1 package added" in text(app)
        await pilot.press("escape")
        await quiet(pilot)
        assert front(app).MODE == "history"
        await pilot.press("escape")
        await until(pilot, lambda: front(app).MODE == "environments")


async def test_it_is_found_by_what_changed() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: len(front(app).grid.rows) == 4)
        await pilot.press("slash", *"libblas")
        await until(pilot, lambda: len(front(app).grid.rows) == 1)


async def test_while_it_is_on_its_way_the_screen_says_so() -> None:
    made = fleet()
    made.history_gate = asyncio.Event()
    async with running(made) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: "Reading the history of llm" in text(app))
        made.history_gate.set()
        await until(pilot, lambda: len(front(app).grid.rows) == 4)
        assert made.histories_asked == [KEY]


async def test_an_empty_one_and_one_that_cannot_be_read_say_so_and_r_tries_again() -> None:
    made = fleet()
    made.histories[KEY] = DOWN
    async with running(made) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: "may not be read" in text(app))
        assert "Ask its owner." in text(app)
        made.histories[KEY] = History()
        await pilot.press("r")
        await until(pilot, lambda: "The history of llm is empty" in text(app))


async def test_what_was_read_stays_when_it_cannot_be_renewed() -> None:
    made = fleet()
    async with running(made) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: len(front(app).grid.rows) == 4)
        made.histories[KEY] = DOWN
        await pilot.press("r")
        await until(pilot, lambda: "not renewed: not permitted" in text(app))
        assert len(front(app).grid.rows) == 4


async def test_a_changed_environment_has_its_history_read_again() -> None:
    made = fleet()
    async with running(made) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: len(front(app).grid.rows) == 4)
        one = Revision(4, NOW, "conda install x", None)
        made.histories[KEY] = History((one, *usual_history(ENV.prefix).revisions))
        made.put("gpu01", environments=Part((replace(ENV, modified=NOW),), NOW))
        await until(pilot, lambda: len(front(app).grid.rows) == 5)


async def test_a_history_that_was_cut_says_that_its_beginning_is_missing() -> None:
    made = fleet()
    made.histories[KEY] = History(usual_history(ENV.prefix).revisions, complete=False)
    async with running(made) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: "the beginning of the file was not read" in text(app))


async def test_the_detail_tells_the_last_changes_once_it_is_gone_into() -> None:
    made = fleet()
    async with running(made, (170, 50)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "h shows what was asked of conda, and when." in text(app))
        assert made.histories_asked == []
        await pilot.press("enter")
        await until(pilot, lambda: "9d ago  +1 ~1  conda install" in text(app))
        assert made.histories_asked == [KEY]


async def test_copying_a_change_copies_its_command() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "h")
        await until(pilot, lambda: len(front(app).grid.rows) == 4)
        await pilot.press("j", "y")
        await until(pilot, lambda: app.clipboard != "")
        assert app.clipboard == "/opt/conda/bin/conda remove -y lib0"
        await pilot.press("j", "j", "y")
        await until(pilot, lambda: app.clipboard == f"gpu01:{ENV.prefix}")


async def test_an_environment_that_went_away_is_said_to_be_gone() -> None:
    made = fleet()
    made.history_gate = asyncio.Event()
    async with running(made) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        made.put("gpu01", environments=Part((environment("gpu01", "other"),), NOW))
        app.show_history(KEY)
        await until(pilot, lambda: "This environment is gone" in text(app))
