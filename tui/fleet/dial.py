"""The handshake itself: the one place that touches the inside of the SSH library.

Against ``asyncssh.connect`` it saves a thread hop for each connection, one round trip where a key is known
to work (no ``none`` request, no question before the signature), and the 40 ms for which a delayed
acknowledgement holds up a server that sends its first answers in small pieces (Nagle). What is sent in one turn of
the event loop goes out in one piece: 8 system calls for a login and a first answer instead of 23.
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
from asyncssh.packet import Boolean, SSHPacketLogger, String

from tui.fleet.login import Login

__all__ = ["Tunnel", "Wire", "dial"]

_logger = logging.getLogger("asyncssh")
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)


class Tunnel(Protocol):
    """A connection that passes others on."""

    async def forward(self, factory: Callable[[], Wire], host: str, port: int) -> Wire:
        """Open a way to *host* and run the protocol of *factory* over it."""


class _SignedAtOnce(_ClientPublicKeyAuth):
    """Public-key login that sends its signature without asking first whether the key would do."""

    async def _start(self) -> None:
        pair = await self._conn.public_key_auth_requested()
        self._keypair = pair
        if pair is None:
            self._conn.try_next_auth(next_method=True)
            return
        wire = cast(Wire, self._conn)
        if wire.sure(pair):
            await self._send_signed_request()
        else:
            await self.send_request(Boolean(False), String(pair.algorithm), String(pair.public_data))


class Wire(asyncssh.SSHClientConnection):
    """A client connection that acknowledges promptly until it is in use."""

    login: Login
    sure_key: bytes | None = None
    received = b""
    """The beginning of what came before any greeting."""
    _socket: socket.socket | None = None
    _first = True
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
            super().send_packet(pkttype, *args, handler=handler)

    def _log_packet(self, *args: Any) -> None:
        # The library words each packet for its log before it looks whether anybody reads that.
        if _logger.isEnabledFor(logging.DEBUG):
            super()._log_packet(*args)

    # -- the login -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        sock = transport.get_extra_info("socket")
        if _QUICKACK is not None and sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            self._socket = sock
        super().connection_made(transport)
        if self.sure_key is not None:
            self._auth_methods = [b"publickey"]

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        if self._socket is not None:
            self._hurry(self._socket)
        if not self._server_version and len(self.received) < 80:
            self.received += data[:80]
        super().data_received(data, datatype)

    def _hurry(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, cast(int, _QUICKACK), 1)

    def in_use(self) -> None:
        """The first program runs: from now on the kernel's own rule is right."""
        self._socket = None

    def sure(self, pair: asyncssh.SSHKeyPair) -> bool:
        """True for the key that worked last time."""
        return pair.public_data == self.sure_key

    @property
    def greeted(self) -> bool:
        """True once the server sent its version."""
        return bool(self._server_version)

    def try_next_auth(self, *, next_method: bool = False) -> None:
        if not next_method:
            accepts = tuple(method.decode("ascii", "replace") for method in self._auth_methods)
            if accepts != ("none",) and not (self._first and self.sure_key is not None):
                self.login.record.accepts = accepts
        if self._first:
            self._first = False
            if self.sure_key is not None:
                self._auth = _SignedAtOnce(self, b"publickey")
                return
        super().try_next_auth(next_method=next_method)


async def dial(
    options: asyncssh.SSHClientConnectionOptions,
    login: Login,
    *,
    sock: socket.socket | None = None,
    tunnel: Tunnel | None = None,
    sure_key: bytes | None = None,
    made: Callable[[Wire], None] | None = None,
) -> Wire:
    """Shake hands and log in over *sock* (taken over) or *tunnel*. Raises whatever the library raises.

    *made* is called as soon as the protocol object exists. Cancelling leaves nothing behind.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    options.waiter = waiter

    def factory() -> Wire:
        wire = Wire(loop, options, wait="auth")
        wire.login = login
        wire.sure_key = sure_key
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
