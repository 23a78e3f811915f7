"""What views have in common: tables that one goes into from a mode, and out of with Esc."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, cast

from tui.domain.environments import Environment
from tui.services.fleet import FleetApi, TerminalPlan
from tui.services.store import HostView
from tui.ui.catalog import ENVIRONMENTS
from tui.ui.language import trn
from tui.ui.present.cell import BLANK, Cell, shown
from tui.ui.screens.listing import ListingScreen

__all__ = ["EnvKey", "ViewScreen", "find_environment"]

EnvKey = tuple[str, str]
"""(host, prefix): what an environment is known by."""


def find_environment(fleet: FleetApi, key: EnvKey) -> Environment | None:
    """The environment as it is known now; None when it is gone."""
    host, prefix = key
    if host not in fleet.store:
        return None
    known = fleet.store.host(host).snapshot.environments.value or ()
    return next((env for env in known if env.prefix == prefix), None)


class ViewScreen(ListingScreen):
    """A table over a mode."""

    HAS_DETAIL: ClassVar[bool] = False

    def status(self) -> Cell:
        return BLANK

    def key_of_environment(self, key: Hashable) -> EnvKey:
        """The environment that a row is about."""
        host, prefix, *_ = cast("tuple[str, ...]", key)
        return host, prefix

    def selector_of(self, key: Hashable) -> str:
        host, prefix = self.key_of_environment(key)
        return f"{host}:{shown(prefix)}"

    def sum_of(self, keys: list[Hashable]) -> str:  # type: ignore[override]  # the marks, always as a list
        environments = {self.key_of_environment(key) for key in keys}
        return trn("in {n} environment", "in {n} environments", len(environments))

    def waiting(self) -> list[HostView]:
        """The hosts whose environments are not known."""
        return [view for view in self.fleet.store.hosts() if view.snapshot.environments.value is None]

    def action_back(self) -> None:
        """Out of the filter; out of the view."""
        if self.filter_bar.has_class("-open"):
            self.filter_bar.clear()
            self.set_focus(self.grid)
        else:
            self.dismiss()

    def action_shell(self) -> None:
        """A login shell on the row's host."""
        if (key := self.row_key) is not None:
            self.app.open_terminal(TerminalPlan(self.key_of_environment(key)[0], None))

    def go_to_environment(self, key: EnvKey) -> None:
        """Leave all views for the row of an environment."""
        self.app.show_row(ENVIRONMENTS, key)
