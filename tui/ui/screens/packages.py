"""View Packages: what one environment holds, with a filter and an order of its own."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, cast

from textual.binding import BindingType

from tui.domain.packages import PackageManager, canonical_name
from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi
from tui.ui.catalog import COMMANDS, PACKAGES
from tui.ui.commands import bindings
from tui.ui.language import tr, trn
from tui.ui.present import package_rows, sums
from tui.ui.present.cell import Cell, Tone, cell, join, shown
from tui.ui.present.table import Note, natural_widths
from tui.ui.screens.listing import Gathered
from tui.ui.screens.view import EnvKey, ViewScreen, find_environment

__all__ = ["PackagesScreen"]


class PackagesScreen(ViewScreen):
    """A row is known by (host, prefix, name, manager)."""

    MODE = PACKAGES
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, PACKAGES)]
    COLUMNS = package_rows.COLUMNS
    FIELDS = phrase("words: a name, a version, a channel, pip, asked")

    def __init__(self, fleet: FleetApi, key: EnvKey) -> None:
        super().__init__(fleet)
        self.key = key

    def counted(self, number: int) -> str:
        return trn("{n} package", "{n} packages", number)

    def crumbs(self) -> Cell:
        env = find_environment(self.fleet, self.key)
        name = shown(env.label if env else self.key[1])
        return self.headline(tr("Environments"), tr("{name} on {host}", name=name, host=self.key[0]), tr("Packages"))

    async def gather(self) -> Gathered:
        env = find_environment(self.fleet, self.key)
        if env is None:
            note = Note.of(tr("This environment is gone"), tr("Esc goes back"), tone=Tone.WARN)
            return Gathered([], [0] * len(self.columns), note, None)
        rows = package_rows.rows(env)
        note = Note.of(tr("It holds no packages") if env.packages_known else tr("Its packages were not read yet"))
        return Gathered(rows, natural_widths(self.COLUMNS, rows), note, (env.packages.digest, env.clobbered))

    def status(self) -> Cell:
        env = find_environment(self.fleet, self.key)
        if env is None or not env.packages_known:
            return ()
        over = len(env.clobbered)
        return join(
            (
                cell(
                    tr(
                        "{conda} by conda, {pip} by pip",
                        conda=env.conda_packages or 0,
                        pip=env.pip_packages or 0,
                    ),
                    Tone.DIM,
                ),
                cell(
                    trn("{n} of pip's lies over conda's files", "{n} of pip's lie over conda's files", over), Tone.WARN
                )
                if over
                else (),
            ),
            " · ",
        )

    def selector_of(self, key: Hashable) -> str:
        _, _, name, version, *_ = cast("tuple[str, ...]", key)
        return f"{shown(name)}={shown(version)}" if version else shown(name)

    def sum_of(self, keys: list[Hashable]) -> str:  # type: ignore[override]  # the marks, always as a list
        return sums.packages_sum(cast("PackageManager", cast("tuple[object, ...]", key)[5]) for key in keys)

    def action_history(self) -> None:
        """What was asked of conda for the environment."""
        self.app.show_history(self.key)

    def action_detail(self) -> None:
        """Find the package on the whole fleet."""
        if (key := self.row_key) is not None:
            self.app.find(canonical_name(cast("tuple[str, ...]", key)[2]))
