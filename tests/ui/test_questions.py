"""Connections ask by dialogs: one at a time, cancellable, trust never by accident."""

from __future__ import annotations

import asyncio
import contextlib

from textual.widgets import Input

from tests.ui.driving import quiet, running, until
from tests.ui.fake_fleet import usual_fleet
from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretKind, SecretQuestion
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.secret import SecretDialog
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
        return await asyncio.wait_for(asked, 5)


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
        assert await asyncio.wait_for(asked, 5) == "h[x]q 1"


async def test_esc_gives_no_secret() -> None:
    prompter = DialogPrompter()
    async with running(usual_fleet(), prompter=prompter) as (app, pilot):
        asked = asyncio.create_task(prompter.secret(password()))
        await until(pilot, lambda: isinstance(app.screen, SecretDialog))
        await pilot.press("x", "escape")
        assert await asyncio.wait_for(asked, 5) is None


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
            assert await asyncio.wait_for(asked, 5) == host


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
    assert await asyncio.wait_for(waiting, 5) is None
    assert await prompter.host_key(KEY) is None


def _asks(screen: object, host: str) -> bool:
    return isinstance(screen, SecretDialog) and screen.question.host == host
