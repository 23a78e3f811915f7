"""Changes that a package manager makes, as real tasks with a stand-in conda."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.taskhost import bin_sh
from tests.remote.toolhost import ToolHost, tree
from tests.standin import standin_channel
from tui.domain.changes import ChangeKind, ConcernKind
from tui.domain.environments import Manager
from tui.domain.tasks import TaskState
from tui.domain.toolargs import Tool
from tui.remote.changes.dryrun import dry_run
from tui.remote.changes.tool import tool_job
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict
from tui.remote.tasks import cancel_task

PYTHON = ("python=3.11", "pip")


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ToolHost]:
    made = ToolHost(tmp_path / "host")
    yield made
    await made.close()


def is_whole(prefix: Path) -> bool:
    return (prefix / "conda-meta/history").is_file()


def dists(prefix: Path) -> set[str]:
    return {path.stem for path in (prefix / "conda-meta").glob("*.json")}


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
async def test_an_environment_is_made_with_what_conda_has_and_then_what_pip_has(tmp_path: Path, shell: str) -> None:
    host = ToolHost(tmp_path / "host", shell, wrap=bin_sh(shell))
    try:
        job = await host.job(host.change(ChangeKind.CREATE, "train", *PYTHON, "tqdm", pip=("peft",)))
        task, outcome, log = await host.run(job)
        assert (task.state, task.exit_code, outcome.verdict) == (TaskState.SUCCEEDED, 0, Verdict.SUCCEEDED), log
        prefix = host.conda.env("train")
        assert is_whole(prefix)
        assert "tqdm-4.66.1-pyhd0" in dists(prefix)
        assert list(prefix.glob("lib/python3.11/site-packages/peft-*.dist-info"))
        assert ("made", str(prefix)) in task.said
        assert not host.traces(job)
    finally:
        await host.close()


async def test_an_explicit_list_brings_the_very_packages(host: ToolHost) -> None:
    host.conda.create("first", "libsmall=1.0", "relocated")
    listed = host.conda.run("list", "-n", "first", "--explicit", "--md5").stdout.split("\n")
    urls = tuple(line for line in listed if line.startswith("file://"))
    job = await host.job(replace(host.change(ChangeKind.CREATE, "again"), explicit=urls))
    task, outcome, log = await host.run(job)
    assert (task.exit_code, outcome.verdict) == (0, Verdict.SUCCEEDED), log
    assert dists(host.conda.env("again")) == dists(host.conda.env("first"))
    assert not host.traces(job)
    assert job.spec.argv[-2:] == ("--file", "explicit.txt")


async def stand(host: ToolHost, what: str) -> Path:
    place = host.conda.env("train")
    if what == "environment":
        host.conda.create("train", "libsmall")
    elif what == "folder":
        place.mkdir()
        (place / "thesis.txt").write_text("years of work")
    elif what == "file":
        place.write_text("years of work")
    else:
        place.symlink_to("nowhere")
    return place


@pytest.mark.parametrize("what", ["environment", "folder", "file", "link"])
@pytest.mark.parametrize("kind", [ChangeKind.CREATE, ChangeKind.CLONE])
async def test_what_stands_at_the_place_is_never_touched(host: ToolHost, what: str, kind: ChangeKind) -> None:
    host.conda.create("other", "relocated")
    place = await stand(host, what)
    before = tree(place.parent)
    change = host.change(kind, "train", *(("libsmall",) if kind is ChangeKind.CREATE else ()), source="other")
    job = await host.job(change)
    task, outcome, log = await host.run(job)
    assert (task.state, task.exit_code) == (TaskState.FAILED, 3), log
    assert outcome.kind is Kind.ENVIRONMENT_EXISTS
    assert ("concern", "exists", str(place)) in task.said
    assert tree(place.parent) == before
    assert not host.traces(job)


def in_between(host: ToolHost, script: str) -> Tool:
    """A conda that does something else first, when all has been looked at already."""
    program = host.conda.root / "bin/late-conda"
    program.write_text(f'#!/bin/sh\n{script}\nexec {host.conda.conda} "$@"\n')
    program.chmod(0o755)
    return Tool(Manager.CONDA, str(program), str(host.conda.root), "26.7.1")


@pytest.mark.parametrize("kind", [ChangeKind.CREATE, ChangeKind.CLONE])
async def test_what_somebody_makes_at_the_last_moment_stays_whole(host: ToolHost, kind: ChangeKind) -> None:
    host.conda.create("other", "relocated")
    place = host.conda.env("train")
    tool = in_between(
        host, f"{host.conda.conda} create -y -n train libsmall >/dev/null; find {place} | sort >$HOME/was"
    )
    job = await host.job(
        host.change(kind, "train", *(("tqdm",) if kind is ChangeKind.CREATE else ()), source="other"), tool
    )
    task, outcome, log = await host.run(job)
    assert task.state is TaskState.FAILED, log
    assert not outcome.is_success
    assert ("left", str(place)) in task.said
    was = (host.tasks.home / "was").read_text().split("\n")[:-1]
    assert sorted(map(str, (place, *place.rglob("*")))) == sorted(was)
    assert dists(place) == {"libsmall-2.0-h0"}
    assert not host.traces(job)


@pytest.mark.parametrize(
    ("specs", "kind"),
    [(("no-such-package",), Kind.PACKAGE_NOT_FOUND), (("tensorflow", "keras=2.8"), Kind.UNSATISFIABLE)],
)
async def test_a_creation_that_fails_leaves_nothing_and_says_why(
    host: ToolHost, specs: tuple[str, ...], kind: Kind
) -> None:
    job = await host.job(host.change(ChangeKind.CREATE, "train", *specs))
    task, outcome, log = await host.run(job)
    assert task.state is TaskState.FAILED
    assert (outcome.verdict, outcome.kind) == (Verdict.FAILED, kind), log
    assert outcome.lines
    assert not host.conda.env("train").exists()
    assert not host.traces(job)


async def test_a_creation_of_which_pips_part_fails_leaves_nothing(host: ToolHost) -> None:
    job = await host.job(host.change(ChangeKind.CREATE, "train", *PYTHON, pip=("no-such-wheel==1",)))
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert outcome.kind in (Kind.PIP_FAILED, Kind.PACKAGE_NOT_FOUND)
    assert any("no-such-wheel" in line for line in outcome.lines)
    assert not host.conda.env("train").exists()
    assert not host.traces(job)
    listed = host.tasks.home / ".conda/environments.txt"
    assert str(host.conda.env("train")) not in (listed.read_text() if listed.exists() else "")


@pytest.mark.parametrize("phase", ["collect", "solve", "download", "extract", "link", "register"])
async def test_a_cancelled_creation_leaves_no_process_no_lock_and_no_half(host: ToolHost, phase: str) -> None:
    job = await host.job(host.change(ChangeKind.CREATE, "train", "libsmall", "relocated"))
    await host.held(job, phase)
    await host.cancel(job)
    task, outcome, log = await host.end(job)
    assert (task.state, outcome.verdict) == (TaskState.CANCELLED, Verdict.CANCELLED), log
    assert not host.conda.env("train").exists()
    assert not host.traces(job)


MAKES_A_SLOW_PYTHON = """#!/bin/sh
mkdir -p "$3/conda-meta" "$3/bin"
echo "# cmd: $*" >"$3/conda-meta/history"
cat >"$3/bin/python" <<'END'
#!/bin/sh
case $3 in install) touch "$HOME/at-pip"; sleep 300 ;; esac
END
chmod +x "$3/bin/python"
echo 'Executing transaction: done'
"""


async def test_a_creation_cancelled_while_pip_runs_leaves_nothing(host: ToolHost) -> None:
    program = host.conda.root / "bin/quick"
    program.write_text(MAKES_A_SLOW_PYTHON)
    program.chmod(0o755)
    tool = Tool(Manager.CONDA, str(program), str(host.conda.root))
    job = await host.job(host.change(ChangeKind.CREATE, "train", "*", pip=("peft",)), tool)
    await host.start(job)
    await eventually((host.tasks.home / "at-pip").exists)
    assert is_whole(host.conda.env("train"))
    await host.cancel(job)
    task, _, log = await host.end(job)
    assert task.state is TaskState.CANCELLED, log
    assert not host.conda.env("train").exists()
    assert not host.traces(job)


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
async def test_a_tool_that_does_not_listen_leaves_no_half_either(tmp_path: Path, shell: str) -> None:
    host = ToolHost(tmp_path / "host", shell, wrap=bin_sh(shell))
    deaf = host.conda.root / "bin/deaf"
    deaf.write_text(
        "#!/bin/sh\ntrap '' INT TERM\nmkdir -p \"$3/conda-meta\"\n"
        'echo "# cmd: $*" >"$3/conda-meta/history"\nwhile :; do sleep 1; done\n'
    )
    deaf.chmod(0o755)
    try:
        job = await host.job(
            host.change(ChangeKind.CREATE, "train", "tqdm"), Tool(Manager.CONDA, str(deaf), str(host.conda.root))
        )
        await host.start(job)
        await eventually((host.conda.env("train") / "conda-meta/history").exists)
        await cancel_task(await host.tasks.lane(), "gpu01", job.spec.id, "ada", interrupt_s=1, terminate_s=25)
        task, _, log = await host.end(job)
        assert task.state is TaskState.CANCELLED, log
        assert not host.conda.env("train").exists()
        assert not host.traces(job)
    finally:
        await host.close()


@pytest.mark.parametrize("phase", ["link", "register"])
async def test_a_cancelled_installation_leaves_the_environment_that_was_there(host: ToolHost, phase: str) -> None:
    host.conda.create("train", "libsmall=1.0")
    job = await host.job(host.change(ChangeKind.INSTALL, "train", "relocated"))
    await host.held(job, phase)
    await host.cancel(job)
    task, _, log = await host.end(job)
    assert task.state is TaskState.CANCELLED, log
    assert dists(host.conda.env("train")) == {"libsmall-1.0-h0"}
    assert not host.traces(job)


async def test_packages_come_change_and_go_and_the_disk_is_asked_whether_they_did(host: ToolHost) -> None:
    prefix = host.conda.create("train", *PYTHON, "libsmall=1.0")

    async def done(kind: ChangeKind, *specs: str, pip: tuple[str, ...] = ()) -> None:
        task, outcome, log = await host.run(await host.job(host.change(kind, "train", *specs, pip=pip)))
        assert (task.state, outcome.is_success) == (TaskState.SUCCEEDED, True), log

    await done(ChangeKind.INSTALL, "tqdm", pip=("six",))
    assert "tqdm-4.66.1-pyhd0" in dists(prefix)
    assert list(prefix.glob("lib/python3.11/site-packages/six-*.dist-info"))
    await done(ChangeKind.UPDATE, "libsmall")
    assert "libsmall-2.0-h0" in dists(prefix)
    await done(ChangeKind.UNINSTALL, "tqdm", pip=("six",))
    assert "tqdm-4.66.1-pyhd0" not in dists(prefix)
    assert not list(prefix.glob("lib/python3.11/site-packages/six-*.dist-info"))


async def test_packages_go_into_base_though_its_environments_are_used(host: ToolHost) -> None:
    prefix = host.conda.create("train", "libsmall")
    worker = await asyncio.create_subprocess_exec("/bin/sleep", "300", env={"CONDA_PREFIX": str(prefix)})
    try:
        change = replace(
            host.change(ChangeKind.INSTALL, "train", "libsmall=1.0"), prefix=host.install.root, name="base"
        )
        task, outcome, log = await host.run(await host.job(change))
        assert (task.state, outcome.is_success) == (TaskState.SUCCEEDED, True), log
        assert "libsmall-1.0-h0" in dists(host.conda.root)
        task, outcome, _ = await host.run(await host.job(host.change(ChangeKind.INSTALL, "train", "relocated")))
        assert task.exit_code == 3
        assert any(str(worker.pid) in line for line in outcome.lines)
    finally:
        worker.kill()
        await worker.wait()


async def test_what_is_not_there_cannot_be_uninstalled(host: ToolHost) -> None:
    host.conda.create("train", "libsmall")
    before = tree(host.conda.env("train"))
    task, outcome, log = await host.run(await host.job(host.change(ChangeKind.UNINSTALL, "train", "tqdm")))
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert ("lacks", "tqdm") in task.said
    assert tree(host.conda.env("train")) == before


async def test_a_tool_that_ends_well_without_doing_it_is_no_success(host: ToolHost) -> None:
    host.conda.create("train", "libsmall")
    liar = host.conda.root / "bin/liar"
    liar.write_text("#!/bin/sh\necho 'Executing transaction: done'\n")
    liar.chmod(0o755)
    tool = Tool(Manager.CONDA, str(liar), str(host.conda.root))
    for change in (
        host.change(ChangeKind.INSTALL, "train", "tqdm"),
        host.change(ChangeKind.UNINSTALL, "train", "libsmall"),
        host.change(ChangeKind.CREATE, "new", "tqdm"),
    ):
        task, outcome, log = await host.run(await host.job(change, tool))
        assert (task.state, outcome.kind) == (TaskState.FAILED, Kind.UNPROVEN), log


async def test_a_copy_on_the_same_host_is_the_same(host: ToolHost) -> None:
    source = host.conda.create("train", *PYTHON, "tqdm")
    (source / "notes.txt").write_text("of nobody")
    before = tree(source)
    task, outcome, log = await host.run(await host.job(host.change(ChangeKind.CLONE, "copy", source="train")))
    assert (task.state, outcome.verdict) == (TaskState.SUCCEEDED, Verdict.SUCCEEDED), log
    assert dists(host.conda.env("copy")) == dists(source)
    assert (host.conda.env("copy") / "notes.txt").read_text() == "of nobody"
    assert tree(source) == before


async def test_what_cannot_be_made_again_is_told_at_the_end_and_is_a_failure(host: ToolHost) -> None:
    host.conda.create("train", "libsmall")
    change = host.change(ChangeKind.CLONE, "copy", source="train")
    job = await host.job(replace(change, missing=("mytool (editable, /src)",)))
    task, outcome, log = await host.run(job)
    assert (task.state, task.exit_code) == (TaskState.FAILED, 4), log
    assert "mytool (editable, /src)" in outcome.lines
    assert is_whole(host.conda.env("copy"))


async def test_a_copy_of_nothing_is_refused(host: ToolHost) -> None:
    task, outcome, log = await host.run(await host.job(host.change(ChangeKind.CLONE, "copy", source="none")))
    assert (task.exit_code, outcome.kind) == (3, Kind.ENVIRONMENT_MISSING), log
    assert not host.conda.env("copy").exists()


@pytest.mark.parametrize("kind", [ChangeKind.INSTALL, ChangeKind.CREATE])
async def test_nothing_of_another_account_is_run(host: ToolHost, kind: ChangeKind) -> None:
    host.conda.create("train", "libsmall")
    change = host.change(kind, "train" if kind is ChangeKind.INSTALL else "new", "tqdm")
    job = await host.job(change)
    shutil.copy(host.conda.conda, host.conda.root / "bin/theirs")
    os.chown(host.conda.root / "bin", 54321, 54321)
    try:
        task, outcome, log = await host.run(job)
    finally:
        os.chown(host.conda.root / "bin", 0, 0)
    assert (task.exit_code, outcome.kind) == (3, Kind.NO_PERMISSION), log
    assert any(each[:2] == ("concern", "foreign_owner") for each in task.said)


async def test_a_frozen_environment_wants_its_name_typed(host: ToolHost) -> None:
    prefix = host.conda.create("train", "libsmall")
    (prefix / "conda-meta/frozen").write_text('{"message": "of the paper"}')
    change = host.change(ChangeKind.INSTALL, "train", "relocated")
    task, outcome, log = await host.run(await host.job(change))
    assert (task.exit_code, outcome.kind) == (3, Kind.FROZEN), log
    typed = replace(change, accepted=frozenset({ConcernKind.FROZEN, ConcernKind.USE_UNKNOWN}))
    task, outcome, log = await host.run(await host.job(typed))
    assert task.exit_code == 0, log


async def test_the_directory_that_was_looked_at_is_the_one_that_is_changed(host: ToolHost) -> None:
    prefix = host.conda.create("train", "libsmall")
    change = host.change(ChangeKind.INSTALL, "train", "relocated")
    means = await host.means(change)
    about = prefix.stat()
    prefix.rename(prefix.with_name("old"))
    host.conda.create("train", "libsmall")
    looked = replace(means, device=about.st_dev, inode=about.st_ino)
    task, _, log = await host.run(tool_job(change, looked, host.tasks.spec().id, "ada@laptop"))
    assert task.exit_code == 3, log
    assert any(each[:2] == ("concern", "changed") for each in task.said)


async def test_a_dry_run_tells_the_plan_and_changes_no_environment(host: ToolHost) -> None:
    change = host.change(ChangeKind.CREATE, "train", "pytorch=2.0.1")
    means = await host.means(change)
    assert means.tool is not None
    told = await dry_run(await host.tasks.lane(), "gpu01", means.tool, change)
    assert told.plan is not None
    assert {"pytorch", "numpy", "cudatoolkit"} <= {each.name for each in told.plan.link}
    assert told.plan.download_bytes
    assert not told.concerns
    assert not host.conda.env("train").exists()
    none = await dry_run(await host.tasks.lane(), "gpu01", means.tool, replace(change, specs=("no-such-package",)))
    assert none.plan is None
    assert [each.kind for each in none.concerns] == [ConcernKind.UNKNOWN_PLAN]
    assert none.outcome is not None
    assert none.outcome.kind is Kind.PACKAGE_NOT_FOUND


async def test_channels_that_are_named_are_the_only_ones(host: ToolHost, tmp_path: Path) -> None:
    shutil.copytree(standin_channel() / "channel", tmp_path / "own")
    change = replace(host.change(ChangeKind.CREATE, "train", "libsmall"), channels=(f"file://{tmp_path}/own",))
    task, _, log = await host.run(await host.job(change))
    assert task.exit_code == 0, log
    (record,) = host.conda.env("train").glob("conda-meta/libsmall-*.json")
    assert f"{tmp_path}/own" in record.read_text()
