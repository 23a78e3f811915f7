"""Rows are arranged in steps; what comes out is what one pass over all of them would give."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain import steps
from tui.domain.steps import Steps, finish
from tui.ui import slices
from tui.ui.present import groups
from tui.ui.present.arranged import Arrangement, arrange
from tui.ui.present.cell import cell, plain
from tui.ui.present.filters import by_words
from tui.ui.present.groups import Grouping
from tui.ui.present.table import Column, Row, Sort
from tui.ui.slices import in_slices


@dataclass(frozen=True)
class Thing:
    name: str
    size: int | None
    owner: str | None


COLUMNS = (
    Column("name", "Name", 0, 4, 20, by=lambda thing: thing.name),
    Column("size", "Size", 1, 4, 20, by=lambda thing: thing.size),
)
OWNER = Grouping(
    "owner",
    "owner",
    lambda thing: (thing.owner,) if thing.owner else None,
    lambda key, items: cell(f"{key} {sum(item.size or 0 for item in items)}"),
)
LONELY = Grouping("lone", "owner", OWNER.key, OWNER.title, "alone")
things = st.builds(
    Thing,
    st.sampled_from(["llm", "cv", "llm-old", "base"]),
    st.none() | st.integers(0, 3),
    st.none() | st.sampled_from(["ada", "bob", "eve", "kim"]),
)


def rows_of(items: list[Thing]) -> list[Row]:
    return [Row(number, (cell(item.name), cell(str(item.size))), item=item) for number, item in enumerate(items)]


def arranged_at_once(rows: list[Row], words: str, sort: Sort | None, grouping: Grouping | None, folded: Any) -> Any:
    """Keys of the rows that are kept, and what each line says: by the shortest code that says what is meant."""
    kept = [row for row in rows if all(word in row.item.name for word in words.split())]
    if sort is not None:
        known = [row for row in kept if getattr(row.item, sort.column) is not None]
        known.sort(key=lambda row: getattr(row.item, sort.column), reverse=sort.falling)
        kept = known + [row for row in kept if getattr(row.item, sort.column) is None]
    if grouping is None:
        return [row.key for row in kept], [row.key for row in kept]

    def owner(row: Row) -> Any:
        alone = sum(each.item.owner == row.item.owner for each in kept) == 1
        name = row.item.owner
        return (
            name is None,
            bool(grouping.lone and alone and name),
            "" if name is None or alone * bool(grouping.lone) else name,
        )

    lines: list[Any] = []
    for key, members in groupby(sorted(kept, key=owner), key=owner):
        inside = list(members)
        head = ("group", grouping.id, *((None,) if key[0] else () if key[1] else (key[2],)))
        lines.append((head, [row.key for row in inside]))
        lines += [] if head in folded else [row.key for row in inside]
    return [row.key for row in kept], lines


@settings(deadline=None)
@given(
    st.lists(things, max_size=60),
    st.sampled_from(["", "llm", "l b", "old"]),
    st.none() | st.builds(Sort, st.sampled_from(["name", "size"]), st.booleans()),
    st.sampled_from([None, OWNER, LONELY]),
    st.sets(st.sampled_from(["ada", "bob", None])),
    st.integers(1, 70),
)
def test_in_steps_it_comes_out_as_at_once(
    items: list[Thing],
    words: str,
    sort: Sort | None,
    grouping: Grouping | None,
    closed: set[str | None],
    piece: int,
) -> None:
    rows = rows_of(items)
    folded = frozenset(("group", grouping.id, name) for name in closed) if grouping else frozenset()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "PIECE", piece)
        patch.setattr(groups, "PIECE", piece)
        found = finish(arrange(rows, Arrangement(by_words(words), COLUMNS, sort, grouping, folded), 0.0))
    kept, lines = arranged_at_once(rows, words, sort, grouping, folded)
    assert [row.key for row in found.kept] == kept
    assert [(row.key, row.item) if row.head else row.key for row in found.shown] == lines
    assert found.places == {row.key: place for place, row in enumerate(found.shown)}


def test_a_row_that_is_sorted_by_two_columns_in_turn_is_sorted_by_each() -> None:
    rows = rows_of([Thing("b", 1, None), Thing("a", 2, None)])
    for sort, wanted in ((Sort("name"), [1, 0]), (Sort("size"), [0, 1]), (Sort("name", True), [0, 1])):
        found = finish(arrange(rows, Arrangement(by_words(""), COLUMNS, sort), 0.0))
        assert [row.key for row in found.kept] == wanted


def test_a_head_says_what_is_under_it() -> None:
    rows = rows_of([Thing("b", 1, "ada"), Thing("a", 2, "ada")])
    found = finish(arrange(rows, Arrangement(by_words(""), COLUMNS, None, OWNER), 0.0))
    assert plain(found.shown[0].head) == "▾ ('ada',) 3"


async def test_what_nobody_wants_any_more_is_left_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_S", -1.0)
    done: list[int] = []

    def work() -> Steps[str]:
        for number in range(5):
            done.append(number)
            yield
        return "all"

    assert await in_slices(work(), lambda: len(done) < 3) is None
    assert done == [0, 1, 2]
    assert await in_slices(work(), lambda: True) == "all"
