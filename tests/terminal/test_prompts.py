"""Questions at a real terminal: what is shown, what is not, and that it is given back as it was."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from tests.terminal.ptychannel import Terminal
from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretKind, SecretQuestion
from tui.terminal.line import LineEditor
from tui.terminal.prompts import TtyPrompter, describe_secret

PASSWORD = SecretQuestion("gpu01", SecretKind.PASSWORD, "ada@192.0.2.1's password:")
KEY = HostKeyQuestion("gpu01", "192.0.2.1", 22, "ssh-ed25519", "SHA256:abcDEF", "~/.ssh/known_hosts")


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def prompter(terminal: Terminal) -> TtyPrompter:
    return TtyPrompter(os.ttyname(terminal.fd))


async def test_a_password_is_asked_naming_the_host_and_never_shown(terminal: Terminal) -> None:
    before = terminal.state()
    asking = asyncio.create_task(prompter(terminal).secret(PASSWORD))
    await terminal.shows(b"gpu01: ada@192.0.2.1's password: ")
    terminal.type("pässwörtX\x7f\r".encode())
    assert await asyncio.wait_for(asking, 30) == "pässwört"
    await terminal.shows(b"\n")
    assert b"ss" not in terminal.screen.split(b": ", 2)[-1]
    assert terminal.state() == before


@pytest.mark.parametrize("keys", [b"\r", b"abc\x03", b"\x04", b"abc\x1b"])
async def test_enter_alone_and_the_cancel_keys_answer_nothing(terminal: Terminal, keys: bytes) -> None:
    before = terminal.state()
    asking = asyncio.create_task(prompter(terminal).secret(PASSWORD))
    await terminal.shows(b"password: ")
    terminal.type(keys)
    assert await asyncio.wait_for(asking, 30) is None
    assert terminal.state() == before


async def test_cancelling_the_task_gives_the_terminal_back_at_once(terminal: Terminal) -> None:
    before = terminal.state()
    asking = asyncio.create_task(prompter(terminal).secret(PASSWORD))
    await terminal.shows(b"password: ")
    assert terminal.state() != before
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asking, 30)
    assert terminal.state() == before


async def test_two_hosts_are_asked_about_one_after_the_other(terminal: Terminal) -> None:
    asks = prompter(terminal)
    first = asyncio.create_task(asks.secret(PASSWORD))
    await terminal.shows(b"gpu01: ")
    second = asyncio.create_task(asks.secret(SecretQuestion("gpu02", SecretKind.ONE_TIME_CODE, "Code: ", echo=True)))
    await terminal.shows(b"password: ")
    assert b"gpu02" not in terminal.screen
    terminal.type(b"one\r")
    await terminal.shows(b"gpu02: Code: ")
    terminal.type(b"123456\r")
    assert await asyncio.wait_for(first, 10) == "one"
    assert await asyncio.wait_for(second, 10) == "123456"
    await terminal.shows(b"123456")


async def test_what_was_typed_before_the_question_is_no_answer(terminal: Terminal) -> None:
    terminal.type(b"early\r")
    await terminal.shows(b"early")  # the terminal's own echo: it is waiting there now
    asking = asyncio.create_task(prompter(terminal).secret(PASSWORD))
    await terminal.shows(b"password: ")
    terminal.type(b"late\r")
    assert await asyncio.wait_for(asking, 30) == "late"


async def test_hostile_words_of_a_server_are_shown_harmless(terminal: Terminal) -> None:
    question = SecretQuestion(
        "gpu01", SecretKind.INTERACTIVE, "\x1b]0;owned\x07\x1b[2JPassword\u202e: ", detail="x" * 9999
    )
    asking = asyncio.create_task(prompter(terminal).secret(question))
    await terminal.shows(b"\\x1b]0;owned")
    await terminal.shows("…]: ".encode())
    terminal.type(b"\x03")
    assert await asyncio.wait_for(asking, 30) is None
    assert b"\x1b" not in terminal.screen
    assert b"\x07" not in terminal.screen
    assert len(terminal.screen) < 2000


@pytest.mark.parametrize(
    ("keys", "decision"),
    [
        (b"yes\r", HostKeyAnswer.SAVE),
        (b"SHA256:abcDEF\r", HostKeyAnswer.SAVE),
        (b"once\r", HostKeyAnswer.ONCE),
        (b"no\r", HostKeyAnswer.REFUSE),
        (b"\r", HostKeyAnswer.REFUSE),
        (b"SHA256:abcDEG\rno\r", HostKeyAnswer.REFUSE),
        (b"\x03", None),
    ],
)
async def test_a_host_key_is_shown_and_decided(terminal: Terminal, keys: bytes, decision: HostKeyAnswer | None) -> None:
    asking = asyncio.create_task(prompter(terminal).host_key(KEY))
    await terminal.shows(b"SHA256:abcDEF")
    await terminal.shows(b"the fingerprint] ")
    first, *rest = keys.splitlines(keepends=True)
    terminal.type(first)
    for line in rest:
        await terminal.shows(b"please type")
        terminal.type(line)
    assert await asyncio.wait_for(asking, 30) is decision


async def test_without_a_terminal_nobody_is_asked(tmp_path: object) -> None:
    asks = TtyPrompter(f"{tmp_path}/none")
    assert await asks.secret(PASSWORD) is None
    assert await asks.host_key(KEY) is None


def test_a_prompt_without_words_says_what_is_wanted() -> None:
    question = SecretQuestion("gpu01", SecretKind.PASSPHRASE, "", detail="~/.ssh/id_ed25519", attempt=2)
    assert describe_secret(question) == "gpu01: passphrase of the key [~/.ssh/id_ed25519] (again): "


def test_a_line_is_edited_by_whole_characters() -> None:
    editor = LineEditor(echo=True)
    assert editor.feed("añ".encode()) == "añ".encode()
    assert editor.feed(b"\x7f") == b"\b \b"
    assert editor.feed(b"\x15\x7f") == b"\b \b"
    editor.feed(b"ok\r")
    assert editor.text() == "ok"
