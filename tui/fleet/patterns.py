"""The lists of patterns that ssh_config(5) and known_hosts have in common. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

__all__ = ["matches"]


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of *patterns* holds for *name*, and none that begins with ``!`` does.

    OpenSSH knows ``*`` and ``?`` alone: brackets stand for themselves, as in ``[host]:port``.
    """
    matched = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if _holds(name, pattern[1:]):
                return False
        elif _holds(name, pattern):
            matched = True
    return matched


def _holds(name: str, pattern: str) -> bool:
    # Most are plain names, and there is one for each host of a fleet.
    if "*" not in pattern and "?" not in pattern:
        return name == pattern
    return fnmatchcase(name, pattern.replace("[", "[[]"))
