"""Connections ask by dialogs: one at a time, cancellable, trust never by accident."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from textual.screen import Screen
from textual.widgets import Button, Input

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.fake_fleet import usual_fleet
from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretKind, SecretQuestion
from tui.ui.dialogs.base import Dialog
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.message import failure, keys
from tui.ui.dialogs.secret import SecretDialog
from tui.ui.dialogs.sort import SortDialog
from tui.ui.prompter import DialogPrompter

KEY = HostKeyQuestion(
    "newbox", "192.0.2.77", 22, "ssh-ed25519", "SHA256:u6Ah0kDyFJvPz9uVmQvNoe3rQ0l2mIc", "~/.ssh/known_hosts"
)


def password(host: str = "gpu01") -> SecretQuestion:
    return SecretQuestion(host, SecretKind.PASSWORD, f"{host}'s password:")


async def answered_by(*keys: str) -> HostKeyAnswer | None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        asked = asyncio.create_task(prompter.host_key(KEY))
        await until(pilot, lambda: isinstance(app.screen, HostKeyDialog))
        await quiet(pilot)
        await pilot.press(*keys)
        return await asyncio.wait_for(asked, 30)


async def test_enter_at_once_refuses_an_unknown_host() -> None:
    assert await answered_by("enter") is HostKeyAnswer.REFUSE


async def test_esc_refuses_an_unknown_host() -> None:
    assert await answered_by("escape") is HostKeyAnswer.REFUSE


async def test_a_host_can_be_accepted_once() -> None:
    assert await answered_by("right", "enter") is HostKeyAnswer.ONCE


async def test_a_host_can_be_accepted_and_saved() -> None:
    assert await answered_by("right", "right", "enter") is HostKeyAnswer.SAVE


async def test_a_secret_is_typed_unseen_and_returned() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        asked = asyncio.create_task(prompter.secret(password()))
        await until(pilot, lambda: isinstance(app.screen, SecretDialog))
        await quiet(pilot)
        await pilot.press(*"h[x]q", "space", "1")
        assert app.screen.query_one(Input).password
        assert "h[x]q" not in app.export_screenshot()
        await pilot.press("enter")
        assert await asyncio.wait_for(asked, 30) == "h[x]q 1"


async def test_esc_gives_no_secret() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        asked = asyncio.create_task(prompter.secret(password()))
        await until(pilot, lambda: isinstance(app.screen, SecretDialog))
        await pilot.press("x", "escape")
        assert await asyncio.wait_for(asked, 30) is None


async def test_two_questions_come_one_after_the_other() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        first = asyncio.create_task(prompter.secret(password("gpu01")))
        second = asyncio.create_task(prompter.secret(password("gpu02")))
        for host, asked in (("gpu01", first), ("gpu02", second)):
            await until(pilot, lambda host=host: _asks(app.screen, host))  # type: ignore[misc]
            await quiet(pilot)
            assert len(app.screen_stack) == 2
            await pilot.press(*host, "enter")
            assert await asyncio.wait_for(asked, 30) == host


async def test_a_question_goes_away_when_its_asker_gave_up() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        asked = asyncio.create_task(prompter.secret(password()))
        await until(pilot, lambda: isinstance(app.screen, SecretDialog))
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        await until(pilot, lambda: not isinstance(app.screen, SecretDialog))


async def test_nobody_is_asked_before_and_after_the_screen_is_there() -> None:
    prompter = DialogPrompter()
    assert await prompter.secret(password()) is None
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        waiting = asyncio.create_task(prompter.host_key(KEY))
        await until(pilot, lambda: isinstance(app.screen, HostKeyDialog))
    assert await asyncio.wait_for(waiting, 30) is None
    assert await prompter.host_key(KEY) is None


FOR_EVER = 1e6
"""So long that a dialog hears nothing before the test has it listen."""


@pytest.mark.parametrize("question", [password(), KEY], ids=["secret", "host-key"])
async def test_keys_that_were_on_their_way_when_a_question_came_up_answer_nothing(
    question: SecretQuestion | HostKeyQuestion,
) -> None:
    prompter = DialogPrompter()
    fleet = usual_fleet()
    async with running(fleet, prompter=prompter, deaf_s=FOR_EVER) as (app, pilot):
        asked = asyncio.create_task(
            prompter.secret(question) if isinstance(question, SecretQuestion) else prompter.host_key(question)
        )
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        await quiet(pilot)
        await pilot.press(*"jjr", "right", "right", "enter", "escape", "space")
        await pilot.click(app.screen.query(Button).last())
        await quiet(pilot)
        dialog = app.screen
        assert isinstance(dialog, Dialog) and not asked.done()
        assert all(not field.value for field in dialog.query(Input))
        assert not fleet.refreshed
        dialog.listen()
        await quiet(pilot)
        await pilot.press(*"pw" if isinstance(question, SecretQuestion) else (), "enter")
        assert await asyncio.wait_for(asked, 15) == (
            "pw" if isinstance(question, SecretQuestion) else HostKeyAnswer.REFUSE
        )


async def test_a_question_hears_by_itself_once_the_keys_are_still() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter, deaf_s=0.05) as (app, pilot):
        asked = asyncio.create_task(prompter.secret(password()))
        await until(pilot, lambda: isinstance(app.screen, SecretDialog) and not app.screen.deaf)
        await until(pilot, lambda: isinstance(app.focused, Input))
        await pilot.press(*"pw", "enter")
        assert await asyncio.wait_for(asked, 15) == "pw"


@pytest.mark.parametrize("leave", ["enter", "escape"])
async def test_a_question_waits_until_the_filter_is_left_and_the_filter_says_who_asks(leave: str) -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), (80, 24), prompter=prompter) as (app, pilot):
        await pilot.press("slash", *"gpu")
        asked = asyncio.create_task(prompter.secret(password("gpu03")))
        asks = front(app).filter_bar.query_one("#asks")
        await until(pilot, lambda: bool(asks.display))
        await pilot.press(*"02")
        await quiet(pilot)
        assert front(app).filter_bar.words == "gpu02"
        assert "gpu03 asks for a password" in app.export_screenshot().replace("&#160;", " ")
        await pilot.press(leave)
        await until(pilot, lambda: _asks(app.screen, "gpu03"))
        assert not app.screen.query_one(Input).value
        await quiet(pilot)
        await pilot.press(*"pw", "enter")
        assert await asyncio.wait_for(asked, 15) == "pw"
        await until(pilot, lambda: not asks.display)
        assert focused(app) == "grid"
        assert front(app).filter_bar.words == ("gpu02" if leave == "enter" else "")


async def test_a_question_comes_up_over_no_other_dialog_and_can_be_given_up_while_it_waits() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        await pilot.press("question_mark")
        first = asyncio.create_task(prompter.secret(password("gpu01")))
        second = asyncio.create_task(prompter.secret(password("gpu02")))
        await quiet(pilot)
        assert not isinstance(app.screen, SecretDialog)
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        await pilot.press("escape")
        await until(pilot, lambda: _asks(app.screen, "gpu02"))
        await quiet(pilot)
        await pilot.press("escape")
        assert await asyncio.wait_for(second, 15) is None


async def test_whoever_waits_for_the_filter_gets_none_when_the_screen_ends() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        await pilot.press("slash")
        asked = asyncio.create_task(prompter.secret(password()))
        await until(pilot, lambda: bool(front(app).filter_bar.query_one("#asks").display))
    assert await asyncio.wait_for(asked, 15) is None


async def test_what_failed_by_itself_is_not_closed_by_keys_meant_for_something_else() -> None:
    async with running(usual_fleet(), deaf_s=FOR_EVER) as (app, pilot):

        async def fail() -> None:
            raise RuntimeError("gone")

        app.launch(fail, "try")
        await until(pilot, lambda: isinstance(app.screen, Dialog))
        await pilot.press("enter", "q", "escape")
        assert isinstance(app.screen, Dialog)


DIALOGS: dict[str, Callable[[], Screen[object]]] = {
    "secret": lambda: SecretDialog(password()),  # type: ignore[dict-item,return-value]
    "host key": lambda: HostKeyDialog(KEY),  # type: ignore[dict-item,return-value]
    "failure": lambda: failure("Could not", "no", "yes"),  # type: ignore[dict-item,return-value]
    "keys": lambda: keys("fleet", ()),  # type: ignore[dict-item,return-value]
    "sort": lambda: SortDialog([], None),  # type: ignore[dict-item,return-value]
}


@pytest.mark.parametrize("deaf", [False, True], ids=["listening", "deaf"])
@pytest.mark.parametrize("which", DIALOGS)
async def test_ctrl_q_quits_from_every_dialog(which: str, deaf: bool) -> None:
    async with running(usual_fleet()) as (app, pilot):
        dialog = DIALOGS[which]()
        if deaf and isinstance(dialog, Dialog):
            dialog.deafen(FOR_EVER)
        app.push_screen(dialog)
        await quiet(pilot)
        await pilot.press("ctrl+q")
        assert app._exit and app.return_value == 0


@pytest.mark.parametrize("place", [("slash", "x"), ("f", "x"), ("colon",), ("T",), ("enter",), ("m",)])
async def test_ctrl_q_quits_from_wherever_one_types_or_reads(place: tuple[str, ...]) -> None:
    async with running(usual_fleet()) as (app, pilot):
        await pilot.press(*place)
        await pilot.pause()
        await pilot.press("ctrl+q")
        assert app._exit and app.return_value == 0


def _asks(screen: object, host: str) -> bool:
    return isinstance(screen, SecretDialog) and screen.question.host == host
