"""The one mutable thing: what is known of every host, right now."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tui.domain.diskcount import DiskCount
from tui.domain.disksizes import carried_sizes, with_sizes
from tui.domain.environments import DiskSize, Environment
from tui.domain.faults import Fault
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec, HostState
from tui.domain.sessions import Session
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.tasks import HostTasks, Task
from tui.ports import ConnectionFacts
from tui.services.events import Bus, HostChanged, HostLogged, SnapshotChanged, TasksChanged

__all__ = ["DiskCount", "HostView", "Store"]

LOG_LINES = 500


@dataclass(frozen=True, slots=True)
class HostView:
    """What front ends see of a host; a new value at each change."""

    spec: HostSpec
    state: HostState
    snapshot: HostSnapshot
    fault: Fault | None = None
    """Why the host is not up; carries the time of the next try."""
    facts: ConnectionFacts = field(default_factory=ConnectionFacts)
    busy: frozenset[str] = frozenset()
    """Parts that are being asked for at this moment."""
    stale_parts: frozenset[str] = frozenset()
    """Parts whose value was read from the operator's disk and not renewed since: never a ground for a change."""
    disk: DiskCount | None = None
    """The last disk table; None until one was counted. Sizes of earlier runs are in the environments alone."""
    tasks: HostTasks | None = None
    """None as long as nobody looked."""

    @property
    def kept(self) -> bool:
        """True when all that is known was read from the operator's disk: nothing arrived since the start."""
        known = {name for name, part in self.snapshot.parts().items() if part.time is not None}
        return bool(known) and known <= self.stale_parts

    @property
    def name(self) -> str:
        """The host's name in the fleet."""
        return self.spec.name


