"""What a filter's words mean: which rows they keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tui.domain.packageindex import PackageIndex
from tui.domain.query import Schema, compile_query
from tui.domain.steps import Steps
from tui.ui.present.table import Row, matching

__all__ = ["Kept", "RowFilter", "by_fields", "by_words"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What a filter kept."""

    rows: list[Row]
    unknown: int = 0
    """How many rows it left out because something that it asks for is not known of them."""
    names: tuple[str, ...] = ()
    """What is not known of them: fields, and flags as ``is:frozen``."""


@dataclass(frozen=True, slots=True, eq=False)
class RowFilter:
    """A filter, ready to be asked."""

    words: str
    """As typed."""
    select: Callable[[list[Row], float], Steps[Kept]] | None = None
    """Those of all rows that it keeps at a time (Unix seconds), in their order; None keeps everything."""
    problem: str = ""
    """What of the words was not understood, as a sentence in printed form; that part then filters nothing."""

    def steps(self, rows: list[Row], now: float) -> Steps[Kept]:
        """The rows that it keeps, in their order."""
        return Kept(rows) if self.select is None else (yield from self.select(rows, now))


def by_words(words: str) -> RowFilter:
    """Rows that hold every one of *words* (blank-separated, any case)."""

    def select(rows: list[Row], now: float) -> Steps[Kept]:
        return Kept((yield from matching(rows, words)))

    return RowFilter(words, select if words.split() else None)


def by_fields(words: str, schema: Schema[Any], index: PackageIndex) -> RowFilter:
    """Rows whose ``facts`` fit *words* in the language of :mod:`tui.domain.query`."""
    query = compile_query(words, schema, index)
    if not query:
        return RowFilter(words, problem=query.problem or "")

    def select(rows: list[Row], now: float) -> Steps[Kept]:
        # As a whole, because a word that is still being written holds back only what leaves something.
        found = yield from query.steps([row.facts for row in rows], now)
        yield
        kept = set(map(id, found.rows))
        return Kept([row for row in rows if id(row.facts) in kept], found.unknown, found.names)

    return RowFilter(words, select, query.problem or "")
