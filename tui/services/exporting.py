"""What an environment can be made again from: asked of its host, and kept before something is done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui.domain.archive import ArchiveCause, ArchiveId
from tui.domain.changes import ConcernKind, Prepared
from tui.domain.envrecord import EnvironmentRecord, Unread
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.ports import ArchiveStore
from tui.remote.exports import ask_export
from tui.services.fleet import FleetApi

__all__ = ["KIND", "Archiver", "read_export"]

KIND = "export"
"""The kind of the lane that it is asked over."""
PATIENCE = 4
"""So many times the limit of a command: of a large environment all package records are read."""


async def read_export(fleet: FleetApi, host: str, prefix: str, name: str | None = None) -> EnvironmentRecord:
    """What the files of the environment at *prefix* tell now; *name*: what it is called.

    The record may hold secrets: see :mod:`tui.domain.envrecord`. Raises HostFaultError as
    :func:`tui.remote.exports.ask_export`, and when the host is not up.
    """
    limit = PATIENCE * fleet.settings.limits.command
    return await fleet.put_question(host, KIND, lambda lane: ask_export(lane, host, prefix, timeout=limit, name=name))


class Archiver:
    """Keeps what is needed to make an environment again, just before it goes or is changed.

    *told* gets a sentence when an archive that is not old went to make room for it.
    """

    def __init__(
        self, fleet: FleetApi, store: ArchiveStore, operator: str, told: Callable[[str], None] | None = None
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._operator = operator
        self._told = told

    async def __call__(self, prepared: Prepared, task_id: str) -> None:
        """Archive the environment of *prepared* for the task *task_id*; see :meth:`keep`."""
        await self.keep(prepared, task_id)

    async def keep(self, prepared: Prepared, task_id: str) -> ArchiveId:
        """As a call, with the archive's id. Raises StorageError, HostFaultError: then nothing is to be changed.

        Of an environment that is known to be incomplete, and goes all the same because its name was typed, there is
        nothing that could be read: that is kept, too.
        """
        change = prepared.change
        try:
            record = await read_export(self._fleet, change.host, change.prefix, change.name)
        except HostFaultError as error:
            if error.fault.kind is not FaultKind.INCOMPLETE or ConcernKind.INCOMPLETE not in change.accepted:
                raise
            record = EnvironmentRecord(change.host, change.prefix, change.name, unread=(Unread.PACKAGES,))
        cause = ArchiveCause(change.kind.value, self._operator, task_id, change.install)
        # Off the loop: it is written through to the disk.
        return await asyncio.to_thread(self._store.save, record, cause, told=self._told)
