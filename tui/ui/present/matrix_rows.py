"""Rows of the matrix: a name on all hosts."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.matrix import Cell as Place
from tui.domain.matrix import CellState, MatrixRow
from tui.domain.phrases import phrase
from tui.ui.language import tr, trn
from tui.ui.present.cell import Cell, Tone, cell, remote
from tui.ui.present.table import Column, Row

__all__ = ["columns", "legend", "row"]

LEAST, MOST = 4, 14
ROOMY = 130
"""Terminal columns from which on the legend is written out."""


def columns(hosts: Sequence[str]) -> tuple[Column, ...]:
    """Name, what is to be said of it, and a column for each of *hosts*."""
    first = (
        Column("name", phrase("Name"), 0, 18, 36, by=lambda row: row.name.casefold()),
        Column("same", phrase("On the fleet"), 1, 20, 24, by=lambda row: -row.classes),
    )
    return (*first, *(Column(f"@{host}", _title(host), 2 + at, *_widths(host)) for at, host in enumerate(hosts)))


def _title(host: str) -> str:
    return host if len(host) <= MOST else f"{host[: MOST // 2 - 1]}…{host[-(MOST - MOST // 2) :]}"


def _widths(host: str) -> tuple[int, int]:
    size = max(LEAST, len(_title(host)))
    return size, size


def row(name: MatrixRow, first: int) -> Row:
    """The row of *name*, hosts from the one at *first* on."""
    return Row(
        name.name,
        (
            remote(name.name, Tone.STRONG),
            _said(name),
            *(_place(each) for each in name.cells[first:]),
        ),
        item=name,
    )


def legend(columns: int) -> Cell:
    """What the letters and signs mean, for a terminal of so many *columns*."""
    if columns < ROOMY:
        return cell(tr("A most, B other, – none, ? unknown, ! broken"), Tone.DIM)
    return cell(tr("A: what most have · B, C: others · –: not there · ?: not known · !: half-made, or gone"), Tone.DIM)


def _said(name: MatrixRow) -> Cell:
    where = trn("{n} host", "{n} hosts", name.hosts)
    if name.same is False:
        differ = tr("{n} differ", n=name.classes) if name.classes > 1 else ""
        broken = trn("{n} broken", "{n} broken", name.broken) if name.broken else ""
        return cell(tr(", ").join(filter(None, (differ, broken, where))), Tone.WARN)
    if name.hosts < 2:
        return cell(where, Tone.DIM)
    return (
        cell(tr("same, {where}", where=where), Tone.GOOD)
        if name.same
        else cell(tr("same so far, {where}", where=where), Tone.DIM)
    )


def _place(place: Place) -> Cell:
    if place.state is CellState.ABSENT:
        return cell("–", Tone.DIM)
    if place.state is CellState.BROKEN:
        return cell(place.letter + "!", Tone.BAD)
    if not place.letter:
        return cell("?", Tone.DIM)
    letter = place.letter + ("?" if place.state is CellState.UNKNOWN else "")
    return cell(letter, Tone.WARN if place.differs else Tone.GOOD)
