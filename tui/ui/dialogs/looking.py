"""While changes are looked at on their hosts, side by side: a line for each, and a way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.domain.changes import Change, Prepared
from tui.domain.errors import CondafleetError
from tui.domain.phrases import phrase
from tui.ui.dialogs.base import Dialog
from tui.ui.language import said, tr, trn
from tui.ui.notices import Telling
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.widgets.toned import content

__all__ = ["LookingDialog"]

SHOWN = 100
AGAIN_S = 0.1


class LookingDialog(Dialog[tuple[Prepared, ...] | None]):
    """Returns what was looked at, None when the person wants nothing of it any more: then nothing was done.

    It goes away by itself once all hosts have answered; when some could not, it says why and asks whether to go on
    with the others.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, changes: Sequence[Change], look: Callable[[Change], Awaitable[Prepared]]) -> None:
        hosts = len({change.host for change in changes})
        title = trn("Looking at what it would do on {n} host", "Looking at what it would do on {n} hosts", hosts)
        super().__init__(cell(title), ())
        self._changes = tuple(changes)
        self._look = look
        self._prepared: dict[int, Prepared] = {}
        self._errors: dict[int, str] = {}
        self._failed = False

    def fields(self) -> Iterable[Widget]:
        with VerticalScroll(id="looks", can_focus=False):
            yield Static(Content(""), id="look-lines")

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Cancel"), id="cancel", compact=True)
        go = Button("", id="go", variant="primary", compact=True)
        go.display = False
        yield go

    def on_mount(self) -> None:
        self._say()
        app = self.app
        assert isinstance(app, Telling)
        self._work = app.launch(self._look_at_all, phrase("look at what would be done"))

    async def _look_at_all(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number, change in enumerate(self._changes):
                    group.create_task(self._look_at(number, change), name=f"look at {change.kind} on {change.host}")
        except* Exception as defects:  # a defect: the funnel tells of it, and nobody waits on here
            self._failed = True
            raise defects.exceptions[0] from None
        finally:
            self._finish()

    def _finish(self) -> None:
        """All have answered. Somebody else's dialog may lie over this one: then once that is gone."""
        if not self.is_attached:
            return
        if self.app.screen is not self:
            self.set_timer(AGAIN_S, self._finish)
        elif self._failed:
            self.dismiss(None)
        elif len(self._prepared) == len(self._changes):
            self.dismiss(tuple(self._prepared[number] for number in range(len(self._changes))))
        elif self._prepared:
            go = self.query_one("#go", Button)
            go.label = Content(trn("Go on with {n}", "Go on with {n}", len(self._prepared)))
            go.display = True

    async def _look_at(self, number: int, change: Change) -> None:
        try:
            self._prepared[number] = await self._look(change)
        except CondafleetError as error:
            self._errors[number] = " ".join(filter(None, (said(error.message), said(error.remedy))))
        self.call_later(self._say)

    def _say(self) -> None:
        if not self.is_attached:
            return
        # What failed first: it must not hide below a hundred that went well.
        order = sorted(range(len(self._changes)), key=lambda number: number not in self._errors)
        lines = [content(self._line(number)) for number in order[:SHOWN]]
        if len(order) > SHOWN:
            lines.append(content(cell(tr("and {n} more", n=len(order) - SHOWN), Tone.DIM)))
        self.query_one("#look-lines", Static).update(Content("\n").join(lines))

    def _line(self, number: int) -> Cell:
        change = self._changes[number]
        what = join((cell(change.host, Tone.STRONG), remote(change.label)))
        if number in self._errors:
            return join((cell("✗", Tone.BAD), what, cell(self._errors[number], Tone.BAD)))
        if number in self._prepared:
            return join((cell("✓", Tone.GOOD), what, cell(tr("looked at"), Tone.DIM)))
        return join((cell("◌", Tone.ACCENT), what, cell(tr("asking …"), Tone.DIM)))

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(tuple(self._prepared[number] for number in sorted(self._prepared)))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing of it."""
        self._work.cancel()
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Through what does not fit."""
        self.query_one("#looks", VerticalScroll).scroll_relative(y=lines, animate=False)
