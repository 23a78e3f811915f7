"""A disk is counted when somebody wants it; its sizes stay with the environments and are kept with their age."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.services.fakes_services import FakeSnapshots, FakeWorld, Reading, fault, running
from tests.services.test_living_fleet import plant, start
from tui.cli.jsonview import environment_json
from tui.domain.diskplaces import DiskPlace, OwnerKind, PlaceKind
from tui.domain.disktable import Device, DiskTable, Owner, Row
from tui.domain.environments import DiskSize, Environment, EnvKind, Manager
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import LOCAL, HostSpec, SearchPlaces
from tui.domain.packages import PackageInterner
from tui.domain.snapshot import HostSnapshot, Part
from tui.services.engine import FleetService
from tui.services.events import SnapshotChanged
from tui.services.keeper import SAVE_EVERY_S
from tui.storage.codec import decode_snapshot, encode_snapshot

ENV = Environment("gpu01", "/e/a", "a", EnvKind.NAMED, None, Manager.CONDA)
TABLE = DiskTable((Device("1", "/", "ext4"),), (Owner(OwnerKind.ENVIRONMENT, "/e/a", device=0),), (Row(2, 0, 8, 1),))


def world(*environments: Environment) -> FakeWorld:
    """A host with these environments, whose disk has TABLE."""
    made = FakeWorld(["gpu01"])
    found = environments or (ENV,)

    async def inventory() -> Reading:
        now = made.clock.now()
        return Reading({"installs": Part((), now), "environments": Part(found, now)})

    async def disk(places: Sequence[DiskPlace], progress: Callable[[int], None] | None) -> DiskTable:
        assert places == (DiskPlace(PlaceKind.ENVIRONMENT, "/e/a"),)
        if progress is not None:
            progress(7)
        return TABLE

    made["gpu01"].answers["inventory"] = inventory
    made["gpu01"].disk = disk
    return made


def sizes(service: FleetService) -> list[DiskSize | None]:
    return [env.size for env in service.store.environments()]


async def test_the_table_is_kept_beside_the_inventory_with_its_time() -> None:
    fleet, seen = world(), list[int]()
    async with running(fleet) as service:
        count = await asyncio.wait_for(service.disk("gpu01", seen.append), 15)
        assert count.table is TABLE
        assert service.store.host("gpu01").disk is count
        assert seen == [7]
        assert (count.entries, count.caches, count.users) == (7, None, ())
        assert sizes(service) == [DiskSize(8, 8, 0, 1, count.time)]
        assert SnapshotChanged("gpu01", count.time, frozenset({"environments"})) in fleet.events
        # What is there was looked at after the count was wanted, and before it.
        asked = [what for _, what in fleet["gpu01"].asked]
        assert asked.index("inventory") < asked.index("disk")
    assert [env.size for env in fleet.snapshots.saves[-1].environments.value or ()] == [count_size(count.time)]


async def test_sizes_are_kept_while_the_program_goes_on() -> None:
    fleet = world()
    usual = fleet["gpu01"].disk

    async def long(places: Sequence[DiskPlace], progress: Callable[[int], None] | None) -> DiskTable:
        # The inventory before it is kept by now, and marks nothing any more.
        await eventually(lambda: bool(fleet.snapshots.saves))
        return await usual(places, progress)

    fleet["gpu01"].disk = long
    async with running(fleet) as service:
        await asyncio.wait_for(service.disk("gpu01"), 15)
        saves = len(fleet.snapshots.saves)
        asked = len(fleet["gpu01"].times("inventory"))
        await fleet.clock.advance(SAVE_EVERY_S)
        await eventually(lambda: len(fleet.snapshots.saves) > saves)
        assert fleet.snapshots.saves[-1].environments.value == service.store.environments()
        assert len(fleet["gpu01"].times("inventory")) == asked


def count_size(time: float) -> DiskSize:
    return DiskSize(8, 8, 0, 1, time)


async def test_later_inventories_leave_the_sizes_and_the_list_as_they_are() -> None:
    fleet = world()
    async with running(fleet) as service:
        await asyncio.wait_for(service.disk("gpu01"), 15)
        joined = service.store.environments()
        before = len(fleet["gpu01"].times("inventory"))
        service.refresh(["gpu01"], ["environments"])
        await eventually(lambda: len(fleet["gpu01"].times("inventory")) > before)
        await asyncio.wait_for(service.settled(["gpu01"], ["environments"]), 15)
        assert service.store.environments() is joined
        assert sizes(service) != [None]


async def test_a_kept_size_shows_its_age_and_no_table() -> None:
    fleet = world()
    old = HostSnapshot("gpu01", environments=Part((replace(ENV, size=count_size(5.0)),), 5.0))
    fleet.snapshots.kept["gpu01"] = decode_snapshot(json.loads(json.dumps(encode_snapshot(old))), PackageInterner())
    async with running(fleet) as service:
        service.refresh(["gpu01"], ["environments"])
        await eventually(lambda: "environments" not in service.store.host("gpu01").stale_parts)
        assert sizes(service) == [count_size(5.0)]
        assert service.store.host("gpu01").disk is None
        shown = environment_json(service.store.environments()[0])
        assert shown["total_bytes"] == shown["exclusive_bytes"] == 8
        assert (shown["shared_bytes"], shown["files"], shown["size_bound"]) == (0, 1, "exact")
        assert shown["size_time"] == "1970-01-01T00:00:05Z"


async def test_a_count_that_fails_leaves_what_was_known() -> None:
    fleet = world()
    async with running(fleet) as service:
        first = await asyncio.wait_for(service.disk("gpu01"), 15)

        async def missing(places: Sequence[DiskPlace], progress: Callable[[int], None] | None) -> DiskTable:
            raise fault(FaultKind.TOOL_MISSING)

        fleet["gpu01"].disk = missing
        with pytest.raises(HostFaultError) as caught:
            await asyncio.wait_for(service.disk("gpu01"), 15)
        assert caught.value.fault.kind is FaultKind.TOOL_MISSING
        assert service.store.host("gpu01").disk is first
        assert sizes(service) == [count_size(first.time)]


async def test_nothing_is_counted_over_a_list_that_is_old() -> None:
    fleet = world()
    fleet.snapshots.kept["gpu01"] = HostSnapshot("gpu01", environments=Part((ENV,), 5.0), stale=True)
    denied = Fault(FaultKind.PERMISSION, "no", "")

    async def inventory() -> Reading:
        return Reading({"installs": Part(None, None, denied), "environments": Part(None, None, denied)})

    fleet["gpu01"].answers["inventory"] = inventory
    async with running(fleet) as service:
        with pytest.raises(HostFaultError) as caught:
            await asyncio.wait_for(service.disk("gpu01"), 15)
        assert caught.value.fault == denied
        assert fleet["gpu01"].times("disk") == []


async def test_counts_of_one_host_take_turns_and_one_that_is_cancelled_makes_way() -> None:
    fleet = world()
    async with running(fleet) as service:
        began, usual = asyncio.Event(), fleet["gpu01"].disk

        async def hangs(places: Sequence[DiskPlace], progress: Callable[[int], None] | None) -> DiskTable:
            fleet["gpu01"].disk = usual
            began.set()
            await asyncio.Event().wait()
            raise AssertionError

        fleet["gpu01"].disk = hangs
        first = asyncio.create_task(service.disk("gpu01"))
        await asyncio.wait_for(began.wait(), 15)
        second = asyncio.create_task(service.disk("gpu01"))
        first.cancel()
        assert (await asyncio.wait_for(second, 15)).table is TABLE
        assert len(fleet["gpu01"].times("disk")) == 2
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_host_that_is_down_says_why_instead() -> None:
    fleet = world()
    fleet["gpu01"].connects = [fault(FaultKind.REFUSED, "gpu01 refused the connection")]
    async with running(fleet) as service:
        with pytest.raises(HostFaultError) as caught:
            await asyncio.wait_for(service.disk("gpu01"), 15)
        assert caught.value.fault.kind is FaultKind.REFUSED


def blocks(*tops: Path) -> dict[tuple[int, int], int]:
    """Every inode below *tops*, with its bytes on the disk."""
    paths = [Path(folder) / name for top in tops for folder, _, names in os.walk(top) for name in (".", *names)]
    return {(found.st_dev, found.st_ino): found.st_blocks * 512 for found in map(os.lstat, paths)}


async def test_the_sizes_of_real_environments_are_those_of_their_files(tmp_path: Path) -> None:
    prefixes = [tmp_path / "envs" / name for name in ("训练 [cu118]", "b")]
    for prefix in prefixes:
        plant(prefix)
        (prefix / "own").write_bytes(b"x" * 70_000)
    (prefixes[0] / "both").write_bytes(b"y" * 90_000)
    os.link(prefixes[0] / "both", prefixes[1] / "both")
    os.link(prefixes[0] / "own", tmp_path / "outside")
    snapshots = FakeSnapshots()
    service = await start(HostSpec(LOCAL, search=SearchPlaces((str(tmp_path / "envs"),), only=True)), snapshots)
    try:
        count = await asyncio.wait_for(service.disk(LOCAL), 60)
    finally:
        await service.close()
    found = {env.prefix: env.size for env in service.store.environments()}
    linked = (tmp_path / "outside").stat()
    for mine, other in (prefixes, reversed(prefixes)):
        held = blocks(mine)
        alone = {key: size for key, size in held.items() if key not in blocks(other)}
        alone.pop((linked.st_dev, linked.st_ino), None)
        size = found[str(mine)]
        assert size is not None
        assert (size.total_bytes, size.exclusive_bytes) == (sum(held.values()), sum(alone.values()))
        assert (size.shared_bytes, size.files) == (sum(held.values()) - sum(alone.values()), len(held))
        assert size.time == count.time
    assert [env.size for env in snapshots.saves[-1].environments.value or ()] == list(found.values())
