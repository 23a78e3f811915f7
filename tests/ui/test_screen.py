"""How the screen behaves: rows, keys, filter, quitting, hostile names, many hosts."""

from __future__ import annotations

import pytest
from textual import events
from textual.geometry import Region
from textual.widgets import Input

from tests.stalls import watched
from tests.ui.driving import focused, front, line, quiet, running, until
from tests.ui.fake_fleet import HOSTILE, NOW, FakeFleet, answer_all, environment, fault, large_fleet, usual_fleet
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.settings import Settings
from tui.domain.snapshot import Part
from tui.domain.text import printable
from tui.services.events import HostNoticed


def three_hosts() -> FakeFleet:
    return FakeFleet(map(HostSpec, ("alpha", "beta", "gamma")))


def envs(fleet: FakeFleet, host: str, *names: str) -> None:
    fleet.state(host, HostState.UP)
    fleet.put(host, environments=Part(tuple(environment(host, name) for name in names), NOW))


async def test_the_first_picture_names_every_host_before_any_answers() -> None:
    async with running(three_hosts()) as (app, _):
        assert [row.key for row in front(app).grid.rows] == ["alpha", "beta", "gamma"]
        assert "not connected" in line(app, 1)


async def test_the_fleet_is_started_once_and_told_what_is_looked_at() -> None:
    fleet = three_hosts()
    async with running(fleet) as (_, pilot):
        assert fleet.started == 1
        assert fleet.visible[-1] == (
            ("alpha", "beta", "gamma"),
            frozenset({"machine", "load", "mounts", "gpus", "sessions"}),
        )
        await pilot.press("2")
        await quiet(pilot)
        assert fleet.visible[-1][1] == {"installs", "environments"}


async def test_answers_fill_the_table_without_a_key_pressed() -> None:
    fleet = three_hosts()
    async with running(fleet) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        assert not front(app).grid.rows
        envs(fleet, "beta", "llm", "cv")
        await until(pilot, lambda: len(front(app).grid.rows) == 2)


async def test_the_cursor_stays_on_its_row_and_line_when_rows_come_above_it() -> None:
    fleet = three_hosts()
    envs(fleet, "beta", *(f"b{number:02}" for number in range(40)))
    async with running(fleet, (100, 20)) as (app, pilot):
        await pilot.press("2", *"j" * 25)
        await quiet(pilot)
        grid = front(app).grid
        key, screen_line = grid.cursor_key, grid.cursor_row - int(grid.scroll_offset.y)
        assert key == ("beta", "/data/conda/envs/b25")
        envs(fleet, "alpha", *(f"a{number:02}" for number in range(30)))
        await until(pilot, lambda: len(grid.rows) == 70)
        assert grid.cursor_key == key
        assert grid.cursor_row - int(grid.scroll_offset.y) == screen_line


async def test_scrolling_the_cursor_away_holds_while_data_changes() -> None:
    fleet = three_hosts()
    envs(fleet, "beta", *(f"b{number:02}" for number in range(60)))
    async with running(fleet, (100, 20)) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        grid = front(app).grid
        grid.scroll_to(y=30, animate=False, immediate=True)
        await quiet(pilot)
        first = grid.visible_rows()[0].key
        envs(fleet, "alpha", "a1", "a2", "a3")
        await until(pilot, lambda: len(grid.rows) == 63)
        assert grid.visible_rows()[0].key == first


async def test_an_untouched_cursor_stays_at_the_top_while_rows_come() -> None:
    fleet = three_hosts()
    envs(fleet, "beta", "b")
    async with running(fleet) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        envs(fleet, "alpha", "a")
        await until(pilot, lambda: len(front(app).grid.rows) == 2)
        assert front(app).grid.cursor_row == 0


async def test_the_cursor_goes_to_the_next_row_left_when_its_row_vanishes() -> None:
    fleet = three_hosts()
    envs(fleet, "alpha", "a", "b", "c", "d")
    async with running(fleet) as (app, pilot):
        await pilot.press("2", "j")
        envs(fleet, "alpha", "a", "d")
        grid = front(app).grid
        await until(pilot, lambda: len(grid.rows) == 2)
        assert grid.cursor_key == ("alpha", "/data/conda/envs/d")


async def test_the_filter_wants_every_word_in_any_case_and_esc_clears_it() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("2", "slash", *"GLM gpu02")
        await quiet(pilot)
        grid = front(app).grid
        assert [row.key for row in grid.rows] == [("gpu02", "/data/conda/envs/glm_finetune_gpu")]
        await pilot.press("enter")
        assert focused(app) == "grid"
        assert len(grid.rows) == 1
        await pilot.press("escape")
        await quiet(pilot)
        assert len(grid.rows) > 20
        assert not front(app).filter_bar.has_class("-open")


async def test_letters_typed_into_the_filter_are_not_commands() -> None:
    fleet = usual_fleet()
    async with running(fleet) as (app, pilot):
        await pilot.press("slash", *"qrs1")
        await quiet(pilot)
        assert app.is_running
        assert front(app).query_one(Input).value == "qrs1"
        assert not fleet.refreshed


async def test_esc_never_quits() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("escape", "escape", "enter", "escape", "escape")
        assert app.is_running
        assert focused(app) == "grid"


async def test_q_quits_with_success_while_hosts_are_silent() -> None:
    fleet = three_hosts()
    async with running(fleet) as (app, pilot):
        fleet.state("alpha", HostState.CONNECTING)
        await pilot.press("q")
        assert not app.is_running or app._exit
        assert app.return_value == 0


async def test_refresh_asks_the_rows_host_and_shift_r_asks_all() -> None:
    fleet = three_hosts()
    async with running(fleet) as (_, pilot):
        await pilot.press("j", "r", "R")
        assert fleet.refreshed == [("beta",), None]


