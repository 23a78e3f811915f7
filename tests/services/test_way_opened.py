"""Hosts behind another host: once that one is reached, what failed for want of it is tried again by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import ScriptedPrompter, eventually
from tests.services.fakes_services import FakeWorld, running
from tests.sshd import HostEntry, SshServer, write_client_config
from tui import runtime
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState, SearchPlaces
from tui.domain.settings import Limits, Settings
from tui.ports import Connection, ConnectionFacts, HostKeyAnswer
from tui.services.engine import FleetService

LIMIT_S = 30.0


class Behind(FakeWorld):
    """All hosts but the first are reached through it."""

    async def connect(
        self,
        spec: HostSpec,
        report: Callable[[str], None] | None = None,
        resolved: Callable[[ConnectionFacts], None] | None = None,
    ) -> Connection:
        first = next(iter(self.hosts))

        def told(facts: ConnectionFacts) -> None:
            assert resolved is not None
            resolved(ConnectionFacts(facts.address, facts.port, facts.user, () if spec.name == first else (first,)))

        return await super().connect(spec, report, told)


def failed(kind: FaultKind, *, person: bool = False) -> HostFaultError:
    return HostFaultError(Fault(kind, "no", "do something", needs_person=person))


@pytest.mark.parametrize("person", [True, False], ids=["waits for a person", "waits for its time"])
async def test_what_failed_behind_a_host_is_tried_again_once_that_is_up(person: bool) -> None:
    world = Behind(["bastion", "inner", "other"])
    world["bastion"].connects = [failed(FaultKind.HOST_KEY_UNKNOWN)]
    world["inner"].connects = [failed(FaultKind.JUMP_FAILED, person=person)]
    world["other"].connects = [failed(FaultKind.AUTH_FAILED)]
    async with running(world) as service:
        await eventually(lambda: service.store.host("other").state is HostState.DOWN)
        await eventually(lambda: len(world["inner"].tries) == 1)
        service.reconnect("bastion")
        await eventually(lambda: service.store.host("inner").state is HostState.UP)
        # Without the clock having moved; and what is wrong with a host itself waits on.
        assert world.clock.monotonic() == 0
        assert service.store.host("other").state is HostState.DOWN
        assert len(world["other"].tries) == 1


async def test_a_try_that_fails_while_the_way_is_opened_is_made_again() -> None:
    world = Behind(["bastion", "inner"])

    async def late() -> None:
        await eventually(lambda: service.store.host("bastion").state is HostState.UP)
        raise failed(FaultKind.JUMP_FAILED, person=True)

    world["inner"].connects = [late]
    async with running(world) as service:
        await eventually(lambda: service.store.host("inner").state is HostState.UP)
        assert len(world["inner"].tries) == 2


async def test_a_host_whose_key_was_accepted_on_anothers_way_is_tried_again() -> None:
    world = Behind(["bastion", "inner"])
    world["bastion"].connects = [failed(FaultKind.HOST_KEY_UNKNOWN)]

    async def reached() -> None:
        await eventually(lambda: service.store.host("bastion").state is HostState.DOWN)

    class Via(Behind):
        async def connect(self, spec, report=None, resolved=None):  # type: ignore[no-untyped-def]  # as Behind's
            connection = await super().connect(spec, report, resolved)
            connection.facts = ConnectionFacts(  # type: ignore[misc]  # a fake connection
                spec.name, via=("bastion",) if spec.name == "inner" else ()
            )
            return connection

    world.__class__ = Via
    world["inner"].connects = [reached]
    async with running(world) as service:
        await eventually(lambda: service.store.host("bastion").state is HostState.UP)


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer(addresses=("127.0.0.1", "127.9.0.2", "127.9.0.3")) as server:
        yield server


async def opened(server: SshServer, folder: Path, by: str) -> FleetService:
    """A fleet of two hosts behind one whose key is refused at first, and accepted when *by* is tried again."""
    ada = server.add_user(shell="/bin/bash")
    config = write_client_config(
        folder,
        {
            name: HostEntry(server, ada, address=address, options={})
            for name, address in (("bastion", "127.9.0.2"), ("inner1", "127.0.0.1"), ("inner2", "127.9.0.3"))
        },
    ).config
    nowhere = SearchPlaces((str(folder),), only=True)
    settings = Settings(
        hosts=(
            HostSpec("bastion", known_hosts=str(folder / "empty"), search=nowhere),
            HostSpec("inner1", jump="bastion", search=nowhere),
            HostSpec("inner2", jump="bastion", search=nowhere),
        ),
        limits=Limits(connect=20),
    )
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.REFUSE] * 3)
    service = runtime.build(settings, prompter, state_dir=folder / "state", ssh_config=config)
    await service.start()
    await eventually(lambda: all(view.state is HostState.DOWN for view in service.store.hosts()), LIMIT_S)
    assert service.store.host("inner1").fault.kind is FaultKind.JUMP_FAILED  # type: ignore[union-attr]
    prompter.host_keys = [HostKeyAnswer.SAVE]
    service.reconnect(by)
    return service


async def test_accepting_a_jump_hosts_key_brings_up_all_that_lies_behind_it(server: SshServer, tmp_path: Path) -> None:
    service = await opened(server, tmp_path, "bastion")
    try:
        await eventually(lambda: all(view.state is HostState.UP for view in service.store.hosts()), LIMIT_S)
    finally:
        await service.close()
