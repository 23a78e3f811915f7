"""Tasks: changes that run on a host, detached, and what is known of them.

A task goes forward only: ``queued`` (nothing of it runs yet), ``waiting_lock`` (it waits for somebody else's
change), ``running``, and then one of four ends. A transition that is not legal raises ValueError.
Times are Unix seconds of the host's clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from tui.domain.faults import Fault
from tui.domain.redact import PLACEHOLDER, looks_secret, redact

__all__ = [
    "ENDED",
    "REFUSED",
    "Holder",
    "HostTasks",
    "Task",
    "TaskSpec",
    "TaskState",
    "age_s",
    "began",
    "duration_s",
    "ended",
    "is_task_id",
    "lost",
    "may_become",
    "new_task_id",
    "queued",
    "seen_again",
    "shown_argv",
    "waits",
]


class TaskState(StrEnum):
    """The closed list of the outside contract."""

    QUEUED = "queued"
    WAITING_LOCK = "waiting_lock"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """It is gone, and nobody can say how it ended: the host was restarted, or all of it was killed."""


ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.LOST})
"""States that nothing follows."""

_NEXT = {
    TaskState.QUEUED: frozenset({TaskState.WAITING_LOCK, TaskState.RUNNING}) | ENDED,
    TaskState.WAITING_LOCK: frozenset({TaskState.RUNNING}) | ENDED,
    # Somebody began to change the install before its first change: it waits anew.
    TaskState.RUNNING: frozenset({TaskState.WAITING_LOCK}) | ENDED,
}

REFUSED = 3
"""The exit status of a program that changed nothing, because something spoke against it."""

_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}", re.ASCII)


def may_become(before: TaskState, after: TaskState) -> bool:
    """Whether *after* may follow *before*; a state may stay what it is."""
    return before is after or after in _NEXT.get(before, frozenset())


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What a task is to do. Strings are raw text (:mod:`tui.domain.text`)."""

    id: str
    kind: str
    """One word: ``create``, ``remove``, ``clean`` …"""
    target: str
    """What it changes, for people: a prefix, or a name."""
    argv: tuple[str, ...]
    """The command. It is written down on the host, where it is also seen in the list of processes: no word of it
    may be a secret."""
    operator: str
    """Who asked for it, as others are to see it: ``ada@laptop``."""
    places: tuple[str, ...] = ()
    """The directories (package caches, ``envs_dirs``) that it writes: no other task writes them meanwhile."""
    roots: tuple[str, ...] = ()
    """The installs that it changes: a conda that somebody runs there by hand is waited for."""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a task waits for: unknown is None. All strings are the host's words."""

    kind: str
    """``task``; ``process``: a conda that somebody started by hand; ``limit``: room among this program's own tasks."""
    place: str | None = None
    """The directory whose lock it holds."""
    operator: str | None = None
    host: str | None = None
    """The machine that it runs on, as that calls itself."""
    pid: int | None = None
    task: str | None = None
    task_kind: str | None = None
    target: str | None = None
    since: float | None = None
    """When it asked for the lock."""
    command: tuple[str, ...] = ()
    """Of a process, its command line."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task as it was last seen."""

    id: str
    host: str
    kind: str
    target: str
    argv: tuple[str, ...]
    state: TaskState
    operator: str
    created: float
    started: float | None = None
    """When its command began; None when it never did."""
    ended: float | None = None
    """None also when it ended and nobody saw when."""
    exit_code: int | None = None
    """The command's own. Never a proof of success by itself: tools end with 0 on failure."""
    log_bytes: int | None = None
    summary: str = ""
    fault: Fault | None = None
    waits_for: Holder | None = None
    cancelling: bool = False
    """Somebody asked for its end, which has not come yet."""
    left_behind: int = 0
    """How many processes of a cancelled task could not be ended."""
    said: tuple[tuple[str, ...], ...] = ()
    """What its program reported beside its log: a word, then its fields, in raw text: ``concern KIND PLACE DETAIL…``
    for what spoke against it, ``freed PATH BYTES``, ``made PREFIX``, ``left PATH``, ``note logout HOW`` …"""

    @property
    def is_refused(self) -> bool:
        """True when it was refused for safety, on the host and under its lock: nothing was changed."""
        return self.exit_code == REFUSED and any(words[:1] == ("concern",) for words in self.said)

    @property
    def waits_here(self) -> bool:
        """True while no host knows of it: the program that was asked for it begins it later, unless it ends before."""
        return self.state is TaskState.QUEUED and self.waits_for is not None and self.waits_for.kind == "limit"

    @property
    def is_over(self) -> bool:
        """True when nothing follows."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class HostTasks:
    """The tasks that a host keeps, as it told of them last, and those that this program is yet to begin there."""

    tasks: tuple[Task, ...] = ()
    """The newest first."""
    time: float | None = None
    """Unix time, operator's clock; None when it never told."""
    fault: Fault | None = None
    """Why it could not be looked at since."""

    @property
    def living(self) -> int:
        """How many have not ended."""
        return sum(not task.is_over for task in self.tasks)


