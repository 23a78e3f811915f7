"""The ways between modes and views: which is in front, how one gets there, and how one comes back."""

from __future__ import annotations

from collections.abc import Hashable

from tui.services.fleet import FleetApi
from tui.ui.catalog import TASKS
from tui.ui.language import tr
from tui.ui.notices import Telling
from tui.ui.screens.compare import CompareNameScreen, ComparePairScreen
from tui.ui.screens.find import FindScreen
from tui.ui.screens.history import HistoryScreen
from tui.ui.screens.listing import ListingScreen
from tui.ui.screens.matrix import MatrixScreen
from tui.ui.screens.packages import PackagesScreen
from tui.ui.screens.table import TableScreen
from tui.ui.screens.task_history import TaskHistoryScreen
from tui.ui.screens.tasklog import TaskLogScreen
from tui.ui.screens.tasks import TasksScreen
from tui.ui.screens.view import EnvKey
from tui.ui.tasklogs import TaskKey

__all__ = ["Ways"]


class Ways(Telling):
    """An app of modes, over each of which views may lie. The modes are made by a subclass."""

    fleet: FleetApi

    def __init__(self) -> None:
        super().__init__()
        self._modes_made: dict[str, TableScreen] = {}
        self._before: tuple[str, str, Hashable | None] | None = None

    def remember(self) -> None:
        """The layout changed."""

    def front(self) -> ListingScreen | None:
        """The table in front, perhaps below a dialog."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, ListingScreen):
                return screen
        return None

    def front_mode(self) -> TableScreen | None:
        """The mode's screen in front; None while a view lies over it."""
        front = self.front()
        return front if isinstance(front, TableScreen) else None

    def action_mode(self, mode: str) -> None:
        """Switch to a mode; from a view that lies over it, back to it."""
        if mode not in self._modes_made:
            return
        if mode != self.current_mode:
            self._note_place()
            self.switch_mode(mode)
            self.remember()
        else:
            self._leave_views()

    def _leave_views(self) -> None:
        while len(self.screen_stack) > 1 and isinstance(self.screen, (ListingScreen, TaskLogScreen)):
            self.pop_screen()

    def _note_place(self) -> None:
        """Where :meth:`action_last` comes back to."""
        screen = self._modes_made.get(str(self.current_mode))
        if screen is not None:
            self._before = (screen.MODE, screen.filter_bar.words, screen.grid.cursor_key)

    def action_last(self) -> None:
        """Back to where one was before, with the filter and the row of then."""
        if self._before is None:
            self.tell(tr("There is nothing to go back to yet"))
            return
        mode, words, key = self._before
        self.show_filtered(mode, words)
        if key is not None:
            self._modes_made[mode].go_to(key)

    def show_filtered(self, mode: str, words: str) -> None:
        """Switch to *mode* with its filter set to *words*."""
        self._note_place()
        screen = self._modes_made[mode]
        self._leave_views()
        if mode != self.current_mode:
            self.switch_mode(mode)
            self._leave_views()
        screen.call_after_refresh(screen.filter_bar_set, words)

    def show_row(self, mode: str, key: Hashable, *, enter: bool = False) -> None:
        """Switch to *mode* with the cursor on a row, with *enter* in its detail; a filter that may hide it goes."""
        self.show_filtered(mode, "")
        screen = self._modes_made[mode]
        screen.go_to(key)
        if enter:
            screen.enter_soon()

    def show_packages(self, key: EnvKey) -> None:
        """The packages of an environment."""
        self.push_screen(PackagesScreen(self.fleet, key))

    def show_history(self, key: EnvKey) -> None:
        """What was asked of conda for an environment."""
        self.push_screen(HistoryScreen(self.fleet, key))

    def show_task(self, key: TaskKey) -> None:
        """A task in its table."""
        self.show_row(TASKS, key)

    def show_task_log(self, key: TaskKey) -> None:
        """The whole log of a task."""
        self.push_screen(TaskLogScreen(self.fleet, key))

    def cancel_task(self, key: TaskKey) -> None:
        """End a task, once the person has said yes."""
        tasks = self._modes_made[TASKS]
        if isinstance(tasks, TasksScreen):
            tasks.cancel_rows([key])

    def show_task_history(self) -> None:
        """What tasks did, as this machine remembers it."""
        self.push_screen(TaskHistoryScreen(self.fleet))

    def find(self, words: str) -> None:
        """Where on the fleet a package is; with no *words* they are asked for."""
        self.push_screen(FindScreen(self.fleet, words))

    def compare_pair(self, left: EnvKey, right: EnvKey) -> None:
        """Two environments side by side."""
        self.push_screen(ComparePairScreen(self.fleet, left, right))

    def compare_name(self, name: str) -> None:
        """All environments of a name against most of them."""
        self.push_screen(CompareNameScreen(self.fleet, name))

    def show_matrix(self) -> None:
        """Names by hosts."""
        self.push_screen(MatrixScreen(self.fleet))
