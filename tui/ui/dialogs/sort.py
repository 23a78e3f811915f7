"""Which column to sort by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from tui.ui.dialogs.base import Dialog
from tui.ui.language import said, tr
from tui.ui.present.cell import cell
from tui.ui.present.table import Column, Sort
from tui.ui.widgets.toned import content

__all__ = ["SortDialog"]


class SortDialog(Dialog[str | None]):
    """Returns the column's id, "" for the order at first, None when the person left it as it was."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step('up')", "Up", show=False, priority=True),
        Binding("down,j", "step('down')", "Down", show=False, priority=True),
        Binding("q,o", "cancel", "Close", show=False),
    ]

    def __init__(self, columns: Sequence[Column], sort: Sort | None) -> None:
        super().__init__(cell(tr("Sort by")), ())
        self._columns = columns
        self._sort = sort

    def fields(self) -> Iterable[Widget]:
        options = [Option(content(cell(self._title(column))), id=column.id) for column in self._columns]
        choice = OptionList(*options, Option(content(cell(tr("as configured"))), id="-"), compact=True)
        now = next(
            (place for place, each in enumerate(self._columns) if self._sort and each.id == self._sort.column), 0
        )
        choice.highlighted = now
        yield choice

    def _title(self, column: Column) -> str:
        title = said(column.title)
        if self._sort is None or column.id != self._sort.column:
            return title
        return (
            tr("{column} ↓ again: ↑", column=title) if self._sort.falling else tr("{column} ↑ again: ↓", column=title)
        )

    def buttons(self) -> Iterable[Button]:
        return ()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        name = str(event.option_id)
        self.dismiss("" if name == "-" else name)

    def action_step(self, way: str) -> None:
        """Up or down in the list."""
        choice = self.query_one(OptionList)
        choice.action_cursor_up() if way == "up" else choice.action_cursor_down()
