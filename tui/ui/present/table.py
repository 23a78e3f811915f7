"""What a table is made of: columns that know their worth, rows that know their key."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from tui.domain.steps import Steps, pieces
from tui.ui.language import said
from tui.ui.present.cell import Cell, Live, Tone, cell, plain, text_width, width

__all__ = ["Column", "Note", "Row", "Sort", "fit_columns", "matching", "natural_widths", "sorted_rows", "titled"]

GAP = 2
"""Blank columns between two columns of a table."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Of two columns that do not both fit, the one with the higher *priority* number goes."""

    id: str
    title: str
    priority: int
    least: int
    """Narrower than this it is dropped (or, with priority 0, cut)."""
    most: int
    right: bool = False
    end: bool = False
    """What does not fit is cut off at its beginning: of a path the end tells."""
    last: bool = False
    """What does not fit is cut off at the beginning of the cell's last piece: a path behind figures."""
    live: int = 0
    """Terminal columns kept for live cells, which are not measured without *measure*."""
    measure: Callable[[Any], int] | None = None
    """The widest that a live cell gets by itself, from the row's item."""
    by: Callable[[Any], Any] | None = None
    """What rows are sorted by, from a row's item; None for what is not known. Without it
    nothing is sorted by the column."""
    sparse: bool = False
    """It is left out while no row has anything in it."""
    aged: bool = False
    """It shows how old the row's data is: rows are sorted by that time."""
    falling: bool = False
    """Sorted by it for the first time, the greatest comes first: the fullest disk, the newest session."""

    @property
    def sortable(self) -> bool:
        """Whether rows can be sorted by it."""
        return self.aged or self.by is not None


@dataclass(slots=True, eq=False)
class Row:
    """One row: cells in the order of the columns, and the words by which a filter finds it."""

    key: Hashable
    cells: Sequence[Cell | Live]
    also: str = ""
    """More text that the filter sees, beside the cells."""
    item: Any = None
    """The value that the row shows; sorting and grouping look at it."""
    facts: Any = None
    """What a filter by fields looks at (:mod:`tui.domain.filterrows`)."""
    time: float | None = None
    """When what it shows was true (Unix seconds)."""
    head: Cell = ()
    """Painted over the whole width in place of the cells: the head of a group."""
    _haystack: str | None = field(default=None, repr=False)
    _by: Callable[[Any], Any] | None = field(default=None, repr=False)
    _worth: Any = field(default=None, repr=False)

    @property
    def haystack(self) -> str:
        """All the row's text, case-folded; made once."""
        if self._haystack is None:
            texts = [plain(each) for each in self.cells if not callable(each)]
            self._haystack = "\n".join((*texts, self.also)).casefold()
        return self._haystack

    def worth(self, by: Callable[[Any], Any]) -> Any:
        """What the row is sorted by; made once as long as the column is the same."""
        if self._by is not by:
            self._by, self._worth = by, by(self.item)
        return self._worth


@dataclass(frozen=True, slots=True)
class Note:
    """What an empty table says: a headline and what to do or to wait for."""

    headline: str
    lines: tuple[Cell, ...] = ()
    tone: Tone = Tone.PLAIN

    @classmethod
    def of(cls, headline: str, *lines: str, tone: Tone = Tone.PLAIN) -> Note:
        """A note of the program's own words."""
        return cls(headline, tuple(cell(line, Tone.DIM) for line in lines), tone)


def natural_widths(columns: Sequence[Column], rows: Iterable[Row]) -> list[int]:
    """The widest cell of each column, within the column's bounds. Live cells are measured, not called."""
    widest = [column.live for column in columns]
    for row in rows:
        for index, each in enumerate(row.cells):
            if not callable(each):
                size = width(each)
            elif (measure := columns[index].measure) is not None:
                size = measure(row.item)
            else:
                continue
            if size > widest[index]:
                widest[index] = size
    return [min(column.most, size) for column, size in zip(columns, widest, strict=True)]


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of a table: by a column, the greatest first when *falling*."""

    column: str
    falling: bool = False


def sorted_rows(rows: Sequence[Row], columns: Sequence[Column], sort: Sort | None) -> Steps[list[Row]]:
    """*rows* in the wanted order; equal ones keep theirs, and those without a known value come last either way."""
    column = next((each for each in columns if sort is not None and each.id == sort.column), None)
    if sort is None or column is None or not column.sortable:
        return list(rows)
    by = column.by
    runs: list[list[tuple[Any, Row]]] = []
    unknown: list[Row] = []
    for some in pieces(rows):
        known: list[tuple[Any, Row]] = []
        for row in some:
            value = row.time if by is None else row.worth(by)
            if value is None:
                unknown.append(row)
            else:
                known.append((value, row))
        known.sort(key=itemgetter(0), reverse=sort.falling)
        runs.append(known)
        yield
    while len(runs) > 1:  # two sorted runs are one pass for list.sort, which keeps the order of equal ones
        for place in range(len(runs) // 2):
            both = runs[place] + runs.pop(place + 1)
            both.sort(key=itemgetter(0), reverse=sort.falling)
            runs[place] = both
            yield
    return [row for run in runs for _, row in run] + unknown


def titled(columns: Sequence[Column], sort: Sort | None) -> tuple[Column, ...]:
    """The columns with their titles in the screen's language; the one that is sorted by tells the direction."""
    arrow = "" if sort is None else "↓" if sort.falling else "↑"
    by = None if sort is None else sort.column
    return tuple(replace(each, title=said(each.title) + (arrow if each.id == by else "")) for each in columns)


def fit_columns(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """The width that each column gets in *room* terminal columns; 0 for a column that is dropped.

    Every kept column has at least its least (or natural, if smaller) width; what is left goes to
    the columns in the order of their priority, up to their natural width.
    """
    titles = [text_width(column.title) for column in columns]
    wanted = [max(size, title) for size, title in zip(natural, titles, strict=True)]
    floor = [min(size, max(column.least, title)) for column, size, title in zip(columns, wanted, titles, strict=True)]
    filled = [index for index, column in enumerate(columns) if natural[index] or not column.sparse]
    order = sorted(filled, key=lambda index: columns[index].priority)
    kept: list[int] = []
    used = 0
    for index in order:
        cost = floor[index] + (GAP if kept else 0)
        if used + cost > room and columns[index].priority > 0:
            break
        kept.append(index)
        used += cost
    widths = [0] * len(columns)
    for index in kept:
        widths[index] = floor[index]
    spare = max(0, room - used)
    for index in kept:
        grow = min(spare, wanted[index] - widths[index])
        widths[index] += grow
        spare -= grow
    return widths


def matching(rows: Sequence[Row], words: str) -> Steps[list[Row]]:
    """The rows that hold every one of *words* (blank-separated, any case), in their order."""
    wanted = words.casefold().split()
    if not wanted:
        return list(rows)
    found: list[Row] = []
    for some in pieces(rows):
        found += [row for row in some if all(word in row.haystack for word in wanted)]
        yield
    return found
