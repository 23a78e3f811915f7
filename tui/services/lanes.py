"""The questions that are put to one host again and again, each in a lane of its own.

A lane asks, stores, waits until it is due, and asks again: so an overlap cannot happen, and a
question that hangs holds up nothing but itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault
from tui.domain.phrases import phrase
from tui.domain.settings import Settings
from tui.domain.snapshot import PARTS, Part
from tui.ports import Clock
from tui.services.faults import asked, internal_fault, silent_fault
from tui.services.probing import ProbeApi, ReadingLike
from tui.services.schedule import HIDDEN_FIRST_S, PARTS_OF, Ask, Sight, interval, limit
from tui.services.store import Store
from tui.services.waiting import within, woken

__all__ = ["HostLanes", "Lane"]

LOG = logging.getLogger(__name__)

MOST_PATIENT = 12.0
"""A part that fails again and again is asked this many times less often, at most."""


class Lane:
    """Where one question stands. Times are the clock's monotonic seconds."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.in_flight = False
        self.finished = 0
        """How many times it was answered or failed, in this run."""
        self.wanted = False
        """Somebody wants it now."""
        self.again = False
        """Somebody wants it once more after the answer under way."""
        self.early_at: float | None = None
        self.asked_at: float | None = None
        self.ended_at = 0.0
        self.failures = 0
        self.wake = asyncio.Event()


