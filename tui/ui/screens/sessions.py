"""Mode Sessions: all tmux sessions of all hosts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar, cast

from textual.binding import BindingType

from tui.domain import filters_sessions
from tui.domain.phrases import phrase
from tui.domain.sessions import Session
from tui.services.store import HostView
from tui.ui.catalog import COMMANDS, SESSIONS
from tui.ui.commands import bindings
from tui.ui.language import tr, trn
from tui.ui.present import sessions, sums
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.lines import Line
from tui.ui.present.notes import empty_note, missing_cell
from tui.ui.present.table import Note, Row
from tui.ui.screens.table import TableScreen

__all__ = ["SessionsScreen"]


class SessionsScreen(TableScreen):
    """A row is known by (host, socket, id): a renamed session keeps its row."""

    MODE = SESSIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, SESSIONS)]
    COLUMNS = sessions.COLUMNS
    SCHEMA = filters_sessions.SESSIONS
    PARTS = ("sessions",)
    FIELDS = phrase("words, or fields: host:gpu* @group is:attached")

    def counted(self, number: int) -> str:
        return trn("{n} session", "{n} sessions", number)

    def made_of(self, view: HostView) -> tuple[object, ...]:
        snapshot = view.snapshot  # what its processes are tells which script a pane runs
        return (snapshot.sessions, snapshot.environments, snapshot.gpus, view.stale_parts)

    def rows_of(self, view: HostView) -> list[Row]:
        return sessions.rows(view)

    def note(self, views: Sequence[HostView]) -> Note:
        return empty_note(views, "sessions", tr("sessions"), self.app.now())

    def session_of(self, key: Hashable) -> Session | None:
        host = self.host_of(key)
        if host not in self.fleet.store:
            return None
        known = self.fleet.store.host(host).snapshot.sessions.value or ()
        return next((session for session in known if sessions.key(session) == key), None)

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        session = self.session_of(key)
        if session is None:
            return None
        view = self.fleet.store.host(session.host)
        title = join((remote(session.name, Tone.STRONG), cell(tr("on {host}", host=session.host), Tone.DIM)))
        return title, sessions.detail(session, view, self.app.now())

    def host_of(self, key: Hashable) -> str:
        return cast("tuple[str, str, str]", key)[0]

    def selector_of(self, key: Hashable) -> str:
        session = self.session_of(key)
        return f"{self.host_of(key)}:{shown(session.name) if session else ''}"

    def sum_of(self, keys: Sequence[Hashable]) -> str:
        return sums.sessions_sum([session for key in keys if (session := self.session_of(key)) is not None])

    def status(self) -> Cell:
        views = self.fleet.store.hosts()
        known = [view for view in views if view.snapshot.sessions.value is not None]
        total = sum(len(view.snapshot.sessions.value or ()) for view in known)
        on = trn("on {n} host", "on {n} hosts", len(known))
        text = tr("{things} {where}", things=self.counted(total), where=on) if known else ""
        missing = missing_cell(views, "sessions", self.app.now())
        return join((cell(text, Tone.DIM), missing), " · ")
