"""What the dialogs share that stand before something is done: names typed for what is guarded, and room to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.domain.text import printable
from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr
from tui.ui.present.cell import Cell, Tone, around, remote
from tui.ui.present.lines import Line
from tui.ui.widgets.toned import content

__all__ = ["NamesDialog"]

Answer = TypeVar("Answer")
LEAST_LINES = 3


class NamesDialog(Dialog[Answer]):
    """A dialog below whose lines the name of each guarded thing is asked for; a name typed wrong counts as none.

    Enter in a field starts nothing. A subclass answers a press of the button ``#go``.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup,ctrl+b", "scroll(-8)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "scroll(8)", "Page down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, title: Cell, lines: Iterable[Line], guarded: Sequence[tuple[str, str]]) -> None:
        """*guarded*: host and name, raw, of each thing whose name is asked for."""
        super().__init__(title, lines)
        self._names = tuple(guarded)

    def typed(self, place: int) -> bool:
        """Whether the name of that guarded thing stands in its field."""
        field = self.query(f"#name-{place}")
        return bool(field) and field.first(Input).value.strip() == printable(self._names[place][1]).strip()

    def fields(self) -> Iterable[Widget]:
        with VerticalScroll(id="names", can_focus=False) as names:
            names.display = bool(self._names)
            for place, (host, name) in enumerate(self._names):
                ask = tr("Type {name} to do it in spite of that ({host}):", host=host)
                yield Static(content(around(ask, "name", remote(name, Tone.ACCENT))))
                yield Input(id=f"name-{place}", compact=True)

    def on_mount(self) -> None:
        self.fit()

    def on_resize(self) -> None:
        self.fit()

    def say(self, title: Cell, lines: Iterable[Line]) -> None:
        super().say(title, lines)
        self.fit()

    def fit(self) -> None:
        """Give the lines all the room that the rest of the box leaves, so that the buttons are always seen.

        Textual counts no limit but one in cells when it decides how high the box is.
        """
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        box, text = self.query_one("#box"), self.query_one("#text")
        others = [each.virtual_region_with_margin for each in box.displayed_children if each is not text]
        below = max((each.bottom for each in others), default=0) - text.virtual_region.bottom
        room = self.size.height * 94 // 100 - box.gutter.height
        text.styles.max_height = max(LEAST_LINES, room - text.virtual_region.y - max(0, below))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Enter in a field goes on to the next."""
        self.app.action_focus_next()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing of it."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Through what does not fit."""
        self.query_one("#text", VerticalScroll).scroll_relative(y=lines, animate=False)
