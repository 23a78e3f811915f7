"""What services publish: plain values. Subscribers are called in the event loop and must be quick."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Bus", "Event", "HostChanged", "HostLogged", "HostNoticed", "SnapshotChanged", "TasksChanged"]


@dataclass(frozen=True, slots=True)
class HostChanged:
    """Connection state, fault or facts of a host changed."""

    host: str
    time: float


@dataclass(frozen=True, slots=True)
class SnapshotChanged:
    """Parts of a host's snapshot were renewed, failed or changed."""

    host: str
    time: float
    parts: frozenset[str]
    """Names from :data:`tui.domain.snapshot.PARTS`."""


@dataclass(frozen=True, slots=True)
class HostLogged:
    """A line for a host's connection log, in printed form, without secrets."""

    host: str
    time: float
    text: str


@dataclass(frozen=True, slots=True)
class HostNoticed:
    """Something of a host that a person should read though nothing failed; it is in the connection log, too."""

    host: str
    time: float
    text: str
    """Printed form."""


@dataclass(frozen=True, slots=True)
class TasksChanged:
    """A host's tasks were looked at and are not as they were, or could not be looked at."""

    host: str
    time: float


LOG = logging.getLogger(__name__)

Event = HostChanged | SnapshotChanged | HostLogged | HostNoticed | TasksChanged


class Bus:
    """Hands every event to every subscriber, in order of subscription."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call *callback* with each event from now on, until the returned function is called."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Tell everybody. A subscriber that raises is logged and does not keep the event from the others."""
        for callback in tuple(self._subscribers):
            try:
                callback(event)
            except Exception:  # whatever a front end does wrong, the watching of hosts goes on
                LOG.exception("a subscriber failed at %s", event)
