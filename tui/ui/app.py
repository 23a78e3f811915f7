"""The app: modes, the funnel for what fails, the way to and from a full-screen terminal."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import Monochrome, NoColor
from textual.screen import Screen
from textual.theme import Theme, ThemeProvider
from textual.timer import Timer
from textual.widget import AwaitMount
from textual.widgets import Input

from tui.domain.layout import Layout, ViewLayout
from tui.domain.packageindex import PackageIndex
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.ports import LayoutStore
from tui.services.fleet import FleetApi, TerminalPlan
from tui.terminal.passthrough import pass_through
from tui.ui.attention import Attention
from tui.ui.bridge import Bridge, Changes
from tui.ui.catalog import COMMANDS, FLEET
from tui.ui.changing import Changing
from tui.ui.commands import Command, palette_title
from tui.ui.dialogs.base import DEAF_S
from tui.ui.dialogs.message import keys
from tui.ui.dialogs.palette import Palette
from tui.ui.disks import Disks
from tui.ui.histories import Histories
from tui.ui.keymap import lay_over
from tui.ui.language import said, tr, trn
from tui.ui.prompter import DialogPrompter
from tui.ui.screens.disk import DiskScreen
from tui.ui.screens.environments import EnvironmentsScreen
from tui.ui.screens.fleet import FleetScreen
from tui.ui.screens.hosts import HostsScreen
from tui.ui.screens.listing import ListingScreen
from tui.ui.screens.sessions import SessionsScreen
from tui.ui.screens.table import TableScreen
from tui.ui.screens.tasklog import TaskLogScreen
from tui.ui.screens.tasks import TasksScreen
from tui.ui.tasklogs import TaskKey, TaskLogs
from tui.ui.terminal import PassThrough, run_in_terminal
from tui.ui.themes import DEFAULT, MONOCHROME, THEMES
from tui.ui.unused import unused
from tui.ui.ways import Ways
from tui.ui.widgets.bars import FilterBar

__all__ = ["CondafleetApp"]

log = logging.getLogger(__name__)

REMEMBER_S = 1.0
AGAIN_S = 0.005
"""How long a mode that was shown before may lay itself out in silence, in seconds."""


class CondafleetApp(Ways):
    """The screen over a running fleet. It owns no work: tasks and connections are the services'."""

    TITLE = "condafleet"
    CSS_PATH: ClassVar[list[str]] = ["styles/base.tcss", "styles/dialogs.tcss"]  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c", "help_quit", show=False, system=True)]

    def __init__(
        self,
        fleet: FleetApi,
        *,
        prompter: DialogPrompter | None = None,
        layouts: LayoutStore | None = None,
        readonly: bool = False,
        now: Callable[[], float] = time.time,
        start: bool = True,
        join: PassThrough = pass_through,
        deaf_s: float = DEAF_S,
    ) -> None:
        """*now* gives the time that ages are told by; *start* False leaves starting the fleet to the caller.

        A dialog that nobody called for takes no keys for *deaf_s* seconds.

        *layouts* remembers how the screen was left. With *readonly* commands that change a host are not there.
        """
        super().__init__()
        self.fleet = fleet
        self.now = now
        self.deaf_s = deaf_s
        self.readonly = readonly
        self.packages = PackageIndex()
        """Which environments hold which package, for all filters; it grows as they are used."""
        self.histories = Histories(fleet, self.launch, self._history_read)
        """What was asked of conda for the environments that the person looked at."""
        self.disks = Disks(fleet, self.launch, self._disks_changed, now)
        """What the disks of counted hosts hold."""
        self.task_logs = TaskLogs(fleet, self.launch, self._log_grew)
        """The logs of tasks that the person looks at."""
        self.changing = Changing(self)
        """The way of every change of a host."""
        self.attention = Attention(self, os.environ)
        """What is told of the ends of tasks that were started here."""
        self.keymap_used = lay_over(COMMANDS, fleet.settings.keys)
        self.in_front = asyncio.Event()
        """Set while the app has the terminal."""
        self.in_front.set()
        self._prompter = prompter
        self._layouts = layouts
        self._start = start
        self._join = join
        self._bridge: Bridge | None = None
        self._in_terminal = False
        self._again = False
        self._remember_timer: Timer | None = None
        if self.no_color and not self.native_ansi_color:
            self._filters[:] = [NoColor() if isinstance(each, Monochrome) else each for each in self._filters]
        for theme in THEMES:
            self.register_theme(theme)

    def on_mount(self) -> None:
        kept = self._layouts.load() if self._layouts is not None else Layout()
        self._choose_theme(kept.theme)
        self.attention.wanted = kept.notify
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        self.refresh_css(animate=False)  # in the colours just chosen, for all screens
        self.set_keymap(dict(self.keymap_used.taken))
        for made in (FleetScreen, EnvironmentsScreen, DiskScreen, SessionsScreen, TasksScreen, HostsScreen):
            screen: TableScreen = made(self.fleet)
            screen.restore(kept.views.get(made.MODE, ViewLayout()))
            self._modes_made[made.MODE] = screen
            self.add_mode(made.MODE, partial(self._styled, screen))
        self.switch_mode(kept.mode if kept.mode in self._modes_made else FLEET)
        self._bridge = Bridge(self.fleet.bus, self._changed, self.set_timer, time.monotonic)
        if self._prompter is not None:
            self._prompter.bind(self)
        if self._start:
            self.call_after_refresh(self.launch, self.fleet.start, phrase("start watching the fleet"))
        self.call_after_refresh(self._tell_problems)

    def on_unmount(self) -> None:
        self.task_logs.rest()
        if self._bridge is not None:
            self._bridge.close()
        if self._prompter is not None:
            self._prompter.unbind()
        self._save_layout()

    def _choose_theme(self, kept: str | None) -> None:
        for wanted in (self.fleet.settings.theme, MONOCHROME if self.no_color else None, kept):
            if wanted in self.available_themes:
                self.theme = str(wanted)
                break
        else:
            self.theme = DEFAULT
        self.set_class(self.theme == MONOCHROME, "-monochrome")

    def _styled(self, screen: TableScreen) -> Screen[Any]:
        """*screen*, about to be shown for the first time.

        It is styled when it is mounted, by the sheets as they are read. Textual does not know that of a screen that
        is new, and would read all of them anew at the first switch to it, twice, and at the second.
        """
        screen._css_update_count = self._css_update_count
        return screen

    def switch_mode(self, mode: str) -> AwaitMount:
        """As any app's; a mode that was shown before is there sooner."""
        screen = self._modes_made.get(mode)
        self._again = screen is not None and screen.is_mounted
        try:
            return super().switch_mode(mode)
        finally:
            self._again = False

    def delay_update(self, delay: float = 0.05) -> None:
        """Paint nothing for *delay* seconds: a new screen takes shape meanwhile; one that has its shape needs less."""
        super().delay_update(AGAIN_S if self._again else delay)

    def _theme_changed(self, theme: Theme) -> None:
        self.set_class(theme.name == MONOCHROME, "-monochrome")
        self.remember()

    def _tell_problems(self) -> None:
        """What of the configuration is not used: the first of it in a note that stays a while, all in the log."""
        found = unused(self.fleet.settings, self.keymap_used, self.available_themes)
        for text in found:
            log.warning("not used: %s", text)
        if len(found) == 1:
            self.warn(tr("Not used: {text}", text=found[0]))
        elif found:
            self.warn(
                trn(
                    "Not used: {text} ({n} more is named in the log file)",
                    "Not used: {text} ({n} more are named in the log file)",
                    len(found) - 1,
                    text=found[0],
                )
            )

    # What is remembered

    def remember(self) -> None:
        """The layout changed: keep it soon."""
        if self._layouts is not None and self._remember_timer is None:
            self._remember_timer = self.set_timer(REMEMBER_S, self._save_layout)

    def _save_layout(self) -> None:
        self._remember_timer = None
        if self._layouts is None or not self._modes_made:
            return
        views = {mode: screen.layout_kept for mode, screen in self._modes_made.items()}
        theme = self.theme if self.fleet.settings.theme is None and not self.no_color else None
        self._layouts.save(Layout(str(self.current_mode), theme, views, self.attention.wanted))

    @property
    def at_leisure(self) -> bool:
        """True while a question may come up: a table is in front, and nobody types into a field."""
        return self.in_front.is_set() and isinstance(self.screen, ListingScreen) and not isinstance(self.focused, Input)

    def say_waiting(self, words: str) -> None:
        """Who waits until the filter is left; nobody for empty words. Raw."""
        front = self.front()
        for bar in front.query(FilterBar) if front is not None else ():
            bar.say_waiting(printable(words))

    def _changed(self, changes: Changes) -> None:
        for notice in changes.notices:
            self.warn(said(notice.text))
        if (screen := self.front()) is not None:
            screen.changed(changes)
        self.attention.look()

    def action_notify_ends(self) -> None:
        """Have the terminal tell when a task that was started here is over, or not any more."""
        self.attention.wanted = not self.attention.wanted
        self.remember()
        if self.attention.wanted:
            self.tell(tr("The terminal will tell when a task that you began is over"))
        else:
            self.tell(tr("The terminal will not tell of tasks any more"))

    def write_alarm(self, sequence: str) -> None:
        """Have the terminal call its person."""
        if self._driver is not None and self.in_front.is_set():
            self._driver.write(sequence)
            self._driver.flush()

    def _log_grew(self, key: TaskKey) -> None:
        if isinstance(self.screen, TaskLogScreen) and self.screen.key == key:
            self.screen.grew()
        elif (screen := self.front()) is not None:
            screen.show_detail()

    def _disks_changed(self) -> None:
        if isinstance(screen := self.front(), DiskScreen):
            screen.renew()

    def _history_read(self) -> None:
        if (screen := self.front()) is not None:
            screen.renew()

    # Terminals

    def open_terminal(self, plan: TerminalPlan) -> None:
        """Give the terminal to *plan* and come back to the same row."""
        if self._in_terminal:
            return
        self._in_terminal = True
        self.launch(partial(self._terminal, plan), phrase("open a terminal"))

    async def _terminal(self, plan: TerminalPlan) -> None:
        try:
            await run_in_terminal(self, plan, self._join)
        finally:
            self._in_terminal = False
        self.fleet.refresh([plan.host], ["sessions"])

    def step_back(self) -> None:
        """Write nothing to the terminal and ask nothing until :meth:`step_forward`."""
        self.in_front.clear()
        if self._bridge is not None:
            self._bridge.hold()

    def step_forward(self) -> None:
        """The terminal is ours again: draw everything, take in what happened meanwhile."""
        self.in_front.set()
        if self._bridge is not None:
            self._bridge.release()
        self.refresh(layout=True)
        self.screen.refresh(layout=True)

    # Commands

    def key_of(self, command: str) -> str:
        """The key of a command, as a person reads it."""
        return next(each.key_text for each in self.keymap_used.commands if each.id == command)

    def show_keys(self, mode: str) -> None:
        """The keys of *mode*."""
        self.push_screen(keys(mode, [each for each in self.keymap_used.commands if not self._absent(each)]))

    def _absent(self, command: Command) -> bool:
        return command.dangerous and self.readonly

    async def action_quit(self) -> None:
        """Leave at once."""
        self.exit(0)

    def action_help_quit(self) -> None:
        """Ctrl+C does not quit: it is pressed too often by mistake."""
        self.tell(tr("Press q to quit"))

    def action_command_palette(self) -> None:
        """Find a command by its name."""
        if not Palette.is_open(self):  # type: ignore[arg-type]  # any app is meant
            self.push_screen(Palette(placeholder=tr("Search for commands…"), id="--command-palette"))

    def search_themes(self) -> None:
        """Find a theme by its name."""
        self.push_screen(Palette([ThemeProvider], placeholder=tr("Search for themes…")))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every command of the table in front, for the row, for the marked rows and for all shown."""
        front = self.front()
        if front is None or screen is not front:
            return
        for command in self.keymap_used.commands:
            if not command.palette or not command.in_mode(front.MODE) or self._absent(command):
                continue
            label, meaning = palette_title(command), tr(command.help)
            yield SystemCommand(f"{label}  ({command.key_text})", meaning, partial(self._run_on, front, command.action))
            if command.over:
                for whose, what, rows in front.scopes():
                    run = partial(getattr(front, command.over), rows)
                    yield SystemCommand(f"{label}: {whose}", what, run)

    async def _run_on(self, screen: ListingScreen, action: str) -> None:
        await screen.run_action(action)
