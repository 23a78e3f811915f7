"""Hosts behind other hosts: chains, aliases, shared connections, ProxyCommand, and whose fault it is."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from tests.fakes import BadServer, ScriptedPrompter, bad_server, eventually, refused_port
from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import HostEntry, SshServer, SshUser, write_client_config
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.settings import Limits
from tui.fleet.connector import SshConnector
from tui.ports import ConnectionFacts


async def fault_of(engine: SshConnector, spec: HostSpec) -> HostFaultError:
    with pytest.raises(HostFaultError) as caught:
        connection = await engine.connect(spec)
        await connection.close()
    return caught.value


def three(server: SshServer, ada: SshUser, directory: Path, **options: dict[str, str]) -> Path:
    entries = {
        name: HostEntry(server, ada, address=address, options=options.get(name, {}))
        for name, address in (("a", "127.9.0.2"), ("b", "127.9.0.3"), ("c", "127.9.0.4"), ("gpu", "127.0.0.1"))
    }
    return write_client_config(directory, entries).config


async def where_from(server: SshServer, user: SshUser, count: int) -> list[str]:
    """The addresses that the server listened on for the last *count* logins."""
    lines = [line for line in server.log().splitlines() if line.startswith("Connection from")]
    return [line.split(" on ")[1].split()[0] for line in lines[-count:]]


async def test_a_chain_goes_through_each_host_in_order(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": f"a,{ada.name}@b:{shared_server.port},c"})
    steps: list[str] = []
    connection = await connector(config).connect(HostSpec("gpu"), steps.append)
    assert connection.facts.via == ("a", "b", "c")
    assert await ask(connection, "echo in") == b"in\n"
    assert await where_from(shared_server, ada, 4) == ["127.9.0.2", "127.9.0.3", "127.9.0.4", "127.0.0.1"]
    assert any(step.startswith("jump c: ") for step in steps)
    await connection.close()


async def test_a_jump_that_has_a_jump_of_its_own_is_reached_through_it(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "b"}, b={"ProxyJump": "a"})
    connection = await connector(config).connect(HostSpec("gpu"))
    assert connection.facts.via == ("a", "b")
    await connection.close()


async def test_a_jump_may_be_a_host_of_the_fleet_with_settings_of_its_own(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "nowhere"})
    bastion = HostSpec(
        "bastion", "127.9.0.2", shared_server.port, ada.name, (str(ada.key),), known_hosts=str(tmp_path / "known_hosts")
    )
    engine = connector(config, hosts={"bastion": bastion})
    connection = await engine.connect(HostSpec("gpu", jump="bastion"))
    assert connection.facts.via == ("bastion",)
    await connection.close()


async def test_a_circle_of_jumps_is_said(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "a"}, a={"ProxyJump": "b"}, b={"ProxyJump": "a"})
    error = await fault_of(connector(config), HostSpec("gpu"))
    assert error.fault.kind is FaultKind.CONFIG and "gpu → a → b → a" in error.message


async def test_a_failing_jump_is_named_with_its_cause_and_met_once_for_all(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    with refused_port() as port:
        config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "a"}, a={"Port": str(port)})
        engine = connector(config)
        errors = await asyncio.gather(*(engine.connect(HostSpec("gpu")) for _ in range(3)), return_exceptions=True)
    for error in errors:
        assert isinstance(error, HostFaultError) and error.fault.kind is FaultKind.JUMP_FAILED
        assert "reached through a" in error.message and "nothing listens" in error.message
        assert not error.fault.waits_for_a_person


async def test_behind_a_jump_whose_key_nobody_vouched_for_a_person_is_waited_for(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    # a is reached through b, whose key is the unknown one.
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "a"}, a={"ProxyJump": "b"},
                   b={"UserKnownHostsFile": str(tmp_path / "none")})  # fmt: skip
    fault = (await fault_of(connector(config), HostSpec("gpu"))).fault
    assert fault.kind is FaultKind.JUMP_FAILED and fault.waits_for_a_person
    assert "through a" in fault.message and "The host key of b" in fault.message and "SHA256:" in fault.message
    assert "ssh b" in fault.remedy and "hosts trust" not in fault.remedy
    fleet = {"b": HostSpec("b")}
    fault = (await fault_of(connector(config, hosts=fleet), HostSpec("gpu"))).fault
    assert fault.waits_for_a_person and "condafleet hosts trust b --fingerprint SHA256:" in fault.remedy


async def test_where_a_host_would_be_reached_is_told_though_its_jump_fails(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    with refused_port() as port:
        engine = connector(three(shared_server, ada, tmp_path, gpu={"ProxyJump": "a"}, a={"Port": str(port)}))
        told: list[ConnectionFacts] = []
        with pytest.raises(HostFaultError):
            await engine.connect(HostSpec("gpu"), None, told.append)
    assert told == [ConnectionFacts(address="127.0.0.1", port=shared_server.port, user=ada.name, via=("a",))]
    broken = tmp_path / "broken"
    broken.write_text("Host gpu\n  Port nonsense\n")
    with pytest.raises(HostFaultError):
        await connector(broken).connect(HostSpec("gpu"), None, told.append)
    assert len(told) == 1


async def test_a_jump_that_needs_a_password_asks_once_for_all_behind_it(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    bob = shared_server.add_user(password="secret", authorized=False)
    entries = {"a": HostEntry(shared_server, bob, key=False)}
    entries |= {f"h{n}": HostEntry(shared_server, ada, options={"ProxyJump": "a"}) for n in range(4)}
    prompter = ScriptedPrompter(["secret"])
    engine = connector(write_client_config(tmp_path, entries).config, prompter=prompter)
    connections = await asyncio.gather(*(engine.connect(HostSpec(f"h{n}")) for n in range(4)))
    assert [question.host for question in prompter.asked] == ["a"]
    for connection in connections:
        await connection.close()


@pytest.mark.parametrize("server", [None, BadServer.SILENT])
async def test_a_dead_host_behind_a_living_jump_is_the_hosts_own_fault(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path, server: BadServer | None
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "a"})
    engine = connector(config, limits=Limits(connect=4.0))
    if server is None:
        with refused_port() as port:
            error = await fault_of(engine, HostSpec("gpu", port=port))
        assert error.fault.kind is FaultKind.REFUSED and "a could not reach gpu" in error.message
    else:
        async with bad_server(server) as port:
            error = await fault_of(engine, HostSpec("gpu", port=port))
        assert error.fault.kind is FaultKind.TIMEOUT and "through a" in error.message
    # The jump itself is still good.
    await (await engine.connect(HostSpec("gpu"))).close()


async def test_a_way_that_comes_about_after_it_was_given_up_is_closed_again(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyJump": "a"})
    engine = connector(config, limits=Limits(connect=3.0))
    held = await engine.connect(HostSpec("gpu"))  # keeps the jump open
    with socket.socket() as full, socket.socket() as holder:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        full.settimeout(30)
        holder.connect(full.getsockname())  # the queue is full now: the next one waits for its turn
        error = await fault_of(engine, HostSpec("gpu", port=full.getsockname()[1]))
        assert error.fault.kind is FaultKind.TIMEOUT and "did not answer" in error.message
        full.accept()[0].close()
        late, _ = await asyncio.to_thread(full.accept)
        with late:
            late.settimeout(30)
            while await asyncio.to_thread(late.recv, 4096):  # its greeting may come before its end
                pass
    await held.close()


async def test_a_jump_that_forwards_nothing_is_said(ada: SshUser, connector: MakeConnector, tmp_path: Path) -> None:
    with SshServer(options=["AllowTcpForwarding no"]) as server:
        server.authorize(ada, ada.key.with_suffix(".pub").read_text())
        config = write_client_config(
            tmp_path, {"a": HostEntry(server, ada), "gpu": HostEntry(server, ada, options={"ProxyJump": "a"})}
        ).config
        error = await fault_of(connector(config), HostSpec("gpu"))
    assert error.fault.kind is FaultKind.JUMP_FAILED and "AllowTcpForwarding" in error.remedy


async def test_when_the_jump_dies_all_behind_it_say_so_and_can_come_back(
    ada: SshUser, shared_server: SshServer, connector: MakeConnector, tmp_path: Path
) -> None:
    with SshServer() as jump:
        user = jump.add_user()
        entries = {"a": HostEntry(jump, user)}
        entries |= {f"h{n}": HostEntry(shared_server, ada, options={"ProxyJump": "a"}) for n in range(3)}
        engine = connector(write_client_config(tmp_path, entries).config)
        connections = [await engine.connect(HostSpec(f"h{n}")) for n in range(3)]
        channels = [await connection.open("cat") for connection in connections]
        jump.kill_sessions()
        for connection, channel in zip(connections, channels, strict=True):
            fault = await asyncio.wait_for(connection.closed(), 30)
            assert fault is not None and fault.kind is FaultKind.LOST
            with pytest.raises(HostFaultError):
                await asyncio.wait_for(channel.read(), 30)
        again = await engine.connect(HostSpec("h0"))
        assert await ask(again, "echo back") == b"back\n"
        await again.close()


# -- ProxyCommand -------------------------------------------------------------------------------------------------

RELAY = """import socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
sys.stderr.write("noise on stderr\\n")
def up():
    while data := sys.stdin.buffer.raw.read(65536): s.sendall(data)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := s.recv(65536): sys.stdout.buffer.raw.write(data)
