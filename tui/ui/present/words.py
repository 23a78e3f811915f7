"""Numbers as people read them: ages, sizes, shares, counts."""

from __future__ import annotations

import time
from functools import partial

from tui.domain.diskbounds import Bound
from tui.ui.language import tr
from tui.ui.present.cell import BLANK, Cell, Live, Tone, cell, join

__all__ = [
    "BOUND_MARKS",
    "UNKNOWN",
    "age_cell",
    "ago",
    "bar",
    "bounded",
    "clock_time",
    "countdown",
    "day",
    "percent_bar",
    "size",
    "size_long",
    "span",
]

UNKNOWN = "–"
"""Stands where something is not known: never 0, never blank."""

BOUND_MARKS = {Bound.EXACT: "", Bound.AT_LEAST: "≥", Bound.AT_MOST: "≤", Bound.BETWEEN: "~"}
"""Before a number of bytes: which way it can be wrong."""
_STEPS = ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m"))
_UNITS = ("B", "K", "M", "G", "T", "P", "E")
HIGH = 0.80
FULL = 0.93


def span(seconds: float) -> str:
    """A length of time in its largest whole unit: ``42s``, ``7m``, ``5h``, ``12d``, ``2y``."""
    seconds = max(0.0, seconds)
    for length, letter in _STEPS:
        if seconds >= length:
            return f"{int(seconds // length)}{letter}"
    return f"{int(seconds)}s"


def ago(then: float | None, now: float) -> str:
    """How long ago, in words; the unknown mark for None."""
    if then is None:
        return UNKNOWN
    return tr("just now") if now - then < 1 else tr("{span} ago", span=span(now - then))


def countdown(then: float, now: float) -> str:
    """When something happens: ``in 12s``, or ``now`` once it is due."""
    return tr("in {span}", span=span(then - now)) if then - now >= 1 else tr("now")


def age_cell(then: float | None, *, stale: bool = False, slow_after: float = 0.0) -> Live:
    """The age of data. A kept snapshot says ``old`` in words; data older than *slow_after* seconds is marked too."""
    return partial(_age, then, stale, slow_after)


def _age(then: float | None, stale: bool, slow_after: float, now: float) -> Cell:
    if then is None:
        return cell(UNKNOWN, Tone.DIM)
    text = span(now - then)
    if stale:
        return cell(tr("old {text}", text=text), Tone.WARN)
    return cell(text, Tone.WARN if slow_after and now - then > slow_after else Tone.DIM)


def size(value: int | None) -> str:
    """Bytes in at most five characters, binary units as ``df -h`` writes them."""
    if value is None:
        return UNKNOWN
    amount = float(value)
    for unit in _UNITS:
        if amount < 999.5 or unit == _UNITS[-1]:
            return f"{amount:.0f}{unit}" if unit == "B" or amount >= 9.95 else f"{amount:.1f}{unit}"
        amount /= 1024
    raise AssertionError("the last unit always returns")


def size_long(value: int | None) -> str:
    """Bytes with a unit that cannot be misread: ``1.4 TiB``."""
    if value is None:
        return UNKNOWN
    short = size(value)
    return f"{short[:-1]} {short[-1]}iB" if short[-1] != "B" else tr("{n} bytes", n=short[:-1])


def bounded(text: str, bound: Bound) -> str:
    """*text*, a number of bytes, with the way that it can be wrong, in words."""
    match bound:
        case Bound.EXACT:
            return text
        case Bound.AT_LEAST:
            return tr("at least {size}", size=text)
        case Bound.AT_MOST:
            return tr("at most {size}", size=text)
        case Bound.BETWEEN:
            return tr("about {size}", size=text)


def bar(fraction: float, columns: int, tone: Tone) -> Cell:
    """A bar of exactly *columns*, filled to half columns, on a track."""
    halves = round(max(0.0, min(1.0, fraction)) * columns * 2)
    if fraction > 0:
        halves = max(1, halves)
    whole, rest = divmod(halves, 2)
    filled = "━" * whole + "╸" * rest
    return join((cell(filled, tone), cell("─" * (columns - len(filled)), Tone.DIM)), "")


def level(fraction: float) -> Tone:
    """How worrying a filled share is."""
    return Tone.BAD if fraction >= FULL else Tone.WARN if fraction >= HIGH else Tone.GOOD


def percent_bar(fraction: float | None, columns: int = 6) -> Cell:
    """A share as a bar and a number; the unknown mark for None."""
    if fraction is None:
        return cell(UNKNOWN, Tone.DIM)
    tone = level(fraction)
    number = f" {min(999, max(0, int(fraction * 100 + 0.5))):>3}%"
    return (*bar(fraction, columns, tone), (number, Tone.PLAIN if tone is Tone.GOOD else tone))


def number_cell(number: int | None) -> Cell:
    """A count for a column; nothing to see for zero but a dim 0."""
    if number is None:
        return cell(UNKNOWN, Tone.DIM)
    return cell(str(number), Tone.PLAIN if number else Tone.DIM)


def clock_time(when: float) -> str:
    """The operator's local time of day, for logs."""
    return time.strftime("%H:%M:%S", time.localtime(when))


def day(when: float | None) -> str:
    """The operator's local date and minute; the unknown mark for None or for what no calendar holds."""
    if when is None:
        return UNKNOWN
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
    except (OverflowError, ValueError, OSError):
        return UNKNOWN


def optional(text: str, tone: Tone = Tone.PLAIN) -> Cell:
    """A cell, or nothing for an empty text."""
    return cell(text, tone) if text else BLANK
