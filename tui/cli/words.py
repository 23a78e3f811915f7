"""Words and figures for people: sizes, ages, and text that a terminal can't be hurt by. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from tui.domain.text import printable

__all__ = ["age", "count", "harmless", "listed", "one_line", "percent", "size"]

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEPS = ((31_557_600, "y"), (2_629_800, "mo"), (604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))

UNKNOWN = "?"


def harmless(text: str) -> str:
    """*text*, which is in printed form already, with any control character that slipped in made visible.

    Unlike :func:`tui.domain.text.printable` it leaves a backslash and a line feed alone.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char in "\\\n" or unicodedata.category(char)[0] != "C" else printable(char) for char in text)


def one_line(text: str) -> str:
    """:func:`harmless`, on one line."""
    return " ".join(harmless(text).split("\n"))


def size(value: int | None) -> str:
    """Bytes in the largest fitting binary unit, three figures: ``1.50 GiB``; ``?`` when unknown."""
    if value is None:
        return UNKNOWN
    if abs(value) < 1024:
        return f"{value} B"
    amount, unit = float(value), 0
    while abs(amount) >= 999.5 and unit < len(_UNITS) - 1:
        amount /= 1024
        unit += 1
    digits = 2 if abs(amount) < 9.995 else 1 if abs(amount) < 99.95 else 0
    return f"{amount:.{digits}f} {_UNITS[unit]}"


def age(seconds: float | None) -> str:
    """A span in its two largest parts at most: ``3 d``, ``5 min``; ``?`` when unknown."""
    if seconds is None:
        return UNKNOWN
    for length, unit in _STEPS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return "now"


def count(value: int | None) -> str:
    """A number; ``?`` when unknown."""
    return UNKNOWN if value is None else str(value)


def percent(value: float | None) -> str:
    """A percentage without decimals; ``?`` when unknown."""
    return UNKNOWN if value is None else f"{value:.0f}%"


def listed(names: Iterable[str], most: int = 3) -> str:
    """The first *most* names and how many more there are: ``gpu01, gpu02 and 5 more``."""
    all_names = list(names)
    if len(all_names) <= most:
        return ", ".join(all_names)
    return f"{', '.join(all_names[:most])} and {len(all_names) - most} more"
