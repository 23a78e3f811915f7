"""What was put aside instead of being removed: to be brought back, or to go for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from tui.domain.changes import Change, ChangeKind
from tui.domain.trash import Aside, AsideState
from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.lines import Line, words
from tui.ui.present.words import size, span
from tui.ui.widgets.toned import content

__all__ = ["AsidesDialog", "change_of", "row_of"]


def change_of(kind: ChangeKind, aside: Aside) -> Change:
    """What is asked for."""
    prefix = aside.prefix or aside.path
    return Change(kind, aside.host, prefix, name=prefix.rpartition("/")[2] or None, aside_id=aside.id)


def row_of(aside: Aside, now: float) -> Cell:
    """One line about *aside*, at *now* by its host's clock."""
    age = aside.age_s(now)
    left = None if aside.until is None else aside.until - now
    kept = tr("kept for {time} more", time=span(left)) if left is not None and left > 0 else tr("its time is over")
    return join(
        (
            remote((aside.prefix or aside.path).rpartition("/")[2], Tone.STRONG),
            cell(tr("on {host}", host=aside.host)),
            cell(size(aside.bytes)) if aside.bytes is not None else (),
            cell(tr("{time} ago", time=span(age)), Tone.DIM) if age is not None else (),
            cell(tr("the rest of a removal"), Tone.WARN) if aside.state is AsideState.LEFT else cell(kept, Tone.DIM),
            remote(aside.operator, Tone.DIM) if aside.mine else cell(tr("of another account"), Tone.WARN),
        )
    )


class AsidesDialog(Dialog[Change | None]):
    """Returns what is to be done with the one chosen, None when nothing is."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step('up')", "Up", show=False),
        Binding("down,j", "step('down')", "Down", show=False),
        Binding("delete", "take('purge')", "Remove for good", show=False),
        Binding("q", "cancel", "Close", show=False),
    ]

    def __init__(
        self, asides: Sequence[tuple[Aside, float]], faults: Iterable[str] = (), *, readonly: bool = False
    ) -> None:
        """*asides*, each with its host's clock; *faults*, in words, of hosts that did not tell."""
        lines: list[Line] = [words(fault, Tone.WARN) for fault in faults]
        if not asides:
            lines.insert(0, words(tr("Nothing is put aside there."), Tone.DIM))
        elif not readonly:
            lines.append(
                words(tr("⏎ brings it back; Del removes it for good. What it would do is shown first."), Tone.DIM)
            )
        super().__init__(cell(tr("Put aside")), lines)
        self._asides = tuple(asides)
        self._readonly = readonly

    def fields(self) -> Iterable[Widget]:
        if self._asides:
            yield OptionList(*(Option(content(row_of(aside, now))) for aside, now in self._asides), compact=True)

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Close"), id="close", compact=True)

    def on_mount(self) -> None:
        if not self._asides:
            self.set_focus(self.query_one("#close"))

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.action_take("restore")

    def action_take(self, kind: str) -> None:
        """The one under the cursor, to be restored or purged."""
        place = self.query_one(OptionList).highlighted if self._asides else None
        if place is not None and not self._readonly:
            self.dismiss(change_of(ChangeKind(kind), self._asides[place][0]))

    @on(Button.Pressed, "#close")
    def action_cancel(self) -> None:
        """Nothing."""
        self.dismiss(None)

    def action_step(self, way: str) -> None:
        """Up or down in the list."""
        if self._asides:
            choice = self.query_one(OptionList)
            choice.action_cursor_up() if way == "up" else choice.action_cursor_down()
