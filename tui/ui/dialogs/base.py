"""What dialogs look like: a titled box over a dimmed screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.domain.phrases import phrase
from tui.ui.language import said, tr
from tui.ui.present.cell import Cell
from tui.ui.present.lines import Line, lay_out
from tui.ui.widgets.toned import content

__all__ = ["DEAF_S", "Dialog"]

Answer = TypeVar("Answer")


WIDTH = 70
"""Columns of text in a box; less on a narrow screen."""
DEAF_S = 0.5
"""A dialog that nobody called for takes no key before the keys have been still for so long, in seconds."""
WAITS = phrase("takes keys in a moment")


class Dialog(ModalScreen[Answer]):
    """A box with a title, lines, perhaps fields, and buttons. Esc is the harmless answer.

    One that comes up by itself is shown with :meth:`deafen`: whoever is typing at that moment means something else,
    and must neither answer it nor leave half a word in its field.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left,up", "app.focus_previous", "Back", show=False),
        Binding("right,down", "app.focus_next", "On", show=False),
    ]

    def __init__(self, title: Cell, lines: Iterable[Line]) -> None:
        super().__init__()
        self._head = title
        self._lines = tuple(lines)
        self._deaf_s = 0.0
        self._deaf: Timer | None = None

    def deafen(self, seconds: float) -> None:
        """Once shown, take no key and no click before no key was pressed for *seconds*. To be called before."""
        self._deaf_s = seconds

    def on_mount(self) -> None:
        if self._deaf_s > 0:
            box = self.query_one("#box")
            box.disabled = True
            box.border_subtitle = said(WAITS)
            self._deaf = self.set_timer(self._deaf_s, self.listen)

    def listen(self) -> None:
        """Take keys from now on."""
        if self._deaf is None:
            return
        self._deaf.stop()
        self._deaf = None
        box = self.query_one("#box")
        box.disabled = False
        box.border_subtitle = ""
        first = self.query(self.AUTO_FOCUS or "#box *")
        if first:
            self.set_focus(first.first())

    @property
    def deaf(self) -> bool:
        """True while keys are not taken."""
        return self._deaf is not None

    def on_key(self, event: events.Key) -> None:
        """What is typed blindly goes nowhere, and puts off the moment from which keys count."""
        if self._deaf is not None:
            event.stop()
            event.prevent_default()
            self._deaf.reset()

    def on_paste(self, event: events.Paste) -> None:
        if self._deaf is not None:
            event.stop()
            self._deaf.reset()

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(content(self._head), id="title")
            with VerticalScroll(id="text", can_focus=False):
                yield Static(self._laid_out())
            yield from self.fields()
            with Horizontal(id="buttons"):
                yield from self.buttons()

    def _laid_out(self) -> Content:
        room = min(WIDTH, self.app.size.width * 96 // 100 - 8)
        return Content("\n").join(content(spans) for line in self._lines for spans in lay_out(line, room))

    def say(self, title: Cell, lines: Iterable[Line]) -> None:
        """Another title, and other lines."""
        self._lines = tuple(lines)
        self.query_one("#title", Static).update(content(title))
        self.query_one("#text", VerticalScroll).query_one(Static).update(self._laid_out())

    def fields(self) -> Iterable[Widget]:
        """What is typed into; nothing unless a dialog says so."""
        return ()

    def buttons(self) -> Iterable[Button]:
        """The answers; the first is the harmless one."""
        yield Button(tr("Close"), id="close", compact=True)

    def action_cancel(self) -> None:
        """The harmless answer."""
        self.dismiss(None)
