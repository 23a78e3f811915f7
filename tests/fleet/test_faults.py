"""Each way in which a host is not there gets its own name, within its time, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import asyncssh
import pytest

from tests.fakes import BadServer, bad_server, refused_port
from tests.fleet.conftest import MakeConnector
from tests.sshd import SshServer, SshUser
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.settings import Limits
from tui.fleet.connector import SshConnector
from tui.fleet.faults import Phase, connect_fault, forward_fault, lost_fault, timeout_fault


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def engine(connector: MakeConnector, tmp_path: Path) -> SshConnector:
    config = tmp_path / "config"
    config.write_text("UserKnownHostsFile /dev/null\nIdentityFile none\nIdentityAgent none\n")
    return connector(config, limits=Limits(connect=2.0))


async def fault_of(engine: SshConnector, port: int, address: str = "127.0.0.1") -> tuple[Fault, float]:
    start = time.monotonic()
    with pytest.raises(HostFaultError) as caught:
        connection = await engine.connect(HostSpec("gpu", address=address, port=port))
        await connection.close()
    return caught.value.fault, time.monotonic() - start


@pytest.mark.parametrize(
    ("server", "kind", "words"),
    [
        (BadServer.SILENT, FaultKind.TIMEOUT, "sent no SSH greeting within 2 s"),
        (BadServer.BANNER_ONLY, FaultKind.TIMEOUT, "while keys were exchanged"),
        (BadServer.CLOSES, FaultKind.LOST, "closed it before any greeting"),
        (BadServer.GARBAGE, FaultKind.PROTOCOL, "no valid SSH"),
        (BadServer.BINARY, FaultKind.PROTOCOL, "no valid SSH"),
    ],
)
async def test_a_server_that_is_no_ssh_server_is_named_for_what_it_does(
    engine: SshConnector, server: BadServer, kind: FaultKind, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with bad_server(server) as port:
        fault, seconds = await fault_of(engine, port)
    assert fault.kind is kind and words in fault.message, fault
    assert fault.message.startswith(f"gpu (127.0.0.1 port {port})") and fault.remedy
    assert "\x1b" not in fault.message and seconds < 30
    assert capfd.readouterr().err == ""


async def test_a_web_server_on_the_port_is_no_ssh(engine: SshConnector) -> None:
    async with bad_server(BadServer.HTTP) as port:
        fault, _ = await fault_of(engine, port)
    assert fault.kind is FaultKind.PROTOCOL and "HTTP/1.1 400" in fault.message


async def test_a_refused_connection_says_that_nothing_listens(engine: SshConnector) -> None:
    with refused_port() as port:
        fault, seconds = await fault_of(engine, port)
    assert fault.kind is FaultKind.REFUSED and "nothing listens" in fault.message and seconds < 30


async def test_an_unknown_name_is_a_name_not_found(engine: SshConnector) -> None:
    fault, _ = await fault_of(engine, 22, "no-such-host.invalid")
    assert fault.kind is FaultKind.NAME_NOT_FOUND, fault
    assert "gpu (no-such-host.invalid port 22)" in fault.message


async def test_a_network_without_a_way_is_no_route(engine: SshConnector) -> None:
    fault, _ = await fault_of(engine, 22, "255.255.255.255")
    assert fault.kind is FaultKind.NO_ROUTE, fault


async def test_a_full_listen_queue_is_a_host_that_does_not_answer(engine: SshConnector) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        holders = []
        for _ in range(4):
            holder = socket.socket()
            holder.setblocking(False)
            holder.connect_ex(full.getsockname())
            holders.append(holder)
        fault, seconds = await fault_of(engine, full.getsockname()[1])
        for holder in holders:
            holder.close()
    assert fault.kind is FaultKind.TIMEOUT and "did not answer within 2 s" in fault.message and seconds < 30


async def test_no_common_key_exchange_is_named(engine: SshConnector, tmp_path: Path) -> None:
    with SshServer(options=["KexAlgorithms diffie-hellman-group1-sha1"]) as server:
        fault, _ = await fault_of(engine, server.port)
    assert fault.kind is FaultKind.KEX_FAILED and fault.remedy


async def test_why_no_key_exchange_came_about_is_known_though_the_server_left_in_the_same_breath(
    engine: SshConnector,
) -> None:
    names = [
        b"rot13",
        b"ssh-ed25519",
        b"aes256-ctr",
        b"aes256-ctr",
        b"hmac-sha2-256",
        b"hmac-sha2-256",
        b"none",
        b"none",
    ]
    lists = b"".join(len(name).to_bytes(4, "big") + name for name in (*names, b"", b""))
    payload = b"\x14" + bytes(16) + lists + bytes(5)
    pad = 16 - (len(payload) + 5) % 8
    packet = (len(payload) + 1 + pad).to_bytes(4, "big") + bytes([pad]) + payload + bytes(pad)

    def serve(listener: socket.socket) -> None:
        with listener.accept()[0] as peer:
            while b"\n" not in peer.recv(65536):  # what the client says first is read: the end is no reset
                pass
            peer.sendall(b"SSH-2.0-short\r\n" + packet)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(asyncio.to_thread(serve, listener))
        fault, _ = await fault_of(engine, listener.getsockname()[1])
        await serving
    assert fault.kind is FaultKind.KEX_FAILED, fault


async def test_a_frozen_daemon_does_not_slow_the_others(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    files = shared_server.client_config({f"ok{n}": ada for n in range(6)}, directory=tmp_path)
    engine = connector(files.config, limits=Limits(connect=8.0, handshakes=2))
    async with bad_server(BadServer.SILENT) as port:
        dead = [
            asyncio.create_task(engine.connect(HostSpec(f"dead{n}", address="127.0.0.1", port=port))) for n in range(6)
        ]
        await asyncio.sleep(0.1)
        connections = await asyncio.gather(*(engine.connect(HostSpec(f"ok{n}")) for n in range(6)))
        assert not any(task.done() for task in dead), "they waited for a dead one"
        for connection in connections:
            await connection.close()
        results = await asyncio.gather(*dead, return_exceptions=True)
    assert all(isinstance(result, HostFaultError) and result.kind == "timeout" for result in results)


@pytest.mark.parametrize("server", [BadServer.SILENT, BadServer.BANNER_ONLY])
async def test_cancelling_leaves_no_socket_and_no_task(engine: SshConnector, server: BadServer) -> None:
    async with bad_server(server) as port:
        await fault_of(engine, port)  # warm every cache
        gc.collect()
        before, tasks = descriptors(), len(asyncio.all_tasks())
        for wait in (0.0, 0.01, 0.05, 0.2):
            task = asyncio.create_task(engine.connect(HostSpec("gpu", address="127.0.0.1", port=port)))
            await asyncio.sleep(wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        for _ in range(200):
            if descriptors() <= before and len(asyncio.all_tasks()) <= tasks:
                break
            await asyncio.sleep(0.01)
        assert descriptors() <= before and len(asyncio.all_tasks()) <= tasks


async def test_a_hundred_failures_leave_no_descriptor(engine: SshConnector) -> None:
    async with bad_server(BadServer.CLOSES) as port:
        await fault_of(engine, port)
        gc.collect()
        before = descriptors()
        for _ in range(30):
            await fault_of(engine, port)
        await asyncio.sleep(0.05)
        assert descriptors() <= before + 2


def test_every_error_of_the_socket_has_words_and_no_traceback() -> None:
    for code in errno.errorcode:
        fault = connect_fault("gpu (h port 22)", Phase.CONNECT, OSError(code, os.strerror(code)))
        assert "gpu" in fault.message and fault.remedy and "\n" not in fault.message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncssh.KeyExchangeFailed("no \x1b[31mmatch"), FaultKind.KEX_FAILED),
        (asyncssh.ProtocolError("bad"), FaultKind.PROTOCOL),
        (asyncssh.MACError("bad"), FaultKind.PROTOCOL),
        (asyncssh.ProtocolNotSupported("1.5"), FaultKind.PROTOCOL),
        (asyncssh.ConnectionLost("x"), FaultKind.LOST),
        (asyncssh.ServiceNotAvailable("x"), FaultKind.LOST),
        (asyncssh.ProtocolError("Too many authentication failures"), FaultKind.AUTH_FAILED),
        (asyncssh.IllegalUserName("x"), FaultKind.CONFIG),
        (IndexError("x" * 5000), FaultKind.PROTOCOL),
        (socket.gaierror(socket.EAI_AGAIN, "x"), FaultKind.NAME_NOT_FOUND),
        (ConnectionResetError(errno.ECONNRESET, "x"), FaultKind.LOST),
        (OSError(errno.EMFILE, "x"), FaultKind.CONFIG),
    ],
)
def test_the_table_of_faults(error: Exception, kind: FaultKind) -> None:
    fault = connect_fault("gpu (h port 22)", Phase.KEX, error)
    assert fault.kind is kind and "\x1b" not in fault.message and len(fault.message) < 600


@pytest.mark.parametrize("error", [asyncssh.ProtocolError("Unknown channel\x1b[2J"), asyncssh.MACError("bad MAC")])
def test_a_connection_that_breaks_the_protocol_is_told_in_plain_words(error: asyncssh.DisconnectError) -> None:
    fault = lost_fault("gpu", error)
    assert fault.kind is FaultKind.LOST and "no valid SSH" in fault.message and "\x1b" not in fault.message
    assert "gpu ended the connection" not in fault.message
    assert (
        "gpu ended the connection: going down" in lost_fault("gpu", asyncssh.DisconnectError(11, "going down")).message
    )


def test_the_remedy_for_a_lost_connection_promises_no_other_one() -> None:
    for error in (None, asyncssh.ConnectionLost("Keepalive timeout"), OSError(errno.ECONNRESET, "reset")):
        remedy = lost_fault("gpu", error).remedy
        assert "goes on" in remedy and "is connected again" not in remedy


def test_each_phase_has_its_own_words_for_a_timeout() -> None:
    messages = {timeout_fault("gpu", phase, 10).message for phase in Phase}
    assert len(messages) == len(Phase) and all("10 s" in message for message in messages)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Connection refused", FaultKind.REFUSED),
        ("Connection timed out", FaultKind.TIMEOUT),
        ("No route to host", FaultKind.NO_ROUTE),
        ("Name or service not known", FaultKind.NAME_NOT_FOUND),
        ("strange", FaultKind.JUMP_FAILED),
    ],
)
def test_what_a_jump_host_says_about_the_host_behind_it(reason: str, kind: FaultKind) -> None:
    fault = forward_fault("bastion", "gpu (h port 22)", asyncssh.ChannelOpenError(2, reason))
    assert fault.kind is kind and "bastion" in fault.message and "gpu" in fault.message


def test_the_package_costs_nothing_to_import_and_its_library_says_nothing() -> None:
    code = "import sys, tui.fleet; assert 'asyncssh' not in sys.modules, 'loaded'"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
    code = "import logging, tui.fleet.options; logging.getLogger('asyncssh').warning('over the screen')"
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=30, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")
