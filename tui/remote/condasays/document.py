"""The JSON among what conda and micromamba print. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["MOST_JSON", "document", "strings", "text_of", "whole_number"]

MOST_JSON = 16 << 20
_MOST_STARTS = 64
_START = re.compile(r"[{\[]")
_DECODER = json.JSONDecoder()


def document(text: str) -> Mapping[str, Any] | None:
    """The last JSON object of *text*; None where there is none.

    Before it may stand a prompt or objects of progress (older condas), behind it messages: micromamba asks on the
    same stream, and on a terminal all streams are one.
    """
    if len(text) > MOST_JSON:
        return None
    found: Mapping[str, Any] | None = None
    at = 0
    for _ in range(_MOST_STARTS):
        start = _START.search(text, at)
        if start is None:
            break
        try:
            value, at = _DECODER.raw_decode(text, start.start())
        except json.JSONDecodeError as error:
            at = max(start.end(), error.pos)  # going on where it broke keeps this linear
            continue
        except (ValueError, RecursionError):
            at = start.end()
            continue
        if isinstance(value, dict):
            found = value
    return found


def text_of(value: object) -> str | None:
    """*value* where it is a text that says something."""
    return value if isinstance(value, str) and value else None


def whole_number(value: object) -> int | None:
    """*value* where it is a count or a size."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def strings(value: object) -> tuple[str, ...]:
    """The texts of a list; nothing for anything else."""
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
