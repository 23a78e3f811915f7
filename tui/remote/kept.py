"""A long look at a host that outlives the connection which began it, so that nothing is looked at twice.

The pass runs on the host by itself; what it says is kept there, in a private folder below
``~/.local/state/condafleet/counts`` of the account, and fetched piece by piece over whatever lanes there are. Each
question for it says that somebody still wants it: after :data:`GRACE_S` without one the pass ends and removes what it
kept. Letting go of it does so within about a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase, worded
from tui.domain.text import printable
from tui.remote.lane import RECORD_LIMIT, Lane
from tui.remote.lane_frames import FrameError, RecordReader
from tui.remote.lane_pipe import late
from tui.remote.quoting import quote_all
from tui.remote.scripts import script
from tui.remote.wire import Record, WireError, records

__all__ = ["GRACE_S", "LOSSES", "KeptFullError", "KeptGoneError", "KeptPass", "read_pass"]

T = TypeVar("T")

GRACE_S = 180
"""So long a pass goes on when nobody asks for it: longer than a count waits for its host to be back."""
PART_BYTES = 1 << 20
QUESTION_S = 30.0
STOP_S = 5.0
PACE_S = (0.03, 1.0)
PACE_SHARE = 0.1
"""The longer a pass takes, the more seldom it is asked for, so that its end is seen soon, measured by that."""

LOSSES = frozenset({FaultKind.LOST, FaultKind.SHELL_BROKEN, FaultKind.TIMEOUT})
"""Faults of the way to the host: a pass goes on there."""


class KeptGoneError(HostFaultError):
    """A pass that was begun before is not there any more: another boot, killed, or nobody asked for too long."""


class KeptFullError(HostFaultError):
    """What a pass said could not all be kept on the host's disk."""


