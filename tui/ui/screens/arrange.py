"""How a table is arranged: its order, its groups, its marks; and how that is remembered."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.screen import Screen

from tui.domain.layout import ViewLayout
from tui.ui.dialogs.sort import SortDialog
from tui.ui.language import tr, trn
from tui.ui.present.groups import Grouping
from tui.ui.present.table import Column, Row, Sort
from tui.ui.screens.marks import Marks
from tui.ui.widgets.grid import Grid

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["ArrangeScreen"]


class ArrangeScreen(Screen[None]):
    """A table whose rows can be sorted, grouped and marked."""

    COLUMNS: ClassVar[Sequence[Column]]
    GROUPINGS: ClassVar[Sequence[Grouping]] = ()
    SORT: ClassVar[Sort | None] = None
    """The order at first; None: as the configuration orders the hosts."""

    app: CondafleetApp

    def __init__(self) -> None:
        super().__init__()
        self.columns: Sequence[Column] = self.COLUMNS
        self.sort = self.SORT
        self.grouping: Grouping | None = None
        self.folded: set[Hashable] = set()
        self.marks = Marks()
        self.unfolded: list[Row] = []
        """All rows that the filter keeps, those of folded groups too, in their order."""

    @abstractmethod
    def renew(self) -> None:
        """Show the rows as they are arranged now."""

    @abstractmethod
    def show_around(self) -> None:
        """Show what is said of the rows."""

    @property
    def grid(self) -> Grid:
        """The table."""
        return self.query_one("#grid", Grid)

    @property
    def row_key(self) -> Hashable | None:
        """The row under the cursor; None on the head of a group and in an empty table."""
        row = self.grid.cursor_item
        return None if row is None or row.head else row.key

    def targets(self) -> list[Hashable]:
        """What a verb for several rows means: the marked ones, else the row, else the rows of the group."""
        if self.marks:
            return list(self.marks)
        row = self.grid.cursor_item
        if row is None:
            return []
        return list(row.item) if row.head else [row.key]

    def shown_keys(self) -> list[Hashable]:
        """All rows that the filter keeps, those of folded groups too."""
        return [row.key for row in self.unfolded]

    def scopes(self) -> list[tuple[str, str, list[Hashable]]]:
        """What a command of the palette may be done to: words, a sentence, and the rows."""
        key = self.row_key
        return [
            *([(tr("this row"), tr("Only the row under the cursor"), [key])] if key is not None else []),
            *(
                [
                    (
                        trn("the {n} marked", "the {n} marked", len(self.marks)),
                        tr("All marked rows, also those that a filter hides"),
                        list(self.marks),
                    )
                ]
                if self.marks
                else []
            ),
            *(
                [
                    (
                        trn("all {n} shown", "all {n} shown", len(self.unfolded)),
                        tr("All rows that the filter lets through, marked or not"),
                        self.shown_keys(),
                    )
                ]
                if self.unfolded
                else []
            ),
        ]

    # Order

    @on(Grid.SortWanted)
    def _sort_wanted(self, event: Grid.SortWanted) -> None:
        self.sort_by(event.column)

    def action_sort(self) -> None:
        """Ask which column to sort by."""
        by = [column for column in self.columns if column.sortable]
        self.app.push_screen(SortDialog(by, self.sort), self._sort_chosen)

    def _sort_chosen(self, column: str | None) -> None:
        if column == "":
            self._order(self.SORT)
        elif column is not None:
            self.sort_by(column)

    def sort_by(self, name: str) -> None:
        """Sort by a column; if that is so already, the other way round."""
        column = next((each for each in self.columns if each.id == name and each.sortable), None)
        if column is None:
            return
        again = self.sort is not None and self.sort.column == name
        self._order(Sort(name, not self.sort.falling if again and self.sort else column.falling))

    def action_reverse(self) -> None:
        """Turn the order round."""
        if self.sort is None:
            self.sort_by(self.columns[0].id)
        else:
            self.sort_by(self.sort.column)

    def _order(self, sort: Sort | None) -> None:
        self.sort = sort
        self.app.remember()
        self.renew()

    # Groups

    def action_group(self) -> None:
        """The next grouping, and after the last none."""
        ways = [None, *self.GROUPINGS]
        self.grouping = ways[(ways.index(self.grouping) + 1) % len(ways)]
        self.folded.clear()
        self.app.remember()
        self.renew()

    def action_fold_all(self) -> None:
        """Fold every group; unfold all when all are folded."""
        heads = {row.key for row in self.grid.rows if row.head}
        if heads:
            self.folded = set() if heads <= self.folded else heads
            self.renew()

    # Marks

    @on(Grid.MarkWanted)
    def _mark_wanted(self, event: Grid.MarkWanted) -> None:
        if event.reach:
            self.marks.reach(self.shown_keys(), event.key)
        else:
            self.marks.toggle(event.key)
        self._marked()

    def action_mark(self) -> None:
        """Mark the row, or take its mark away, and go to the next one; on a head all rows of the group."""
        row = self.grid.cursor_item
        if row is None:
            return
        if row.head:
            self.marks.toggle_all(row.item)
        else:
            self.marks.toggle(row.key)
        self.grid.action_cursor(1)
        self._marked()

    def action_mark_range(self) -> None:
        """Mark all rows from the last mark to this one."""
        if (key := self.row_key) is not None:
            self.marks.reach(self.shown_keys(), key)
            self._marked()

    def action_mark_all(self) -> None:
        """Mark every row shown."""
        self.marks.add(self.shown_keys())
        self._marked()

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self._marked()

    def _marked(self) -> None:
        self.grid.refresh()
        self.show_around()

    # What is remembered

    @property
    def layout_kept(self) -> ViewLayout:
        """How this table is left."""
        sort, grouping = self.sort, self.grouping
        return ViewLayout(
            sort.column if sort else None,
            sort.falling if sort else False,
            grouping.id if grouping else None,
            not self.has_class("-nopane"),
        )

    def restore(self, kept: ViewLayout) -> None:
        """As it was left; what is not known any more is passed over."""
        if any(column.id == kept.sort and column.sortable for column in self.COLUMNS):
            self.sort = Sort(str(kept.sort), kept.falling)
        self.grouping = next((each for each in self.GROUPINGS if each.id == kept.grouping), None)
        self.set_class(not kept.detail, "-nopane")