async def test_enter_shows_the_detail_and_esc_comes_back_to_the_row_on_a_small_terminal() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        screen = front(app)
        assert not screen.detail.display
        await pilot.press("j", "enter")
        await quiet(pilot)
        assert focused(app) == "detail"
        assert not screen.grid.display
        assert "OpenSSH_9.2p1" in screen.detail.text
        assert "authenticating with ~/.ssh/id_ed25519" in screen.detail.text
        await pilot.press("escape")
        await quiet(pilot)
        assert focused(app) == "grid"
        assert screen.grid.cursor_key == "gpu02"


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize("keys", [("enter", "escape"), ("slash", "escape")])
async def test_esc_right_behind_leaves_what_was_just_entered(keys: tuple[str, ...], size: tuple[int, int]) -> None:
    async with running(usual_fleet(), size) as (app, pilot):
        for key in keys:  # all are there before the first is acted upon
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await quiet(pilot)
        screen = front(app)
        assert focused(app) == "grid"
        assert screen.grid.display
        assert not screen.has_class("-detail")


async def test_stepping_back_before_the_log_is_entered_leaves_the_table() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        for mode in "61":
            await pilot.press(mode)
            await quiet(pilot)
        app.show_row("hosts", "gpu02", enter=True)
        screen = front(app)
        screen.action_back()
        await quiet(pilot)
        assert focused(app) == "grid"
        assert screen.grid.display


async def test_entering_and_leaving_the_detail_needs_no_turn_of_the_loop() -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        screen = front(app)
        screen.action_detail()
        assert focused(app) == "detail"
        screen.action_back()
        assert focused(app) == "grid"
        await quiet(pilot)
        assert focused(app) == "grid"
        assert screen.grid.display


async def test_a_fault_is_shown_with_reason_remedy_and_next_try() -> None:
    fleet = three_hosts()
    down = fault(FaultKind.REFUSED, "beta refused the connection.", "Is sshd running?", NOW + 42)
    fleet.state("beta", HostState.WAITING, down)
    async with running(fleet, (160, 40)) as (app, pilot):
        await pilot.press("j")
        await quiet(pilot)
        assert "refused, again in 42s" in line(app, 2)
        for words in ("beta refused the connection.", "Is sshd running?", "in 42s; r tries now"):
            assert words in front(app).detail.text


@pytest.mark.parametrize("mode", ["1", "2", "4"])
async def test_kept_snapshots_are_marked_old_in_words_on_a_small_terminal_too(mode: str) -> None:
    async with running(usual_fleet(), (80, 24)) as (app, pilot):
        await pilot.press(mode, "slash", *"attic", "enter")
        await quiet(pilot)
        assert "old 3d" in line(app, 1)


@pytest.mark.parametrize("mode", ["2", "4"])
async def test_hostile_names_are_shown_in_printed_form_and_move_nothing(mode: str) -> None:
    async with running(usual_fleet(), (160, 60)) as (app, pilot):
        await pilot.press(mode)
        await quiet(pilot)
        grid = front(app).grid
        shown = grid.render_lines(Region(0, 0, grid.size.width, len(grid.rows) + 1))
        assert {strip.cell_length for strip in shown} == {grid.size.width}
        text = "\n".join(strip.text for strip in shown)
        for name in HOSTILE[:-1]:
            assert printable(name)[:20] in text
        assert not any(char in text for char in "\x1b\x07\u202e\u200f\udcff")
        for _ in grid.rows:
            await pilot.press("j")
        assert app.is_running


async def test_copying_gives_the_selector_in_printed_form() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("2", "slash", *"name:esc*", "enter", "y")
        await quiet(pilot)
        assert app.clipboard == "hostile:/envs/esc\\x1b[2J\\x1b]0;pwned\\x07"


async def test_a_notice_of_a_host_is_shown_until_it_was_read_whatever_passes_meanwhile() -> None:
    fleet = usual_fleet()
    async with running(fleet) as (app, pilot):
        fleet.bus.publish(HostNoticed("gpu01", NOW, "The host key of gpu01 [/x] could not be saved."))

        def said() -> list[str]:
            return [each.message for each in app._notifications]

        await until(pilot, lambda: len(said()) == 1)
        assert "The host key of gpu01 [/x] could not be saved." in said()[0]
        await pilot.press("r")
        await until(pilot, lambda: len(said()) == 2)
        assert any("could not be saved" in text for text in said())


async def test_the_palette_holds_our_commands() -> None:
    async with running(usual_fleet()) as (app, _):
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Refresh all  (R)" in titles
        assert "Attach  (a)" in titles


async def test_attach_on_a_host_with_several_sessions_shows_them() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press("a")
        await quiet(pilot)
        assert {row.key[0] for row in front(app).grid.rows} == {"gpu01"}  # type: ignore[index]


async def test_keys_of_the_configuration_replace_ours() -> None:
    fleet = FakeFleet([HostSpec("alpha")], Settings(keys={"refresh": "f5"}))
    async with running(fleet) as (_, pilot):
        await pilot.press("r", "f5")
        assert fleet.refreshed == [("alpha",)]


async def test_eight_thousand_rows_arriving_at_once_do_not_block_the_loop() -> None:
    fleet = large_fleet()
    async with running(fleet, (160, 45)) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        async with watched() as stalls:
            answer_all(fleet)
            await until(pilot, lambda: len(front(app).grid.rows) == 8000)
        # Wide of the goal (50 ms, kept by the benchmarks): a slow machine must not fail the build.
        assert stalls.longest < 0.5
        await pilot.press("G")
        assert front(app).grid.cursor_row == 7999
