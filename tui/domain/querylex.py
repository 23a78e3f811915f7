"""A filter's text cut into terms: blanks separate, quotes keep together, a leading ``!`` or ``-`` negates. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Term", "terms"]

QUOTES = "\"'"


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a filter."""

    text: str
    """Without its negation and its quotes."""
    start: int
    end: int
    """Where it stands in the whole text, negation and quotes included."""
    negated: bool = False
    quoted_at: int | None = None
    """From where in ``text`` on it was quoted: nothing from there on is an operator. None: nowhere."""
    open: bool = False
    """Its quote was never closed."""


def terms(text: str) -> list[Term]:
    """The terms of *text*, whatever it holds."""
    found: list[Term] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        term = _term(text, at)
        found.append(term)
        at = term.end
    return found


def _term(text: str, start: int) -> Term:
    negated = text[start] in "!-"
    at = start + 1 if negated else start
    out: list[str] = []
    quoted_at: int | None = None
    quote = ""
    while at < len(text):
        char = text[at]
        if quote:
            if char == quote:
                quote = ""
            else:
                out.append(char)
        elif char in QUOTES:
            quote = char
            quoted_at = len(out) if quoted_at is None else quoted_at
        elif char.isspace():
            break
        else:
            out.append(char)
        at += 1
    return Term("".join(out), start, at, negated, quoted_at, bool(quote))
