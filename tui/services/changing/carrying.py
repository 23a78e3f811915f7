"""Packages for a host whose network does not reach their channels: what is to be carried there, and the carrying.

The task on the host runs detached as any other; what it needs must lie there before. So the carrying is this program's
own work: it may be cut off at any moment, and goes on where it was when it is asked for again, by whatever client of
the same account: an archive that has arrived whole waits beside the package cache, is found by the next look, and is
taken by the task that needs it. What nobody takes is cleared away after a week by the next look on that host.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from tui.domain.carrying import Cargo, Carried, Load, Parcel, Reach, bases, cargo_concerns, parcels, wants_carrying
from tui.domain.changes import CarryMode, Change, Concern, ConcernKind, Severity
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.phrases import phrase, plural
from tui.domain.settings import Settings
from tui.domain.text import printable
from tui.domain.toolargs import Tool, Toolbox
from tui.ports import Clock, Connection
from tui.remote.carry_look import ask_reach, ask_source, ask_target
from tui.remote.carry_pass import pass_on
from tui.remote.lane import Lane

__all__ = ["Carrier", "CarryPlan"]

CARRY = "carry"
_READ_S = 1800.0
"""For reading through gigabytes of archives, on a slow disk."""
_TRIES = 5
_AT_ONCE = 2
"""So many targets take from one source side by side: its channels are for others, too."""
_AGAIN = frozenset(
    {
        FaultKind.LOST, FaultKind.TIMEOUT, FaultKind.REFUSED, FaultKind.NO_ROUTE, FaultKind.SESSIONS_EXHAUSTED,
        FaultKind.JUMP_FAILED, FaultKind.KEX_FAILED,
    }
)  # fmt: skip
_MOST_NAMED = 12
T = TypeVar("T")
Told = Callable[[Carried], None]


class _Put(Protocol):
    def __call__(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class CarryPlan:
    """What came of looking at whether something is to be carried."""

    cargo: Cargo | None = None
    concerns: tuple[Concern, ...] = ()


class Carrier:
    """Looks at what is to be carried between two hosts of a running fleet, and carries it.

    *put* as :meth:`tui.services.fleet.FleetApi.put_question`; *reach* gives the live connection to a host and raises
    HostFaultError; *caches* gives the package caches of a host as it showed them in this run, those of the install of
    a prefix first.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        put: _Put,
        reach: Callable[[str], Awaitable[Connection]],
        caches: Callable[[str, str], tuple[str, ...]],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._put = put
        self._reach = reach
        self._caches = caches
        self._gates: dict[str, asyncio.Semaphore] = {}

    async def plan(self, change: Change, tool: Tool, box: Toolbox) -> CarryPlan:
        """What is to be carried for *change*; nothing where its host has all of it, or reaches the servers itself.

        Raises HostFaultError; CondafleetError where it does not reach them and something is nowhere to be had.
        """
        source = change.source
        if source is None or not box.caches or not wants_carrying(change):
            return CarryPlan()
        sudo = any(spec.sudo for spec in self._settings.hosts if spec.name == change.host)
        known, others = parcels(change.explicit, mamba=tool.is_mamba)
        seen = await self._put(
            change.host,
            CARRY,
            lambda lane: ask_target(
                lane, change.host, box.caches, known, mamba=tool.is_mamba, timeout=_READ_S, as_owner=sudo
            ),
        )
        lacking = (*seen.wanted, *seen.clashing)
        if not lacking and not seen.arrived:
            return CarryPlan()
        if change.carry is CarryMode.AUTO and lacking:
            reach = await self._reaches(change, tool, lacking)
            if reach is not Reach.NO:
                return CarryPlan(None, _unknown(change, lacking) if reach is Reach.UNKNOWN else ())
        if seen.refusal is not None:
            raise CondafleetError(seen.refusal, phrase("Nothing was started."))
        loads: tuple[Load, ...] = ()
        if seen.wanted:
            caches = self._caches(source.host, source.prefix)
            loads = await self._put(
                source.host, CARRY, lambda lane: ask_source(lane, source.host, caches, seen.wanted, timeout=_READ_S)
            )
        found = {load.parcel for load in loads}
        absent = (*(each for each in seen.wanted if each not in found), *seen.clashing)
        cargo = Cargo(source.host, change.host, box.caches[0], loads, seen.arrived, absent, seen.free_bytes)
        if change.carry is CarryMode.AUTO and (absent or others):
            lines = [*(each.file for each in absent), *map(printable, others)]
            raise _nowhere(cargo, lines, clashes=bool(seen.clashing))
        return CarryPlan(cargo if cargo.parcels else None, cargo_concerns(cargo, change, others))

    async def carry(self, cargo: Cargo, told: Told | None = None) -> None:
        """Carry it, an archive after the other; a lost connection is waited for. Raises HostFaultError.

        What was carried until then stays, whole, for the next time. Cancelled, the same.
        """
        done = Carried(cargo.source, cargo.target, 0, len(cargo.loads), 0, cargo.total_bytes)
        for load in cargo.loads:
            counted = _Counted(done, told)
            await self._one(cargo, load, counted)
            done = replace(done, packages=done.packages + 1, bytes=done.bytes + load.size)
        if told is not None:
            told(done)

    async def _reaches(self, change: Change, tool: Tool, lacking: Sequence[Parcel]) -> Reach:
        addresses = bases(lacking)
        return await self._put(change.host, CARRY, lambda lane: ask_reach(lane, change.host, tool.root, addresses))

    async def _one(self, cargo: Cargo, load: Load, counted: _Counted) -> None:
        names = (cargo.source, cargo.target)
        gate = self._gates.setdefault(cargo.source, asyncio.Semaphore(_AT_ONCE))
        for left in reversed(range(_TRIES)):
            try:
                counted.begin()
                async with gate:
                    source, target = [await self._reach(host) for host in names]
                    await pass_on(source, target, names, cargo.cache, load, counted.passed)
                return
            except HostFaultError as error:
                if not left or error.fault.kind not in _AGAIN or error.fault.waits_for_a_person:
                    raise
            await self._clock.sleep(2.0 ** (_TRIES - left))


