"""The program's own themes, beside Textual's."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from textual.theme import Theme

from tui.domain.text import printable
from tui.ui.language import tr

__all__ = ["DEFAULT", "MONOCHROME", "THEMES", "unknown_theme"]

DEFAULT = "dark"
MONOCHROME = "monochrome"
"""Also what NO_COLOR gives. The cursor is shown by swapped colours, all else by weight and words."""

THEMES = (
    Theme(
        name=DEFAULT,
        primary="#3f7cac",
        secondary="#7fb2d6",
        accent="#6cc3d5",
        success="#7bc47f",
        warning="#e6b450",
        error="#f07178",
        foreground="#d6dde6",
        background="#10151c",
        surface="#161d27",
        panel="#212b38",
        boost="#1d2733",
        dark=True,
    ),
    Theme(
        name="light",
        primary="#2f6f9f",
        secondary="#1f5a86",
        accent="#0b6e80",
        success="#1f7a3a",
        warning="#8a5a00",
        error="#b3261e",
        foreground="#1c2430",
        background="#fbfcfd",
        surface="#eef1f5",
        panel="#dde3ea",
        boost="#e6ebf1",
        dark=False,
    ),
    # The colours of Okabe and Ito, which people with any of the usual colour blindnesses tell apart:
    # good is blue, not green.
    Theme(
        name="colour-blind",
        primary="#0072b2",
        secondary="#56b4e9",
        accent="#cc79a7",
        success="#56b4e9",
        warning="#f0e442",
        error="#e66f00",
        foreground="#e4e6ea",
        background="#101216",
        surface="#191c22",
        panel="#262a33",
        boost="#20242c",
        dark=True,
    ),
    Theme(
        name=MONOCHROME,
        primary="#808080",
        secondary="#d0d0d0",
        accent="#ffffff",
        success="#d8d8d8",
        warning="#ffffff",
        error="#ffffff",
        foreground="#d8d8d8",
        background="#000000",
        surface="#141414",
        panel="#2a2a2a",
        boost="#1e1e1e",
        dark=True,
    ),
)


def unknown_theme(wanted: str, available: Collection[str]) -> str:
    """What to say of a theme that there is not."""
    ours = [theme.name for theme in THEMES]
    near = get_close_matches(wanted, [*ours, *sorted(available)], 1)
    hint = tr("; did you mean {near}?", near=near[0]) if near else tr("; ours are {themes}", themes=", ".join(ours))
    return tr("there is no theme {theme}{hint}", theme=repr(printable(wanted)), hint=hint)
