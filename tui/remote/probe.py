"""What services ask of one connected host: each answer as parts of its snapshot.

What may block in the kernel has a lane of its own (file systems, GPU drivers, the inventory); a lane
that hangs is given up at its limit, and what hung is not started again while its process lives on the
host. A part that cannot be renewed keeps its old value and carries the fault.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace
from tui.domain.disktable import DiskTable
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import History
from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.domain.snapshot import Part
from tui.ports import Clock, Connection
from tui.remote.confirming import Confirming
from tui.remote.disk import ask_disk
from tui.remote.gpus import GpuAnswer, join_sessions, parse_gpus
from tui.remote.history import ask_history
from tui.remote.kept import KeptPass
from tui.remote.lane import Lane, NotAskedError, ShellProcess
from tui.remote.lane_pool import MAIN, LanePool
from tui.remote.probe_faults import gpu_hang, no_mountinfo, no_sense, scan_hang, too_busy
from tui.remote.probe_mounts import measure
from tui.remote.probe_status import StatusSoFar
from tui.remote.probe_types import HANGS, InventoryReader, OnPartial, Parts, ProbeMemory, Reading
from tui.remote.scripts import script
from tui.remote.status import StatusAnswer, parse_status
from tui.remote.wire import WireError

__all__ = ["HostProbe", "InventoryReader", "OnPartial", "Parts", "ProbeMemory", "Reading"]

STATUS_LIMIT_S = 15.0
MOUNTS_LIMIT_S = 5.0
GPU_LIMIT_S = 5.0
STAMP_LIMIT_S = 5.0
STAMP_EVERY_S = 10.0
DISK_LIMIT_S = 4 * 3600.0
"""Far beyond any disk that gets on; one that does not is given up long before."""
GPU_PAUSE_FIRST_S = 60.0
GPU_PAUSE_LONGEST_S = 1800.0
MOST_READINGS = 3
"""So often is the inventory read when a place hangs that is left out the next time."""
MOST_TURNS = 4
"""So often is a question put that others' broke the way for."""

T = TypeVar("T")


