"""Answers of scripts, made by hand."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["answer"]


def answer(*items: Sequence[str | bytes | int]) -> bytes:
    """Records in the form of :mod:`tui.remote.wire`: each item is a tag and its fields."""
    out = bytearray()
    for tag, *fields in items:
        assert isinstance(tag, str)
        for word in ("=" + tag, len(fields), *fields):
            out += (word if isinstance(word, bytes) else str(word).encode()) + b"\0"
    return bytes(out)
