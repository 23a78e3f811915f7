"""What tasks are doing to environments at the moment, in words."""

from __future__ import annotations

from tui.domain.changes import ChangeKind
from tui.domain.phrases import phrase
from tui.domain.tasks import Task, TaskState
from tui.services.store import HostView
from tui.ui.language import said
from tui.ui.present.cell import Cell, Tone, cell

__all__ = ["Doing", "doing_cell", "under_change"]

Doing = tuple[tuple[str, str, bool], ...]
"""(prefix, kind, whether it waits) of each task that goes on."""
BEING: dict[str, tuple[str, str]] = {
    ChangeKind.CREATE.value: (phrase("being created"), phrase("to be created")),
    ChangeKind.CLONE.value: (phrase("being created"), phrase("to be created")),
    ChangeKind.REMOVE.value: (phrase("being removed"), phrase("to be removed")),
    ChangeKind.RENAME.value: (phrase("being renamed"), phrase("to be renamed")),
    ChangeKind.RECREATE.value: (phrase("being made anew"), phrase("to be made anew")),
    ChangeKind.INSTALL.value: (phrase("gets packages"), phrase("to get packages")),
    ChangeKind.UPDATE.value: (phrase("being updated"), phrase("to be updated")),
    ChangeKind.UNINSTALL.value: (phrase("loses packages"), phrase("to lose packages")),
    ChangeKind.RESTORE.value: (phrase("being restored"), phrase("to be restored")),
}
"""Now, and while it waits: short, for a column."""


def under_change(view: HostView) -> Doing:
    """What goes on at a host, by the prefix that it is about."""
    tasks: tuple[Task, ...] = () if view.tasks is None else view.tasks.tasks
    waiting = (TaskState.QUEUED, TaskState.WAITING_LOCK)
    return tuple((task.target, task.kind, task.state in waiting) for task in tasks if not task.is_over)


def doing_cell(prefix: str, doing: Doing) -> Cell:
    """What goes on at *prefix*; nothing when nothing does."""
    for target, kind, waits in doing:
        if target == prefix:
            now, soon = BEING.get(kind, (phrase("being changed"), phrase("to be changed")))
            return cell(said(soon if waits else now), Tone.ACCENT)
    return ()
