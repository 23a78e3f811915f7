"""Connecting to a real sshd."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import HostEntry, SshServer, SshUser, write_client_config
from tui.domain.errors import HostFaultError
from tui.domain.hosts import HostSpec


async def test_a_plain_key_leads_to_a_program_with_its_output_and_exit_status(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    files = shared_server.client_config({"one": ada}, directory=tmp_path)
    steps: list[str] = []
    connection = await connector(files.config).connect(HostSpec("one"), steps.append)
    channel = await connection.open("cat; id -un; echo oops >&2; exit 3")
    await channel.write(b"\xff\x00\n")
    await channel.write_eof()
    out = b""
    while data := await channel.read():
        out += data
    assert out == b"\xff\x00\n" + ada.name.encode() + b"\n"
    assert await channel.wait() == 3
    assert channel.stderr_tail() == b"oops\n"
    facts = connection.facts
    assert (facts.address, facts.port, facts.user, facts.via) == ("127.0.0.1", shared_server.port, ada.name, ())
    assert facts.host_key == f"ssh-ed25519 {shared_server.fingerprint('ed25519')}"
    assert facts.auth_method is not None and facts.auth_method.startswith("publickey ")
    assert facts.server_version is not None and "OpenSSH" in facts.server_version
    assert steps[0] == "reading its ssh settings" and any("authenticating" in step for step in steps)
    assert steps[-1] == f"logged in by {facts.auth_method}" and str(ada.key) in steps[-1]
    await connection.close()
    assert await connection.closed() is None


async def test_many_hosts_behind_one_jump_host_share_one_connection_to_it(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    bob = shared_server.add_user()
    jumped = {f"gpu{n}": HostEntry(shared_server, ada, options={"ProxyJump": "bastion"}) for n in range(4)}
    files = write_client_config(tmp_path, {"bastion": HostEntry(shared_server, bob), **jumped})
    engine = connector(files.config)
    before = shared_server.log().count(f"Accepted publickey for {bob.name}")
    connections = [await engine.connect(HostSpec(name)) for name in jumped]
    for connection in connections:
        assert connection.facts.via == ("bastion",)
        assert (await ask(connection, "id -un")).decode().strip() == ada.name
        await connection.close()
    assert shared_server.log().count(f"Accepted publickey for {bob.name}") == before + 1


async def test_closing_the_connector_closes_what_it_made(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    jumped = HostEntry(shared_server, ada, options={"ProxyJump": "a"})
    files = write_client_config(tmp_path, {"a": HostEntry(shared_server, ada), "b": jumped})
    engine = connector(files.config)
    connections = [await engine.connect(HostSpec(name)) for name in ("a", "b")]
    channel = await connections[1].open("cat")
    reading = asyncio.create_task(channel.read())
    await asyncio.sleep(0)
    await asyncio.wait_for(engine.close(), 30)
    for connection in connections:
        assert await asyncio.wait_for(connection.closed(), 30) is None
    with pytest.raises(HostFaultError):
        await asyncio.wait_for(reading, 30)
