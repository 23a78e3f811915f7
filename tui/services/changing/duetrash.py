"""What was put aside for a while, and whose time has come: freed by the first client that sees it, once for each host.

The host looks at its own clock again inside the task, and leaves what is not due.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable

from tui.domain.changes import Change, ChangeKind
from tui.domain.errors import HostFaultError
from tui.domain.tasks import Task, new_task_id
from tui.domain.trash import due
from tui.remote.changes.trash import purge_job
from tui.remote.jobs import Job
from tui.services.changedesk import Ground
from tui.services.changing.common import World, played
from tui.services.changing.removing import see_trash

__all__ = ["purge_due"]

LOG = logging.getLogger(__name__)


async def purge_due(
    world: World,
    host: str,
    ground: Callable[[str], Ground],
    start: Callable[[str, Job], Awaitable[Task]],
    operator: str,
) -> Task | None:
    """Begin to free what is due on a host; None when nothing is. What fails is in the log: it is due the next time."""
    try:
        known = ground(host)
        seen = await see_trash(world, known)
        ripe = due(seen.asides, seen.now)
        if not ripe:
            return None
        first = ripe[0].prefix or ripe[0].path
        change = Change(ChangeKind.PURGE, host, first)
        task_id = new_task_id(world.clock.now(), os.urandom(4))
        job = purge_job(change, ripe, task_id=task_id, operator=operator, only_due=True, played=played(known))
        return await start(host, job)
    except HostFaultError as error:
        LOG.info("what is due on %s was not freed: %s", host, error.message)
        return None
