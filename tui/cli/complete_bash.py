"""The command line as bash hands it over, and candidates as bash wants them back. Pure.

bash cuts words at characters of its own (``:`` among them) and inserts what it is given as it stands: so the line
is read here, with its quotes, and each candidate is quoted as the person began to quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Current", "split", "text_for_bash"]

_SPECIAL = re.compile(r"([^\w./:@%+,=^-])", re.ASCII)
_IN_DOUBLE = re.compile(r'([\\"$`!])')


@dataclass(frozen=True, slots=True)
class Current:
    """The word that is being written."""

    start: int
    """Where it begins in the line, its quotes included."""
    quote: str
    """The quote that is open at the cursor, or nothing."""
    line: str


def split(line: str) -> tuple[list[str], Current]:
    """The words of the last command in *line*, without their quotes, the last one perhaps empty."""
    words: list[str] = []
    out: list[str] = []
    started: int | None = None
    quote = ""
    at = 0
    while at < len(line):
        char = line[at]
        if quote == "'" or (quote == '"' and not (char == "\\" and line[at + 1 : at + 2] in ("\\", '"', "$", "`"))):
            if char == quote:
                quote = ""
            else:
                out.append(char)
        elif char == "\\":
            started = at if started is None else started
            at += 1
            out.append(line[at : at + 1])
        elif char in "'\"":
            started = at if started is None else started
            quote = char
        elif char in " \t\n;|&(":
            if started is not None:
                words.append("".join(out))
                out, started = [], None
            if char in ";|&(":
                words = []
        else:
            started = at if started is None else started
            out.append(char)
        at += 1
    words.append("".join(out))
    return words, Current(len(line) if started is None else started, quote, line)


def text_for_bash(texts: Iterable[str], current: Current, start: int) -> list[str]:
    """What bash is to put at *start*, where it believes the word to begin, for each candidate.

    Inside quotes bash replaces what stands after the opening quote and closes it itself.
    """
    lines = []
    for text in texts:
        if current.quote:
            whole = current.line[current.start : current.line.rindex(current.quote)] if current.quote else ""
            body = text if current.quote == "'" else _IN_DOUBLE.sub(r"\\\1", text)
            if whole:  # gpu01:'my e: only what follows the quote is replaced
                begun, _ = split(whole)
                body = body[len(begun[-1]) :] if text.startswith(begun[-1]) else body
            if current.quote == "'" and "'" in body:
                continue
            lines.append(body)
        else:
            written = _quoted(text)
            kept = current.line[current.start : start]
            if start <= current.start or not kept:
                lines.append(written)
                continue
            # What bash keeps in front of the word is taken off, as it was written.
            begun, _ = split(kept)
            head = _quoted(begun[-1])
            lines.append(written[len(head) :] if written.startswith(head) else written)
    return lines


def _quoted(text: str) -> str:
    return (
        _SPECIAL.sub(r"\\\1", text)
        if text.isascii()
        else "".join(char if ord(char) > 127 else _SPECIAL.sub(r"\\\1", char) for char in text)
    )
