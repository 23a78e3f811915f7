"""The same changes where there is but a stand-in micromamba, which deletes what stands there when it is told yes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.remote.shells import busybox_path
from tests.remote.taskhost import bin_sh
from tests.remote.toolhost import ToolHost, tree
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.environments import Manager
from tui.domain.tasks import TaskState
from tui.domain.toolargs import Tool
from tui.remote.changes.dryrun import dry_run
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict

DONE = (TaskState.SUCCEEDED, Verdict.SUCCEEDED)
UNKNOWN = frozenset({ConcernKind.USE_UNKNOWN})


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ToolHost]:
    made = ToolHost(tmp_path / "host", tool="micromamba")
    yield made
    await made.close()


def dists(prefix: Path) -> set[str]:
    return {path.stem for path in (prefix / "conda-meta").glob("*.json")}


async def test_an_environment_is_made_changed_copied_renamed_and_made_anew(host: ToolHost) -> None:
    async def done(change: Change) -> None:
        job = await host.job(change)
        task, outcome, log = await host.run(job)
        assert (task.state, outcome.is_success) == (TaskState.SUCCEEDED, True), log
        assert not host.traces(job)

    train, copy, moved = (host.conda.env(name) for name in ("train", "copy", "moved"))
    await done(host.change(ChangeKind.CREATE, "train", "libsmall=1.0", "relocated"))
    assert dists(train) == {"libsmall-1.0-h0", "relocated-1.0-h0"}
    await done(host.change(ChangeKind.INSTALL, "train", "libsmall=1.1"))
    assert "libsmall-1.1-h1" in dists(train)
    await done(host.change(ChangeKind.UNINSTALL, "train", "relocated"))
    assert dists(train) == {"libsmall-1.1-h1"}
    await done(host.change(ChangeKind.CLONE, "copy", source="train"))
    assert dists(copy) == dists(train)
    renamed = replace(host.change(ChangeKind.RENAME, "copy"), new_prefix=str(moved), accepted=UNKNOWN)
    await done(renamed)
    assert (copy.exists(), dists(moved)) == (False, dists(train))
    urls = host.conda.run("list", "-p", str(train), "--explicit", "--md5").stdout.split("\n")
    anew = replace(
        host.change(ChangeKind.RECREATE, "train"), explicit=tuple(u for u in urls if "://" in u), accepted=UNKNOWN
    )
    await done(anew)
    assert dists(train) == {"libsmall-1.1-h1"}


@pytest.mark.parametrize("kind", [ChangeKind.CREATE, ChangeKind.CLONE])
async def test_what_stands_there_is_refused_under_the_lock(host: ToolHost, kind: ChangeKind) -> None:
    host.conda.create("train", "libsmall")
    host.conda.create("other", "relocated")
    before = tree(host.conda.env("train"))
    specs = ("tqdm",) if kind is ChangeKind.CREATE else ()
    task, outcome, log = await host.run(await host.job(host.change(kind, "train", *specs, source="other")))
    assert (task.exit_code, outcome.kind) == (3, Kind.ENVIRONMENT_EXISTS), log
    assert tree(host.conda.env("train")) == before


@pytest.mark.parametrize("kind", [ChangeKind.CREATE, ChangeKind.CLONE])
async def test_what_is_made_at_the_last_moment_is_left_whole_by_the_tool_itself(
    host: ToolHost, kind: ChangeKind
) -> None:
    host.conda.create("other", "relocated")
    late = host.conda.root / "bin/late"
    late.write_text(
        f'#!/bin/sh\n{host.conda.conda} create -y -n train libsmall >/dev/null 2>&1\nexec {host.conda.conda} "$@"\n'
    )
    late.chmod(0o755)
    tool = Tool(Manager.MICROMAMBA, str(late), str(host.conda.root))
    specs = ("tqdm",) if kind is ChangeKind.CREATE else ()
    task, _, log = await host.run(await host.job(host.change(kind, "train", *specs, source="other"), tool))
    assert task.state is TaskState.FAILED, log
    assert dists(host.conda.env("train")) == {"libsmall-2.0-h0"}, log
    assert ("left", str(host.conda.env("train"))) in task.said


@pytest.mark.parametrize("phase", ["download", "extract", "link"])
async def test_a_cancelled_creation_is_told_as_cancelled_and_leaves_no_half(host: ToolHost, phase: str) -> None:
    job = await host.job(host.change(ChangeKind.CREATE, "train", "libsmall", "relocated"))
    await host.held(job, phase)
    await host.cancel(job)
    task, outcome, log = await host.end(job)
    assert (task.state, outcome.verdict) == (TaskState.CANCELLED, Verdict.CANCELLED), log
    assert not host.conda.env("train").exists()
    assert not host.traces(job)


@pytest.mark.parametrize(
    ("specs", "kind"),
    [(("no-such-package",), Kind.PACKAGE_NOT_FOUND), (("tensorflow", "keras=2.8"), Kind.UNSATISFIABLE)],
)
async def test_a_failed_solve_is_no_success(host: ToolHost, specs: tuple[str, ...], kind: Kind) -> None:
    change = host.change(ChangeKind.CREATE, "train", *specs)
    means = await host.means(change)
    assert means.tool is not None
    told = await dry_run(await host.tasks.lane(), "gpu01", means.tool, change)
    assert told.plan is None
    task, outcome, log = await host.run(await host.job(change))
    assert (task.state, outcome.kind) == (TaskState.FAILED, kind), log
    assert not host.conda.env("train").exists()


async def test_a_dry_run_tells_the_plan(host: ToolHost) -> None:
    change = host.change(ChangeKind.CREATE, "train", "pytorch=2.0.1")
    means = await host.means(change)
    assert means.tool is not None
    assert means.tool.manager is Manager.MICROMAMBA
    told = await dry_run(await host.tasks.lane(), "gpu01", means.tool, change)
    assert told.plan is not None
    assert "cudatoolkit" in {each.name for each in told.plan.link}
    assert not host.conda.env("train").exists()


@pytest.mark.parametrize("tool", ["conda", "micromamba"])
async def test_a_host_with_busybox_alone_does_it_as_well(tmp_path: Path, tool: str) -> None:
    path = busybox_path(tmp_path)
    host = ToolHost(tmp_path / "host", "busybox", tool=tool, wrap=bin_sh("busybox"), path=path)
    try:
        job = await host.job(host.change(ChangeKind.CREATE, "train", "libsmall=1.0"))
        task, outcome, log = await host.run(job)
        assert (task.state, outcome.verdict) == DONE, log
        assert not host.traces(job)
        job = await host.job(host.change(ChangeKind.CREATE, "half", "libsmall=1.0", "relocated"))
        await host.held(job, "link")
        await host.cancel(job)
        task, _, log = await host.end(job)
        assert task.state is TaskState.CANCELLED, log
        assert not host.conda.env("half").exists()
        assert not host.traces(job)
    finally:
        await host.close()
