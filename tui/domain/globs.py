r"""Globs over names that may hold anything, written in printed form.

``*``, ``?`` and ``[…]`` (``[!…]`` for "none of") are glob characters, as in the shell and case-sensitive; a
character written ``\xNN`` stands for itself, so ``env\x5bcu118\x5d`` is exactly ``env[cu118]``. A ``[`` that is
never closed stands for itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from tui.domain.text import parse_printed

__all__ = ["Glob", "is_glob"]


def is_glob(printed: str) -> bool:
    """Whether *printed* holds a glob character."""
    return any(char in printed for char in "*?[")


class Glob:
    """A pattern in printed form, matched against raw names (see :mod:`tui.domain.text`)."""

    def __init__(self, printed: str) -> None:
        self.printed = printed
        self.literal = parse_printed(printed)
        """The one name that *printed* spells when none of its characters is a glob character."""
        self._pattern = _compile(printed) if is_glob(printed) else None

    def is_literal_for(self, name: str) -> bool:
        """Whether *name* is exactly what is written."""
        return name == self.literal

    def matches(self, name: str) -> bool:
        """Whether *name* is what is written, literally or as a glob."""
        return name == self.literal or (self._pattern is not None and self._pattern.fullmatch(name) is not None)


@lru_cache(maxsize=512)
def _compile(printed: str) -> re.Pattern[str]:
    out: list[str] = []
    literal = at = 0

    def flush(end: int) -> None:
        out.append(re.escape(parse_printed(printed[literal:end])))

    while at < len(printed):
        char = printed[at]
        if char == "\\":
            at += 2  # the second backslash, or the x of \xNN: never a glob character
            continue
        if char not in "*?[":
            at += 1
            continue
        closed = _set_end(printed, at) if char == "[" else at
        if closed < 0:
            at += 1
            continue
        flush(at)
        if char == "[":
            out.append(_set(printed[at + 1 : closed]))
        elif char == "?":
            out.append(".")
        elif not out or out[-1] != ".*":
            out.append(".*")
        literal = at = closed + 1
    flush(len(printed))
    return re.compile(_linear([part for part in out if part]), re.DOTALL)


def _linear(parts: list[str]) -> str:
    """The parts joined so that matching never backtracks over an earlier star (atomic groups, as in fnmatch)."""
    stars = [at for at, part in enumerate(parts) if part == ".*"]
    if not stars:
        return "".join(parts)
    merged = ["".join(parts[: stars[0]])]
    for here, following in pairwise(stars):
        fixed = "".join(parts[here + 1 : following])
        if fixed:
            merged.append(f"(?>.*?{fixed})")
    merged.append(".*" + "".join(parts[stars[-1] + 1 :]))
    return "".join(merged)


def _set_end(printed: str, at: int) -> int:
    """Where the set that opens at *at* closes; -1 when it never does."""
    first = at + 2 if printed[at + 1 : at + 2] == "!" else at + 1
    return printed.find("]", first + 1)


def _set(body: str) -> str:
    negated = body.startswith("!")
    chars = parse_printed(body[1:] if negated else body)
    out: list[str] = []
    at = 0
    while at < len(chars):
        if at + 2 < len(chars) and chars[at + 1] == "-":
            low, high = chars[at], chars[at + 2]
            if low <= high:
                out.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            out.append(re.escape(chars[at]))
            at += 1
    if not out:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(out)}]"
