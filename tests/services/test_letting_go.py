"""A host that is let go is left alone until it is named again."""

from __future__ import annotations

from tests.fakes import eventually
from tests.services.fakes_services import FakeWorld, running
from tui.domain.hosts import HostState
from tui.domain.snapshot import PARTS


async def test_a_host_that_is_let_go_stays_so_and_comes_back_when_named() -> None:
    world = FakeWorld(["a", "b"])
    async with running(world) as service:
        await service.settled(["a", "b"], PARTS)
        service.disconnect("a")
        view = service.store.host("a")
        assert (view.state, view.fault) == (HostState.IDLE, None)
        assert view.snapshot.environments.value is not None
        await world.clock.advance(600)
        assert service.store.host("a").state is HostState.IDLE
        assert service.store.host("b").state is HostState.UP
        service.reconnect("a")
        await eventually(lambda: service.store.host("a").state is HostState.UP)


async def test_letting_go_of_a_host_that_nobody_watches_is_no_error() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        service.disconnect("a")
        service.disconnect("a")
        assert service.store.host("a").state is HostState.IDLE
