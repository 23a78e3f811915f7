"""A count that is cut off begins again by itself, one that is not needed is not made; who uses a cache is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.remote.shells import GNU_PATH, ShellConnection
from tests.services.fakes_services import FakeWorld, Reading, fault, running
from tests.services.test_disk_counted import ENV, TABLE, count_size
from tui.domain.cacheusers import Unseen
from tui.domain.diskplaces import DiskPlace, OwnerKind, PlaceKind
from tui.domain.disktable import DiskTable
from tui.domain.environments import Install, Manager
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.machine import Machine, Mount
from tui.domain.snapshot import Part
from tui.remote.lane import Lane
from tui.services.diskcount import BACK_S, TRIES, expected_entries
from tui.services.events import HostNoticed
from tui.services.store import DiskCount

PKGS = "/c/pkgs"
Progress = Callable[[int], None] | None


def world(pkgs: str = PKGS) -> FakeWorld:
    """A host with an install, an environment of somebody else, and a table of the environment alone."""
    made = FakeWorld(["gpu01"])
    install = Install("/c", Manager.CONDA, None, pkgs_dirs=(pkgs,))

    async def status() -> Reading:
        now = made.clock.now()
        return Reading({"machine": Part(Machine(user="ada"), now), "load": Part(None, now), "sessions": Part((), now)})

    async def mounts() -> Reading:
        return Reading({"mounts": Part((Mount("/", "/dev/sda1", "ext4"),), made.clock.now())})

    async def inventory() -> Reading:
        now = made.clock.now()
        return Reading({"installs": Part((install,), now), "environments": Part((replace(ENV, owner="eve"),), now)})

    async def disk(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        return TABLE

    made["gpu01"].answers.update(status=status, mounts=mounts, inventory=inventory)
    made["gpu01"].disk = disk
    return made


async def passing(fleet: FakeWorld, counting: asyncio.Task[DiskCount]) -> None:
    """Let time pass until *counting* has ended."""

    async def ended() -> None:
        while not counting.done():
            await fleet.clock.advance(0.5)
            await asyncio.sleep(0.001)

    await asyncio.wait_for(ended(), 30)


async def test_a_count_whose_connection_is_lost_begins_again_when_the_host_is_back() -> None:
    fleet = world()
    host, usual, seen = fleet["gpu01"], fleet["gpu01"].disk, list[int]()

    async def cut(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        host.disk = usual
        assert progress is not None
        progress(500)
        assert host.connection is not None
        host.connects = [fault(FaultKind.REFUSED)]
        host.connection.lose()
        raise fault(FaultKind.LOST)

    host.disk = cut
    async with running(fleet) as service:
        counting = asyncio.create_task(service.disk("gpu01", seen.append))
        await passing(fleet, counting)
        assert counting.result().table is TABLE
        assert len(host.tries) == 3  # refused at the first try to come back
        assert len(host.times("disk")) == 2
        assert seen == [500]
        notes = [event.text for event in fleet.events if isinstance(event, HostNoticed)]
        assert notes == ["counting the disk was cut off, and begins anew"]
        assert notes[0] in [text for _, text in service.store.log("gpu01")]


async def test_a_host_that_does_not_come_back_says_how_it_was_lost() -> None:
    fleet = world()
    host = fleet["gpu01"]

    async def cut(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        assert host.connection is not None
        host.connects = [fault(FaultKind.REFUSED) for _ in range(50)]
        host.connection.lose()
        raise fault(FaultKind.LOST, "cut in its midst")

    host.disk = cut
    async with running(fleet) as service:
        counting = asyncio.create_task(service.disk("gpu01"))
        began = fleet.clock.monotonic()
        await passing(fleet, counting)
        with pytest.raises(HostFaultError, match="cut in its midst"):
            counting.result()
        assert len(host.tries) >= 3
        assert fleet.clock.monotonic() - began >= BACK_S
        assert service.store.host("gpu01").disk is None


async def test_a_shell_that_is_ended_again_and_again_is_not_begun_for_ever() -> None:
    fleet = world()

    async def ended(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        raise fault(FaultKind.SHELL_BROKEN)

    fleet["gpu01"].disk = ended
    async with running(fleet) as service:
        counting = asyncio.create_task(service.disk("gpu01"))
        await passing(fleet, counting)
        with pytest.raises(HostFaultError) as caught:
            counting.result()
        assert caught.value.fault.kind is FaultKind.SHELL_BROKEN
        assert len(fleet["gpu01"].times("disk")) == TRIES
        assert len(fleet["gpu01"].tries) == 1


@pytest.mark.parametrize("kind", [FaultKind.TIMEOUT, FaultKind.TOOL_MISSING, FaultKind.INCOMPLETE])
async def test_what_would_fail_again_is_not_tried_again(kind: FaultKind) -> None:
    fleet = world()

    async def fails(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        raise fault(kind)

    fleet["gpu01"].disk = fails
    async with running(fleet) as service:
        counting = asyncio.create_task(service.disk("gpu01"))
        await passing(fleet, counting)
        with pytest.raises(HostFaultError):
            counting.result()
        assert len(fleet["gpu01"].times("disk")) == 1


async def test_a_host_that_does_not_say_who_uses_its_caches_has_no_unused_packages() -> None:
    fleet = world()
    async with running(fleet) as service:
        count = await asyncio.wait_for(service.disk("gpu01"), 15)
    assert [(each.path, each.unseen) for each in count.users] == [(PKGS, (Unseen.NOT_LEARNT,))]
    told = fleet["gpu01"].users
    assert told is not None
    assert (told.unseen, told.strangers) == (frozenset({PKGS}), frozenset({"/e/a"}))
    assert count.caches is None
    assert count.caches_fault is not None and count.caches_fault.kind is FaultKind.TOOL_MISSING


async def test_a_real_host_says_who_uses_a_cache_and_what_other_caches_hold(tmp_path: Path) -> None:
    pkgs = tmp_path / "pkgs"
    pkgs.mkdir(mode=0o700)
    (tmp_path / ".cache" / "pip" / "http").mkdir(parents=True)
    (tmp_path / ".cache" / "pip" / "http" / "x").write_bytes(b"x" * 9000)
    fleet = world(str(pkgs))
    connection = ShellConnection(env={"PATH": GNU_PATH, "HOME": str(tmp_path)})
    try:
        fleet["gpu01"].lanes = {kind: await Lane.open(connection, timeout=30) for kind in ("disk", "caches")}
        async with running(fleet) as service:
            count = await asyncio.wait_for(service.disk("gpu01"), 60)
    finally:
        await connection.close()
    (users,) = count.users
    assert (users.seen, users.private) == (True, True)
    told = fleet["gpu01"].users
    assert told is not None
    assert (told.unseen, told.private) == (frozenset(), frozenset({str(pkgs)}))
    assert count.caches is not None and count.caches_fault is None
    assert [item.path for item in count.caches.items if item.path.startswith(str(tmp_path))] == [
        str(tmp_path / ".cache" / "pip" / "http")
    ]


async def test_nothing_is_counted_again_while_nothing_was_installed_unless_it_is_wanted(tmp_path: Path) -> None:
    fleet = world(str(tmp_path))
    connection = ShellConnection(env={"PATH": GNU_PATH, "HOME": str(tmp_path)})
    try:
        fleet["gpu01"].lanes["disk"] = await Lane.open(connection, timeout=30)
        async with running(fleet) as service:
            first = await asyncio.wait_for(service.disk("gpu01", fresh=False), 30)
            assert first.unchanged is None
            await fleet.clock.advance(100)
            same = await asyncio.wait_for(service.disk("gpu01", fresh=False), 30)
            assert same == replace(first, unchanged=fleet.clock.now())
            assert service.store.host("gpu01").disk is same
            assert len(fleet["gpu01"].times("disk")) == 1
            (tmp_path / "cache").mkdir()
            third = await asyncio.wait_for(service.disk("gpu01", fresh=False), 30)
            assert (third.unchanged, third.time) == (None, fleet.clock.now())
            await asyncio.wait_for(service.disk("gpu01"), 30)
            assert len(fleet["gpu01"].times("disk")) == 3
    finally:
        await connection.close()


async def test_about_how_many_entries_there_are_follows_from_the_last_count() -> None:
    fleet = world()
    async with running(fleet) as service:
        await asyncio.wait_for(service.settled(["gpu01"], ["environments"]), 15)
        assert expected_entries(service.store.host("gpu01")) is None
        await asyncio.wait_for(service.disk("gpu01"), 15)
        view = service.store.host("gpu01")
        assert expected_entries(view) == 1
        environments = tuple(
            replace(env, size=replace(count_size(1.0), files=70)) for env in view.snapshot.environments.value or ()
        )
        kept = replace(view, disk=None, snapshot=replace(view.snapshot, environments=Part(environments, 1.0)))
        assert expected_entries(kept) == 70


async def test_other_environments_do_not_hang_on_a_file_system_that_does() -> None:
    fleet = world()
    hung = replace(ENV, prefix="/nas/e", fault=fault(FaultKind.TOOL_HUNG).fault)

    async def inventory() -> Reading:
        now = fleet.clock.now()
        return Reading({"installs": Part((), now), "environments": Part((ENV, hung), now)})

    async def disk(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        assert places == (DiskPlace(PlaceKind.ENVIRONMENT, ENV.prefix),)
        return TABLE

    fleet["gpu01"].answers["inventory"] = inventory
    fleet["gpu01"].disk = disk
    async with running(fleet) as service:
        count = await asyncio.wait_for(service.disk("gpu01"), 15)
        assert count.table.find(ENV.prefix, OwnerKind.ENVIRONMENT) == 0


async def test_what_was_put_aside_is_counted_by_itself(tmp_path: Path) -> None:
    root, home = tmp_path / "mc", tmp_path / "home"
    for folder in (root / "pkgs", root / "envs", home):
        folder.mkdir(parents=True)
    lies = root / ".condafleet-trash" / "20261121-120000-0123abcd"
    fleet = world(str(root / "pkgs"))
    install = Install(str(root), Manager.CONDA, None, pkgs_dirs=(str(root / "pkgs"),), envs_dirs=(str(root / "envs"),))

    async def inventory() -> Reading:
        now = fleet.clock.now()
        return Reading({"installs": Part((install,), now), "environments": Part((ENV,), now)})

    async def disk(places: Sequence[DiskPlace], progress: Progress) -> DiskTable:
        assert DiskPlace(PlaceKind.ASIDE, str(lies)) in places
        return TABLE

    fleet["gpu01"].answers["inventory"] = inventory
    fleet["gpu01"].disk = disk
    (lies / "env").mkdir(parents=True)
    connection = ShellConnection(env={"PATH": GNU_PATH, "HOME": str(home)})
    try:
        fleet["gpu01"].lanes["disk"] = await Lane.open(connection, timeout=30)
        async with running(fleet) as service:
            count = await asyncio.wait_for(service.disk("gpu01"), 30)
    finally:
        await connection.close()
    assert [each.path for each in count.asides] == [str(lies)]
