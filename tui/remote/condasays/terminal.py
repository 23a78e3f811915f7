"""A terminal's output as plain lines, whatever it drew. Pure, linear in time."""

from __future__ import annotations

import re

__all__ = ["LONGEST_ESCAPE", "OPEN_ESCAPE", "TEXT_LIMIT", "bounded", "plain_lines", "segments"]

TEXT_LIMIT = 1 << 20
"""Characters of one stream that are looked at as text: its first quarter and its end."""

_ESCAPE = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}(?P<end>[@-~])"  # a control sequence
    r"|\x1b[\]PX^_][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)?"  # a string: a title, a link
    r"|\x1b[ -/]{0,8}[0-~]?"
)
OPEN_ESCAPE = re.compile(r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}|[\]PX^_][^\x07\x1b]{0,2048}|[ -/]{0,8})\Z")
"""At the end of a text: an escape sequence that may go on, no longer than :data:`LONGEST_ESCAPE`."""
LONGEST_ESCAPE = 2100
_STAYS = "mhlnq"
"""Ends of the sequences that leave the cursor where it is: colours and modes."""
_BREAK = re.compile(r"[\r\n\v\f]+")


def bounded(text: str, limit: int = TEXT_LIMIT) -> str:
    """*text*, of a long one the beginning and the end: what matters stands last."""
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]}\n{text[head - limit :]}"


def segments(text: str) -> list[str]:
    """*text* cut wherever the cursor went elsewhere, without colours and wiped-out characters; empty parts too."""
    if "\x1b" in text:
        text = _ESCAPE.sub(lambda match: "" if not match["end"] or match["end"] in _STAYS else "\n", text)
    return [_wiped(part) if "\b" in part else part for part in _BREAK.split(text)]


def plain_lines(text: str) -> list[str]:
    """The lines of :func:`segments` that hold something, without blanks at their ends."""
    return [line.rstrip() for line in segments(bounded(text)) if line and not line.isspace()]


def _wiped(part: str) -> str:
    out: list[str] = []
    for char in part:
        if char != "\b":
            out.append(char)
        elif out:
            out.pop()
    return "".join(out)
