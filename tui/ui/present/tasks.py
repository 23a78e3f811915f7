"""The Tasks table: one row for each change that runs, or ran, on a host."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from tui.domain.faults import Fault
from tui.domain.filters_tasks import TaskRow
from tui.domain.phrases import phrase
from tui.domain.redact import redact_argv
from tui.domain.tasks import Holder, Task, TaskState, age_s, duration_s
from tui.services.store import HostView
from tui.services.tasks import Progress
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import BLANK, Cell, Tone, cell, join, plain, remote
from tui.ui.present.change_lines import KIND_WORDS
from tui.ui.present.groups import Grouping, GroupKey
from tui.ui.present.table import Column, Note, Row
from tui.ui.present.words import UNKNOWN, size, span

__all__ = [
    "COLUMNS",
    "GROUPINGS",
    "empty_note",
    "ending",
    "fault_of",
    "holder_words",
    "kind_words",
    "known",
    "known_time",
    "name_cell",
    "named",
    "progress_cell",
    "result_cell",
    "rows",
    "state_cell",
    "sums",
]

MISSING = cell(UNKNOWN, Tone.DIM)
TOGETHER_S = 120.0
"""What one person began within so long, alike on several hosts, was begun together."""
STATES: dict[TaskState, tuple[str, Tone]] = {
    TaskState.QUEUED: (phrase("queued"), Tone.ACCENT),
    TaskState.WAITING_LOCK: (phrase("waiting"), Tone.WARN),
    TaskState.RUNNING: (phrase("running"), Tone.ACCENT),
    TaskState.SUCCEEDED: (phrase("done"), Tone.GOOD),
    TaskState.FAILED: (phrase("failed"), Tone.BAD),
    TaskState.CANCELLED: (phrase("cancelled"), Tone.DIM),
    TaskState.LOST: (phrase("lost"), Tone.BAD),
}
SIGNS = {
    TaskState.QUEUED: "◌", TaskState.WAITING_LOCK: "◌", TaskState.RUNNING: "●", TaskState.SUCCEEDED: "✓",
    TaskState.FAILED: "✗", TaskState.CANCELLED: "○", TaskState.LOST: "✗",
}  # fmt: skip
PHASES: dict[str, str] = {
    "metadata": phrase("reading channels"),
    "solving": phrase("solving"),
    "downloading": phrase("downloading"),
    "extracting": phrase("extracting"),
    "preparing": phrase("preparing"),
    "verifying": phrase("verifying"),
    "changing": phrase("linking"),
    "pip": phrase("installing by pip"),
    "finished": phrase("finishing"),
}
_ORDER = tuple(STATES)

COLUMNS = (
    Column("task", phrase("Task"), 0, 20, 44, by=lambda task: (kind_words(task.kind), _name(task).casefold())),
    Column("host", phrase("Host"), 1, 12, 20, by=lambda task: task.host),
    Column("state", phrase("State"), 2, 18, 40, by=lambda task: _ORDER.index(task.state)),
    Column("age", phrase("Asked"), 4, 5, 6, right=True, live=5, by=lambda task: task.created, falling=True),
    Column("took", phrase("Took"), 5, 5, 6, right=True, live=5, by=lambda task: _took(task), falling=True),
    Column("progress", phrase("Progress"), 3, 16, 36, live=16),
    Column("operator", phrase("Operator"), 6, 12, 28, by=lambda task: task.operator.casefold()),
    Column("waits", phrase("Waits for"), 7, 20, 50, sparse=True, by=lambda task: holder_words(task.waits_for) or None),
    Column("target", phrase("Target"), 8, 24, 70, end=True, by=lambda task: task.target),
    Column("id", phrase("Id"), 9, 24, 24, by=lambda task: task.id),
)

ProgressOf = Callable[[str, str], Progress | None]


def known(view: HostView) -> tuple[Task, ...]:
    """The tasks of a host, as far as they are known."""
    return () if view.tasks is None else view.tasks.tasks


def known_time(view: HostView) -> float | None:
    """When the host told of them last."""
    return None if view.tasks is None else view.tasks.time


def fault_of(view: HostView) -> Fault | None:
    """Why the host could not be asked for them since."""
    return None if view.tasks is None else view.tasks.fault


def rows(view: HostView, progress: ProgressOf) -> list[Row]:
    """The rows of one host's tasks; *progress* tells how far one is, by host and id, at each painting."""
    stale = fault_of(view) is not None
    return [_row(task, view.spec.groups, stale, progress) for task in known(view)]


