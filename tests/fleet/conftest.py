"""One real sshd for all tests of this folder that do not change it, and connectors that end with their test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests.fakes import FakeClock, ScriptedPrompter
from tests.sshd import SshServer, SshUser
from tui.domain.hosts import HostSpec
from tui.domain.settings import Limits
from tui.fleet.connector import SshConnector
from tui.ports import Connection, Prompter

ADDRESSES = ("127.0.0.1", "127.9.0.2", "127.9.0.3", "127.9.0.4")


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SshServer]:
    """Do not freeze, stop or reconfigure this one."""
    with SshServer(addresses=ADDRESSES, host_keys=("ed25519", "ecdsa", "rsa")) as server:
        yield server


@pytest.fixture(scope="session")
def ada(shared_server: SshServer) -> SshUser:
    return shared_server.add_user(shell="/bin/bash")


class MakeConnector(Protocol):
    def __call__(
        self,
        config: Path | None = None,
        *,
        prompter: Prompter | None = None,
        hosts: Mapping[str, HostSpec] | None = None,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        ssh: str = "ssh",
    ) -> SshConnector: ...


@pytest.fixture
async def connector() -> AsyncIterator[MakeConnector]:
    """Makes connectors that see no agent unless the test gives one, and closes them."""
    made: list[SshConnector] = []

    def make(
        config: Path | None = None,
        *,
        prompter: Prompter | None = None,
        hosts: Mapping[str, HostSpec] | None = None,
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
        ssh: str = "ssh",
    ) -> SshConnector:
        new = SshConnector(
            hosts or {},
            prompter or ScriptedPrompter(),
            FakeClock(),
            limits or Limits(connect=8.0),
            ssh_config=config,
            environment=environment if environment is not None else {"PATH": "/usr/bin:/bin"},
            ssh=ssh,
        )
        made.append(new)
        return new

    yield make
    await asyncio.gather(*(one.close() for one in made))


async def ask(connection: Connection, command: str, stdin: bytes = b"") -> bytes:
    """What *command* prints."""
    channel = await connection.open(command)
    if stdin:
        await channel.write(stdin)
    await channel.write_eof()
    out = b""
    while data := await channel.read():
        out += data
    return out


@pytest.fixture(name="ask")
def ask_fixture() -> Callable[..., object]:
    return ask