class KeptPass:
    """One pass on a host, at most; the same object finds it again over another lane."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._asked: bytes | None = None
        self.refusal: str | None = None
        """Why the host cannot keep a pass, once it said so: it is asked for over one lane then, and ends with it."""
        self.fetched = 0
        """How many bytes of the answer ever came: more than before means that it gets on."""

    @property
    def begun(self) -> bool:
        """True while a pass may be under way on the host, or its answer may lie there."""
        return self._id is not None

    async def records(
        self,
        lane: Lane,
        host: str,
        source: bytes,
        args: Sequence[str | bytes] = (),
        *,
        timeout: float,
        idle: float,
        limit: int,
    ) -> AsyncGenerator[Record, None]:
        """What *source*, a constant of this program, says when it runs with *args*, from its beginning.

        A pass that was begun with the same words before is gone on with; another one is ended first. Where the host
        cannot keep a pass, the words are put over *lane* as :meth:`Lane.stream` does, and :attr:`refusal` says why.

        Raises KeptGoneError, KeptFullError (nothing is left there then), and as :meth:`Lane.stream`. Whoever ends
        without having read the end of the answer comes back, or calls :meth:`stop`.
        """
        # No whole word of it is kept here: paths may be many.
        asked = hashlib.sha256(source + b"\0" + quote_all(args)).digest()
        again = self.begun and asked == self._asked
        if not again and self.refusal is None:
            await self._begin(lane, host, source, args, asked)
        if self.refusal is not None:
            said = lane.stream(source, args, timeout=timeout, idle=idle, limit=limit)
        else:
            said = self._follow(lane, host, again, timeout, idle, limit)
        async with aclosing(said):
            async for record in said:
                yield record

    async def stop(self, lane: Lane) -> None:
        """End the pass, and let go of what it said. Raises HostFaultError: it ends by itself then, after a while."""
        if self._id is not None:
            await lane.ask(_kept("stop"), [self._id], timeout=STOP_S)
            self._id = None

    async def _begin(self, lane: Lane, host: str, source: bytes, args: Sequence[str | bytes], asked: bytes) -> None:
        old, self._id = self._id, secrets.token_hex(8)
        self._asked = asked
        words = (self._id, str(GRACE_S), old or "", source, *args)
        body = await lane.ask(_kept("start"), words, timeout=QUESTION_S)
        first = next(records(body), None)
        if first is not None and first.tag == "cannot":
            self.refusal = printable((first.text(0) or "?")[:200])
            self._id = None
        elif first is None or first.tag != "started":
            raise _senseless(host)

    async def _follow(
        self, lane: Lane, host: str, again: bool, timeout: float, idle: float, limit: int
    ) -> AsyncGenerator[Record, None]:
        reader, loop = RecordReader(RECORD_LIMIT), asyncio.get_running_loop()
        began = moved = loop.time()
        offset = 0
        while True:
            state, size, data = await self._part(lane, host, offset, again)
            # What had been said before tells nothing of whether it goes on.
            again = again and (offset == 0 or not data)
            offset += len(data)
            self.fetched = max(self.fetched, offset)
            if offset > limit:
                raise _fault(
                    FaultKind.TOO_LARGE, phrase("{host} answered with more than {n} bytes.", host=host, n=limit)
                )
            try:
                for record in reader.feed(data):
                    yield record
            except WireError as error:
                raise _senseless(host) from error
            except FrameError as error:
                raise _fault(FaultKind.TOO_LARGE, phrase("{sentence}.", sentence=worded(error))) from error
            now = loop.time()
            if data:
                moved = now
            if offset < size:
                continue
            if state == b"full":
                await self.stop(lane)
                self.refusal = phrase("the disk is full")
                raise KeptFullError(_fault(FaultKind.INCOMPLETE, phrase("{host}: the disk is full.", host=host)).fault)
            if state == b"ended":
                return
            if now - moved > idle or now - began > timeout:
                raise HostFaultError(late(host, idle if now - moved > idle else timeout))
            await asyncio.sleep(min(PACE_S[1], max(PACE_S[0], PACE_SHARE * (now - began))))

    async def _part(self, lane: Lane, host: str, offset: int, again: bool) -> tuple[bytes, int, bytes]:
        """The state of the pass, how much it said, and what it said from *offset* on."""
        words = (self._id or "", str(offset), str(PART_BYTES), secrets.token_hex(8))
        body = await lane.ask(_kept("part"), words, timeout=QUESTION_S, limit=PART_BYTES + 4096)
        head = body.split(b"\0", 4)
        if head[0] == b"=gone":
            self._id = None
            message = phrase("What was counted on {host} ended before its time.", host=host)
            fault = _fault(FaultKind.INCOMPLETE, message).fault
            raise KeptGoneError(fault) if again else HostFaultError(fault)
        sense = len(head) == 5 and head[:2] == [b"=part", b"2"] and head[2].isdigit() and len(head[2]) <= 18
        if not sense or len(head[4]) > PART_BYTES or int(head[2]) < offset:
            raise _senseless(host)
        return head[3], int(head[2]), head[4]


async def read_pass(
    kept: KeptPass | None,
    lane: Lane,
    host: str,
    source: bytes,
    args: Sequence[str | bytes],
    read: Callable[[AsyncIterator[Record]], Awaitable[T]],
    *,
    timeout: float,
    idle: float,
    limit: int,
) -> T:
    """What *read* makes of the answer of *source* with *args*: a pass that outlives *lane*, unless *kept* is None.

    *read* begins anew when it is called again. What is kept on the host is let go of once it was read, and at every
    fault that is not the connection's (:data:`LOSSES`); cancelled, it stays: see :meth:`KeptPass.stop`. Raises what
    *read* raises, KeptGoneError, and as :meth:`Lane.stream`.
    """
    if kept is None:
        async with aclosing(lane.stream(source, args, timeout=timeout, idle=idle, limit=limit)) as said:
            return await read(said)

    async def once() -> T:
        async with aclosing(kept.records(lane, host, source, args, timeout=timeout, idle=idle, limit=limit)) as said:
            found = await read(said)
        await _let_go(kept, lane)
        return found

    try:
        try:
            return await once()
        except KeptFullError:
            return await once()
    except HostFaultError as error:
        if error.fault.kind not in LOSSES:
            await _let_go(kept, lane)
        raise


async def _let_go(kept: KeptPass, lane: Lane) -> None:
    with contextlib.suppress(HostFaultError):
        await kept.stop(lane)


def _kept(name: str) -> bytes:
    return script("task_common") + script("kept_common") + script(f"kept_{name}")


def _senseless(host: str) -> HostFaultError:
    return _fault(FaultKind.PROTOCOL, phrase("What {host} says of a count makes no sense.", host=host))


def _fault(kind: FaultKind, message: str) -> HostFaultError:
    return HostFaultError(Fault(kind, message, phrase("Try again; see who ended it on the host.")))
