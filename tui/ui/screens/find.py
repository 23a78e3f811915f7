"""View Find: where on the fleet a package is."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.binding import BindingType

from tui.domain.filterrows import EnvironmentRow
from tui.domain.find import find
from tui.domain.packagespec import PackageSpec, read_package_spec
from tui.domain.phrases import phrase, worded
from tui.domain.query import Schema
from tui.domain.suggest import completion
from tui.domain.text import printable
from tui.services.fleet import FleetApi
from tui.ui.catalog import COMMANDS, FIND, FLEET, LABELS
from tui.ui.commands import bindings
from tui.ui.language import said, tr, trn
from tui.ui.present import package_rows
from tui.ui.present.cell import Cell, Tone, cell, join
from tui.ui.present.filters import RowFilter
from tui.ui.present.notes import missing_cell
from tui.ui.present.table import Note, natural_widths
from tui.ui.screens.listing import Gathered, ListingScreen
from tui.ui.screens.view import ViewScreen

__all__ = ["FindScreen"]

SLICE = 500
PACKAGES_ALONE: Schema[EnvironmentRow] = Schema({}, {}, has_packages=True)
"""What is typed here is a package, without any fields."""


class FindScreen(ViewScreen):
    """What is typed into the filter bar is the package looked for; an environment may hold several that fit."""

    MODE = FIND
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, FIND)]
    COLUMNS = package_rows.FOUND
    ESC_LEAVES = True
    FIELDS = phrase("a package: torch<2.1  numpy=1.21.6  pip:torch  cuda*")

    def __init__(self, fleet: FleetApi, words: str = "") -> None:
        super().__init__(fleet)
        self._words = words
        self._spec: PackageSpec | None = None
        self._hits = (0, 0, 0)

    def counted(self, number: int) -> str:
        return trn("{n} package", "{n} packages", number)

    def crumbs(self) -> Cell:
        over = self.app.screen_stack[-2]  # where Esc leads
        return self.headline(
            said(LABELS[over.MODE if isinstance(over, ListingScreen) else FLEET]), tr("Find a package")
        )

    def on_mount(self) -> None:
        self.filter_bar.open()
        if self._words:
            self.call_after_refresh(self.filter_bar_set, self._words)

    def filter_for(self, words: str) -> RowFilter:
        self._spec = None
        if not words.strip():
            return RowFilter(words)
        # While a constraint is being typed the name alone counts: torch< is torch already.
        written = words.strip().rstrip("<>=!~,|. ") or words.strip()
        try:
            self._spec = read_package_spec(written)
        except ValueError as problem:
            return RowFilter(words, problem=worded(problem))
        return RowFilter(words)

    def completion(self, words: str) -> str | None:
        return completion(words, PACKAGES_ALONE, None, self.app.packages)

    async def gather(self) -> Gathered:
        environments = self.fleet.store.environments()
        for at in range(0, len(environments), SLICE):  # what is there completes what is typed
            for env in environments[at : at + SLICE]:
                self.app.packages.add(env.packages)
            await asyncio.sleep(0)
        hits = find(self._spec, environments) if self._spec is not None else []
        rows = []
        for at in range(0, len(hits), SLICE):
            rows += [package_rows.found_row(hit) for hit in hits[at : at + SLICE]]
            await asyncio.sleep(0)
        where = {(hit.environment.host, hit.environment.prefix) for hit in hits}
        self._hits = (len({hit.package.version for hit in hits}), len(where), len({host for host, _ in where}))
        stamp = (self.row_filter.words, id(environments))
        return Gathered(rows, natural_widths(self.COLUMNS, rows), self._note(), stamp)

    def _note(self) -> Note:
        if self._spec is None:
            return Note.of(
                tr("Type the name of a package, with a version if you like"),
                "torch<2.1 · numpy=1.21.6 · pip:transformers · conda-forge::* · cuda*",
                tr("Enter goes to the table, and there to the environment; Esc goes back"),
            )
        waiting = len(self.waiting())
        where = trn("; {n} host not known yet", "; {n} hosts not known yet", waiting) if waiting else ""
        return Note.of(
            tr("No environment holds {package}{where}", package=printable(self._spec.text), where=where),
            tr("Esc goes back"),
        )

    def status(self) -> Cell:
        versions, environments, hosts = self._hits
        found = tr(
            "{versions} in {environments} {where}",
            versions=trn("{n} version", "{n} versions", versions),
            environments=trn("{n} environment", "{n} environments", environments),
            where=trn("on {n} host", "on {n} hosts", hosts),
        )
        missing = missing_cell(self.fleet.store.hosts(), "environments", self.app.now())
        return join((cell(found if environments else "", Tone.DIM), missing), " · ")

    def action_detail(self) -> None:
        """To the environment that holds it."""
        if (key := self.row_key) is not None:
            self.go_to_environment(self.key_of_environment(key))

    def action_back(self) -> None:
        """Out, also from the words: there is nothing to see without them."""
        self.dismiss()
