"""Full-screen terminals: a client of a tmux session, or the account's login shell, in a pty of the host.

The command that starts one is a constant that bash, dash, zsh, fish, csh and tcsh read alike. It makes
the pty raw and echoless, says that it is ready and takes the script from the pty itself, with the
values (socket, session id, program) as quoted positional parameters. The script looks first whether
what is wanted is there: what it refuses comes back as a fault, and no terminal was started.
"""

from __future__ import annotations

import asyncio
import re

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.sessions import Session
from tui.domain.text import decode, printable
from tui.ports import Channel, Connection, TermRequest
from tui.remote.lane_pool import open_on_pty
from tui.remote.quoting import quote_all
from tui.remote.scripts import script

__all__ = ["COMMAND", "WINDOW", "open_terminal"]

COMMAND = (
    "exec /bin/sh -c '"
    "own_path=$PATH; PATH=$PATH:/usr/bin:/bin; "
    "saved=$(stty -g 2>/dev/null); stty raw -echo 2>/dev/null; "
    'printf "%s-%s:%s:" condafleet ready now; '
    'read -r size; eval "$(dd bs=1 count="$size" 2>/dev/null)"'
    "'"
)
"""No ``!``, no newline, no backslash: csh and fish see something in them even between single quotes."""

WINDOW = 65536
"""Bytes in flight. tmux drops frames for a slow client only once back-pressure reaches it."""