class HostProbe:
    """Asks one connected host. Different questions may be under way at once, the same one never twice."""

    def __init__(
        self,
        connection: Connection,
        spec: HostSpec,
        clock: Clock,
        *,
        command_limit: float,
        interner: PackageInterner,
        protect: tuple[str, ...],
        memory: ProbeMemory | None = None,
        inventory: InventoryReader | None = None,
        gpu_limit: float = GPU_LIMIT_S,
        mounts_limit: float = MOUNTS_LIMIT_S,
    ) -> None:
        self._connection = connection
        self._host = spec.name
        self._clock = clock
        self._limit = command_limit
        self._gpu_limit = min(gpu_limit, command_limit)
        self._mounts_limit = min(mounts_limit, command_limit)
        self._memory = memory if memory is not None else ProbeMemory()
        self._inventory = inventory if inventory is not None else _inventory(spec, protect, interner, clock)
        self._confirming = Confirming(connection, self._inventory, spec.name, command_limit)
        self._pool = LanePool(connection, spec.name, command_limit, sudo=spec.sudo)
        self._status = StatusSoFar(spec.name, clock, self._memory)
        self._stamp_at: float | None = None
        self._stamp_task: asyncio.Task[None] | None = None
        self._due = False
        self._questions: Counter[str] = Counter()
        self._first_status = asyncio.Lock()

    async def status(self) -> Reading:
        """machine, load and sessions. Raises HostFaultError when the host's shell is unusable."""
        async with self._first_status:
            try:
                answer = await self._ask_status()
            except NotAskedError:
                # Questions take turns on this host, and a long one is under way: what is known grows older.
                return Reading({})
            except HostFaultError as error:
                if error.fault.kind is FaultKind.SESSIONS_EXHAUSTED and self._pool.terminals:
                    return self._failed(("load", "sessions"), error.fault)
                if error.fault.kind is not FaultKind.TOOL_HUNG or self._status.environ_off:
                    raise
                self._status.environ_off = True
                return self._failed(("load", "sessions"), error.fault)
            parts = self._status.take(answer)
        self._begin_stamp()
        # Not right after the inventory: who wants that alone is gone by now, and conda is not started for nothing.
        if not self._pool.scarce:
            self._confirming.begin()
        return self._reading(parts)

    async def mounts(self) -> Reading:
        """mounts. Each one that hangs carries its own fault; the part names the first."""
        if self._status.plan is None:
            await self.status()
        plan = self._status.plan
        if plan is None and not self._status.known:
            return self._failed(("mounts",), too_busy(self._host))
        if plan is None:
            return self._failed(("mounts",), no_mountinfo(self._host))
        memory, limit, give_up = self._memory, self._mounts_limit, self._pool.give_up
        try:
            mounts = await self._put("mounts", lambda lane: measure(lane, plan, memory, self._host, limit, give_up))
        except HostFaultError as error:
            return self._no_turn(("mounts",), error)
        hung = (mount.fault for mount in mounts if mount.fault and mount.fault.kind is FaultKind.TOOL_HUNG)
        return self._reading({"mounts": Part(mounts, self._clock.now(), next(hung, None))})

    async def gpus(self, force: bool = False) -> Reading:
        """gpus. A driver that hung is left in peace for 1 to 30 minutes, unless *force* (a person asks)."""
        memory = self._memory
        fault = memory.gpu_fault
        if fault is not None and not force and fault.retry_at is not None and self._clock.now() < fault.retry_at:
            return self._failed(("gpus",), fault)
        if memory.hung_gpus is not None and await self._lives(memory.hung_gpus):
            return self._failed(("gpus",), self._gpu_hang())
        memory.hung_gpus = None
        known = next(iter(memory.cuda)) if len(memory.cuda) == 1 else ""

        async def ask(lane: Lane) -> GpuAnswer | None:
            try:
                body = await lane.ask(script("gpus"), (known,), timeout=self._gpu_limit)
            except NotAskedError:
                raise
            except HostFaultError as error:
                if error.fault.kind not in HANGS:
                    raise
                memory.hung_gpus = self._pool.give_up(lane)
                return None
            except asyncio.CancelledError:
                memory.hung_gpus = self._pool.give_up(lane)
                raise
            return parse_gpus(body, self._host, memory.cuda)

        try:
            answer = await self._put("gpus", ask)
        except HostFaultError as error:
            return self._no_turn(("gpus",), error)
        if answer is None:
            return self._failed(("gpus",), self._gpu_hang())
        memory.gpu_hangs = 0
        memory.gpu_fault = None
        memory.cuda = dict(answer.cuda)
        if answer.gpus is None:
            assert answer.fault is not None
            return self._failed(("gpus",), answer.fault)
        gpus = join_sessions(answer.gpus, answer.tmux, self._status.listed or ())
        return self._reading({"gpus": Part(gpus, self._clock.now(), answer.fault)})

    async def inventory(self, on_partial: OnPartial | None = None) -> Reading:
        """installs and environments; *on_partial* gets them while they grow."""
        names = ("installs", "environments")
        if self._status.boot is None and not self._first_status.locked():
            await self.status()
        hung = self._memory.hung_inventory
        if hung is not None and await self._lives(hung):
            return self._failed(names, scan_hang(self._host, hung.pid))
        self._memory.hung_inventory = None
        machine = self._value("machine")
        plan = self._status.plan
        mounts = self._value("mounts") or (plan.local + plan.remote if plan else None)

        async def read(lane: Lane) -> Parts | Fault:
            try:
                return await self._inventory.read(lane, machine, mounts, on_partial)
            except NotAskedError:
                raise
            except HostFaultError as error:
                if error.fault.kind not in HANGS:
                    raise
                self._memory.hung_inventory = self._pool.give_up(lane)
                return error.fault
            except asyncio.CancelledError:
                # Whoever asked has no more patience: what still runs there is not joined by a second one.
                self._memory.hung_inventory = self._pool.give_up(lane)
                raise

        parts: Parts | Fault | None = None
        for _ in range(MOST_READINGS):
            try:
                parts = await self._put("inventory", read)
            except HostFaultError as error:
                if isinstance(parts, Mapping):
                    break  # what the reading before brought stands
                # Under load a shell may take longer to begin than a command to answer: once more, then.
                if error.fault.kind is FaultKind.TIMEOUT and not isinstance(error, NotAskedError):
                    parts = error.fault
                    continue
                return self._no_turn(names, error)
            if isinstance(parts, Fault) or not self._inventory.cut_short:
                break
        if parts is None or isinstance(parts, Fault):
            assert parts is not None
            return self._failed(names, parts)
        self._memory.stamp = None
        self._due = False
        self._stamp_at = None
        return self._reading(self._with_root_fault(parts))

    async def search(self, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        """The prefixes below *path*; later inventories look there too. Raises HostFaultError."""
        lane = await self._pool.lane("search")
        try:
            return await self._inventory.search(lane, path, progress)
        finally:
            self._pool.leave("search", lane)

    async def history(self, prefix: str) -> History:
        """What was asked of conda for the environment at *prefix*. Raises HostFaultError, see :func:`ask_history`."""

        async def ask(lane: Lane) -> History:
            try:
                return await ask_history(lane, prefix, self._host, timeout=self._limit)
            finally:
                self._pool.leave("history", lane)

        return await self._put("history", ask)

    async def put_question(self, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        """Put *question* over the lane for *kind*, which is closed afterwards unless it is to be kept.

        Raises HostFaultError, ``protocol`` for an answer that makes no sense. A question whose lane another one broke
        before is put again: what it does must bear that. Of several at once the last one closes the lane.
        """

        async def ask(lane: Lane) -> T:
            try:
                return await question(lane)
            finally:
                if keep or self._questions[kind] > 1:
                    self._pool.give_up(lane)
                else:
                    self._pool.leave(kind, lane)

        self._questions[kind] += 1
        try:
            return await self._put(kind, ask)
        finally:
            self._questions[kind] -= 1

    async def disk(
        self,
        places: Sequence[DiskPlace],
        progress: Callable[[int], None] | None = None,
        users: UsersSeen | None = None,
        kept: KeptPass | None = None,
    ) -> DiskTable:
        """The disk table of *places*. Raises HostFaultError, see :func:`ask_disk`.

        *users*: None where nothing is known of who else uses the caches: no package counts as unused then.
        Cancelled, the count on the host ends within about a second, unless it is *kept*.
        """
        seen, limit = users or UsersSeen.nobody(), DISK_LIMIT_S

        async def ask(lane: Lane) -> DiskTable:
            try:
                return await ask_disk(lane, places, self._host, timeout=limit, users=seen, progress=progress, kept=kept)
            finally:
                self._pool.leave("disk", lane)

        return await self._put("disk", ask)

    async def close(self) -> None:
        """Give all shells up, at once."""
        await self._confirming.close()
        if self._stamp_task is not None:
            self._stamp_task.cancel()
            await asyncio.gather(self._stamp_task, return_exceptions=True)
        self._pool.close()

    # -- lanes

    @asynccontextmanager
    async def _lane(self, kind: str) -> AsyncGenerator[Lane, None]:
        """The lane for *kind*; an answer that makes no sense closes it and is a fault."""
        lane = await self._pool.lane(kind)
        try:
            yield lane
        except WireError as error:
            lane.close()
            raise HostFaultError(no_sense(self._host, error)) from error

    async def _put(self, kind: str, question: Callable[[Lane], Awaitable[T]]) -> T:
        """Put a question over the lane for *kind*; again, when another's question broke that lane before."""
        for _ in range(MOST_TURNS):
            async with self._lane(kind) as lane:
                try:
                    return await question(lane)
                except NotAskedError as error:
                    last = error
                    if lane.usable:  # in order, and busy all the time
                        break
        raise last

    def _no_turn(self, names: tuple[str, ...], error: HostFaultError) -> Reading:
        """What came of a question that found no lane. Raises *error* when the connection is of no use any more."""
        kind = error.fault.kind
        if (
            isinstance(error, NotAskedError)
            or kind in HANGS
            or (kind is FaultKind.SESSIONS_EXHAUSTED and self._pool.terminals)
        ):
            return self._failed(names, error.fault)
        raise error

    async def _lives(self, process: ShellProcess) -> bool:
        return await self._put(MAIN, lambda lane: lane.lives(process, timeout=min(STATUS_LIMIT_S, self._limit)))

    # -- status

    async def _ask_status(self) -> StatusAnswer:
        args = self._status.arguments()
        worked = self._pool.own(MAIN) is not None
        limit = min(STATUS_LIMIT_S, self._limit)

        async def ask(lane: Lane) -> StatusAnswer:
            try:
                body = await lane.ask(script("status"), args, timeout=limit, turn=limit)
            except HostFaultError:
                self._pool.give_up(lane)
                raise
            return parse_status(body, self._clock.now())

        try:
            return await self._put(MAIN, ask)
        except NotAskedError:
            raise
        except HostFaultError as error:
            if error.fault.kind is not FaultKind.SHELL_BROKEN or not worked:
                raise
            # A shell that answered before was ended (by a person, by lack of memory): once more, with a new one.
            return await self._ask_status()

    # -- GPUs

    def _gpu_hang(self) -> Fault:
        memory = self._memory
        pause = min(GPU_PAUSE_LONGEST_S, GPU_PAUSE_FIRST_S * 2.0 ** min(memory.gpu_hangs, 10))
        memory.gpu_hangs += 1
        memory.gpu_fault = gpu_hang(self._host, self._gpu_limit, self._clock.now() + pause)
        return memory.gpu_fault

    # -- the inventory's stamp

    def _begin_stamp(self) -> None:
        lane = self._pool.own("inventory")
        now = self._clock.monotonic()
        if (
            (lane is not None and (lane.busy or not lane.usable))
            or self._memory.hung_inventory is not None
            or (self._stamp_at is not None and now - self._stamp_at < STAMP_EVERY_S)
            or (self._stamp_task is not None and not self._stamp_task.done())
        ):
            return
        paths = self._inventory.stamp_paths()
        if paths:
            self._stamp_at = now
            self._stamp_task = asyncio.create_task(self._ask_stamp(paths))

    async def _ask_stamp(self, paths: tuple[str, ...]) -> None:
        """In the background: places may lie on a mount that hangs, and the status does not wait for it."""
        try:
            lane = await self._pool.lane("inventory")
        except HostFaultError:
            return
        try:
            stamp = await lane.ask(script("stamp"), timeout=min(STAMP_LIMIT_S, self._limit), sticky=paths)
        except NotAskedError:
            return
        except HostFaultError as error:
            if error.fault.kind is FaultKind.TOOL_HUNG:
                self._memory.hung_inventory = self._pool.give_up(lane)
            return
        if self._memory.stamp is None:
            self._memory.stamp = stamp
        elif stamp != self._memory.stamp:
            self._due = True

    # -- parts

    def _with_root_fault(self, parts: Parts) -> Parts:
        """That root was not to be had: for want of it places cannot be read; anything else that is said is worse."""
        fault = self._pool.root_fault
        if fault is None:
            return parts
        found = dict(parts)
        for name, part in parts.items():
            denied = part.fault is not None and part.fault.kind is FaultKind.PERMISSION
            if denied or (part.fault is None and name == "environments"):
                found[name] = replace(part, fault=fault)
        return found

    def _old(self, name: str) -> Part[Any]:
        return self._memory.old(name)

    def _value(self, name: str) -> Any:
        return self._old(name).value

    def _reading(self, parts: Parts) -> Reading:
        self._memory.parts.update(parts)
        return Reading(parts, self._due or self._inventory.due)

    def _failed(self, names: tuple[str, ...], fault: Fault) -> Reading:
        return self._reading({name: self._old(name).failed(fault) for name in names})


def _inventory(spec: HostSpec, protect: tuple[str, ...], interner: PackageInterner, clock: Clock) -> InventoryReader:
    from tui.remote.inventory import Inventory

    return Inventory(spec.name, spec.search, protect, interner, clock)
