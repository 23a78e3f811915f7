"""What is known of the tasks of each host, and the looks at them.

A host with a task that lives is looked at every status interval; only what lives is asked for then. All of its tasks
are asked for after each inventory, over the lane that brought it, so that a host where nothing runs costs a moment
every few minutes and no shell of its own. Nobody is looked at before :meth:`TaskWatch.begin`, except a host with a task
of this program.

Where changes are begun by root (``sudo: true``), their folders are root's: such a host is asked twice, as the account
and as root, and each task is followed and ended on the way on which it was found.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tui.domain.backoff import retry_delay
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.domain.phrases import phrase
from tui.domain.tasks import HostTasks, Task, TaskState, seen_again
from tui.ports import Clock
from tui.remote.lane import Lane
from tui.remote.lane_pool import MAIN
from tui.remote.rootway import ROOT_TASKS, NoRootError
from tui.remote.task_log import LogPart, read_log
from tui.remote.tasks import list_tasks, purge_tasks
from tui.services.events import Event, HostChanged, TasksChanged
from tui.services.store import Store
from tui.services.taskpast import TaskPast
from tui.services.tasktails import TAIL_BYTES, Tails
from tui.services.waiting import woken

__all__ = ["PutQuestion", "TaskWatch"]

LOG = logging.getLogger(__name__)
T = TypeVar("T")

LANE = "tasks"
INVENTORY = "inventory"
LONGEST_PAUSE_S = 60.0
MOST_TAILS = 16
"""Of so many running tasks of a host is read at a time how far they are."""
OLD_S = 30 * 86400.0
"""What ended so long ago is cleared away by itself."""
PURGE_EVERY_S = 86400.0


class PutQuestion(Protocol):
    """As :meth:`tui.services.fleet.FleetApi.put_question`."""

    def __call__(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> Awaitable[T]: ...


@dataclass(slots=True)
class _Known:
    """What is known of one host."""

    tasks: dict[str, Task] = field(default_factory=dict)
    """As the host said, by id."""
    own: dict[str, Task] = field(default_factory=dict)
    """Those of this program that the host does not know: they wait here, or ended before they began."""
    whole: bool = False
    """All of them were asked for at least once."""
    due: bool = False
    """All of them are to be asked for."""
    time: float | None = None
    fault: Fault | None = None
    root: set[str] = field(default_factory=set)
    """The ids of those that are root's."""
    lanes: set[str] = field(default_factory=set)
    """The kinds of the lanes for tasks that there are."""
    users: int = 0
    """How many use that lane beside the looks."""
    purged: float | None = None
    looking: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lives(self) -> bool:
        return any(not task.is_over for task in self.tasks.values())


