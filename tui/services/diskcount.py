"""Counting a host's disk when somebody wants it: one count at a time for each host, over what is there now."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from tui.domain.diskplaces import disk_places
from tui.domain.disksizes import environment_sizes
from tui.domain.environments import EnvKind
from tui.domain.errors import HostFaultError
from tui.ports import Clock
from tui.services.faults import lost_fault
from tui.services.schedule import Ask
from tui.services.store import DiskCount, Store
from tui.services.watcher import HostWatcher

__all__ = ["DiskCounter"]


class DiskCounter:
    """Counts, and leaves the table and the sizes in *store*; *keep* is told of a host whose sizes are worth keeping."""

    def __init__(self, store: Store, clock: Clock, keep: Callable[[str], None]) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def count(self, watcher: HostWatcher, progress: Callable[[int], None] | None) -> DiskCount:
        """See :meth:`FleetApi.disk`. Raises HostFaultError; what was known before then stays."""
        host = watcher.name
        async with self._turns[host]:
            await watcher.renewed(Ask.INVENTORY)
            view = self._store.host(host)
            installs, environments = view.snapshot.installs, view.snapshot.environments
            if view.stale_parts & {"installs", "environments"} or environments.value is None:
                raise HostFaultError(environments.fault or installs.fault or lost_fault(host))
            places = disk_places(installs.value or (), environments.value)
            bases = frozenset(env.prefix for env in environments.value if env.kind is EnvKind.BASE)
            _, probe = await watcher.reached()
            table = await probe.disk(places, progress)
            now = self._clock.now()
            # Off the loop: each size goes through the whole table.
            sizes = await asyncio.to_thread(environment_sizes, table, now, bases)
            count = DiskCount(table, now)
            self._store.set_disk(host, count, sizes)
            self._keep(host)
            return count
