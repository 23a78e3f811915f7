"""The Sessions table: one row for each tmux session, and the detail of one."""

from __future__ import annotations

from collections.abc import Mapping

from tui.domain.filterrows import SessionRow
from tui.domain.phrases import phrase
from tui.domain.sessions import Pane, Session
from tui.services.store import HostView
from tui.ui.language import tr, trn
from tui.ui.present.cell import Cell, Live, Tone, cell, join, plain, remote, shown
from tui.ui.present.lines import Line, blank, heading, item, pair
from tui.ui.present.table import Column, Row
from tui.ui.present.words import UNKNOWN, age_cell, ago, day, number_cell, span

__all__ = ["COLUMNS", "detail", "key", "rows"]

COLUMNS = (
    Column("name", phrase("Session"), 0, 18, 40, by=lambda session: session.name.casefold()),
    Column("host", phrase("Host"), 1, 12, 20, by=lambda session: session.host),
    Column("attached", phrase("Attached"), 3, 9, 12, by=lambda session: session.attached, falling=True),
    Column("runs", phrase("Runs"), 4, 16, 36, by=lambda session: plain(runs_cell(session)).casefold()),
    Column("active", phrase("Active"), 5, 8, 9, live=8, by=lambda session: session.activity, falling=True),
    Column("age", phrase("Age"), 2, 7, 8, right=True, live=7),
    Column("windows", phrase("Windows"), 6, 7, 7, right=True, by=lambda session: len(session.windows), falling=True),
    Column("created", phrase("Started"), 7, 8, 9, live=8, by=lambda session: session.created, falling=True),
    Column("environment", phrase("Environment"), 8, 22, 44, end=True, by=lambda session: _prefix(session)),
    Column("title", phrase("Title"), 9, 16, 48),
)

SHELLS = frozenset({"bash", "zsh", "sh", "fish", "dash", "tcsh", "csh", "ksh"})
MISSING = cell(UNKNOWN, Tone.DIM)


def key(session: Session) -> tuple[str, str, str]:
    """What a session is known by while it lives: its name may change, this does not."""
    return (session.host, session.socket, session.id)


def rows(view: HostView) -> list[Row]:
    """The rows of one host's sessions."""
    part = view.snapshot.sessions
    groups, stale = view.spec.groups, "sessions" in view.stale_parts
    return [_row(session, groups, part.time, stale) for session in part.value or ()]


def _row(session: Session, groups: tuple[str, ...], time: float | None, stale: bool) -> Row:
    runs = runs_cell(session)
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
        item=session,
        facts=SessionRow(session, groups, stale, said.strip()),
    )


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


def runs_cell(session: Session) -> Cell:
    """The programs of its panes that are not idle shells; dead panes with their exit status."""
    panes = [pane for window in session.windows for pane in window.panes]
    dead = [pane for pane in panes if pane.dead]
    busy = dict.fromkeys(shown(pane.command) for pane in panes if pane.command and not pane.dead)
    named = [name for name in busy if name not in SHELLS]
    parts = [cell(name, Tone.GOOD) for name in named[:4]]
    if not named and busy:
        parts.append(cell(tr("{command}, idle", command=next(iter(busy))), Tone.DIM))
    parts += [cell(_death(pane), Tone.WARN if pane.exit_status != 0 else Tone.DIM) for pane in dead[:2]]
    return join(parts, " ") or MISSING


def _death(pane: Pane) -> str:
    return tr("ended") if pane.exit_status is None else tr("ended with {status}", status=pane.exit_status)


def _dead_cell(pane: Pane, now: float) -> Cell:
    when = cell(ago(pane.ended, now), Tone.DIM) if pane.ended is not None else ()
    return join((cell(_death(pane), Tone.WARN), when))


def _commands(view: HostView) -> dict[int, str]:
    """The command lines that are known of a host's processes, by pid: those on GPUs and those in environments.

    What was kept from an earlier start is left out: a pid may be another process's by now.
    """
    known: dict[int, str | None] = {}
    if "environments" not in view.stale_parts:
        known |= {use.pid: use.command for each in view.snapshot.environments.value or () for use in each.in_use}
    if "gpus" not in view.stale_parts:
        found = (each for gpu in view.snapshot.gpus.value or () for each in gpu.processes)
        known |= {each.pid: each.command for each in found if each.pid is not None}
    return {pid: command for pid, command in known.items() if command}


def _command(pane: Pane, known: Mapping[int, str]) -> str | None:
    """What a pane runs: the command line of the process that it was started with, while that is what is in front."""
    program, space, arguments = known.get(pane.pid or 0, "").partition(" ")
    name = program.rpartition("/")[2]
    return f"{name}{space}{arguments}" if name and name == pane.command else pane.command


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
    known = _commands(view)
    for window in session.windows:
        mark = cell(tr("current"), Tone.ACCENT) if window.active else ()
        title = join((cell(tr("Window {index}", index=window.index)), remote(window.name, Tone.STRONG), mark))
        lines += [blank(), heading(title)]
        for pane in window.panes:
            state = _dead_cell(pane, now) if pane.dead else remote(_command(pane, known), Tone.GOOD)
            lines.append(item(join((remote(pane.id, Tone.DIM), state, cell(f"pid {pane.pid}", Tone.DIM)))))
            lines += [
                pair(label, remote(text))
                for label, text in ((tr("  in"), pane.cwd), (tr("  env"), pane.prefix), (tr("  title"), pane.title))
                if text
            ]
    return lines


def _stale(view: HostView) -> Cell:
    return cell(tr("kept from an earlier start"), Tone.WARN) if "sessions" in view.stale_parts else ()
