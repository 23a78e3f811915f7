"""What was asked for is looked for on the disk: name, version and build, whatever a tool says."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.remote.shells import SHELLS
from tests.remote.toolhost import ToolHost, tree
from tui.domain.changes import ChangeKind, ConcernKind
from tui.domain.environments import Manager
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.domain.proofs import pip_word, planned_words, spec_word
from tui.domain.tasks import TaskState
from tui.domain.toolargs import Tool
from tui.remote.changes.tool import tool_job
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict
from tui.remote.scripts import script


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ToolHost]:
    made = ToolHost(tmp_path / "host")
    made.conda.create("train", "libsmall=1.0")
    yield made
    await made.close()


def liar(host: ToolHost) -> Tool:
    """A conda that says that all went well, and does nothing."""
    program = host.conda.root / "bin/liar"
    program.write_text("#!/bin/sh\necho 'Executing transaction: done'\n")
    program.chmod(0o755)
    return Tool(Manager.CONDA, str(program), str(host.conda.root))


@pytest.mark.parametrize("spec", ["libsmall=2.0", "libsmall>=1.1,<3", "libsmall=1.0=h9", "libsmall 2.*"])
async def test_another_version_is_no_success(host: ToolHost, spec: str) -> None:
    job = await host.job(host.change(ChangeKind.INSTALL, "train", spec), liar(host))
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict, outcome.kind) == (TaskState.FAILED, Verdict.FAILED, Kind.UNPROVEN), log
    assert any("libsmall-1.0-h0" in line for line in outcome.lines), outcome


async def test_nor_is_what_the_dry_run_did_not_tell_of(host: ToolHost) -> None:
    change = host.change(ChangeKind.UPDATE, "train", "libsmall")
    one, two = (PlannedPackage("libsmall", version, "h0") for version in ("1.0", "2.0"))
    means = replace(await host.means(change, liar(host)), plan=PackagePlan(link=(two,), unlink=(one,)))
    task, outcome, log = await host.run(tool_job(change, means, host.tasks.spec().id, "ada@laptop"))
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert ("planned", "+libsmall-2.0-h0", "-libsmall-1.0-h0") in task.said
    assert any("libsmall-2.0-h0" in line for line in outcome.lines), outcome
    means = replace(means, tool=(await host.means(change)).tool)
    task, outcome, log = await host.run(tool_job(change, means, host.tasks.spec().id, "ada@laptop"))
    assert (task.state, outcome.verdict) == (TaskState.SUCCEEDED, Verdict.SUCCEEDED), log


async def test_pips_version_is_looked_for_as_well(host: ToolHost) -> None:
    prefix = host.conda.env("train")
    (prefix / "bin").mkdir(exist_ok=True)
    (prefix / "bin/python").write_text("#!/bin/sh\necho Successfully installed six\n")
    (prefix / "bin/python").chmod(0o755)
    (prefix / "lib/python3.11/site-packages/six-1.15.0.dist-info").mkdir(parents=True)
    for wanted, state in (("six==1.16.0", TaskState.FAILED), ("six>=1.15", TaskState.SUCCEEDED)):
        job = await host.job(host.change(ChangeKind.INSTALL, "train", pip=(wanted,)))
        task, outcome, log = await host.run(job)
        assert task.state is state, log
        assert (state is TaskState.SUCCEEDED) or any("six==1.15.0" in line for line in outcome.lines), outcome


async def test_without_a_python_it_is_told_that_there_is_none(host: ToolHost) -> None:
    task, outcome, log = await host.run(await host.job(host.change(ChangeKind.INSTALL, "train", pip=("six",))))
    assert (task.state, outcome.kind) == (TaskState.FAILED, Kind.TOOL_MISSING), log
    assert str(host.conda.env("train") / "bin/python") in outcome.explanation


async def test_what_was_accepted_is_no_reason_of_a_refusal(host: ToolHost) -> None:
    prefix = host.conda.env("train")
    (prefix / "notes.txt").write_text("mine")
    (prefix / "conda-meta/frozen").write_text("{}")
    change = replace(host.change(ChangeKind.RENAME, "train"), new_prefix=str(host.conda.env("other")))
    change = replace(change, accepted=frozenset({ConcernKind.USE_UNKNOWN, ConcernKind.UNOWNED}))
    task, outcome, log = await host.run(await host.job(change))
    assert (task.exit_code, outcome.kind) == (3, Kind.FROZEN), log
    assert any(each[:2] == ("concern", "unowned") for each in task.said)
    assert not any("no package" in line or "notes" in line for line in outcome.lines), outcome.lines


def places(host: ToolHost) -> dict[str, Path]:
    return {
        "cache": host.conda.pkgs / "inside",
        "environment": host.conda.env("train") / "nested",
        "deeper": host.conda.env("train") / "lib" / "nested",
        "install": host.conda.root / "mine",
    }


@pytest.mark.parametrize("where", ["cache", "environment", "deeper", "install"])
@pytest.mark.parametrize("kind", [ChangeKind.CREATE, ChangeKind.RENAME])
async def test_nothing_new_comes_to_lie_in_what_is_anothers(host: ToolHost, where: str, kind: ChangeKind) -> None:
    place = places(host)[where]
    before = tree(host.conda.root / "envs")
    change = host.change(kind, "train")
    if kind is ChangeKind.CREATE:
        change = replace(change, prefix=str(place), name=None, specs=("libsmall",))
    else:
        change = replace(change, new_prefix=str(place), accepted=frozenset({ConcernKind.USE_UNKNOWN}))
    task, outcome, log = await host.run(await host.job(change))
    assert (task.exit_code, outcome.kind) == (3, Kind.INVALID_NAME), log
    why = {"deeper": "environment"}.get(where, where)
    assert any(each[:4] == ("concern", "bad_place", str(place), why) for each in task.said), task.said
    assert not place.exists()
    assert tree(host.conda.root / "envs") == before


async def test_elsewhere_something_new_may_lie(host: ToolHost, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    change = replace(host.change(ChangeKind.CREATE, "x", "libsmall"), prefix=str(tmp_path / "data/x"), name=None)
    task, _, log = await host.run(await host.job(change))
    assert task.exit_code == 0, log


FITS = (
    ("1.26.4", "=1.26", True), ("1.26.4", "1.26.*", True), ("1.26.4", "==1.26.4", True), ("1.26.4", "1.26", False),
    ("1.26", "==1.26.0", True), ("2.1.3", "=1.26", False), ("2.1.3", "=2.1", True), ("2.10", "=2.1", False),
    ("1.26.4", ">=1.20,<2", True), ("2.0", ">=1.20,<2", False), ("1.5", "~=1.4", True), ("2.0", "~=1.4", False),
    ("1.4.9", "~=1.4.5", True), ("1.5", "~=1.4.5", False), ("1.0", "!=1.0", False), ("1.1", "!=1.0", True),
    ("1.0.3", "!=1.0.*", False), ("3.0", "=1|=3", True), ("2.0", "=1|=3", False), ("2.0+cu118", "==2.0", True),
    ("1.0rc1", ">=0.9", True), ("1.0rc1", "==1.0.rc1", True), ("1.0", "*", True), ("1.0", "", True),
    ("2023.1.0", "<=2023", False), ("10", ">9", True),
)  # fmt: skip


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_versions_fit_what_was_asked_for(shell: str) -> None:
    calls = "".join(f"if ct_fits '{has}' '{wanted}'; then echo y; else echo n; fi\n" for has, wanted, _ in FITS)
    text = script("change_proof").decode() + calls
    done = subprocess.run(SHELLS[shell], input=text, capture_output=True, text=True, check=True, timeout=60)
    said = [each == "y" for each in done.stdout.split()]
    assert [(*each[:2], found) for each, found in zip(FITS, said, strict=True)] == list(FITS)


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("numpy", "numpy::"), ("numpy=1.26", "numpy:=1.26:"), ("conda-forge::numpy >=1.20, <2", "numpy:>=1.20,<2:"),
        ("numpy==1.26.4", "numpy:==1.26.4:"), ("numpy=1.26=py311*", "numpy:=1.26:py311*"),
        ("numpy 1.26.* py311h0", "numpy:1.26.*:py311h0"), ("numpy[version='>=1']", "numpy"), ("*", None),
    ],
)  # fmt: skip
def test_a_spec_becomes_a_word(spec: str, word: str | None) -> None:
    assert spec_word(spec) == (word.removesuffix("::") if word is not None and word.endswith("::") else word)


def test_other_words() -> None:
    assert spec_word("numpy=1.26.4=py311h0", exact=True) == "=numpy-1.26.4-py311h0"
    assert pip_word("Ruamel.Yaml>=0.17, <1") == "ruamel-yaml:>=0.17,<1:"
    assert pip_word("six") == "six"
    assert pip_word("six @ https://example.org/six.whl") == "six"
    assert pip_word("six==1; python_version < '3'") is None
    assert planned_words(None) == planned_words(PackagePlan(link=(PlannedPackage("a", "1", "0"),), cut=True)) == ()
    assert planned_words(PackagePlan(link=(PlannedPackage("a", "1"),))) == ()
