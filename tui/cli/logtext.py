"""A task's log as plain lines, as its terminal would have shown them. Pure; the log is a host's word.

Nothing of it moves the reader's cursor or colours anything: bars that are drawn again and again become the line that
was there in the end. As long as a line may still be drawn over it is held back.
"""

from __future__ import annotations

import codecs
import re

from tui.cli.words import harmless
from tui.domain.redact import redact

__all__ = ["LogText"]

HELD = 24
"""So many lines may a log still draw over, once it has moved its cursor up."""
LONGEST = 4096
"""A longer line is broken."""
LONGEST_ESCAPE = 2100
_TOKEN = re.compile(
    r"\x1b\[(?P<arg>[0-?]{0,64})[ -/]{0,8}(?P<end>[@-~])"
    r"|\x1b[\]PX^_][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)?"  # a title, a link
    r"|\x1b[ -/]{0,8}[0-~]?"
    r"|(?P<move>[\r\n\b\t])"
    r"|(?P<text>[^\x1b\r\n\b\t]+)"
)
_OPEN = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,2048}|[ -/]{0,8})\Z")


class LogText:
    """Takes a log in pieces, however they are cut, and gives whole lines."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._rest = ""
        self._rows = [""]
        self._row = self._column = 0
        self._moves = False

    @property
    def current(self) -> str:
        """The line that is being written."""
        return _shown(self._rows[self._row])

    def feed(self, data: bytes) -> list[str]:
        """The lines that are final after *data*."""
        text = self._rest + self._decoder.decode(data)
        held = _OPEN.search(text, max(0, len(text) - LONGEST_ESCAPE))
        keep = held.start() if held else len(text)
        self._rest = text[keep:]
        out: list[str] = []
        for token in _TOKEN.finditer(text, 0, keep):
            if token["text"]:
                self._write(token["text"], out)
            elif token["move"]:
                self._move(token["move"], out)
            elif token["end"]:
                self._control(token["end"], token["arg"])
        return [_shown(line) for line in out]

    def finish(self) -> list[str]:
        """What was held back: the log has ended."""
        rows, self._rows, self._row, self._column = self._rows, [""], 0, 0
        while rows and not rows[-1].strip():
            rows.pop()
        return [_shown(line) for line in rows]

    def _write(self, text: str, out: list[str]) -> None:
        while text:
            part, text = text[: LONGEST - self._column], text[LONGEST - self._column :]
            before = self._rows[self._row]
            self._rows[self._row] = (
                before[: self._column].ljust(self._column) + part + before[self._column + len(part) :]
            )
            self._column += len(part)
            if text:
                self._move("\n", out)

    def _move(self, move: str, out: list[str]) -> None:
        if move == "\b":
            self._column = max(0, self._column - 1)
            return
        if move == "\t":
            self._write(" " * (8 - self._column % 8), out)
            return
        self._column = 0
        if move == "\r":
            return
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append("")
        while len(self._rows) > (HELD if self._moves else 1):
            out.append(self._rows.pop(0))
            self._row = max(0, self._row - 1)

    def _control(self, end: str, arg: str) -> None:
        number = min(int(arg), LONGEST - 1) if arg.isascii() and arg.isdigit() and len(arg) < 9 else 0
        count = max(1, number)
        if end in "AF":
            self._moves = True
            self._row = max(0, self._row - count)
        elif end in "BE":
            self._row = min(len(self._rows) - 1, self._row + count)
        elif end == "C":
            self._column = min(LONGEST - 1, self._column + count)
        elif end == "D":
            self._column = max(0, self._column - count)
        elif end == "G":
            self._column = count - 1
        elif end == "K":
            line = self._rows[self._row]
            after = " " * self._column + line[self._column :]
            self._rows[self._row] = {0: line[: self._column], 1: after}.get(number, "")
        elif end == "J" and number == 0:
            self._rows[self._row] = self._rows[self._row][: self._column]
            del self._rows[self._row + 1 :]
        if end in "EF":
            self._column = 0


def _shown(line: str) -> str:
    return harmless(redact(line.rstrip()))
