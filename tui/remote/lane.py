"""A lane: one resident ``sh`` on a host that answers one question after another.

The shell is started by a constant command (it means the same to sh, csh and fish), so that a heavy
or noisy start-up file is paid for once. A script is sent once, as a function; later questions send
its name and arguments alone. Each answer stands between markers with a nonce of its own: what start-up
files print, what comes late and what a hostile host makes up is dropped, within limits.

Whatever may block in the kernel gets a lane of its own, which can be given up without harm::

    lane = await Lane.open(connection, timeout=10, name="gpu01")
    body = await lane.ask(script("status"), ["x"], timeout=5)
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase, worded
from tui.ports import Connection
from tui.remote.lane_calls import Calls
from tui.remote.lane_frames import FrameError, FrameReader, Inflater, RecordReader
from tui.remote.lane_pipe import Pipe, broken, late, silent
from tui.remote.scripts import script as packaged
from tui.remote.turns import next_slice, slice_over
from tui.remote.wire import Record, WireError

__all__ = ["OPEN_COMMAND", "Lane", "NotAskedError", "ShellProcess"]

OPEN_COMMAND = "exec /bin/sh"
NOISE_LIMIT = 1 << 20
BODY_LIMIT = 4 << 20
RECORD_LIMIT = 4 << 20
MOST_RECORDS = 1_000_000
DRAIN_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class ShellProcess:
    """A process on the host that cannot be mistaken for a later one with the same number."""

    pid: int
    start: str
    """Clock ticks since the boot, as in ``/proc/PID/stat``; ``-`` where there is no /proc."""


class NotAskedError(HostFaultError):
    """The question was not put: the lane's turn did not come, or somebody else's question broke the lane."""


class Lane:
    """One resident shell. One question at a time; further callers wait their turn.

    After a question that was given up (its time ran out, or the caller was cancelled) the lane is
    :attr:`hung` and refuses questions until that answer's end has arrived after all.
    """

    def __init__(self, pipe: Pipe, name: str) -> None:
        self._pipe = pipe
        self._name = name
        self._lock = asyncio.Lock()
        self._calls = Calls()
        self._drain: asyncio.Task[None] | None = None
        self._greeting: FrameReader | None = None
        self._closed = False
        self.has_gzip = False
        self.process: ShellProcess | None = None
        """Who the shell is, so that another lane can ask whether it :meth:`lives`."""
        self.last_status: int | None = None
        """The exit status of the last script that ended."""

    @classmethod
    async def open(
        cls, connection: Connection, *, timeout: float, name: str = "the host", command: str = OPEN_COMMAND
    ) -> Lane:
        """Start a shell on *connection* and wait until it answers.

        *name* is the host's, for messages; *command* is what starts the shell, a constant. Raises HostFaultError:
        ``sessions_exhausted``, ``lost``, ``timeout``, ``shell_broken`` (it ended, or is no shell), ``protocol``.
        """
        lane = await cls.begin(connection, timeout=timeout, name=name, command=command)
        await lane.meet(timeout)
        return lane

    @classmethod
    async def begin(
        cls,
        connection: Connection,
        *,
        timeout: float,
        name: str = "the host",
        command: str = OPEN_COMMAND,
        control: bool = False,
    ) -> Lane:
        """As :meth:`open`, without waiting for the shell: the first question saves a round trip.

        *control*: it may take the place that the connection keeps for control requests.
        What is wrong with the shell is then raised by that question; until it is answered,
        :attr:`process` is None and nothing is compressed.
        """
        try:
            async with asyncio.timeout(timeout):
                channel = await connection.open(command, control=control)
        except TimeoutError:
            raise HostFaultError(silent(name, timeout)) from None
        lane = cls(Pipe(channel, name), name)
        nonce = secrets.token_hex(8).encode()
        lane._greeting = FrameReader(nonce, NOISE_LIMIT)
        await lane._send(packaged("lane") + b"R " + nonce + b" S\n", timeout)
        return lane

    async def meet(self, timeout: float) -> None:
        """Wait until the shell has said who it is; closed when it does not. Raises as :meth:`open`."""
        try:
            async with self._lock:
                await self._meet(asyncio.get_running_loop().time() + timeout)
        except TimeoutError:
            self.close()
            raise HostFaultError(silent(self._name, timeout)) from None
        except BaseException:
            self.close()
            raise

    async def end(self, turn: float, within: float) -> bool:
        """Let the shell end by itself, so that the host has its place free again; False when it cannot be.

        *turn*: seconds to wait for a question under way; *within*: seconds until the shell is closed all the same.
        """
        try:
            async with asyncio.timeout(turn):
                await self._lock.acquire()
        except TimeoutError:
            return False
        try:
            if not self.usable:
                return False
            self._closed = True
            async with asyncio.timeout(within):
                await self._pipe.finish()
        except TimeoutError:
            pass
        finally:
            self._lock.release()
            if self._closed:
                self.close()
        return True

    @property
    def hung(self) -> bool:
        """True from a question that was given up until its answer's end arrives."""
        return self._drain is not None

    @property
    def closed(self) -> bool:
        """True when the lane can never be asked again."""
        return self._closed

    @property
    def usable(self) -> bool:
        """True when a question can be put now (or after the one under way)."""
        return not self._closed and self._drain is None

    @property
    def pid(self) -> int | None:
        """The shell's process id on the host."""
        return self.process.pid if self.process else None

    def stderr_tail(self) -> bytes:
        """The last of what scripts said on stderr: untrusted, for messages and the log."""
        return self._pipe.stderr_tail()

    def close(self) -> None:
        """Give the shell up at once. Safe to call twice."""
        self._closed = True
        if self._drain is not None:
            self._drain.cancel()
            self._drain = None
        self._pipe.close()

    async def ask(
        self,
        script: bytes,
        args: Sequence[str | bytes] = (),
        *,
        timeout: float,
        limit: int = BODY_LIMIT,
        compress: bool = False,
        sticky: Sequence[str | bytes] = (),
        turn: float | None = None,
    ) -> bytes:
        """Run *script* (a constant of the program) with *args* as ``$1 …``; what it printed on stdout.

        The script runs in a subshell with empty standard input: variables, functions and ``exit`` stay
        inside it. Its exit status is :attr:`last_status`. *timeout* is in seconds for the whole answer,
        *limit* in bytes, unpacked. *compress* uses gzip where the host has it. *sticky* are further arguments,
        after *args*, that the shell keeps: they travel only when they changed. *turn*: seconds to wait for others'
        questions, beside *timeout*; None: as long as it takes.

        Raises NotAskedError when nothing was asked, and HostFaultError: ``timeout`` (nothing came) or ``tool_hung``
        (it began and did not end), both leave the lane :attr:`hung`; ``too_large``, ``protocol``, ``shell_broken``,
        ``lost`` close it.
        """
        out = bytearray()
        async with aclosing(self._bodies(script, args, timeout, None, limit, compress, sticky, turn)) as bodies:
            async for body in bodies:
                out += body
        # What the caller does with it is work, too.
        if slice_over():
            await next_slice()
        return bytes(out)

    async def stream(
        self,
        script: bytes,
        args: Sequence[str | bytes] = (),
        *,
        timeout: float,
        idle: float | None = None,
        limit: int = 256 << 20,
        compress: bool = False,
    ) -> AsyncGenerator[Record, None]:
        """The records of the answer as they come; at most 4 MiB of unfinished record is held.

        *idle*: the longest silence in seconds that is borne. Raises as :meth:`ask`. Use it within
        ``contextlib.aclosing``: left early, the lane is hung until the script has ended.
        """
        reader = RecordReader(RECORD_LIMIT)
        count = 0
        async with aclosing(self._bodies(script, args, timeout, idle, limit, compress)) as bodies:
            async for body in bodies:
                try:
                    for record in reader.feed(body):
                        count += 1
                        # Before the work, the caller's too: the answers of many hosts come in one round of the loop.
                        if slice_over():
                            await next_slice()
                        yield record
                    # Tiny ones cost far more time than their bytes say.
                    if count > MOST_RECORDS:
                        raise FrameError(phrase("sent more than {n} records", n=MOST_RECORDS))
                except WireError as error:
                    raise self._broken(
                        FaultKind.PROTOCOL, phrase("sent an answer that makes no sense: {reason}.", reason=str(error))
                    ) from error
                except FrameError as error:
                    raise self._broken(FaultKind.TOO_LARGE, phrase("{sentence}.", sentence=worded(error))) from error

    @property
    def busy(self) -> bool:
        """True while a question is under way."""
        return self._lock.locked()

    async def lives(self, process: ShellProcess, *, timeout: float) -> bool:
        """True while *process* is still there on the host."""
        return await self._ask_known(b"A", (str(process.pid), process.start), timeout) == b"yes"

    async def _ask_known(self, function: bytes, args: Sequence[str], timeout: float) -> bytes:
        out = bytearray()
        async with self._lock:
            self._check_usable()
            call = Calls.known(function, args)
            async with aclosing(self._exchange(call, timeout, None, NOISE_LIMIT, False)) as bodies:
                async for body in bodies:
                    out += body
        return bytes(out)

    async def _meet(self, deadline: float) -> None:
        """Read who the shell is, if that was not done yet. Raises TimeoutError at *deadline* (loop time)."""
        frame = self._greeting
        if frame is None:
            return
        out = b""
        try:
            while not frame.whole() and len(out) < 1000:
                out += frame.feed(await self._pipe.read(deadline))
        except FrameError as error:
            raise self._broken(FaultKind.PROTOCOL, phrase("{sentence}.", sentence=worded(error))) from error
        self._greeting = None
        self._pipe.put_back(frame.rest)
        pid, _, rest = out.partition(b" ")
        start, _, gzip = rest.partition(b" ")
        if not pid.isdigit() or len(pid) > 12 or len(start) > 24:
            raise self._broken(FaultKind.PROTOCOL, phrase("did not answer like a POSIX shell."))
        self.process = ShellProcess(int(pid), start.decode("ascii", "replace"))
        self.has_gzip = gzip == b"gzip"

    async def _bodies(
        self,
        script: bytes,
        args: Sequence[str | bytes],
        timeout: float,
        idle: float | None,
        limit: int,
        compress: bool,
        sticky: Sequence[str | bytes] = (),
        turn: float | None = None,
    ) -> AsyncGenerator[bytes, None]:
        try:
            async with asyncio.timeout(turn):
                await self._lock.acquire()
        except TimeoutError:
            fault = Fault(
                FaultKind.TIMEOUT,
                phrase("The shell on {host} was busy for {seconds} s.", host=self._name, seconds=f"{turn:g}"),
                "",
            )
            raise NotAskedError(fault) from None
        try:
            self._check_usable()
            compress = compress and self.has_gzip
            call = self._calls.call(script, args, sticky, compress=compress)
            async with aclosing(self._exchange(call, timeout, idle, limit, compress)) as bodies:
                async for body in bodies:
                    yield body
        finally:
            self._lock.release()

    def _check_usable(self) -> None:
        if self._closed:
            raise NotAskedError(
                Fault(FaultKind.SHELL_BROKEN, phrase("The shell on {host} is closed.", host=self._name), "")
            )
        if self._drain is not None:
            raise NotAskedError(
                Fault(
                    FaultKind.TOOL_HUNG,
                    phrase("An earlier command on {host} still hangs.", host=self._name),
                    phrase("It is waited for."),
                )
            )

    async def _exchange(
        self, call: tuple[bytes, bytes], timeout: float, idle: float | None, limit: int, compressed: bool
    ) -> AsyncGenerator[bytes, None]:
        """Send *call*, the words before and after the nonce, and yield the body's bytes; the lock is held."""
        loop = asyncio.get_running_loop()
        nonce = secrets.token_hex(8).encode()
        frame = FrameReader(nonce, NOISE_LIMIT)
        inflater = Inflater() if compressed else None
        deadline = loop.time() + timeout
        answered = False
        try:
            await self._send(nonce.join(call), timeout)
            await self._meet(deadline)
            raw = 0
            size = 0
            data = b""
            while not frame.whole():
                wait = deadline if idle is None else min(deadline, loop.time() + idle)
                data = await self._pipe.read(wait)
                body = frame.feed(data)
                raw += len(body)
                if not body:
                    continue
                if slice_over():
                    await next_slice()
                for part in inflater.feed(body) if inflater else (body,):
                    size += len(part)
                    if max(size, raw) > limit:
                        raise self._broken(
                            FaultKind.TOO_LARGE, phrase("answered with more than {limit} bytes.", limit=limit)
                        )
                    if frame.whole():
                        answered = True
                    yield part
                    if inflater and slice_over():
                        await next_slice()
            answered = True
            self.last_status = frame.status
            self._pipe.put_back(frame.rest)
            if inflater and not inflater.whole:
                raise self._broken(FaultKind.PROTOCOL, phrase("sent a compressed answer that ends too early."))
        except FrameError as error:
            answered = True
            raise self._broken(FaultKind.PROTOCOL, phrase("{sentence}.", sentence=worded(error))) from error
        except TimeoutError:
            limits = timeout if idle is None else min(timeout, idle)
            raise HostFaultError((late if frame.begun else silent)(self._name, limits)) from None
        except HostFaultError:
            self.close()
            raise
        finally:
            if not answered and not self._closed:
                self._drain = asyncio.create_task(self._discard(frame))

    async def _send(self, data: bytes, timeout: float) -> None:
        try:
            await self._pipe.send(data, timeout)
        except BaseException:
            # Half a line may have been taken: whatever were sent next would be read as its end.
            self.close()
            raise

    async def _discard(self, frame: FrameReader) -> None:
        """Read on until the end of an answer that nobody wants any more."""
        left = DRAIN_LIMIT
        self._greeting = None
        try:
            while not frame.whole() and left > 0:
                data = await self._pipe.read(None)
                left -= len(data)
                frame.feed(data)
            whole = frame.whole()
        except (HostFaultError, FrameError):
            whole = False
        self._drain = None
        if not whole:
            self.close()

    def _broken(self, kind: FaultKind, what: str) -> HostFaultError:
        self.close()
        return HostFaultError(broken(self._name, kind, what))
