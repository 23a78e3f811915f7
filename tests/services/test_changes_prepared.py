"""Changes of a package manager, looked at and started on a real shell with a stand-in conda."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from tests.remote.inventories import inventory, read
from tests.remote.taskhost import QuickClock
from tests.remote.toolhost import ToolHost
from tui.domain.changes import Change, ChangeKind, ConcernKind, EnvRef, Prepared, Severity
from tui.domain.errors import CondafleetError
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Machine, Mount
from tui.domain.settings import Settings
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.tasks import TaskState
from tui.remote.changes.outcome import result_notes
from tui.remote.condasays.outcome import Verdict
from tui.remote.lane import Lane
from tui.services.changedesk import Ground, Kind
from tui.services.changing.common import World
from tui.services.changing.kinds import change_kinds
from tui.services.store import HostView

T = TypeVar("T")


@dataclass
class Desk:
    """Hosts by name, and what is asked of them."""

    hosts: dict[str, ToolHost]
    settings: Settings = field(default_factory=Settings)

    async def put(self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        return await question(await self.hosts[host].tasks.lane())

    def kind(self, kind: ChangeKind) -> Kind:
        return change_kinds(World(self.settings, QuickClock(), self.put))[kind]

    async def ground(self, host: str) -> Ground:
        """What the host shows now."""
        _, environments = await read(inventory(self.hosts[host].conda.root))
        snapshot = HostSnapshot(
            host,
            machine=Part(Machine(played=True), 1.0),
            mounts=Part((Mount("/", "/dev/sda1", "ext4", free_bytes=10**12, inodes=10**9, inodes_free=10**9),), 1.0),
            gpus=Part((Gpu(host, 0, driver="470.82", cuda_max="11.4"),), 1.0),
        )
        view = HostView(HostSpec(host), HostState.UP, snapshot)
        return Ground(view, (self.hosts[host].install,), tuple(environments.values()))

    async def prepare(self, change: Change) -> Prepared:
        return await self.kind(change.kind).prepare(change, await self.ground(change.host))

    async def carry_out(self, change: Change) -> tuple[TaskState, Verdict, str]:
        """Prepare, accept what typing the name accepts, start, wait."""
        prepared = await self.prepare(change)
        assert not [each for each in prepared.concerns if each.severity is Severity.FORBIDDEN], prepared.concerns
        typed = frozenset(each.kind for each in prepared.concerns if each.severity is Severity.NAME)
        agreed = replace(prepared, change=replace(prepared.change, accepted=typed))
        host = self.hosts[change.host]
        job = self.kind(change.kind).job(agreed, await self.ground(change.host), host.tasks.spec().id, "ada@laptop")
        assert job.spec.argv == prepared.argv
        task, outcome, log = await host.run(job)
        return task.state, outcome.verdict, log


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    hosts = {name: ToolHost(tmp_path / name) for name in ("gpu01", "gpu02")}
    hosts["gpu01"].conda.create("train", "python=3.11", "pip", "libsmall=1.0")
    hosts["gpu01"].conda.run("run", "-n", "train", "python", "-m", "pip", "install", "six")
    yield Desk(hosts)
    for each in hosts.values():
        await each.close()


def found(prepared: Prepared) -> dict[ConcernKind, Severity]:
    return {each.kind: each.severity for each in prepared.concerns}


DONE = (TaskState.SUCCEEDED, Verdict.SUCCEEDED)


async def test_what_is_shown_before_a_creation_is_what_comes_of_it(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    change = host.change(ChangeKind.CREATE, "new", "pytorch=2.1.2")
    prepared = await desk.prepare(change)
    assert prepared.packages is not None
    assert found(prepared) == {ConcernKind.DRIVER: Severity.WARNING}
    assert prepared.argv[:2] == (str(host.conda.conda), "create")
    assert (await desk.carry_out(change))[:2] == DONE
    made = {path.stem.rsplit("-", 2)[0] for path in host.conda.env("new").glob("conda-meta/*.json")}
    assert made == {each.name for each in prepared.packages.link}


@pytest.mark.parametrize(
    ("name", "kind"), [("train", ConcernKind.EXISTS), ("a b", ConcernKind.BAD_NAME), ("-x", ConcernKind.BAD_NAME)]
)
async def test_a_bad_place_is_told_before_anything_is_solved(desk: Desk, name: str, kind: ConcernKind) -> None:
    prepared = await desk.prepare(desk.hosts["gpu01"].change(ChangeKind.CREATE, name, "libsmall"))
    assert found(prepared) == {kind: Severity.FORBIDDEN}
    assert prepared.standing


async def test_what_the_dry_run_proves_to_fail_is_not_begun(desk: Desk) -> None:
    with pytest.raises(CondafleetError, match="nothing was started") as caught:
        await desk.prepare(desk.hosts["gpu01"].change(ChangeKind.CREATE, "new", "no-such-package"))
    assert "no-such-package" in caught.value.message
    assert caught.value.remedy


async def test_packages_go_into_a_standing_environment_without_its_name_typed(desk: Desk) -> None:
    change = desk.hosts["gpu01"].change(ChangeKind.INSTALL, "train", "libsmall=2.0")
    prepared = await desk.prepare(change)
    assert not prepared.standing
    assert (await desk.carry_out(change))[:2] == DONE


async def test_pip_takes_away_what_it_brought(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    prefix = host.conda.env("train")
    assert list(prefix.glob("lib/python3.11/site-packages/six-*.dist-info"))
    state, verdict, log = await desk.carry_out(host.change(ChangeKind.UNINSTALL, "train", "six"))
    assert (state, verdict) == DONE, log
    assert not list(prefix.glob("lib/python3.11/site-packages/six-*.dist-info"))
    state, verdict, log = await desk.carry_out(host.change(ChangeKind.CREATE, "new", "python=3.11", "pip:six"))
    assert (state, verdict) == DONE, log
    assert list(host.conda.env("new").glob("lib/python3.11/site-packages/six-*.dist-info"))


async def test_a_copy_for_another_host_and_one_for_the_same(desk: Desk) -> None:
    source = desk.hosts["gpu01"].conda.env("train")
    for name in ("gpu01", "gpu02"):
        blank = desk.hosts[name].change(ChangeKind.CLONE, "copy")
        change = replace(blank, host=name, source=EnvRef("gpu01", str(source)))
        state, verdict, log = await desk.carry_out(change)
        assert (state, verdict) == DONE, log
        copy = desk.hosts[name].conda.env("copy")
        for pattern in ("conda-meta/*.json", "lib/python3.11/site-packages/*.dist-info"):
            assert {path.name for path in copy.glob(pattern)} == {path.name for path in source.glob(pattern)}


async def test_of_a_copy_for_another_host_the_rest_is_carried_or_named(desk: Desk) -> None:
    source = desk.hosts["gpu01"].conda.env("train")
    (source / "conda-meta/state").write_text('{"env_vars": {"PLAIN": "plainly", "HF_TOKEN": "hf_abcdefghijklmnopqrs"}}')
    (source / "conda-meta/pinned").write_text("libsmall 1.0.*\nhttps://ada:hunter2@repo.example/a::numpy <2\n")
    target = desk.hosts["gpu02"]
    change = replace(target.change(ChangeKind.CLONE, "copy"), host="gpu02", source=EnvRef("gpu01", str(source)))
    prepared = await desk.prepare(change)
    (named,) = (each for each in prepared.concerns if each.text.startswith("Variables"))
    assert {"HF_TOKEN", "PLAIN"} <= set(named.details)
    assert any("repo.example" in each for each in named.details)
    shown = f"{prepared.concerns} {prepared.change}"
    assert not [word for word in ("plainly", "hf_abc", "hunter2") if word in shown]
    assert prepared.packages is not None
    assert "libsmall" in {each.name for each in prepared.packages.link}
    job = desk.kind(change.kind).job(prepared, await desk.ground("gpu02"), target.tasks.spec().id, "ada@laptop")
    task, _, log = await target.run(job)
    assert task.state is TaskState.SUCCEEDED, log
    copy = target.conda.env("copy")
    assert (copy / "conda-meta/pinned").read_text() == "libsmall 1.0.*\n"
    assert not (copy / "conda-meta/state").exists()
    conda = len(list(source.glob("conda-meta/*.json")))
    assert ("compared", str(conda), "1") in task.said, log
    assert f"{conda} packages of conda and 1 of pip" in " ".join(result_notes(task))


async def test_a_copy_that_has_more_than_the_original_is_no_success(desk: Desk) -> None:
    source = desk.hosts["gpu01"].conda.env("train")
    target = desk.hosts["gpu02"]
    change = replace(target.change(ChangeKind.CLONE, "copy"), host="gpu02", source=EnvRef("gpu01", str(source)))
    prepared = await desk.prepare(change)
    assert prepared.tool is not None
    generous = target.conda.root / "bin/generous"
    generous.write_text(
        f'#!/bin/sh\n{target.conda.conda} "$@" && exec {target.conda.conda} install -y -p "$3" relocated\n'
    )
    generous.chmod(0o755)
    prepared = replace(prepared, tool=replace(prepared.tool, program=str(generous)))
    job = desk.kind(change.kind).job(prepared, await desk.ground("gpu02"), target.tasks.spec().id, "ada@laptop")
    task, outcome, log = await target.run(job)
    assert (task.exit_code, outcome.verdict) == (4, Verdict.FAILED), log
    assert any("relocated-1.0-h0" in line for line in outcome.lines)


async def test_pip_without_a_python_is_told_beforehand(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    host.conda.create("bare", "libsmall")
    prepared = await desk.prepare(host.change(ChangeKind.INSTALL, "bare", "pip:six"))
    assert found(prepared)[ConcernKind.NO_TOOL] is Severity.FORBIDDEN
    assert "Python" in " ".join(each.text for each in prepared.concerns)
    prepared = await desk.prepare(host.change(ChangeKind.INSTALL, "bare", "pip:six", "python=3.11", "pip"))
    assert ConcernKind.NO_TOOL not in found(prepared)


@pytest.mark.parametrize(("where", "words"), [("pkgs/inside", "cache"), ("envs/train/nested", "environment")])
async def test_a_place_in_what_is_anothers_is_told_beforehand(desk: Desk, where: str, words: str) -> None:
    host = desk.hosts["gpu01"]
    place = str(host.conda.root / where)
    change = replace(host.change(ChangeKind.CREATE, "x", "libsmall"), prefix=place, name=None)
    prepared = await desk.prepare(change)
    assert found(prepared) == {ConcernKind.BAD_PLACE: Severity.FORBIDDEN}
    assert words in prepared.concerns[0].text


async def test_what_no_package_owns_stays_aside_when_it_is_made_anew(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    (host.conda.env("train") / "notes.txt").write_text("mine")
    prepared = await desk.prepare(host.change(ChangeKind.RECREATE, "train"))
    assert prepared.change.keep_s == 7 * 86400
    assert any("stays aside" in each.text for each in prepared.concerns)
    assert prepared.packages is not None


async def test_the_old_one_of_a_renaming_is_kept_as_the_configuration_says(desk: Desk) -> None:
    desk.settings = Settings(removal_keep=3600.0)
    host = desk.hosts["gpu01"]
    change = replace(host.change(ChangeKind.RENAME, "train"), new_prefix=str(host.conda.env("trained")))
    assert (await desk.prepare(change)).change.keep_s == 3600.0
    host.conda.run("create", "-y", "-p", str(host.conda.env("train") / "nested"), "libsmall")
    assert found(await desk.prepare(change))[ConcernKind.NESTED] is Severity.FORBIDDEN


async def test_an_environment_gets_another_name(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    change = replace(host.change(ChangeKind.RENAME, "train"), new_prefix=str(host.conda.env("trained")))
    state, verdict, log = await desk.carry_out(change)
    assert (state, verdict) == DONE, log
    assert not host.conda.env("train").exists()
    assert list(host.conda.env("trained").glob("lib/python3.11/site-packages/six-*.dist-info"))


@pytest.mark.parametrize(
    ("new", "kind"), [("other", ConcernKind.EXISTS), ("a#b", ConcernKind.BAD_NAME), ("prod-1", ConcernKind.PROTECTED)]
)
async def test_another_name_that_cannot_be_is_told_beforehand(desk: Desk, new: str, kind: ConcernKind) -> None:
    desk.settings = Settings(protect=("*:prod-*",))
    host = desk.hosts["gpu01"]
    host.conda.env("other").mkdir()
    prepared = await desk.prepare(replace(host.change(ChangeKind.RENAME, "train"), new_prefix=str(host.conda.env(new))))
    assert found(prepared)[kind] is Severity.FORBIDDEN
    assert not prepared.argv


async def test_an_environment_is_made_anew_with_pips_packages(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    prefix = host.conda.env("train")
    was = {path.name for path in prefix.glob("conda-meta/*.json")}
    (prefix / "lib/libsmall.so").unlink()
    state, verdict, log = await desk.carry_out(host.change(ChangeKind.RECREATE, "train"))
    assert (state, verdict) == DONE, log
    assert {path.name for path in prefix.glob("conda-meta/*.json")} == was
    assert list(prefix.glob("lib/python3.11/site-packages/six-*.dist-info"))
    assert (prefix / "lib/libsmall.so").exists()


async def test_what_cannot_all_be_made_anew_stays_aside_for_a_while(desk: Desk) -> None:
    host = desk.hosts["gpu01"]
    (info,) = host.conda.env("train").glob("lib/python3.11/site-packages/six-*.dist-info")
    (info / "direct_url.json").write_text('{"url": "file:///home/ada/six", "dir_info": {"editable": true}}')
    change = host.change(ChangeKind.RECREATE, "train")
    assert found(await desk.prepare(change))[ConcernKind.NOT_REPRODUCED] is Severity.WARNING
    state, verdict, log = await desk.carry_out(change)
    assert (state, verdict) == (TaskState.FAILED, Verdict.FAILED), log
    (slot,) = (host.tasks.home / ".local/state/condafleet/trash").iterdir()
    assert (slot / "env/conda-meta/history").exists()
