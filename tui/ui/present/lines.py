"""Lines of a detail pane or a dialog: headings, labelled values, items."""

from __future__ import annotations

from dataclasses import dataclass

from tui.ui.present.cell import BLANK, Cell, Tone, cell, fit, wrap

__all__ = ["Line", "blank", "heading", "item", "lay_out", "pair", "words"]

LABEL = 12
"""Terminal columns kept for labels."""


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line. *label* stands in a column of its own; what wraps goes on below the value."""

    value: Cell
    label: str | None = None
    indent: int = 0
    label_tone: Tone = Tone.DIM


def pair(label: str, value: Cell, tone: Tone = Tone.DIM) -> Line:
    """A labelled value."""
    return Line(value, label, label_tone=tone)


def heading(title: Cell | str) -> Line:
    """A heading of a part."""
    return Line(cell(title, Tone.ACCENT) if isinstance(title, str) else title)


def item(value: Cell) -> Line:
    """A line of a list; its continuation is indented."""
    return Line(value, indent=2)


def words(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """A sentence of the program's own, or text in printed form."""
    return Line(cell(text, tone))


def blank() -> Line:
    """An empty line."""
    return Line(BLANK)


def lay_out(line: Line, room: int) -> list[Cell]:
    """*line* in terminal lines of at most *room* columns."""
    if line.label is None:
        return wrap(line.value, room, line.indent)
    label = fit(cell(line.label, line.label_tone), LABEL)
    if room - LABEL < 8:
        return [label, *wrap(line.value, room)]
    first, *rest = wrap(line.value, room - LABEL)
    gap = cell(" " * LABEL)
    return [(*label, *first), *((*gap, *each) for each in rest)]
