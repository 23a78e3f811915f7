"""Cells: pieces of plain text, each with a tone. The widgets turn tones into the theme's colours.

A cell is data, so nothing in it is ever parsed as markup. Text of a host or a person enters
through :func:`remote` alone, in printed form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeAlias

from rich.cells import cell_len, get_character_cell_size, split_graphemes

from tui.domain.text import printable

__all__ = [
    "BLANK",
    "CUT",
    "Cell",
    "Live",
    "Tone",
    "around",
    "cell",
    "fit",
    "fit_end",
    "fit_within",
    "join",
    "plain",
    "remote",
    "shown",
    "text_width",
    "width",
    "wrap",
]

CUT = "…"
_ZWJ = "\u200d"
_JOINER = re.compile(_ZWJ)
_MODIFIERS = "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
LONGEST = 4000
"""Characters of one remote string that are ever shown; a name of a gigabyte is still a name."""


class Tone(StrEnum):
    """What a piece of text means. State is in the words too: a tone only underlines it."""

    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ACCENT = "accent"
    TITLE = "title"


Cell: TypeAlias = tuple[tuple[str, Tone], ...]
Live: TypeAlias = Callable[[float], Cell]
"""A cell that depends on the time (Unix seconds), made anew at each painting: ages and countdowns."""

BLANK: Cell = ()


def cell(text: str, tone: Tone = Tone.PLAIN) -> Cell:
    """A cell of the program's own words, numbers, or text that is in printed form already."""
    return ((text, tone),) if text else BLANK


def shown(text: str) -> str:
    """A raw string of a host or a person in printed form, cut where nobody would read on.

    A zero-width joiner that joins no pictures is written out too: terminals show what follows it,
    Rich counts it as nothing, and columns would no longer line up.
    """
    printed = printable(text) if len(text) <= LONGEST else printable(text[:LONGEST]) + CUT
    return _JOINER.sub(_joiner, printed) if _ZWJ in printed else printed


def _joiner(match: re.Match[str]) -> str:
    text = match.string
    before = text[: match.start()].rstrip(_MODIFIERS)[-1:]
    after = text[match.end() : match.end() + 1]
    joins = bool(before) and get_character_cell_size(before) == 2 and after >= "\u2000" and after != _ZWJ
    return _ZWJ if joins else "\\xe2\\x80\\x8d"


def remote(text: str | None, tone: Tone = Tone.PLAIN) -> Cell:
    """A cell of a raw string; nothing for None."""
    return cell(shown(text), tone) if text else BLANK


def join(cells: Iterable[Cell], separator: str = "  ", tone: Tone = Tone.DIM) -> Cell:
    """The non-empty *cells*, one after the other."""
    spans: list[tuple[str, Tone]] = []
    for each in cells:
        if each:
            if spans and separator:
                spans.append((separator, tone))
            spans.extend(each)
    return tuple(spans)


def around(sentence: str, name: str, spans: Cell, tone: Tone = Tone.PLAIN) -> Cell:
    """*sentence*, a translated template, with *spans* in the place of ``{name}``: a name in a colour of its own."""
    before, place, after = sentence.partition(f"{{{name}}}")
    return (*cell(before, tone), *(spans if place else ()), *cell(after, tone))


def plain(spans: Cell) -> str:
    """The text alone."""
    return "".join(text for text, _ in spans)


def width(spans: Cell) -> int:
    """Terminal columns that a cell takes."""
    return sum(map(text_width, (text for text, _ in spans)))


def fit(spans: Cell, columns: int, *, right: bool = False, end: bool = False) -> Cell:
    """*spans* cut or padded to exactly *columns*; what was cut off shows as one ``…``: at the end, or with *end*
    at the beginning, for paths, whose end tells.

    A wide character that would stick out is replaced by a blank, so that what follows lines up.
    """
    if columns <= 0:
        return BLANK
    size = width(spans)
    if size == columns:
        return spans
    if size < columns:
        pad = (" " * (columns - size), Tone.PLAIN)
        return (pad, *spans) if right else (*spans, pad)
    if end:
        return _fit_end(spans, columns)
    kept: list[tuple[str, Tone]] = []
    room = columns - 1
    for text, tone in spans:
        head, used = _head(text, room)
        kept.append((head, tone))
        room -= used
        if head != text:
            kept.append((CUT + " " * room, tone))
            break
    else:
        kept.append((CUT + " " * room, Tone.DIM))
    return tuple(kept)


def fit_end(spans: Cell, columns: int) -> Cell:
    """*spans* in at most *columns*, their beginning cut off where they are wider: of a path the end tells."""
    return spans if width(spans) <= columns else _fit_end(spans, columns)


