"""Asking a host how much is free, once everything is written: before and after something is removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.tasks import is_task_id
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import WireError, records

__all__ = ["FreeSpace", "ask_free"]


@dataclass(frozen=True, slots=True)
class FreeSpace:
    """What is free on one file system: blocks that root could write, too."""

    bytes: int
    inodes: int
    own: int = 0
    """What the folders of tasks take there: their programs, logs and words."""


async def ask_free(
    lane: Lane, places: Sequence[str], tasks: Sequence[str] = (), *, timeout: float
) -> dict[str, FreeSpace]:
    """By directory; what does not tell is left out. A busy file system takes long to write. Raises HostFaultError."""
    ids = ("--", *filter(is_task_id, tasks)) if tasks else ()
    body = await lane.ask(script("free_space"), [*places, *ids], timeout=timeout)
    found: dict[str, FreeSpace] = {}
    try:
        for record in records(body):
            place, size, inodes = record.text(0), record.integer(1), record.integer(2)
            if (
                record.tag == "free"
                and place is not None
                and place in places
                and size is not None
                and inodes is not None
            ):
                found[place] = FreeSpace(size, inodes, record.integer(3) or 0)
    except WireError:
        return {}
    return found
