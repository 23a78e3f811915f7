"""Before a plan is run: what goes and what comes free, and a name to be typed for each thing that is guarded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from textual import on
from textual.content import Content
from textual.widgets import Button, Input

from tui.domain.changes import ConcernKind, Severity
from tui.domain.planitems import ItemKind
from tui.domain.plans import Refusal
from tui.services.plans import ReadyPlan
from tui.ui.dialogs.names import NamesDialog
from tui.ui.language import tr
from tui.ui.present import plan_lines

__all__ = ["Accepted", "PlanDialog"]

Key = tuple[str, ItemKind, str]
Accepted = Mapping[Key, Collection[ConcernKind]]
"""By thing, what was accepted by typing its name: what was shown, and nothing that is found later."""


class PlanDialog(NamesDialog[Accepted | None]):
    """Returns what was accepted by name, nothing where nothing was; None when the person wants nothing of it."""

    def __init__(self, ready: ReadyPlan, hidden: Collection[Key]) -> None:
        """*hidden*: the keys of things that a filter hides."""
        self._ready = ready
        self._hidden = hidden
        self._guarded: tuple[Refusal, ...] = tuple(
            each for each in ready.outlook.refused if each.severity is Severity.NAME
        )
        names = [(each.item.host, each.item.label) for each in self._guarded]
        super().__init__(plan_lines.title(ready.report), plan_lines.before(ready.report, hidden), names)

    @property
    def accepted(self) -> dict[Key, frozenset[ConcernKind]]:
        """The things whose name is typed now, with what stood against them."""
        return {
            each.item.key: frozenset(concern.kind for concern in each.concerns)
            for place, each in enumerate(self._guarded)
            if self.typed(place)
        }

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Leave it"), id="cancel", compact=True)
        yield Button("", id="go", variant="error", compact=True)

    def on_mount(self) -> None:
        self._say()

    @on(Input.Changed)
    def _say(self) -> None:
        report = plan_lines.with_accepted(self._ready, self.accepted)
        self.say(plan_lines.title(report), plan_lines.before(report, self._hidden))
        go = self.query_one("#go", Button)
        go.label = Content(tr("Let it go"))
        go.disabled = not any(each.outlook.items for each in report.hosts)

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.dismiss(self.accepted)
