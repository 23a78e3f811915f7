"""On a real pty: first picture, attach, a connection that dies, quit; the terminal is as it was."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 30.0


class Terminal:
    """The program on a pty of 100×30, and all that it wrote."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.program = subprocess.Popen(
            [sys.executable, "-m", "tests.ui.on_a_terminal"],
            cwd=ROOT,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        self.wrote = b""

    def until(self, words: bytes, start: int = 0) -> int:
        """Read until *words* were written after *start*; the place behind them."""
        deadline = time.monotonic() + LIMIT_S
        while (found := self.wrote.find(words, start)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{words!r} never came; the last bytes: {self.wrote[-400:]!r}"
            self._take(left)
        return found + len(words)

    def _take(self, seconds: float) -> None:
        if select.select([self.master], [], [], seconds)[0]:
            self.wrote += os.read(self.master, 65536)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def ended(self) -> int:
        """The exit status; what it still writes is taken in meanwhile."""
        deadline = time.monotonic() + LIMIT_S
        while self.program.poll() is None:
            assert time.monotonic() < deadline, f"the program did not end; it wrote last {self.wrote[-600:]!r}"
            self._take(0.05)
        return self.program.returncode

    def left(self) -> int:
        """The exit status after q; pressed again now and then: a message that is just closing takes one for itself."""
        deadline = time.monotonic() + LIMIT_S
        while self.program.poll() is None and time.monotonic() < deadline:
            self.press(b"q")
            again = time.monotonic() + 1.0
            while self.program.poll() is None and time.monotonic() < again:
                self._take(0.05)
        return self.ended()

    def hang_up(self) -> None:
        """Take the terminal away; it is nobody's controlling one, so no signal tells."""
        os.close(self.master)
        self.master = -1

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait(10)
        if self.master >= 0:
            os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def test_a_connection_that_dies_while_attached_gives_a_clean_screen_back(terminal: Terminal) -> None:
    shown = terminal.until(b"bastion-lab")
    terminal.press(b"s")
    given = terminal.until(b"REMOTE", shown)
    back = terminal.until(b"\x1b[?1049h", given)
    # While the terminal was away nothing of the screen reached it: only the reset of what the host had set.
    away = terminal.wrote[given:back]
    assert b"newbox" not in away
    assert b"\x1b[?1000l" in away
    said = terminal.until(b"Lost", back)
    terminal.until(b"gpu02", back)
    terminal.press(b"q")  # closes the message
    terminal.until(b"bastion-lab", said)
    assert terminal.left() == 0
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert b"\x1b[?1049l" in terminal.wrote[said:]


def test_a_signal_ends_the_screen_and_gives_the_terminal_back(terminal: Terminal) -> None:
    terminal.until(b"bastion-lab")
    terminal.program.send_signal(signal.SIGTERM)
    assert terminal.ended() == 143, terminal.wrote[-3000:].decode(errors="replace")
    assert termios.tcgetattr(terminal.slave) == terminal.before
    assert b"Warning" not in terminal.wrote
    assert b"Traceback" not in terminal.wrote


def test_a_terminal_that_is_gone_without_a_signal_ends_the_screen(terminal: Terminal) -> None:
    terminal.until(b"bastion-lab")
    terminal.hang_up()
    assert terminal.program.wait(LIMIT_S) != 0