def new_task_id(now: float, noise: bytes) -> str:
    """An id that sorts by time; *noise*: four random bytes, so that two operators never make the same."""
    if len(noise) != 4:
        raise ValueError("four bytes are wanted")
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S}-{noise.hex()}"


def is_task_id(text: str) -> bool:
    """Whether *text* is an id: safe as a file name and in any message."""
    return _ID.fullmatch(text) is not None


def shown_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """*argv* as it may be written down: what looks like a secret is replaced."""
    out: list[str] = []
    for word in argv:
        is_value = bool(out) and out[-1].startswith("-") and "=" not in out[-1] and looks_secret(out[-1].lstrip("-"))
        out.append(PLACEHOLDER if is_value and not word.startswith("-") else redact(word))
    return tuple(out)


def queued(spec: TaskSpec, host: str, created: float) -> Task:
    """A task that was asked for."""
    return Task(
        id=spec.id,
        host=host,
        kind=spec.kind,
        target=spec.target,
        argv=shown_argv(spec.argv),
        state=TaskState.QUEUED,
        operator=spec.operator,
        created=created,
        summary=spec.summary,
    )


def waits(task: Task, holder: Holder) -> Task:
    """It waits for *holder*, or for another one than before."""
    return replace(_moved(task, TaskState.WAITING_LOCK), waits_for=holder)


def began(task: Task, started: float) -> Task:
    """Its command runs."""
    return replace(_moved(task, TaskState.RUNNING), started=started, waits_for=None)


def ended(
    task: Task,
    at: float | None,
    exit_code: int | None,
    *,
    cancelled: bool = False,
    fault: Fault | None = None,
    left_behind: int = 0,
) -> Task:
    """It is over. A fault, or any exit code but 0, is a failure."""
    if cancelled:
        state = TaskState.CANCELLED
    else:
        state = TaskState.SUCCEEDED if exit_code == 0 and fault is None else TaskState.FAILED
    return replace(
        _moved(task, state),
        ended=at,
        exit_code=exit_code,
        fault=fault,
        left_behind=left_behind,
        waits_for=None,
        cancelling=False,
    )


def lost(task: Task, fault: Fault) -> Task:
    """It is gone without a word."""
    return replace(_moved(task, TaskState.LOST), fault=fault, waits_for=None, cancelling=False)


def seen_again(before: Task | None, now: Task) -> Task:
    """What to believe after a new look: nothing follows an end, whatever its host says."""
    if before is None or (before.id, before.host) != (now.id, now.host):
        return now
    return now if may_become(before.state, now.state) else before


def age_s(task: Task, now: float) -> float:
    """Seconds since it was asked for; never negative."""
    return max(0.0, now - task.created)


def duration_s(task: Task, now: float) -> float | None:
    """Seconds that its command has run, or ran; None when it never did or nobody knows."""
    if task.started is None or (task.is_over and task.ended is None):
        return None
    return max(0.0, (now if task.ended is None else task.ended) - task.started)


def _moved(task: Task, state: TaskState) -> Task:
    if not may_become(task.state, state):
        raise ValueError(f"a task that is {task.state} cannot become {state}")
    return replace(task, state=state)
