"""What every table of the program can do: filter, sort, group, mark, copy, show a detail, stay on its row."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.services.fleet import FleetApi
from tui.ui.bridge import Changes
from tui.ui.catalog import COMMANDS, LABELS, MODES
from tui.ui.language import said, tr, trn
from tui.ui.present.arranged import Arranged, Arrangement, arrange
from tui.ui.present.cell import BLANK, Cell, Tone, cell, join
from tui.ui.present.filters import RowFilter, by_words
from tui.ui.present.lines import Line
from tui.ui.present.notes import marked_cell, no_match_note, unknown_words
from tui.ui.present.table import Note, Row, titled
from tui.ui.screens.arrange import ArrangeScreen
from tui.ui.slices import in_slices
from tui.ui.widgets.bars import FilterBar, ModeTab, StatusLine, TopBar
from tui.ui.widgets.detail import Detail
from tui.ui.widgets.footer import KeyLine
from tui.ui.widgets.grid import Grid

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["Gathered", "ListingScreen"]


COSTLY_S = 0.02


@dataclass(slots=True)
class Gathered:
    """What a table could show."""

    rows: list[Row]
    """All of them, in their natural order."""
    natural: Sequence[int]
    note: Note
    """What is said when there are none at all."""
    stamp: Hashable
    """Equal for equal rows: then nothing is drawn anew."""


class ListingScreen(ArrangeScreen):
    """A table with all that belongs to it. Subclasses say which rows there are and what is known of one."""

    MODE: ClassVar[str]
    HAS_DETAIL: ClassVar[bool] = True
    FIELDS: ClassVar[str] = phrase("words that must all occur")
    """What the empty filter bar says."""

    ESC_LEAVES: ClassVar[bool] = False
    """Esc leaves the screen from its filter, too, instead of clearing it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (140, "-wide")]  # noqa: RUF012  # as Textual declares it
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = "#grid"

    app: CondafleetApp

    def __init__(self, fleet: FleetApi) -> None:
        super().__init__()
        self.fleet = fleet
        self.row_filter = by_words("")
        self._renewing = False
        self.outdated = False
        """Whether there is something to be shown that is not yet."""
        self._hurry = asyncio.Event()
        self._drawn: Hashable = None
        self._all_rows = 0
        self._wanted_key: Hashable | None = None
        self._entering = False
        self.drawn_for = ""
        """The filter's words that the rows shown are for."""
        self.drawn_sort = self.sort
        self.drawn_group = self.grouping

    def compose(self) -> ComposeResult:
        yield self.top()
        yield FilterBar(self.FIELDS, self.completion, leaves=self.ESC_LEAVES)
        with Container(id="body"):
            yield Grid(titled(self.columns, self.sort), self.app.now, id="grid")
            if self.HAS_DETAIL:
                yield Detail(id="detail")
        yield StatusLine()
        yield KeyLine()

    def top(self) -> Widget:
        """The first line."""
        return TopBar([(mode, key, said(label)) for mode, key, label in MODES], self.MODE, self.crumbs())

    def crumbs(self) -> Cell:
        """Where a view that is no mode was come to; nothing for a mode."""
        return BLANK

    # What a table says of itself

    @abstractmethod
    async def gather(self) -> Gathered:
        """The rows, with a pause now and then when there are many."""

    async def settle(self) -> None:
        """What may be made ready once all is shown, as long as nothing is :attr:`outdated`."""

    @abstractmethod
    def counted(self, number: int) -> str:
        """So many rows, in words: ``12 hosts``."""

    @abstractmethod
    def selector_of(self, key: Hashable) -> str:
        """The row as the command line takes it, in printed form."""

    @abstractmethod
    def status(self) -> Cell:
        """The line below the table."""

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        """Title and lines for a row; None when it is gone."""
        return None

    def group_detail(self, keys: Sequence[Hashable]) -> list[Line]:
        """Lines about the rows of a group."""
        return []

    def filter_for(self, words: str) -> RowFilter:
        """What *words* in the filter mean here."""
        return by_words(words)

    def completion(self, words: str) -> str | None:
        """What *words* in the filter most likely go on to be."""
        return None

    # Rows

    @property
    def detail(self) -> Detail:
        """The detail pane."""
        return self.query_one("#detail", Detail)

    @property
    def filter_bar(self) -> FilterBar:
        """The filter."""
        return self.query_one(FilterBar)

    def on_mount(self) -> None:
        self.grid.marked = self.marks
        self.renew()
        self.set_interval(1.0, self._tick)

    def on_screen_resume(self) -> None:
        self.renew()

    def changed(self, changes: Changes) -> None:
        """The fleet changed, and this screen is in front."""
        if changes.hosts:
            self.outdated = True
            self._start_renewing()
        else:
            self.show_detail()

    def renew(self) -> None:
        """Make what is out of date, and show it."""
        self.outdated = True
        self._hurry.set()
        self._start_renewing()

    def _start_renewing(self) -> None:
        if not self._renewing and self.is_mounted:
            self._renewing = True
            self.app.launch(self._renew, phrase("show the table"))

    async def _renew(self) -> None:
        try:
            while self.outdated and self.is_attached:
                self.outdated = False
                self._hurry.clear()
                began = time.perf_counter()
                await self._renew_once()
                took = time.perf_counter() - began
                if not self.outdated:
                    await self.settle()
                if self.outdated and took > COSTLY_S:  # what hosts say of a large table leaves time for the keys
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._hurry.wait(), min(0.3, 2 * took))
        finally:
            self._renewing = False

    async def _renew_once(self) -> None:
        asked = self._arrangement().filter
        gathered = await self.gather()
        if not self.is_attached:
            return
        wanted = self._arrangement()
        if wanted.filter is not asked:  # some tables gather by the filter's words
            self.outdated = True
            return
        stamp = (gathered.stamp, wanted)
        if stamp != self._drawn or not gathered.rows:
            steps = arrange(gathered.rows, wanted, self.app.now())
            # A newer key makes this one's table void; what hosts say meanwhile waits until it is shown.
            arranged = await in_slices(steps, lambda: self.is_attached and self._arrangement() == wanted)
            if arranged is None:
                self.outdated = True
                return
            self._drawn = stamp
            self._draw(gathered, wanted, arranged)
        self.show_around()
        self.show_detail()

    def _arrangement(self) -> Arrangement:
        """What the person wants to see now."""
        if self.filter_bar.words != self.row_filter.words:
            self.row_filter = self.filter_for(self.filter_bar.words)
        return Arrangement(self.row_filter, self.columns, self.sort, self.grouping, frozenset(self.folded))

    def _draw(self, gathered: Gathered, wanted: Arrangement, arranged: Arranged) -> None:
        total = self._all_rows = len(gathered.rows)
        words = wanted.filter.words
        self.unfolded = arranged.kept
        unknown = unknown_words(arranged.names, arranged.unknown, total)
        note = no_match_note(printable(words), self.counted(total), unknown) if total else gathered.note
        self.grid.set_columns(titled(wanted.columns, wanted.sort))
        self.grid.set_rows(arranged.shown, gathered.natural, note, arranged.places)
        if self._entering:
            self.call_after_refresh(self._enter)
        if self._wanted_key is not None and self.grid.move_to(self._wanted_key):
            self._wanted_key = None
        self.drawn_for, self.drawn_sort, self.drawn_group = words, wanted.sort, wanted.grouping
        self.filter_bar.count(
            len(self.unfolded),
            total,
            wanted.filter.problem or unknown,
            applied=wanted.filter.select is not None,
        )

    def go_to(self, key: Hashable) -> None:
        """Put the cursor on the row with *key*, at the latest when it is there."""
        self._wanted_key = None if self.is_mounted and self.grid.move_to(key) else key

    def show_around(self) -> None:
        """The lines around the table."""
        hidden = self.marks.hidden(self.shown_keys()) if self.marks else 0
        marked = marked_cell(len(self.marks), hidden, self.sum_of(list(self.marks)))
        grouped_by = cell(
            tr("by {grouping}", grouping=self.grouping.label) if self.grouping and self.GROUPINGS[1:] else "",
            Tone.ACCENT,
        )
        self.query_one(StatusLine).say(join((self.filter_bar.untold, marked, grouped_by, self.status()), " · "))

    def sum_of(self, keys: Sequence[Hashable]) -> str:
        """What marked rows come to, beside their number."""
        return ""

    def show_detail(self) -> None:
        """The detail of the row under the cursor; nothing before the screen is made, which shows it anyway."""
        if not self.HAS_DETAIL or not self.is_mounted or not self.detail.display:
            return
        row = self.grid.cursor_item
        if row is not None and row.head:
            self.detail.show(row.key, row.head, self.group_detail(row.item))
            return
        title, lines = (None if row is None else self.detail_of(row.key)) or (BLANK, [])
        if title and self.has_class("-detail") and not self.grid.display:
            title = join((cell(said(LABELS[self.MODE]), Tone.DIM), title), " › ")
        self.detail.show(row.key if row is not None else None, title, lines)

    def _tick(self) -> None:
        if not self.is_attached or self.app.front() is not self:
            return
        self.grid.repaint_live()
        self.show_around()
        if not self.grid.rows and not self._all_rows:
            self.renew()
        self.show_detail()

    @on(Grid.Highlighted)
    def _highlighted(self) -> None:
        self.show_around()
        self.show_detail()

    @on(Grid.Selected)
    def _selected(self) -> None:
        self.action_detail()

    @on(ModeTab.Chosen)
    def _mode_chosen(self, event: ModeTab.Chosen) -> None:
        self.app.action_mode(event.mode)

    @on(FilterBar.Changed)
    def _filtered(self) -> None:
        self.renew()

    @on(FilterBar.Left)
    def action_leave_filter(self) -> None:
        """From the filter to the table; the filter stays."""
        if not self.filter_bar.words:
            self.filter_bar.clear()
        self.set_focus(self.grid)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """With ``--readonly`` what changes a host is not there; who types into the filter sees only the keys for it."""
        if isinstance(self.focused, Input) and action not in ("back", "leave_filter"):
            return False
        if self.app.readonly and any(each.dangerous and each.action == action for each in COMMANDS):
            return False
        return super().check_action(action, parameters)

    # Verbs

    def action_detail(self) -> None:
        """Into the detail (where it has no place beside the table it takes the table's); fold or unfold a group."""
        row = self.grid.cursor_item
        if row is None:
            return
        if row.head:
            self.folded ^= {row.key}
            self.renew()
        elif self.HAS_DETAIL:
            self.add_class("-detail")
            # At once: an Esc pressed right behind is the detail's, and a table that is hidden loses no focus.
            self.set_focus(self.detail)
            self.call_after_refresh(self.show_detail)

    def enter_soon(self) -> None:
        """Into the detail once the screen is drawn, unless the person steps back before."""
        self._entering = True
        self.call_after_refresh(self._enter)

    def _enter(self) -> None:
        # A table that has no rows yet says so again when they are drawn.
        if self._entering and self.grid.cursor_item is not None:
            self._entering = False
            self.action_detail()

    def action_back(self) -> None:
        """One step out: of the detail, of the filter."""
        self._entering = False
        if self.HAS_DETAIL and (self.focused is self.detail or self.has_class("-detail")):
            self.remove_class("-detail")
            self.set_focus(self.grid)
        elif self.filter_bar.has_class("-open"):
            self.filter_bar.clear()
            self.set_focus(self.grid)

    def action_filter(self) -> None:
        """Type into the filter."""
        self.filter_bar.open()

    def filter_bar_set(self, words: str) -> None:
        """Filter by *words* and give the table the keys."""
        self.filter_bar.set_words(words)
        self.set_focus(self.grid)

    def action_copy(self) -> None:
        """Copy the marked rows' selectors, or the row's, by OSC 52."""
        self.copy_rows(self.targets())

    def copy_rows(self, keys: Sequence[Hashable]) -> None:
        """Copy selectors, one a line."""
        texts = [self.selector_of(key) for key in keys]
        if texts:
            self.app.copy_to_clipboard("\n".join(texts))
            self.app.tell(
                tr("Copied {text}", text=texts[0])
                if len(texts) == 1
                else trn("Copied {n} line", "Copied {n} lines", len(texts))
            )

    def action_pane(self) -> None:
        """Show the detail pane or hide it."""
        self.toggle_class("-nopane")
        self.app.remember()
        self.call_after_refresh(self.show_detail)

    def action_keys(self) -> None:
        """The keys of this screen."""
        self.app.show_keys(self.MODE)

    def action_find(self) -> None:
        """Find a package on the whole fleet."""
        self.app.find("")

    def headline(self, *parts: str) -> Cell:
        """Breadcrumbs: where one came from, and what this is."""
        return join([*(cell(part, Tone.DIM) for part in parts[:-1]), cell(parts[-1], Tone.STRONG)], " › ")
