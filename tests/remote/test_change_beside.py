"""Somebody else's conda, started by hand while ours is at work, that makes the same environment: theirs stays whole."""

from __future__ import annotations

import random
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.remote.shells import GNU_PATH, busybox_path
from tests.remote.taskhost import PATIENCE_S
from tests.remote.toolhost import ToolHost, tree
from tui.domain.changes import ChangeKind
from tui.domain.tasks import TaskState
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict

PHASES = {"conda": ("collect", "solve", "download", "extract"), "micromamba": ("collect", "solve", "download")}


@pytest.fixture(params=["dash", "bash", "busybox"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ToolHost]:
    path = busybox_path(tmp_path) if request.param == "busybox" else GNU_PATH
    made = ToolHost(tmp_path / "host", request.param, path=path)
    yield made
    await made.close()


class Somebody:
    """A person with a terminal of their own on that host."""

    def __init__(self, host: ToolHost) -> None:
        self.host = host
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self, *argv: str, slow: str = "", cwd: Path | None = None) -> None:
        """Type a command; *slow* as of the stand-in, for this one alone."""
        env = self.host.conda.environ({"CONDAFLEET_STANDIN_SLOW": slow})
        self.process = subprocess.Popen(
            [str(self.host.conda.conda), *argv], env=env, cwd=cwd or self.host.conda.home,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def end(self) -> int:
        """Wait for its end."""
        assert self.process is not None
        return self.process.wait(PATIENCE_S)


def by_name(host: ToolHost) -> tuple[str, ...]:
    return ("create", "-y", "-n", "train", "libsmall=1.0")


def by_prefix(host: ToolHost) -> tuple[str, ...]:
    return ("create", "-y", f"--prefix={host.conda.env('train')}/", "libsmall=1.0")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tool", ["conda", "micromamba"])
async def test_whoever_comes_while_ours_is_at_work_is_left_alone(tmp_path: Path, tool: str, seed: int) -> None:
    host = ToolHost(tmp_path / "host", tool=tool)
    dice = random.Random(f"{seed}{tool}")
    try:
        job = await host.job(host.change(ChangeKind.CREATE, "train", "relocated"))
        await host.held(job, dice.choice(PHASES[tool]))
        host.conda.slow()
        other = Somebody(host)
        other.begin(
            *(by_name, by_prefix)[seed % 2](host), slow=f"{dice.choice(PHASES[tool])}={dice.choice(['0.5', '1'])}"
        )
        task, outcome, log = await host.end(job)
        assert (task.state, outcome.verdict, outcome.kind) == (
            TaskState.FAILED, Verdict.FAILED, Kind.ENVIRONMENT_EXISTS,
        ), log  # fmt: skip
        assert "Somebody else" in outcome.explanation
        assert outcome.remedy
        assert other.end() == 0
        assert [path.stem for path in host.conda.env("train").glob("conda-meta/*.json")] == ["libsmall-1.0-h0"]
        whole = tree(host.conda.env("train"))
        alone = host.conda.create("alone", "libsmall=1.0")
        assert [name for name, _, _ in whole] == [name for name, _, _ in tree(alone)]
        assert not host.traces(job)
    finally:
        await host.close()


async def test_one_that_is_done_before_anybody_looked_is_left_alone(host: ToolHost) -> None:
    """As micromamba with all in its cache: it takes less time than there is between two looks."""
    other = host.conda.create("other", "libsmall=1.0")
    job = await host.job(host.change(ChangeKind.CREATE, "train", "relocated"))
    await host.held(job, "solve")
    history = (other / "conda-meta/history").read_bytes().replace(b"/other", b"/train")
    other.rename(host.conda.env("train"))
    (host.conda.env("train") / "conda-meta/history").write_bytes(history.replace(b"-n other", b"-n train"))
    before = tree(host.conda.env("train"))
    task, outcome, log = await host.end(job)
    assert (task.state, outcome.kind) == (TaskState.FAILED, Kind.ENVIRONMENT_EXISTS), log
    assert tree(host.conda.env("train")) == before
    assert not host.traces(job)


async def test_what_makes_something_else_or_only_looks_is_no_hindrance(host: ToolHost, tmp_path: Path) -> None:
    train = host.conda.env("train")
    job = await host.job(host.change(ChangeKind.CREATE, "train", "relocated"))
    await host.held(job, "solve")
    host.conda.slow()
    others = [Somebody(host) for _ in range(4)]
    others[0].begin("create", "-y", "-n", "train2", "libsmall=1.0", slow="solve=1")
    others[1].begin("create", "-y", "-p", f"{train}-2", "libsmall=1.0", slow="solve=1")
    others[2].begin("create", "-p", str(train), "--dry-run", "--json", "libsmall=1.0", slow="solve=1")
    others[3].begin("list", "-n", "train", slow="solve=1")
    for each in others:
        each.end()
    host.conda.release("solve")
    task, outcome, log = await host.end(job)
    assert (task.state, outcome.verdict) == (TaskState.SUCCEEDED, Verdict.SUCCEEDED), log
    assert host.conda.env("train2").exists()


async def test_an_environment_that_both_wrote_to_is_told_and_not_taken_away(host: ToolHost) -> None:
    """The other could not be seen: on another host of a shared file system, say."""
    job = await host.job(host.change(ChangeKind.CREATE, "train", "relocated"))
    await host.held(job, "register")
    history = host.conda.env("train") / "conda-meta/history"
    with history.open("a") as file:
        file.write("==> 2026-11-21 12:00:00 <==\n# cmd: /opt/conda/bin/conda create -n train numpy\n")
    host.conda.release("register")
    task, outcome, log = await host.end(job)
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert history.exists()
    assert ("left", str(host.conda.env("train"))) in task.said
