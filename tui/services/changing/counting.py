"""What an environment holds now, right before somebody is asked whether it may go."""

from __future__ import annotations

import asyncio

from tui.domain.changes import Change
from tui.domain.diskplaces import DiskPlace, PlaceKind
from tui.domain.disksizes import environment_sizes
from tui.domain.disktable import DiskTable
from tui.domain.environments import DiskSize
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.phrases import phrase
from tui.remote.disk import ask_disk
from tui.remote.lane import Lane
from tui.services.changing.common import World

__all__ = ["LIMIT_S", "counted_now"]

COUNT = "sizes"
LIMIT_S = 20.0
"""So long somebody waits for it; a hundred thousand files that nobody read for a while take less."""
FRESH_S = 30.0
"""A size of this age is as good: a plan counts the whole host right before."""


async def counted_now(world: World, change: Change, known: DiskSize | None) -> tuple[DiskSize | None, str]:
    """The size of what *change* removes, and why it could not be counted: then the size is *known*, with its own time.

    A scan of this environment alone is exact: of a file whose links were not all seen in it nothing comes free.
    """
    if known is not None and world.clock.now() - known.time < FRESH_S:
        return known, ""
    place = DiskPlace(PlaceKind.ENVIRONMENT, change.prefix)

    async def ask(lane: Lane) -> DiskTable:
        return await ask_disk(lane, (place,), change.host, timeout=LIMIT_S)

    try:
        async with asyncio.timeout(LIMIT_S):
            table = await world.put(change.host, COUNT, ask)
    except TimeoutError:
        return known, phrase("not counted in time")
    except HostFaultError as error:
        late = error.fault.kind in (FaultKind.TIMEOUT, FaultKind.TOOL_HUNG)
        return known, phrase("not counted in time") if late else error.fault.message
    size = environment_sizes(table, world.clock.now()).get(change.prefix)
    return (size, "") if size is not None else (known, phrase("it could not be counted now"))
