"""Rows under heads that fold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from tui.domain.steps import PIECE, Steps, pieces
from tui.ui.language import said
from tui.ui.present.cell import Cell, Tone, cell
from tui.ui.present.table import Row

__all__ = ["GroupKey", "Grouping", "grouped"]

GroupKey = tuple[str, ...]

HEAD = 16
"""A head costs about as much as so many of its rows."""
LONE: GroupKey = ()
"""The key of what is alone."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """A way to put rows together."""

    id: str
    label: str
    """After "by"."""
    key: Callable[[Any], GroupKey | None]
    """From a row's item; None for those of which it is not known."""
    title: Callable[[GroupKey | None, Sequence[Any]], Cell]
    """What the head says of its items."""
    lone: str = ""
    """The head over all that would be alone under theirs; empty: every group has its head."""


def head_key(grouping: Grouping, key: GroupKey | None) -> Hashable:
    """The key of a head's row; no row of a thing has one like it."""
    return ("group", grouping.id, *(key if key is not None else (None,)))


def grouped(rows: Sequence[Row], grouping: Grouping, folded: Collection[Hashable]) -> Steps[list[Row]]:
    """*rows* under their heads, heads in the order of their keys, the unknown last; folded ones without rows."""
    members: dict[GroupKey | None, list[Row]] = {}
    for some in pieces(rows):
        for row in some:
            members.setdefault(grouping.key(row.item), []).append(row)
        yield
    if grouping.lone:
        alone = {key for key, inside in members.items() if len(inside) == 1 and key is not None}
        # Keys come in the order of their first row: of those alone that is the order of the rows.
        together = [row for key, inside in members.items() if key in alone for row in inside]
        members = {key: inside for key, inside in members.items() if key not in alone}
        if together:
            members[LONE] = together
        yield
    shown: list[Row] = []
    titled = 0
    for key, inside in sorted(members.items(), key=_place):
        head = head_key(grouping, key)
        closed = head in folded
        sign = cell("▸ " if closed else "▾ ", Tone.ACCENT)
        shown.append(
            Row(
                head,
                (),
                item=[row.key for row in inside],
                head=(*sign, *_title(grouping, key, inside)),
            )
        )
        if not closed:
            shown += inside
        titled += HEAD + len(inside)
        if titled > PIECE:
            titled = 0
            yield
    return shown


def _title(grouping: Grouping, key: GroupKey | None, inside: Sequence[Row]) -> Cell:
    if key == LONE:
        return ((said(grouping.lone), Tone.STRONG), (f"  {len(inside)}", Tone.DIM))
    return grouping.title(key, [row.item for row in inside])


def _place(group: tuple[GroupKey | None, list[Row]]) -> tuple[bool, bool, GroupKey]:
    """Groups in the order of their keys; those alone and the unknown come last."""
    key = group[0]
    return key is None, key == LONE, key or ()
