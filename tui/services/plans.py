"""Plans and cleaning on a running fleet: counted and looked at, then run on all hosts side by side.

Nothing is believed that is old: a plan is counted again right before it runs, and what changed since it was made is
refused. Environments go first, each as a task with its own guards, then the caches of the host in one task, for
packages come free by environments that go. What came free is asked of the file systems themselves.
"""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, acceptable, standing
from tui.domain.diskcount import DiskCount
from tui.domain.diskrows import host_tables
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.planitems import ENVIRONMENTS, HostTables, Item, ItemKind
from tui.domain.planreport import HostReport, MountActual, PlanReport, Removed
from tui.domain.plans import Changed, HostOutlook, Outlook, Plan, outlook, recheck
from tui.domain.targets import install_of
from tui.domain.tasks import Task, TaskState, new_task_id
from tui.domain.text import printable
from tui.ports import Clock
from tui.remote.changes.clean import CleanSaid, ask_clean, clean_job, read_said
from tui.remote.freespace import FreeSpace, ask_free
from tui.remote.lane import Lane
from tui.services.changes import ChangesApi
from tui.services.cleanings import clean_request, concern_of, kept_note
from tui.services.planlooks import with_looks
from tui.services.store import Store
from tui.services.tasks import TasksApi

__all__ = ["PlanDesk", "PlanFleet", "ReadyPlan"]

T = TypeVar("T")
LOOK_S = 1800.0
FREE_S = 600.0
Key = tuple[str, ItemKind, str]


class PlanFleet(Protocol):
    """What is needed of :class:`tui.services.fleet.FleetApi`."""

    store: Store

    @property
    def changes(self) -> ChangesApi:
        """Removals of environments."""

    @property
    def tasks(self) -> TasksApi:
        """What runs on the hosts."""

    async def disk(self, host: str, progress: Callable[[int], None] | None = None) -> DiskCount:
        """Count its disk now."""

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        """Ask it something."""


@dataclass(frozen=True)
class ReadyPlan:
    """A plan that was counted and looked at now: what would go, what comes free, what is refused. Nothing was done."""

    plan: Plan
    tables: Mapping[str, HostTables]
    outlook: Outlook
    changed: tuple[Changed, ...] = ()
    looks: Mapping[str, CleanSaid] = field(default_factory=dict)
    faults: Mapping[str, CondafleetError] = field(default_factory=dict)
    """Hosts that could not be counted or looked at."""
    accepted: Mapping[Key, Collection[ConcernKind]] = field(default_factory=dict)
    prepared: Mapping[Key, Prepared] = field(default_factory=dict)
    """What a look at each environment found."""

    @property
    def report(self) -> PlanReport:
        """The same, to be shown."""
        return PlanReport(
            tuple(self.host(name) for name in self.plan.hosts), self.plan.made, None, self.plan.by, self.plan.missed
        )

    def host(self, name: str) -> HostReport:
        """One host of it."""
        found = next((each for each in self.outlook.hosts if each.host == name), HostOutlook(name))
        changed = tuple(each for each in self.changed if each.item.host == name)
        error = self.faults.get(name)
        return HostReport(name, found, changed, error=None if error is None else error.message)


@dataclass(frozen=True, slots=True)
class _Watch:
    """Who wants to know what a run does."""

    told: Callable[[Task], None] | None
    begins: Callable[[Sequence[Item]], None] | None

    def tell(self, task: Task) -> None:
        if self.told is not None:
            self.told(task)

    def begin(self, items: Sequence[Item]) -> None:
        if self.begins is not None:
            self.begins(items)


