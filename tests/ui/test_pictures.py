"""Pictures of every screen and dialog in a small and a large terminal, hostile names included."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.driving import quiet
from tests.ui.fake_fleet import NOW, FakeFleet, fault, usual_fleet
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.ports import HostKeyQuestion, SecretKind, SecretQuestion
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.message import failure
from tui.ui.dialogs.secret import SecretDialog

SnapCompare = Callable[..., bool]
SMALL, LARGE = (80, 24), (160, 45)
sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x45"])

KEY = HostKeyQuestion(
    "newbox", "192.0.2.77", 2222, "ssh-ed25519", "SHA256:u6Ah0kDyFJvPz9uVmQvNoe3rQ0l2mIc", "~/.ssh/known_hosts"
)
PASSWORD = SecretQuestion(
    "gpu[02]", SecretKind.INTERACTIVE, "Code \x1b[31m[b]now[/b]:", "Welcome [/x]\nto \u202egpu02", attempt=2
)


def drawn(*keys: str, dialog: Callable[[], Any] | None = None) -> Callable[[Pilot[int]], Awaitable[None]]:
    async def before(pilot: Pilot[int]) -> None:
        await quiet(pilot)
        await pilot.press(*keys)
        await quiet(pilot)
        if dialog is not None:
            pilot.app.push_screen(dialog())
            await quiet(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await quiet(pilot)

    return before


def app(fleet: FakeFleet | None = None) -> CondafleetApp:
    return CondafleetApp(fleet or usual_fleet(), now=lambda: NOW)


@sizes
@pytest.mark.parametrize("mode", ["1", "2", "4", "6"], ids=["fleet", "environments", "sessions", "hosts"])
def test_each_mode_looks_as_accepted(snap_compare: SnapCompare, mode: str, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=drawn(mode, "j"))


@sizes
@pytest.mark.parametrize(
    "keys",
    [
        ("2", "j", "p"),
        ("f", *"torch<2.2"),
        ("2", "j", "c"),
        ("m",),
        ("2", "b", "b", "b"),
        ("2", "space", "space", "o"),
        ("2", "j", "h", "j"),
    ],
    ids=["packages", "find", "compare", "matrix", "grouped", "sort", "history"],
)
def test_each_view_looks_as_accepted(snap_compare: SnapCompare, keys: tuple[str, ...], size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=drawn(*keys))


@pytest.mark.parametrize("theme", ["light", "colour-blind", "monochrome"])
def test_each_theme_looks_as_accepted(snap_compare: SnapCompare, theme: str) -> None:
    fleet = usual_fleet()
    fleet.settings = replace(fleet.settings, theme=theme)
    assert snap_compare(app(fleet), terminal_size=(120, 30), run_before=drawn("j", "space"))


def test_a_wide_terminal_is_used_as_accepted(snap_compare: SnapCompare) -> None:
    assert snap_compare(app(), terminal_size=(250, 30), run_before=drawn("j"))


@sizes
def test_a_host_key_question_looks_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=drawn(dialog=lambda: HostKeyDialog(KEY)))


@sizes
def test_a_secret_question_looks_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=drawn(dialog=lambda: SecretDialog(PASSWORD)))


def test_a_failure_looks_as_accepted(snap_compare: SnapCompare) -> None:
    text = failure("Could not open shell on gpu02", "gpu02 is gone [/x].\nNothing was changed.", "Press r.")
    assert snap_compare(app(), terminal_size=SMALL, run_before=drawn(dialog=lambda: text))


def test_the_keys_of_a_screen_look_as_accepted(snap_compare: SnapCompare) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=drawn("4", "question_mark"))


def test_a_broken_hosts_detail_on_a_small_terminal_looks_as_accepted(snap_compare: SnapCompare) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=drawn(*"jjjj", "enter"))


def test_a_filter_without_a_match_says_so_as_accepted(snap_compare: SnapCompare) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=drawn("2", "slash", *"x[/y]zz"))


def test_waiting_for_the_first_answers_looks_as_accepted(snap_compare: SnapCompare) -> None:
    fleet = FakeFleet(map(HostSpec, ("gpu01", "gpu02", "gpu03")))
    fleet.state("gpu01", HostState.CONNECTING)
    lost = fault(FaultKind.TIMEOUT, "gpu03 did not answer.", retry_at=NOW + 12)
    fleet.state("gpu03", HostState.WAITING, lost)
    assert snap_compare(app(fleet), terminal_size=SMALL, run_before=drawn("2"))


@pytest.fixture(autouse=True)
def no_loop_left() -> Any:
    """snap_compare runs the app in a loop of its own and leaves none behind."""
    yield
    asyncio.set_event_loop(None)
