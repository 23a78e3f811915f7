"""Mode Hosts: how each host is reached, what went wrong, and the verbs on its connection."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import BindingType

from tui.domain.hosts import HostState
from tui.domain.phrases import phrase
from tui.services.store import HostView
from tui.ui.bridge import Changes
from tui.ui.catalog import COMMANDS, HOSTS
from tui.ui.commands import bindings
from tui.ui.language import said, tr, trn
from tui.ui.present import connections
from tui.ui.present.cell import BLANK, Cell, Tone, cell
from tui.ui.present.faults import fault_tone, is_down
from tui.ui.present.lines import Line
from tui.ui.present.table import Row
from tui.ui.screens.host_table import HostTableScreen

__all__ = ["HostsScreen"]


class HostsScreen(HostTableScreen):
    """All hosts, by their connections."""

    MODE = HOSTS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, HOSTS)]
    COLUMNS = connections.COLUMNS
    PARTS = ("machine",)
    FIELDS = phrase("words, or fields: is:down fault:timeout @group")

    def made_of(self, view: HostView) -> tuple[object, ...]:
        log = self.fleet.store.log(view.name)
        return (view.state, view.fault, view.facts, view.spec, log[-1] if log else None)

    def rows_of(self, view: HostView) -> list[Row]:
        return [connections.row(view, self.fleet.store.log(view.name))]

    def changed(self, changes: Changes) -> None:
        self.renew()  # the last line of the log is a column

    def lines_of(self, view: HostView) -> list[Line]:
        return connections.detail(view, self.fleet.store.log(view.name), self.app.now())

    def status(self) -> Cell:
        view = self.view_of(self.grid.cursor_key)
        if view is None:
            return BLANK
        if view.fault is None or not is_down(view):
            return cell(tr("l is the log; c makes the connection anew, x lets go of it"), Tone.DIM)
        remedy = f"  {said(view.fault.remedy)}" if view.fault.remedy else ""
        return ((" ".join(said(view.fault.message).split()), fault_tone(view.fault)), (remedy, Tone.DIM))

    def action_log(self) -> None:
        """Into the detail, where the log is."""
        self.action_detail()

    def action_reconnect(self) -> None:
        """Make the connections of the marked hosts, or of this one, anew."""
        self.reconnect_rows(self.targets())

    def reconnect_rows(self, keys: Sequence[Hashable]) -> None:
        """Make the connections of *keys* anew."""
        for host in self.hosts_of(keys):
            self.fleet.reconnect(host)
        if len(keys) == 1:
            self.app.tell(tr("Connecting {host}", host=self.host_of(keys[0])))
        elif keys:
            self.app.tell(trn("Connecting {n} host", "Connecting {n} hosts", len(keys)))

    def action_disconnect(self) -> None:
        """Let go of the marked hosts, or of this one."""
        self.disconnect_rows(self.targets())

    def disconnect_rows(self, keys: Sequence[Hashable]) -> None:
        """Let go of *keys*."""
        up = [host for host in self.hosts_of(keys) if self.fleet.store.host(host).state is not HostState.IDLE]
        for host in up:
            self.fleet.disconnect(host)
        if len(up) == 1:
            self.app.tell(tr("Let go of {host}", host=up[0]))
        elif up:
            self.app.tell(trn("Let go of {n} host", "Let go of {n} hosts", len(up)))
