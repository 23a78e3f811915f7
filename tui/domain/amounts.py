"""Bytes and moments in the sentences of the lower layers, alike everywhere. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["bytes_text", "moment_text"]


def bytes_text(count: int) -> str:
    """``30.0 MiB``: one figure behind the point."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def moment_text(when: float) -> str:
    """``2026-11-21 16:02 UTC``; a question mark for what no calendar holds."""
    try:
        return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "?"
