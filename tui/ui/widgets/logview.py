"""A log as it grows: wrapped to the width, in its colours, at its end until somebody looks further up."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ui.present.logscreen import Ink, LogScreen
from tui.ui.widgets.toned import Toned

__all__ = ["LogView"]


class LogView(Toned, ScrollView, can_focus=True):
    """Shows a :class:`LogScreen` that somebody else feeds; :meth:`grew` is to be called after that."""

    DEFAULT_CSS = """
    LogView { overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup,ctrl+b", "page_up", "Page up", show=False),
        Binding("pagedown,ctrl+f,space", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "Top", show=False),
        Binding("end,G", "follow", "End", show=False),
    ]

    class Moved(Message):
        """It follows the end from now on, or no longer."""

    def __init__(self, log: LogScreen, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown = log
        self.following = True
        """Whether the end stays in sight."""
        self._starts: list[tuple[int, int]] = []
        """For each terminal line, the line of the log and the column that it begins with."""
        self._first: list[int] = []
        """The terminal line that each line of the log begins on."""
        self._room = 0
        self._forgotten = 0

    def grew(self) -> None:
        """The log has changed."""
        self._wrap()
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        if self.scrollable_content_region.width != self._room:
            self.grew()
        elif self.following:
            self._to_end()

    def _wrap(self) -> None:
        room = self.scrollable_content_region.width
        if room < 2:
            return
        log = self.shown
        anew = room != self._room or log.forgotten != self._forgotten
        self._room, self._forgotten = room, log.forgotten
        kept = 0 if anew else min(log.changed_from, len(self._first))
        del self._starts[self._first[kept] if kept < len(self._first) else len(self._starts) :]
        del self._first[kept:]
        for index in range(kept, len(log)):
            self._first.append(len(self._starts))
            self._starts += [(index, start) for start in log.breaks(index, room)]
        log.changed_from = len(log)
        self.set_extent(Size(room, self._lines_shown()))
        if self.following:
            self._to_end()

    def _lines_shown(self) -> int:
        """The terminal lines; an empty last line of the log is none yet."""
        ends_empty = bool(self._starts) and not self.shown.width(len(self.shown) - 1)
        return len(self._starts) - ends_empty

    def _to_end(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        at_end = new_value >= self.max_scroll_y
        if new_value < old_value and not at_end and self.following:
            self.following = False
            self.post_message(self.Moved())
        elif at_end and not self.following:
            self.following = True
            self.post_message(self.Moved())

    def action_follow(self) -> None:
        """To the end, and stay there."""
        self.following = True
        self._to_end()
        self.post_message(self.Moved())

    def render_line(self, y: int) -> Strip:
        place = y + int(self.scroll_offset.y)
        base = self.base()
        columns = self.scrollable_content_region.width
        if not 0 <= place < min(len(self._starts), self._lines_shown()):
            return Strip.blank(columns, base)
        index, start = self._starts[place]
        segments: list[Segment] = []
        text, ink = "", None
        stop = self._starts[place + 1][1] if self._starts[place + 1 : place + 2] else 0
        for char, its in self.shown.cells(index, start, stop if stop > start else start + self._room):
            if its is not ink and its != ink:
                if text:
                    segments.append(Segment(text, base + _style(ink)))
                text, ink = "", its
            text += char
        if text:
            segments.append(Segment(text, base + _style(ink)))
        return Strip(segments).adjust_cell_length(columns, base)


@lru_cache(maxsize=1024)
def _style(ink: Ink | None) -> Style:
    if ink is None:
        return Style.null()
    return Style(
        color=_colour(ink.front),
        bgcolor=_colour(ink.back),
        bold=ink.bold or None,
        dim=ink.dim or None,
        italic=ink.italic or None,
        underline=ink.underline or None,
        reverse=ink.reverse or None,
    )


def _colour(colour: int | tuple[int, int, int] | None) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)
