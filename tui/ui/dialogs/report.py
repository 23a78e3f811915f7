"""What became of a plan, to be read and copied for a ticket."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widgets import Button

from tui.domain.planreport import PlanReport, markdown
from tui.ui.dialogs.message import MessageDialog
from tui.ui.language import tr
from tui.ui.present import plan_lines
from tui.ui.present.cell import Tone, cell

__all__ = ["ReportDialog"]


class ReportDialog(MessageDialog):
    """Comes up by itself when the plan is done; ``y`` or its button copies it as Markdown, by OSC 52."""

    BINDINGS = [*MessageDialog.BINDINGS, ("y", "copy", "Copy")]  # noqa: RUF012  # as Textual declares it

    def __init__(self, report: PlanReport) -> None:
        failed = report.failed or report.refused
        words = tr("Not all of the plan was done") if failed else tr("The plan is done")
        super().__init__(cell(words, Tone.WARN if failed else Tone.GOOD), plan_lines.outcome(report))
        self._report = report

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Close"), id="close", compact=True)
        yield Button(tr("Copy as Markdown"), id="copy", compact=True)

    @on(Button.Pressed, "#copy")
    def _copy_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_copy()

    def action_copy(self) -> None:
        """The report as Markdown."""
        self.app.copy_to_clipboard(markdown(self._report))
        self.query_one("#box").border_subtitle = tr("Copied")
