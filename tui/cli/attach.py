"""``attach HOST:SESSION`` and ``shell HOST``: the person's terminal joined to one on a host."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from tui.cli.context import Context, Fleet
from tui.cli.probe import one_host
from tui.cli.reply import Reply
from tui.cli.report import Exit, HostReport
from tui.domain.errors import CondafleetError, HostFaultError, NothingMatchedError, UsageError
from tui.domain.faults import Fault
from tui.domain.globs import Glob
from tui.domain.selectors import parse_selector
from tui.domain.sessions import Session
from tui.domain.text import parse_printed, printable
from tui.services.fleet import TerminalPlan
from tui.terminal.passthrough import End, Result, pass_through, term_request

__all__ = ["find_session", "lost", "run_attach", "run_shell"]


async def run_attach(context: Context) -> Reply:
    """Attach to the session that the command line names."""
    target = context.args.target
    selector = parse_selector(target)
    if selector.name is None or selector.host is None:
        raise UsageError(f"{target!r} names no session.", "Write HOST:SESSION; `condafleet sessions` lists them.")
    host = one_host(context, selector.host)
    _need_terminal("attach")
    async with context.fleet() as fleet:
        gathered = await fleet.gather([host], ("sessions",))
        report = gathered.reports[0]
        error: CondafleetError | None = gathered.error
        if error is None and not report.failed:
            fresh = report.fresh("sessions")
            sessions = fresh if isinstance(fresh, tuple) else ()
            try:
                session = find_session(host, selector.name, sessions)
                return await _join(context, fleet, report, session)
            except CondafleetError as problem:
                error = problem
    return Reply("sessions", gathered.reports, error=error)


async def run_shell(context: Context) -> Reply:
    """A login shell on the host that the command line names."""
    host = one_host(context, context.args.host)
    _need_terminal("shell")
    async with context.fleet() as fleet:
        gathered = await fleet.gather([host], ("machine",))
        report = gathered.reports[0]
        error: CondafleetError | None = gathered.error
        if error is None and report.fault is None:
            try:
                return await _join(context, fleet, report, None)
            except CondafleetError as problem:
                error = problem
    return Reply("hosts", gathered.reports, error=error)


def find_session(host: str, wanted: str, sessions: Sequence[Session]) -> Session:
    """The one session that *wanted* names: by name, by id (``$3``), by a glob, or ``SOCKET:`` and one of these.

    Raises UsageError, with the candidates listed, when several fit, and NothingMatchedError when none does.
    """
    found = _meant(wanted, sessions)
    socket, colon, rest = wanted.partition(":")
    if not found and colon:
        here = parse_printed(socket)
        found = _meant(rest, [session for session in sessions if PurePosixPath(session.socket).name == here])
    if len(found) == 1:
        return found[0]
    if found:
        lines = [
            f"  {host}:{printable(PurePosixPath(it.socket).name)}:{printable(it.id)}  {printable(it.name)}"
            for it in found
        ]
        raise UsageError(f"{host}:{wanted} fits {len(found)} sessions:\n" + "\n".join(lines), "Give one as listed.")
    remedy = f"`condafleet sessions {host}` lists what is there."
    raise NothingMatchedError(f"No session fits {host}:{wanted}.", remedy)


def _meant(wanted: str, sessions: Sequence[Session]) -> list[Session]:
    """What is exactly as written wins over what it fits as a glob."""
    glob = Glob(wanted)
    return (
        [session for session in sessions if glob.is_literal_for(session.name)]
        or [session for session in sessions if glob.is_literal_for(session.id)]
        or [session for session in sessions if glob.matches(session.name)]
    )


def _need_terminal(command: str) -> None:
    if not (os.isatty(0) and os.isatty(1)):
        raise UsageError(f"`{command}` needs a terminal; standard input or output is none.", "Run it in a terminal.")


async def _join(context: Context, fleet: Fleet, report: HostReport, session: Session | None) -> Reply:
    host = report.name
    channel = await fleet.api.terminal(TerminalPlan(host, session), term_request())
    fleet.api.set_visible([], [])  # nobody looks at the rest meanwhile
    result = await pass_through(channel)
    what = host if session is None else f"{host}:{printable(session.name)}"
    if result.end is End.FAULT and result.fault is not None:
        return Reply("sessions", (report,), error=HostFaultError(lost(result.fault, host, session)), code=Exit.FAILED)
    context.diag.note(f"[{_ended(result, what)}]")
    failed = session is not None and result.exit_status not in (0, None)
    return Reply("sessions", (), code=Exit.FAILED if failed else Exit.DONE)


def lost(fault: Fault, host: str, session: Session | None) -> Fault:
    """*fault*, by which the terminal of *session* (None: a login shell) was lost, and what is true now.

    The way back is a command to copy: by socket and id, which mean one session whatever its name.
    """
    if session is None:
        remedy = f"The shell ended with it; what runs in sessions goes on. Open another: condafleet shell {host}"
    else:
        socket = PurePosixPath(session.socket).name
        place = shlex.quote(f"{host}:{printable(socket)}:{printable(session.id)}")
        remedy = f"The session {printable(session.name)} lives on. Attach again: condafleet attach {place}"
    return replace(fault, remedy=remedy)


def _ended(result: Result, what: str) -> str:
    if result.end is End.LEFT:
        return f"left {what}; what runs there goes on"
    if result.end is End.NO_TERMINAL:
        return f"the terminal of {what} was closed"
    if result.exit_status in (0, None):
        return f"back from {what}"
    return f"{what} ended with status {result.exit_status}"
