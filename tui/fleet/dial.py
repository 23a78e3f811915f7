"""The handshake itself: the one place that touches the inside of the SSH library.

Against ``asyncssh.connect`` it saves a thread hop for each connection, two round trips where a key is likely
to be taken (no ``none`` request, no question before the signature), and the 40 ms for which a delayed
acknowledgement holds up a server that sends its first answers in small pieces (Nagle). What is sent in one turn of
the event loop goes out in one piece.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from typing import Any, Protocol, cast

import asyncssh
from asyncssh.auth import _ClientPublicKeyAuth  # the library has no public door to skip its question
from asyncssh.constants import MSG_IGNORE
from asyncssh.logging import SSHLogger
from asyncssh.packet import Boolean, SSHPacketLogger, String

from tui.fleet.login import Login

__all__ = ["Tunnel", "Wire", "dial"]

_logger = logging.getLogger("asyncssh")
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_LAST_WORDS_TURNS = 4


class Tunnel(Protocol):
    """A connection that passes others on."""

    async def forward(self, factory: Callable[[], Wire], host: str, port: int) -> Wire:
        """Open a way to *host* and run the protocol of *factory* over it."""


class _SignedAtOnce(_ClientPublicKeyAuth):
    """Public-key login that sends its signature without asking first whether the key would do."""

    async def _start(self) -> None:
        wire = cast(Wire, self._conn)
        pair = await wire.public_key_auth_requested()
        self._keypair = pair
        if pair is None:
            wire.ask_what_goes()
        elif pair.public_data == wire.first_key:
            await self._send_signed_request()
        else:
            await self.send_request(Boolean(False), String(pair.algorithm), String(pair.public_data))

    def auth_succeeded(self) -> None:
        cast(Wire, self._conn).guessed = False


class _WithSocket:
    """A transport's facts with the socket itself: uvloop makes a new object for each option that is set on its own."""

    def __init__(self, transport: asyncio.BaseTransport, sock: socket.socket) -> None:
        self._transport = transport
        self._sock = sock

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._sock if name == "socket" else self._transport.get_extra_info(name, default)


class _Quiet(SSHLogger):
    """The library's log where nobody reads it: it words each line before it looks whether somebody does."""

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        if level >= logging.WARNING:
            super().log(level, msg, *args, **kwargs)

    def get_child(self, child: str = "", context: str = "") -> _Quiet:
        return self

    def debug1(self, msg: str, *args: Any, **kwargs: object) -> None:
        return

    def debug2(self, msg: str, *args: Any, **kwargs: object) -> None:
        return


_quiet = _Quiet()


class _Program(asyncssh.SSHClientChannel[bytes]):
    """A channel for one program that is taken to run: what is written next does not wait until the host says so."""

    refused: Callable[[], None]

    async def _make_request(self, request: bytes, *args: bytes) -> bool | None:
        if request != b"exec" or self._send_chan is None:
            return await super()._make_request(request, *args)
        waiter = self._loop.create_future()
        waiter.add_done_callback(self._answered)
        self._request_waiters.append(waiter)
        self._send_request(request, *args, want_reply=True)
        return True

    def _answered(self, waiter: asyncio.Future[bool]) -> None:
        if not waiter.cancelled() and waiter.exception() is None and not waiter.result():
            self.refused()
            self.abort()


