"""What tasks did, as this machine remembers it: a table of records."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from tui.domain.phrases import phrase
from tui.domain.redact import redact
from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import TaskState
from tui.ui.language import said, tr
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.table import Column, Row
from tui.ui.present.tasks import SIGNS, STATES, kind_words
from tui.ui.present.words import UNKNOWN, day, span

__all__ = ["COLUMNS", "rows"]

MISSING = cell(UNKNOWN, Tone.DIM)

COLUMNS = (
    Column("when", phrase("When"), 0, 16, 16, by=lambda record: record.created, falling=True),
    Column("task", phrase("Task"), 1, 20, 44, by=lambda record: (record.kind, record.target)),
    Column("host", phrase("Host"), 2, 12, 20, by=lambda record: record.host),
    Column("result", phrase("Result"), 3, 16, 40, by=lambda record: _order(record)),
    Column("took", phrase("Took"), 4, 5, 6, right=True, by=lambda record: _took(record), falling=True),
    Column("operator", phrase("Operator"), 5, 12, 28, by=lambda record: record.operator.casefold()),
    Column("command", phrase("Command"), 6, 30, 120, by=lambda record: record.argv),
    Column("target", phrase("Target"), 7, 24, 70, end=True, by=lambda record: record.target),
)


def rows(records: Sequence[TaskRecord]) -> list[Row]:
    """The rows of *records*."""
    return [Row(record.key, _cells(record), item=record, also=record.id) for record in records]


def _cells(record: TaskRecord) -> tuple[Cell, ...]:
    name = posixpath.basename(record.target.rstrip("/")) or record.target
    took = _took(record)
    return (
        cell(day(record.created), Tone.DIM),
        join((cell(kind_words(record.kind), Tone.ACCENT), remote(name, Tone.STRONG)), " "),
        cell(record.host),
        _result(record),
        MISSING if took is None else cell(span(took), Tone.DIM),
        remote(record.operator, Tone.DIM) or MISSING,
        remote(redact(" ".join(record.argv))),
        remote(record.target, Tone.DIM),
    )


def _result(record: TaskRecord) -> Cell:
    word, tone = STATES[record.state]
    if record.refused:
        return cell(f"{SIGNS[record.state]} {tr('host refused')}", Tone.WARN)
    code = record.exit_code
    reason = tr(", code {code}", code=code) if record.state is TaskState.FAILED and code is not None else ""
    return (*cell(f"{SIGNS[record.state]} {said(word)}", tone), *cell(reason, Tone.DIM))


def _order(record: TaskRecord) -> int:
    return tuple(STATES).index(record.state)


def _took(record: TaskRecord) -> float | None:
    return None if record.started is None or record.ended is None else max(0.0, record.ended - record.started)
