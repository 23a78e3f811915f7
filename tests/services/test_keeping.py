"""The last snapshots: shown at the start, marked stale until renewed, written seldom and at the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes import eventually
from tests.services.fakes_services import FakeSnapshots, FakeWorld, Reading, fault, running
from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec, HostState, SearchPlaces
from tui.domain.machine import Load
from tui.domain.settings import Settings
from tui.domain.snapshot import PARTS, HostSnapshot, Part
from tui.services.events import HostNoticed, SnapshotChanged


def environment(name: str) -> Environment:
    return Environment("a", f"/opt/conda/envs/{name}", name, EnvKind.NAMED, "/opt/conda", Manager.CONDA)


OLD = HostSnapshot(
    "a",
    load=Part(Load(load1=9.0), 1000.0),
    environments=Part((environment("old"),), 1000.0),
    gpus=Part((Gpu("a", 0),), 1000.0),
    stale=True,
)


async def test_the_last_snapshot_is_shown_stale_before_anything_is_connected() -> None:
    world = FakeWorld(["a"])
    world.snapshots.kept["a"] = OLD
    world["a"].connects = [fault()]
    async with running(world) as service:
        await service.settled(["a"], PARTS)
        view = service.store.host("a")
        assert view.state is HostState.WAITING
        assert view.snapshot.stale and view.stale_parts == {"load", "environments", "gpus"}
        assert view.snapshot.environments == OLD.environments
        first = next(event for event in world.events if isinstance(event, SnapshotChanged))
        assert first.parts == {"load", "environments", "gpus"}
        assert world.snapshots.saves == []


async def test_a_part_stays_stale_until_its_value_is_renewed() -> None:
    world = FakeWorld(["a"])
    world.snapshots.kept["a"] = OLD

    async def failing() -> Reading:
        return Reading({"gpus": Part(None, None, fault().fault)})

    world["a"].answers["gpus"] = failing
    async with running(world) as service:
        await service.settled(["a"], PARTS)
        view = service.store.host("a")
        assert view.stale_parts == {"gpus"}
        assert view.snapshot.stale
        assert view.snapshot.gpus.value == OLD.gpus.value and view.snapshot.gpus.fault is not None


async def test_what_is_read_late_from_disk_never_replaces_what_a_host_said() -> None:
    class SlowDisk(FakeSnapshots):
        go = threading.Event()

        def load(self, hosts: Sequence[str]) -> dict[str, HostSnapshot]:
            self.go.wait(20)
            return super().load(hosts)

    world = FakeWorld(["a"])
    world.snapshots = disk = SlowDisk()
    disk.kept["a"] = OLD

    async def slow() -> Reading:
        await asyncio.Event().wait()
        raise AssertionError

    world["a"].answers["gpus"] = slow
    async with running(world) as service:
        await service.settled(["a"], set(PARTS) - {"gpus"})
        disk.go.set()
        await eventually(lambda: service.store.host("a").stale_parts)
        view = service.store.host("a")
        assert view.stale_parts == {"gpus"}
        assert view.snapshot.environments.value == ()
        assert view.snapshot.load.value == Load(load1=0.0)


async def test_a_growing_list_is_shown_only_while_there_is_no_whole_one() -> None:
    world = FakeWorld(["a"])
    waits = [asyncio.Event(), asyncio.Event()]
    rounds = iter(waits)

    async def grows() -> Reading:
        await next(rounds).wait()
        now = world.clock.now()
        return Reading({"environments": Part((environment("x"), environment("y")), now), "installs": Part((), now)})

    world["a"].answers["inventory"] = grows
    async with running(world) as service:
        await eventually(lambda: world["a"].partial is not None and world["a"].times("inventory"))
        half: dict[str, Part[Any]] = {"environments": Part((environment("x"),), world.clock.now()), "nonsense": Part(1)}
        assert world["a"].partial is not None
        world["a"].partial(half)
        assert [env.name for env in service.store.environments()] == ["x"]
        waits[0].set()
        await service.settled(["a"], PARTS)
        assert [env.name for env in service.store.environments()] == ["x", "y"]
        service.refresh(["a"], ["environments"])
        await eventually(lambda: len(world["a"].times("inventory")) == 2)
        world["a"].partial(half)
        assert [env.name for env in service.store.environments()] == ["x", "y"]


async def test_snapshots_are_written_after_an_inventory_and_at_most_once_a_minute() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], PARTS)
        await eventually(lambda: len(world.snapshots.saves) == 1)
        for _ in range(3):
            await world.clock.advance(10)
            service.refresh(["a"], ["environments"])
        await eventually(lambda: len(world["a"].times("inventory")) == 4)
        assert len(world.snapshots.saves) == 1
        await world.clock.advance(31)
        await eventually(lambda: len(world.snapshots.saves) == 2)
        world["a"].load = 3.5
        await world.clock.advance(6)
    assert len(world.snapshots.saves) == 3
    assert world.snapshots.saves[-1].load.value == Load(load1=3.5)


async def test_nothing_is_written_at_the_end_of_a_host_that_said_nothing_new() -> None:
    world = FakeWorld(["a"])
    world.snapshots.kept["a"] = OLD
    world["a"].connects = [fault()]
    async with running(world) as service:
        await service.settled(["a"], PARTS)
    assert world.snapshots.saves == []


async def test_a_disk_that_fails_is_in_the_log_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeSnapshots):
        def load(self, hosts: Sequence[str]) -> dict[str, HostSnapshot]:
            raise OSError("no space")

        def save(self, snapshot: HostSnapshot) -> None:
            raise OSError("no space")

        def load_search(self, host: str) -> tuple[str, ...]:
            raise OSError("no space")

    world = FakeWorld(["a"])
    world.snapshots = Broken()
    async with running(world) as service:
        await service.settled(["a"], PARTS)
        await eventually(lambda: sum("kept" in record.message for record in caplog.records))
        assert service.store.host("a").state is HostState.UP
    assert any("could not be read" in record.message for record in caplog.records)


async def test_remembered_places_are_searched_again_unless_only_the_configured_ones_are() -> None:
    world = FakeWorld(["a", "b"])
    world.snapshots.places = {"a": ("/data", "/srv"), "b": ("/data",)}
    settings = Settings(
        hosts=(HostSpec("a", search=SearchPlaces(("/srv",))), HostSpec("b", search=SearchPlaces(("/x",), only=True)))
    )
    async with running(world, settings) as service:
        await service.settled(["a", "b"], PARTS)
        assert world["a"].specs[0].search == SearchPlaces(("/srv", "/data"), remembered=frozenset({"/data"}))
        assert world["b"].specs[0].search == SearchPlaces(("/x",), only=True)


async def test_what_searches_found_is_looked_at_again_at_the_next_start() -> None:
    world = FakeWorld(["a", "b"])
    world.snapshots.places = {"a": ("/data",), "b": ("/x",)}
    world.snapshots.found = {"a": ("/data/deep/e",), "b": ("/x/deep/e",)}
    settings = Settings(hosts=(HostSpec("a"), HostSpec("b", search=SearchPlaces(("/x",), only=True))))
    async with running(world, settings) as service:
        await service.settled(["a", "b"], PARTS)
        assert world["a"].specs[0].search == SearchPlaces(
            ("/data",), found=("/data/deep/e",), remembered=frozenset({"/data"})
        )
        assert world["b"].specs[0].search == SearchPlaces(("/x",), only=True, found=("/x/deep/e",))


async def test_a_new_search_of_a_place_replaces_what_was_found_below_it_and_nothing_else() -> None:
    world = FakeWorld(["a"])
    world.snapshots.places = {"a": ("/data", "/srv")}
    world.snapshots.found = {"a": ("/srv/e", "/data/gone", "/database/e")}
    async with running(world) as service:
        await service.search("a", "/data")
    assert world.snapshots.places == {"a": ("/srv", "/data")}
    assert world.snapshots.found == {"a": ("/data/found", "/srv/e", "/database/e")}


async def test_a_search_is_remembered_and_its_environments_are_in_the_store_when_it_returns() -> None:
    world = FakeWorld(["a"])
    said: list[str] = []
    async with running(world) as service:
        assert await service.search("a", "/data", said.append) == ("/data/found",)
        assert said == ["/data"]
        assert world.snapshots.places == {"a": ("/data",)}
        assert world.snapshots.found == {"a": ("/data/found",)}
        assert len(world["a"].times("inventory")) >= 1
        assert service.store.host("a").snapshot.environments.value is not None
        assert service.store.host("a").spec.search.paths == ("/data",)
        before = len(world["a"].times("inventory"))
        await service.search("a", "/data")
        assert len(world["a"].times("inventory")) == before + 1
        assert world.snapshots.places == {"a": ("/data",)}


async def test_a_search_that_cannot_be_remembered_finds_all_the_same_and_says_so() -> None:
    class Full(FakeSnapshots):
        def save_search(self, host: str, paths: Sequence[str], found: Sequence[str] = ()) -> str | None:
            return "No space left on device"

    world = FakeWorld(["a"])
    world.snapshots = Full()
    async with running(world) as service:
        assert await service.search("a", "/data\x1b") == ("/data\x1b/found",)
        notices = [event for event in world.events if isinstance(event, HostNoticed)]
        assert [(notice.host, notice.text) for notice in notices] == [
            ("a", r"/data\x1b was searched but could not be remembered: No space left on device")
        ]
        assert notices[0].text in [text for _, text in service.store.log("a")]


async def test_a_search_on_a_host_that_is_not_up_fails_with_the_hosts_fault() -> None:
    world = FakeWorld(["a"])
    world["a"].connects = [fault()]
    async with running(world) as service:
        with pytest.raises(type(fault())) as caught:
            await service.search("a", "/data")
        assert caught.value.fault.message == "it did not answer"
        assert world.snapshots.places == {}
