"""Many SSH hosts in one process that answer from memory: isolates the cost of the client.

Run as ``python light_server.py COUNT PORT DIRECTORY``: listens on 127.1.x.y:PORT for COUNT
addresses, accepts the key in DIRECTORY/client.pub, prints ``ready`` when all listen, and ends at end of
input. A resident shell's status question is answered with DIRECTORY/answers.json, recorded from a real
``sh``; any other command gets one line. A stand-in for 200 machines, each of which would do this work
itself; how a real sshd changes the figures is the other column.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import re
import sys
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh.connection import SSHConnection
from asyncssh.constants import MSG_IGNORE
from asyncssh.packet import SSHPacketLogger

REQUEST = re.compile(rb"^(?:R|Z) ([0-9a-f]{16}) (S|A|f\d+)(?: [^\n]*)?\n", re.MULTILINE)


def address(number: int) -> str:
    """The address of host *number*, counted from 0."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


class _Thrifty(SSHConnection):
    """What every connection here does in place of the library's own: no filler packets, few system calls, no log."""

    def send_packet(self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        if pkttype != MSG_IGNORE:
            _send_packet(self, pkttype, *args, handler=handler)

    def _log_packet(self, *args: Any) -> None:
        return

    def _send(self, data: bytes) -> None:
        if self in _unsent:
            _unsent[self].append(data)
        else:
            _unsent[self] = [data]
            self._loop.call_soon(_flush, self)


_unsent: dict[SSHConnection, list[bytes]] = {}
_send = SSHConnection._send
_send_packet = SSHConnection.send_packet


def _flush(connection: SSHConnection) -> None:
    _send(connection, b"".join(_unsent.pop(connection)))


class _Server(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return True


class _Session(asyncssh.SSHServerSession[bytes]):
    """One channel: a resident shell played from memory, or one command answered by one line."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers
        self._resident = False
        self._held = b""
        self._count: dict[bytes, int] = {}
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        self._resident = command == "exec /bin/sh"
        return True

    def session_started(self) -> None:
        if not self._resident and self._channel is not None:
            self._channel.write(b"light 0.10 0.20 0.30 1/100 1\n")
            self._channel.exit(0)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        self._held += data
        end = 0
        for match in REQUEST.finditer(self._held):
            end = match.end()
            nonce, function = match[1], match[2]
            seen = self._count.get(function, 0)
            self._count[function] = seen + 1
            name = function.decode() + (":again" if seen else "")
            body = self._answers.get(name) or self._answers.get(function.decode(), b"")
            if self._channel is not None:
                self._channel.write(b"\n@%s{%s\n@%s}0\n" % (nonce, body, nonce))
        self._held = self._held[end:]

    def eof_received(self) -> bool:
        return False


async def serve(count: int, port: int, directory: Path) -> None:
    """Listen on *count* addresses until standard input ends."""
    answers = {
        name: base64.b64decode(text) for name, text in json.loads((directory / "answers.json").read_text()).items()
    }

    class Server(_Server):
        def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
            return _Session(answers)

    options = asyncssh.SSHServerConnectionOptions(
        server_factory=Server,
        server_host_keys=[str(directory / "host_key")],
        authorized_client_keys=asyncssh.read_authorized_keys(str(directory / "client.pub")),
        encoding=None,
        kex_algs=["curve25519-sha256", "curve25519-sha256@libssh.org"],
        gss_host=None,
        agent_forwarding=False,
        x11_forwarding=False,
        login_timeout=120,
    )
    for name in ("send_packet", "_log_packet", "_send"):
        setattr(SSHConnection, name, getattr(_Thrifty, name))
    for number in range(count):
        await asyncssh.listen(address(number), port, options=options, backlog=64)
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
