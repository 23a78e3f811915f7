"""The only way from the services' events to the screen: many events, few repaints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tui.services.events import Bus, Event, HostLogged, HostNoticed, SnapshotChanged

__all__ = ["PERIOD_S", "Bridge", "Changes"]

PERIOD_S = 0.1
"""A screen is renewed at most ten times a second, however many hosts speak."""

SOON_S = 0.001
"""Textual's timers divide by their interval when the loop is late: 0 would end the app."""


@dataclass(slots=True)
class Changes:
    """What happened since the last time: hosts by name."""

    hosts: set[str] = field(default_factory=set)
    """Their state or a part of their snapshot changed."""
    parts: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)
    """Their connection log grew."""
    notices: list[HostNoticed] = field(default_factory=list)
    """What a person should read now, in its order."""

    def __bool__(self) -> bool:
        return bool(self.hosts or self.logged or self.notices)

    def add(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, HostLogged):
            self.logged.add(event.host)
            return
        if isinstance(event, HostNoticed):
            self.notices.append(event)
            return
        self.hosts.add(event.host)
        if isinstance(event, SnapshotChanged):
            self.parts |= event.parts


class Bridge:
    """Collects events and hands them to *deliver*, at once after a quiet time and else every 100 ms.

    *later(seconds, callback)* is the app's timer. While :meth:`hold` holds, nothing is delivered and nothing lost.
    """

    def __init__(
        self,
        bus: Bus,
        deliver: Callable[[Changes], None],
        later: Callable[[float, Callable[[], None]], object],
        monotonic: Callable[[], float],
    ) -> None:
        self._deliver = deliver
        self._later = later
        self._monotonic = monotonic
        self._changes = Changes()
        self._scheduled = False
        self._held = False
        self._last = float("-inf")
        self._unsubscribe = bus.subscribe(self._receive)

    def close(self) -> None:
        """Hear no more."""
        self._unsubscribe()
        self._held = True

    def hold(self) -> None:
        """Deliver nothing until :meth:`release`: somebody else has the terminal."""
        self._held = True

    def release(self) -> None:
        """Deliver again, what came meanwhile first."""
        self._held = False
        self._schedule()

    def _receive(self, event: Event) -> None:
        self._changes.add(event)
        self._schedule()

    def _schedule(self) -> None:
        if self._scheduled or self._held or not self._changes:
            return
        self._scheduled = True
        self._later(max(SOON_S, self._last + PERIOD_S - self._monotonic()), self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._held or not self._changes:
            return
        changes, self._changes = self._changes, Changes()
        self._last = self._monotonic()
        self._deliver(changes)
