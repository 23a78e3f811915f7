"""The Disk mode: hosts are counted when somebody wants it, marks come to exact bytes, what may not go says why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from tests.ui.driving import front, quiet, running, until
from tests.ui.fake_fleet import GIB, FakeFleet, environment, usual_fleet
from tests.ui.test_views import text
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.disktable import Device, DiskTable, Owner, OwnerState, Row
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Mount
from tui.domain.snapshot import Part
from tui.services.store import HostView

NOW = 1.7e9
CACHE = "/opt/conda/pkgs"


def bit(*numbers: int) -> int:
    return sum(1 << (number + 1) for number in numbers)


def table() -> DiskTable:
    """Two environments that share 2 GiB with each other and 1 GiB with the cache; tarballs of 3 GiB."""
    environments = [Owner(OwnerKind.ENVIRONMENT, f"/envs/{name}", OwnerState.READ, 0) for name in ("old", "busy")]
    parts = [Owner(kind, CACHE, OwnerState.READ, 0) for kind in CACHE_PARTS]
    rows = (
        Row(bit(0), 0, 4 * GIB, 100),
        Row(bit(0, 1), 0, 2 * GIB, 50),
        Row(bit(1), 0, 1 * GIB, 10),
        Row(bit(0, 1, 3), bit(0, 1), 1 * GIB, 40),
        Row(bit(2), 0, 3 * GIB, 3),
    )
    return DiskTable((Device("8:1", "/data", "ext4"),), (*environments, *parts), rows)


class Counted(FakeFleet):
    """A fleet whose hosts can be counted."""

    fault: Fault | None = None
    gate: asyncio.Event | None = None

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = False) -> DiskCount:
        if progress is not None:
            progress(12_345)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise HostFaultError(self.fault)
        count = DiskCount(table(), NOW)
        self.store.set_disk(host, count, {})
        return count


def counted() -> Counted:
    made = usual_fleet()
    made.__class__ = Counted
    assert isinstance(made, Counted)
    for view in made.store.hosts():
        old = replace(environment(view.name, "old"), prefix="/envs/old", last_used=NOW - 300 * 86400)
        busy = replace(environment(view.name, "busy"), prefix="/envs/busy", in_use=())
        data = Mount("/data", "/dev/sdb1", "ext4", 100 * GIB, 90 * GIB, 10 * GIB)
        made.put(view.name, environments=Part((old, busy), NOW), mounts=Part((data,), NOW))
    return made


def host(fleet: FakeFleet) -> HostView:
    return fleet.store.hosts()[0]


async def test_a_host_is_counted_when_somebody_wants_it_and_says_how_far_it_is() -> None:
    fleet = counted()
    fleet.gate = asyncio.Event()
    async with running(fleet, (120, 30)) as (app, pilot):
        await pilot.press("3")
        await until(pilot, lambda: "not counted yet" in text(app))
        await pilot.press("n")
        await until(pilot, lambda: "12,345 files so far" in text(app))
        fleet.gate.set()
        await until(pilot, lambda: "tarballs" in text(app))
        assert host(fleet).disk is not None


async def test_marks_come_to_what_they_give_back_together_not_to_a_sum() -> None:
    async with running(counted(), (120, 30)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        screen = front(app)
        name = host(app.fleet).name  # type: ignore[arg-type]
        keys = [key for key in screen.shown_keys() if isinstance(key, tuple) and key[0] == name and len(key) == 3]
        screen.marks.add([key for key in keys if key[2].startswith("/envs/")])
        screen.show_around()
        await quiet(pilot)
        # Alone they give back 4 and 1 GiB; together what they share with each other, too, but not the cache's.
        await until(pilot, lambda: "frees 7.0G together" in text(app))
        assert "/data from 90% to 83% full" in text(app)


async def test_what_is_suggested_is_marked_with_one_key() -> None:
    async with running(counted(), (160, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        await pilot.press("i")
        await until(pilot, lambda: "marked" in text(app))
        assert len(front(app).marks) >= 1
        assert all(key[2] != "/envs/busy" for key in front(app).marks if isinstance(key, tuple))


async def test_a_count_that_fails_says_why_in_its_row_and_in_the_detail() -> None:
    fleet = counted()
    fleet.fault = Fault(FaultKind.TOOL_MISSING, "It has no find: true sizes cannot be counted.", "Install findutils.")
    async with running(fleet, (160, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "Install findutils." in text(app))
