"""The rows of a table as a person wants them: filtered, in an order, under heads. Pure, in steps."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from tui.domain.steps import Steps, pieces
from tui.ui.present.filters import RowFilter
from tui.ui.present.groups import Grouping, grouped
from tui.ui.present.table import Column, Row, Sort, sorted_rows

__all__ = ["Arranged", "Arrangement", "arrange"]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What a person wants to see of a table. Equal ones make equal tables of equal rows."""

    filter: RowFilter
    columns: Sequence[Column]
    sort: Sort | None = None
    grouping: Grouping | None = None
    folded: frozenset[Hashable] = frozenset()


@dataclass(frozen=True, slots=True)
class Arranged:
    """What is to be shown."""

    kept: list[Row]
    """All rows that the filter keeps, those of folded groups too, in their order."""
    unknown: int
    """How many the filter leaves out because something that it asks for is not known of them."""
    names: tuple[str, ...]
    """What is not known of those."""
    shown: list[Row]
    """The lines of the table: heads, and rows that are not folded away."""
    places: dict[Hashable, int]
    """Where each line is, by its key."""


def arrange(rows: list[Row], wanted: Arrangement, now: float) -> Steps[Arranged]:
    """*rows*, given in their natural order, as *wanted* at *now* (Unix seconds)."""
    found = yield from wanted.filter.steps(rows, now)
    kept = yield from sorted_rows(found.rows, wanted.columns, wanted.sort)
    shown = kept if wanted.grouping is None else (yield from grouped(kept, wanted.grouping, wanted.folded))
    places: dict[Hashable, int] = {}
    start = 0
    for some in pieces(shown):
        places.update((row.key, place) for place, row in enumerate(some, start))
        start += len(some)
        yield
    return Arranged(kept, found.unknown, found.names, shown, places)
