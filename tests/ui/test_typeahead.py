"""Keys that arrive in one piece, as over a slow line, do what they do when they are pressed one by one."""

from __future__ import annotations

import os

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.fake_fleet import usual_fleet
from tests.ui.test_real_terminal import Terminal, terminal
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.palette import Palette

__all__ = ["terminal"]


def burst(pilot: Pilot[int], *keys: str) -> None:
    """All *keys* before any of them is acted on."""
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 else key
        pilot.app.post_message(events.Key(name, key if len(key) == 1 else None))


def typed(app: CondafleetApp) -> str:
    return app.screen.query_one(Input).value


@pytest.mark.parametrize(
    ("first", "keys", "words"),
    [
        ("", "/llm", "llm"),
        ("", "ftorch", "torch"),
        ("", ":quit", "quit"),
        ("", "2/llm", "llm"),
        ("/etl", ["ctrl+u", *"llm"], "llm"),
        ("/lmmm", [*["backspace"] * 4, *"etl"], "etl"),
        ("/llm", ["escape", "/", *"etl"], "etl"),
        ("/etl", ["home", *"my "], "my etl"),
    ],
)
async def test_what_is_typed_ahead_is_kept_in_order(first: str, keys: str, words: str) -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press(*first)
        await quiet(pilot)
        burst(pilot, *keys)
        await until(pilot, lambda: bool(app.screen.query(Input)) and typed(app) == words)


async def test_a_palette_opened_by_the_last_key_takes_the_ones_behind_it() -> None:
    async with running(usual_fleet()) as (app, pilot):
        burst(pilot, ":", *"hosts")
        await until(pilot, lambda: isinstance(app.screen, Palette) and typed(app) == "hosts")


async def test_enter_behind_a_filter_leaves_it_and_the_arrow_behind_that_moves() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        burst(pilot, "/", *"llm", "enter", "space")
        await until(pilot, lambda: focused(app) == "grid" and len(front(app).marks) == 1)
        assert front(app).filter_bar.words == "llm"


async def test_a_paste_behind_the_key_that_opens_the_filter_goes_into_it() -> None:
    async with running(usual_fleet()) as (app, pilot):
        burst(pilot, "/")
        app.post_message(events.Paste("llm"))
        burst(pilot, "2")
        await until(pilot, lambda: typed(app) == "llm2")


async def test_a_key_whose_widget_is_gone_does_not_hold_the_next_one_back() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("f")
        await quiet(pilot)
        burst(pilot, "escape", "f", "escape", "f", "escape", "/", "x")
        await until(pilot, lambda: len(app.screen_stack) == 1 and typed(app) == "x")


def test_one_write_to_a_real_terminal_fills_the_filter(terminal: Terminal) -> None:
    shown = terminal.until(b"bastion-lab")
    os.write(terminal.master, b"/gpu02")
    terminal.until(b"1 of ", shown)
