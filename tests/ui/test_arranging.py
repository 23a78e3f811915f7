"""Sorting, grouping, marking, filtering by fields, jumping back, and what is remembered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.color import Color
from textual.geometry import Region
from textual.widgets import OptionList

from tests.ui.driving import focused, front, line, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, environment, fault, package, session, usual_fleet
from tui.config.loader import parse
from tui.domain.environments import Environment, EnvKind
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.layout import Layout, ViewLayout
from tui.domain.packages import PackageInterner
from tui.domain.settings import Settings
from tui.domain.snapshot import Part
from tui.ui.app import CondafleetApp
from tui.ui.catalog import COMMANDS
from tui.ui.commands import Command
from tui.ui.themes import THEMES


class Remembered:
    """A layout store in memory."""

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout or Layout()

    def load(self) -> Layout:
        return self.layout

    def save(self, layout: Layout) -> None:
        self.layout = layout


def fleet_of(*environments: Environment) -> FakeFleet:
    hosts = list(dict.fromkeys(env.host for env in environments))
    fleet = FakeFleet(map(HostSpec, hosts))
    for host in hosts:
        fleet.state(host, HostState.UP)
        fleet.put(host, environments=Part(tuple(env for env in environments if env.host == host), NOW))
    return fleet


def three() -> FakeFleet:
    return fleet_of(
        environment("alpha", "b", python="3.9.1"),
        environment("alpha", "a", python="3.10.2"),
        environment("beta", "c", python=None),
    )


def names(app: CondafleetApp) -> list[str]:
    return [row.key[1].rpartition("/")[2] for row in front(app).grid.rows if not row.head]  # type: ignore[index]


async def test_versions_sort_as_versions_and_unknown_ones_come_last_in_either_order() -> None:
    async with running(three()) as (app, pilot):
        await pilot.press("2")
        front(app).sort_by("python")
        await quiet(pilot)
        assert names(app) == ["a", "b", "c"]
        assert "Python↓" in line(app, 0)
        await pilot.press("O")
        await quiet(pilot)
        assert names(app) == ["b", "a", "c"]
        assert "Python↑" in line(app, 0)


async def test_the_sort_dialog_offers_the_columns_and_the_cursor_keeps_its_row() -> None:
    async with running(three()) as (app, pilot):
        await pilot.press("2", "j", "o")
        await until(pilot, lambda: bool(app.screen.query(OptionList)))
        await pilot.press("j", "k", "enter")
        await until(pilot, lambda: front(app).sort is not None)
        await quiet(pilot)
        assert names(app) == ["a", "b", "c"]
        assert front(app).grid.cursor_key == ("alpha", "/data/conda/envs/a")


async def test_a_click_on_a_title_sorts_and_a_second_one_turns_round() -> None:
    async with running(three()) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        await pilot.click("#grid", offset=(4, 0))
        await quiet(pilot)
        assert names(app) == ["a", "b", "c"]
        await pilot.click("#grid", offset=(4, 0))
        await quiet(pilot)
        assert names(app) == ["c", "b", "a"]


async def test_every_column_of_every_mode_can_be_sorted_by_in_both_directions() -> None:
    async with running(usual_fleet()) as (app, pilot):
        for key in "1246":
            await pilot.press(key)
            await quiet(pilot)
            screen = front(app)
            before = {row.key for row in screen.grid.rows}
            for column in screen.COLUMNS:
                if column.by is not None:
                    for _ in range(2):
                        screen.sort_by(column.id)
                        await quiet(pilot)
                        assert {row.key for row in screen.grid.rows} == before, column.id


async def test_marks_are_counted_and_those_that_a_filter_hides_are_told_of() -> None:
    async with running(three()) as (app, pilot):
        await pilot.press("2", "space", "space")
        await quiet(pilot)
        screen = front(app)
        assert [key[1][-1] for key in screen.marks] == ["b", "a"]  # type: ignore[index]
        assert "✓" in line(app, 1)
        assert "2 marked, 10 packages, on 1 host" in _status(app)
        await pilot.press("slash", *"host:beta", "enter")
        await quiet(pilot)
        assert "2 of them hidden by the filter" in _status(app)
        await pilot.press("u")
        assert not screen.marks
        assert "marked" not in _status(app)


async def test_a_range_all_and_a_vanished_row() -> None:
    fleet = fleet_of(*(environment("alpha", name) for name in "abcde"))
    async with running(fleet) as (app, pilot):
        await pilot.press("2", "j", "space", "j", "v")
        screen = front(app)
        assert [key[1][-1] for key in screen.marks] == ["b", "c", "d"]  # type: ignore[index]
        await pilot.press("asterisk")
        assert len(screen.marks) == 5
        fleet.put("alpha", environments=Part((environment("alpha", "a"),), NOW))
        await until(pilot, lambda: len(screen.grid.rows) == 1)
        assert len(screen.marks) == 1


async def test_marked_rows_are_copied_one_a_line() -> None:
    async with running(three()) as (app, pilot):
        await pilot.press("2", "asterisk", "y")
        assert app.clipboard.split("\n") == [
            f"{h}:/data/conda/envs/{n}" for h, n in (("alpha", "b"), ("alpha", "a"), ("beta", "c"))
        ]


async def test_refresh_asks_the_hosts_of_the_marked_rows() -> None:
    fleet = three()
    async with running(fleet) as (_, pilot):
        await pilot.press("2", "asterisk", "r")
        assert fleet.refreshed == [("alpha", "beta")]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("python:3.10", ["a"]),
        ("host:bet*", ["c"]),
        ("torch<2.1 host:alpha", ["b", "a"]),
        ("unused>90d", []),
        ("!is:inuse name:c", ["c"]),
    ],
)
async def test_the_filter_knows_fields_and_packages(words: str, kept: list[str]) -> None:
    async with running(three()) as (app, pilot):
        await pilot.press("2", "slash")
        front(app).filter_bar.set_words(words)
        await quiet(pilot)
        assert names(app) == kept


async def test_what_the_filter_does_not_understand_is_said_and_filters_nothing() -> None:
    async with running(three(), (140, 24)) as (app, pilot):
        await pilot.press("2", "slash", *"size>5Z")
        await quiet(pilot)
        assert "is no size" in str(front(app).query_one("#hits").render())
        assert len(names(app)) == 3


async def test_environments_of_one_name_stand_together_and_say_whether_they_are_the_same() -> None:
    interner = PackageInterner()
    other = interner.package_set([package("python", "3.12.0")])
    fleet = fleet_of(
        environment("alpha", "llm"), environment("beta", "llm", packages=other),
        environment("alpha", "cv"), environment("beta", "cv"), environment("beta", "lone"),
    )  # fmt: skip
    async with running(fleet) as (app, pilot):
        await pilot.press("2", "b", "b", "b")
        await quiet(pilot)
        text = [line(app, y).rstrip() for y in range(1, 9)]
        assert "cv  on 2 hosts  the same everywhere" in text[0]
        assert "llm  on 2 hosts  2 different sets of packages" in text[3]
        assert "names that occur once" in text[6]
        await pilot.press("g", "enter")
        await quiet(pilot)
        assert len(names(app)) == 3
        await pilot.press("z")
        await quiet(pilot)
        assert names(app) == []
        await pilot.press("space")  # on a head: its rows
        assert len(front(app).marks) == 2
        await pilot.press("b")
        await quiet(pilot)
        assert len(names(app)) == 5


async def test_minus_goes_back_to_the_view_before_with_its_filter_and_row() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("2", "slash", *"host:gpu02", "enter", "j", "j")
        await quiet(pilot)
        key = front(app).grid.cursor_key
        await pilot.press("1", "minus")
        await until(pilot, lambda: front(app).MODE == "environments")
        await quiet(pilot)
        assert front(app).filter_bar.words == "host:gpu02"
        assert front(app).grid.cursor_key == key
        await pilot.press("minus")
        await until(pilot, lambda: front(app).MODE == "fleet")


async def test_e_shows_the_environments_of_the_host_and_l_its_log() -> None:
    async with running(usual_fleet(), (160, 40)) as (app, pilot):
        await pilot.press("j", "e")
        await quiet(pilot)
        assert {row.key[0] for row in front(app).grid.rows} == {"gpu02"}  # type: ignore[index]
        await pilot.press("l")
        await until(pilot, lambda: focused(app) == "detail")
        assert front(app).MODE == "hosts"
        assert "authenticating with ~/.ssh/id_ed25519" in front(app).detail.text


async def test_hosts_can_be_let_go_and_connected_anew() -> None:
    fleet = usual_fleet()
    async with running(fleet) as (_, pilot):
        await pilot.press("6", "x", "j", "space", "c")
        assert fleet.released == ["gpu01"]
        assert fleet.refreshed == [("gpu02",)]


async def test_the_layout_is_remembered_without_the_filter() -> None:
    kept = Remembered()
    app = CondafleetApp(usual_fleet(), now=lambda: NOW, layouts=kept)
    async with app.run_test(size=(160, 40)) as pilot:
        await quiet(pilot)
        await pilot.press("2", "b", "d", "slash", *"gpu", "enter")
        front(app).sort_by("last")
        await quiet(pilot)
    view = ViewLayout("last", True, "install", False)
    assert (kept.layout.mode, kept.layout.views["environments"]) == ("environments", view)
    again = CondafleetApp(usual_fleet(), now=lambda: NOW, layouts=kept)
    async with again.run_test(size=(160, 40)) as pilot:
        await quiet(pilot)
        assert front(again).MODE == "environments"
        assert front(again).layout_kept == view
        assert not front(again).detail.display
        assert front(again).filter_bar.words == ""


async def test_a_layout_of_another_version_is_taken_as_far_as_it_is_known() -> None:
    kept = Remembered(Layout("warp", "nowhere", {"fleet": ViewLayout("gone", True, "odd")}))
    app = CondafleetApp(usual_fleet(), now=lambda: NOW, layouts=kept)
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert front(app).MODE == "fleet"
        assert front(app).sort is None


async def test_the_palette_offers_a_verb_for_the_row_the_marked_and_all() -> None:
    fleet = usual_fleet()
    async with running(fleet) as (app, pilot):
        await pilot.press("space", "space")
        commands = {each.title: each.callback for each in app.get_system_commands(app.screen)}
        assert {"Refresh: this row", "Refresh: the 2 marked", "Refresh: all 9 shown"} <= set(commands)
        commands["Refresh: the 2 marked"]()
        assert fleet.refreshed == [("gpu01", "gpu02")]


async def test_what_of_the_configuration_is_not_used_is_told_with_its_line_and_the_screen_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = "theme: ligth\nkeys:\n  quit: r\n  refrsh: x\n  mark: f5\n  '[b]x': y\n  copyy: y\nhosts: {alpha: {}}\n"
    settings = parse(text, "/c.yaml", {})
    async with running(FakeFleet(settings.hosts, settings), (120, 40)) as (app, pilot):
        await until(pilot, lambda: len(app._notifications) == 1)
        assert focused(app) == "grid"
        assert [each.message for each in app._notifications] == [
            "Not used: /c.yaml:1: theme: there is no theme 'ligth'; did you mean light? "
            "(4 more are named in the log file)"
        ]
        assert not any(each.markup for each in app._notifications)
        await pilot.press("y")
        await until(pilot, lambda: len(app._notifications) == 2)  # what passes does not sweep it away
        await pilot.press("f5")
        assert len(front(app).marks) == 1
        await pilot.press("q")
    assert app.return_value == 0
    logged = "\n".join(caplog.messages)
    assert "/c.yaml:3: keys.quit: r is refresh in Fleet" in logged
    assert "/c.yaml:7: keys.copyy: there is no such command; did you mean copy?" in logged


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES])
async def test_every_theme_shows_the_cursor(theme: str) -> None:
    settings = Settings(hosts=(HostSpec("alpha"), HostSpec("beta")), theme=theme)
    async with running(FakeFleet(settings.hosts, settings)) as (app, _):
        assert app.theme == theme
        grid = front(app).grid
        here, there = grid.render_line(1), grid.render_line(2)
        assert {segment.style for segment in here}.isdisjoint({segment.style for segment in there})


async def test_without_colours_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = CondafleetApp(usual_fleet(), now=lambda: NOW)
    async with app.run_test() as pilot:
        await quiet(pilot)
        assert app.theme == "monochrome"
        style = next(iter(front(app).grid.render_line(1))).style
        assert style is not None
        assert style.reverse
        widget = front(app).grid
        strip = widget.render_lines(widget.size.region)[1]
        for each in app._filters:
            strip = strip.apply_filter(each, app.screen.background_colors[0])
        assert {segment.style.color for segment in strip if segment.style} <= {None, Color.default()}


async def test_what_is_on_the_screen_after_scrolling_is_asked_first() -> None:
    fleet = FakeFleet(HostSpec(f"node{number:03}") for number in range(60))
    async with running(fleet, (100, 20)) as (_, pilot):
        await pilot.press("G")
        await until(pilot, lambda: "node059" in fleet.visible[-1][0])
        assert "node000" not in fleet.visible[-1][0]


async def test_an_environment_without_a_name_shows_the_end_of_its_path() -> None:
    long = "/srv/some/very/long/way/down/to/the/work/of/ada/asr-demo/.conda"
    fleet = fleet_of(
        environment("alpha", None, prefix=long, kind=EnvKind.PREFIX),
        environment("alpha", "base", prefix="/very/long/way/miniforge3", kind=EnvKind.BASE),
    )
    async with running(fleet) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        assert "…/asr-demo/.conda" in line(app, 1)
        assert "base …/miniforge3" in line(app, 2)


async def test_sessions_keep_their_row_while_they_are_sorted_anew() -> None:
    fleet = FakeFleet([HostSpec("alpha")])
    fleet.state("alpha", HostState.UP)
    several = tuple(session("alpha", f"s{number}", number) for number in range(5))
    fleet.put("alpha", sessions=Part(several, NOW))
    async with running(fleet) as (app, pilot):
        await pilot.press("4", "j", "j")
        front(app).sort_by("active")
        await quiet(pilot)
        key = front(app).grid.cursor_key
        fleet.put("alpha", sessions=Part((*several[:2], replace(several[2], activity=NOW), *several[3:]), NOW + 1))
        await until(pilot, lambda: front(app).grid.rows[0].key == key)
        assert front(app).grid.cursor_key == key


async def test_tight_inodes_and_faults_are_in_words() -> None:
    fleet = usual_fleet()
    fleet.state("gpu02", HostState.WAITING, fault(FaultKind.REFUSED, "no", retry_at=NOW + 5))
    async with running(fleet, (250, 40)) as (app, pilot):
        await quiet(pilot)
        assert "15% inodes left" in line(app, 1)
        assert "refused, again in 5s" in line(app, 2)


async def test_read_only_leaves_out_what_changes_a_host_and_keeps_the_persons_own_hands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    danger = Command("danger", "ctrl+g", "Danger", "Change a host", "danger", dangerous=True)
    monkeypatch.setattr("tui.ui.app.COMMANDS", (*COMMANDS, danger))
    monkeypatch.setattr("tui.ui.screens.listing.COMMANDS", (*COMMANDS, danger))
    for readonly in (False, True):
        app = CondafleetApp(usual_fleet(), now=lambda: NOW, readonly=readonly)
        async with app.run_test(size=(120, 30)) as pilot:
            await quiet(pilot)
            titles = {command.title for command in app.get_system_commands(app.screen)}
            assert ("Danger  (ctrl+g)" in titles) is not readonly
            assert {"Shell  (s)", "Attach  (a)"} <= titles
            assert (front(app).check_action("danger", ()) is False) is readonly
            assert ("read-only" in str(app.screen.query_one("#summary").render())) is readonly


def _status(app: CondafleetApp) -> str:
    return str(front(app).query_one("#status").render())


async def test_lines_that_were_painted_before_take_the_colours_of_a_new_theme() -> None:
    async with running(usual_fleet(), (160, 45)) as (app, pilot):
        await quiet(pilot)
        grid = front(app).grid
        second = Region(0, 2, grid.size.width, 1)
        before = grid.render_lines(second)
        assert grid.render_lines(second)[0] is before[0]
        app.theme = "textual-light"
        await quiet(pilot)
        after = grid.render_lines(second)
        assert after[0].text == before[0].text
        assert [segment.style for segment in after[0]] != [segment.style for segment in before[0]]


async def test_what_a_filter_looks_through_is_ready_before_its_first_letter() -> None:
    fleet = usual_fleet()
    async with running(fleet, (160, 45)) as (app, pilot):
        await pilot.press("2")
        digests = {env.packages.digest for env in fleet.store.environments() if env.packages_known}
        assert digests
        await until(pilot, lambda: digests <= app.packages.known)


@pytest.mark.parametrize(("mode", "most"), [("1", 0), ("2", 0), ("4", 0), ("5", 1)])
async def test_every_column_of_a_mode_can_be_sorted_by(mode: str, most: int) -> None:
    """But one that changes all the time."""
    async with running(usual_fleet(), (100, 30)) as (app, pilot):
        await pilot.press(mode)
        await quiet(pilot)
        assert len([column.id for column in front(app).columns if not column.sortable]) == most


async def test_rows_are_sorted_by_the_age_of_their_data() -> None:
    async with running(usual_fleet(), (160, 45)) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        front(app).sort_by("age")
        await until(pilot, lambda: front(app).grid.rows[0].key[0] == "attic")  # type: ignore[index]  # a pair
        await pilot.press("O")
        await until(pilot, lambda: front(app).grid.rows[-1].key[0] == "attic")  # type: ignore[index]  # a pair
