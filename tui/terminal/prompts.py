"""Questions to the person at the controlling terminal: one at a time, naming the host, never on stdin or stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tui.domain.text import printable
from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretKind, SecretQuestion
from tui.terminal.line import LineEditor

__all__ = ["TtyPrompter", "describe_secret"]

LONGEST_SHOWN = 500

_WHAT = {
    SecretKind.PASSWORD: "password",
    SecretKind.ONE_TIME_CODE: "one-time code",
    SecretKind.PASSPHRASE: "passphrase of the key",
    SecretKind.INTERACTIVE: "answer",
}


class TtyPrompter:
    """Asks on ``/dev/tty``. Without a controlling terminal, or in the background of one, every answer is None.

    Secrets are typed without echo. Enter alone, Ctrl-C and Ctrl-D cancel. The terminal's settings are
    restored after each question, also when the asking task is cancelled.

    *around* is entered for the time of each question (a progress line clears itself there).
    """

    def __init__(
        self, path: str = "/dev/tty", around: Callable[[], contextlib.AbstractContextManager[object]] | None = None
    ) -> None:
        self._path = path
        self._around = around or contextlib.nullcontext
        self._one_at_a_time = asyncio.Lock()

    async def secret(self, question: SecretQuestion) -> str | None:
        """What the person typed, or None."""
        return await self._ask(describe_secret(question), echo=question.echo)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        """The decision: typing the fingerprint, or "yes", saves the key; "once" accepts it for this run."""
        text = (
            f"{_shown(question.host)}: nobody has vouched for this server yet.\n"
            f"  address      {_shown(question.address)} port {question.port}\n"
            f"  key          {_shown(question.algorithm)} {_shown(question.fingerprint)}\n"
            "Compare the fingerprint with the server's administrator. "
            f'"yes" adds it to {_shown(question.known_hosts)}, "once" is for this run only.\n'
            "Trust it? [yes/once/NO or the fingerprint] "
        )
        while True:
            answer = await self._ask(text, echo=True, empty="no")
            if answer is None:
                return None
            match answer.strip().lower():
                case "yes" | "y" | "save" | "s":
                    return HostKeyAnswer.SAVE
                case "once" | "o":
                    return HostKeyAnswer.ONCE
                case "no" | "n" | "":
                    return HostKeyAnswer.REFUSE
            if answer.strip() == question.fingerprint:
                return HostKeyAnswer.SAVE
            text = f"{_shown(question.host)}: please type yes, once, no or the whole fingerprint: "

    async def line(self, text: str) -> str | None:
        """What the person typed after *text*, which is shown as it is; None when nobody can be asked, or cancelled."""
        return await self._ask(text, echo=True, empty="")

    async def _ask(self, text: str, *, echo: bool, empty: str | None = None) -> str | None:
        async with self._one_at_a_time:
            with contextlib.ExitStack() as stack:
                try:
                    fd = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
                except OSError:
                    return None
                stack.callback(os.close, fd)
                if _in_background(fd):
                    return None
                stack.enter_context(self._around())
                return await _read_line(fd, text, echo=echo, empty=empty)


def _in_background(fd: int) -> bool:
    """Whether asking would stop the program (as a background job) instead of reaching the person."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:  # not our controlling terminal: no job control there
        return False


def describe_secret(question: SecretQuestion) -> str:
    """The words that ask for a secret: the host first, then what its server or key wants, in printed form."""
    again = " (again)" if question.attempt > 1 else ""
    what = _shown(question.prompt).rstrip(": ") or _WHAT[question.kind]
    detail = f" [{_shown(question.detail)}]" if question.detail else ""
    return f"{_shown(question.host)}: {what}{detail}{again}: "


def _shown(text: str) -> str:
    """Remote words with nothing in them that a terminal obeys; what is printed form already stays as it is."""
    safe = "".join(char if char == "\\" else printable(char) for char in text[: LONGEST_SHOWN + 1])
    return safe if len(text) <= LONGEST_SHOWN else safe[:LONGEST_SHOWN] + "…"


async def _read_line(fd: int, text: str, *, echo: bool, empty: str | None) -> str | None:
    """Ask in a thread, because a terminal can't be polled by every event loop; a pipe wakes it for cancelling."""
    wake_read, wake_write = os.pipe()
    try:
        asking = asyncio.get_running_loop().run_in_executor(None, _ask_in_thread, fd, wake_read, text, echo)
        try:
            line = await asyncio.shield(asking)
        except asyncio.CancelledError:
            os.write(wake_write, b"x")
            await asyncio.wait([asking])
            raise
    finally:
        os.close(wake_read)
        os.close(wake_write)
    return empty if line == "" else line


def _ask_in_thread(fd: int, wake: int, text: str, echo: bool) -> str | None:
    try:
        with _keys_one_by_one(fd):
            editor = LineEditor(echo)
            _write_all(fd, text.encode("utf-8", "backslashreplace"))
            while not editor.done:
                if wake in select.select([fd, wake], [], [])[0]:
                    break
                data = os.read(fd, 4096)
                if not data:
                    break
                _write_all(fd, editor.feed(data))
            _write_all(fd, b"\r\n")
            return editor.text() if editor.done else None
    except (OSError, termios.error):  # the terminal went away: nobody can be asked
        return None


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


@contextmanager
def _keys_one_by_one(fd: int) -> Iterator[None]:
    """Neither echo nor line editing nor signals by the terminal: Ctrl-C answers the question, not the program."""
    saved = termios.tcgetattr(fd)
    new = termios.tcgetattr(fd)
    new[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
    new[6][termios.VMIN] = 1
    new[6][termios.VTIME] = 0
    try:
        termios.tcsetattr(fd, termios.TCSAFLUSH, new)  # what was typed before the question is no answer to it
        yield
    finally:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(fd, termios.TCSANOW, saved)
