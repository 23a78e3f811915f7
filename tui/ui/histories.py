"""The histories of environments that the person looked at, read from their hosts one by one and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tui.domain.environments import Environment
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault
from tui.domain.history import History
from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi

__all__ = ["Histories", "Read"]

KEPT = 50

Launch = Callable[[Callable[[], Coroutine[Any, Any, None]], str], object]


@dataclass(frozen=True, slots=True)
class Read:
    """What came of reading a history."""

    history: History | None = None
    """As it was when it was last read; None while that never worked."""
    fault: Fault | None = None
    """Why it could not be read the last time."""
    under_way: bool = False


class Histories:
    """*launch* runs what takes time, *changed* is called when there is something new to show."""

    def __init__(self, fleet: FleetApi, launch: Launch, changed: Callable[[], None]) -> None:
        self._fleet = fleet
        self._launch = launch
        self._changed = changed
        self._kept: OrderedDict[tuple[str, str], tuple[float | None, Read]] = OrderedDict()

    def get(self, env: Environment) -> Read | None:
        """What is known of *env*'s history; None when nobody asked, or it was changed since."""
        modified, read = self._kept.get((env.host, env.prefix), (None, None))
        return read if read is not None and (modified == env.modified or read.under_way) else None

    def want(self, env: Environment, *, again: bool = False) -> None:
        """Read the history of *env* unless it is known as it is now, or being read; with *again*, also when it is."""
        key = (env.host, env.prefix)
        modified, read = self._kept.get(key, (None, Read()))
        known = read.history is not None and modified == env.modified
        if read.under_way or (known and not again):
            return
        self._keep(key, env.modified, replace(read, under_way=True))
        self._launch(partial(self._read, key, env.modified), phrase("read a history"))
        self._changed()

    async def _read(self, key: tuple[str, str], modified: float | None) -> None:
        read = Read()
        try:
            read = Read(await self._fleet.history(*key))
        except HostFaultError as error:
            _, before = self._kept.get(key, (None, Read()))
            read = Read(before.history, error.fault)
        finally:
            self._keep(key, modified, read)
        self._changed()

    def _keep(self, key: tuple[str, str], modified: float | None, read: Read) -> None:
        self._kept[key] = (modified, read)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