_READY = b"condafleet-ready:now:"
_BEGIN = b"condafleet-begin:now:"
_REFUSED = re.compile(rb"condafleet-refused:([a-z]+):(.*?)condafleet-end:\1:", re.DOTALL)
_MOST_NOISE = 1 << 20
_TERM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z")
_SESSION_ID = re.compile(r"\$[0-9]{1,18}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CLOSE_IT = phrase("Nothing on the host was changed.")


class _Opened:
    """A channel whose first bytes were read already. Otherwise the channel itself."""

    def __init__(self, channel: Channel, first: bytes) -> None:
        self._channel = channel
        self._first = first

    async def read(self, limit: int = 65536) -> bytes:
        if self._first:
            data, self._first = self._first[:limit], self._first[limit:]
            return data
        return await self._channel.read(limit)

    async def write(self, data: bytes) -> None:
        await self._channel.write(data)

    async def write_eof(self) -> None:
        await self._channel.write_eof()

    def stderr_tail(self) -> bytes:
        return self._channel.stderr_tail()

    def resize(self, columns: int, rows: int) -> None:
        self._channel.resize(columns, rows)

    def pause_reading(self) -> None:
        self._channel.pause_reading()

    def resume_reading(self) -> None:
        self._channel.resume_reading()

    async def wait(self) -> int | None:
        return await self._channel.wait()

    def close(self) -> None:
        self._channel.close()


async def open_terminal(
    connection: Connection, host: str, session: Session | None, term: TermRequest, *, limit: float
) -> Channel:
    """A pty channel on which *session*, or the login shell (None), is drawn from its first byte on.

    A TERM that the host does not know becomes ``xterm-256color``. *limit*: seconds until the terminal
    must have begun. Raises HostFaultError: ``ghost`` (the session is gone), ``tool_missing``,
    ``tool_hung``, ``permission``, ``protocol``, ``shell_broken``, ``timeout``, and what opening a channel raises.
    """
    values = ["shell"] if session is None else ["session", *_checked(host, session)]
    name = term.term if _TERM_NAME.match(term.term) else "xterm-256color"
    text = b"set -- " + quote_all(values) + b"\n" + script("attach")
    try:
        async with asyncio.timeout(limit):
            size = TermRequest(name, term.columns, term.rows)
            channel = await open_on_pty(connection, COMMAND, size, WINDOW)
            try:
                await _until(host, channel, b"", _READY)
                await channel.write(b"%d\n%s" % (len(text), text))
                rest = await _until(host, channel, b"", _BEGIN)
                await channel.write(b"\n")
            except BaseException:  # a cancelled wait must not leave a terminal open either
                channel.close()
                raise
    except TimeoutError as error:
        raise HostFaultError(
            Fault(
                FaultKind.TIMEOUT,
                phrase("The terminal on {host} did not begin within {seconds} s.", host=host, seconds=f"{limit:g}"),
                phrase("Its login shell may be waiting for something. {close_it} Try again.", close_it=_CLOSE_IT),
            )
        ) from error
    except HostFaultError as error:
        if session is not None and error.fault.kind is FaultKind.GHOST:
            raise HostFaultError(_gone(host, session)) from error
        raise
    return _Opened(channel, rest)


def _checked(host: str, session: Session) -> list[str]:
    """What the script gets of *session*, whose fields are the host's words. Raises HostFaultError."""
    if session.kind != "tmux":
        raise HostFaultError(
            Fault(
                FaultKind.TOOL_MISSING,
                phrase(
                    "{session} on {host} is no tmux session but {kind}: not attached.",
                    session=printable(session.name),
                    host=host,
                    kind=printable(session.kind),
                ),
                phrase("Open a shell on {host} and attach to it there.", host=host),
            )
        )
    places = (session.socket, *((session.tmux,) if session.tmux else ()))
    if not _SESSION_ID.match(session.id) or any(not p.startswith("/") or _CONTROL.search(p) for p in places):
        raise HostFaultError(
            Fault(
                FaultKind.PROTOCOL,
                phrase(
                    "{host} names its session {session} in a way that tmux never does ({id} on {socket}).",
                    host=host,
                    session=printable(session.name)[:100],
                    id=printable(session.id)[:40],
                    socket=printable(session.socket)[:200],
                ),
                phrase("It was not attached. {close_it}", close_it=_CLOSE_IT),
            )
        )
    return [session.socket, session.id, session.tmux or ""]


async def _until(host: str, channel: Channel, seen: bytes, mark: bytes) -> bytes:
    """Read up to *mark*; what came after it. Raises HostFaultError for a refusal, an end or endless noise."""
    read = 0
    while mark not in seen:
        if refused := _REFUSED.search(seen):
            raise HostFaultError(_refusal(host, refused.group(1).decode(), _tail(refused.group(2))))
        data = await channel.read()
        read += len(data)
        if not data or read > _MOST_NOISE:
            said = _tail(seen) or phrase("it said nothing")
            if data:
                message = phrase("The terminal on {host} sent only noise before it began: {said}", host=host, said=said)
            else:
                message = phrase("The terminal on {host} ended before it began: {said}", host=host, said=said)
            raise HostFaultError(
                Fault(
                    FaultKind.SHELL_BROKEN,
                    message,
                    phrase(
                        "See whether `ssh {host} echo hello` prints one line. {close_it}", host=host, close_it=_CLOSE_IT
                    ),
                )
            )
        seen = (seen + data)[-65536:]
    return seen.partition(mark)[2]


def _tail(raw: bytes) -> str:
    return printable(" ".join(decode(raw[-400:]).split()))


def _gone(host: str, session: Session) -> Fault:
    return Fault(
        FaultKind.GHOST,
        phrase(
            "The session {session} ({id}) on {host} is gone.", session=printable(session.name), id=session.id, host=host
        ),
        phrase("It ended, or its tmux server did. Refresh the sessions."),
    )


def _refusal(host: str, kind: str, words: str) -> Fault:
    said = phrase(": {words}", words=words) if words else phrase(".")
    if kind == "gone":
        return Fault(
            FaultKind.GHOST,
            phrase("The session on {host} is gone{said}", host=host, said=said),
            phrase("Refresh the sessions."),
        )
    if kind == "missing":
        return Fault(
            FaultKind.TOOL_MISSING,
            phrase("tmux was not found on {host}{said}", host=host, said=said),
            phrase("Is it on the PATH of a login there?"),
        )
    if kind == "foreign":
        return Fault(
            FaultKind.PERMISSION,
            phrase(
                "The tmux of that session on {host} belongs to another user and was not run{said}", host=host, said=said
            ),
            phrase("Attach as that user."),
        )
    if kind == "hung":
        return Fault(
            FaultKind.TOOL_HUNG,
            phrase("tmux on {host} did not answer within 5 s{said}", host=host, said=said),
            phrase("Its server may be stopped, or be of another version than the program."),
        )
    return Fault(
        FaultKind.PROTOCOL,
        phrase("tmux on {host} says nothing about its sessions{said}", host=host, said=said),
        phrase("Its program and its running server are probably of different versions."),
    )