def _row(task: Task, groups: tuple[str, ...], stale: bool, progress: ProgressOf) -> Row:
    state = state_cell(task, stale)
    return Row(
        (task.host, task.id),
        (
            name_cell(task),
            cell(task.host),
            state,
            partial(_age, task),
            partial(_duration, task),
            partial(_progress, task, progress) if not task.is_over else result_cell(task) or MISSING,
            remote(task.operator, Tone.DIM) or MISSING,
            cell(holder_words(task.waits_for)) if task.waits_for is not None else BLANK,
            remote(task.target, Tone.DIM),
            cell(task.id, Tone.DIM),
        ),
        item=task,
        facts=TaskRow(task, groups, stale, said=plain(state)),
    )


def kind_words(kind: str) -> str:
    """What a task does; a kind that this program does not know stands as the host says it, in printed form."""
    return said(KIND_WORDS[kind]) if kind in KIND_WORDS else plain(remote(kind))


def _name(task: Task) -> str:
    return posixpath.basename(task.target.rstrip("/")) or task.target


def name_cell(task: Task) -> Cell:
    """``remove llm-old``: what it does, to the end of what it does it to."""
    return join((cell(kind_words(task.kind), Tone.ACCENT), remote(_name(task), Tone.STRONG)), " ")


def state_cell(task: Task, stale: bool = False) -> Cell:
    """How it is, in words, with the reason for an end that is not as wished."""
    text, tone, reason = _words(task)
    old = cell(tr(", not asked since"), Tone.WARN) if stale and not task.is_over else BLANK
    return (*cell(f"{SIGNS[task.state]} {text}", tone), *cell(reason, Tone.DIM), *old)


def ending(task: Task) -> str:
    """How it is in words alone: what ended alike is alike."""
    text, _, reason = _words(task)
    return text + reason


def _words(task: Task) -> tuple[str, Tone, str]:
    word, tone = STATES[task.state]
    text, reason = said(word), ""
    if task.is_refused:
        text, tone = tr("host refused"), Tone.WARN
    elif task.state is TaskState.FAILED and task.exit_code is not None:
        reason = tr(", code {code}", code=task.exit_code)
    elif task.state is TaskState.WAITING_LOCK and task.waits_for is not None and task.waits_for.operator:
        reason = tr(" for {who}", who=plain(remote(task.waits_for.operator)))
    if task.cancelling and not task.is_over:
        text, tone = tr("being cancelled"), Tone.WARN
    if task.left_behind:
        reason += trn(", {n} process left", ", {n} processes left", task.left_behind)
    return text, tone, reason


def holder_words(holder: Holder | None) -> str:
    """Whom a task waits for: ``remove of llm by ada@laptop``; nothing for None."""
    if holder is None:
        return ""
    if holder.kind == "limit":
        return tr("room among this program's tasks")
    if holder.kind == "process":
        command = plain(remote(" ".join(redact_argv(holder.command))[:80])) or tr("a package manager")
        return tr("{command} (process {pid}), started by hand", command=command, pid=holder.pid or "?")
    words = kind_words(holder.task_kind) if holder.task_kind else tr("a change")
    if holder.target:
        name = plain(remote(posixpath.basename(holder.target.rstrip("/")) or holder.target))
        words = tr("{kind} of {name}", kind=words, name=name)
    if holder.operator:
        words = tr("{what} by {who}", what=words, who=plain(remote(holder.operator)))
    return tr("{what} on {host}", what=words, host=plain(remote(holder.host))) if holder.host else words


def progress_cell(progress: Progress | None) -> Cell:
    """``downloading 45%  numpy``; nothing while nothing is printed of it."""
    if progress is None:
        return BLANK
    phase = said(PHASES.get(progress.phase.value, progress.phase.value))
    percent = "" if progress.percent is None else f"{progress.percent}%"
    of_all = remote(f"{progress.done}/{progress.total}", Tone.DIM) if progress.done and progress.total else BLANK
    return join((cell(phase), cell(percent, Tone.ACCENT), of_all, remote(progress.package, Tone.DIM)), " ")


