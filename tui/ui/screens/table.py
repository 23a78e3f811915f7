"""What the modes share: a table of all hosts' rows, host by host, and the verbs on the hosts of rows."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.timer import Timer

from tui.domain.hosts import HostState
from tui.domain.query import Schema
from tui.domain.sessions import Session
from tui.domain.steps import Steps
from tui.domain.suggest import Values, completion
from tui.services.fleet import FleetApi, TerminalPlan
from tui.services.store import HostView
from tui.ui.catalog import ENVIRONMENTS, HOSTS
from tui.ui.language import tr, trn
from tui.ui.present.filters import RowFilter, by_fields
from tui.ui.present.hosts import summary
from tui.ui.present.table import Note, Row, natural_widths
from tui.ui.screens.listing import Gathered, ListingScreen
from tui.ui.slices import SLICE_S, in_slices
from tui.ui.widgets.bars import TopBar
from tui.ui.widgets.grid import Grid

__all__ = ["TableScreen"]

SCROLLED_S = 0.15
"""So long after the last scrolling the services hear what is looked at now."""
VALUES_S = 10.0
"""So long the values that complete a filter are kept: gathering them anew for each key would be felt."""


@dataclass(slots=True)
class _Block:
    """The rows of one host, kept until what they were made of is replaced."""

    made_of: tuple[object, ...]
    rows: list[Row]
    natural: list[int]
    searchable: bool = False
    """Whether a filter finds all that it asks of the rows ready."""


class TableScreen(ListingScreen):
    """A mode. Subclasses say which rows a host gives."""

    PARTS: ClassVar[tuple[str, ...]]
    """Parts of the snapshot that a person looks at here; they are asked first."""

    SCHEMA: ClassVar[Schema[Any]]
    """What its filter understands."""

    def __init__(self, fleet: FleetApi) -> None:
        super().__init__(fleet)
        self._blocks: dict[str, _Block] = {}
        self._made = 0
        self._told_visible: tuple[str, ...] | None = None
        self._scrolled_timer: Timer | None = None
        self._facts: list[Any] = []
        self._facts_made = -1
        self._facts_keys: list[Hashable] = []
        self._values: Values[Any] | None = None
        self._values_at = 0.0

    @abstractmethod
    def made_of(self, view: HostView) -> tuple[object, ...]:
        """The objects that a host's rows are made of; other objects mean other rows."""

    @abstractmethod
    def rows_of(self, view: HostView) -> list[Row]:
        """The rows of one host."""

    @abstractmethod
    def note(self, views: Sequence[HostView]) -> Note:
        """What is said when no host gave a row."""

    @abstractmethod
    def host_of(self, key: Hashable) -> str:
        """The host that a row is on."""

    def session_of(self, key: Hashable) -> Session | None:
        """The session to attach to from a row; None when there is none or more than one."""
        return None

    # Rows

    def filter_for(self, words: str) -> RowFilter:
        return by_fields(words, self.SCHEMA, self.app.packages)

    def completion(self, words: str) -> str | None:
        now = time.monotonic()
        if self._values is None or now - self._values_at > VALUES_S:
            rows = [row.facts for block in self._blocks.values() for row in block.rows]
            self._values, self._values_at = Values(rows), now
        return completion(words, self.SCHEMA, self._values, self.app.packages)

    async def gather(self) -> Gathered:
        began = time.perf_counter()
        views = self.fleet.store.hosts()
        rows: list[Row] = []
        made = self._made
        natural = [0] * len(self.columns)
        for view in views:
            block = self._block(view)
            rows += block.rows
            natural = list(map(max, natural, block.natural))
            if time.perf_counter() - began > SLICE_S:
                await asyncio.sleep(0)
                began = time.perf_counter()
        if self._made != made and self.marks:
            self.marks.keep({row.key for row in rows})
        return Gathered(rows, natural, self.note(views), (self._made, len(views)))

    def facts_of(self, keys: Sequence[Hashable]) -> list[Any]:
        """What the filter looks at, for rows that may be hidden; kept until the rows or *keys* are others."""
        if (self._made, keys) != (self._facts_made, self._facts_keys):
            hosts = dict.fromkeys(map(self.host_of, keys))
            rows = {row.key: row for host in hosts if host in self._blocks for row in self._blocks[host].rows}
            self._facts = [rows[key].facts for key in keys if key in rows]
            self._facts_made, self._facts_keys = self._made, list(keys)
        return self._facts

    def _block(self, view: HostView) -> _Block:
        made_of = self.made_of(view)
        block = self._blocks.get(view.name)
        if block is None or any(old is not new for old, new in zip(block.made_of, made_of, strict=True)):
            self._made += 1
            rows = self.rows_of(view)
            block = self._blocks[view.name] = _Block(made_of, rows, natural_widths(self.columns, rows))
        return block

    async def settle(self) -> None:
        """Make what a filter looks at, which takes longer than to show the rows: the first letter shall not wait."""
        await in_slices(self._made_searchable(), lambda: self.is_attached and not self.outdated)

    def _made_searchable(self) -> Steps[None]:
        for block in list(self._blocks.values()):
            if block.searchable:
                continue
            for row in block.rows:
                if row.facts.text and row.facts.packages is not None:  # the text is made when it is asked for
                    self.app.packages.add(row.facts.packages)
                yield
            block.searchable = True

    def on_screen_resume(self) -> None:
        self._told_visible = None

    def show_around(self) -> None:
        super().show_around()
        self.query_one(TopBar).summarize(summary(self.fleet.store.hosts(), readonly=self.app.readonly))
        self._tell_visible()

    def _tell_visible(self) -> None:
        """Tell the services what is on the screen: it is asked first."""
        if self.app.front_mode() is not self:
            return
        keys = [key for row in self.grid.visible_rows() for key in (row.item if row.head else (row.key,))]
        visible = tuple(dict.fromkeys(map(self.host_of, keys)))
        if visible != self._told_visible:
            self._told_visible = visible
            self.fleet.set_visible(visible, self.PARTS)

    @on(Grid.Scrolled)
    def _scrolled(self) -> None:
        if self._scrolled_timer is not None:
            self._scrolled_timer.stop()
        self._scrolled_timer = self.set_timer(SCROLLED_S, self._tell_visible)

    # Verbs

    def hosts_of(self, keys: Sequence[Hashable]) -> list[str]:
        """The hosts of rows, each once."""
        return list(dict.fromkeys(map(self.host_of, keys)))

    def action_refresh(self) -> None:
        """Ask the hosts of the marked rows, or of the row, again now."""
        if not self.fleet.store.hosts():
            return
        keys = self.targets()
        if keys:
            self.refresh_rows(keys)
        else:
            self.action_refresh_all()

    def refresh_rows(self, keys: Sequence[Hashable]) -> None:
        """Ask the hosts of *keys* again now."""
        hosts = self.hosts_of(keys)
        self.fleet.refresh(hosts)
        self.app.tell(
            tr("Asking {host} again", host=hosts[0])
            if len(hosts) == 1
            else trn("Asking {n} host again", "Asking {n} hosts again", len(hosts))
        )

    def action_refresh_all(self) -> None:
        """Ask every host again now; one that waits for a person is tried when that person names it."""
        views = self.fleet.store.hosts()
        left = sum(view.state is HostState.DOWN for view in views)
        self.fleet.refresh()
        if left == len(views) > 0:
            self.app.tell(tr("Each host waits for you: r on one tries it"), timeout=5)
        elif left:
            said = trn(
                "Asking all hosts again but {n} that waits for you: r on it tries it",
                "Asking all hosts again but {n} that wait for you: r on one tries it",
                left,
            )
            self.app.tell(said, timeout=5)
        else:
            self.app.tell(tr("Asking all hosts again"))

    def action_shell(self) -> None:
        """A login shell on the row's host."""
        if (key := self.row_key) is not None:
            self.app.open_terminal(TerminalPlan(self.host_of(key), None))

    def action_attach(self) -> None:
        """Attach to the row's session."""
        key = self.row_key
        session = None if key is None else self.session_of(key)
        if session is not None:
            self.app.open_terminal(TerminalPlan(session.host, session))
        elif key is not None:
            self.app.tell(tr("No session here to attach to; s opens a shell on {host}", host=self.host_of(key)))

    def action_host_environments(self) -> None:
        """The environments of the row's host."""
        if (key := self.row_key) is not None:
            self.app.show_filtered(ENVIRONMENTS, f"host:{self.host_of(key)}")

    def action_log(self) -> None:
        """The row's host in Hosts, where its connection log is."""
        if (key := self.row_key) is not None:
            self.app.show_row(HOSTS, self.host_of(key), enter=True)

    def action_matrix(self) -> None:
        """Names by hosts."""
        self.app.show_matrix()

    def action_create(self) -> None:
        """Create an environment; the hosts of the marked rows, or of the row, stand in the form."""
        self.create_rows(self.targets())

    def create_rows(self, keys: Sequence[Hashable]) -> None:
        """Create an environment on the hosts of *keys*, unless the person names others."""
        self.app.changing.create(self.hosts_of(keys))
