"""View History of tasks: what was done, by whom, where, with which result, as this machine remembers it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, cast

from textual.binding import BindingType

from tui.domain.errors import CondafleetError
from tui.domain.phrases import phrase
from tui.domain.taskhistory import TaskRecord
from tui.services.fleet import FleetApi, TerminalPlan
from tui.ui.catalog import COMMANDS, TASK_HISTORY
from tui.ui.commands import bindings
from tui.ui.language import said, tr, trn
from tui.ui.present import task_records
from tui.ui.present.cell import Cell, Tone, cell
from tui.ui.present.table import Note, natural_widths
from tui.ui.screens.listing import Gathered
from tui.ui.screens.view import ViewScreen

__all__ = ["TaskHistoryScreen"]


class TaskHistoryScreen(ViewScreen):
    """A row is known by (host, id)."""

    MODE = TASK_HISTORY
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, TASK_HISTORY)]
    COLUMNS = task_records.COLUMNS
    FIELDS = phrase("words: a host, a name, a person, failed")

    def __init__(self, fleet: FleetApi) -> None:
        super().__init__(fleet)
        self._records: tuple[TaskRecord, ...] | None = None
        self._problem = ""

    def counted(self, number: int) -> str:
        return trn("{n} task", "{n} tasks", number)

    def crumbs(self) -> Cell:
        return self.headline(tr("Tasks"), tr("History"))

    async def gather(self) -> Gathered:
        if self._records is None:
            try:
                self._records = await self.fleet.tasks.history()
            except CondafleetError as error:
                self._records, self._problem = (), said(error.message)
        rows = task_records.rows(self._records)
        note = Note.of(tr("No task is remembered yet"), tr("Esc goes back"))
        if self._problem:
            note = Note.of(tr("The history can't be read"), self._problem, tr("Esc goes back"), tone=Tone.WARN)
        return Gathered(rows, natural_widths(self.COLUMNS, rows), note, id(self._records))

    def status(self) -> Cell:
        return cell(tr("As this machine saw them end; their hosts keep the logs for a while"), Tone.DIM)

    def selector_of(self, key: Hashable) -> str:
        return cast("tuple[str, str]", key)[1]

    def sum_of(self, keys: list[Hashable]) -> str:  # type: ignore[override]  # the marks, always as a list
        return trn("on {n} host", "on {n} hosts", len({cast("tuple[str, str]", key)[0] for key in keys}))

    def action_detail(self) -> None:
        """To the task on its host, where that keeps it."""
        if (key := self.row_key) is not None:
            self.app.show_task(cast("tuple[str, str]", key))

    def action_shell(self) -> None:
        """A login shell on the row's host."""
        if (key := self.row_key) is not None:
            self.app.open_terminal(TerminalPlan(cast("tuple[str, str]", key)[0], None))
