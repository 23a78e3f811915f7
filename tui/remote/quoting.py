"""The one function by which a value becomes part of what a shell reads.

Values go to scripts as positional parameters; nothing of a host's or a person's words is ever
written into a script in another way.
"""

from __future__ import annotations

from collections.abc import Iterable

from tui.domain.text import encode

__all__ = ["quote", "quote_all"]


def quote(value: str | bytes) -> bytes:
    """*value* as one word of a POSIX shell, whatever bytes it holds.

    A ``str`` is raw text in the sense of :mod:`tui.domain.text`. Between single quotes no byte but
    the quote itself means anything to a shell, in any locale; it is written ``'\\''``.
    Raises ValueError for a NUL, which no argument of a program can hold.
    """
    raw = encode(value) if isinstance(value, str) else value
    if b"\0" in raw:
        raise ValueError("a NUL cannot be part of a shell word")
    return b"'" + raw.replace(b"'", b"'\\''") + b"'"


def quote_all(values: Iterable[str | bytes]) -> bytes:
    """*values* as words separated by spaces."""
    return b" ".join(map(quote, values))
