"""The tasks of a running fleet: the implementation of :class:`tui.services.tasks.TasksApi`.

The host is the truth: what is here is what it said last. Whatever asks for something waits out a lost connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any, TypeVar

from tui.domain.backoff import retry_delay
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import Holder, Task, ended, queued
from tui.ports import Clock
from tui.remote.condasays.progress import Progress
from tui.remote.jobs import Job
from tui.remote.lane import Lane
from tui.remote.rootway import NoRootError
from tui.remote.task_log import LogFollower, LogPart, read_log
from tui.remote.tasks import CancelAnswer, NotStartedError, cancel_task, start_task
from tui.services.events import HostNoticed
from tui.services.faults import internal_fault
from tui.services.store import Store
from tui.services.taskpast import TaskPast
from tui.services.taskroom import Room
from tui.services.taskwatch import TaskWatch
from tui.services.waiting import abandon

__all__ = ["TaskDesk"]

LOG = logging.getLogger(__name__)
T = TypeVar("T")
Key = tuple[str, str]

PACE_S = 0.7
"""How often a task is looked at whose end somebody waits for."""
LONGEST_WAIT_S = 30.0
STRANGE_TRIES = 4
"""So often in a row may a host say what makes no sense."""
_CURED = frozenset(
    {
        FaultKind.LOST, FaultKind.TIMEOUT, FaultKind.TOOL_HUNG, FaultKind.REFUSED, FaultKind.NO_ROUTE,
        FaultKind.JUMP_FAILED, FaultKind.KEX_FAILED, FaultKind.SESSIONS_EXHAUSTED, FaultKind.NAME_NOT_FOUND,
    }
)  # fmt: skip
"""Faults that time may cure."""


class TaskDesk:
    """See :class:`tui.services.tasks.TasksApi`. *operator*: ``ada@laptop``.

    *watch* knows the tasks of the hosts; *most* tasks of this program are under way at once; *past* remembers them.
    """

    def __init__(self, store: Store, clock: Clock, watch: TaskWatch, past: TaskPast, operator: str, most: int) -> None:
        self._store = store
        self._clock = clock
        self._watch = watch
        self._past = past
        self._operator = operator
        self._room = Room(most)
        self._later: dict[Key, asyncio.Task[None]] = {}
        watch.when_over(lambda task: self._room.leave((task.host, task.id)))

    def watch(self) -> None:
        """Look at the tasks of every host from now on: for programs that stay."""
        self._watch.begin()

    async def start(self, host: str, job: Job, *, detached: bool = False) -> Task:
        """Begin *job* on *host*, once; see :class:`TasksApi`."""
        key = (host, job.spec.id)
        if detached or self._room.enter(key):
            return await self._begin(host, job)
        task = queued(job.spec, host, self._clock.now())
        task = replace(task, waits_for=Holder("limit", operator=self._operator))
        self._watch.put_own(task)
        self._later[key] = asyncio.create_task(self._begin_later(task, job), name=f"begin {job.spec.id} on {host}")
        return task

    async def look(self, host: str) -> tuple[Task, ...]:
        """The host's tasks now; see :class:`TasksApi`."""
        await self._watch.look(host)
        with suppress(HostFaultError):  # another look clears it away
            await self._watch.clear_away(host)
        known = self._store.host(host).tasks
        return () if known is None else known.tasks

    def refresh(self, hosts: Iterable[str] | None = None) -> None:
        """Look again soon; see :class:`TasksApi`."""
        for host in [view.name for view in self._store.hosts()] if hosts is None else hosts:
            self._watch.refresh(host)

    def get(self, host: str, task_id: str) -> Task | None:
        """A task as it was last seen; see :class:`TasksApi`."""
        known = self._store.host(host).tasks
        return next((task for task in (known.tasks if known else ()) if task.id == task_id), None)

    def progress(self, host: str, task_id: str) -> Progress | None:
        """How far a running task is; see :class:`TasksApi`."""
        return self._watch.tails.progress((host, task_id))

    async def follow(self, host: str, task_id: str, offset: int = 0) -> AsyncGenerator[LogPart, None]:
        """The log of a task; see :class:`TasksApi`."""
        await self._begun((host, task_id))

        async def read(at: int, limit: int) -> LogPart:
            return await self._watch.ask(host, lambda lane: read_log(lane, host, task_id, at, limit=limit), task_id)

        follower = LogFollower(read, self._clock, offset=offset, rest=lambda delay: self._watch.rest(host, delay))
        with self._watch.user(host):
            async with aclosing(follower.parts()) as parts:
                async for part in parts:
                    self._watch.fed(host, task_id, part)
                    yield part

    async def settled(self, host: str, task_id: str) -> Task:
        """Wait until the task is over; see :class:`TasksApi`."""
        await self._begun((host, task_id))
        own = self._watch.own(host, task_id)
        if own is not None:
            return own
        with self._watch.user(host):
            while True:
                found = await self._patiently(host, lambda: self._watch.look(host, (task_id,)))
                if not found:
                    raise HostFaultError(_gone(host, task_id))
                if found[0].is_over:
                    await self._past.written()
                    return found[0]
                await self._clock.sleep(PACE_S)

    async def cancel(self, host: str, task_id: str) -> CancelAnswer:
        """Ask for the end of a task; see :class:`TasksApi`."""
        key = (host, task_id)
        own = self._watch.own(host, task_id)
        if own is not None and self._room.waits(key):
            self._room.leave(key)
            abandon(self._later[key])
            self._watch.put_own(ended(own, self._clock.now(), None, cancelled=True))
            return CancelAnswer.ENDED
        await self._begun(key)
        answer = await self._patiently(
            host,
            lambda: self._watch.ask(host, lambda lane: cancel_task(lane, host, task_id, self._operator), task_id),
        )
        self._watch.look_soon(host)
        return answer

    async def purge(self, host: str, task_ids: Sequence[str] = (), older_s: float = 0.0) -> tuple[str, ...]:
        """Clear away what is kept of old tasks; see :class:`TasksApi`."""
        await self._past.written()
        return await self._watch.purge(host, task_ids, older_s)

    async def history(self) -> tuple[TaskRecord, ...]:
        """What tasks did; see :class:`TasksApi`."""
        return await self._past.load()

    def close(self) -> list[asyncio.Future[Any]]:
        """Look at nothing any more, and begin nothing; what runs on hosts goes on. What still takes a moment to end."""
        for task in self._later.values():
            task.cancel()
        return [*self._later.values(), *self._watch.close()]

    async def finish(self, seconds: float) -> None:
        """Let what is to be remembered be written, as far as *seconds* of real time reach."""
        await self._past.finish(seconds)

    # -- beginning

    async def _begin(self, host: str, job: Job) -> Task:
        """Start it, asking until it is known whether it runs. Raises HostFaultError; there is room again then."""
        spec = job.spec
        asked = False

        async def ask(lane: Lane) -> bool:
            nonlocal asked
            asked = True
            return await start_task(lane, host, spec, program=job.program, args=job.args, netrc=job.netrc)

        async def put() -> bool:
            if job.as_owner and self._store.host(host).spec.sudo:
                try:
                    return await self._watch.ask(host, ask, spec.id, root=True)
                except NoRootError:
                    # It may run as root's already: twice it must not.
                    if asked:
                        raise
            return await self._watch.ask(host, ask)

        def again(error: HostFaultError) -> bool:
            # Nothing was asked of a host that is not up: whoever wants a change there is told so at once.
            return asked and not isinstance(error, NotStartedError)

        with self._watch.user(host):
            try:
                await self._patiently(host, put, again)
            except BaseException:
                self._room.leave((host, spec.id))
                raise
            task = queued(spec, host, self._clock.now())
            self._watch.put(task)
            with suppress(HostFaultError, ValueError):  # it runs, that is known; how far it is will be seen
                (task,) = await self._watch.look(host, (spec.id,))
            self._watch.look_soon(host)
        self._warn(task)
        return task

    async def _begin_later(self, task: Task, job: Job) -> None:
        key = (task.host, task.id)
        try:
            await self._room.admitted(key)
            await self._begin(task.host, job)
            self._watch.drop_own(*key)
        except HostFaultError as error:
            self._watch.put_own(ended(task, self._clock.now(), None, fault=error.fault))
        except Exception as error:
            LOG.exception("beginning %s on %s failed", task.id, task.host)
            fault = internal_fault(phrase("beginning {task} on {host}", task=task.id, host=task.host), error)
            self._watch.put_own(ended(task, self._clock.now(), None, fault=fault))
        finally:
            self._later.pop(key, None)

    async def _begun(self, key: Key) -> None:
        """Wait until a task that waits here for room was begun, or ended here."""
        later = self._later.get(key)
        if later is not None:
            await asyncio.wait((later,))

    def _warn(self, task: Task) -> None:
        """Tell the person of a task that a logout may end."""
        how = next((words[2:] for words in task.said if words[:2] == ("note", "logout")), None)
        if how is None:
            return
        if how[:1] == ("scope",):
            text = phrase(
                "{host} ends what an account left running once its last login there ends (KillUserProcesses, without "
                "linger): task {task} goes with it. `loginctl enable-linger` on the host keeps it.",
                host=task.host, task=task.id,
            )  # fmt: skip
        else:
            text = phrase(
                "{host} ends what a login left running (KillUserProcesses): task {task} goes when this connection "
                "ends. `loginctl enable-linger` on the host keeps it.",
                host=task.host, task=task.id,
            )  # fmt: skip
        self._store.bus.publish(HostNoticed(task.host, self._clock.now(), text))

    # -- waiting out

    async def _patiently(
        self,
        host: str,
        ask: Callable[[], Awaitable[T]],
        again: Callable[[HostFaultError], bool] = lambda error: True,
    ) -> T:
        """What *ask* gives, asked again after faults that time may cure, as long as *again* says so."""
        failures = strange = 0
        while True:
            try:
                return await ask()
            except HostFaultError as error:
                fault = error.fault
                strange = strange + 1 if fault.kind not in _CURED else 0
                odd = fault.kind in (FaultKind.PROTOCOL, FaultKind.SHELL_BROKEN) and strange < STRANGE_TRIES
                if fault.waits_for_a_person or not (odd or fault.kind in _CURED) or not again(error):
                    raise
            failures += 1
            await self._watch.rest(host, min(LONGEST_WAIT_S, retry_delay(failures, self._clock.jitter())))


def _gone(host: str, task_id: str) -> Fault:
    return Fault(
        FaultKind.GHOST,
        phrase("{host} keeps no task {task}.", host=host, task=task_id),
        phrase("It was cleared away, or never started."),
    )
