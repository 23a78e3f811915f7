"""What front ends ask for when something is to be changed: looked at first, then started as a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from tui.domain.carrying import Carried
from tui.domain.changes import Change, ConcernKind, Prepared
from tui.domain.tasks import Task
from tui.remote.changes.trash import TrashSeen

__all__ = ["ChangesApi", "Told"]

Told = Callable[[Carried], None]
"""Hears how far the carrying of packages is: often, and quickly."""


class ChangesApi(Protocol):
    """Changes on the hosts of a running fleet. All methods belong to the event loop."""

    async def prepare(self, change: Change) -> Prepared:
        """Look at what *change* would do, at this moment, on its host: nothing is changed by it.

        Installs and environments must have been read in this run; they are the ground, and the host is asked beside.
        Raises HostFaultError: the host is not up, or what is to be changed could not be looked at; UsageError: a word
        that no tool takes; CondafleetError: the tool's own dry run proves that it would fail.
        """

    async def trash(self, host: str) -> TrashSeen:
        """What is put aside on *host* now. Installs and environments must be known. Raises HostFaultError."""

    async def start(self, prepared: Prepared, accepted: Iterable[ConcernKind] = (), told: Told | None = None) -> Task:
        """Begin it as a task on the host; it then goes on whatever becomes of this program.

        What is to be carried to the host goes before, and may take as long as that takes: *told* hears how far it is.
        Cancelled meanwhile, nothing is started, and what has arrived waits there for the next time.
        *accepted*: the concerns of severity NAME that the person accepted by typing the name. What is needed to
        rebuild is archived first. Raises RefusedError while something stands against it, StorageError when nothing
        could be archived, HostFaultError; nothing was changed then, except after a connection was lost: the task may
        run, and is seen in the host's tasks.
        """