class Wire(asyncssh.SSHClientConnection):
    """A client connection that acknowledges promptly until it is in use."""

    login: Login
    first_key: bytes | None = None
    """The public key that the login begins with, signed at once; None: it begins by asking what the server takes."""
    guessed = False
    """True while that key is only likely to be taken."""
    received = b""
    """The beginning of what came before any greeting."""
    sock: socket.socket | None = None
    """Acknowledges at once; None when that has no sense (any more)."""
    _first = True
    _ending = False
    _unsent: list[bytes] | None = None

    # -- fewer and cheaper packets -------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if self._unsent is None:
            self._unsent = [data]
            self._loop.call_soon(self._flush)
        else:
            self._unsent.append(data)

    def _flush(self) -> None:
        if self._unsent is not None:
            unsent, self._unsent = self._unsent, None
            super()._send(b"".join(unsent))

    def _force_close(self, exc: Exception | None) -> None:
        self._flush()  # a farewell must not come after the end
        super()._force_close(exc)

    def send_packet(self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        # The library sends an empty message before each one, for the sake of CBC ciphers alone.
        if pkttype != MSG_IGNORE or self._enc_alg_cs.endswith(b"-cbc"):
            # *handler* only words the packet for the log.
            super().send_packet(pkttype, *args, handler=None if self._logger is _quiet else handler)

    def _log_packet(self, *args: Any) -> None:
        if self._logger is not _quiet:
            super()._log_packet(*args)

    # -- the login -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not _logger.isEnabledFor(logging.INFO):
            self._logger = _quiet
        if self.sock is None:
            super().connection_made(transport)
        else:
            super().connection_made(cast(asyncio.BaseTransport, _WithSocket(transport, self.sock)))
            self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None = None) -> None:
        # The library works on some packets in tasks of their own, which the end of the connection would overtake:
        # what the server said last (no common algorithm, too many attempts) is the reason, not that it went away.
        if not self._ending:
            self._ending = True
            self._end_after(_LAST_WORDS_TURNS, exc)

    def _end_after(self, turns: int, exc: Exception | None) -> None:
        if turns:
            self._loop.call_soon(self._end_after, turns - 1, exc)
        elif self._transport is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        if not self._server_version and len(self.received) < 80:
            self.received += data[:80]
        super().data_received(data, datatype)
        # What goes out in this turn acknowledges by itself.
        if self.sock is not None and self._unsent is None:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.IPPROTO_TCP, cast(int, _QUICKACK), 1)

    async def start(
        self, session: asyncssh.SSHClientSession[bytes], command: str, window: int, refused: Callable[[], None]
    ) -> None:
        """Start *command* without a terminal; *refused* is called when the host, asked to, does not.

        Raises what ``create_session`` raises for a channel that is not given.
        """
        packet = min(window, 32768)
        self._update_recv_pktlen(packet)
        channel = _Program(self, self._loop, self._utf8_decode_errors, None, "strict", window, packet)
        channel.refused = refused
        await channel.create(lambda: session, command, None, {}, False, None, None, {}, False, None, None, False, False)

    def in_use(self) -> None:
        """The first program runs: from now on the kernel's own rule is right."""
        self.sock = None

    @property
    def greeted(self) -> bool:
        """True once the server sent its version."""
        return bool(self._server_version)

    def try_next_auth(self, *, next_method: bool = False) -> None:
        first, self._first = self._first, False
        if first and self.first_key is not None:
            self._auth = _SignedAtOnce(self, b"publickey")
            return
        if not next_method and not first:
            self.login.record.accepts = tuple(method.decode("ascii", "replace") for method in self._auth_methods)
        if self.guessed:
            self.ask_what_goes()
        else:
            super().try_next_auth(next_method=next_method)

    def ask_what_goes(self) -> None:
        """Go on as if nothing had been tried: some servers let in who asks for nothing."""
        self.guessed = False
        self._auth_methods = [b"none"]
        super().try_next_auth()


async def dial(
    options: asyncssh.SSHClientConnectionOptions,
    login: Login,
    *,
    sock: socket.socket | None = None,
    tunnel: Tunnel | None = None,
    first_key: bytes | None = None,
    sure: bool = False,
    made: Callable[[Wire], None] | None = None,
) -> Wire:
    """Shake hands and log in over *sock* (taken over) or *tunnel*. Raises whatever the library raises.

    The login begins with the key whose public half is *first_key*, if there is one; *sure* when it worked last time.
    *made* is called as soon as the protocol object exists. Cancelling leaves nothing behind.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    options.waiter = waiter

    def factory() -> Wire:
        wire = Wire(loop, options, wait="auth")
        wire.login = login
        wire.first_key = first_key
        wire.guessed = first_key is not None and not sure
        if _QUICKACK is not None and sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            wire.sock = sock
        if made is not None:
            made(wire)
        return wire

    try:
        if sock is not None:
            _, wire = await loop.create_connection(factory, sock=sock)
        else:
            assert tunnel is not None
            wire = await tunnel.forward(factory, options.host, options.port)
    except BaseException:
        waiter.cancel()
        raise
    wire.set_extra_info(host=options.host, port=options.port)
    up = False
    try:
        await waiter
        up = True
        return wire
    finally:
        if not up:
            wire.abort()
            await wire.wait_closed()
