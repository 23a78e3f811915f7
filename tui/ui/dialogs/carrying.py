"""While packages are carried from one host to another: how far that is, and a way out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.domain.carrying import Carried
from tui.domain.changes import Prepared
from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.lines import words
from tui.ui.present.words import size
from tui.ui.widgets.toned import content

__all__ = ["CarryingDialog"]

EVERY_S = 0.25


class CarryingDialog(Dialog[None]):
    """Goes away by itself once all of it is there. Stopped, it calls *stop*; what has arrived waits for next time."""

    AUTO_FOCUS = "#box"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, prepared: Sequence[Prepared], stop: Callable[[], None]) -> None:
        carried = [each for each in prepared if each.cargo is not None]
        title = trn("Carrying packages to {n} host", "Carrying packages to {n} hosts", len(carried))
        hint = tr("They go through this machine: the tasks begin once all of it is there.")
        super().__init__(cell(title), (words(hint, Tone.DIM),))
        self._prepared = tuple(carried)
        self._stop = stop
        self._far: dict[int, Carried] = {}
        self._over = False

    def hear(self, prepared: Prepared, carried: Carried) -> None:
        """How far it is for one of them. Quick: it is drawn now and then."""
        self._far[id(prepared)] = carried

    def finish(self) -> None:
        """All is there, or failed: it goes, once it is shown at all and nobody else's dialog lies over it."""
        self._over = True

    def fields(self) -> Iterable[Widget]:
        with VerticalScroll(id="looks", can_focus=False):
            yield Static(Content(""), id="look-lines")

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Stop it"), id="cancel", compact=True)

    def on_mount(self) -> None:
        self._say()
        self.set_interval(EVERY_S, self._say)

    def _say(self) -> None:
        if self._over and self.app.screen is self:
            self.dismiss(None)
            return
        lines = [content(self._line(each)) for each in self._prepared]
        self.query_one("#look-lines", Static).update(Content("\n").join(lines))

    def _line(self, prepared: Prepared) -> Cell:
        what = join((cell(prepared.change.host, Tone.STRONG), remote(prepared.change.label)))
        far = self._far.get(id(prepared))
        if far is None:
            return join((cell("◌", Tone.ACCENT), what, cell(tr("waiting for its turn"), Tone.DIM)))
        done = far.packages == far.of_packages
        count = tr("{n} of {all} packages", n=far.packages, all=far.of_packages)
        volume = tr("{some} of {all}", some=size(far.bytes), all=size(far.of_bytes))
        sign = cell("✓", Tone.GOOD) if done else cell("◌", Tone.ACCENT)
        return join((sign, what, cell(count), cell(volume, Tone.DIM)))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Stop it: no task is begun that has not been."""
        self._stop()
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Through what does not fit."""
        self.query_one("#looks", VerticalScroll).scroll_relative(y=lines, animate=False)
