"""Who did what, where, when, and with which result: what is remembered of tasks that are over. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tui.domain.faults import Fault
from tui.domain.redact import redact
from tui.domain.tasks import Task, TaskState

__all__ = ["TaskRecord", "found", "record_of"]

LONGEST = 4000
"""Characters of one field; a command line can be longer than anybody reads."""
MOST_WORDS = 200


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task that is over. Strings are raw text, without secrets; times are Unix seconds of the host's clock."""

    id: str
    host: str
    """As this machine's configuration names it."""
    kind: str
    target: str
    argv: tuple[str, ...]
    operator: str
    state: TaskState
    created: float
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    refused: bool = False
    summary: str = ""
    fault_kind: str = ""
    fault_message: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.host, self.id


def record_of(task: Task) -> TaskRecord:
    """What is remembered of *task*. Raises ValueError while it is not over."""
    if not task.is_over:
        raise ValueError(f"a task that is {task.state} is not history")
    fault: Fault | None = task.fault
    return TaskRecord(
        id=task.id,
        host=task.host,
        kind=task.kind,
        target=_kept(task.target),
        argv=tuple(_kept(word) for word in task.argv[:MOST_WORDS]),
        operator=_kept(task.operator),
        state=task.state,
        created=task.created,
        started=task.started,
        ended=task.ended,
        exit_code=task.exit_code,
        refused=task.is_refused,
        summary=_kept(task.summary),
        fault_kind="" if fault is None else fault.kind.value,
        fault_message="" if fault is None else _kept(str(fault.message)),
    )


def found(records: Iterable[TaskRecord], words: Iterable[str] = (), since: float | None = None) -> list[TaskRecord]:
    """Those of *records* that hold each of *words* somewhere, in any case, and were asked for at *since* or later.

    The newest first.
    """
    wanted = [word.casefold() for word in words]
    fitting = [
        record
        for record in records
        if (since is None or record.created >= since) and all(word in _text(record) for word in wanted)
    ]
    return sorted(fitting, key=lambda record: (-record.created, record.host, record.id))


def _text(record: TaskRecord) -> str:
    parts = (
        record.id, record.host, record.kind, record.target, *record.argv, record.operator, record.state.value,
        "refused" if record.refused else "", record.summary, record.fault_kind, record.fault_message,
    )  # fmt: skip
    return "\n".join(parts).casefold()


def _kept(text: str) -> str:
    return redact(text)[:LONGEST]
