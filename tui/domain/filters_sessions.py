"""What the filter of the sessions knows. Pure.

Fields: host name kind command title window cwd prefix attached windows panes idle created. Flags behind ``is:``:
attached detached dead stale. A field of which a session has several is looked for in each.
"""

from __future__ import annotations

from tui.domain.filterrows import SessionRow
from tui.domain.phrases import phrase
from tui.domain.query import Flag, Schema
from tui.domain.queryfields import age_field, number_field, schema, text_field
from tui.domain.text import printable

__all__ = ["SESSIONS"]


def _panes(row: SessionRow, field: str) -> str:
    values = (getattr(pane, field) for window in row.session.windows for pane in window.panes)
    return "\n".join(printable(value) for value in values if value)


def _attached(row: SessionRow) -> bool | None:
    return None if row.session.attached is None else row.session.attached > 0


def _detached(row: SessionRow) -> bool | None:
    attached = _attached(row)
    return None if attached is None else not attached


def _windows(row: SessionRow) -> str:
    return "\n".join(printable(window.name or "") for window in row.session.windows)


def _dead(row: SessionRow) -> bool:
    return any(pane.dead for window in row.session.windows for pane in window.panes)


SESSIONS: Schema[SessionRow] = schema(
    (
        text_field("host", phrase("the host"), "host:gpu*", lambda row: row.session.host),
        text_field("name", phrase("the name"), "name:train*", lambda row: printable(row.session.name)),
        text_field("kind", phrase("tmux or another"), "kind:tmux", lambda row: row.session.kind),
        text_field("command", phrase("what runs in it"), "command:python", lambda row: _panes(row, "command")),
        text_field("title", phrase("titles of its panes"), "title:epoch", lambda row: _panes(row, "title")),
        text_field("window", phrase("names of its windows"), "window:logs", _windows),
        text_field("cwd", phrase("where it stands"), "cwd:/data", lambda row: _panes(row, "cwd")),
        text_field("prefix", phrase("the environment that it uses"), "prefix:*/llm", lambda row: _panes(row, "prefix")),
        number_field("attached", phrase("how many look at it"), "attached>0", lambda row: row.session.attached),
        number_field("windows", phrase("how many windows"), "windows>1", lambda row: len(row.session.windows)),
        number_field(
            "panes", phrase("how many panes"), "panes>4", lambda row: sum(len(it.panes) for it in row.session.windows)
        ),
        age_field("idle", phrase("time since anything happened"), "idle>1d", lambda row: row.session.activity),
        age_field("created", phrase("time since it was started"), "created<7d", lambda row: row.session.created),
    ),
    {
        "attached": Flag(phrase("somebody looks at it"), _attached),
        "detached": Flag(phrase("nobody looks at it"), _detached),
        "dead": Flag(phrase("a program in it has ended"), _dead),
        "stale": Flag(phrase("not renewed since the start"), lambda row: row.stale),
    },
)
