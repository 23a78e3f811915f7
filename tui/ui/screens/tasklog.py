"""View Log: the whole log of one task as its terminal showed it, followed while the task runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi
from tui.ui.catalog import MODES, TASKS
from tui.ui.language import said, tr
from tui.ui.present.cell import Cell, Tone, cell, join
from tui.ui.present.tasks import name_cell, progress_cell, state_cell
from tui.ui.present.words import size_long
from tui.ui.tasklogs import TaskKey, find_task
from tui.ui.widgets.bars import StatusLine, TopBar
from tui.ui.widgets.footer import KeyLine
from tui.ui.widgets.logview import LogView

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["TaskLogScreen"]


class TaskLogScreen(Screen[None]):
    """Over the Tasks mode; Esc goes back to it."""

    AUTO_FOCUS = "#log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,l,q", "dismiss", phrase("Back"), key_display="Esc"),
        Binding("G", "follow", phrase("Follow")),
        Binding("g", "top", phrase("Top")),
        Binding("ctrl+x", "cancel_task", phrase("Cancel it"), key_display="^x"),
        Binding("y", "copy", phrase("Copy")),
    ]
    DEFAULT_CSS = """
    TaskLogScreen LogView { height: 1fr; }
    """

    app: CondafleetApp

    def __init__(self, fleet: FleetApi, key: TaskKey) -> None:
        super().__init__()
        self.fleet = fleet
        self.key = key

    def compose(self) -> ComposeResult:
        task = find_task(self.fleet, self.key)
        name: Cell = cell(self.key[1]) if task is None else name_cell(task)
        here = join((name, cell(tr("on {host}", host=self.key[0]), Tone.DIM)), " ")
        crumbs = join((cell(tr("Tasks"), Tone.DIM), here, cell(tr("Log"), Tone.STRONG)), " › ")
        yield TopBar([(mode, key, said(label)) for mode, key, label in MODES], TASKS, crumbs)
        yield LogView(self.app.task_logs.want(self.key).screen, id="log")
        yield StatusLine()
        yield KeyLine()

    def on_mount(self) -> None:
        self.set_interval(1.0, self.say)
        self.grew()

    def grew(self) -> None:
        """There is more of it."""
        self.query_one(LogView).grew()
        self.say()

    @on(LogView.Moved)
    def say(self) -> None:
        """What is known beside the text."""
        task, log = find_task(self.fleet, self.key), self.app.task_logs.get(self.key)
        parts: list[Cell] = []
        if task is not None:
            parts.append(state_cell(task))
            if not task.is_over:
                parts.append(progress_cell(self.fleet.tasks.progress(*self.key)))
        if log is not None:
            parts.append(cell(tr("{size} read", size=size_long(log.offset)), Tone.DIM))
            if log.fault is not None:
                parts.append(cell(" ".join(said(log.fault.message).split()), Tone.WARN))
            elif log.ended:
                parts.append(cell(tr("all of it"), Tone.DIM))
        if not self.query_one(LogView).following:
            parts.append(cell(tr("G follows the end"), Tone.ACCENT))
        if log is not None and log.screen.forgotten:
            parts.append(cell(tr("its first {n} lines are not kept here", n=f"{log.screen.forgotten:,}"), Tone.WARN))
        self.query_one(StatusLine).say(join(parts, " · "))

    def action_follow(self) -> None:
        """To the end, and stay there."""
        self.query_one(LogView).action_follow()

    def action_top(self) -> None:
        """To its beginning."""
        self.query_one(LogView).scroll_home(animate=False)

    def action_cancel_task(self) -> None:
        """End the task, once the person has said yes."""
        self.app.cancel_task(self.key)

    def action_copy(self) -> None:
        """Copy the text of the log, without colours, by OSC 52."""
        log = self.app.task_logs.get(self.key)
        if log is not None:
            self.app.copy_to_clipboard(log.text)
            self.app.tell(tr("Copied the end of the log"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is cancelled with ``--readonly``."""
        if action == "cancel_task" and self.app.readonly:
            return False
        return super().check_action(action, parameters)
