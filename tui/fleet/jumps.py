"""Jump hosts: one connection for each, shared by all hosts behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, field

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.fleet.connection import SshConnection
from tui.fleet.resolved import JumpPart
from tui.ports import Notice

__all__ = ["Dial", "JumpPool", "Lease"]

_LINGER_S = 10.0
_FAILED_S = 5.0

Report = Callable[[str], None]
Dial = Callable[[tuple[JumpPart, ...], tuple[str, ...], Report], Awaitable[SshConnection]]
"""Connect to the last of the parts, through the others (or, with one part, as its own settings say)."""


@dataclass(slots=True)
class Lease:
    """A share in a jump connection; give it back with :meth:`release`."""

    connection: SshConnection
    name: str
    via: tuple[str, ...]
    """All jump hosts passed, this one last."""
    _entry: _Entry
    _pool: JumpPool
    _held: bool = True

    def release(self) -> None:
        """Safe to call twice."""
        if self._held:
            self._held = False
            self._pool.left(self._entry)


@dataclass(slots=True)
class _Entry:
    key: tuple[JumpPart, ...]
    task: asyncio.Task[SshConnection]
    reports: set[Report] = field(default_factory=set)
    waiting: int = 0
    users: int = 0
    timer: asyncio.TimerHandle | None = None


class JumpPool:
    """Hands out leases. A jump that failed is not tried again for five seconds, whoever asks, unless it is forgiven."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._entries: dict[tuple[JumpPart, ...], _Entry] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def lease(self, parts: tuple[JumpPart, ...], passed: tuple[str, ...], report: Report) -> Lease:
        """A connection to the last of *parts*. *passed* are the hosts on whose behalf (against loops).

        Raises HostFaultError: the jump's own fault.
        """
        name = parts[-1].host
        if self._closed:
            raise HostFaultError(
                Fault(
                    FaultKind.LOST, phrase("The connection to {host} was closed.", host=name), phrase("Connect again.")
                )
            )
        if name in passed:
            circle = " → ".join((*passed, name))
            raise HostFaultError(
                Fault(
                    FaultKind.CONFIG,
                    phrase("The jump hosts go in a circle: {circle}.", circle=circle),
                    phrase("Correct ProxyJump in ssh_config."),
                )
            )
        entry = self._entries.get(parts)
        if entry is None or (_ended(entry) and entry.timer is None):
            entry = self._start(parts, passed)
        entry.reports.add(report)
        entry.waiting += 1
        try:
            connection = await asyncio.shield(entry.task)
        except asyncio.CancelledError:
            if entry.waiting == 1 and not entry.task.done():
                entry.task.cancel()
                self._drop(entry)
            raise
        finally:
            entry.waiting -= 1
            entry.reports.discard(report)
        entry.users += 1
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        return Lease(connection, name, (*connection.facts.via, name), entry, self)

    def _start(self, parts: tuple[JumpPart, ...], passed: tuple[str, ...]) -> _Entry:
        reports: set[Report] = set()

        def tell(step: str) -> None:
            for report in list(reports):
                # A notice names its host itself, and must stay one.
                report(
                    step if isinstance(step, Notice) else phrase("jump {host}: {step}", host=parts[-1].host, step=step)
                )

        async def connect() -> SshConnection:
            return await self._dial(parts, passed, tell)

        task = asyncio.get_running_loop().create_task(connect())
        entry = _Entry(parts, task, reports)
        self._entries[parts] = entry
        task.add_done_callback(lambda _: self._settled(entry))
        return entry

    def _settled(self, entry: _Entry) -> None:
        if entry.task.cancelled():
            self._drop(entry)
        elif entry.task.exception() is not None:
            entry.timer = asyncio.get_running_loop().call_later(_FAILED_S, self._drop, entry)
        elif entry.waiting == 0 and entry.users == 0:
            self.left(entry)

    def forgive(self, names: Set[str]) -> None:
        """Hosts called *names* were reached: what failed on its way through them may be tried anew at once."""
        for entry in list(self._entries.values()):
            if _ended(entry) and any(part.host in names for part in entry.key):
                self._drop(entry)

    def left(self, entry: _Entry) -> None:
        """A lease was given back; the last one closes the connection a little later."""
        entry.users = max(0, entry.users - 1)
        if entry.users == 0 and entry.waiting == 0:
            if _ended(entry):
                self._drop(entry)
            elif entry.timer is None:
                entry.timer = asyncio.get_running_loop().call_later(_LINGER_S, self._expire, entry)

    def _expire(self, entry: _Entry) -> None:
        entry.timer = None
        if entry.users == 0 and entry.waiting == 0:
            self._drop(entry)
            task = asyncio.get_running_loop().create_task(entry.task.result().close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _drop(self, entry: _Entry) -> None:
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None
        if self._entries.get(entry.key) is entry:
            del self._entries[entry.key]

    @property
    def open(self) -> int:
        """Jump connections that are up."""
        return sum(not _ended(entry) and entry.task.done() for entry in self._entries.values())

    async def close(self) -> None:
        """Close all."""
        self._closed = True
        entries = list(self._entries.values())
        for entry in entries:
            self._drop(entry)
            entry.task.cancel()
        await asyncio.gather(*(entry.task for entry in entries), return_exceptions=True)
        closing = [
            entry.task.result().close()
            for entry in entries
            if not entry.task.cancelled() and not entry.task.exception()
        ]
        await asyncio.gather(*closing, *self._closing)


def _ended(entry: _Entry) -> bool:
    """True when there is no connection to share: it failed or is gone."""
    task = entry.task
    return task.done() and (task.cancelled() or task.exception() is not None or task.result().is_gone)
