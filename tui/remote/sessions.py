"""tmux sessions out of what ``scripts/status.sh`` gathers from each socket of the user.

The listings are made of pieces that begin with ``@S`` (socket), ``@P`` (a pane), ``@E`` (exit status)
and whose fields end with ``|NONCE|``: names may hold anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.sessions import Pane, Session, Window
from tui.domain.text import decode, printable
from tui.remote.wire import Record

__all__ = ["PaneProcess", "join_prefixes", "parse_environ", "parse_sessions"]

PANE_FIELDS = 20
_STALE = re.compile(
    rb"\s*(no server running on |failed to connect to server|no current target|no sessions"
    rb"|error connecting to .*\((No such file or directory|Connection refused)\))"
)
_ENVIRON = re.compile(rb"/proc/(\d{1,10})/environ:(TMUX|TMUX_PANE|CONDA_PREFIX)=(.*)", re.DOTALL)
_TAIL_HEAD = re.compile(rb"==> /proc/(\d{1,10})/environ <==")


def parse_sessions(
    host: str, nonce: str, listings: bytes, tmux: str | None
) -> tuple[tuple[Session, ...] | None, Fault | None]:
    """The sessions of all sockets, and why some are missing.

    *tmux* is the program of the host. None when nothing is known: no tmux there, or no socket answered.
    """
    if tmux is None and not listings:
        return None, Fault(
            FaultKind.TOOL_MISSING,
            phrase("There is no tmux on {host}: sessions cannot be seen.", host=host),
            phrase("Install tmux there, or put it on the PATH of non-interactive shells."),
        )
    separator = b"|" + nonce.encode() + b"|"
    sessions: list[Session] = []
    faults: list[Fault] = []
    sockets = _split(listings, b"@S" + separator)
    for piece in sockets:
        fields = piece.split(separator, 2)
        if len(fields) < 3:
            faults.append(_protocol(host, phrase("a socket")))
            continue
        found, fault = _parse_socket(host, fields[0], decode(fields[1]) or None, fields[2], separator)
        sessions += found
        if fault is not None:
            faults.append(fault)
    sessions.sort(key=lambda session: (session.socket, _number(session.id)))
    return (tuple(sessions) if sessions or not faults else None), (faults[0] if faults else None)


def _parse_socket(
    host: str, socket: bytes, program: str | None, answer: bytes, separator: bytes
) -> tuple[list[Session], Fault | None]:
    panes, wrong = _panes(answer, separator)
    said, _, end = answer.rpartition(b"@E" + separator)
    status = end.split(separator)[0]
    if panes:
        sessions = _assemble(host, decode(socket), program if program != "tmux" else None, panes)
        return sessions, _protocol(
            host, phrase("the socket {socket}", socket=printable(decode(socket)))
        ) if wrong else None
    if status != b"0" and _STALE.match(said):
        return [], None
    where = phrase("The tmux server of {socket} on {host}", socket=printable(decode(socket)), host=host)
    if program is None:
        return [], Fault(
            FaultKind.TOOL_MISSING,
            phrase("{where} cannot be asked: there is no tmux on the PATH.", where=where),
            phrase("Install tmux there."),
        )
    if status in (b"124", b"137", b"143"):
        return [], Fault(
            FaultKind.TOOL_HUNG,
            phrase("{where} did not answer within 5 s.", where=where),
            phrase("Client and server may be of different versions: restart the server when its sessions are done."),
        )
    words = printable(decode(said[:200].strip())) or phrase(
        "nothing, with exit status {status}", status=printable(decode(status[:10]))
    )
    return [], Fault(
        FaultKind.PERMISSION if b"Permission denied" in said else FaultKind.PROTOCOL,
        phrase("{where} could not be read; tmux said: {words}", where=where, words=words),
        phrase("Compare `tmux -V` with the version of the running server."),
    )


def _panes(answer: bytes, separator: bytes) -> tuple[list[Record], bool]:
    """One record for each pane, and whether some made no sense."""
    panes = []
    wrong = False
    for piece in _split(answer, b"@P" + separator):
        fields = piece.split(separator)
        if len(fields) < PANE_FIELDS + 1:
            wrong = True
            continue
        panes.append(Record("", tuple(fields[:PANE_FIELDS])))
    return panes, wrong


def _assemble(host: str, socket: str, program: str | None, panes: Iterable[Record]) -> list[Session]:
    sessions: dict[str, Session] = {}
    windows: dict[str, dict[str, Window]] = {}
    inside: dict[tuple[str, str], list[Pane]] = {}
    for record in panes:
        session_id, window_id, pane_id = record.text(0), record.text(4), record.text(8)
        index = record.integer(5)
        if session_id is None or window_id is None or pane_id is None or index is None:
            continue
        if session_id not in sessions:
            sessions[session_id] = Session(
                host=host,
                kind="tmux",
                socket=socket,
                id=session_id,
                name=record.text(15) or "",
                created=record.number(1),
                activity=record.number(2),
                attached=record.integer(3),
                tmux=program,
                version=record.text(14),
            )
        # A window linked at two places of one session is listed at both.
        key = f"{index} {window_id}"
        windows.setdefault(session_id, {}).setdefault(
            key,
            Window(window_id, index, record.text(16), record.fields[6] == b"1", activity=record.number(7)),
        )
        dead = record.fields[11] == b"1"
        inside.setdefault((session_id, key), []).append(
            Pane(
                id=pane_id,
                pid=record.integer(9),
                command=record.text(17),
                title=record.text(18),
                dead=dead,
                exit_status=record.integer(12) if dead else None,
                ended=record.number(13) if dead else None,
                cwd=record.text(19),
                active=record.fields[10] == b"1",
            )
        )
    return [
        replace(
            session,
            # Of a session itself tmux tells what its clients typed; what runs in it shows in its windows.
            activity=_newest(session.activity, *(window.activity for window in windows[session_id].values())),
            windows=tuple(
                replace(window, panes=tuple(inside[session_id, key]))
                for key, window in sorted(windows[session_id].items(), key=lambda item: item[1].index)
            ),
        )
        for session_id, session in sessions.items()
    ]


def _newest(*times: float | None) -> float | None:
    return max((time for time in times if time is not None), default=None)


@dataclass(frozen=True, slots=True)
class PaneProcess:
    """A process that says in which pane it was started."""

    pid: int
    socket: str
    pane: str
    prefix: str | None


def parse_environ(entries: Iterable[bytes]) -> tuple[PaneProcess, ...]:
    """The processes in ``=environ``: entries of grep (``/proc/1/environ:KEY=VALUE``) or of tail."""
    seen: dict[int, dict[bytes, bytes]] = {}
    current: int | None = None
    for entry in entries:
        if match := _ENVIRON.match(entry):
            seen.setdefault(int(match[1]), {})[match[2]] = match[3]
        elif head := _TAIL_HEAD.match(entry):
            current = int(head[1])
        elif current is not None:
            key, equals, value = entry.partition(b"=")
            if equals and key in (b"TMUX", b"TMUX_PANE", b"CONDA_PREFIX"):
                seen.setdefault(current, {})[key] = value
    found = []
    for pid, values in seen.items():
        socket = values.get(b"TMUX", b"").rsplit(b",", 2)[0]
        if socket and b"TMUX_PANE" in values:
            prefix = values.get(b"CONDA_PREFIX")
            found.append(PaneProcess(pid, decode(socket), decode(values[b"TMUX_PANE"]), decode(prefix or b"") or None))
    return tuple(found)


def join_prefixes(sessions: Iterable[Session], processes: Iterable[PaneProcess]) -> tuple[Session, ...]:
    """*sessions* with each pane's environment: that of its youngest process which names one.

    The shell of a pane shows only what it was started with; what it activated later is seen in its children.
    """
    prefixes: dict[tuple[str, str], str] = {}
    for process in sorted(processes, key=lambda process: process.pid):
        if process.prefix is not None:
            prefixes[process.socket, process.pane] = process.prefix
    if not prefixes:
        return tuple(sessions)
    return tuple(_with_prefixes(session, prefixes) for session in sessions)


def _with_prefixes(session: Session, prefixes: Mapping[tuple[str, str], str]) -> Session:
    return replace(
        session,
        windows=tuple(
            replace(
                window,
                panes=tuple(replace(pane, prefix=prefixes.get((session.socket, pane.id))) for pane in window.panes),
            )
            for window in session.windows
        ),
    )


def _split(data: bytes, head: bytes) -> list[bytes]:
    """What follows each *head* at the beginning of a line, up to the next."""
    pieces = (b"\n" + data).split(b"\n" + head)
    return pieces[1:]


def _number(identifier: str) -> int:
    digits = identifier[1:]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else 0


def _protocol(host: str, what: str) -> Fault:
    return Fault(
        FaultKind.PROTOCOL,
        phrase("tmux on {host} listed {what} in a form that is not understood.", host=host, what=what),
        phrase("Run `condafleet --debug probe` on the host and look at the log."),
    )
