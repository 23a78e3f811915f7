"""Before a plan is run: what goes and what comes free, and a name to be typed for each thing that is guarded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.domain.changes import ConcernKind, Severity
from tui.domain.planitems import Item, ItemKind
from tui.domain.plans import Refusal
from tui.domain.text import printable
from tui.services.plans import ReadyPlan
from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr
from tui.ui.present import plan_lines
from tui.ui.present.cell import Tone, around, remote
from tui.ui.widgets.toned import content

__all__ = ["Accepted", "PlanDialog"]

Key = tuple[str, ItemKind, str]
Accepted = Mapping[Key, Collection[ConcernKind]]
"""By thing, what was accepted by typing its name: what was shown, and nothing that is found later."""


class PlanDialog(Dialog[Accepted | None]):
    """Returns what was accepted by name, nothing where nothing was; None when the person wants nothing of it."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup,ctrl+b", "scroll(-8)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "scroll(8)", "Page down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
    ]

    def __init__(self, ready: ReadyPlan, hidden: Collection[Key]) -> None:
        """*hidden*: the keys of things that a filter hides."""
        super().__init__(plan_lines.title(ready.report), plan_lines.before(ready.report, hidden))
        self._ready = ready
        self._hidden = hidden
        self._guarded: tuple[Refusal, ...] = tuple(
            each for each in ready.outlook.refused if each.severity is Severity.NAME
        )

    @property
    def accepted(self) -> dict[Key, frozenset[ConcernKind]]:
        """The things whose name is typed now, with what stood against them."""
        return {
            each.item.key: frozenset(concern.kind for concern in each.concerns)
            for place, each in enumerate(self._guarded)
            if self._typed(place, each.item)
        }

    def _typed(self, place: int, item: Item) -> bool:
        field = self.query(f"#name-{place}")
        return bool(field) and field.first(Input).value.strip() == printable(item.label).strip()

    def fields(self) -> Iterable[Widget]:
        with VerticalScroll(id="names", can_focus=False) as names:
            names.display = bool(self._guarded)
            for place, each in enumerate(self._guarded):
                ask = tr("Type {name} to do it in spite of that ({host}):", host=each.item.host)
                yield Static(content(around(ask, "name", remote(each.item.label, Tone.ACCENT))))
                yield Input(id=f"name-{place}", compact=True)

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Leave it"), id="cancel", compact=True)
        yield Button("", id="go", variant="error", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_class(bool(self._guarded), "-named")
        self._say()

    @on(Input.Changed)
    def _say(self) -> None:
        report = plan_lines.with_accepted(self._ready, self.accepted)
        self.say(plan_lines.title(report), plan_lines.before(report, self._hidden))
        go = self.query_one("#go", Button)
        go.label = Content(tr("Let it go"))
        go.disabled = not any(each.outlook.items for each in report.hosts)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Enter in a field goes on to the next; it starts nothing."""
        self.app.action_focus_next()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(self.accepted)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing of it."""
        self.dismiss(None)

    def action_scroll(self, lines: int) -> None:
        """Through what does not fit."""
        self.query_one("#text", VerticalScroll).scroll_relative(y=lines, animate=False)
