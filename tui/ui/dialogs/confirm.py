"""A plain question before something is done; the harmless answer has the focus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Button

from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr
from tui.ui.present.cell import Cell
from tui.ui.present.lines import Line

__all__ = ["ConfirmDialog"]


class ConfirmDialog(Dialog[bool]):
    """Returns whether the person wants it. *verb* is what its button says."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, title: Cell, lines: Iterable[Line], verb: str) -> None:
        super().__init__(title, lines)
        self._verb = verb

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Leave it"), id="cancel", compact=True)
        yield Button(self._verb, id="go", variant="error", compact=True)

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(True)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Not wanted."""
        self.dismiss(False)

    def action_scroll(self, lines: int) -> None:
        """Through what does not fit."""
        self.query_one("#text", VerticalScroll).scroll_relative(y=lines, animate=False)
