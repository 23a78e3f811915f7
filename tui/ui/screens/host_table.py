"""What the tables of hosts share: a row is known by its host's name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence

from tui.domain import filters_hosts
from tui.domain.text import printable
from tui.services.store import HostView
from tui.ui.language import trn
from tui.ui.present import hosts
from tui.ui.present.cell import Cell, Tone, cell
from tui.ui.present.lines import Line
from tui.ui.present.table import Note
from tui.ui.screens.table import TableScreen

__all__ = ["HostTableScreen"]


class HostTableScreen(TableScreen):
    """A row for each host, reachable or not."""

    SCHEMA = filters_hosts.HOSTS

    @abstractmethod
    def lines_of(self, view: HostView) -> list[Line]:
        """The detail of a host."""

    def counted(self, number: int) -> str:
        return trn("{n} host", "{n} hosts", number)

    def note(self, views: Sequence[HostView]) -> Note:
        return hosts.empty_note(self.fleet.settings)

    def view_of(self, key: Hashable | None) -> HostView | None:
        """The host of a row; None when it is gone."""
        return self.fleet.store.host(str(key)) if key in self.fleet.store else None

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        view = self.view_of(key)
        return None if view is None else (cell(view.name, Tone.STRONG), self.lines_of(view))

    def host_of(self, key: Hashable) -> str:
        return str(key)

    def selector_of(self, key: Hashable) -> str:
        return printable(str(key))