class _Counted:
    """Tells how far it is: what went through of an archive that must be sent again does not count."""

    def __init__(self, before: Carried, told: Told | None) -> None:
        self._before = before
        self._told = told
        self._bytes = 0

    def begin(self) -> None:
        """From its first byte."""
        self._bytes = 0
        self.passed(0)

    def passed(self, count: int) -> None:
        """So many more."""
        self._bytes += count
        if self._told is not None:
            self._told(replace(self._before, bytes=self._before.bytes + self._bytes))


def _unknown(change: Change, lacking: Sequence[Parcel]) -> tuple[Concern, ...]:
    text = phrase(
        "It could not be told whether {host} reaches {server} and what else it needs packages of; if not, say that "
        "they are to be carried.", host=change.host, server=printable(lacking[0].url.rpartition("/")[0]),
    )  # fmt: skip
    return (Concern(ConcernKind.OFFLINE, text, Severity.NOTE),)


def _nowhere(cargo: Cargo, lacking: Sequence[str], *, clashes: bool) -> CondafleetError:
    names = ", ".join(lacking[:_MOST_NAMED]) + (", …" if len(lacking) > _MOST_NAMED else "")
    message = plural(
        "{target} does not reach the servers of its packages, and {n} package cannot be carried there: its archive is "
        "in no package cache of {source} ({names}). Nothing was started.",
        "{target} does not reach the servers of its packages, and {n} packages cannot be carried there: their archives "
        "are in no package cache of {source} ({names}). Nothing was started.",
        len(lacking), target=cargo.target, source=cargo.source, names=names,
    )  # fmt: skip
    if clashes:
        text = phrase(
            "Of some {target} holds another package of the same name, unpacked: remove that from its cache. The rest "
            "fetch again on {source} with `conda create --download-only` from an explicit list; or say that nothing is "
            "to be carried.", target=cargo.target, source=cargo.source,
        )  # fmt: skip
    else:
        text = phrase(
            "Fetch them again on {source}, with `conda create --download-only` from an explicit list "
            "(`condafleet export --explicit` writes one); or say that nothing is to be carried.", source=cargo.source,
        )  # fmt: skip
    return CondafleetError(message, text)