def result_cell(task: Task) -> Cell:
    """What came of a task that is over, as far as a few words tell."""
    if task.fault is not None:
        return cell(" ".join(said(task.fault.message).split()), Tone.DIM)
    against = [fields[1].replace("_", " ") for fields in task.said if fields[:1] == ("concern",) and len(fields) > 1]
    if task.is_refused:
        return remote(", ".join(dict.fromkeys(against)), Tone.DIM)
    freed = [_freed(fields) for fields in task.said if fields[:1] == ("freed",) and len(fields) > 2]
    if freed:
        return cell(tr("freed {size}", size=size(sum(freed))), Tone.DIM)
    told = task.summary.strip()
    return remote(told, Tone.DIM) if told and told != f"{task.kind} {_name(task)}" else BLANK


def _freed(fields: Sequence[str]) -> int:
    """``freed PLACE BYTES``, or ``freed PLACE BEFORE AFTER …``: what was free before something went, and after."""
    if len(fields) > 3:
        return max(0, _number(fields[3]) - _number(fields[2]))
    return _number(fields[2])


def _number(text: str) -> int:
    return int(text[:18]) if text.isascii() and text.isdigit() else 0


def _progress(task: Task, progress: ProgressOf, now: float) -> Cell:
    return progress_cell(progress(task.host, task.id)) if task.state is TaskState.RUNNING else BLANK


def _age(task: Task, now: float) -> Cell:
    return cell(span(age_s(task, now)), Tone.DIM)


def _duration(task: Task, now: float) -> Cell:
    took = duration_s(task, now)
    return MISSING if took is None else cell(span(took), Tone.DIM if task.is_over else Tone.PLAIN)


def _took(task: Task) -> float | None:
    return None if task.started is None or task.ended is None else task.ended - task.started


def sums(tasks: Sequence[Task]) -> str:
    """``3 running, 1 failed, on 2 hosts``."""
    by_state = Counter(map(ending, tasks))
    counted = [f"{number} {words}" for words, number in by_state.most_common(4)]
    return tr(", ").join((*counted, trn("on {n} host", "on {n} hosts", len({task.host for task in tasks}))))


def _together(task: Task) -> GroupKey:
    return (f"{10**12 - int(task.created // TOGETHER_S):020d}", task.operator, task.kind, _name(task))


def _title_together(key: GroupKey | None, items: Sequence[Task]) -> Cell:
    """One line for what ended alike, and by name what did not."""
    usual, number = Counter(map(ending, items)).most_common(1)[0]
    odd = [task for task in items if ending(task) != usual]
    tone = next(_words(task)[1] for task in items if ending(task) == usual)
    words = [cell(tr("{n} {words}", n=number, words=usual), tone)]
    words += [cell(tr("{host}: {fault}", host=task.host, fault=ending(task)), Tone.WARN) for task in odd[:3]]
    if len(odd) > 3:
        words.append(cell(tr("and {n} more", n=len(odd) - 3), Tone.WARN))
    by = remote(items[0].operator, Tone.DIM)
    return join((name_cell(items[0]), by, *words))


def _title_host(key: GroupKey | None, items: Sequence[Task]) -> Cell:
    return join((cell(items[0].host, Tone.STRONG), cell(sums(items).rpartition(tr(", "))[0], Tone.DIM)))


GROUPINGS = (
    Grouping("together", phrase("what was begun together"), _together, _title_together, phrase("begun alone")),
    Grouping("host", phrase("host"), lambda task: (task.host,), _title_host),
)


def empty_note(views: Sequence[HostView], history_key: str) -> Note:
    """Why no tasks are listed."""
    if not views:
        return Note.of(tr("There are no hosts in the fleet yet"), tr("Run: condafleet hosts add NAME"))
    history = tr("{key} shows what this machine remembers of earlier ones", key=history_key)
    if all(known_time(view) is None for view in views):
        return Note.of(tr("No host was asked for its tasks yet"), tr("They are asked once they are up"), history)
    return Note.of(tr("No tasks on the hosts"), tr("Whatever changes a host runs there as a task"), history)


def named(task: Task) -> str:
    """``remove llm-old``, as plain text."""
    return plain(name_cell(task))
