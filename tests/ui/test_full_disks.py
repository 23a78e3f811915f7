"""A full disk is told of from the first moment on, and no figure changes its meaning."""

from __future__ import annotations

from tests.ui.driving import front, line, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, environment
from tui.domain.environments import Environment, Install, Manager
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Mount
from tui.domain.snapshot import Part
from tui.ui.app import CondafleetApp
from tui.ui.present.cell import CUT

PLACE = "/dev/shm/some-very-long/way/down/to/ada"


def disk(path: str, used: int, size: int = 1000) -> Mount:
    return Mount(path, "/dev/x", "ext4", size << 30, (used * size // 100) << 30, ((100 - used) * size // 100) << 30)


def fleet(*more: Mount) -> FakeFleet:
    made = FakeFleet([HostSpec("cpu01")])
    made.state("cpu01", HostState.UP)
    made.put("cpu01", mounts=Part((disk("/", 97), disk(PLACE, 49), *more), NOW))
    return made


def inventory(made: FakeFleet, *environments: Environment, root: str = f"{PLACE}/conda") -> None:
    install = Install(root, Manager.CONDA, "26.7.1", envs_dirs=(f"{root}/envs",))
    made.put("cpu01", installs=Part((install,), NOW), environments=Part(environments, NOW))


def shown(app: CondafleetApp) -> str:
    return front(app).detail.text


async def test_the_disk_column_waits_for_the_inventory_and_the_full_disk_is_told_of_throughout() -> None:
    made = fleet()
    async with running(made, (80, 24)) as (app, pilot):
        assert "● up, / 97% full" in line(app, 1)
        assert "97%" not in line(app, 1).replace("/ 97% full", "")
        inventory(made, environment("cpu01", "etl", prefix=f"{PLACE}/conda/envs/etl"))
        await until(pilot, lambda: "49%" in line(app, 1))
        assert "● up, / 97% full" in line(app, 1)
        for words in ("disk>90", "full"):
            front(app).filter_bar_set(words)
            await until(pilot, lambda words=words: front(app).drawn_for == words)  # type: ignore[misc]  # mypy infers none
            await quiet(pilot)
            assert [row.key for row in front(app).grid.rows] == ["cpu01"]


async def test_several_full_disks_are_counted_and_a_long_path_keeps_its_end() -> None:
    made = fleet(disk("/scratch", 91))
    async with running(made, (80, 24)) as (app, pilot):
        assert "● up, 2 disks nearly full" in line(app, 1)
        made.put("cpu01", mounts=Part((disk(PLACE, 97),), NOW))
        await until(pilot, lambda: "/to/ada 97% full" in line(app, 1))


async def test_the_detail_lists_all_disks() -> None:
    made = fleet()
    async with running(made, (200, 50)) as (app, pilot):
        await until(pilot, lambda: "Disks (which hold conda is not known yet)" in shown(app))
        inventory(made)
        await until(pilot, lambda: "Other disks" in shown(app))
        text = shown(app)
        conda, other = text.split("Other disks")
        assert "Disks that hold conda" in conda
        assert PLACE in conda.replace("\n", "")
        assert "97% " in other


async def test_what_of_the_mount_does_not_fit_is_its_beginning() -> None:
    made = fleet()
    inventory(made)
    async with running(made, (200, 50)) as (app, _):
        assert "510G free on " + CUT in line(app, 1)
        assert "down/to/ada" in line(app, 1)


async def test_a_host_without_conda_says_so() -> None:
    made = fleet()
    made.put("cpu01", installs=Part((), NOW), environments=Part((), NOW))
    async with running(made, (200, 50)) as (app, _):
        assert "no conda" in line(app, 1)


async def test_the_head_of_a_group_keeps_its_count_and_the_end_of_its_path() -> None:
    root = f"/{'x' * 90}/opt/miniconda3"
    made = fleet()
    inventory(made, environment("cpu01", "etl", prefix=f"{root}/envs/etl", install=root), root=root)
    async with running(made, (80, 24)) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        front(app).action_group()
        await until(pilot, lambda: "1 environment" in line(app, 1))
        assert "opt/miniconda3 on cpu01" in " ".join(line(app, 1).split())
        assert CUT in line(app, 1)
