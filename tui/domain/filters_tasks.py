"""What the filter of the tasks knows. Pure.

Fields: host kind target command operator state id age took. Flags behind ``is:``: live over waiting refused stale.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.domain.phrases import phrase
from tui.domain.query import Flag, Schema
from tui.domain.queryfields import age_field, choice_field, number_field, schema, text_field
from tui.domain.tasks import Task, TaskState
from tui.domain.text import printable

__all__ = ["TASKS", "TaskRow"]


@dataclass(slots=True, eq=False)
class TaskRow:
    """A task as its table shows it."""

    task: Task
    groups: tuple[str, ...] = ()
    """The groups of its host."""
    stale: bool = False
    """Its host could not be asked since."""
    said: str = ""
    """The words by which its table tells how it is."""
    _text: str | None = field(default=None, repr=False)

    @property
    def packages(self) -> None:
        """A task holds no packages."""
        return

    @property
    def text(self) -> str:
        """Host and id, kind, target, command, operator, summary, state; case-folded."""
        if self._text is None:
            task = self.task
            fault = "" if task.fault is None else task.fault.message
            parts = (f"{task.host}:{task.id}", task.kind, task.target, _command(self), task.operator, task.summary)
            words = "\n".join((*map(printable, parts), task.state.value, fault, self.said))
            self._text = words.casefold()
        return self._text


def _command(row: TaskRow) -> str:
    return " ".join(row.task.argv)


def _took(row: TaskRow) -> float | None:
    task = row.task
    return None if task.started is None or task.ended is None else max(0.0, task.ended - task.started) / 60


TASKS: Schema[TaskRow] = schema(
    (
        text_field("host", phrase("the host"), "host:gpu*", lambda row: row.task.host),
        text_field("kind", phrase("what it does"), "kind:remove", lambda row: printable(row.task.kind)),
        text_field("target", phrase("what it changes"), "target:*/llm", lambda row: printable(row.task.target)),
        text_field("command", phrase("what runs"), "command:mamba", lambda row: printable(_command(row))),
        text_field("operator", phrase("who asked for it"), "operator:ada", lambda row: printable(row.task.operator)),
        choice_field("state", phrase("how it is"), "state:failed", lambda row: row.task.state.value, tuple(TaskState)),
        text_field("id", phrase("its id"), "id:2026*", lambda row: row.task.id),
        age_field("age", phrase("time since it was asked for"), "age<1d", lambda row: row.task.created),
        number_field("took", phrase("how many minutes it ran"), "took>10", _took),
    ),
    {
        "live": Flag(phrase("it is not over"), lambda row: not row.task.is_over),
        "over": Flag(phrase("it is over"), lambda row: row.task.is_over),
        "waiting": Flag(phrase("it waits for another"), lambda row: row.task.state is TaskState.WAITING_LOCK),
        "refused": Flag(phrase("refused for safety"), lambda row: row.task.is_refused),
        "stale": Flag(phrase("its host could not be asked since"), lambda row: row.stale),
    },
)
