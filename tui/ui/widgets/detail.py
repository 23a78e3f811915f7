"""The detail pane: labelled lines, wrapped to its width, painted by line."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ui.present.cell import BLANK, Cell
from tui.ui.present.lines import Line, lay_out
from tui.ui.widgets.toned import Toned

__all__ = ["Detail"]

HEADER = 1


class Detail(Toned, ScrollView, can_focus=True):
    """Shows lines about one thing; stays where it is scrolled to while that thing's data is renewed."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"detail--title"}
    DEFAULT_CSS = """
    Detail {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .detail--title { background: $surface; }
        &:focus > .detail--title { background: $primary 45%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup,ctrl+b", "page_up", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "Top", show=False),
        Binding("end,G", "scroll_end", "End", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._key: Hashable | None = None
        self._title: Cell = BLANK
        self._lines: Sequence[Line] = ()
        self._wrapped: list[Cell] = []
        self._wrapped_for = -1

    def show(self, key: Hashable | None, title: Cell, lines: Sequence[Line]) -> None:
        """Show *lines* about the thing with *key*; *title* stays on top while the rest is scrolled."""
        if key != self._key:
            self._key = key
            self.scroll_to(y=0, animate=False, immediate=True)
        elif lines == self._lines and title == self._title:
            return
        self._title = title
        self._lines = lines
        self._wrapped_for = -1
        self._rewrap()
        self.refresh()

    @property
    def text(self) -> str:
        """What is shown, as plain lines."""
        return "\n".join("".join(part for part, _ in spans).rstrip() for spans in self._wrapped)

    def on_resize(self, event: events.Resize) -> None:
        before = self._wrapped
        self._rewrap()
        if self._wrapped is not before:
            self.refresh()  # the first painting, or one at the old width, may be done already

    def _rewrap(self) -> None:
        room = self.scrollable_content_region.width - 2
        if room != self._wrapped_for and room > 0:
            self._wrapped_for = room
            self._wrapped = [spans for line in self._lines for spans in lay_out(line, room)]
        self.set_extent(Size(max(0, room + 2), len(self._wrapped) + HEADER))

    def render_line(self, y: int) -> Strip:
        columns = self.scrollable_content_region.width
        if columns <= 2:
            return Strip.blank(max(0, columns), self.base())
        if y < HEADER:
            spans, over = self._title, "detail--title"
        else:
            place = y - HEADER + int(self.scroll_offset.y)
            spans, over = (self._wrapped[place] if place < len(self._wrapped) else BLANK), ""
        blank = self.base(over)
        return Strip([Segment(" ", blank), *self.segments(spans, over)]).adjust_cell_length(columns, blank)
