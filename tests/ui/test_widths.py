"""What the columns get: a table of healthy hosts spends no room on states."""

from __future__ import annotations

import pytest

from tests.ui.driving import front, line, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, fault, fill, up_snapshot, usual_fleet
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.ui.present.cell import width
from tui.ui.present.faults import state_cell, state_width


def healthy() -> FakeFleet:
    fleet = FakeFleet(map(HostSpec, ("gpu01", "gpu02", "cpu01")))
    for number, view in enumerate(fleet.store.hosts()):
        fleet.state(view.name, HostState.UP)
        fill(fleet, up_snapshot(view.name, number % 2))
    return fleet


async def test_healthy_hosts_leave_the_room_to_their_load_at_80_columns() -> None:
    async with running(healthy(), (80, 24)) as (app, _):
        assert all(title in line(app, 0) for title in ("Disk", "GPUs busy", "Envs", "Load", "Memory"))
        assert "●" in line(app, 1)


async def test_healthy_hosts_leave_the_room_to_their_log_at_80_columns() -> None:
    async with running(healthy(), (80, 24)) as (app, pilot):
        await pilot.press("6")
        await quiet(pilot)
        assert "Last in the log" in line(app, 0)


async def test_a_broken_hosts_reason_and_next_try_are_read_in_full_beside_disk_and_gpus_at_80_columns() -> None:
    fleet = healthy()
    fleet.state("gpu02", HostState.WAITING, fault(FaultKind.TIMEOUT, "no answer", retry_at=NOW + 42))
    async with running(fleet, (80, 24)) as (app, pilot):
        await until(pilot, lambda: "no answer, again in 42s" in line(app, 2))
        assert all(title in line(app, 0) for title in ("Disk", "GPUs busy", "Envs"))
        assert len(front(app).grid.rows) == 3


@pytest.mark.parametrize("seconds", [0, 1, 9, 42, 59, 60, 3000])
def test_a_state_is_never_wider_than_it_was_measured(seconds: int) -> None:
    fleet = usual_fleet()
    fleet.state("gpu01", HostState.WAITING, fault(FaultKind.LOST, "gone", retry_at=NOW + seconds))
    for view in fleet.store.hosts():
        assert width(state_cell(view, NOW)) <= state_width(view)
