"""Renaming, and making anew: what stood there before is lost in no case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.toolhost import ToolHost, tree
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.environments import Manager
from tui.domain.tasks import TaskState
from tui.domain.toolargs import Tool
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ToolHost]:
    made = ToolHost(tmp_path / "host")
    made.conda.create("train", "libsmall=1.0", "relocated")
    yield made
    await made.close()


UNKNOWN = frozenset({ConcernKind.USE_UNKNOWN})
"""Of the processes of a machine that tests share, some cannot be looked at."""


def dists(prefix: Path) -> set[str]:
    return {path.stem for path in (prefix / "conda-meta").glob("*.json")}


def renaming(host: ToolHost, new: str = "trained", **fields: object) -> Change:
    change = replace(host.change(ChangeKind.RENAME, "train"), accepted=UNKNOWN)
    return replace(change, new_prefix=str(host.conda.env(new)), **fields)  # type: ignore[arg-type]  # by name


def anew(host: ToolHost, **fields: object) -> Change:
    listed = host.conda.run("list", "-n", "train", "--explicit", "--md5").stdout.split("\n")
    urls = tuple(line for line in listed if line.startswith("file://"))
    change = replace(host.change(ChangeKind.RECREATE, "train"), explicit=urls, accepted=UNKNOWN)
    return replace(change, **fields)  # type: ignore[arg-type]  # by name


def listed(host: ToolHost) -> list[str]:
    return (host.tasks.home / ".conda/environments.txt").read_text().split()


async def test_a_renamed_environment_is_there_under_its_new_name_alone(host: ToolHost) -> None:
    held = dists(host.conda.env("train"))
    job = await host.job(renaming(host))
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict) == (TaskState.SUCCEEDED, Verdict.SUCCEEDED), log
    assert not host.conda.env("train").exists()
    assert dists(host.conda.env("trained")) == held
    assert (host.conda.env("trained") / "bin/relocated").read_text().count(str(host.conda.env("trained"))) == 2
    assert str(host.conda.env("train")) not in listed(host)
    assert str(host.conda.env("trained")) in listed(host)
    assert not host.traces(job)


async def test_what_has_the_new_name_is_never_touched(host: ToolHost) -> None:
    host.conda.create("trained", "libsmall=2.0")
    before = tree(host.conda.root / "envs")
    task, outcome, log = await host.run(await host.job(renaming(host)))
    assert (task.exit_code, outcome.kind) == (3, Kind.ENVIRONMENT_EXISTS), log
    assert tree(host.conda.root / "envs") == before


async def test_what_nothing_rebuilds_wants_the_name_typed_before_it_is_moved(host: ToolHost) -> None:
    (host.conda.env("train") / "weights.bin").write_bytes(b"x" * 5000)
    before = tree(host.conda.env("train"))
    task, _, log = await host.run(await host.job(renaming(host)))
    assert task.exit_code == 3, log
    assert any(each[:2] == ("concern", "unowned") for each in task.said)
    assert tree(host.conda.env("train")) == before
    typed = renaming(host, accepted=UNKNOWN | {ConcernKind.UNOWNED})
    task, _, log = await host.run(await host.job(typed))
    assert task.exit_code == 0, log
    assert (host.conda.env("trained") / "weights.bin").read_bytes() == b"x" * 5000


@pytest.mark.parametrize("phase", ["extract", "link", "register"])
async def test_a_cancelled_renaming_leaves_the_old_name(host: ToolHost, phase: str) -> None:
    before = tree(host.conda.env("train"))
    job = await host.job(renaming(host))
    for path in host.conda.pkgs.glob("relocated-*"):
        if phase == "extract" and path.is_dir():
            path.rename(host.conda.root / "was-extracted")
    await host.held(job, phase)
    await host.cancel(job)
    task, _, log = await host.end(job)
    assert task.state is TaskState.CANCELLED, log
    assert tree(host.conda.env("train")) == before
    assert not host.conda.env("trained").exists()
    assert not host.traces(job)


async def test_a_copy_that_lacks_something_does_not_take_the_place_of_the_whole(host: ToolHost) -> None:
    before = tree(host.conda.env("train"))
    forgetful = host.conda.root / "bin/forgetful"
    forgetful.write_text(f'#!/bin/sh\n{host.conda.conda} "$@" && rm "$3"/conda-meta/libsmall-*.json\n')
    forgetful.chmod(0o755)
    job = await host.job(renaming(host), Tool(Manager.CONDA, str(forgetful), str(host.conda.root)))
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert ("lacks", "libsmall-1.0-h0") in task.said
    assert tree(host.conda.env("train")) == before
    assert not host.conda.env("trained").exists()
    assert not host.traces(job)


async def test_an_environment_is_made_anew_from_its_own_list(host: ToolHost) -> None:
    prefix = host.conda.env("train")
    held = dists(prefix)
    (prefix / "bin/relocated").write_text("broken")
    job = await host.job(anew(host))
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict) == (TaskState.SUCCEEDED, Verdict.SUCCEEDED), log
    assert dists(prefix) == held
    assert str(prefix) in (prefix / "bin/relocated").read_text()
    assert listed(host).count(str(prefix)) == 1
    assert not host.traces(job)


async def test_what_was_there_stays_aside_for_the_time_that_was_asked_for(host: ToolHost) -> None:
    job = await host.job(anew(host, keep_s=3600.0))
    task, _, log = await host.run(job)
    assert task.exit_code == 0, log
    (said,) = (each for each in task.said if each[0] == "aside")
    assert said[1] == job.spec.id
    assert (Path(said[2]) / "env/conda-meta/history").is_file()


@pytest.mark.parametrize("phase", ["link", "register"])
async def test_a_cancelled_making_anew_brings_the_old_one_back(host: ToolHost, phase: str) -> None:
    before = tree(host.conda.env("train"))
    job = await host.job(anew(host))
    await host.held(job, phase)
    assert not (host.conda.env("train") / "conda-meta/history").exists()
    await host.cancel(job)
    task, _, log = await host.end(job)
    assert task.state is TaskState.CANCELLED, log
    assert tree(host.conda.env("train")) == before
    assert listed(host).count(str(host.conda.env("train"))) == 1
    assert not host.traces(job)


async def test_a_making_anew_that_fails_brings_the_old_one_back(host: ToolHost) -> None:
    before = tree(host.conda.env("train"))
    gone = replace(anew(host), explicit=("file:///nowhere/noarch/tqdm-4.66.1-pyhd0.conda",))
    job = await host.job(gone)
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert ("restored", str(host.conda.env("train"))) in task.said
    assert tree(host.conda.env("train")) == before
    assert not host.traces(job)


async def test_a_making_anew_that_is_killed_leaves_the_old_one_where_it_can_be_restored(host: ToolHost) -> None:
    before = tree(host.conda.env("train"))
    job = await host.job(anew(host))
    await host.held(job, "link")
    host.tasks.kill_all(job.spec)
    task, _, _ = await host.end(job)
    assert task.is_over
    (slot,) = (host.tasks.home / ".local/state/condafleet/trash").iterdir()
    await eventually(lambda: slot.is_dir())
    assert tree(slot / "env") == before
