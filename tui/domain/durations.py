"""Durations as people write them: ``5s``, ``5m``, ``10m30s``, ``2h``, ``1d``, and a plain ``0``."""

from __future__ import annotations

import re

__all__ = ["DURATION_FORM", "parse_duration"]

DURATION_FORM = "a duration such as 5s, 10m30s, 2h or 1d"

_DURATION = re.compile(r"(?=[0-9])(?:([0-9]{1,6})d)?(?:([0-9]{1,8})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,10})s)?", re.ASCII)
_SECONDS = (86400, 3600, 60, 1)


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError, whose text says what was expected, for anything else."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"expected {DURATION_FORM}")
    return float(sum(int(count) * unit for count, unit in zip(match.groups(), _SECONDS, strict=True) if count))