"""


def lives(pid: Path) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid.read_text().strip()}/stat").read_text().rsplit(")", 1)[1]
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_proxy_command_is_run_with_its_tokens_and_ends_with_the_connection(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    relay = tmp_path / "my relay.py"
    relay.write_text(RELAY)
    pid = tmp_path / "pid"
    command = f'sh -c \'echo $$ >{pid}; exec python3 "{relay}" "$1" "$2"\' x %h %p'
    config = three(shared_server, ada, tmp_path, gpu={"ProxyCommand": command})
    connection = await connector(config).connect(HostSpec("gpu"))
    assert connection.facts.via == ("ProxyCommand",)
    assert await ask(connection, "head -c 300000 /dev/zero") == bytes(300_000)
    assert lives(pid)
    await connection.close()
    await eventually(lambda: not lives(pid))


async def test_a_proxy_command_that_fails_is_quoted(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = three(shared_server, ada, tmp_path, gpu={"ProxyCommand": "sh -c 'echo no such tunnel >&2; exit 3'"})
    error = await fault_of(connector(config), HostSpec("gpu"))
    assert error.fault.kind is FaultKind.JUMP_FAILED and "no such tunnel" in error.message


async def test_a_proxy_command_that_hangs_is_given_up_and_killed(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    config = three(
        shared_server, ada, tmp_path, gpu={"ProxyCommand": f"sh -c 'echo $$ >{pid}; trap \"\" TERM; sleep 99'"}
    )
    engine = connector(config, limits=Limits(connect=3.0))
    error = await fault_of(engine, HostSpec("gpu"))
    assert error.fault.kind is FaultKind.TIMEOUT
    await engine.close()
    assert not lives(pid)


async def test_the_local_machine_goes_through_the_same_door(connector: MakeConnector) -> None:
    connection = await connector().connect(HostSpec("local"))
    assert await ask(connection, "echo here") == b"here\n"
    await connection.close()
