"""Mode Tasks: every change that runs, or ran, on a host, whoever asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import ClassVar, cast

from textual.binding import BindingType
from textual.timer import Timer

from tui.domain import filters_tasks
from tui.domain.errors import HostFaultError
from tui.domain.phrases import phrase
from tui.domain.tasks import Task
from tui.services.store import HostView
from tui.services.tasks import CancelAnswer
from tui.ui.catalog import COMMANDS, TASKS
from tui.ui.commands import bindings
from tui.ui.dialogs.confirm import ConfirmDialog
from tui.ui.language import said, tr, trn
from tui.ui.present import task_detail, tasks
from tui.ui.present.cell import Cell, Tone, cell, join
from tui.ui.present.faults import fault_tone
from tui.ui.present.lines import Line, blank, item, words
from tui.ui.present.table import Note, Row
from tui.ui.screens.table import TableScreen
from tui.ui.tasklogs import TaskKey, find_task

__all__ = ["TasksScreen"]

REST_S = 0.3
"""A log is read once the cursor has rested so long on its task."""
TAIL = 14
"""So many lines of the log are in the detail."""
NAMED = 12

ANSWERS: dict[CancelAnswer, str] = {
    CancelAnswer.ASKED: phrase("Its end was asked for: {name}"),
    CancelAnswer.ENDED: phrase("It was over before: {name}"),
    CancelAnswer.LOST: phrase("It was gone already, nothing was signalled: {name}"),
    CancelAnswer.GONE: phrase("Its host knows it no more: {name}"),
    CancelAnswer.UNKNOWN: phrase("Its processes can't be told for certain, nothing was signalled: {name}"),
}


class TasksScreen(TableScreen):
    """A row is known by (host, id)."""

    MODE = TASKS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, TASKS)]
    COLUMNS = tasks.COLUMNS
    SCHEMA = filters_tasks.TASKS
    PARTS = ()
    GROUPINGS = tasks.GROUPINGS
    FIELDS = phrase("words, or fields: host:gpu* kind:remove state:failed is:live age<1d")

    _resting: Timer | None = None

    def counted(self, number: int) -> str:
        return trn("{n} task", "{n} tasks", number)

    def made_of(self, view: HostView) -> tuple[object, ...]:
        return (view.tasks,)

    def rows_of(self, view: HostView) -> list[Row]:
        return tasks.rows(view, self.fleet.tasks.progress)

    def note(self, views: Sequence[HostView]) -> Note:
        return tasks.empty_note(views, self.app.key_of("task_history"))

    def host_of(self, key: Hashable) -> str:
        return cast("TaskKey", key)[0]

    def selector_of(self, key: Hashable) -> str:
        return cast("TaskKey", key)[1]

    def sum_of(self, keys: Sequence[Hashable]) -> str:
        return tasks.sums(self._tasks(keys))

    def status(self) -> Cell:
        views = self.fleet.store.hosts()
        known = [task for view in views for task in tasks.known(view)]
        living = sum(not task.is_over for task in known)
        text = self.counted(len(known))
        if living:
            text = tr("{things}, {living} under way", things=text, living=living)
        faults = [(view, fault) for view in views if (fault := tasks.fault_of(view)) is not None]
        return join(
            (
                cell(text, Tone.DIM),
                *(cell(" ".join(said(fault.message).split()), fault_tone(fault)) for _, fault in faults[:2]),
            ),
            " · ",
        )

    # The detail

    def _tasks(self, keys: Sequence[Hashable]) -> list[Task]:
        found = (find_task(self.fleet, cast("TaskKey", key)) for key in keys)
        return [task for task in found if task is not None]

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        task = find_task(self.fleet, cast("TaskKey", key))
        if task is None:
            return None
        self._want_soon(cast("TaskKey", key))
        logs = self.app.task_logs
        log = logs.get(cast("TaskKey", key))
        lines = task_detail.detail(
            task,
            self.fleet.store.host(task.host),
            self.app.now(),
            progress=self.fleet.tasks.progress(task.host, task.id),
            outcome=logs.outcome(cast("TaskKey", key)),
            tail=() if log is None else log.screen.tail(TAIL),
            log_fault=None if log is None else log.fault,
            log_key=self.app.key_of("task_log"),
        )
        return join((tasks.name_cell(task), cell(tr("on {host}", host=task.host), Tone.DIM))), lines

    def group_detail(self, keys: Sequence[Hashable]) -> list[Line]:
        return task_detail.group(self._tasks(keys))

    def _want_soon(self, key: TaskKey) -> None:
        log = self.app.task_logs.get(key)
        if log is not None and (log.follower is not None or log.ended or log.fault is not None):
            return
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST_S, partial(self._want, key))

    def _want(self, key: TaskKey) -> None:
        if self.app.front() is self and self.row_key == key and self.app.in_front.is_set():
            self.app.task_logs.want(key)

    def on_screen_suspend(self) -> None:
        """Somebody else is in front: a log that is not looked at is not followed."""
        if self.app.front_mode() is not self:
            self.app.task_logs.rest()

    # Verbs

    def refresh_rows(self, keys: Sequence[Hashable]) -> None:
        """Look again at the tasks of these rows' hosts."""
        self.fleet.tasks.refresh(self.hosts_of(keys))
        super().refresh_rows(keys)

    def action_refresh_all(self) -> None:
        """Look again at the tasks of all hosts."""
        self.fleet.tasks.refresh()
        super().action_refresh_all()

    def action_task_log(self) -> None:
        """The whole log of the row's task."""
        if (key := self.row_key) is not None:
            self.app.show_task_log(cast("TaskKey", key))

    def action_copy_command(self) -> None:
        """Copy the command lines of the marked tasks, or of this one."""
        texts = [task_detail.command_text(task) for task in self._tasks(self.targets())]
        if texts:
            self.app.copy_to_clipboard("\n".join(texts))
            self.app.tell(trn("Copied {n} command", "Copied {n} commands", len(texts)))

    def action_task_history(self) -> None:
        """What tasks did, as this machine remembers it."""
        self.app.show_task_history()

    def action_cancel_task(self) -> None:
        """End the marked tasks, or this one."""
        self.cancel_rows(self.targets())

    def cancel_rows(self, keys: Sequence[Hashable]) -> None:
        """Ask for the end of those of *keys* that are not over, once the person has said yes."""
        living = [task for task in self._tasks(keys) if not task.is_over and not task.cancelling]
        if not living:
            self.app.tell(tr("None of it is under way"))
            return
        title = cell(trn("Cancel {n} task?", "Cancel {n} tasks?", len(living)))
        lines = [
            words(tr("It is interrupted, then terminated, then killed. What it has changed by then stays changed:")),
            *self._victims(living),
        ]
        self._confirm(title, lines, tr("Cancel it"), partial(self._cancel, living))

    def action_purge_tasks(self) -> None:
        """Clear away the marked tasks that are over, or this one."""
        self.purge_rows(self.targets())

    def purge_rows(self, keys: Sequence[Hashable]) -> None:
        """Have the hosts forget those of *keys* that are over, once the person has said yes."""
        over = [task for task in self._tasks(keys) if task.is_over]
        if not over:
            self.app.tell(tr("None of it is over yet"))
            return
        title = cell(trn("Clear away {n} task?", "Clear away {n} tasks?", len(over)))
        lines = [
            words(tr("Its host forgets it and its log. What it did stays done, and in the history of this machine:")),
            *self._victims(over),
        ]
        self._confirm(title, lines, tr("Clear away"), partial(self._purge, over))

    def _victims(self, chosen: Sequence[Task]) -> list[Line]:
        shown = set(self.shown_keys())
        lines = [blank()]
        for task in chosen[:NAMED]:
            out_of_sight = (task.host, task.id) not in shown
            hidden = cell(tr("hidden by the filter"), Tone.WARN) if out_of_sight else ()
            lines.append(item(join((tasks.name_cell(task), cell(task.host), tasks.state_cell(task), hidden))))
        if len(chosen) > NAMED:
            lines.append(words(tr("and {n} more", n=len(chosen) - NAMED), Tone.WARN))
        return lines

    def _confirm(self, title: Cell, lines: Sequence[Line], verb: str, do: Callable[[], None]) -> None:
        def answered(wanted: bool | None) -> None:
            if wanted:
                do()

        self.app.push_screen(ConfirmDialog(title, lines, verb), answered)

    def _cancel(self, chosen: Sequence[Task]) -> None:
        for task in chosen:
            self.app.launch(partial(self._cancel_one, task), phrase("cancel a task"))

    async def _cancel_one(self, task: Task) -> None:
        answer = await self.fleet.tasks.cancel(task.host, task.id)
        name = tr("{things} {where}", things=tasks.named(task), where=tr("on {host}", host=task.host))
        self.app.tell(
            tr(ANSWERS[answer], name=name), severity="information" if answer is CancelAnswer.ASKED else "warning"
        )

    def _purge(self, chosen: Sequence[Task]) -> None:
        self.app.launch(partial(self._purge_all, chosen), phrase("clear tasks away"))

    async def _purge_all(self, chosen: Sequence[Task]) -> None:
        by_host: dict[str, list[str]] = {}
        for task in chosen:
            by_host.setdefault(task.host, []).append(task.id)
        gone = await asyncio.gather(
            *(self.fleet.tasks.purge(host, ids) for host, ids in by_host.items()), return_exceptions=True
        )
        self.marks.drop([(task.host, task.id) for task in chosen])
        number = sum(len(each) for each in gone if isinstance(each, tuple))
        self.app.tell(trn("{n} task cleared away", "{n} tasks cleared away", number))
        for each in gone:
            if isinstance(each, BaseException):
                if isinstance(each, HostFaultError) and len(by_host) > 1:
                    self.app.warn(said(each.message))
                else:
                    raise each
