"""A task's log as a terminal would have drawn it: bars in place, colours kept, everything else of the host's left out.

Programs draw progress with carriage returns, backspaces and a cursor that goes some lines up. Of what a host sends only
that is obeyed, and colours; no other sequence reaches the operator's terminal, and what cannot be seen is written out.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from rich.cells import get_character_cell_size

from tui.domain.text import printable

__all__ = ["PLAIN", "Ink", "LogScreen"]

MOST_LINES = 20_000
"""Older ones are forgotten; the host has them all."""
MOST_COLUMNS = 2_000
HIGHEST = 200
"""So many lines the cursor may go up, which is more than any terminal that a bar was made for."""
_PENDING = 64
_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<params>[0-9;:]{0,40})(?P<end>[A-Za-z])"
    r"|\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]"  # any other control sequence
    r"|\x1b[\]PX^_][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)?"  # a string: a title, a link
    r"|\x1b[ -/]{0,8}[0-Z\\-~]?"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
_OPEN = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,2048}|[ -/]{0,8})\Z")
TAB = 8


@dataclass(frozen=True, slots=True)
class Ink:
    """How a piece of text is drawn: colours as terminals number them (0 to 255), or as red, green and blue."""

    front: int | tuple[int, int, int] | None = None
    back: int | tuple[int, int, int] | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


PLAIN = Ink()


class LogScreen:
    """Takes bytes as they come, in pieces of any size; gives lines."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._open = ""
        self._lines: list[tuple[list[str], list[Ink]]] = [([], [])]
        self._row = 0
        self._column = 0
        self._ink = PLAIN
        self.forgotten = 0
        """How many lines at the beginning are not kept any more."""
        self.changed_from = 0
        """The first line that is another since somebody set this to the number of lines."""

    def __len__(self) -> int:
        """How many lines there are; the last may be empty."""
        return len(self._lines)

    def feed(self, data: bytes) -> None:
        """Draw *data*, which goes on where the last piece ended."""
        text = self._open + self._decoder.decode(data)
        held = _OPEN.search(text, max(0, len(text) - 2100))
        self._open = "" if held is None else held.group()
        if held is not None:
            text = text[: held.start()]
        for match in _TOKEN.finditer(text):
            if (run := match["text"]) is not None:
                self._write(run)
            elif (end := match["end"]) is not None:
                self._sequence(end, match["params"])
            elif (control := match["control"]) is not None:
                self._control(control)

    def line(self, index: int) -> list[tuple[str, Ink]]:
        """The pieces of line *index*, each in one ink; a wide character stands as itself."""
        chars, inks = self._lines[index]
        out = []
        for ink, group in groupby(zip(chars, inks, strict=True), key=lambda pair: pair[1]):
            out.append(("".join(char for char, _ in group), ink))
        return out

    def text(self, index: int) -> str:
        """Line *index* without its inks."""
        return "".join(self._lines[index][0]).rstrip()

    def tail(self, most: int) -> list[str]:
        """The last lines that hold something, without their inks."""
        found: list[str] = []
        index = len(self._lines)
        while index > 0 and len(found) < most:
            index -= 1
            text = self.text(index)
            if text or found:
                found.append(text)
        return found[::-1]

    def width(self, index: int) -> int:
        """The columns of line *index*."""
        return len(self._lines[index][0])

    def breaks(self, index: int, room: int) -> list[int]:
        """The columns that the lines begin with when line *index* is broken to *room* columns, 2 or more."""
        chars, _ = self._lines[index]
        starts = [0]
        while len(chars) - starts[-1] > room:
            stop = starts[-1] + room
            starts.append(stop - 1 if chars[stop] == "" else stop)
        return starts

    def cells(self, index: int, start: int, stop: int) -> Iterator[tuple[str, Ink]]:
        """Columns *start* to *stop* of line *index*; a wide character has its second column empty."""
        chars, inks = self._lines[index]
        return zip(chars[start:stop], inks[start:stop], strict=True)

    def _write(self, run: str) -> None:
        chars, inks = self._lines[self._row]
        self._touch(self._row)
        if len(chars) < self._column:
            blank = self._column - len(chars)
            chars += [" "] * blank
            inks += [PLAIN] * blank
        if run.isascii():
            pieces: Sequence[str] = run[: max(0, MOST_COLUMNS - self._column)]
            stop = self._column + len(pieces)
            if self._column < len(chars):
                self._part(chars, self._column)
                self._part(chars, stop)
            chars[self._column : stop] = pieces
            inks[self._column : stop] = [self._ink] * len(pieces)
            self._column = stop
            return
        for char in run:
            self._put(chars, inks, char)

    def _put(self, chars: list[str], inks: list[Ink], char: str) -> None:
        text = char if char == "\\" else printable(char)
        if len(text) > 1:  # what cannot be seen, written out
            for one in text:
                self._put(chars, inks, one)
            return
        size = get_character_cell_size(text)
        if size == 0:
            if self._column and len(chars[self._column - 1]) < 8:
                at = self._column - 1 if chars[self._column - 1] else self._column - 2
                chars[at] += text
            return
        if self._column + size > MOST_COLUMNS:
            return
        stop = self._column + size
        self._part(chars, self._column)
        self._part(chars, stop)
        chars[self._column : stop] = [text, ""][:size]
        inks[self._column : stop] = [self._ink] * size
        self._column = stop

    @staticmethod
    def _part(chars: list[str], column: int) -> None:
        """A wide character of which one half is drawn over is none any more."""
        if 0 < column < len(chars) and chars[column] == "":
            chars[column - 1] = chars[column] = " "

    def _control(self, control: str) -> None:
        if control == "\n":
            self._down(1)
            self._column = 0  # a log without a terminal has no carriage returns
        elif control == "\r":
            self._column = 0
        elif control == "\b":
            self._column = max(0, self._column - 1)
        elif control == "\t":
            self._column = min(MOST_COLUMNS, (self._column // TAB + 1) * TAB)

    def _sequence(self, end: str, params: str) -> None:
        if end == "m":
            self._ink = _inked(self._ink, params)
            return
        numbers = [int(each) if each.isdigit() and len(each) < 6 else 0 for each in params.split(";")]
        count = max(1, numbers[0])
        if end == "A" or end == "F":
            self._row = max(0, self._row - min(count, HIGHEST))
            self._column = 0 if end == "F" else self._column
        elif end == "B" or end == "E":
            self._row = min(len(self._lines) - 1, self._row + count)
            self._column = 0 if end == "E" else self._column
        elif end == "C":
            self._column = min(MOST_COLUMNS, self._column + count)
        elif end == "D":
            self._column = max(0, self._column - count)
        elif end == "G":
            self._column = min(MOST_COLUMNS, count - 1)
        elif end == "K":
            self._erase(numbers[0])
        elif end == "J" and numbers[0] == 0:
            self._erase(0)
            del self._lines[self._row + 1 :]

    def _erase(self, what: int) -> None:
        chars, inks = self._lines[self._row]
        self._touch(self._row)
        if what == 0:
            self._part(chars, self._column)
            del chars[self._column :], inks[self._column :]
        else:
            stop = len(chars) if what == 2 else min(len(chars), self._column + 1)
            chars[:stop] = [" "] * stop
            inks[:stop] = [PLAIN] * stop

    def _down(self, lines: int) -> None:
        self._row += lines
        while self._row >= len(self._lines):
            self._lines.append(([], []))
            self._touch(len(self._lines) - 1)
        if (over := len(self._lines) - MOST_LINES) >= MOST_LINES // 10:
            del self._lines[:over]
            self._row -= over
            self.forgotten += over
            self.changed_from = 0

    def _touch(self, row: int) -> None:
        self.changed_from = min(self.changed_from, row)


_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "reverse"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("reverse",)}


def _inked(ink: Ink, params: str) -> Ink:
    """*ink* after the numbers of one sequence; what is not known, or would hide text, changes nothing."""
    numbers = [int(each) if each.isdigit() and len(each) < 4 else 0 for each in re.split("[;:]", params)]
    at = 0
    while at < len(numbers):
        number = numbers[at]
        at += 1
        if number == 0:
            ink = PLAIN
        elif number in _ON:
            ink = replace(ink, **{_ON[number]: True})
        elif number in _OFF:
            ink = replace(ink, **dict.fromkeys(_OFF[number], False))
        elif number in (38, 48):
            colour, at = _colour(numbers, at)
            ink = replace(ink, front=colour) if number == 38 else replace(ink, back=colour)
        elif number in (39, 49):
            ink = replace(ink, front=None) if number == 39 else replace(ink, back=None)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            ink = replace(ink, front=number - 30 if number < 90 else number - 82)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            ink = replace(ink, back=number - 40 if number < 100 else number - 92)
    return ink


def _colour(numbers: Sequence[int], at: int) -> tuple[int | tuple[int, int, int] | None, int]:
    """The colour that begins at *at*, and where it ends."""
    kind = numbers[at] if at < len(numbers) else 0
    if kind == 5 and at + 1 < len(numbers):
        return min(255, numbers[at + 1]), at + 2
    if kind == 2 and at + 3 < len(numbers):
        red, green, blue = (min(255, each) for each in numbers[at + 1 : at + 4])
        return (red, green, blue), at + 4
    return None, len(numbers)
