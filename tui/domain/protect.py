"""What ``protect:`` keeps from every change."""

from __future__ import annotations

from collections.abc import Iterable

from tui.domain.globs import Glob

__all__ = ["is_protected"]


def is_protected(host: str, name: str | None, prefix: str, patterns: Iterable[str]) -> bool:
    """Whether one of *patterns* covers the environment, by its name or by its prefix.

    A pattern is ``HOST:NAME`` or ``HOST:/prefix``, globs in both parts, split at the first ``:``; a ``*``
    also covers slashes, so ``*:/data/*`` protects all that lies below. A pattern that also spells the name
    literally protects it (``*:env[cu118]``): in doubt, more is protected.
    """
    for pattern in patterns:
        host_part, colon, rest = pattern.partition(":")
        if not colon or not Glob(host_part).matches(host):
            continue
        glob = Glob(rest)
        if (name is not None and glob.matches(name)) or glob.matches(prefix):
            return True
    return False
