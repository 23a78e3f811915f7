"""Plans made, checked again and run over real programs: what came free is what was said."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.remote.disktrees import Slow, Tree
from tests.remote.loopdisk import free, mounted_ext4
from tests.remote.taskhost import PATIENCE_S, TaskHost
from tests.services.planfleet import PlanHost, RealClock
from tui.domain.changes import NAMED, Change, ChangeKind, ConcernKind, Prepared
from tui.domain.diskbounds import Reason
from tui.domain.diskplaces import OwnerKind
from tui.domain.disktable import Device, DiskTable, Owner, Row
from tui.domain.planitems import DEFAULT_KINDS, PACKAGE_CACHE, HostTables, Item, ItemKind
from tui.domain.planreport import markdown
from tui.domain.plans import Difference, Plan
from tui.domain.tasks import TaskState
from tui.services.plans import PlanDesk

KINDS = {kind.owner: kind for kind in ItemKind if kind.owner is not OwnerKind.OTHER}


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[TaskHost]:
    host = TaskHost(tmp_path / "home")
    yield host
    await host.close()


def desk_of(fleet: PlanHost) -> PlanDesk:
    return PlanDesk(fleet, RealClock(), "ada@laptop")  # type: ignore[arg-type]  # a part of it


async def counted(desk: PlanDesk) -> HostTables:
    tables, faults = await desk.count(["gpu01"])
    assert not faults
    return tables["gpu01"]


def plan_of(*items: Item | None, **fields: object) -> Plan:
    return replace(Plan(tuple(item for item in items if item), time.time(), "ada@laptop"), **fields)  # type: ignore[arg-type]  # by name


@pytest.mark.timeout(400)
@pytest.mark.parametrize("block", ["1024", "4096"])
async def test_a_plan_frees_what_it_said_to_the_block(host: TaskHost, tmp_path: Path, block: str) -> None:
    with mounted_ext4(tmp_path, block) as mount:
        for seed in range(10, 14):
            tree = Tree(mount / "tree", seed)
            desk, chance = desk_of(PlanHost.of(tree, host)), random.Random(seed)
            known = await counted(desk)
            owners = [(kind, path) for kind, path in tree.owners() if kind in KINDS]
            chosen = chance.sample(owners, chance.randrange(1, 9))
            items = [known.item(KINDS[kind], str(path)) for kind, path in chosen]
            ready = await desk.ready(plan_of(*items), accepted={item.key: NAMED for item in items if item})
            slow, before = Slow(tree), free(mount)
            refused = {each.item.path for each in ready.outlook.refused}
            gone = slow.removed_paths((kind, path) for kind, path in chosen if str(path) not in refused)
            assert (ready.outlook.bytes, ready.outlook.files) == slow.freed(gone)
            report = await desk.run(ready)
            after = free(mount)
            assert not report.failed, markdown(report)
            assert after[0] - before[0] == report.hosts[0].actual_bytes == ready.outlook.bytes
            assert after[1] - before[1] == sum(each.inodes for each in report.hosts[0].actual or ())
            assert [each.mount for each in report.hosts[0].actual or ()] == [str(mount)]
            shutil.rmtree(tree.root)


@pytest.mark.timeout(400)
async def test_where_the_tasks_write_themselves_the_report_says_how_much(tmp_path: Path) -> None:
    """The account's home on the file system that is cleaned, as on most hosts."""
    with mounted_ext4(tmp_path, "4096") as mount:
        host = TaskHost(mount / "home")
        (host.home / ".local" / "state" / "condafleet" / "tasks").mkdir(parents=True)
        try:
            tree = Tree(mount / "tree", 11)
            desk = desk_of(PlanHost.of(tree, host))
            known = await counted(desk)
            ready = await desk.ready(plan_of(*known.items([ItemKind.TARBALLS, ItemKind.PACKAGES])))
            report = await desk.run(ready)
            (actual,) = report.hosts[0].actual or ()
            assert actual.own > 0

            assert actual.bytes + actual.own == ready.outlook.bytes, markdown(report)
            assert "own logs hold" in markdown(report)
        finally:
            await host.close()


