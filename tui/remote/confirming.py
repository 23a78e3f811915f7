"""Asking the tools of a host's installs for their directories, while nobody waits for it."""

from __future__ import annotations

import asyncio

from tui.domain.errors import HostFaultError
from tui.ports import Connection
from tui.remote.lane import Lane
from tui.remote.probe_types import InventoryReader

__all__ = ["Confirming"]


class Confirming:
    """Starts conda in a shell of its own over one connection, at most one at a time, and closes that shell again.

    conda needs half a second and more, and may hang: nothing else is asked in that shell. What was learnt, or that
    there is nothing to learn, the inventory remembers; what was cut short is asked again over a later connection.
    """

    def __init__(self, connection: Connection, inventory: InventoryReader, host: str, timeout: float) -> None:
        self._connection = connection
        self._inventory = inventory
        self._host = host
        self._timeout = timeout
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Ask in the background, if there is an install left to ask and it is not under way."""
        if self._inventory.unconfirmed and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._ask(), name=f"confirm directories of {self._host}")

    async def close(self) -> None:
        """Stop at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask(self) -> None:
        try:
            lane = await Lane.open(self._connection, timeout=self._timeout, name=self._host)
        except HostFaultError:
            return  # no channel to spare, or the connection is gone: everybody else notices that, too
        try:
            await self._inventory.confirm_dirs(lane)
        except HostFaultError:
            pass  # the directories stay as they were found without the tool
        finally:
            lane.close()
