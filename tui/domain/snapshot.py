"""What a probe returned, part by part, each with its time and its fault. Immutable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from tui.domain.environments import Environment, Install
from tui.domain.faults import Fault
from tui.domain.gpus import Gpu
from tui.domain.machine import Load, Machine, Mount
from tui.domain.sessions import Session

__all__ = ["PARTS", "HostSnapshot", "Part"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One part of a snapshot.

    ``value`` None means unknown, never "none there". A part may carry both a value and a fault:
    an old value whose renewal failed, or a list in which something is missing.
    """

    value: T | None = None
    time: float | None = None
    """Unix time, operator's clock, at which the value arrived."""
    fault: Fault | None = None

    def failed(self, fault: Fault) -> Part[T]:
        """The same value, still with its old time, and why it could not be renewed."""
        return Part(self.value, self.time, fault)


@dataclass(frozen=True, slots=True)
class HostSnapshot:
    """Everything known of one host."""

    host: str
    machine: Part[Machine] = Part()
    load: Part[Load] = Part()
    mounts: Part[tuple[Mount, ...]] = Part()
    installs: Part[tuple[Install, ...]] = Part()
    environments: Part[tuple[Environment, ...]] = Part()
    gpus: Part[tuple[Gpu, ...]] = Part()
    sessions: Part[tuple[Session, ...]] = Part()
    stale: bool = False
    """True for a snapshot that was read from the operator's disk: never a ground for a change."""

    @property
    def time(self) -> float | None:
        """When the newest part arrived; None when nothing ever did."""
        times = [part.time for part in self.parts().values() if part.time is not None]
        return max(times, default=None)

    def parts(self) -> dict[str, Part[object]]:
        """The parts by name, in a fixed order."""
        return {name: getattr(self, name) for name in PARTS}

    def faults(self) -> tuple[tuple[str, Fault], ...]:
        """(part, fault) for each part that has one."""
        return tuple((name, part.fault) for name, part in self.parts().items() if part.fault is not None)


PARTS = ("machine", "load", "mounts", "installs", "environments", "gpus", "sessions")
