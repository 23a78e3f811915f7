"""Mode Environments: all environments of all hosts in one table."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, cast

from textual.binding import BindingType

from tui.domain import filters
from tui.domain.identity import same_environments
from tui.domain.phrases import phrase
from tui.services.fleet import FleetApi
from tui.services.store import HostView
from tui.ui.catalog import COMMANDS, ENVIRONMENTS
from tui.ui.commands import bindings
from tui.ui.language import tr, trn
from tui.ui.present import environment_detail, environments, history_rows, sums
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.lines import Line
from tui.ui.present.notes import empty_note, missing_cell
from tui.ui.present.table import Note, Row
from tui.ui.present.under_change import Doing, under_change
from tui.ui.screens.change_verbs import ChangeVerbs
from tui.ui.screens.listing import Gathered
from tui.ui.screens.view import EnvKey, find_environment

__all__ = ["EnvironmentsScreen"]


class EnvironmentsScreen(ChangeVerbs):
    """A row is known by (host, prefix): two environments of one name are two rows."""

    MODE = ENVIRONMENTS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, ENVIRONMENTS)]
    COLUMNS = environments.COLUMNS
    SCHEMA = filters.ENVIRONMENTS
    PARTS = ("installs", "environments")
    GROUPINGS = environments.GROUPINGS
    FIELDS = phrase("words, or fields: host:gpu* python:3.10 torch<2.1 unused>90d is:inuse")

    def counted(self, number: int) -> str:
        return trn("{n} environment", "{n} environments", number)

    def __init__(self, fleet: FleetApi) -> None:
        super().__init__(fleet)
        self._shared_among: Hashable = None
        self._doing: dict[str, Doing] = {}

    async def gather(self) -> Gathered:
        gathered = await super().gather()
        if gathered.stamp != self._shared_among:  # what a host says of one may make another's a shared one
            self._shared_among = gathered.stamp
            shared = same_environments(row.item for row in gathered.rows)
            for row in gathered.rows:
                row.facts.shared = row.item.fs_id in shared
        return gathered

    def made_of(self, view: HostView) -> tuple[object, ...]:
        doing = under_change(view)
        if doing != self._doing.get(view.name, ()):  # the tasks tell more, and oftener, than these rows show
            self._doing[view.name] = doing
        return (view.snapshot.environments, "environments" in view.stale_parts, self._doing.get(view.name, ()))

    def rows_of(self, view: HostView) -> list[Row]:
        return environments.rows(view, self._doing.get(view.name, ()))

    def note(self, views: Sequence[HostView]) -> Note:
        return empty_note(views, "environments", tr("environments"), self.app.now())

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        env = find_environment(self.fleet, cast("EnvKey", key))
        if env is None:
            return None
        view = self.fleet.store.host(env.host)
        title = join((remote(env.label, Tone.STRONG), cell(tr("on {host}", host=env.host), Tone.DIM)))
        now = self.app.now()
        lines = environment_detail.detail(env, view, now)
        changes = history_rows.section(env, self.app.histories.get(env), self.app.key_of("history"), now)
        return title, [*lines, *changes, *environment_detail.packages(env)]

    def group_detail(self, keys: Sequence[Hashable]) -> list[Line]:
        wanted = set(keys)
        members = [env for env in self.fleet.store.environments() if (env.host, env.prefix) in wanted]
        return environment_detail.group(members)

    def host_of(self, key: Hashable) -> str:
        return cast("tuple[str, str]", key)[0]

    def selector_of(self, key: Hashable) -> str:
        host, prefix = cast("tuple[str, str]", key)
        return f"{host}:{shown(prefix)}"

    def sum_of(self, keys: Sequence[Hashable]) -> str:
        return sums.environments_sum(self.facts_of(keys))

    def status(self) -> Cell:
        views = self.fleet.store.hosts()
        known = [view for view in views if view.snapshot.environments.value is not None]
        total = sum(len(view.snapshot.environments.value or ()) for view in known)
        on = trn("on {n} host", "on {n} hosts", len(known))
        text = tr("{things} {where}", things=self.counted(total), where=on) if known else ""
        missing = missing_cell(views, "environments", self.app.now())
        return join((cell(text, Tone.DIM), missing), " · ")

    def action_detail(self) -> None:
        """Into the detail, which then tells of the last changes, too."""
        super().action_detail()
        env = None if (key := self.row_key) is None else find_environment(self.fleet, cast("EnvKey", key))
        if env is not None:
            self.app.histories.want(env)

    def action_history(self) -> None:
        """What was asked of conda for the row's environment."""
        if (key := self.row_key) is not None:
            self.app.show_history(cast("EnvKey", key))

    def action_packages(self) -> None:
        """The packages of the row's environment."""
        if (key := self.row_key) is not None:
            self.app.show_packages(cast("EnvKey", key))

    def action_compare(self) -> None:
        """Two marked ones; with none marked the name of this row, or of a group, on all hosts.

        One alone is not compared with the row: the cursor went on by itself when it was marked.
        """
        marked = [cast("EnvKey", key) for key in self.marks]
        row = self.grid.cursor_item
        here = None if row is None else cast("EnvKey", row.item[0] if row.head else row.key)
        if len(marked) == 2:
            self.app.compare_pair(marked[0], marked[1])
        elif marked:
            self.app.tell(
                trn(
                    "{n} is marked; mark a second one to compare the two, or none to compare a name on all hosts",
                    "{n} are marked; mark two to compare them, or none to compare a name on all hosts",
                    len(marked),
                ),
                timeout=5,
            )
        elif here is not None and (env := find_environment(self.fleet, here)) is not None:
            if env.name is None:
                self.app.tell(tr("It has no name to look for on other hosts; mark two environments to compare them"))
            else:
                self.app.compare_name(env.name)
