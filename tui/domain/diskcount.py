"""One count of a host's disk, with what was learnt beside it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.caches import Caches
from tui.domain.cacheusers import CacheUsers
from tui.domain.disktable import DiskTable
from tui.domain.faults import Fault
from tui.domain.trash import Aside

__all__ = ["DiskCount"]


@dataclass(frozen=True, slots=True)
class DiskCount:
    """A host's disk table, counted in this run of the program."""

    table: DiskTable
    time: float
    """Unix time, operator's clock, at which the count ended."""
    users: tuple[CacheUsers, ...] = ()
    """For each package cache whether all its users were seen."""
    caches: Caches | None = None
    """What other tools' caches hold; None when that was not learnt."""
    caches_fault: Fault | None = None
    """Why not."""
    entries: int = 0
    """How many files and directories were looked at."""
    asides: tuple[Aside, ...] = ()
    """What was put aside there, each an owner of its own in the table, by its path."""
    stamp: bytes | None = None
    """Of the places counted, as they were before the count."""
    unchanged: float | None = None
    """When it was last seen that nothing was installed or removed since. Files changed in place are not seen so."""
