"""A task's log, byte for byte, from any offset, over whatever lanes there are meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from tui.domain.backoff import retry_delay
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.tasks import is_task_id
from tui.ports import Clock
from tui.remote.lane import Lane
from tui.remote.tasks import task_script

__all__ = ["LogFollower", "LogPart", "ReadLog", "lane_reader", "read_log"]

PART_BYTES = 256 << 10
PACE_S = 0.5
LONGEST_WAIT_S = 30.0
_NOT_CURED = frozenset({FaultKind.GHOST, FaultKind.INCOMPLETE, FaultKind.TOO_LARGE})
"""Faults of the log itself, which another connection would meet as well."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """Some bytes of a log, as they are: a terminal may show them, nothing else without care."""

    offset: int
    data: bytes
    size: int
    """How long the log was when it was looked at."""
    over: bool
    """Nothing will be written to it any more."""

    @property
    def is_last(self) -> bool:
        """True when the log ends with this part."""
        return self.over and self.offset + len(self.data) >= self.size


async def read_log(
    lane: Lane, host: str, task_id: str, offset: int, *, limit: int = PART_BYTES, timeout: float = 30.0
) -> LogPart:
    """What the log holds from *offset* on, at most *limit* bytes.

    Raises HostFaultError: ``ghost`` when there is no such task, ``incomplete`` when the log has become
    shorter than *offset*, ``protocol``, and what a question on a lane raises.
    """
    if not is_task_id(task_id):
        raise HostFaultError(_gone(host, task_id))
    body = await lane.ask(task_script("log"), [task_id, str(offset), str(limit)], timeout=timeout, limit=limit + 4096)
    if body.startswith(b"=gone\0"):
        raise HostFaultError(_gone(host, task_id))
    head = body.split(b"\0", 4)
    sense = len(head) == 5 and head[:2] == [b"=log", b"2"] and head[2].isdigit() and len(head[2]) <= 18
    if not sense or head[3] not in (b"open", b"ended") or len(head[4]) > limit:
        raise HostFaultError(
            Fault(
                FaultKind.PROTOCOL,
                phrase("{host} sent a log that makes no sense.", host=host),
                phrase("Read it once more."),
            )
        )
    size = int(head[2])
    if size < offset:
        raise HostFaultError(
            Fault(
                FaultKind.INCOMPLETE,
                phrase(
                    "The log of {task} on {host} is shorter ({size} bytes) than what was read of it ({offset}).",
                    task=task_id,
                    host=host,
                    size=size,
                    offset=offset,
                ),
                phrase("Somebody changed it there: read it from its beginning."),
            )
        )
    return LogPart(offset, head[4], size, head[3] == b"ended")


ReadLog = Callable[[int, int], Awaitable[LogPart]]
"""Reads one log from an offset, at most so many bytes; waits for a connection if need be, or raises HostFaultError."""


def lane_reader(lanes: Callable[[], Awaitable[Lane]], host: str, task_id: str) -> ReadLog:
    """Reads the log of a task over whatever lane *lanes* gives."""

    async def read(offset: int, limit: int) -> LogPart:
        return await read_log(await lanes(), host, task_id, offset, limit=limit)

    return read


class LogFollower:
    """Follows one log, which *read* reads, to its end; connections may come and go.

    :attr:`offset` is where the next part begins: a later follower may go on from there. *rest* waits so many seconds
    after a fault, or less where it learns that trying again is worth it.
    """

    def __init__(
        self,
        read: ReadLog,
        clock: Clock,
        *,
        offset: int = 0,
        pace: float = PACE_S,
        part_bytes: int = PART_BYTES,
        rest: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._read = read
        self._rest = clock.sleep if rest is None else rest
        self._clock = clock
        self._pace = pace
        self._part_bytes = part_bytes
        self.offset = offset
        self.fault: Fault | None = None
        """Why nothing comes at present; None when all is well."""

    async def parts(self) -> AsyncGenerator[LogPart, None]:
        """The parts as they come, none of them empty but the last, each byte once, until the task is over.

        Faults that time may cure are waited out. Raises HostFaultError for others (``ghost``, ``incomplete``,
        and those that wait for a person).
        """
        failures = 0
        while True:
            try:
                part = await self._read(self.offset, self._part_bytes)
            except HostFaultError as error:
                if error.fault.kind in _NOT_CURED or error.fault.waits_for_a_person:
                    raise
                self.fault = error.fault
                failures += 1
                await self._rest(min(LONGEST_WAIT_S, retry_delay(failures, self._clock.jitter())))
                continue
            failures = 0
            self.fault = None
            self.offset += len(part.data)
            if part.data or part.is_last:
                yield part
            if part.is_last:
                return
            if self.offset >= part.size or not part.data:
                await self._clock.sleep(self._pace)


def _gone(host: str, task_id: str) -> Fault:
    if is_task_id(task_id):
        message = phrase("{host} keeps no task {task}.", host=host, task=task_id)
    else:
        message = phrase("{host} keeps no task of that name.", host=host)
    return Fault(FaultKind.GHOST, message, phrase("It was cleared away, or never started."))
