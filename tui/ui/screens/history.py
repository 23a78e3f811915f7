"""View History: what was asked of conda for one environment, and what came of it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, cast

from textual.binding import BindingType

from tui.domain.history import Revision
from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi
from tui.ui.catalog import COMMANDS, HISTORY
from tui.ui.commands import bindings
from tui.ui.histories import Read
from tui.ui.language import tr, trn
from tui.ui.present import history_rows
from tui.ui.present.cell import Cell, Tone, cell, join, shown
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.lines import Line
from tui.ui.present.table import Note, natural_widths
from tui.ui.screens.listing import Gathered, ListingScreen
from tui.ui.screens.view import EnvKey, ViewScreen, find_environment

__all__ = ["HistoryScreen"]


class HistoryScreen(ViewScreen):
    """A row is known by (host, prefix, place from the oldest)."""

    MODE = HISTORY
    HAS_DETAIL = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, HISTORY)]
    COLUMNS = history_rows.COLUMNS
    FIELDS = phrase("words: a command, a package that changed")

    def __init__(self, fleet: FleetApi, key: EnvKey) -> None:
        super().__init__(fleet)
        self.key = key
        self._read: Read | None = None

    def counted(self, number: int) -> str:
        return trn("{n} change", "{n} changes", number)

    def crumbs(self) -> Cell:
        return self.headline(
            tr("Environments"), tr("{name} on {host}", name=self._called(), host=self.key[0]), tr("History")
        )

    def _called(self) -> str:
        env = find_environment(self.fleet, self.key)
        return shown(env.label if env else self.key[1])

    async def gather(self) -> Gathered:
        env = find_environment(self.fleet, self.key)
        if env is not None:
            known = self.app.histories.get(env)
            if known is None:
                self.app.histories.want(env)
                known = self.app.histories.get(env)
            self._read = known
        elif self._read is None:
            note = Note.of(tr("This environment is gone"), tr("Esc goes back"), tone=Tone.WARN)
            return Gathered([], [0] * len(self.columns), note, None)
        history = self._read.history if self._read is not None else None
        rows = [] if history is None else history_rows.rows(history, self.key)
        note = history_rows.note(self._read, self._called())
        return Gathered(rows, natural_widths(self.COLUMNS, rows), note, id(history))

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        row = self.grid.cursor_item
        if row is None or row.key != key or not isinstance(row.item, Revision):
            return None
        return history_rows.command_cell(row.item, self.key[1]), history_rows.detail(row.item, self.app.now())

    def status(self) -> Cell:
        read = self._read
        if read is None:
            return ()
        history = read.history
        parts = []
        if history is not None and history.revisions:
            parts.append(cell(self.counted(len(history.revisions)), Tone.DIM))
            if not history.complete:
                parts.append(cell(tr("the beginning of the file was not read"), Tone.WARN))
        if read.under_way:
            parts.append(cell(tr("being read"), Tone.ACCENT))
        if read.fault is not None and history is not None:
            parts.append(cell(tr("not renewed: {fault}", fault=fault_words(read.fault)), fault_tone(read.fault)))
        return join(parts, " · ")

    def selector_of(self, key: Hashable) -> str:
        place = cast("tuple[str, str, int]", key)[2]
        history = self._read.history if self._read is not None else None
        revisions = history.revisions[::-1] if history is not None else ()
        command = revisions[place].command if place < len(revisions) else None
        return super().selector_of(self.key) if command is None else shown(command)

    def sum_of(self, keys: list[Hashable]) -> str:  # type: ignore[override]  # the marks, always as a list
        return ""

    def action_back(self) -> None:
        """Out of the detail; out of the filter; out of the view."""
        if self.focused is self.detail or self.has_class("-detail"):
            ListingScreen.action_back(self)
        else:
            super().action_back()

    def action_refresh(self) -> None:
        """Read the file again now."""
        self.refresh_rows(())

    def refresh_rows(self, keys: Sequence[Hashable]) -> None:
        """The same, whichever changes are meant: they stand in one file."""
        env = find_environment(self.fleet, self.key)
        if env is not None:
            self.app.histories.want(env, again=True)
