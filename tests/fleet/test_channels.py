"""Programs on a host: bounded, with back-pressure, and honest when the connection dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest
from asyncssh.channel import SSHChannel
from asyncssh.constants import MSG_CHANNEL_SUCCESS

from tests.fakes import eventually
from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import SshServer, SshUser, generate_key
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.settings import Limits
from tui.fleet.channels import Places
from tui.ports import Channel, Connection, TermRequest
from tui.remote.lane import Lane

HOST = HostSpec("one")


@pytest.fixture
async def connection(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> AsyncIterator[Connection]:
    files = shared_server.client_config({"one": ada}, directory=tmp_path)
    made = await connector(files.config, limits=Limits(connect=10.0)).connect(HOST)
    yield made
    await made.close()


async def read_until(channel: Channel, mark: bytes) -> bytes:
    out = b""
    async with asyncio.timeout(30):
        while mark not in out:
            data = await channel.read()
            assert data, out
            out += data
    return out


async def test_a_flood_waits_on_the_host_for_a_slow_reader(connection: Connection) -> None:
    channel = await connection.open("yes | head -c 30000000; echo; echo done >&2", window=65536)
    await asyncio.sleep(0.4)
    assert channel.stderr_tail() == b""
    total = 0
    while data := await channel.read():
        total += len(data)
    assert total == 30_000_001 and await channel.wait() == 0


async def test_a_flood_on_stderr_neither_blocks_nor_grows(connection: Connection) -> None:
    channel = await connection.open("head -c 5000000 /dev/zero >&2; echo out")
    assert await read_until(channel, b"out\n")
    assert len(channel.stderr_tail()) == 65536


async def test_a_paused_channel_holds_its_bytes_back(connection: Connection) -> None:
    channel = await connection.open("cat", window=65536)
    await channel.write(b"a")
    await read_until(channel, b"a")
    channel.pause_reading()
    await channel.write(b"b")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.read(), 0.2)
    channel.resume_reading()
    assert await asyncio.wait_for(channel.read(), 30) == b"b"


async def test_writing_waits_while_the_program_does_not_read_and_the_end_of_it_is_said(connection: Connection) -> None:
    channel = await connection.open("sleep 1000")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(channel.write(bytes(8_000_000)), 0.5)
    channel.close()
    ended = await connection.open("exit 4")
    assert await ended.wait() == 4
    assert await ended.read() == b""

    async def write() -> None:
        while True:
            await ended.write(b"x")
            await asyncio.sleep(0.01)

    with pytest.raises(HostFaultError):
        await asyncio.wait_for(write(), 30)


async def test_a_signal_has_no_exit_status(connection: Connection) -> None:
    assert await (await connection.open("kill -9 $$")).wait() is None


async def test_a_terminal_has_the_size_asked_for_and_is_resized(connection: Connection) -> None:
    channel = await connection.open(
        "trap 'stty size' WINCH; stty size; echo $TERM; while :; do read x; done",
        term=TermRequest("xterm-256color", 91, 33),
        window=65536,
    )
    assert b"33 91\r\nxterm-256color\r\n" in await read_until(channel, b"color\r\n")
    channel.resize(100, 40)
    await channel.write(b"\n")
    await read_until(channel, b"40 100")
    channel.close()


async def test_seven_channels_are_open_at_once_and_one_is_kept_for_control(connection: Connection) -> None:
    held = [await connection.open("cat") for _ in range(7)]
    eighth = asyncio.create_task(connection.open("echo waited"))
    await asyncio.sleep(0.1)
    assert not eighth.done()
    control = await connection.open("echo control", control=True)
    assert await read_until(control, b"control\n")
    assert not eighth.done()
    held[0].close()
    channel = await asyncio.wait_for(eighth, 30)
    assert await read_until(channel, b"waited\n")


async def test_a_wait_for_a_channel_has_an_end(connection: Connection) -> None:
    for _ in range(7):
        await connection.open("cat")
    with pytest.raises(HostFaultError) as caught:
        await connection.open("cat")
    assert caught.value.fault.kind is FaultKind.SESSIONS_EXHAUSTED


async def test_a_server_with_few_sessions_is_asked_for_no_more(connector: MakeConnector, tmp_path: Path) -> None:
    with SshServer(options=["MaxSessions 2"]) as server:
        files = server.client_config({"one": server.add_user()}, directory=tmp_path)
        connection = await connector(files.config, limits=Limits(connect=10.0)).connect(HOST)
        answers = await asyncio.gather(*(ask(connection, f"echo {n}") for n in range(6)))
        assert answers == [b"%d\n" % n for n in range(6)]
        await connection.close()


async def test_a_server_without_sessions_says_so(connector: MakeConnector, tmp_path: Path) -> None:
    with SshServer(options=["MaxSessions 0"]) as server:
        files = server.client_config({"one": server.add_user()}, directory=tmp_path)
        connection = await connector(files.config, limits=Limits(connect=10.0)).connect(HOST)
        with pytest.raises(HostFaultError) as caught:
            await connection.open("true")
        assert caught.value.fault.kind is FaultKind.SESSIONS_EXHAUSTED and "MaxSessions" in caught.value.remedy
        await connection.close()


async def test_no_terminal_where_none_is_permitted(connector: MakeConnector, tmp_path: Path) -> None:
    with SshServer(options=["PermitTTY no"]) as server:
        files = server.client_config({"one": server.add_user()}, directory=tmp_path)
        connection = await connector(files.config).connect(HOST)
        with pytest.raises(HostFaultError) as caught:
            await connection.open("true", term=TermRequest("vt100", 80, 24))
        assert caught.value.fault.kind is FaultKind.PERMISSION
        assert await ask(connection, "echo fine") == b"fine\n"
        await connection.close()


@pytest.mark.parametrize("shell", ["bash", "csh", "fish", "zsh"])
async def test_every_login_shell_starts_the_constant_command(
    shared_server: SshServer, connector: MakeConnector, tmp_path: Path, shell: str
) -> None:
    user = shared_server.add_user(shell=shell)
    user.run("sh", "-c", 'echo "echo noise" >"$HOME/.bashrc"')
    files = shared_server.client_config({"one": user}, directory=tmp_path)
    connection = await connector(files.config).connect(HOST)
    out = await ask(connection, "exec /bin/sh", b"echo script $((6*7))\n")
    assert out.endswith(b"script 42\n") and (out.startswith(b"noise\n") or shell != "bash")
    await connection.close()


# -- the connection dies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_pending_read_ends_at_once_when_the_connection_dies(
    connector: MakeConnector, tmp_path: Path, how: str
) -> None:
    with SshServer() as server:
        files = server.client_config({"one": server.add_user()}, directory=tmp_path)
        connection = await connector(files.config).connect(HOST)
        channel = await connection.open("echo first; cat")
        idle = await connection.open("cat")
        idle.pause_reading()
        reading = asyncio.create_task(idle.read())
        await asyncio.sleep(0.1)
        server.kill_sessions() if how == "kill" else server.stop()
        with pytest.raises(HostFaultError) as caught:
            await asyncio.wait_for(reading, 30)
        assert caught.value.fault.kind is FaultKind.LOST
        assert await channel.read() == b"first\n"
        with pytest.raises(HostFaultError):
            await channel.read()
        assert await channel.wait() is None
        with pytest.raises(HostFaultError):
            await channel.write(b"x")
        fault = await asyncio.wait_for(connection.closed(), 30)
        assert fault is not None and fault.kind is FaultKind.LOST and "one" in fault.message
        with pytest.raises(HostFaultError) as again:
            await connection.open("true")
        assert again.value.fault.kind is FaultKind.LOST


async def test_a_frozen_host_neither_hangs_open_nor_close(connector: MakeConnector, tmp_path: Path) -> None:
    with SshServer() as server:
        files = server.client_config({"one": server.add_user()}, directory=tmp_path)
        connection = await connector(files.config, limits=Limits(connect=4.0)).connect(HOST)
        server.freeze_sessions()
        start = time.monotonic()
        with pytest.raises(HostFaultError) as caught:
            await connection.open("true")
        assert caught.value.fault.kind is FaultKind.TIMEOUT
        await connection.close()
        assert time.monotonic() - start < 30
        assert await connection.closed() is None
        server.thaw()


async def test_a_silent_connection_is_noticed_by_its_keepalive(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    with SshServer() as server:
        user = server.add_user()
        options = {"one": {"ServerAliveInterval": "1", "ServerAliveCountMax": "1"}}
        files = server.client_config({"one": user}, directory=tmp_path, options=options)
        connection = await connector(files.config).connect(HOST)
        server.freeze_sessions()
        fault = await asyncio.wait_for(connection.closed(), 30)
        assert fault is not None and fault.kind is FaultKind.LOST and "did not answer" in fault.message
        server.thaw()


async def test_closing_a_channel_hangs_up_and_gives_its_place_back(connection: Connection) -> None:
    for _ in range(30):
        channel = await connection.open("cat")
        channel.close()
        channel.close()
        assert await channel.read() == b""


async def test_a_cancelled_open_gives_its_place_back(connection: Connection) -> None:
    for steps in range(40):  # at every point: waiting for a place, asking for the channel, starting the program
        opening = asyncio.create_task(connection.open("cat"))
        for _ in range(steps % 10):
            await asyncio.sleep(0)
        opening.cancel()
        with suppress(asyncio.CancelledError):  # the last step may have been taken already
            (await opening).close()
    assert await ask(connection, "echo still") == b"still\n"


async def test_closing_twice_and_reading_the_reason_is_fine(connection: Connection) -> None:
    channel = await connection.open("cat")
    await connection.close()
    await connection.close()
    assert await connection.closed() is None
    with pytest.raises(HostFaultError):
        await channel.read()


# -- a server that lies, by the library's own server ------------------------------------------------------------


class _Open(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


async def test_bytes_that_are_no_utf8_and_a_drop_in_the_middle_lose_nothing_before_it(
    connector: MakeConnector, tmp_path: Path
) -> None:
    async def serve(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.stdout.write(b"\xff\xfe" * 1000)
        await process.stdout.drain()
        await process.stdin.read(1)
        process.channel.get_connection().abort()

    key = generate_key(tmp_path / "key")
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=_Open, server_host_keys=[str(key)], process_factory=serve, encoding=None
    )
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.get_port()} {key.with_suffix('.pub').read_text()}")
    (tmp_path / "config").write_text("IdentityFile none\n")
    spec = HostSpec("one", address="127.0.0.1", port=server.get_port(), known_hosts=str(known))
    connection = await connector(tmp_path / "config").connect(spec)
    assert connection.facts.auth_method == "none"
    channel = await connection.open("x")
    out = b""
    while len(out) < 2000:
        out += await asyncio.wait_for(channel.read(), 30)
    await channel.write(b"x")
    with pytest.raises(HostFaultError):
        await asyncio.wait_for(channel.read(), 30)
    assert out == b"\xff\xfe" * 1000 and await channel.wait() is None
    server.close()
    await server.wait_closed()


class _NoPrograms(asyncssh.SSHServerSession[bytes]):
    def exec_requested(self, command: str) -> bool:
        return False


class _Closed(_Open):
    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return _NoPrograms()


async def test_a_host_that_starts_no_program_is_told_by_reading_and_its_place_is_free(
    connector: MakeConnector, tmp_path: Path
) -> None:
    key = generate_key(tmp_path / "key")
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=_Closed, server_host_keys=[str(key)])
    known = tmp_path / "known"
    known.write_text(f"[127.0.0.1]:{server.get_port()} {key.with_suffix('.pub').read_text()}")
    (tmp_path / "config").write_text("IdentityFile none\n")
    spec = HostSpec("one", address="127.0.0.1", port=server.get_port(), known_hosts=str(known))
    connection = await connector(tmp_path / "config").connect(spec)
    for _ in range(20):
        channel = await connection.open("x")
        for _ in range(2):
            with pytest.raises(HostFaultError) as caught:
                await asyncio.wait_for(channel.read(), 30)
            assert caught.value.fault.kind is FaultKind.SHELL_BROKEN and "refused to start" in caught.value.message
        with pytest.raises(HostFaultError) as caught:
            await channel.write(b"x")
        assert caught.value.fault.kind is FaultKind.SHELL_BROKEN
        assert await asyncio.wait_for(channel.wait(), 30) is None
    with pytest.raises(HostFaultError) as caught:
        await Lane.open(connection, timeout=30)
    assert caught.value.fault.kind is FaultKind.SHELL_BROKEN
    server.close()
    await server.wait_closed()


async def test_input_does_not_wait_until_the_host_says_that_the_program_runs(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unheard(channel: object, kind: int, number: int, packet: object) -> None:
        return None

    monkeypatch.setitem(SSHChannel._packet_handlers, MSG_CHANNEL_SUCCESS, unheard)
    assert await ask(connection, "cat", b"hello") == b"hello"


# -- places ---------------------------------------------------------------------------------------------------


async def test_places_are_given_in_order_and_survive_cancelling() -> None:
    places = Places(3)
    await places.enter(False)
    await places.enter(False)
    order: list[int] = []

    async def wait(number: int) -> None:
        await places.enter(False)
        order.append(number)

    tasks = [asyncio.create_task(wait(n)) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    places.leave()
    places.leave()
    await eventually(lambda: len(order) == 2)
    assert order == [0, 2] and places.used == 2
    places.shrink()
    assert places.used == 2
