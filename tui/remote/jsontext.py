"""JSON that a host's files hold: read without believing any of it."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["read_json", "read_object"]

_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of characters, which JSON can name and no file name or terminal can hold. The rest are bytes."""


def read_json(text: str) -> Any:
    """The value that *text* spells, its strings raw text in the sense of :mod:`tui.domain.text`; None for nonsense."""
    try:
        return _whole(json.loads(text))
    except (ValueError, RecursionError):
        return None


def read_object(raw: bytes) -> dict[str, Any]:
    """The object that *raw* spells, in ASCII as we write it ourselves; an empty one for anything else."""
    try:
        values = json.loads(raw.decode("ascii", "replace"))
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _HALVES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(each) for key, each in value.items()}
    return value
