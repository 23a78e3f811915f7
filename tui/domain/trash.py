"""What was put aside instead of being removed at once, and what interrupted removals left. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Aside", "AsideState", "due", "find_aside"]


class AsideState(StrEnum):
    """What lies there."""

    KEPT = "kept"
    """An environment that can come back."""
    LEFT = "left"
    """The rest of a removal that was interrupted: it can only be removed."""


@dataclass(frozen=True, slots=True)
class Aside:
    """One environment that was taken out of sight. Strings are raw text; unknown is None."""

    id: str
    """Of the task that put it there; one id for each."""
    host: str
    path: str
    """The folder that it lies in, on the same file system as the prefix."""
    state: AsideState
    mine: bool
    """Whether the account that looked can restore and purge it: who put it there, and root as that account."""
    prefix: str | None = None
    """Where it was."""
    since: float | None = None
    """Unix time, host's clock."""
    until: float | None = None
    """So long it is kept, host's clock; then the next client purges it."""
    operator: str | None = None
    bytes: int | None = None
    """What its purge gives back: blocks of files that have no link elsewhere."""
    listed: bool = False
    """Whether the account's environments.txt named it."""

    @property
    def restorable(self) -> bool:
        """True when it can come back."""
        return self.mine and self.state is AsideState.KEPT and self.prefix is not None

    def age_s(self, now: float) -> float | None:
        """Seconds since it was put aside, by the host's clock."""
        return None if self.since is None else max(0.0, now - self.since)


def due(asides: Iterable[Aside], now: float) -> tuple[Aside, ...]:
    """Those whose time has come, at *now* by the host's clock, and that this account may purge.

    What a removal left is due at once. What says nothing of its time is not.
    """
    return tuple(
        each
        for each in asides
        if each.mine and (each.state is AsideState.LEFT or (each.until is not None and each.until <= now))
    )


def find_aside(asides: Iterable[Aside], word: str) -> tuple[Aside, ...]:
    """Those that *word* names: by their id, or by the prefix or the name that they had; the newest first."""
    found = [
        each
        for each in asides
        if each.id == word or (each.prefix is not None and word in (each.prefix, each.prefix.rpartition("/")[2]))
    ]
    return tuple(sorted(found, key=lambda each: each.id, reverse=True))
