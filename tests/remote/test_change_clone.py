"""Making an environment of one host again on another: the comparison of both is empty, or the task says what is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.remote.inventories import inventory, read
from tests.remote.taskhost import PATIENCE_S
from tests.remote.toolhost import ToolHost
from tui.domain.changes import ChangeKind, ConcernKind, EnvRef
from tui.domain.cloning import CopyPlan, plan_copy
from tui.domain.compare import Difference, compare
from tui.domain.environments import Environment
from tui.domain.tasks import TaskState
from tui.remote.condasays.outcome import Verdict
from tui.remote.exports import ask_export


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[tuple[ToolHost, ToolHost]]:
    made = ToolHost(tmp_path / "one"), ToolHost(tmp_path / "two")
    source = made[0].conda.create("train", "python=3.11", "pip", "tqdm", "libsmall=1.0", "relocated")
    made[0].conda.run("run", "-n", "train", "python", "-m", "pip", "install", "peft", "six")
    assert list(source.glob("lib/python3.11/site-packages/peft-*.dist-info"))
    yield made
    for each in made:
        await each.close()


async def planned(source: ToolHost, target: ToolHost) -> CopyPlan:
    prefix = str(source.conda.env("train"))
    record = await ask_export(await source.tasks.lane(), "gpu01", prefix, timeout=PATIENCE_S)
    change = replace(target.change(ChangeKind.CLONE, "train"), host="gpu02", source=EnvRef("gpu01", prefix))
    return plan_copy(change, record)


async def seen(host: ToolHost) -> Environment:
    _, environments = await read(inventory(host.conda.root))
    return environments[str(host.conda.env("train"))]


async def test_a_copy_on_another_host_compares_empty(hosts: tuple[ToolHost, ToolHost]) -> None:
    source, target = hosts
    plan = await planned(source, target)
    assert not plan.change.missing
    assert plan.change.pip
    assert all("#" in line for line in plan.change.explicit)
    job = await target.job(plan.change)
    task, outcome, log = await target.run(job)
    assert (task.state, outcome.verdict) == (TaskState.SUCCEEDED, Verdict.SUCCEEDED), log
    found = compare(await seen(source), await seen(target))
    assert found.known
    assert not found.changes
    assert not target.traces(job)


async def test_what_has_no_source_is_told_and_the_rest_is_there(hosts: tuple[ToolHost, ToolHost]) -> None:
    source, target = hosts
    (info,) = source.conda.env("train").glob("lib/python3.11/site-packages/six-*.dist-info")
    (info / "direct_url.json").write_text('{"url": "file:///home/ada/six", "dir_info": {"editable": true}}')
    plan = await planned(source, target)
    assert [str(each) for each in plan.change.missing] == ["pip packages that use their sources where they lie: six"]
    assert ConcernKind.NOT_REPRODUCED in {each.kind for each in plan.concerns}
    task, outcome, log = await target.run(await target.job(plan.change))
    assert (task.state, task.exit_code, outcome.verdict) == (TaskState.FAILED, 4, Verdict.FAILED), log
    assert any("six" in line for line in outcome.lines)
    found = compare(await seen(source), await seen(target))
    assert [(each.kind, each.name) for each in found.changes] == [(Difference.MISSING, "six")]


async def test_a_pip_package_that_cannot_be_had_takes_no_other_along(hosts: tuple[ToolHost, ToolHost]) -> None:
    source, target = hosts
    plan = await planned(source, target)
    more = replace(plan.change, pip=("no-such-wheel==1.0", *plan.change.pip))
    task, outcome, log = await target.run(await target.job(more))
    assert (task.state, task.exit_code) == (TaskState.FAILED, 4), log
    assert ("lacks", "no-such-wheel==1.0") in task.said
    assert any("no-such-wheel" in line for line in outcome.lines)
    assert not compare(await seen(source), await seen(target)).changes


async def test_secrets_of_channels_stay_where_they_are(hosts: tuple[ToolHost, ToolHost]) -> None:
    source, target = hosts
    prefix = str(source.conda.env("train"))
    record = await ask_export(await source.tasks.lane(), "gpu01", prefix, timeout=PATIENCE_S)
    first = replace(record.conda[0], url="https://ada:hunter2@repo.example/t/s3cret/noarch/a-1-0.conda", md5="0" * 32)
    plan = plan_copy(target.change(ChangeKind.CLONE, "train"), replace(record, conda=(first, *record.conda[1:])))
    assert f"https://repo.example/noarch/a-1-0.conda#{'0' * 32}" in plan.change.explicit
    job = await target.job(plan.change)
    assert not any("hunter2" in str(word) or "s3cret" in str(word) for word in job.args or ())