class HostLanes:
    """The lanes of one host, over all its connections: what was answered a moment ago is not asked at once again."""

    def __init__(
        self, host: str, settings: Settings, store: Store, clock: Clock, answered: Callable[[Ask], None]
    ) -> None:
        self._host = host
        self._settings = settings
        self._store = store
        self._clock = clock
        self._tell = answered
        self._sight = Sight()
        self._lanes = {ask: Lane(ask) for ask in Ask}
        self._whole: set[str] = set()
        self._status_known = asyncio.Event()
        self._first_turn = 0.0
        self.answered: frozenset[str] = frozenset()
        """Parts that arrived or failed at least once in this run."""

    def __getitem__(self, ask: Ask) -> Lane:
        return self._lanes[ask]

    def begin(self, probe: ProbeApi, sight: Sight) -> list[asyncio.Task[None]]:
        """Ask *probe* from now on; one endless task for each lane, ended by HostFaultError alone."""
        self._sight = sight
        self._status_known = asyncio.Event()
        self._lanes[Ask.STATUS].wanted = True
        return [
            asyncio.create_task(self._run(lane, probe), name=f"{lane.ask} {self._host}")
            for lane in self._lanes.values()
        ]

    def end(self) -> None:
        """The connection is gone: what was under way was not asked."""
        for lane in self._lanes.values():
            if lane.in_flight:
                lane.in_flight = False
                lane.asked_at = None
        self._show_busy()

    def poke(self, asks: Iterable[Ask], *, again: bool) -> None:
        """Somebody wants *asks* now; one under way counts, unless its answer may be too old (*again*)."""
        for ask in asks:
            lane = self._lanes[ask]
            if lane.in_flight:
                lane.again = lane.again or again
            else:
                lane.wanted = True
                lane.wake.set()

    def look(self, sight: Sight) -> None:
        """What is in sight changed: what it was too long ago for is due now."""
        self._sight = sight
        for lane in self._lanes.values():
            lane.wake.set()

    # -- one lane

    async def _run(self, lane: Lane, probe: ProbeApi) -> None:
        if lane.ask is not Ask.STATUS:
            await self._status_known.wait()
        while True:
            await self._due(lane)
            await self._ask(lane, probe)
            if lane.ask is Ask.STATUS and not self._status_known.is_set():
                self._first_turn = self._clock.monotonic()
                self._status_known.set()

    async def _due(self, lane: Lane) -> None:
        while not lane.wanted:
            delay = self._due_at(lane) - self._clock.monotonic()
            if delay <= 0:
                break
            lane.wake.clear()
            await woken(self._clock, delay, lane.wake)

    def _due_at(self, lane: Lane) -> float:
        seen = self._sight.sees(self._host, lane.ask)
        if lane.asked_at is None:
            return self._first_turn if seen else self._first_turn + HIDDEN_FIRST_S
        wait = interval(lane.ask, self._settings.intervals, seen) * min(2.0**lane.failures, MOST_PATIENT)
        # A host that needs longer than the interval to answer is left in peace for a part of it.
        at = max(lane.asked_at + wait, lane.ended_at + wait / 4)
        return at if lane.early_at is None else min(at, lane.early_at)

    async def _ask(self, lane: Lane, probe: ProbeApi) -> None:
        forced, lane.wanted, lane.again, lane.early_at = lane.wanted, False, False, None
        lane.in_flight = True
        lane.asked_at = self._clock.monotonic()
        self._show_busy()
        seconds = limit(lane.ask, self._settings.limits)
        try:
            self._take(lane, await within(self._clock, seconds, self._question(lane.ask, probe, forced)))
            lane.failures = 0
        except TimeoutError as error:
            fault = silent_fault(self._host, lane.ask, seconds, whole_host=lane.ask is Ask.STATUS)
            if lane.ask is Ask.STATUS:  # a host that does not even say how it is is not up
                raise HostFaultError(fault) from error
            self._fail(lane, fault)
        except HostFaultError:
            raise
        except Exception as error:  # a defect in reading one part must not cost the others
            LOG.exception("%s of %s failed", lane.ask, self._host)
            self._fail(
                lane,
                internal_fault(
                    phrase("reading the {question} of {host}", question=asked(lane.ask), host=self._host), error
                ),
            )
        lane.in_flight = False
        lane.ended_at = self._clock.monotonic()
        lane.finished += 1
        lane.wanted = lane.wanted or lane.again
        self.answered |= PARTS_OF[lane.ask]
        self._show_busy()
        self._tell(lane.ask)

    async def _question(self, ask: Ask, probe: ProbeApi, forced: bool) -> ReadingLike:
        if ask is Ask.STATUS:
            return await probe.status()
        if ask is Ask.MOUNTS:
            return await probe.mounts()
        if ask is Ask.GPUS:
            return await probe.gpus(force=forced)
        return await probe.inventory(self._grow)

    # -- answers

    def _take(self, lane: Lane, reading: ReadingLike) -> None:
        now = self._clock.now()
        known = self._store.host(self._host).snapshot
        parts: dict[str, Part[Any]] = {}
        for name, part in reading.parts.items():
            if name not in PARTS:
                LOG.warning("%s of %s brought an unknown part %r", lane.ask, self._host, name)
            elif part.value is None and part.fault is not None:
                parts[name] = getattr(known, name).failed(part.fault)
            else:
                parts[name] = part if part.time is not None else Part(part.value, now, part.fault)
                self._whole.add(name)
        self._store.set_parts(self._host, parts, now)
        if reading.inventory_due:
            self._inventory_due()

    def _grow(self, partial: Mapping[str, Part[Any]]) -> None:
        """Show a list while it grows, but never in place of a whole one, were it an old one."""
        known = self._store.host(self._host)
        parts = {
            name: part
            for name, part in partial.items()
            if name in PARTS and name not in self._whole and name not in known.stale_parts
        }
        self._store.set_parts(self._host, parts, self._clock.now())

    def _fail(self, lane: Lane, fault: Fault) -> None:
        lane.failures += 1
        known = self._store.host(self._host).snapshot
        parts = {name: getattr(known, name).failed(fault) for name in PARTS_OF[lane.ask]}
        self._store.set_parts(self._host, parts, self._clock.now())

    def _inventory_due(self) -> None:
        """Early, yet not in a row: an environment that is being made changes all the time."""
        lane = self._lanes[Ask.INVENTORY]
        if not lane.in_flight and lane.asked_at is not None:
            lane.early_at = lane.ended_at + 2 * self._settings.intervals.status
            lane.wake.set()

    def _show_busy(self) -> None:
        busy = [PARTS_OF[lane.ask] for lane in self._lanes.values() if lane.in_flight]
        self._store.set_busy(self._host, frozenset().union(*busy))