def fit_within(spans: Cell, columns: int, place: int) -> Cell:
    """*spans* cut or padded to exactly *columns*; too wide, the piece at *place* alone loses its beginning.

    So a path gives way and the figures beside it stay; where nothing of it would be left, the end goes as usual.
    """
    over = width(spans) - columns
    room = text_width(spans[place][0]) - over if spans else 0
    if over > 0 and room > 1:
        spans = (*spans[:place], *_fit_end((spans[place],), room), *spans[place + 1 if place != -1 else len(spans) :])
    return fit(spans, columns)


def _fit_end(spans: Cell, columns: int) -> Cell:
    kept: list[tuple[str, Tone]] = []
    room = columns - 1
    for text, tone in reversed(spans):
        tail, used = _tail(text, room)
        kept.append((tail, tone))
        room -= used
        if tail != text:
            break
    blank = " " * room
    return ((CUT + blank, kept[-1][1] if kept else Tone.PLAIN), *reversed(kept))


def _tail(text: str, columns: int) -> tuple[str, int]:
    """The longest end of whole characters within *columns*, and its width."""
    columns = max(0, columns)
    if text.isascii():
        tail = text[len(text) - min(columns, len(text)) :]
        return tail, len(tail)
    graphemes, _ = split_graphemes(text)
    used, start = 0, len(text)
    for begin, _stop, size in reversed(graphemes):
        if used + size > columns:
            break
        used, start = used + size, begin
    return text[start:], used


def wrap(spans: Cell, columns: int, hang: int = 0) -> list[Cell]:
    """*spans* as lines of at most *columns*: broken at blanks, else inside a word. At least one line.

    All lines but the first are indented by *hang*.
    """
    columns = max(2, columns)
    if width(spans) <= columns:
        return [spans]
    hang = min(hang, columns // 2)
    start: list[tuple[str, Tone]] = [(" " * hang, Tone.PLAIN)] if hang else []
    full = columns - hang
    lines: list[Cell] = []
    line: list[tuple[str, Tone]] = []
    room = columns
    for text, tone in spans:
        for word in _words(text):
            size = text_width(word)
            bare = text_width(word.rstrip(" "))
            if bare > room and line and bare <= full:
                lines.append(tuple(line))
                line, room = start.copy(), full
            while bare > room:
                head, used = _head(word, room)
                if used:
                    line.append((head, tone))
                    word = word[len(head) :]
                    size, bare = size - used, bare - used
                elif room >= full:
                    word, size, bare = "", 0, 0  # a glyph wider than a line: nothing can be shown of it
                lines.append(tuple(line))
                line, room = start.copy(), full
            head, used = _head(word, room)
            if head:
                line.append((head, tone))
            room -= used
    if len(line) > (1 if hang else 0):
        lines.append(tuple(line))
    return lines


def text_width(text: str) -> int:
    """Terminal columns that *text* takes."""
    return len(text) if text.isascii() else cell_len(text)


def _head(text: str, columns: int) -> tuple[str, int]:
    """The longest beginning of whole characters within *columns*, and its width."""
    if text.isascii():
        head = text[: max(0, columns)]
        return head, len(head)
    used = end = 0
    graphemes, _ = split_graphemes(text[: 16 * max(1, columns) + 64])
    for _start, stop, size in graphemes:
        if used + size > columns:
            break
        used, end = used + size, stop
    return text[:end], used


_WIDE = "\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60"
_OPENS, _CLOSES = "（【《「『“‘", "，。、；：！？）】》」』”’…"
_BREAK = re.compile(
    # After such a character or before one, but never before what closes or joins, nor after what opens.
    rf"(?:(?<=[{_WIDE}])|(?=[{_WIDE}]))(?<![{_OPENS}])(?![{_CLOSES} \u0300-\u036f\u200d\u3099\u309a\ufe00-\ufe0f])"
)
"""Where a line of Chinese or Japanese may end: nearly everywhere, as it has no blanks."""


def _words(text: str) -> Iterable[str]:
    """Pieces that a line may end behind: words, each with the blanks that follow it, and single wide characters."""
    for word in _blank_separated(text):
        if word.isascii():
            yield word
        else:
            yield from filter(None, _BREAK.split(word))


def _blank_separated(text: str) -> Iterable[str]:
    start = 0
    while start < len(text):
        end = text.find(" ", start)
        if end < 0:
            yield text[start:]
            return
        while end < len(text) and text[end] == " ":
            end += 1
        yield text[start:end]
        start = end
