"""What changes between the look and the change: nothing goes but what was archived and accepted, beside nobody."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, OPENSSL, PYTHON, SITE
from tests.remote.changehost import ChangeHost, listing, refused_for
from tests.remote.latecomer import Latecomer
from tests.remote.shells import GNU_PATH
from tests.remote.toolhost import ToolHost
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.environments import Install, Manager
from tui.domain.look import concerns_said
from tui.domain.tasks import Task, TaskState
from tui.remote.changes.remove import remove_job
from tui.remote.jobs import Job

K = ConcernKind
EVERYTHING = tuple(K)
AT_THE_SLOT = "*.condafleet-trash/*"


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Latecomer]:
    """He comes when the folder for what goes is made: all was looked at by then."""
    somebody = Latecomer(tmp_path / "late", "mkdir", AT_THE_SLOT)
    yield somebody
    somebody.leaves()


def outdated(task: Task) -> str:
    (concern,) = [each for each in concerns_said(task.said) if each.kind is K.OUTDATED]
    return concern.text


async def test_what_came_to_it_after_the_look_is_not_removed(host: ChangeHost) -> None:
    prefix = host.root.named("train", (PYTHON,))
    (prefix / "note").write_text("1")
    job = await host.removal(prefix, accepted=EVERYTHING)
    host.root.env(prefix, (PYTHON, NUMPY, OPENSSL), history=False)
    (prefix / "results").mkdir()
    (prefix / "results" / "model").write_bytes(b"x" * (3 << 20))
    before = listing(host.root.root)
    task = await host.do(job)
    assert K.OUTDATED in refused_for(task) and listing(host.root.root) == before
    assert "2 packages more, 3.0 MiB more of its own files. Look again" in outdated(task)
    task = await host.remove(prefix, accepted=EVERYTHING)
    assert task.state is TaskState.SUCCEEDED and not prefix.exists()


@pytest.mark.parametrize("what", ("pip", "variables", "the same size", "one file less and one more", "fewer packages"))
async def test_every_change_of_what_was_archived_or_accepted_is_seen(plain: ChangeHost, what: str) -> None:
    prefix = plain.root.named("train", (PYTHON, NUMPY))
    for name in ("a", "b"):
        (prefix / name).write_text("x")
        os.utime(prefix / name, (1e9, 1e9))
    condaroot.pip_install(prefix, "mine", "0.1")
    job = await plain.removal(prefix, accepted=EVERYTHING)
    if what == "pip":
        condaroot.pip_install(prefix, "more", "0.1")
    elif what == "variables":
        (prefix / "conda-meta" / "state").write_text('{"env_vars": {"A": "b"}}')
    elif what == "the same size":
        (prefix / "a").write_text("y")
    elif what == "fewer packages":
        next((prefix / "conda-meta").glob("numpy-*.json")).unlink()
    else:
        (prefix / "b").unlink()
        (prefix / "c").write_text("x")
    assert K.OUTDATED in refused_for(await plain.do(job)) and prefix.exists()


async def test_what_only_went_or_was_made_anew_by_python_is_no_hindrance(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON, NUMPY))
    for name in ("a", "b"):
        (prefix / name).write_text("x")
    job = await plain.removal(prefix, accepted=EVERYTHING)
    (prefix / "a").unlink()
    (prefix / SITE / "__pycache__").mkdir(parents=True)
    (prefix / SITE / "__pycache__" / "numpy.cpython-311.pyc").write_text("x")
    (prefix / "conda-meta" / "conda-meta.lock").touch()
    assert (await plain.do(job)).state is TaskState.SUCCEEDED


async def test_what_is_put_aside_may_have_grown(plain: ChangeHost) -> None:
    prefix = plain.root.named("train", (PYTHON,))
    (prefix / "note").write_text("1")
    job = await plain.removal(prefix, keep_s=600, accepted=EVERYTHING)
    (prefix / "more").write_text("1")
    assert (await plain.do(job)).state is TaskState.SUCCEEDED
    (aside,) = (await plain.trash()).asides
    assert (await plain.restore(aside)).state is TaskState.SUCCEEDED and (prefix / "more").exists()


async def test_what_comes_at_the_last_moment_is_seen(host: ChangeHost, late: Latecomer) -> None:
    prefix = host.root.named("train", (PYTHON,))
    (prefix / "note").write_text("1")
    late.will(f'echo results >"{prefix}/results"')
    late.comes_to(host.connection.env)
    task = await host.remove(prefix, accepted=EVERYTHING)
    assert K.OUTDATED in refused_for(task)
    assert (prefix / "results").read_text() == "results\n" and (prefix / "note").exists()
    assert not (host.root.root / ".condafleet-trash").exists()


def by_install(host: ChangeHost) -> Install:
    root = host.root.root
    return Install(str(root), Manager.CONDA, None, envs_dirs=(str(host.envs),), pkgs_dirs=(str(host.root.pkgs),))


async def removal(host: ChangeHost, prefix: Path) -> Job:
    """As a client makes it: with the install, so that its conda is looked for."""
    found = await host.look(prefix)
    change = Change(ChangeKind.REMOVE, "gpu01", str(prefix), accepted=frozenset(EVERYTHING))
    return remove_job(
        change, found, None, by_install(host), task_id=host.spec().id, operator=host.operator, **host.ground
    )


@pytest.mark.parametrize("changes", (False, True))
async def test_a_conda_that_begins_while_it_looks_is_waited_for(
    host: ChangeHost, late: Latecomer, changes: bool
) -> None:
    prefix = host.root.named("train", (PYTHON,))
    before = listing(prefix)
    late.will_install(host.root.root)
    late.comes_to(host.connection.env)
    spec = await host.begin(await removal(host, prefix))
    await late.comes()
    task = await host.become(spec, TaskState.WAITING_LOCK)
    assert task.waits_for is not None and task.waits_for.kind == "process"
    assert listing(prefix) == before and not (host.root.root / ".condafleet-trash").exists()
    if changes:
        host.root.env(prefix, (PYTHON, NUMPY), history=False)
    late.ends()
    task = await host.become(spec)
    # Decided anew, from the beginning.
    assert task.exit_code == (3 if changes else 0), await host.log(spec)
    assert prefix.exists() is changes
    assert not [words for words in task.said if words[0] == "again"]
    if changes:
        assert K.OUTDATED in refused_for(task)


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[ToolHost]:
    host = ToolHost(tmp_path / "host", path=f"{tmp_path}/late/tools:{GNU_PATH}")
    yield host
    await host.close()


async def test_a_conda_that_begins_before_the_tool_is_waited_for(tools: ToolHost, tmp_path: Path) -> None:
    late = Latecomer(tmp_path / "late", "mkdir", "*/lists")
    try:
        late.will_install(tools.conda.root)
        job = await tools.job(tools.change(ChangeKind.CREATE, "new", "libsmall"))
        await tools.start(job)
        await late.comes()
        assert (await tools.tasks.become(job.spec, TaskState.WAITING_LOCK)).waits_for is not None
        assert not tools.conda.env("new").exists()
        late.ends()
        task, outcome, log = await tools.end(job)
    finally:
        late.leaves()
    assert task.state is TaskState.SUCCEEDED and outcome.is_success, log
    assert log.count("it is waited for") == 1 and tools.conda.env("new").exists() and not tools.traces(job)


async def test_what_was_put_aside_comes_back_while_a_conda_is_waited_for(tools: ToolHost, tmp_path: Path) -> None:
    late = Latecomer(tmp_path / "late", "mkdir", AT_THE_SLOT)
    prefix = tools.conda.create("train", "libsmall=1.0")
    before = listing(prefix)
    urls = tools.conda.run("list", "-n", "train", "--explicit", "--md5").stdout.split()
    explicit = tuple(word for word in urls if word.startswith("file://"))
    blank = replace(tools.change(ChangeKind.RECREATE, "train"), explicit=explicit)
    try:
        late.will_install(tools.conda.root)
        job = await tools.job(replace(blank, accepted=frozenset(K)))
        await tools.start(job)
        await late.comes()
        await tools.tasks.become(job.spec, TaskState.WAITING_LOCK)
        assert listing(prefix) == before
        late.ends()
        task, outcome, log = await tools.end(job)
    finally:
        late.leaves()
    assert task.state is TaskState.SUCCEEDED and outcome.is_success, log
    assert "is as it was" in log and listing(prefix) != before and not tools.traces(job)


async def test_the_lists_of_a_task_do_not_outlive_it(tools: ToolHost) -> None:
    (tools.conda.env("there") / "x").mkdir(parents=True)
    change = tools.change(ChangeKind.CREATE, "there", "python=3.11", pip=["six"])
    job = await tools.job(change)
    task, _, _ = await tools.run(job)
    assert task.exit_code == 3 and not (tools.tasks.folder(job.spec) / "program").exists()
