"""The Disk mode: hosts are counted when somebody wants it, marks come to exact bytes, what may not go says why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.fake_fleet import GIB, FakeFleet, environment, usual_fleet
from tests.ui.test_pictures import SnapCompare, sizes
from tests.ui.test_views import text
from tui.domain.caches import CacheItem, CacheKind, Caches
from tui.domain.changes import Concern, ConcernKind
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.disktable import Device, DiskTable, Owner, OwnerState, Row
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Mount
from tui.domain.planitems import HostTables, ItemKind
from tui.domain.planreport import PlanReport, Removed
from tui.domain.plans import Outlook, Plan, Refusal, outlook
from tui.domain.snapshot import Part
from tui.services.plans import ReadyPlan
from tui.services.store import HostView
from tui.storage.planfiles import read_plan
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.plan import PlanDialog

NOW = 1.7e9
CACHE = "/opt/conda/pkgs"
WHISPER = "/home/ada/.cache/whisper"


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


class FakePlans:
    """Makes plans ready from what was counted, and runs them in no time."""

    def __init__(self) -> None:
        self.ran: list[Plan] = []
        self.refuse = False
        self.accepted: dict[Any, Any] = {}

    async def ready(self, plan: Plan, *, accepted: Any = None, counted: Any = None) -> ReadyPlan:
        self.accepted = dict(accepted or {})
        others = (CacheItem(CacheKind.OTHER, WHISPER, "ada", GIB, GIB, GIB, 5),)
        tables = {
            host: HostTables(host, table(), NOW, caches=others, account="ada", home="/home/ada") for host in plan.hosts
        }
        found = outlook(plan.items, tables, self.accepted)
        if self.refuse:
            against = (Concern.of(ConcernKind.TOOL_RUNS, "A conda holds a lock in it."),)
            hosts = tuple(replace(each, items=(), mounts=(), refused=tuple(
                Refusal(item, against) for item in each.items)) for each in found.hosts)  # fmt: skip
            found = Outlook(hosts)
        return ReadyPlan(plan, tables, found, accepted=self.accepted)

    async def run(self, ready: ReadyPlan) -> PlanReport:
        self.ran.append(ready.plan)
        hosts = [
            replace(each, removed=tuple(Removed(item, True) for item in each.outlook.items))
            for each in ready.report.hosts
        ]
        return replace(ready.report, hosts=tuple(hosts), ran=NOW)


class Counted(FakeFleet):
    """A fleet whose hosts can be counted."""

    desk: FakePlans | None = None
    fault: Fault | None = None
    gate: asyncio.Event | None = None
    whisper = False
    """Something lies in ``~/.cache`` that no tool known here put there."""

    @property
    def plans(self) -> Any:
        assert self.desk is not None
        return self.desk

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = False) -> DiskCount:
        if progress is not None:
            progress(12_345)
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise HostFaultError(self.fault)
        item = CacheItem(CacheKind.OTHER, WHISPER, "ada", GIB, GIB, GIB, 5, NOW - 40 * 86400)
        count = DiskCount(table(), NOW, caches=Caches((item,)) if self.whisper else None)
        self.store.set_disk(host, count, {})
        return count


def counted() -> Counted:
    made = usual_fleet()
    made.__class__ = Counted
    assert isinstance(made, Counted)
    made.desk = FakePlans()
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
        await until(pilot, lambda: "n counts it" in text(app))
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
        name = host(app.fleet).name  # type: ignore[arg-type]  # a part of it
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


async def test_what_is_marked_goes_when_the_person_says_so_and_not_before() -> None:
    fleet = counted()
    assert fleet.desk is not None
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        name = fleet.store.hosts()[0].name
        tarballs = (name, ItemKind.TARBALLS, CACHE)
        front(app).marks.add([tarballs])
        await pilot.press("delete")
        await until(pilot, lambda: "Let 1 thing go" in text(app) and focused(app) == "cancel")
        await pilot.press("enter")
        await quiet(pilot)
        assert not fleet.desk.ran
        await pilot.press("delete")
        await until(pilot, lambda: focused(app) == "cancel")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "The plan is done" in text(app))
        assert [item.key for item in fleet.desk.ran[0].items] == [tarballs]
        await pilot.press("escape")
        await until(pilot, lambda: tarballs not in front(app).marks)


async def test_a_row_that_the_filter_hides_is_named_among_what_goes() -> None:
    fleet = counted()
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        front(app).marks.add([(fleet.store.hosts()[0].name, ItemKind.TARBALLS, CACHE)])
        await pilot.press("slash", *"what:environment", "enter")
        await until(pilot, lambda: "hidden by the filter" in text(app))
        await pilot.press("delete")
        await until(pilot, lambda: "Let 1 thing go" in text(app))
        assert "hidden by the filter" in text(app)


async def test_what_is_refused_asks_for_nothing_and_says_why() -> None:
    fleet = counted()
    assert fleet.desk is not None
    fleet.desk.refuse = True
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        front(app).marks.add([(fleet.store.hosts()[0].name, ItemKind.TARBALLS, CACHE)])
        await pilot.press("delete")
        await until(pilot, lambda: "Nothing of it can go" in text(app) and "A conda holds a lock in it." in text(app))
        assert not fleet.desk.ran


async def test_what_nobody_knows_goes_by_its_name_alone() -> None:
    fleet = counted()
    fleet.whisper = True
    assert fleet.desk is not None
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "other cache …/.cache/whisper" in text(app))
        name = fleet.store.hosts()[0].name
        other, tarballs = (name, ItemKind.OTHER, WHISPER), (name, ItemKind.TARBALLS, CACHE)
        front(app).marks.add([other, tarballs])
        await pilot.press("delete")
        await until(pilot, lambda: "Let 1 thing go  frees 3.0G" in text(app) and focused(app) == "cancel")
        assert "Type whisper to do it in spite of that" in " ".join(text(app).split())
        app.screen.set_focus(app.screen.query_one("#name-0"))
        await pilot.press(*"whispe")
        assert "Let 1 thing go" in text(app)
        await pilot.press("r")
        await until(pilot, lambda: "Let 2 things go  frees 4.0G" in text(app))
        await pilot.press("enter")
        assert not fleet.desk.ran, "Enter in the field starts nothing"
        app.screen.set_focus(app.screen.query_one("#go"))
        await pilot.press("enter")
        await until(pilot, lambda: "The plan is done" in text(app))
        assert fleet.desk.accepted == {other: {ConcernKind.UNOWNED}}
        assert {item.key for item in fleet.desk.ran[0].items} == {other, tarballs}


async def test_alone_and_not_named_it_stays() -> None:
    fleet = counted()
    fleet.whisper = True
    assert fleet.desk is not None
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "other cache" in text(app))
        front(app).marks.add([(fleet.store.hosts()[0].name, ItemKind.OTHER, WHISPER)])
        await pilot.press("delete")
        await until(pilot, lambda: isinstance(app.screen, PlanDialog))
        assert app.screen.query_one("#go").disabled
        await pilot.press("enter")
        await quiet(pilot)
        assert not fleet.desk.ran and not isinstance(app.screen, PlanDialog)


async def test_a_plan_is_saved_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fleet = counted()
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        front(app).marks.add([(fleet.store.hosts()[0].name, ItemKind.TARBALLS, CACHE)])
        await pilot.press("w")
        await until(pilot, lambda: any(tmp_path.iterdir()))
    (file,) = list(tmp_path.glob("*"))  # noqa: ASYNC240 # one name
    plan, views = read_plan(file), fleet.store.hosts()
    assert plan.items[0].path == CACHE
    assert [each.host for each in plan.missed] == [view.name for view in views[1:]]
    down = {view.name: view.fault.kind.value for view in views if view.fault is not None}
    assert {each.host: each.kind for each in plan.missed if each.kind != "not_counted"} == down != {}


async def test_what_would_go_says_which_hosts_were_not_looked_at() -> None:
    fleet = counted()
    async with running(fleet, (120, 40)) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        front(app).marks.add([(fleet.store.hosts()[0].name, ItemKind.TARBALLS, CACHE)])
        await pilot.press("delete")
        number = len(fleet.store.hosts()) - 1
        await until(pilot, lambda: f"{number} hosts were not looked at" in text(app) and "not counted" in text(app))


async def test_with_readonly_nothing_can_be_let_go() -> None:
    fleet = counted()
    async with running(fleet, (120, 40), readonly=True) as (app, pilot):
        await pilot.press("3", "n")
        await until(pilot, lambda: "tarballs" in text(app))
        front(app).marks.add([(fleet.store.hosts()[0].name, ItemKind.TARBALLS, CACHE)])
        await pilot.press("delete")
        await quiet(pilot)
        assert len(app.screen_stack) == 1
        assert "Let go" not in text(app)


def counted_and_marked(*keys: str) -> Callable[[Pilot[int]], Awaitable[None]]:
    """All hosts counted, then these keys."""

    async def press(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, CondafleetApp)
        await quiet(pilot)
        await pilot.press("3", "asterisk", "n")
        views = app.fleet.store.hosts
        await until(pilot, lambda: all(app.disks.get(view) is not None for view in views()))
        await pilot.press("u", "i", "g")
        await quiet(pilot)
        # A dialog would leave those below it as they are.
        app.clear_notifications()
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
        if "delete" in keys:
            await until(pilot, lambda: isinstance(app.screen, PlanDialog))
            await pilot.pause()
        else:
            await quiet(pilot)
        app.clear_notifications()
        await pilot.pause()

    return press


@sizes
def test_disks_look_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    made = CondafleetApp(counted(), now=lambda: NOW + 60)
    assert snap_compare(made, terminal_size=size, run_before=counted_and_marked())


@sizes
def test_a_plan_looks_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    made = CondafleetApp(counted(), now=lambda: NOW + 60)
    assert snap_compare(made, terminal_size=size, run_before=counted_and_marked("delete"))
