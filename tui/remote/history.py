"""The history of one environment, asked for when somebody wants to see it."""

from __future__ import annotations

import asyncio
import re

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import History, read_history
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record, WireError, records

__all__ = ["ask_history", "history_of", "parse_history"]

MOST_BYTES = 256 << 10
"""Of a longer file the end is read: some thousand changes."""
_OFFSET = re.compile(rb"([+-])([0-9]{2})([0-9]{2})\Z")


async def ask_history(lane: Lane, prefix: str, host: str, *, timeout: float) -> History:
    """What was asked of conda for the environment at *prefix*.

    Raises HostFaultError: ``ghost`` (the prefix is gone), ``incomplete`` (it holds no history), ``permission``,
    or as :meth:`Lane.ask`.
    """
    body = await lane.ask(script("history"), (prefix, str(MOST_BYTES)), timeout=timeout, compress=True)
    # Off the loop: a file made up to be slow to read costs no other host's turn.
    return await asyncio.to_thread(parse_history, body, prefix, host)


def parse_history(body: bytes, prefix: str, host: str) -> History:
    """The history in the answer *body*. Raises HostFaultError as :func:`ask_history`, and WireError."""
    record = next((each for each in records(body) if each.tag == "history"), None)
    if record is None:
        raise WireError("no history in the answer")
    return history_of(record, prefix, host)


def history_of(record: Record, prefix: str, host: str) -> History:
    """The history in the one *record* that ``history.sh`` answers with. Raises as :func:`parse_history`."""
    if len(record.fields) < 4:
        raise WireError("no history in the answer")
    state, offset, text, times = record.fields[:4]
    if state != b"y":
        raise HostFaultError(_fault(state, f"{host}:{printable(prefix)}"))
    complete = len(text) <= MOST_BYTES
    known = [int(line) for line in times.split() if line.isdigit() and len(line) < 12]
    return read_history(decode(text[-MOST_BYTES:]), times=known, utc_offset_s=_seconds(offset), complete=complete)


def _seconds(offset: bytes) -> int:
    match = _OFFSET.match(offset)
    if match is None:
        return 0
    seconds = int(match[2]) * 3600 + int(match[3]) * 60
    return -seconds if match[1] == b"-" else seconds


def _fault(state: bytes, place: str) -> Fault:
    if state == b"g":
        message = phrase("{place} is not there any more.", place=place)
        return Fault(FaultKind.GHOST, message, phrase("Refresh to see what is there now."))
    if state == b"x":
        message = phrase("The history of {place} may not be read by this account.", place=place)
        return Fault(FaultKind.PERMISSION, message, phrase("Ask its owner, or connect as another user."))
    message = phrase("{place} has no conda-meta/history: it is not whole, or no conda made it.", place=place)
    return Fault(FaultKind.INCOMPLETE, message, phrase("Nothing is known of how it came about."))
