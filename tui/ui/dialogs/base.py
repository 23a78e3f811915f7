"""What dialogs look like: a titled box over a dimmed screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.ui.present.cell import Cell
from tui.ui.present.lines import Line, lay_out
from tui.ui.widgets.toned import content

__all__ = ["Dialog"]

Answer = TypeVar("Answer")


WIDTH = 70
"""Columns of text in a box; less on a narrow screen."""


class Dialog(ModalScreen[Answer]):
    """A box with a title, lines, perhaps fields, and buttons. Esc is the harmless answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left,up", "app.focus_previous", "Back", show=False),
        Binding("right,down", "app.focus_next", "On", show=False),
    ]

    def __init__(self, title: Cell, lines: Iterable[Line]) -> None:
        super().__init__()
        self._head = title
        self._lines = tuple(lines)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(content(self._head), id="title")
            with VerticalScroll(id="text", can_focus=False):
                room = min(WIDTH, self.app.size.width * 96 // 100 - 8)
                laid_out = [content(spans) for line in self._lines for spans in lay_out(line, room)]
                yield Static(Content("\n").join(laid_out))
            yield from self.fields()
            with Horizontal(id="buttons"):
                yield from self.buttons()

    def fields(self) -> Iterable[Widget]:
        """What is typed into; nothing unless a dialog says so."""
        return ()

    def buttons(self) -> Iterable[Button]:
        """The answers; the first is the harmless one."""
        yield Button("Close", id="close", compact=True)

    def action_cancel(self) -> None:
        """The harmless answer."""
        self.dismiss(None)