@pytest.fixture
def fleet(host: TaskHost, tmp_path: Path) -> PlanHost:
    """An install with a cache and an environment that uses one of two packages."""
    base = tmp_path / "conda"
    for name in ("used-1-0", "spare-1-0"):
        for folder in ("info", "lib"):
            (base / "pkgs" / name / folder).mkdir(parents=True)
            (base / "pkgs" / name / folder / "file").write_bytes(b"x" * 9000)
        (base / "pkgs" / name / "info" / "index.json").write_text("{}")
        (base / "pkgs" / f"{name}.conda").write_bytes(b"x" * 5000)
    (base / "pkgs" / "urls.txt").touch()
    (base / "envs" / "one" / "conda-meta").mkdir(parents=True)
    (base / "envs" / "one" / "conda-meta" / "history").touch()
    (base / "envs" / "one" / "file").hardlink_to(base / "pkgs" / "used-1-0" / "lib" / "file")
    return PlanHost(host, [base], [base / "pkgs"], [base / "envs" / "one"])


async def test_an_old_plan_refuses_what_changed_and_does_the_rest(fleet: PlanHost, tmp_path: Path) -> None:
    desk, base = desk_of(fleet), tmp_path / "conda"
    known = await counted(desk)
    plan = plan_of(
        known.item(ItemKind.TARBALLS, str(base / "pkgs")), known.item(ItemKind.ENVIRONMENT, str(base / "envs" / "one"))
    )
    (base / "envs" / "one" / "results").write_bytes(b"x" * 9000)
    ready = await desk.ready(plan)
    assert [(each.item.kind, each.differences) for each in ready.changed] == [
        (ItemKind.ENVIRONMENT, (Difference.GREW,))
    ]
    report = await desk.run(ready)
    assert report.refused and not report.failed
    assert (base / "envs" / "one" / "results").exists()
    assert not list((base / "pkgs").glob("*.conda"))
    assert "refused, changed since: grew" in markdown(report)


async def test_packages_of_a_removed_environment_go_with_it(fleet: PlanHost, tmp_path: Path) -> None:
    desk, base = desk_of(fleet), tmp_path / "conda"
    known = await counted(desk)
    packages = known.item(ItemKind.PACKAGES, str(base / "pkgs"))
    both = plan_of(packages, known.item(ItemKind.ENVIRONMENT, str(base / "envs" / "one")))
    alone = await desk.ready(plan_of(packages))
    ready = await desk.ready(both, accepted={item.key: NAMED for item in both.items})
    assert ready.outlook.bytes > alone.outlook.bytes
    report = await desk.run(ready)
    assert not report.failed
    assert [path.name for path in (base / "pkgs").iterdir() if path.is_dir()] == []


async def test_what_stands_against_an_environment_is_refused_until_its_name_is_typed(
    fleet: PlanHost, tmp_path: Path
) -> None:
    desk, prefix = desk_of(fleet), str(tmp_path / "conda" / "envs" / "one")
    known = await counted(desk)
    plan = plan_of(known.item(ItemKind.ENVIRONMENT, prefix))
    ready = await desk.ready(plan)
    (refusal,) = ready.outlook.refused
    assert ConcernKind.UNOWNED in {each.kind for each in refusal.concerns}
    assert (await desk.run(ready)).refused and Path(prefix).exists()  # noqa: ASYNC240  # quick
    agreed = await desk.ready(plan, accepted={plan.items[0].key: NAMED})
    assert not (await desk.run(agreed)).failed and not Path(prefix).exists()  # noqa: ASYNC240  # quick


async def test_the_host_refuses_what_no_count_shows(fleet: PlanHost, tmp_path: Path) -> None:
    desk, cache = desk_of(fleet), tmp_path / "conda" / "pkgs"
    (cache / "urls.txt").unlink()
    known = await counted(desk)
    ready = await desk.ready(plan_of(*known.items(DEFAULT_KINDS)))
    assert {each.concerns[0].kind for each in ready.outlook.refused} == {ConcernKind.MISSING}
    assert ready.outlook.bytes == 0


