"""What marked rows come to together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.driving import front, quiet, running, until
from tests.ui.fake_fleet import GIB, environment, gpus, session, usual_fleet
from tests.ui.test_views import fleet, text
from tui.domain.diskbounds import Bound
from tui.domain.environments import DiskSize
from tui.domain.filterrows import EnvironmentRow
from tui.domain.packages import PackageManager
from tui.ui.present.sums import environments_sum, gpu_memory_sum, packages_sum, sessions_sum

ENV = replace(environment("gpu01", "a"), size=None)


def sized(total: int, bound: Bound = Bound.EXACT) -> EnvironmentRow:
    """An environment that holds so many GiB, and gives back half."""
    size = total * GIB
    return EnvironmentRow(replace(ENV, size=DiskSize(size, size // 2, size - size // 2, 9, 0.0, bound)))


UNREAD = replace(ENV, host="gpu02", packages_known=False)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([EnvironmentRow(ENV)], "5 packages, on 1 host"),
        ([EnvironmentRow(ENV), EnvironmentRow(UNREAD)], "5 packages (1 not read), on 2 hosts"),
        ([EnvironmentRow(UNREAD)], "on 1 host"),
        ([sized(5, Bound.AT_MOST)], "5 packages, frees ≤2.5G of 5.0G, on 1 host"),
        (
            [sized(5), sized(1), EnvironmentRow(ENV)],
            "15 packages, frees ≥3.0G of at most 6.0G (1 not counted), on 1 host",
        ),
        ([sized(5), sized(1, Bound.BETWEEN)], "10 packages, frees ~3.0G of at most 6.0G, on 1 host"),
        ([], "on 0 hosts"),
    ],
)
def test_environments_come_to_packages_bytes_and_hosts(rows: list[EnvironmentRow], said: str) -> None:
    assert environments_sum(rows) == said


def test_what_no_gpu_tells_is_not_summed() -> None:
    assert gpu_memory_sum(gpus("gpu01", 0.0, 0.0)) == "160G of 160G GPU memory free"
    assert gpu_memory_sum(replace(gpu, memory_used_bytes=None) for gpu in gpus("gpu01", 50.0)) == ""
    assert gpu_memory_sum(()) == ""


def test_sessions_and_packages_are_counted_by_what_they_have() -> None:
    assert sessions_sum([session("gpu01", "a"), session("gpu02", "b")]) == "2 windows, on 2 hosts"
    assert packages_sum([PackageManager.PIP, PackageManager.CONDA, PackageManager.PIP]) == "1 by conda, 2 by pip"


async def test_marked_environments_are_summed_hidden_ones_too() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "asterisk")
        await until(pilot, lambda: "6 marked, 11 packages, on 3 hosts" in text(app))
        await pilot.press("slash", *"host:beta", "enter")
        await until(pilot, lambda: "6 marked, 4 of them hidden by the filter, 11 packages, on 3 hosts" in text(app))


async def test_marked_hosts_are_summed_by_their_gpus() -> None:
    async with running(usual_fleet(), (120, 30)) as (app, pilot):
        await pilot.press("space", "space")
        await until(pilot, lambda: "2 marked, 1 of 7 GPUs idle" in text(app))
        await quiet(pilot)
        assert "287G of 560G GPU memory free, 10 environments" in text(app)


async def test_marked_packages_are_summed_by_who_put_them_there() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "p")
        await until(pilot, lambda: front(app).MODE == "packages")
        await pilot.press("asterisk")
        await until(pilot, lambda: "3 marked, 2 by conda, 1 by pip" in text(app))
