"""Changes on a running fleet: the implementation of :class:`tui.services.changes.ChangesApi`.

What each kind of change looks at and runs is a :class:`Kind` of its own; here is what all share: the host must be up
and known in this run, nothing is started while a concern stands, and what is needed to rebuild is archived before.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from tui.domain.carrying import Cargo
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, acceptable
from tui.domain.environments import Environment, Install
from tui.domain.errors import HostFaultError, RefusedError
from tui.domain.identity import machine_key
from tui.domain.phrases import phrase, plural
from tui.domain.tasks import Task, new_task_id
from tui.domain.text import printable
from tui.ports import Clock
from tui.remote.changes.trash import TrashSeen
from tui.remote.jobs import Job
from tui.services.changes import Told
from tui.services.faults import lost_fault
from tui.services.store import HostView, Store

__all__ = ["Archiver", "ChangeDesk", "Ground", "Kind"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What is known of a host in this run, for a change on it."""

    view: HostView
    installs: tuple[Install, ...]
    environments: tuple[Environment, ...]

    def environment(self, prefix: str) -> Environment | None:
        """The environment at *prefix*."""
        return next((each for each in self.environments if each.prefix == prefix), None)

    def install(self, root: str | None) -> Install | None:
        """The install at *root*."""
        return next((each for each in self.installs if each.root == root), None)


class Kind(Protocol):
    """One kind of change."""

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        """Look at it. Raises HostFaultError."""

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""


Archiver = Callable[[Prepared, str], Awaitable[None]]
"""Keeps what is needed to rebuild the environment of a change, for the task of that id. Raises StorageError,
HostFaultError; nothing is started then."""

_ARCHIVED = frozenset(
    {
        *(ChangeKind.REMOVE, ChangeKind.RENAME, ChangeKind.RECREATE),
        *(ChangeKind.INSTALL, ChangeKind.UPDATE, ChangeKind.UNINSTALL),
    }
)


class ChangeDesk:
    """See :class:`ChangesApi`. *kinds* makes them; *start* starts a job on a host; *operator*: ``ada@laptop``."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        kinds: Callable[[], Mapping[ChangeKind, Kind]],
        start: Callable[[str, Job], Awaitable[Task]],
        operator: str,
        see_trash: Callable[[Ground], Awaitable[TrashSeen]],
        archive: Archiver | None = None,
        carry: Callable[[Cargo, Told | None], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._make_kinds = kinds
        self._start = start
        self._operator = operator
        self._see_trash = see_trash
        self._archive = archive
        self._carry = carry

    @cached_property
    def _kinds(self) -> Mapping[ChangeKind, Kind]:
        """Made when the first change is wanted: who only looks at a fleet does not pay for them."""
        return self._make_kinds()

    async def prepare(self, change: Change) -> Prepared:
        """Look at what *change* would do; see :class:`ChangesApi`."""
        ground = self.ground(change.host)
        prepared = await self._kinds[change.kind].prepare(change, ground)
        shared = self._shared(ground.environment(change.prefix))
        return prepared if shared is None else replace(prepared, concerns=(*prepared.concerns, shared))

    def _shared(self, env: Environment | None) -> Concern | None:
        """That other machines of the fleet see *env* as well: what is done to it is done to theirs."""
        if env is None or env.fs_id is None:
            return None
        own = machine_key(self._store.host(env.host).snapshot.machine.value)
        others = []
        for view in self._store.hosts():
            if view.name == env.host or "environments" in view.stale_parts:
                continue
            key = machine_key(view.snapshot.machine.value)
            seen = any(each.fs_id == env.fs_id for each in view.snapshot.environments.value or ())
            if seen and (own is None or key != own):
                others.append(view.name)
        if not others:
            return None
        text = plural(
            "{n} other host sees this very environment: it changes there, too.",
            "{n} other hosts see this very environment: it changes there, too.",
            len(others),
        )
        return Concern.of(ConcernKind.SHARED, text, others)

    async def trash(self, host: str) -> TrashSeen:
        """What is put aside on *host*; see :class:`ChangesApi`."""
        return await self._see_trash(self.ground(host))

    async def start(self, prepared: Prepared, accepted: Iterable[ConcernKind] = (), told: Told | None = None) -> Task:
        """Begin it as a task; see :class:`ChangesApi`."""
        change = prepared.change
        # Only what was shown can have been accepted.
        agreed = frozenset(accepted) & acceptable(prepared.concerns)
        prepared = replace(prepared, change=replace(change, accepted=agreed))
        if prepared.standing:
            reasons = " ".join(each.text for each in prepared.standing)
            place = f"{change.host}:{printable(change.label)}"
            raise RefusedError(
                phrase("{place} was left alone: {reasons}", place=place, reasons=reasons),
                phrase("Nothing was changed."),
            )
        ground = self.ground(change.host)
        task_id = new_task_id(self._clock.now(), os.urandom(4))
        job = self._kinds[change.kind].job(prepared, ground, task_id, self._operator)
        if self._carry is not None and prepared.cargo is not None:
            await self._carry(prepared.cargo, told)
        if self._archive is not None and change.kind in _ARCHIVED:
            await self._archive(prepared, task_id)
        return await self._start(change.host, job)

    def ground(self, host: str) -> Ground:
        """What is known of *host*, for a change there. Raises HostFaultError where that is old, or nothing is."""
        view = self._store.host(host)
        installs, environments = view.snapshot.installs, view.snapshot.environments
        if view.stale_parts & {"installs", "environments"} or installs.value is None or environments.value is None:
            raise HostFaultError(environments.fault or installs.fault or view.fault or lost_fault(host))
        return Ground(view, installs.value, environments.value)