class Store:
    """Holds one :class:`HostView` for each host, in the order of the configuration; publishes each change."""

    def __init__(self, hosts: Iterable[HostSpec], bus: Bus) -> None:
        self.bus = bus
        self._views = {spec.name: HostView(spec, HostState.IDLE, HostSnapshot(spec.name)) for spec in hosts}
        self._logs: dict[str, deque[tuple[float, str]]] = {name: deque(maxlen=LOG_LINES) for name in self._views}
        self._joined: dict[str, tuple[Any, ...]] = {}
        self._sized: dict[str, tuple[object, tuple[Environment, ...]]] = {}

    def hosts(self) -> tuple[HostView, ...]:
        """All hosts."""
        return tuple(self._views.values())

    def host(self, name: str) -> HostView:
        """The host called *name*. Raises KeyError."""
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def log(self, name: str) -> tuple[tuple[float, str], ...]:
        """The last lines of a host's connection log: (Unix time, printed text)."""
        return tuple(self._logs[name])

    def environments(self) -> tuple[Environment, ...]:
        """All known environments, host by host; the same object until one of them changes."""
        return self._all("environments")

    def sessions(self) -> tuple[Session, ...]:
        """All known sessions, host by host; the same object until one of them changes."""
        return self._all("sessions")

    def gpus(self) -> tuple[Gpu, ...]:
        """All known GPUs, host by host; the same object until one of them changes."""
        return self._all("gpus")

    def _all(self, part: str) -> tuple[Any, ...]:
        if part not in self._joined:
            self._joined[part] = tuple(
                item for view in self._views.values() for item in getattr(view.snapshot, part).value or ()
            )
        return self._joined[part]

    def add(self, spec: HostSpec) -> None:
        """Take a host into the fleet (or change how it is reached)."""
        known = self._views.get(spec.name)
        self._views[spec.name] = (
            replace(known, spec=spec) if known else HostView(spec, HostState.IDLE, HostSnapshot(spec.name))
        )
        self._logs.setdefault(spec.name, deque(maxlen=LOG_LINES))

    def set_state(
        self, name: str, state: HostState, fault: Fault | None, time: float, facts: ConnectionFacts | None = None
    ) -> None:
        """The connection of a host changed."""
        view = self._views[name]
        facts = facts if facts is not None else view.facts
        # Only what can differ is compared: a snapshot is large.
        if (state, fault, facts) != (view.state, view.fault, view.facts):
            self._views[name] = replace(view, state=state, fault=fault, facts=facts)
            self.bus.publish(HostChanged(name, time))

    def set_busy(self, name: str, parts: frozenset[str]) -> None:
        """Which parts are being asked for; published with the next change only."""
        self._views[name] = replace(self._views[name], busy=parts)

    def set_parts(self, name: str, parts: Mapping[str, Part[Any]], time: float, *, stale: bool = False) -> None:
        """Parts of a host's snapshot arrived, or with *stale* were read from the operator's disk.

        What was read from disk fills only parts that nothing arrived for, and a part stays stale until
        its value is renewed. The snapshot is ``stale`` while any of its parts is. Environments keep the
        sizes that they have here, for an inventory brings none.
        """
        view = self._views[name]
        known = view.snapshot
        if stale:
            parts = {
                key: part for key, part in parts.items() if getattr(known, key).time is None and part.time is not None
            }
        if not parts:
            return
        parts = self._with_known_sizes(name, parts)
        if stale:
            stale_parts = view.stale_parts | parts.keys()
        else:
            renewed = {key for key, part in parts.items() if part.time != getattr(known, key).time}
            stale_parts = view.stale_parts - renewed
        snapshot = replace(known, stale=bool(stale_parts), **parts)  # type: ignore[arg-type]  # names come from PARTS
        self._views[name] = replace(view, snapshot=snapshot, stale_parts=stale_parts)
        for key in parts:
            if getattr(known, key).value is not parts[key].value:
                self._joined.pop(key, None)
        self.bus.publish(SnapshotChanged(name, time, frozenset(parts)))

    def set_disk(self, name: str, count: DiskCount, sizes: Mapping[str, DiskSize]) -> None:
        """The disk of a host was counted: *sizes* by prefix replace all that its environments had."""
        view = self._views[name]
        part = view.snapshot.environments
        self._views[name] = view = replace(view, disk=count)
        if part.value is not None:
            raw, known = self._sized.get(name, (part.value, part.value))
            sized = with_sizes(part.value, sizes)
            self._sized[name] = (raw if known is part.value else part.value, sized)
            snapshot = replace(view.snapshot, environments=Part(sized, part.time, part.fault))
            self._views[name] = replace(view, snapshot=snapshot)
            self._joined.pop("environments", None)
        self.bus.publish(SnapshotChanged(name, count.time, frozenset({"environments"})))

    def set_count(self, name: str, count: DiskCount) -> None:
        """The last count of a host holds still: its sizes are as they were."""
        self._views[name] = replace(self._views[name], disk=count)
        self.bus.publish(SnapshotChanged(name, count.unchanged or count.time, frozenset({"environments"})))

    def _with_known_sizes(self, name: str, parts: Mapping[str, Part[Any]]) -> Mapping[str, Part[Any]]:
        """*parts* with sizes; an unchanged list stays the very same, so that nothing is computed anew for it."""
        part, known = parts.get("environments"), self._views[name].snapshot.environments.value
        if part is None or part.value is None or part.value is known:
            return parts
        raw, sized = self._sized.get(name, (None, ()))
        if raw is not part.value or sized is not known:
            sized = carried_sizes(part.value, known)
            self._sized[name] = (part.value, sized)
        return {**parts, "environments": Part(sized, part.time, part.fault)}

    def set_tasks(self, name: str, tasks: HostTasks, time: float) -> None:
        """The tasks of a host were looked at, or could not be. Told where they, or the fault, are not as before."""
        view = self._views[name]
        known = view.tasks
        self._views[name] = replace(view, tasks=tasks)
        if known is None or (known.tasks, known.fault) != (tasks.tasks, tasks.fault):
            self.bus.publish(TasksChanged(name, time))

    def tasks(self) -> tuple[Task, ...]:
        """All known tasks, host by host."""
        return tuple(task for view in self._views.values() if view.tasks for task in view.tasks.tasks)

    def write_log(self, name: str, text: str, time: float) -> None:
        """Add a line to a host's connection log."""
        self._logs[name].append((time, text))
        self.bus.publish(HostLogged(name, time, text))