class PlanDesk:
    """Makes plans ready and runs them. *operator*: ``ada@laptop``."""

    def __init__(self, fleet: PlanFleet, clock: Clock, operator: str) -> None:
        self._fleet = fleet
        self._clock = clock
        self._operator = operator

    async def count(
        self, hosts: Iterable[str], progress: Callable[[str, int], None] | None = None
    ) -> tuple[dict[str, HostTables], dict[str, CondafleetError]]:
        """What plans stand on, counted now, all hosts side by side; and why for the rest there is nothing."""
        tables: dict[str, HostTables] = {}
        faults: dict[str, CondafleetError] = {}

        async def one(host: str) -> None:
            try:
                told = None if progress is None else lambda entries: progress(host, entries)
                found = await self._fleet.disk(host, told)
                tables[host] = host_tables(self._fleet.store.host(host).snapshot, found)
            except HostFaultError as error:
                faults[host] = error

        await asyncio.gather(*map(one, dict.fromkeys(hosts)))
        return tables, faults

    async def ready(
        self,
        plan: Plan,
        *,
        accepted: Mapping[Key, Collection[ConcernKind]] | None = None,
        progress: Callable[[str, int], None] | None = None,
        counted: tuple[dict[str, HostTables], dict[str, CondafleetError]] | None = None,
        check: bool = True,
    ) -> ReadyPlan:
        """Count *plan*'s hosts, and look at what would go. What changed since it was made is refused if *check*.

        *counted*: of :meth:`count`, where that was just done. *accepted*: as for :func:`tui.domain.plans.outlook`.
        """
        agreed = dict(accepted or {})
        tables, faults = counted or await self.count(plan.hosts, progress)
        known = Plan(tuple(item for item in plan.items if item.host in tables), plan.made)
        changed = recheck(known, tables) if check else ()
        items = known.without([each.item for each in changed]).items
        looks: dict[str, CleanSaid] = {}
        against: dict[Key, tuple[Concern, ...]] = {}
        prepared: dict[Key, Prepared] = {}
        found = outlook(items, tables, agreed)
        await asyncio.gather(
            *(self._look(each, plan, tables[each.host], agreed, looks, against, faults) for each in found.hosts),
            *(self._prepare(item, tables[item.host], agreed, prepared, against, faults) for item in found.items),
        )
        hosts = tuple(
            with_looks(each, tables[each.host], looks.get(each.host), against, plan.older_s, agreed)
            for each in found.hosts
        )
        return ReadyPlan(plan, tables, Outlook(hosts), changed, looks, faults, agreed, prepared)

    async def _look(
        self,
        found: HostOutlook,
        plan: Plan,
        known: HostTables,
        accepted: Mapping[Key, Collection[ConcernKind]],
        looks: dict[str, CleanSaid],
        against: dict[Key, tuple[Concern, ...]],
        faults: dict[str, CondafleetError],
    ) -> None:
        """Ask the host about the caches, by the program that will clean them."""
        host = found.host
        parts = [item for item in found.items if item.kind not in ENVIRONMENTS]
        if not parts:
            return
        kinds = {kind for item in parts for kind in accepted.get(item.key, ())}
        view = self._fleet.store.host(host)
        request = clean_request(parts, known, view, plan.older_s, kinds)
        try:
            said = await self._fleet.put_question(
                host, "clean", lambda lane: ask_clean(lane, host, request, timeout=LOOK_S)
            )
        except HostFaultError as error:
            faults[host] = error
            return
        looks[host] = said
        for item in parts:
            concerns = tuple(concern_of(kind, detail) for kind, place, detail in said.concerns if place == item.path)
            if concerns:
                against[item.key] = concerns

    async def _prepare(
        self,
        item: Item,
        known: HostTables,
        accepted: Mapping[Key, Collection[ConcernKind]],
        prepared: dict[Key, Prepared],
        against: dict[Key, tuple[Concern, ...]],
        faults: dict[str, CondafleetError],
    ) -> None:
        """Look at an environment, or at what was put aside, as every removal of one does."""
        if item.kind not in ENVIRONMENTS:
            return
        try:
            change = self._removal(item, known)
            found = await self._fleet.changes.prepare(change)
        except CondafleetError as error:
            faults.setdefault(item.host, error)
            return
        prepared[item.key] = found
        stands = standing(found.concerns, accepted.get(item.key, ()))
        if stands:
            against[item.key] = stands

    def _removal(self, item: Item, known: HostTables) -> Change:
        if item.kind is ItemKind.ASIDE:
            # It lies in a folder that is called by its id.
            return Change(ChangeKind.PURGE, item.host, item.path, aside_id=posixpath.basename(item.path))
        env = known.environment(item.path)
        installs = self._fleet.store.host(item.host).snapshot.installs.value or ()
        install = None if env is None else install_of(env, installs)
        root = None if install is None else install.root
        return Change(ChangeKind.REMOVE, item.host, item.path, root, item.name)

    async def run(
        self,
        ready: ReadyPlan,
        *,
        told: Callable[[Task], None] | None = None,
        begins: Callable[[Sequence[Item]], None] | None = None,
        detach: bool = False,
    ) -> PlanReport:
        """Run what is ready, on all hosts side by side; *told* of each task as it starts and ends.

        *begins*: of the items of a task right before it is sent to its host: none but these was begun.

        With *detach* it returns once all that can be started at once runs.
        """
        hosts = [name for name in ready.plan.hosts if name not in ready.faults]
        done = await asyncio.gather(
            *(self._run(ready.host(name), ready, _Watch(told, begins), detach) for name in hosts)
        )
        by_name = {each.host: each for each in done}
        reports = tuple(by_name.get(name) or ready.host(name) for name in ready.plan.hosts)
        return PlanReport(reports, ready.plan.made, self._clock.now(), ready.plan.by, ready.plan.missed)

    async def _run(self, report: HostReport, ready: ReadyPlan, watch: _Watch, detach: bool) -> HostReport:
        host, going = report.host, report.outlook.items
        if not going:
            return report
        places = [each.mount for each in report.outlook.mounts if each.mount.startswith("/")]
        removed: list[Removed] = []
        try:
            before = {} if detach else await self._free(host, places)
            environments = [item for item in going if item.kind in ENVIRONMENTS]
            for level in _levels(environments):
                removed += await asyncio.gather(*(self._remove(item, ready, watch, detach) for item in level))
            parts = [item for item in going if item.kind not in ENVIRONMENTS]
            if detach and environments:
                # Which packages come free is known only when the environments are gone.
                waiting = [item for item in parts if item.kind is ItemKind.PACKAGES]
                parts = [item for item in parts if item not in waiting]
                removed += (Removed(item, False, note="not begun: it waits for the environments") for item in waiting)
            if parts:
                removed += await self._clean(host, parts, ready, watch, detach)
            tasks = list(dict.fromkeys(each.task for each in removed if each.task is not None))
            after = {} if detach else await self._free(host, places, tasks)
        except HostFaultError as error:
            return replace(report, removed=tuple(removed), error=error.message)
        actual = tuple(
            MountActual(
                place,
                after[place].bytes - before[place].bytes,
                after[place].inodes - before[place].inodes,
                after[place].own,
            )
            for place in places
            if place in before and place in after
        )
        return replace(report, removed=tuple(removed), actual=actual or None)

    async def _free(self, host: str, places: Sequence[str], tasks: Sequence[str] = ()) -> dict[str, FreeSpace]:
        """What is free there; nothing where that cannot be learnt, for a disk may be too busy to be written out."""
        if not places:
            return {}
        try:
            return await self._fleet.put_question(
                host, "clean", lambda lane: ask_free(lane, places, tasks, timeout=FREE_S)
            )
        except HostFaultError:
            return {}

    async def _remove(self, item: Item, ready: ReadyPlan, watch: _Watch, detach: bool) -> Removed:
        """One environment, by the way that every removal of one goes, with its guards and archive."""
        found = ready.prepared.get(item.key)
        if found is None:
            return Removed(item, False, note="It was not looked at.")
        try:
            agreed = frozenset(ready.accepted.get(item.key, ())) & acceptable(found.concerns)
            watch.begin([item])
            return await self._ended(item, await self._fleet.changes.start(found, agreed), watch, detach)
        except CondafleetError as error:
            return Removed(item, False, note=error.message)

    async def _ended(self, item: Item, task: Task, watch: _Watch, detach: bool) -> Removed:
        task = await self._settled(task, watch, detach)
        done = task.state is TaskState.SUCCEEDED or detach
        return Removed(item, done, task.id, note="" if done else _why(task))

    async def _settled(self, task: Task, watch: _Watch, detach: bool) -> Task:
        watch.tell(task)
        if not detach:
            task = await self._fleet.tasks.settled(task.host, task.id)
            watch.tell(task)
        return task

    async def _clean(
        self,
        host: str,
        parts: Sequence[Item],
        ready: ReadyPlan,
        watch: _Watch,
        detach: bool,
    ) -> list[Removed]:
        known = ready.tables[host]
        kinds = {kind for item in parts for kind in ready.accepted.get(item.key, ())}
        view = self._fleet.store.host(host)
        request = clean_request(parts, known, view, ready.plan.older_s, kinds)
        look = ready.looks.get(host)
        request = replace(request, seen=() if look is None else look.places)
        task_id = new_task_id(self._clock.now(), os.urandom(4))
        caches = {path for _, path in request.parts}
        installs = view.snapshot.installs.value or ()
        roots = [each.root for each in installs if caches & set(each.pkgs_dirs)]
        summary = ", ".join(dict.fromkeys(item.kind.value for item in parts))
        job = clean_job(request, id=task_id, operator=self._operator, roots=roots, summary=summary)
        watch.begin(parts)
        task = await self._settled(await self._fleet.tasks.start(host, job), watch, detach)
        if detach:
            return [Removed(item, True, task.id) for item in parts]
        return _cleaned(parts, task, read_said(task.said))


