"""When what is asked again: pure. What a person looks at comes first and often, the rest less often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.settings import Intervals, Limits
from tui.domain.snapshot import PARTS

__all__ = ["HIDDEN_FIRST_S", "PARTS_OF", "Ask", "Sight", "asks_for", "interval", "limit"]

HIDDEN_FIRST_S = 3.0
"""How long a host's first questions about what nobody looks at let the others go ahead, in seconds."""


class Ask(StrEnum):
    """The questions that are put to a host, each on its own, so that a hung one holds up no other."""

    STATUS = "status"
    MOUNTS = "mounts"
    GPUS = "gpus"
    INVENTORY = "inventory"


PARTS_OF = {
    Ask.STATUS: frozenset({"machine", "load", "sessions"}),
    Ask.MOUNTS: frozenset({"mounts"}),
    Ask.GPUS: frozenset({"gpus"}),
    Ask.INVENTORY: frozenset({"installs", "environments"}),
}
"""The parts of a snapshot that each question renews; together they are all parts."""

# Disks fill slowly and df is dear where many are mounted: every third status.
_MOUNTS_PER_STATUS = 3
_HIDDEN_FACTOR = {Ask.STATUS: 3, Ask.MOUNTS: 6, Ask.GPUS: 6, Ask.INVENTORY: 2}
# The probe limits each command itself. These are the outer limits, for a probe that does not answer at all.
_LIMIT_FACTOR = {Ask.STATUS: 2, Ask.MOUNTS: 2, Ask.GPUS: 2, Ask.INVENTORY: 10}


def asks_for(parts: Iterable[str]) -> frozenset[Ask]:
    """The questions that together renew *parts*. Raises KeyError for a name that is not in PARTS."""
    wanted = frozenset(parts)
    if unknown := wanted - frozenset(PARTS):
        raise KeyError(f"no such part of a snapshot: {', '.join(sorted(unknown))}")
    return frozenset(ask for ask, renewed in PARTS_OF.items() if renewed & wanted)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a person looks at. The default is everything: nobody said yet."""

    hosts: frozenset[str] | None = None
    parts: frozenset[str] = frozenset(PARTS)

    def sees(self, host: str, ask: Ask) -> bool:
        """Whether *ask* renews something in sight. Every screen shows how a host is: its status counts always."""
        if self.hosts is not None and host not in self.hosts:
            return False
        return ask is Ask.STATUS or bool(PARTS_OF[ask] & self.parts)


def interval(ask: Ask, intervals: Intervals, seen: bool) -> float:
    """Seconds from the beginning of one question to that of the next."""
    base = {
        Ask.STATUS: intervals.status,
        Ask.MOUNTS: intervals.status * _MOUNTS_PER_STATUS,
        Ask.GPUS: intervals.gpus,
        Ask.INVENTORY: intervals.inventory,
    }[ask]
    return base if seen else base * _HIDDEN_FACTOR[ask]


def limit(ask: Ask, limits: Limits) -> float:
    """Seconds after which a question is given up although the probe says nothing."""
    return limits.command * _LIMIT_FACTOR[ask]
