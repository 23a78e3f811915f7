"""The Sessions table: one row for each tmux session, and the detail of one."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.filterrows import SessionRow
from tui.domain.phrases import phrase
from tui.domain.sessions import Pane, Session
from tui.services.store import HostView
from tui.ui.language import tr, trn
from tui.ui.present.cell import Cell, Live, Tone, cell, join, plain, remote, shown
from tui.ui.present.lines import Line, blank, heading, item, pair
from tui.ui.present.runs import Processes, command_line, known_processes, programs
from tui.ui.present.table import Column, Row
from tui.ui.present.words import UNKNOWN, age_cell, ago, day, number_cell, span

__all__ = ["COLUMNS", "detail", "key", "rows"]

COLUMNS = (
    Column("name", phrase("Session"), 0, 18, 40, by=lambda row: row.session.name.casefold()),
    Column("host", phrase("Host"), 1, 12, 20, by=lambda row: row.session.host),
    Column("attached", phrase("Attached"), 3, 9, 12, by=lambda row: row.session.attached, falling=True),
    Column("runs", phrase("Runs"), 4, 16, 36, by=lambda row: row.runs),
    Column("active", phrase("Active"), 5, 8, 9, live=8, by=lambda row: row.session.activity, falling=True),
    Column("age", phrase("Age"), 2, 7, 8, right=True, live=7, aged=True),
    Column("windows", phrase("Windows"), 6, 7, 7, right=True, by=lambda row: len(row.session.windows), falling=True),
    Column("created", phrase("Started"), 7, 8, 9, live=8, by=lambda row: row.session.created, falling=True),
    Column("environment", phrase("Environment"), 8, 22, 44, end=True, by=lambda row: _prefix(row.session)),
    Column("title", phrase("Title"), 9, 16, 48, by=lambda row: _title(row.session)),
)

MISSING = cell(UNKNOWN, Tone.DIM)


@dataclass(frozen=True, slots=True)
class Listed:
    """A session, and what its table says that it runs."""

    session: Session
    runs: str


def key(session: Session) -> tuple[str, str, str]:
    """What a session is known by while it lives: its name may change, this does not."""
    return (session.host, session.socket, session.id)


def rows(view: HostView) -> list[Row]:
    """The rows of one host's sessions."""
    part = view.snapshot.sessions
    groups, stale = view.spec.groups, "sessions" in view.stale_parts
    known = known_processes(view)
    return [_row(session, groups, part.time, stale, known) for session in part.value or ()]


def _row(session: Session, groups: tuple[str, ...], time: float | None, stale: bool, known: Processes) -> Row:
    runs = runs_cell(session, known)
    said = " ".join((plain(runs), plain(attached_cell(session)) if session.attached else "", "old" if stale else ""))
    pane = active_pane(session)
    return Row(
        key(session),
        (
            remote(session.name, Tone.STRONG),
            cell(session.host),
            attached_cell(session),
            runs,
            _when(session.activity),
            age_cell(time, stale=stale),
            number_cell(len(session.windows)),
            _when(session.created),
            remote(pane.prefix, Tone.DIM) if pane and pane.prefix else MISSING,
            remote(pane.title, Tone.DIM) if pane else MISSING,
        ),
        also="\n".join(shown(window.name) for window in session.windows if window.name),
        time=time,
        item=Listed(session, plain(runs).casefold()),
        facts=SessionRow(session, groups, stale, said.strip()),
    )


def _title(session: Session) -> str | None:
    pane = active_pane(session)
    return pane.title.casefold() if pane and pane.title else None


def _prefix(session: Session) -> str | None:
    pane = active_pane(session)
    return pane.prefix if pane else None


def active_pane(session: Session) -> Pane | None:
    """The pane that somebody attaching would see; None when no pane is known."""
    windows = sorted(session.windows, key=lambda window: not window.active)
    panes = [pane for window in windows for pane in sorted(window.panes, key=lambda pane: not pane.active)]
    return panes[0] if panes else None


def attached_cell(session: Session) -> Cell:
    """Who looks at it, in words."""
    if session.attached is None:
        return MISSING
    if not session.attached:
        return cell(tr("no"), Tone.DIM)
    return cell(trn("{n} client", "{n} clients", session.attached), Tone.ACCENT)


def runs_cell(session: Session, known: Processes) -> Cell:
    """The scripts and programs of its panes that are not idle shells; dead panes with their exit status."""
    dead = [pane for window in session.windows for pane in window.panes if pane.dead]
    running = programs(session, known)
    busy = [name for name, idle in running if not idle]
    parts = [remote(name, Tone.GOOD) for name in busy[:4]]
    if not busy and running:
        parts.append(cell(tr("{command}, idle", command=shown(running[0][0])), Tone.DIM))
    parts += [cell(_death(pane), Tone.WARN if pane.exit_status != 0 else Tone.DIM) for pane in dead[:2]]
    return join(parts, " ") or MISSING


def _death(pane: Pane) -> str:
    return tr("ended") if pane.exit_status is None else tr("ended with {status}", status=pane.exit_status)


def _dead_cell(pane: Pane, now: float) -> Cell:
    when = cell(ago(pane.ended, now), Tone.DIM) if pane.ended is not None else ()
    return join((cell(_death(pane), Tone.WARN), when))


def _when(then: float | None) -> Cell | Live:
    if then is None:
        return MISSING
    return lambda now: cell(tr("{span} ago", span=span(now - then)), Tone.PLAIN if now - then < 300 else Tone.DIM)


def detail(session: Session, view: HostView, now: float) -> list[Line]:
    """All that is known of a session."""
    lines = [
        pair(tr("Host"), cell(session.host)),
        pair(tr("Session"), join((remote(session.name), remote(session.id, Tone.DIM)))),
        pair(tr("Attached"), attached_cell(session)),
        pair(tr("Active"), cell(ago(session.activity, now))),
        pair(tr("Started"), join((cell(day(session.created)), cell(ago(session.created, now), Tone.DIM)))),
        pair(tr("Socket"), remote(session.socket) or MISSING),
        pair("tmux", remote(session.version) or MISSING),
        pair(tr("Seen"), join((cell(ago(view.snapshot.sessions.time, now)), _stale(view)))),
    ]
    known = known_processes(view)
    for window in session.windows:
        mark = cell(tr("current"), Tone.ACCENT) if window.active else ()
        title = join((cell(tr("Window {index}", index=window.index)), remote(window.name, Tone.STRONG), mark))
        lines += [blank(), heading(title)]
        for pane in window.panes:
            line = command_line(pane, session, known) or pane.command
            state = _dead_cell(pane, now) if pane.dead else remote(line, Tone.GOOD)
            lines.append(item(join((remote(pane.id, Tone.DIM), state, cell(f"pid {pane.pid}", Tone.DIM)))))
            lines += [
                pair(label, remote(text))
                for label, text in ((tr("  in"), pane.cwd), (tr("  env"), pane.prefix), (tr("  title"), pane.title))
                if text
            ]
    return lines


def _stale(view: HostView) -> Cell:
    return cell(tr("kept from an earlier start"), Tone.WARN) if "sessions" in view.stale_parts else ()
