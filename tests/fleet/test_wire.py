"""What goes over the wire: few pieces, no filler; the SSH library's inside is as we take it to be."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from asyncssh.connection import SSHConnection
from asyncssh.constants import MSG_IGNORE
from asyncssh.packet import SSHPacketLogger

from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import SshServer, SshUser
from tui.domain.hosts import HostSpec


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[int]]:
    """The sizes of the pieces handed to the system, and the types of the packets in them."""
    pieces: list[int] = []
    packets: list[int] = []
    send, send_packet = SSHConnection._send, SSHConnection.send_packet

    def counted(self: SSHConnection, data: bytes) -> None:
        pieces.append(len(data))
        send(self, data)

    def noted(self: SSHConnection, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None) -> None:
        packets.append(pkttype)
        send_packet(self, pkttype, *args, handler=handler)

    monkeypatch.setattr(SSHConnection, "_send", counted)
    monkeypatch.setattr(SSHConnection, "send_packet", noted)
    return pieces, packets


async def test_a_login_and_an_answer_take_few_pieces_and_no_filler(
    shared_server: SshServer,
    ada: SshUser,
    connector: MakeConnector,
    tmp_path: Path,
    sent: tuple[list[int], list[int]],
) -> None:
    pieces, packets = sent
    files = shared_server.client_config({"one": ada}, directory=tmp_path)
    connection = await connector(files.config).connect(HostSpec("one"))
    assert await ask(connection, "cat", b"hello") == b"hello"
    assert len(pieces) < len(packets)
    assert MSG_IGNORE not in packets
    await connection.close()


async def test_a_cipher_that_chains_blocks_keeps_its_filler(
    connector: MakeConnector, tmp_path: Path, sent: tuple[list[int], list[int]]
) -> None:
    with SshServer(host_keys=("ed25519",), options=["Ciphers +aes128-cbc"]) as server:
        files = server.client_config({"one": server.add_user()}, directory=tmp_path)
        files.config.write_text("Ciphers aes128-cbc\n" + files.config.read_text())
        connection = await connector(files.config).connect(HostSpec("one"))
        assert await ask(connection, "cat", b"hello") == b"hello"
        assert MSG_IGNORE in sent[1]
        await connection.close()


async def test_the_farewell_is_sent_before_the_end(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    files = shared_server.client_config({"one": ada}, directory=tmp_path)
    connection = await connector(files.config).connect(HostSpec("one"))
    assert await ask(connection, "echo here") == b"here\n"
    before = shared_server.log().count("Received disconnect")
    await connection.close()
    async with asyncio.timeout(10):
        while shared_server.log().count("Received disconnect") == before:  # noqa: ASYNC110 - a file tells no one
            await asyncio.sleep(0.01)
