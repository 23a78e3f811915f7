"""The disks of hosts as the screen tells of them: counted when the person wants it, reckoned off the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from tui.domain.diskcount import DiskCount
from tui.domain.diskrows import counted_host
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault
from tui.domain.filters_disk import CountedHost
from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi
from tui.services.store import HostView

__all__ = ["Disks"]

SAY_S = 0.5
"""How often the screen is told how far a count is, at most."""

Launch = Callable[[Callable[[], Coroutine[Any, Any, None]], str], object]


class Disks:
    """*launch* runs what takes time, *changed* is called when there is something new to show."""

    def __init__(self, fleet: FleetApi, launch: Launch, changed: Callable[[], None], now: Callable[[], float]) -> None:
        self._fleet = fleet
        self._launch = launch
        self._changed = changed
        self._now = now
        self._told: dict[str, tuple[tuple[object, ...], CountedHost]] = {}
        self._reckoning: set[str] = set()
        self._said_at = 0.0
        self.counting: dict[str, int] = {}
        """Hosts that are being counted, with the entries looked at so far."""
        self.faults: dict[str, Fault] = {}
        """Why the last count of a host came to nothing."""

    def get(self, view: HostView) -> CountedHost | None:
        """What is told of a host; what became old is still told while it is reckoned anew. None: never counted."""
        count = view.disk
        made_of, told = self._told.get(view.name, ((), None))
        if count is not None and not _same(made_of, _made_of(view, count)) and view.name not in self._reckoning:
            self._reckoning.add(view.name)
            self._launch(partial(self._reckon, view.name), phrase("work out what the disk holds"))
        return told

    def count(self, hosts: Iterable[str]) -> list[str]:
        """Have *hosts* counted; those that are not being counted already."""
        begun = [host for host in hosts if host not in self.counting]
        for host in begun:
            self.counting[host] = 0
            self._launch(partial(self._count, host), phrase("count the disk"))
        if begun:
            self._changed()
        return begun

    async def _count(self, host: str) -> None:
        try:
            await self._fleet.disk(host, partial(self._seen, host))
            self.faults.pop(host, None)
        except HostFaultError as error:
            self.faults[host] = error.fault
        finally:
            self.counting.pop(host, None)
            self._changed()

    def _seen(self, host: str, entries: int) -> None:
        self.counting[host] = entries
        now = time.monotonic()
        if now - self._said_at >= SAY_S:
            self._said_at = now
            self._changed()

    async def _reckon(self, host: str) -> None:
        try:
            view = self._fleet.store.host(host)
            while (count := view.disk) is not None:
                made_of = _made_of(view, count)
                told = await asyncio.to_thread(counted_host, view.snapshot, count, view.spec.groups, self._now())
                self._told[host] = (made_of, told)
                view = self._fleet.store.host(host)
                if view.disk is None or _same(made_of, _made_of(view, view.disk)):
                    return
        finally:
            self._reckoning.discard(host)
            self._changed()


def _made_of(view: HostView, count: DiskCount) -> tuple[object, ...]:
    snapshot = view.snapshot
    return count, snapshot.environments.value, snapshot.installs.value, snapshot.mounts.value


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