async def test_with_an_age_the_host_counts_what_goes(fleet: PlanHost, tmp_path: Path) -> None:
    desk, cache = desk_of(fleet), tmp_path / "conda" / "pkgs"
    import os

    os.utime(cache / "used-1-0.conda", (1e9, 1e9))
    known = await counted(desk)
    plan = plan_of(*known.items([ItemKind.TARBALLS]), older_s=86400.0)
    ready = await desk.ready(plan)
    assert (ready.outlook.bytes, ready.outlook.files) == ((cache / "used-1-0.conda").stat().st_blocks * 512, 1)
    report = await desk.run(ready)
    assert [each.bytes for each in report.hosts[0].removed] == [ready.outlook.bytes]
    assert "1 stay: changed too lately" in markdown(report)
    assert (cache / "spare-1-0.conda").exists()


async def test_what_a_process_has_open_is_not_promised(fleet: PlanHost, tmp_path: Path) -> None:
    desk, cache = desk_of(fleet), tmp_path / "conda" / "pkgs"
    known = await counted(desk)
    packages = known.item(ItemKind.PACKAGES, str(cache))
    env = known.item(ItemKind.ENVIRONMENT, str(tmp_path / "conda" / "envs" / "one"))
    assert packages is not None and packages.exclusive_bytes
    with (cache / "spare-1-0" / "lib" / "file").open("rb"):
        ready = await desk.ready(plan_of(packages))
        assert (ready.outlook.bytes, ready.outlook.hosts[0].mounts) == (0, ())
        both = plan_of(packages, env)
        joint = await desk.ready(both, accepted={item.key: NAMED for item in both.items})
        assert Reason.OPEN_FILES in joint.outlook.hosts[0].reasons
        report = await desk.run(ready)
    assert "1 stay: a process has them open" in markdown(report)
    assert (cache / "spare-1-0").is_dir()


async def test_what_was_put_aside_goes_by_its_id(fleet: PlanHost, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/data/envs/.condafleet-trash/20261121-101500-00000001"
    table = DiskTable((Device("1", "/", "ext4"),), (Owner(OwnerKind.ASIDE, path, device=0),), (Row(2, 0, 4096, 1),))
    known = HostTables("gpu01", table, time.time())
    asked: list[Change] = []

    async def prepare(change: Change) -> Prepared:
        asked.append(change)
        return Prepared(change, (), time.time())

    monkeypatch.setattr(fleet, "prepare", prepare)
    ready = await desk_of(fleet).ready(plan_of(known.item(ItemKind.ASIDE, path)), counted=({"gpu01": known}, {}))
    assert ready.outlook.bytes == 4096
    assert [(each.kind, each.aside_id) for each in asked] == [(ChangeKind.PURGE, path.rpartition("/")[2])]


async def test_it_waits_for_a_conda_that_somebody_runs_on_the_install(fleet: PlanHost, tmp_path: Path) -> None:
    desk, base = desk_of(fleet), tmp_path / "conda"
    conda = base / "bin" / "conda"
    conda.parent.mkdir()
    conda.write_text("#!/bin/sh\nread line\n")
    conda.chmod(0o755)
    process = await asyncio.create_subprocess_exec(conda, "install", "numpy", stdin=asyncio.subprocess.PIPE)
    known = await counted(desk)
    ready = await desk.ready(plan_of(*known.items([ItemKind.TARBALLS])))
    running = asyncio.create_task(desk.run(ready))
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not any(task.state is TaskState.WAITING_LOCK for task in await fleet.look_at("gpu01")):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert len(list((base / "pkgs").glob("*.conda"))) == 2
    finally:
        await process.communicate(b"\n")
    assert not (await running).failed
    assert not list((base / "pkgs").glob("*.conda"))


async def test_where_not_all_users_are_seen_packages_are_refused(fleet: PlanHost) -> None:
    fleet.users_seen = False
    desk = desk_of(fleet)
    known = await counted(desk)
    ready = await desk.ready(plan_of(*known.items(PACKAGE_CACHE)))
    assert {each.item.kind for each in ready.outlook.refused} == {ItemKind.PACKAGES}
    assert ItemKind.TARBALLS in {item.kind for item in ready.outlook.items}
