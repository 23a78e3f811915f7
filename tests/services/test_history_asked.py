"""A history is asked of the host that has it, when somebody wants it."""

from __future__ import annotations

import asyncio

import pytest

from tests.services.fakes_services import FakeWorld, fault, running
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind


async def test_a_history_is_asked_of_its_host_once_it_is_up() -> None:
    world = FakeWorld(["gpu01", "gpu02"])
    async with running(world) as service:
        history = await asyncio.wait_for(service.history("gpu02", "/envs/a"), 15)
        assert history.revisions[0].command == "conda create -p /envs/a"
        assert [what for _, what in world["gpu02"].asked if "history" in what] == ["history /envs/a"]
        assert not [what for _, what in world["gpu01"].asked if "history" in what]


async def test_a_host_that_is_down_says_why_instead() -> None:
    world = FakeWorld(["gpu01"])
    world["gpu01"].connects = [fault(FaultKind.REFUSED, "gpu01 refused the connection")]
    async with running(world) as service:
        with pytest.raises(HostFaultError) as caught:
            await asyncio.wait_for(service.history("gpu01", "/envs/a"), 15)
        assert caught.value.fault.kind is FaultKind.REFUSED
