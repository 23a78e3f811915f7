"""View Names by hosts: which hosts have which names, and are they the same."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.domain.matrix import MatrixRow, matrix
from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi
from tui.ui.catalog import COMMANDS, MATRIX
from tui.ui.commands import bindings
from tui.ui.language import tr, trn
from tui.ui.present import matrix_rows
from tui.ui.present.cell import Cell, Tone, cell, join, shown
from tui.ui.present.notes import empty_note
from tui.ui.present.table import Row, natural_widths
from tui.ui.screens.listing import Gathered
from tui.ui.screens.view import ViewScreen

__all__ = ["MatrixScreen"]


class MatrixScreen(ViewScreen):
    """A row for each name, a column for each host; equal letters are equal packages."""

    MODE = MATRIX
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(COMMANDS, MATRIX),
        Binding("left,h", "shift(-1)", "Hosts to the left", show=False),
        Binding("right,l", "shift(1)", "Hosts to the right", show=False),
    ]
    COLUMNS = matrix_rows.columns(())
    FIELDS = phrase("words: a name, same, differs")

    def __init__(self, fleet: FleetApi) -> None:
        super().__init__(fleet)
        self._first = 0
        self._rows: list[MatrixRow] = []
        self._made_of: object = None

    def counted(self, number: int) -> str:
        return trn("{n} name", "{n} names", number)

    def crumbs(self) -> Cell:
        return self.headline(tr("Environments"), tr("Names by hosts"))

    def hosts(self) -> list[str]:
        """The hosts that have a column, those with environments first."""
        views = self.fleet.store.hosts()
        return [view.name for view in sorted(views, key=lambda view: not view.snapshot.environments.value)]

    async def gather(self) -> Gathered:
        views = self.fleet.store.hosts()
        hosts = self.hosts()
        environments = self.fleet.store.environments()
        answered = {view.name for view in views if view.snapshot.environments.value is not None}
        made_of = (id(environments), tuple(hosts), frozenset(answered))
        if made_of != self._made_of:
            self._rows, self._made_of = matrix(environments, hosts, answered), made_of
        self._first = max(0, min(self._first, len(hosts) - 1))
        self.columns = matrix_rows.columns(hosts[self._first :])
        rows = [matrix_rows.row(each, self._first) for each in self._rows]
        names = [Row(row.key, row.cells[:1]) for row in rows]
        natural = [*natural_widths(self.columns[:1], names), *(column.most for column in self.columns[1:])]
        return Gathered(
            rows, natural, empty_note(views, "environments", tr("environments"), self.app.now()), (made_of, self._first)
        )

    def status(self) -> Cell:
        fit = sum(1 for width in self.grid.widths[2:] if width)
        hidden = max(0, len(self.hosts()) - fit)
        differ = sum(row.same is False for row in self._rows)
        return join(
            (
                cell(trn("{n} host more: ← →", "{n} hosts more: ← →", hidden) if hidden else "", Tone.ACCENT),
                cell(
                    trn("{n} differs", "{n} differ", differ),
                    Tone.WARN if differ else Tone.DIM,
                ),
                matrix_rows.legend(self.app.size.width),
            ),
            " · ",
        )

    def selector_of(self, key: Hashable) -> str:
        return f"*:{shown(str(key))}"

    def sum_of(self, keys: list[Hashable]) -> str:  # type: ignore[override]  # the marks, always as a list
        return ""

    def action_shift(self, step: int) -> None:
        """Show the hosts further to the right or left."""
        self._first = max(0, self._first + step)
        self.renew()

    def action_detail(self) -> None:
        """Compare the name on all hosts."""
        if (key := self.row_key) is not None:
            self.app.compare_name(str(key))
