"""The keys at the bottom: as many as there is room for, help and the way out always among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.fake_fleet import usual_fleet
from tui.ui.app import CondafleetApp
from tui.ui.widgets.footer import KeyLine, fitting


def shown(app: object) -> str:
    """The last line as it is painted, each gap as one blank."""
    assert hasattr(app, "screen")
    bar = app.screen.query_one(KeyLine)
    return " ".join(bar.render_line(0).text.split())


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize(
    "place",
    [("1",), ("2",), ("4",), ("6",), ("2", "p"), ("2", "c"), ("m",), ("f", *"numpy", "enter")],
    ids=["fleet", "environments", "sessions", "hosts", "packages", "compare", "matrix", "find"],
)
async def test_help_and_the_way_out_are_in_every_footer(place: tuple[str, ...], columns: int) -> None:
    async with running(usual_fleet(), (columns, 24)) as (app, pilot):
        await pilot.press(*place)
        await quiet(pilot)
        await until(pilot, lambda: "? Keys" in shown(app) and "q Quit" in shown(app))


async def test_what_matters_least_goes_first_and_comes_back_with_the_room() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        await pilot.press("6")
        await quiet(pilot)
        await until(pilot, lambda: "q Quit" in shown(app))
        assert "o Sort" not in shown(app)
        assert "c Reconnect" in shown(app)
        await pilot.resize_terminal(120, 24)
        await until(pilot, lambda: "o Sort" in shown(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "o Sort" not in shown(app) and "q Quit" in shown(app))


async def typing(pilot: Pilot[int], *keys: str) -> str:
    await pilot.press(*keys)
    await quiet(pilot)
    await until(pilot, lambda: "Esc" in shown(pilot.app))
    return shown(pilot.app)


async def test_esc_in_a_filter_clears_it_and_is_called_so() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        said = await typing(pilot, "slash", "g")
        assert "Esc Clear" in said
        assert "^q Quit" in said
        await pilot.press("escape")
        assert (front(app).MODE, front(app).filter_bar.words, focused(app)) == ("fleet", "", "grid")


async def test_esc_in_find_leads_back_and_is_called_so() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        said = await typing(pilot, "f", *"numpy")
        assert "Esc Back" in said
        assert "Clear" not in said
        await pilot.press("escape")
        await until(pilot, lambda: front(app).MODE == "fleet")


def key_place(app: CondafleetApp, label: str) -> int:
    """The column in which *label* starts in the line of keys."""
    return app.screen.query_one(KeyLine).render_line(0).text.index(label)


@pytest.mark.parametrize("into", [-2, 0, 3], ids=["key", "label", "last-letter"])
async def test_a_click_on_a_key_or_its_label_is_that_key(into: int) -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        await until(pilot, lambda: "? Keys" in shown(app))
        before = app.screen
        await pilot.click(KeyLine, offset=(key_place(app, "Keys") + into, 0))
        await until(pilot, lambda: app.screen is not before)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is before)


async def test_a_click_beside_the_keys_is_none() -> None:
    async with running(usual_fleet(), (120, 24)) as (app, pilot):
        await until(pilot, lambda: "q Quit" in shown(app))
        before = app.screen
        await pilot.click(KeyLine, offset=(key_place(app, "Quit") + len("Quit "), 0))
        await quiet(pilot)
        assert app.screen is before
        assert app.is_running


async def test_the_key_below_the_mouse_is_lit_and_says_what_it_does() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        await until(pilot, lambda: "? Keys" in shown(app))
        bar = app.screen.query_one(KeyLine)

        def lit() -> str:
            plain = bar.rich_style.bgcolor
            return "".join(each.text for each in bar.render_line(0) if each.style and each.style.bgcolor != plain)

        assert lit() == ""
        await pilot.hover(KeyLine, offset=(key_place(app, "Keys"), 0))
        await until(pilot, lambda: lit() == " ? Keys ")
        assert bar.tooltip == "The keys of this screen"
        await pilot.hover("#grid")
        await until(pilot, lambda: lit() == "")


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), max_size=12),
    st.integers(0, 200),
)
def test_what_stays_fits_or_is_only_what_always_stays(keys: list[tuple[int, int]], room: int) -> None:
    widths, ranks = [width for width, _ in keys], [rank for _, rank in keys]
    kept = fitting(widths, ranks, room)
    assert kept == sorted(kept)
    assert {place for place, rank in enumerate(ranks) if rank == 0} <= set(kept)
    assert sum(widths[place] for place in kept) <= room or all(ranks[place] == 0 for place in kept)
    gone = set(range(len(keys))) - set(kept)
    assert all(ranks[here] <= ranks[there] for here in kept for there in gone)
