"""The lanes of one connection.

Each kind of question has a lane of its own, as long as the host gives a channel for it (``MaxSessions`` of
its sshd). Where it gives no more, questions take turns on the lanes that there are: with a single channel
everything goes over one, and a file system that hangs then holds up all of it. For a terminal that finds no
channel an idle lane is ended; it is opened again when it is needed and there is room.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.ports import Channel, Connection, TermRequest
from tui.remote.lane import OPEN_COMMAND, Lane, ShellProcess
from tui.remote.rootway import AS_ROOT, ROOT_COMMAND, ROOT_TASKS, NoRootError, refusal

__all__ = ["MAIN", "LanePool", "open_on_pty"]

MAIN = "main"
SCARCE_S = 60.0
"""How long no further channel is asked for after the host gave none."""
ROOT_S = 15.0
"""So long sudo may take, a directory service behind it included."""
_PATIENCE_S = (1.5, 5.0)
_PATIENCE_FACTOR = 6.0
_SCARCE_PATIENCE_S = 0.3
_END_S = 2.0
_TRIES = 4
_PAUSE_S = 0.25
_SETTLE_S = 0.05
_CUT_S = 1.5
"""In this time a count whose lane is closed has ended on the host."""
_COUNTING = frozenset({"disk", "caches"})
_GIVEN_UP_FIRST = ("disk", "caches", "inventory", "mounts", "gpus", MAIN)

_pools: WeakKeyDictionary[Connection, LanePool] = WeakKeyDictionary()


class LanePool:
    """Lanes by the kind of question. *limit*: seconds in which a shell must have begun.

    *sudo*: questions of :data:`AS_ROOT` are put to shells of root's. Where there is none, all is asked as the account,
    and :attr:`root_fault` says why; where sudo refused, nobody tries again over this connection.
    """

    def __init__(self, connection: Connection, name: str, limit: float, *, sudo: bool = False) -> None:
        self._connection = connection
        self._name = name
        self._limit = limit
        self._sudo = sudo
        self._asking_sudo = asyncio.Lock()
        self._refused: Fault | None = None
        self.root_fault: Fault | None = None
        self._lanes: dict[str, Lane] = {}
        self._roots: set[Lane] = set()
        """Those of the lanes that are root's."""
        self._counting: set[tuple[str, Lane]] = set()
        """What is being counted, which may take hours, and over which lane."""
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._patience = _PATIENCE_S[1]
        self._scarce_until = 0.0
        self._hangs = False
        self._terminals: set[asyncio.Task[int | None]] = set()
        self._making_room = asyncio.Lock()
        _pools[connection] = self

    @property
    def scarce(self) -> bool:
        """True when the host gave no further channel a moment ago."""
        return asyncio.get_running_loop().time() < self._scarce_until

    @property
    def terminals(self) -> int:
        """How many terminals are open on the connection."""
        return len(self._terminals)

    def own(self, kind: str) -> Lane | None:
        """The lane that *kind* alone uses, if there is one now."""
        return self._lanes.get(kind)

    async def lane(self, kind: str) -> Lane:
        """A lane for *kind*: its own, or another's when the host gives no channel. Raises HostFaultError.

        NoRootError: it can be asked as root alone, and that is not to be.
        """
        lane = await self._as_wanted(kind)
        if kind in _COUNTING:
            self._counting.add((kind, lane))
        return lane

    async def _as_wanted(self, kind: str) -> Lane:
        """As root where that is wanted and can be, else as the account."""
        if kind not in AS_ROOT or not (self._sudo or kind == ROOT_TASKS):
            return await self._lane(kind)
        try:
            if not self._sudo:
                raise NoRootError(refusal(self._name, self._connection.facts.user, b""))
            lane = await self._lane(kind, root=True) if self._roots else await self._first_root(kind)
        except NoRootError as error:
            if self._sudo:
                self._refused = self.root_fault = error.fault
            if kind == ROOT_TASKS:
                raise
        except HostFaultError as error:
            if error.fault.kind is not FaultKind.SESSIONS_EXHAUSTED or kind == ROOT_TASKS:
                raise
            self.root_fault = error.fault
        else:
            self.root_fault = None
            return lane
        return await self._lane(kind)

    async def _first_root(self, kind: str) -> Lane:
        """A shell of root's, where none is yet: the first of several who want one tells the others how it went."""
        async with self._asking_sudo:
            if self._refused is not None:
                raise NoRootError(self._refused)
            return await self._lane(kind, root=True)

    async def _lane(self, kind: str, *, root: bool = False) -> Lane:
        async with self._locks[kind]:
            lane = self._lanes.get(kind)
            if lane is not None:
                if lane.usable and (not root or lane in self._roots):
                    return lane
                if not lane.usable:
                    self._drop(lane)
            # What is ended for a terminal must not be opened again before the terminal is.
            while self._making_room.locked():
                async with self._making_room:
                    pass
            other = self._usable(root)
            if other is not None and self.scarce:
                return other
            made_room = root and self.scarce and bool(self._lanes)
            if made_room and not await self._end_plain():
                raise HostFaultError(_no_room(self._name))
            began = await self._begin(root, made_room=made_room)
            if not isinstance(began, Lane) and root and await self._end_plain():
                # Who makes room also takes it.
                began = await self._begin(root, made_room=True)
            if not isinstance(began, Lane):
                raise HostFaultError(self._exhausted(began))
            if began in self._lanes.values():
                return began
            if (before := self._lanes.get(kind)) is not None:
                self._drop(before)
            self._lanes[kind] = began
            if root:
                await self._meet_root(began)
            elif kind != MAIN:
                # The main lane's first question brings the shell's greeting along, which saves a round trip.
                await began.meet(self._limit)
            return began

    async def _meet_root(self, lane: Lane) -> None:
        """Wait until root's shell is there. Raises NoRootError, and HostFaultError when the connection is lost."""
        self._roots.add(lane)
        limit = min(ROOT_S, self._limit)
        try:
            await lane.meet(limit)
        except BaseException as error:
            self._drop(lane)
            kind = error.fault.kind if isinstance(error, HostFaultError) else None
            if kind not in (FaultKind.SHELL_BROKEN, FaultKind.PROTOCOL, FaultKind.TIMEOUT):
                raise
            late = limit if kind is FaultKind.TIMEOUT else None
            user = self._connection.facts.user
            raise NoRootError(refusal(self._name, user, lane.stderr_tail(), late)) from error

    def give_up(self, lane: Lane) -> ShellProcess | None:
        """Let a lane go that hangs or is broken; its shell ends by itself once what hangs in it comes back.

        That shell is returned; None for a lane in order, which stays.
        """
        if lane.usable:
            return None
        self._hangs = self._hangs or lane.hung
        self._drop(lane)
        return lane.process

    def leave(self, kind: str, lane: Lane) -> None:
        """*kind* needs *lane* no more: closed if it is its own, or broken."""
        self._counting.discard((kind, lane))
        if self._lanes.get(kind) is lane:
            self._drop(lane)
        else:
            self.give_up(lane)

    def close(self) -> None:
        """Give all shells up, at once. Terminals are left alone."""
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()
        self._roots.clear()

    async def open_on_pty(self, command: str, term: TermRequest, window: int) -> Channel:
        """A terminal's channel; lanes make room for it, idle ones first. Raises HostFaultError."""
        patience = _SCARCE_PATIENCE_S if self.scarce else self._patience

        def plain() -> Coroutine[Any, Any, Channel]:
            return self._connection.open(command, term=term, window=window)

        def kept() -> Coroutine[Any, Any, Channel]:
            # Who makes room also takes it: a place kept for control requests is none on a host with so few.
            return self._connection.open(command, term=term, window=window, control=True)

        async with self._making_room:
            channel = await _within(plain, patience if self._lanes else None)
            while channel is None:
                self._mark_scarce()
                if not await self._end_one():
                    raise HostFaultError(_no_room(self._name))
                for _ in range(_TRIES):
                    # The shell that has just ended may still be counted there.
                    await asyncio.sleep(_SETTLE_S)
                    channel = await _within(kept, self._patience)
                    if channel is not None:
                        break
        task = asyncio.create_task(channel.wait(), name=f"terminal on {self._name}")
        self._terminals.add(task)
        task.add_done_callback(self._terminals.discard)
        return channel

    # -- inside

    def _drop(self, lane: Lane) -> None:
        lane.close()
        self._roots.discard(lane)
        self._counting = {each for each in self._counting if each[1] is not lane}
        self._lanes = {kind: each for kind, each in self._lanes.items() if each is not lane}

    def _usable(self, root: bool) -> Lane | None:
        """Another's lane of the same account to share: not the main one, if possible, and an idle one."""
        alike = [(kind, lane) for kind, lane in self._lanes.items() if lane.usable and (lane in self._roots) is root]
        usable = [(kind == MAIN, lane.busy, kind) for kind, lane in alike]
        return self._lanes[min(usable)[2]] if usable else None

    def _mark_scarce(self) -> None:
        self._scarce_until = asyncio.get_running_loop().time() + SCARCE_S

    async def _begin(self, root: bool, *, made_room: bool = False) -> Lane | Fault:
        """A new lane, not yet met; or another's, when the host gives no channel for it; or why there is none."""
        loop = asyncio.get_running_loop()
        fault: Fault | None = None
        for _ in range(_TRIES):
            began = loop.time()
            command = ROOT_COMMAND if root else OPEN_COMMAND
            opening = asyncio.ensure_future(
                Lane.begin(self._connection, timeout=self._limit, name=self._name, command=command, control=made_room)
            )
            try:
                while not opening.done():
                    await asyncio.wait({opening}, timeout=self._patience)
                    if not opening.done() and (other := self._usable(root)) is not None:
                        self._mark_scarce()
                        return other
                    if not opening.done() and (self._terminals or (root and self._lanes)):
                        self._mark_scarce()
                        return _no_room(self._name)
                lane = opening.result()
            except HostFaultError as error:
                fault = error.fault
                if fault.kind is not FaultKind.SESSIONS_EXHAUSTED:
                    raise
                self._mark_scarce()
                if (other := self._usable(root)) is not None:
                    return other
                # A terminal or a shell that ends this moment may still be counted there.
                await asyncio.sleep(_PAUSE_S)
            else:
                took = _PATIENCE_FACTOR * (loop.time() - began)
                self._patience = min(_PATIENCE_S[1], max(_PATIENCE_S[0], took))
                return lane
            finally:
                if not opening.done():
                    opening.cancel()
                    await asyncio.gather(opening, return_exceptions=True)
        assert fault is not None
        return fault

    async def _end_plain(self) -> bool:
        """End a lane of the account's, whose questions the main one can take; False when there is none, or all hang."""
        counting = {kind for kind, _ in self._counting}
        order = sorted(self._lanes.items(), key=lambda each: each[1].busy)
        for kind, lane in order:
            if kind == MAIN or kind in counting or lane in self._roots:
                continue
            if await lane.end(_END_S, _END_S):
                self._drop(lane)
                # It may still be counted there.
                await asyncio.sleep(_PAUSE_S)
                return True
        return False

    async def _end_one(self) -> bool:
        """End a lane, an idle one if possible; False when there is none left."""
        order = [kind for kind in _GIVEN_UP_FIRST if kind in self._lanes]
        order.sort(key=lambda kind: self._lanes[kind].busy)
        for kind in order:
            lane = self._lanes[kind]
            if lane.busy and any(each is lane for _, each in self._counting):
                # Nobody waits hours for a terminal: what counts ends at once, and is begun again by whoever wants it.
                self._drop(lane)
                await asyncio.sleep(_CUT_S)
                return True
            if await lane.end(self._limit, _END_S):
                self._drop(lane)
                return True
        return False

    def _exhausted(self, fault: Fault) -> Fault:
        if self._terminals:
            return Fault(
                FaultKind.SESSIONS_EXHAUSTED,
                phrase(
                    "{host} gives one connection too few channels, and a terminal uses the last: nothing is asked.",
                    host=self._name,
                ),
                phrase("It is asked again when the terminal is closed; raise MaxSessions in its sshd_config."),
            )
        if self._hangs:
            return Fault(
                FaultKind.SESSIONS_EXHAUSTED,
                phrase(
                    "{host} gives this connection no further channel, and a command hangs in the one there was.",
                    host=self._name,
                ),
                phrase(
                    "Raise MaxSessions in its sshd_config: then one file system that hangs does not hold up the rest."
                ),
            )
        return fault


async def open_on_pty(connection: Connection, command: str, term: TermRequest, window: int) -> Channel:
    """Open a terminal's channel on *connection*, whose lanes make room for it if need be. Raises HostFaultError."""
    pool = _pools.get(connection)
    if pool is None:
        return await connection.open(command, term=term, window=window)
    return await pool.open_on_pty(command, term, window)


async def _within(open_one: Callable[[], Coroutine[Any, Any, Channel]], seconds: float | None) -> Channel | None:
    """The channel; None when the host gives none in that time (None: as long as the connection waits)."""
    try:
        async with asyncio.timeout(seconds):
            return await open_one()
    except TimeoutError:
        return None
    except HostFaultError as error:
        if error.fault.kind is not FaultKind.SESSIONS_EXHAUSTED:
            raise
        return None


def _no_room(name: str) -> Fault:
    return Fault(
        FaultKind.SESSIONS_EXHAUSTED,
        phrase("{host} gives this connection no further channel; terminals use those that it has.", host=name),
        phrase("Close a terminal on this host, or raise MaxSessions in its sshd_config."),
    )
