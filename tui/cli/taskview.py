"""Tasks as the JSON of the outside contract, and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tui.cli.jsonview import Object, fault_json, time_json
from tui.cli.tables import Column, Table
from tui.cli.words import age, one_line
from tui.domain.redact import redact, redact_argv
from tui.domain.tasks import Holder, Task, TaskState, age_s, duration_s
from tui.domain.text import printable
from tui.remote.condasays.progress import Progress

__all__ = ["outcome_text", "progress_json", "task_json", "tasks_table", "waits_text"]

_STATES = {
    TaskState.QUEUED: "queued",
    TaskState.WAITING_LOCK: "waits",
    TaskState.RUNNING: "running",
    TaskState.SUCCEEDED: "done",
    TaskState.FAILED: "failed",
    TaskState.CANCELLED: "cancelled",
    TaskState.LOST: "lost",
}


def task_json(task: Task) -> Object:
    """One task, in the contract's fields and order, then further ones."""
    return {
        "id": task.id,
        "host": task.host,
        "kind": task.kind,
        "target": printable(task.target),
        "argv": [*map(printable, redact_argv(task.argv))],
        "state": task.state.value,
        "operator": printable(task.operator),
        "created": time_json(task.created),
        "started": time_json(task.started),
        "ended": time_json(task.ended),
        "exit_code": task.exit_code,
        "log_bytes": task.log_bytes,
        "summary": printable(redact(task.summary)) or None,
        "fault": fault_json(task.fault),
        "waits_for": None if task.waits_for is None else _holder_json(task.waits_for),
        "cancelling": task.cancelling,
        "left_behind": task.left_behind,
        "refused": task.is_refused,
    }


def _holder_json(holder: Holder) -> Object:
    def text(value: str | None) -> str | None:
        return None if value is None else printable(redact(value))

    return {
        "kind": text(holder.kind),
        "place": text(holder.place),
        "operator": text(holder.operator),
        "host": text(holder.host),
        "pid": holder.pid,
        "task": text(holder.task),
        "target": text(holder.target),
        "since": time_json(holder.since),
        "command": [*map(printable, redact_argv(holder.command))],
    }


def progress_json(progress: Progress) -> Object:
    """How far a running task is, by its own words; what they do not tell is null."""
    package = None if progress.package is None else printable(progress.package)
    return {
        "phase": progress.phase.value,
        "package": package,
        "percent": progress.percent,
        "done": progress.done,
        "total": progress.total,
        "rate": progress.rate,
    }


def waits_text(holder: Holder) -> str:
    """``waits for clean of ada@laptop (20261121-…)``"""
    if holder.kind == "limit":
        return "queued: this command begins it once another of its tasks has ended"
    if holder.kind == "process":
        command = printable(" ".join(redact_argv(holder.command)))[:80] or "a package manager"
        return f"waits for {command} (process {holder.pid or '?'}), started by hand"
    who = f" of {printable(holder.operator)}" if holder.operator else ""
    where = f" on {printable(holder.host)}" if holder.host else ""
    what = f" {printable(holder.task_kind)}" if holder.task_kind else " a change"
    return f"waits for{what}{who}{where}"


def outcome_text(task: Task, now: float) -> str:
    """How *task* is, or ended, in one line without its name: those of equal text can be told together."""
    if task.waits_for is not None and (task.state is TaskState.WAITING_LOCK or task.waits_here):
        return waits_text(task.waits_for)
    word = _STATES[task.state]
    if task.fault is not None:
        return f"{word}: {one_line(task.fault.message)}"
    if task.state is TaskState.FAILED and task.exit_code is not None:
        return f"{word} (exit code {task.exit_code})"
    if task.state is TaskState.RUNNING:
        return f"{word} for {age(duration_s(task, now))}"
    return word


def tasks_table(tasks: Sequence[Task], now: float) -> Table:
    """Tasks, one a line."""
    columns = (
        Column("HOST", flexible=True, least=6),
        Column("ID"),
        Column("KIND"),
        Column("TARGET", flexible=True, least=12),
        Column("AGE", right=True, drop=1),
        Column("BY", flexible=True, drop=2),
        Column("HOW IT IS", flexible=True, least=10),
    )
    rows = (
        (
            task.host,
            task.id,
            printable(task.kind),
            printable(redact(task.target)),
            age(age_s(task, now)),
            printable(redact(task.operator)),
            one_line("is being cancelled" if task.cancelling else outcome_text(task, now)),
        )
        for task in tasks
    )
    return Table(columns, tuple(rows))
