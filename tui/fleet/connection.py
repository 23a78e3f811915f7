"""One SSH connection to a host, bounded in its channels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import asyncssh

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.fleet.channels import Places, SshChannel
from tui.fleet.dial import Wire
from tui.fleet.faults import clean, lost_fault
from tui.ports import Channel, ConnectionFacts, TermRequest

__all__ = ["SshConnection"]

_WINDOW = 1 << 20
_CLOSE_S = 1.0


class SshConnection:
    """The connection port over SSH; also the tunnel for hosts behind it.

    *limit* bounds the opening of a channel and the wait for a place, in seconds each. *release* is called
    once, when the connection is gone.
    """

    def __init__(
        self, wire: Wire, name: str, facts: ConnectionFacts, limit: float, release: Callable[[], None]
    ) -> None:
        self._wire = wire
        self._name = name
        self._facts = facts
        self._limit = limit
        self._release: Callable[[], None] | None = release
        self._places = Places()
        self._closing = False
        self._fault: Fault | None = None
        self._gone = asyncio.Event()
        self._late: set[asyncio.Future[Any]] = set()
        self.why_lost: Callable[[], Fault | None] = lambda: None
        """A better reason than ours, such as that of the jump host."""
        wire.login.on_lost = self._on_lost

    def start(self) -> None:
        """To be called once, when *release* may be: the connection may have died at birth."""
        if self._wire.is_closed():
            self._on_lost(None)

    @property
    def facts(self) -> ConnectionFacts:
        """How the host was reached."""
        return self._facts

    @property
    def name(self) -> str:
        """The host's name in the fleet."""
        return self._name

    @property
    def is_gone(self) -> bool:
        """True once it is closed or lost."""
        return self._gone.is_set()

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        """Start *command*; see the port."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limit
        while True:
            await self._enter(control, until)
            leave = _Once(self._places.leave)
            try:
                return await self._open(command, term, window or _WINDOW, leave)
            except _NoMoreSessionsError as error:
                self._places.shrink()
                leave()
                # Somebody else's channel will end: wait for that. With none open there is nothing to wait for.
                if self._places.used == 0 or loop.time() >= until:
                    raise HostFaultError(self._exhausted(clean(str(error)))) from error

    async def _enter(self, control: bool, until: float) -> None:
        self._check()
        if self._places.take(control):
            return
        waiting = asyncio.ensure_future(self._places.enter(control))
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            left = max(0.0, until - asyncio.get_running_loop().time())
            await asyncio.wait((waiting, gone), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                waiting.result()
                try:
                    self._check()
                except HostFaultError:
                    self._places.leave()
                    raise
                return
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._places.leave()
            raise
        finally:
            gone.cancel()
            waiting.cancel()
        self._check()
        raise HostFaultError(self._exhausted("all its channels stayed busy"))

    async def _open(self, command: str, term: TermRequest | None, window: int, leave: _Once) -> Channel:
        session = SshChannel(self._name, window, leave, self._dying, self._reason)
        opening: asyncio.Future[Any]
        if term is None:
            opening = asyncio.ensure_future(
                self._wire.start(session, command, window, lambda: session.refuse(self._refused()))
            )
        else:
            opening = asyncio.ensure_future(
                self._wire.create_session(
                    lambda: session,
                    command,
                    encoding=None,
                    window=window,
                    max_pktsize=min(window, 32768),
                    request_pty="force",
                    term_type=term.term,
                    term_size=(term.columns, term.rows),
                )
            )
        try:
            async with asyncio.timeout(self._limit):
                await asyncio.shield(opening)
        except TimeoutError:
            self._give_up(opening, session, leave)
            message = phrase(
                "{host} did not start a program within {seconds} s.", host=self._name, seconds=f"{self._limit:g}"
            )
            raise HostFaultError(
                Fault(FaultKind.TIMEOUT, message, phrase("The host may be overloaded, or its login shell may hang."))
            ) from None
        except asyncio.CancelledError:
            self._give_up(opening, session, leave)
            raise
        except asyncssh.ChannelOpenError as error:
            raise self._open_error(error, leave) from error
        except (asyncssh.Error, OSError) as error:
            leave()
            self._check()
            raise HostFaultError(lost_fault(self._name, error)) from error
        self._wire.in_use()
        return session

    def _give_up(self, opening: asyncio.Future[Any], session: SshChannel, leave: _Once) -> None:
        # The host may still open it: its place is taken until then, and it is closed at once.
        def done(task: asyncio.Future[Any]) -> None:
            self._late.discard(task)
            if task.cancelled() or task.exception() is not None:
                leave()
            else:
                session.close()

        self._late.add(opening)
        opening.add_done_callback(done)

    def _open_error(self, error: asyncssh.ChannelOpenError, leave: _Once) -> Exception:
        if self._gone.is_set() or self._wire.is_closed():
            leave()
            return HostFaultError(self._reason())
        if error.code == asyncssh.OPEN_REQUEST_PTY_FAILED:
            return HostFaultError(
                Fault(FaultKind.PERMISSION, phrase("{host} gives this account no terminal.", host=self._name),
                      phrase("See PermitTTY in its sshd_config and `no-pty` in authorized_keys."))
            )  # fmt: skip
        if error.code == asyncssh.OPEN_REQUEST_SESSION_FAILED:
            return HostFaultError(self._refused())
        if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            leave()
            return HostFaultError(
                Fault(
                    FaultKind.PERMISSION,
                    phrase(
                        "{host} lets this account start no program: {reason}.",
                        host=self._name,
                        reason=clean(error.reason),
                    ),
                    phrase("See MaxSessions and ForceCommand in its sshd_config."),
                )
            )
        return _NoMoreSessionsError(error.reason)

    def _refused(self) -> Fault:
        return Fault(
            FaultKind.SHELL_BROKEN,
            phrase("{host} refused to start a program for this account.", host=self._name),
            phrase("See the account's shell and ForceCommand in its sshd_config."),
        )

    def _exhausted(self, reason: str) -> Fault:
        message = phrase("{host} gives this connection no further session ({reason}).", host=self._name, reason=reason)
        return Fault(FaultKind.SESSIONS_EXHAUSTED, message,
                     phrase("Close a terminal on this host, or raise MaxSessions in its sshd_config."))  # fmt: skip

    async def closed(self) -> Fault | None:
        """Wait until it is gone; see the port."""
        await self._gone.wait()
        return self._fault

    async def close(self) -> None:
        """End it and all its channels, within a second."""
        self._closing = True
        if not self._gone.is_set():
            self._wire.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self._wire.wait_closed()
            if not self._gone.is_set():
                self._wire.abort()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CLOSE_S):
                        await self._wire.wait_closed()
        self._on_lost(None)

    async def forward(self, factory: Callable[[], Wire], host: str, port: int) -> Wire:
        """Open a way through this host to another. Raises ChannelOpenError. Cancelling leaves nothing open."""
        self._check()
        opening: asyncio.Future[Any] = asyncio.ensure_future(
            self._wire.create_connection(cast(Any, factory), host, port, encoding=None)
        )
        try:
            _, wire = await asyncio.shield(opening)
        except asyncio.CancelledError:

            def done(task: asyncio.Future[Any]) -> None:
                self._late.discard(task)
                if not task.cancelled() and task.exception() is None:
                    task.result()[0].abort()

            self._late.add(opening)
            opening.add_done_callback(done)
            raise
        return cast(Wire, wire)

    def _dying(self) -> bool:
        return self._closing or self._gone.is_set() or self._wire.is_closed()

    def _check(self) -> None:
        if self._gone.is_set() or self._closing:
            raise HostFaultError(self._reason())

    def _reason(self) -> Fault:
        better = self.why_lost()
        if better is not None:
            return better
        if self._fault is not None:
            return self._fault
        if self._closing:
            return Fault(
                FaultKind.LOST,
                phrase("The connection to {host} was closed.", host=self._name),
                phrase("Connect again."),
            )
        return lost_fault(self._name, None)

    def _on_lost(self, error: Exception | None) -> None:
        if self._gone.is_set():
            return
        if not self._closing:
            self._fault = self.why_lost() or lost_fault(self._name, error)
        self._gone.set()
        if self._release is not None:
            release, self._release = self._release, None
            release()


class _Once:
    """A callback that acts the first time only."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def __call__(self) -> None:
        if self._action is not None:
            action, self._action = self._action, None
            action()


class _NoMoreSessionsError(Exception):
    """The host refused a channel that it would have given to a connection with fewer."""
