"""The table: keyed rows painted by line, so that thousands of rows cost what is on the screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ui.present.cell import Cell, Tone, cell, fit, fit_within, wrap
from tui.ui.present.table import GAP, Column, Note, Row, fit_columns
from tui.ui.widgets.toned import Toned

__all__ = ["Grid"]

HEADER = 1
LEFT = 2
"""Blank columns on the left, where a marked row has its sign."""
MARKED = "✓"
PAINTED = 1000
"""So many lines are kept as they were painted."""


class Grid(Toned, ScrollView, can_focus=True):
    """A table whose cursor and scroll position belong to a row's key, not to its place.

    Rows are given whole by :meth:`set_rows`, with the widths that their cells would like; only lines
    on the screen are painted. Live cells are called with :attr:`now` at each painting.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"grid--cursor", "grid--cursor-blurred", "grid--head", "grid--marked"}
    DEFAULT_CSS = """
    Grid {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        & > .grid--cursor { background: $primary 45%; }
        & > .grid--cursor-blurred { background: $boost; }
        & > .grid--head { background: $panel 60%; }
        & > .grid--marked { background: $accent 14%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Row up", show=False),
        Binding("down,j", "cursor(1)", "Row down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "first", "First row", show=False),
        Binding("end,G", "last", "Last row", show=False),
    ]

    class Highlighted(Message):
        """The cursor is on another row, or on none."""

        def __init__(self, grid: Grid, key: Hashable | None) -> None:
            super().__init__()
            self.grid = grid
            self.key = key

    class Scrolled(Message):
        """Other rows are on the screen."""

    class SortWanted(Message):
        """A click on the title of a column."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class MarkWanted(Message):
        """A click on the sign of a row, or one with Ctrl held: mark it. With *reach*: all from the last mark to it."""

        def __init__(self, key: Hashable, reach: bool) -> None:
            super().__init__()
            self.key = key
            self.reach = reach

    class Selected(Message):
        """A double click on a row, or a click on the head of a group."""

        def __init__(self, grid: Grid, key: Hashable) -> None:
            super().__init__()
            self.grid = grid
            self.key = key

    def __init__(self, columns: Sequence[Column], now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.columns = tuple(columns)
        self.now = now
        """Gives the time (Unix seconds) that live cells are painted for."""
        self.marked: Collection[Hashable] = ()
        """The keys of the marked rows; whoever changes it repaints."""
        self._rows: list[Row] = []
        self._index: dict[Hashable, int] = {}
        self._cursor = 0
        self._moved = False
        self._natural: Sequence[int] = [0] * len(self.columns)
        self._widths: list[int] = [0] * len(self.columns)
        self._fitted_for = -1
        self._note: Note | None = None
        self._told: Hashable | None = None
        self._painted: dict[tuple[object, ...], Strip] = {}

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as shown."""
        return self._rows

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor; None in an empty table."""
        return self._rows[self._cursor].key if self._rows else None

    @property
    def cursor_item(self) -> Row | None:
        """The row under the cursor; None in an empty table."""
        return self._rows[self._cursor] if self._rows else None

    @property
    def cursor_row(self) -> int:
        """The place of the cursor among the rows."""
        return self._cursor

    @property
    def widths(self) -> Sequence[int]:
        """What each column got at the present size; 0 for one that was dropped."""
        return self._widths

    def visible_rows(self) -> Sequence[Row]:
        """The rows on the screen."""
        top = int(self.scroll_offset.y)
        return self._rows[top : top + max(0, self.size.height - HEADER)]

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other titles, or other columns; rows that fit them are to follow."""
        if tuple(columns) == self.columns:
            return
        self.columns = tuple(columns)
        if len(self._natural) != len(self.columns):
            self._rows, self._index = [], {}
            self._natural = [0] * len(self.columns)
        self._fit()
        self.refresh()

    def set_rows(
        self,
        rows: list[Row],
        natural: Sequence[int],
        note: Note | None = None,
        places: dict[Hashable, int] | None = None,
    ) -> None:
        """Show *rows*, whose columns would like to be *natural* wide; *note* is shown when there are none.
        *places*: where each row is, by its key, if the caller knows.

        The cursor stays on its row, and the row stays where it is on the screen; so does the first row on the
        screen when the cursor was scrolled out of it. When a row is gone the nearest row after it that is left
        takes its place. Until a person moves it, the cursor is on the first row.
        """
        before, cursor, top = self._rows, self._cursor, int(self.scroll_offset.y)
        cursor_seen = top <= cursor < top + self.size.height - HEADER
        anchor = cursor if cursor_seen else top
        self._rows = rows
        self._index = {row.key: place for place, row in enumerate(rows)} if places is None else places
        self._note = note
        self._cursor = self._place_after(before, cursor) if self._moved else 0
        if list(natural) != list(self._natural):
            self._natural = list(natural)
            self._fit()
        self._set_extent()
        if self._moved or not cursor_seen:
            self._put_top(self._place_after(before, anchor) - (anchor - top))
        if cursor_seen:
            self._show_cursor()
        self._tell()
        self.refresh()

    def _place_after(self, before: Sequence[Row], place: int) -> int:
        """Where the row at *place* of the rows *before* is now, or the nearest one that is left."""
        for row in before[place:]:
            if row.key in self._index:
                return self._index[row.key]
        for row in reversed(before[:place]):
            if row.key in self._index:
                return self._index[row.key]
        return max(0, min(place, len(self._rows) - 1))

    def move_to(self, key: Hashable) -> bool:
        """Put the cursor on the row with *key*; False when there is none."""
        place = self._index.get(key)
        if place is None:
            return False
        self._move(place)
        return True

    def repaint_live(self) -> None:
        """Paint again what depends on the time."""
        if self._rows:
            self.refresh()

    # Keys and mouse

    def action_cursor(self, step: int) -> None:
        self._move(self._cursor + step)

    def action_page(self, step: int) -> None:
        self._move(self._cursor + step * max(1, self.size.height - HEADER - 1))

    def action_first(self) -> None:
        self._move(0)

    def action_last(self) -> None:
        self._move(len(self._rows) - 1)

    def on_click(self, event: events.Click) -> None:
        if event.y < HEADER:
            if (column := self._column_at(int(event.x))) is not None and column.sortable:
                self.post_message(self.SortWanted(column.id))
            return
        place = int(event.y) - HEADER + int(self.scroll_offset.y)
        if not 0 <= place < len(self._rows):
            return
        row = self._rows[place]
        if not row.head and (event.ctrl or event.shift or event.x < LEFT):
            self.post_message(self.MarkWanted(row.key, event.shift))
        self._move(place)
        if event.chain == 2 or (row.head and event.x < LEFT + 2):
            self.post_message(self.Selected(self, row.key))

    def _column_at(self, x: int) -> Column | None:
        left = LEFT
        for column, size in zip(self.columns, self._widths, strict=True):
            if size and left <= x < left + size:
                return column
            left += size + GAP if size else 0
        return None

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if int(old_value) != int(new_value):
            self.post_message(self.Scrolled())

    def _move(self, place: int) -> None:
        if not self._rows:
            return
        self._moved = True
        old, self._cursor = self._cursor, max(0, min(len(self._rows) - 1, place))
        self._show_cursor()
        for changed in {old, self._cursor}:
            self.refresh(Region(0, changed - int(self.scroll_offset.y) + HEADER, self.size.width, 1))
        self._tell()

    def _tell(self) -> None:
        key = self.cursor_key
        if key != self._told:
            self._told = key
            self.post_message(self.Highlighted(self, key))

    # Geometry

    def on_resize(self, event: events.Resize) -> None:
        self._fit()
        self._set_extent()
        self._show_cursor()
        self.refresh()

    def _fit(self) -> None:
        self._fitted_for = self.scrollable_content_region.width
        self._painted.clear()
        self._widths = fit_columns(self.columns, self._natural, self._fitted_for - LEFT)

    def _set_extent(self) -> None:
        self.set_extent(Size(self.scrollable_content_region.width, len(self._rows) + HEADER))

    def _show_cursor(self) -> None:
        lines = self.size.height - HEADER
        top = int(self.scroll_offset.y)
        if lines < 1:
            return
        if self._cursor < top:
            self._put_top(self._cursor)
        elif self._cursor >= top + lines:
            self._put_top(self._cursor - lines + 1)

    def _put_top(self, top: int) -> None:
        top = max(0, min(top, len(self._rows) + HEADER - self.size.height))
        if top != int(self.scroll_offset.y):
            self.scroll_to(y=top, animate=False, immediate=True)

    # Painting

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if width <= 0:
            return Strip.blank(self.size.width, self.base())
        if not self._rows and self._note is not None:
            return self._note_line(self._note, y, width)
        if width != self._fitted_for:  # the scrollbar came or went
            self._fit()
        if y < HEADER:
            return self._line([cell(column.title, Tone.TITLE) for column in self.columns], width)
        place = y - HEADER + int(self.scroll_offset.y)
        if place >= len(self._rows):
            return Strip.blank(width, self.base())
        return self._row_line(self._rows[place], place, width)

    def render_lines(self, crop: Region) -> list[Strip]:
        """As any widget's, but a line that was painted before is the same object, for which all is worked out."""
        if self.styles.gutter or self.styles.tint.a or self.opacity != 1:
            return super().render_lines(crop)
        self.forget_tones()
        filters, background = self.get_line_filters(), self.background_colors[1]
        whole, blank = self.region.width, self.base()
        strips = []
        for y in crop.line_range:
            strip = self.render_line(y)
            if strip.cell_length != whole:
                strip = strip.adjust_cell_length(whole, blank)
            for each in filters:
                strip = strip.apply_filter(each, background)
            strips.append(strip if crop.column_span == (0, whole) else strip.crop(*crop.column_span))
        return strips

    def notify_style_update(self) -> None:
        """Colours changed."""
        super().notify_style_update()
        self._painted.clear()

    def _row_line(self, row: Row, place: int, width: int) -> Strip:
        marked = row.key in self.marked
        over = "grid--head" if row.head else "grid--marked" if marked else ""
        if place == self._cursor:
            over = "grid--cursor" if self.has_focus else "grid--cursor-blurred"
        now = self.now()
        live = tuple([each(now) for each in row.cells if callable(each)])
        known = (row, over, marked, width, live)
        strip = self._painted.get(known)
        if strip is None:
            if len(self._painted) >= PAINTED:
                self._painted.clear()
            strip = self._painted[known] = self._new_line(row, over, marked, width, live)
        return strip

    def _new_line(self, row: Row, over: str, marked: bool, width: int, live: Sequence[Cell]) -> Strip:
        if row.head:
            paths = [place for place, (text, _) in enumerate(row.head) if text.startswith("/")]
            head = fit_within(row.head, width, paths[0]) if paths else fit(row.head, width)
            return Strip(self.segments(head, over), width).adjust_cell_length(width, self.base(over))
        lively = iter(live)
        cells = [next(lively) if callable(each) else each for each in row.cells]
        return self._line(cells, width, over, MARKED if marked else "")

    def _line(self, cells: Sequence[Cell], width: int, over: str = "", sign: str = "") -> Strip:
        blank = self.base(over)
        segments: list[Segment] = [*self.segments(fit(cell(sign, Tone.ACCENT), LEFT), over)]
        used = LEFT
        for column, size, spans in zip(self.columns, self._widths, cells, strict=True):
            if not size:
                continue
            if used > LEFT:
                segments.append(Segment(" " * GAP, blank))
                used += GAP
            fitted = (
                fit_within(spans, size, -1) if column.last else fit(spans, size, right=column.right, end=column.end)
            )
            segments += self.segments(fitted, over)
            used += size
        # Painting costs by the piece, and of what a line is made of nearly half are blanks beside blanks.
        return Strip(segments, used).adjust_cell_length(width, blank).simplify()

    def _note_line(self, note: Note, y: int, width: int) -> Strip:
        room = min(width - 4, 76)
        lines: list[Cell] = [cell(note.headline, Tone.STRONG if note.tone is Tone.PLAIN else note.tone)]
        for each in note.lines:
            lines += wrap(each, room)
        place = y - max(0, (self.size.height - len(lines) - 1) // 3)
        if not 0 <= place < len(lines):
            return Strip.blank(width, self.base())
        left = Segment(" " * max(2, (width - room) // 2), self.base())
        return Strip([left, *self.segments(fit(lines[place], room))]).adjust_cell_length(width, self.base())

    def __rich_repr__(self) -> Any:
        yield from super().__rich_repr__()
        yield "rows", len(self._rows)