class TaskWatch:
    """*changed* is called with a host where a task ended; *pause*: seconds between looks at what lives."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        put: PutQuestion,
        past: TaskPast,
        changed: Callable[[str], None],
        pause: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._put = put
        self._past = past
        self._changed = changed
        self._pause = pause
        self._known: defaultdict[str, _Known] = defaultdict(_Known)
        self._over: Callable[[Task], None] = lambda task: None
        self._watching = False
        self._closed = False
        self.tails = Tails()
        self._deaf = store.bus.subscribe(self._heard)

    def when_over(self, tell: Callable[[Task], None]) -> None:
        """Call *tell* with each task that is seen to be over, or to be gone."""
        self._over = tell

    def begin(self) -> None:
        """Look at every host from now on."""
        if not self._watching:
            self._watching = True
            for view in self._store.hosts():
                if view.snapshot.environments.time is not None and "environments" not in view.stale_parts:
                    self.inventoried(view.name)

    def inventoried(self, host: str) -> None:
        """The host has just told of its environments: time for a look at all of its tasks."""
        if self._watching:
            self._known[host].due = True
            self.look_soon(host)

    def refresh(self, host: str) -> None:
        """Somebody wants all tasks of *host* looked at; a host that is not up, when it is."""
        self._known[host].due = True
        if self._is_up(host):
            self.look_soon(host)

    def close(self) -> list[asyncio.Future[Any]]:
        """Look at nothing any more; what still takes a moment to end."""
        self._closed = True
        self._deaf()
        looks: list[asyncio.Future[Any]] = [known.looking for known in self._known.values() if known.looking]
        for look in looks:
            look.cancel()
        return looks

    # -- what is known

    def own(self, host: str, task_id: str) -> Task | None:
        """A task that the host does not know; it waits here, or ended before it began."""
        return self._known[host].own.get(task_id)

    def put_own(self, task: Task) -> None:
        """A task of this program that the host does not know is like this now."""
        self._known[task.host].own[task.id] = task
        if task.is_over:
            self._past.add(task)
            self._over(task)
        self._show(task.host)

    def drop_own(self, host: str, task_id: str) -> None:
        """The host knows it now."""
        if self._known[host].own.pop(task_id, None) is not None:
            self._show(host)

    def put(self, task: Task) -> None:
        """The host has taken *task*."""
        known = self._known[task.host]
        known.tasks[task.id] = seen_again(known.tasks.get(task.id), task)
        self._show(task.host)

    def forget(self, host: str, ids: Iterable[str]) -> None:
        """The host keeps these no more."""
        for task_id in ids:
            self._known[host].tasks.pop(task_id, None)
        self._show(host)

    def fed(self, host: str, task_id: str, part: LogPart) -> None:
        """A part of a log was read."""
        if part.is_last:
            self.tails.forget((host, task_id))
        elif self.tails.feed((host, task_id), part):
            self._store.bus.publish(TasksChanged(host, self._clock.now()))

    # -- asking

    @contextmanager
    def user(self, host: str) -> Iterator[None]:
        """Meanwhile the lane for tasks stays."""
        known = self._known[host]
        known.users += 1
        try:
            yield
        finally:
            known.users -= 1
            idle = known.looking is None or known.looking.done()
            if idle and known.lanes and not known.users and self._is_up(host):
                self.look_soon(host)  # which lets go of the lane when nothing runs

    async def ask(
        self, host: str, question: Callable[[Lane], Awaitable[T]], task_id: str | None = None, *, root: bool = False
    ) -> T:
        """Put *question* over the lane for tasks: root's for a task of root's, and with *root*, which makes it one.

        Raises HostFaultError; NoRootError when it was not put, for want of root.
        """
        known = self._known[host]
        kind = ROOT_TASKS if root or task_id in known.root else LANE
        known.lanes.add(kind)
        with self.user(host):
            answer = await self._put(host, kind, question, keep=True)
        if root and task_id is not None:
            known.root.add(task_id)
        return answer

    async def purge(self, host: str, task_ids: Sequence[str], older_s: float) -> tuple[str, ...]:
        """Clear away what the host keeps of these tasks (or all) that ended so long ago. Raises HostFaultError."""
        known = self._known[host]
        theirs = [task_id for task_id in task_ids if task_id in known.root]
        ours = [task_id for task_id in task_ids if task_id not in known.root]
        gone: tuple[str, ...] = ()
        if ours or not task_ids:
            gone = await self.ask(host, lambda lane: purge_tasks(lane, host, older_s, ours))
        if theirs or (not task_ids and self._has_root(host)):
            with suppress(NoRootError):
                gone += await self.ask(host, lambda lane: purge_tasks(lane, host, older_s, theirs), root=True)
        self.forget(host, gone)
        return gone

    async def rest(self, host: str, seconds: float) -> None:
        """Wait so long, or until the host is up again."""
        back = asyncio.Event()

        def heard(event: Event) -> None:
            if isinstance(event, HostChanged) and event.host == host and self._is_up(host):
                back.set()

        stop = self._store.bus.subscribe(heard)
        try:
            await woken(self._clock, seconds, back)
        finally:
            stop()

    async def look(self, host: str, ids: Sequence[str] = (), *, living: bool = False) -> tuple[Task, ...]:
        """The tasks of *host* (of *ids*, or all; *living*: those that live, and *ids*) now. Raises HostFaultError."""
        known = self._known[host]
        before = dict(known.tasks)

        async def question(lane: Lane) -> tuple[Task, ...]:
            found = await list_tasks(lane, host, ids, living=living)
            if not found.complete:
                raise HostFaultError(_incomplete(host))
            return tuple(found.tasks)

        sudo = self._has_root(host)
        # Of whom nothing is known he may be everybody's.
        strange = any(task_id not in known.tasks for task_id in ids)
        found: tuple[Task, ...] = ()
        if not sudo or living or strange or not ids or not known.root.issuperset(ids):
            if LANE in known.lanes or known.users:
                found = await self.ask(host, question)
            else:
                # No shell is opened for it: there is one, which idles after its own question.
                kind = INVENTORY if self._watching and not sudo else MAIN
                found = await self._put(host, kind, question, keep=True)
        if sudo and (strange or not ids or not known.root.isdisjoint(ids)):
            found += await self._look_as_root(host, question, before, ids, living=living)
        return self._take(host, before, found, ids, living=living)

    async def _look_as_root(
        self,
        host: str,
        question: Callable[[Lane], Awaitable[tuple[Task, ...]]],
        before: dict[str, Task],
        ids: Sequence[str],
        *,
        living: bool,
    ) -> tuple[Task, ...]:
        """Root's tasks; as they were seen last where root is not to be had, unless that is what was wanted."""
        known = self._known[host]
        try:
            found = await self._put(host, ROOT_TASKS, question, keep=ROOT_TASKS in known.lanes or known.users > 0)
        except NoRootError:
            if not living and not known.root.isdisjoint(ids):
                raise
            return tuple(task for task_id, task in before.items() if task_id in known.root)
        if known.users:
            known.lanes.add(ROOT_TASKS)
        known.root.update(task.id for task in found)
        return found

    def _has_root(self, host: str) -> bool:
        return self._store.host(host).spec.sudo

    def _take(
        self, host: str, before: dict[str, Task], found: Sequence[Task], ids: Sequence[str], *, living: bool
    ) -> tuple[Task, ...]:
        """Believe what was found, as far as it can follow what was known *before* it was asked for."""
        known = self._known[host]
        seen = {task.id: seen_again(known.tasks.get(task.id), task) for task in found}
        whole = not ids and not living
        changed = False
        for task in seen.values():
            if not task.is_over:
                continue
            self.tails.forget((host, task.id))
            self._past.add(task)
            self._over(task)
            old = known.tasks.get(task.id)
            changed = changed or (not old.is_over if old else known.whole and not ids)
        # What was asked for and is not there any more is gone, unless it began meanwhile.
        asked = set(before) if whole else set(ids)
        for task_id in asked - seen.keys():
            lost = known.tasks.get(task_id)
            if lost is not None and lost is before.get(task_id):
                del known.tasks[task_id]
                self._over(lost)
        known.tasks |= seen
        if whole or living:
            known.time = self._clock.now()
            known.whole = known.whole or whole
        known.fault = None
        self._show(host)
        if changed:
            self._changed(host)
        return tuple(sorted(seen.values(), key=lambda task: task.id, reverse=True))

    def _show(self, host: str) -> None:
        known = self._known[host]
        tasks = sorted({**known.own, **known.tasks}.values(), key=lambda task: task.id, reverse=True)
        self._store.set_tasks(host, HostTasks(tuple(tasks), known.time, known.fault), self._clock.now())

    # -- looking again and again

    def look_soon(self, host: str) -> None:
        """Look at the tasks of *host*, and again as long as one of them lives."""
        known = self._known[host]
        known.wake.set()
        if not self._closed and (known.looking is None or known.looking.done()):
            known.looking = asyncio.create_task(self._look_on(host, known), name=f"tasks of {host}")

    def _heard(self, event: Event) -> None:
        if not isinstance(event, HostChanged) or event.host not in self._known:
            return
        known = self._known[event.host]
        if not self._is_up(event.host):
            known.lanes.clear()
        elif known.lives or known.due:
            self.look_soon(event.host)

    def _is_up(self, host: str) -> bool:
        return self._store.host(host).state is HostState.UP

    async def _look_on(self, host: str, known: _Known) -> None:
        failures = 0
        while True:
            known.wake.clear()
            try:
                await self._look_once(host, known)
                failures = 0
            except HostFaultError as error:
                failures += 1
                known.fault = error.fault
                self._show(host)
                if not self._is_up(host):
                    return  # its coming back begins anew
            except Exception:  # a defect here must cost one host its list, not the app its life
                LOG.exception("looking at the tasks of %s failed", host)
                return
            if not (known.lives or known.due):
                break
            longer = retry_delay(failures, self._clock.jitter()) if failures else 0.0
            await woken(self._clock, min(LONGEST_PAUSE_S, self._pause + longer), known.wake)
        if known.lanes and not known.users:
            kinds = tuple(known.lanes)
            known.lanes.clear()
            for kind in kinds:
                with suppress(HostFaultError):  # gone is gone
                    await self._put(host, kind, _nothing)

    async def _look_once(self, host: str, known: _Known) -> None:
        if known.due or (self._watching and not known.whole):
            known.due = False
            await self.look(host)
            await self.clear_away(host)
            return
        living = tuple(task.id for task in known.tasks.values() if not task.is_over)
        with self.user(host):
            await self.look(host, living, living=True)
            if self._watching:
                await self._read_tails(host, known)

    async def _read_tails(self, host: str, known: _Known) -> None:
        running = [task for task in known.tasks.values() if task.state is TaskState.RUNNING]
        for task in running[:MOST_TAILS]:
            at = self.tails.wanted((host, task.id), task.log_bytes or 0)
            if at is not None:
                part = await self.ask(host, _tail_of(host, task.id, at), task.id)
                self.fed(host, task.id, part)

    async def clear_away(self, host: str) -> None:
        """What is older than anybody wants to know goes, once its record is kept here; not after every look.

        Raises HostFaultError.
        """
        known = self._known[host]
        now = self._clock.now()
        if known.purged is not None and now - known.purged < PURGE_EVERY_S:
            return
        if any(task.ended is not None and task.ended < now - OLD_S for task in known.tasks.values()):
            known.purged = now
            await self._past.written()
            await self.purge(host, (), OLD_S)


def _tail_of(host: str, task_id: str, at: int) -> Callable[[Lane], Awaitable[LogPart]]:
    return lambda lane: read_log(lane, host, task_id, at, limit=TAIL_BYTES)


async def _nothing(lane: Lane) -> None:
    """No question: the lane is left."""


def _incomplete(host: str) -> Fault:
    return Fault(
        FaultKind.INCOMPLETE,
        phrase("{host} did not tell of all its tasks.", host=host),
        phrase("Look at the tasks there again."),
    )
