"""What is said in a few columns can be read: bars of GPUs, letters of the matrix and their legend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.driving import front, line, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, environment, fault, gpus
from tests.ui.test_views import text
from tui.domain.environments import Environment
from tui.domain.faults import FaultKind
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec, HostState
from tui.domain.packages import EMPTY_SET
from tui.domain.snapshot import HostSnapshot, Part
from tui.ui.present.cell import plain
from tui.ui.present.hosts import gpu_cell


def sliced(*all_gpus: Gpu) -> tuple[Gpu, ...]:
    return (replace(all_gpus[0], mig=True, util_pct=None), *all_gpus[1:])


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (gpus("a", 0.0, 100.0), "▁█ 1/2"),
        (sliced(*gpus("a", 0.0, 100.0)), "·█ 1/2 MIG"),
        (gpus("a", None), "· 0/1"),
        (gpus("a", *[50.0] * 20), "▅" * 16 + " 20/20"),
        ((), "none"),
    ],
)
def test_gpus_are_bars_with_a_dot_for_what_nobody_knows(known: tuple[Gpu, ...], said: str) -> None:
    assert plain(gpu_cell(HostSnapshot("a", gpus=Part(known, NOW)))) == said


def wide_fleet(hosts: int = 60) -> FakeFleet:
    """Names that differ everywhere, one half-made."""
    made = FakeFleet(HostSpec(f"h{number:02}") for number in range(hosts))
    half = fault(FaultKind.INCOMPLETE, "It has no history.")
    for number, view in enumerate(made.store.hosts()):
        members: list[Environment] = [environment(view.name, f"env{each:03}", number + each) for each in range(120)]
        members.append(environment(view.name, "a-same"))
        if number == 1:
            members[-1] = replace(members[-1], fault=half, packages=EMPTY_SET)
        made.state(view.name, HostState.UP)
        made.put(view.name, environments=Part(tuple(members), NOW))
    return made


@pytest.mark.parametrize("columns", [80, 200])
async def test_the_legend_of_the_matrix_is_whole_and_what_is_broken_is_no_green_letter(columns: int) -> None:
    async with running(wide_fleet(), (columns, 24)) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: front(app).MODE == "matrix" and bool(front(app).grid.rows))
        await quiet(pilot)
        status = text(app).splitlines()[-2]
        assert "more: ← →" in status and "121 differ" in status
        assert ("! broken" if columns == 80 else "!: half-made, or gone") in status
        await pilot.press("slash", *"a-same", "enter")
        await until(pilot, lambda: len(front(app).grid.rows) == 1)
        await quiet(pilot)
        assert line(app, 1).split()[1:4] == ["1", "broken,", "60"]
        assert line(app, 1).split()[5:8] == ["A", "!", "A"]
