"""Asking a host for its disk table: one pass over the places named, computed there.

With a system Python on the host its own program counts, which is fastest; else GNU find and awk. Both say
the same. Without either there is no table: a ``tool_missing`` fault, never a slow imitation.
"""

from __future__ import annotations

import asyncio
import base64
import re
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files

from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace
from tui.domain.disktable import DiskTable
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable
from tui.remote.diskanswer import DiskAnswer, DiskAnswerError
from tui.remote.kept import KeptPass, read_pass
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record

__all__ = ["DiskMethod", "ask_disk"]

TOOLS_S = 20.0
SILENCE_S = 60.0
"""A scan says every second that it lives; a machine that says nothing for so long hangs, or is gone."""
STALL_S = 300.0
"""So long nothing new may be counted, before a place counts as one that hangs."""
ANSWER_LIMIT = 32 << 20
MOST_PLACES = 5000


class DiskMethod(StrEnum):
    """What counts on the host."""

    PYTHON = "python"
    FIND = "find"


async def ask_disk(
    lane: Lane,
    places: Sequence[DiskPlace],
    host: str,
    *,
    timeout: float,
    users: UsersSeen = UsersSeen(),  # noqa: B008  # a constant
    progress: Callable[[int], None] | None = None,
    method: DiskMethod | None = None,
    kept: KeptPass | None = None,
) -> DiskTable:
    """The disk table of *places*: each an owner, each package cache six of them, in the order given.

    The pass runs at the lowest priority. With *kept* it outlives the lane: asked again with the same places, it is gone
    on with; to cancel it, cancel this call and stop *kept*. Without, it ends within about a second when the lane is
    closed: to cancel it, cancel this call and close the lane.

    *users*: of which caches environments may be users that *places* does not hold; no package of theirs then counts as
    unused, and neither when a place holds what cannot be read. *progress* receives the entries looked at so far,
    whenever they are more. *method*: None takes the best that the host has.

    Raises HostFaultError: ``tool_missing``, ``incomplete`` (the count was ended on the host), ``protocol`` (the answer
    makes no sense), ``too_large``, ``tool_hung`` (also when nothing new was counted for five minutes), and as
    :func:`read_pass`.
    """
    if len(places) > MOST_PLACES:
        message = phrase(
            "{n} environments and caches on {host} are too many to be counted together.",
            n=len(places),
            host=host,
        )
        raise HostFaultError(Fault(FaultKind.TOO_LARGE, message, phrase("Choose some of them.")))
    words = [word for place in places for word in (place.kind.value[0], place.path)]
    python = None
    if method is not DiskMethod.FIND:
        python = decode(await lane.ask(script("disk_tools"), timeout=TOOLS_S)) or None
    if python is not None and python.startswith("/"):
        source, args = script("disk_python"), [python, _program(), *words]
    elif method is DiskMethod.PYTHON:
        raise HostFaultError(_missing(host, "python3"))
    else:
        source, args = script("disk_places") + script("disk_parts") + script("disk_find"), words

    async def read(said: AsyncIterator[Record]) -> DiskAnswer:
        return await _read(said, DiskAnswer(places), host, progress)

    try:
        answer = await read_pass(
            kept, lane, host, source, args, read, timeout=timeout, idle=SILENCE_S, limit=ANSWER_LIMIT
        )
        # Off the loop: a large table costs no other host's turn.
        return await asyncio.to_thread(answer.table, users)
    except DiskAnswerError as error:
        message = phrase("The disk table of {host} makes no sense: {reason}.", host=host, reason=str(error))
        raise HostFaultError(Fault(FaultKind.PROTOCOL, message, phrase("Try again."))) from error


async def _read(
    said: AsyncIterator[Record], answer: DiskAnswer, host: str, progress: Callable[[int], None] | None
) -> DiskAnswer:
    """*answer*, whole. Raises HostFaultError and DiskAnswerError."""
    loop = asyncio.get_running_loop()
    last, moved = 0, loop.time()
    async for record in said:
        if record.tag == "missing":
            raise HostFaultError(_missing(host, record.text(0) or "find"))
        if record.tag not in ("seen", "alive"):
            answer.take(record)
            continue
        seen = max(0, record.integer(0) or 0)
        if seen > last:
            last, moved = seen, loop.time()
            if progress is not None:
                progress(seen)
        elif loop.time() - moved > STALL_S:
            raise HostFaultError(_stalled(host))
    if not answer.whole:
        message = phrase("Counting the disk of {host} ended before its time.", host=host)
        raise HostFaultError(Fault(FaultKind.INCOMPLETE, message, phrase("Try again; see who ended it on the host.")))
    return answer


def _stalled(host: str) -> Fault:
    return Fault(
        FaultKind.TOOL_HUNG,
        phrase(
            "Counting the disk of {host} does not get on: nothing new was seen for {seconds} s.",
            host=host,
            seconds=f"{STALL_S:g}",
        ),
        phrase("Look for processes in state D on the host, or a mount that does not answer."),
    )


def _missing(host: str, tool: str) -> Fault:
    return Fault(
        FaultKind.TOOL_MISSING,
        phrase("{host} has no {tool}: true sizes cannot be counted there.", host=host, tool=printable(tool[:40])),
        phrase("Install findutils and awk there, or python3."),
    )


@cache
def _program() -> str:
    """Both halves of the counting program as one text, packed."""
    folder = files("tui.remote.scripts")
    walk, table = (folder.joinpath(f"disk_{name}.py").read_text("utf-8") for name in ("walk", "table"))
    text = walk + re.sub(r"^from tui\.[^)]*\)\n", "", table, flags=re.MULTILINE)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")
