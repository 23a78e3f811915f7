"""What a filter may go on to be is shown behind the cursor, and Tab or → takes it."""

from __future__ import annotations

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.test_views import fleet, text


async def test_a_field_and_its_value_are_offered_and_taken() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "slash", "h", "o")
        await until(pilot, lambda: "/host:" in text(app))
        await pilot.press("tab")
        await until(pilot, lambda: front(app).filter_bar.words == "host:")
        await pilot.press("b")
        await until(pilot, lambda: "host:beta" in text(app))
        await pilot.press("right")
        await until(pilot, lambda: front(app).filter_bar.words == "host:beta")
        await until(pilot, lambda: len(front(app).grid.rows) == 2)


async def test_what_is_only_offered_filters_nothing_and_enter_leaves_it() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "slash", *"host:al")
        await until(pilot, lambda: "host:alpha" in text(app))
        await pilot.press("enter")
        await quiet(pilot)
        assert front(app).filter_bar.words == "host:al"
        assert focused(app) == "grid"


async def test_tab_goes_to_the_table_when_nothing_is_offered() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "slash", *"zzzz")
        await quiet(pilot)
        await pilot.press("tab")
        await until(pilot, lambda: focused(app) == "grid")
        assert front(app).filter_bar.words == "zzzz"


async def test_a_package_to_find_is_offered_by_its_name_and_version() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("f", *"pyto")
        await until(pilot, lambda: "pytorch" in text(app))
        await pilot.press("tab", *"<2")
        await until(pilot, lambda: front(app).filter_bar.words == "pytorch<2")
        await until(pilot, lambda: "pytorch<2.0.1" in text(app))
