"""What the screen says beside the work: of filters, comparing, passing notes, the way back, the palette."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Static
from textual.widgets._toast import Toast

from tests.ui.driving import front, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, usual_fleet
from tui.config.loader import parse
from tui.services.events import HostNoticed
from tui.ui.app import CondafleetApp
from tui.ui.screens.compare import CompareNameScreen, ComparePairScreen
from tui.ui.widgets.bars import FilterBar, StatusLine

NARROW = (80, 24)


def hits(app: CondafleetApp) -> str:
    return str(front(app).query_one("#hits", Static).render())


def below(app: CondafleetApp) -> str:
    return str(front(app).query_one(StatusLine).render())


async def test_what_a_filter_waits_for_never_pushes_out_what_is_typed() -> None:
    async with running(usual_fleet(), NARROW) as (app, pilot):
        await pilot.press("2", "slash", *"owner:lin is:froze is:")
        await quiet(pilot)
        field = front(app).query_one(FilterBar).query_one(Input)
        assert field.content_size.width > len(field.value)
        assert field.scroll_offset.x == 0
        assert "froze" in below(app) or "waits for" in below(app)
        assert "::" not in below(app)
        await pilot.press("ctrl+u")
        await quiet(pilot)
        assert "froze" not in below(app)
        assert "waits for" not in below(app)


async def test_with_room_the_filter_line_itself_says_what_is_missing() -> None:
    async with running(usual_fleet(), (160, 24)) as (app, pilot):
        await pilot.press("2", "slash", *"size>")
        await quiet(pilot)
        assert "“size>” – It waits for a size" in hits(app)
        assert "waits" not in below(app)


async def test_a_filter_that_means_nothing_here_is_said_not_to_be_applied() -> None:
    async with running(usual_fleet(), NARROW) as (app, pilot):
        await pilot.press("4", "slash", *"torch<2.1")
        await quiet(pilot)
        assert "not applied" in hits(app)
        assert " of " not in hits(app)
        assert "this part is not applied" in below(app)


async def test_what_is_offered_is_told_from_what_is_typed_without_colours() -> None:
    async with running(usual_fleet(), NARROW) as (app, pilot):
        await pilot.press("2", "slash", *"hos")
        await quiet(pilot)
        field = front(app).query_one(FilterBar).query_one(Input)
        await until(pilot, lambda: bool(field._suggestion))
        assert field.get_component_rich_style("input--suggestion").italic
        app.theme = "monochrome"
        await quiet(pilot)
        assert field.get_component_rich_style("input--suggestion").underline


async def test_one_mark_is_not_compared_with_whatever_row_comes_next() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("2", "space", "c")
        await quiet(pilot)
        assert not isinstance(app.screen, ComparePairScreen | CompareNameScreen)
        assert any("mark a second one" in each.message for each in app._notifications)
        await pilot.press("space", "c")
        await until(pilot, lambda: isinstance(app.screen, ComparePairScreen))
        await pilot.press("escape", "u", "k", "c")
        await until(pilot, lambda: isinstance(app.screen, CompareNameScreen))


async def test_passing_notes_are_low_and_stand_above_the_status_line() -> None:
    fleet = usual_fleet()
    app = CondafleetApp(fleet, now=lambda: NOW)
    async with app.run_test(size=NARROW, notifications=True) as pilot:
        await quiet(pilot)
        for number in range(3):
            fleet.bus.publish(HostNoticed("gpu01", NOW, f"{number}: " + "a long word of a host " * 20))
        await until(pilot, lambda: any("(+2)" in str(each.render()) for each in app.screen.query(Toast)))
        await quiet(pilot)
        [toast] = app.screen.query(Toast)
        assert toast.region.height == 2
        assert toast.region.bottom == front(app).query_one(StatusLine).region.y
        assert toast.region.right >= 78


async def test_what_is_not_used_of_the_configuration_is_one_note() -> None:
    settings = parse("theme: ligth\nkeys:\n  refrsh: x\n  copyy: y\nhosts: {alpha: {}}\n", "/c.yaml", {})
    async with running(FakeFleet(settings.hosts, settings), NARROW) as (app, pilot):
        await until(pilot, lambda: bool(app._notifications))
        await quiet(pilot)
        [note] = [each.message for each in app._notifications]
        assert note == (
            "Not used: /c.yaml:1: theme: there is no theme 'ligth'; did you mean light? "
            "(2 more are named in the log file)"
        )


@pytest.mark.parametrize(
    ("keys", "way"),
    [("1f", "Fleet › Find"), ("2f", "Environments › Find"), ("4f", "Sessions › Find"), ("2pf", "Packages › Find")],
)
async def test_find_names_where_esc_leads(keys: str, way: str) -> None:
    async with running(usual_fleet()) as (app, pilot):
        for key in keys:
            await pilot.press(key)
            await quiet(pilot)
        assert str(app.screen.query_one("#crumbs", Static).render()).startswith(way)


@pytest.mark.parametrize("mode", "1246")
async def test_no_two_entries_of_the_palette_look_alike(mode: str) -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press(mode, "space")
        await quiet(pilot)
        commands = list(app.get_system_commands(app.screen))
        names = [each.title.split("  (")[0] for each in commands]
        assert len(set(names)) == len(names)
        helps = [each.help for each in commands if each.title.startswith("Copy")]
        assert len(helps) == 4
        assert len(set(helps)) == 4