def _levels(items: Iterable[Item]) -> list[list[Item]]:
    """*items* in the order in which they go: what lies in another goes before it."""
    left = sorted(items, key=lambda item: len(item.path), reverse=True)
    levels: list[list[Item]] = []
    while left:
        level = [item for item in left if not any(each.path.startswith(item.path + "/") for each in left)]
        levels.append(level)
        left = [item for item in left if item not in level]
    return levels


def _cleaned(parts: Sequence[Item], task: Task, said: CleanSaid) -> list[Removed]:
    """What the task says of each part; one of which it says nothing, though it ended well, held nothing by then."""
    done = task.state is TaskState.SUCCEEDED
    found = []
    for item in parts:
        part = next((each for each in said.parts if (each.kind, each.path) == (item.kind, item.path)), None)
        notes = [kept_note(each) for each in said.kept if (each.kind, each.path) == (item.kind, item.path)]
        if not done and part is None:
            notes.append(_why(task))
        files, size = (0, 0) if done and said.whole else (None, None)
        if part is not None:
            files, size = part.files, part.bytes
        found.append(Removed(item, done or part is not None, task.id, files, size, "; ".join(notes)))
    return found


def _why(task: Task) -> str:
    said = [printable(" ".join(words[1:])) for words in task.said if words[:1] == ("concern",)]
    if task.is_refused and said:
        return "refused: " + "; ".join(said)[:400]
    return task.fault.message if task.fault is not None else f"{task.state.value}, exit code {task.exit_code}"
