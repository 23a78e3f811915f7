"""Mode Fleet: a row for each host."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from tui.domain.phrases import phrase
from tui.domain.sessions import Session
from tui.services.store import HostView
from tui.ui.catalog import COMMANDS, FLEET, SESSIONS
from tui.ui.commands import bindings
from tui.ui.language import said
from tui.ui.present import host_detail, hosts
from tui.ui.present.cell import BLANK, Cell, Tone
from tui.ui.present.faults import fault_tone, is_down
from tui.ui.present.lines import Line
from tui.ui.present.table import Row
from tui.ui.screens.host_table import HostTableScreen

__all__ = ["FleetScreen"]


class FleetScreen(HostTableScreen):
    """All hosts, reachable or not."""

    MODE = FLEET
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, FLEET)]
    COLUMNS = hosts.COLUMNS
    PARTS = ("machine", "load", "mounts", "gpus", "sessions")
    FIELDS = phrase("words, or fields: @group state:up disk>90% memory>80%")

    def made_of(self, view: HostView) -> tuple[object, ...]:
        return (view,)

    def rows_of(self, view: HostView) -> list[Row]:
        return [hosts.row(view)]

    def lines_of(self, view: HostView) -> list[Line]:
        return host_detail.detail(view, self.fleet.store.log(view.name), self.app.now())

    def sum_of(self, keys: Sequence[Hashable]) -> str:
        chosen = [self.fleet.store.host(str(key)) for key in keys if key in self.fleet.store]
        return hosts.sum_words(chosen)

    def status(self) -> Cell:
        view = self.view_of(self.grid.cursor_key)
        if view is None:
            return BLANK
        if view.fault is None or not is_down(view):
            if self.fleet.settings.file is None and len(self.fleet.store.hosts()) == 1:
                return hosts.offer(self.fleet.settings.offered)
            return host_detail.reached(view)
        text = " ".join(said(view.fault.message).split())
        remedy = f"  {said(view.fault.remedy)}" if view.fault.remedy else ""
        return ((text, fault_tone(view.fault)), (remedy, Tone.DIM))

    def session_of(self, key: Hashable) -> Session | None:
        sessions = self.fleet.store.host(str(key)).snapshot.sessions.value or ()
        return sessions[0] if len(sessions) == 1 else None

    def action_attach(self) -> None:
        """Attach to the host's one session, or show those it has."""
        key = self.grid.cursor_key
        if key is None:
            return
        if len(self.fleet.store.host(str(key)).snapshot.sessions.value or ()) > 1:
            self.app.show_filtered(SESSIONS, str(key))
        else:
            super().action_attach()
