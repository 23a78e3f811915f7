"""Whatever people and hosts call things, a package manager gets each word whole: through the task's own program."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.remote.recordings import MICROMAMBA, recordings
from tests.remote.shells import GNU_PATH, SHELLS
from tui.domain.changes import Change, ChangeKind, EnvRef
from tui.domain.environments import Install, Manager
from tui.domain.tasks import ended, queued
from tui.domain.text import decode, encode
from tui.domain.toolargs import Tool, Toolbox, tool_argv
from tui.remote.changes.outcome import LogProgress, read_task_outcome
from tui.remote.changes.tool import Means, tool_job
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict
from tui.remote.condasays.progress import Phase
from tui.remote.quoting import quote_all
from tui.remote.wire import records

TOOL = """#!/bin/sh
printf '%s\\0' "$0" "$@" >"$HOME/argv"
while [ "$1" != -p ]; do shift; done
mkdir "$2/conda-meta" 2>/dev/null || mkdir -p "$2/conda-meta"
printf '# cmd: x -p %s\\n' "$2" >>"$2/conda-meta/history"
for name in $(cat "$HOME/names"); do : >"$2/conda-meta/$name-1-0.json"; done
echo 'Executing transaction: done'
"""
NAMES = st.one_of(
    st.binary(min_size=1, max_size=12).map(lambda raw: decode(raw.replace(b"\0", b"").replace(b"/", b"") or b"x")),
    st.sampled_from(
        ["-rf", "--prefix", "a b", "$(touch HOME)", "`id`", "it's", 'a"b', "a\nb", "*", "~", "训练", "\\", "!!", "#"]
    ),
).filter(lambda name: name not in (".", "..") and not name.startswith(".condafleet"))
SPECS = st.lists(
    st.sampled_from(["numpy", "numpy>=1.2,<2", "x[version='>=2']", "a 1.0 b*", "y=1|2", "z!=3", "*"]), max_size=4
)
_numbers = itertools.count()


class Bench:
    """A place where the task's program runs without a task around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.envs = folder / "root/envs"
        self.pkgs = folder / "root/pkgs"
        self.envs.mkdir(parents=True)
        self.pkgs.mkdir()
        self.tool = self.program("tool", TOOL)
        self.install = Install(
            str(folder / "root"), Manager.CONDA, "26.7.1", envs_dirs=(str(self.envs),), pkgs_dirs=(str(self.pkgs),)
        )

    def program(self, name: str, text: str, manager: Manager = Manager.CONDA) -> Tool:
        """A package manager."""
        path = self.folder / "root" / name
        path.write_text(text)
        path.chmod(0o755)
        return Tool(manager, str(path), str(self.folder / "root"))

    def run(
        self, change: Change, tool: Tool | None = None, shell: str = "dash"
    ) -> tuple[int, str, list[tuple[str, ...]]]:
        """What the program for *change* ends with, prints and says."""
        tool = tool or self.tool
        means = Means(self.install, Toolbox(self.install.root, (tool,)), tool, (), self.install.envs_dirs, played=True)
        job = tool_job(change, means, f"20261121-101500-{next(_numbers):08x}", "ada@laptop")
        spool = self.folder / "spool"
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir()
        (self.folder / "names").write_text(" ".join(sorted({"numpy", "x", "a", "y", "z"})))
        program = spool / "program"
        program.write_bytes(b"set -- " + quote_all(job.args or ()) + b"\n" + job.program)
        env = {
            "PATH": GNU_PATH,
            "HOME": str(self.folder),
            "CONDAFLEET_SPOOL": str(spool),
            "CONDAFLEET_TASK": job.spec.id,
        }
        done = subprocess.run(
            [*SHELLS[shell], str(program)],
            env=env, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
            check=False,
        )  # fmt: skip
        said = spool / "said"
        words = [tuple(map(decode, each.fields)) for each in records(said.read_bytes())] if said.exists() else []
        assert not (spool / "lists").exists()
        return done.returncode, decode(done.stdout), words

    def argv(self) -> list[str]:
        """What the tool was started with."""
        return [decode(word) for word in (self.folder / "argv").read_bytes().split(b"\0")[:-1]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    yield Bench(tmp_path_factory.mktemp("bench"))


@pytest.mark.parametrize("shell", SHELLS)
@given(name=NAMES, specs=SPECS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hostile_names_reach_the_tool_as_they_are(bench: Bench, shell: str, name: str, specs: list[str]) -> None:
    prefix = f"{bench.envs}/{name}"
    raw = Path(bench.envs, decode(encode(name)))
    (raw / "conda-meta").mkdir(parents=True)
    (raw / "conda-meta/history").write_bytes(b"")
    try:
        change = Change(ChangeKind.INSTALL, "gpu01", prefix, specs=("numpy", *specs))
        code, log, said = bench.run(change, shell=shell)
        # The tool makes version 1 of everything: what asks for another is not there.
        lacks = [word for words in said if words[0] == "lacks" for word in words[1:]]
        assert (code == 0) == (not lacks), log
        assert all(word.startswith(("numpy>=1.2,<2", "a==1.0=b*")) for word in lacks), lacks
        assert bench.argv() == list(tool_argv(bench.tool, change))
    finally:
        shutil.rmtree(raw)
    assert sorted(path.name for path in bench.envs.iterdir()) == []
    assert sorted(path.name for path in bench.folder.iterdir()) == ["argv", "names", "root", "spool"]


@pytest.mark.parametrize("name", ["it's", "$(touch x)", "`id`", "训练", "a*b", "~x", "a;b", "a&b", "\\x"])
@pytest.mark.parametrize("shell", SHELLS)
def test_odd_names_that_conda_takes_are_made_under_that_very_name(bench: Bench, shell: str, name: str) -> None:
    prefix = f"{bench.envs}/{name.replace(' ', '_')}"
    change = Change(ChangeKind.CREATE, "gpu01", prefix, specs=("numpy",))
    code, log, said = bench.run(change, shell=shell)
    assert code == 0, log
    assert [path.name for path in bench.envs.iterdir()] == [Path(prefix).name]
    assert ("made", prefix) in said
    shutil.rmtree(prefix)


def test_a_list_is_handed_over_in_a_file_that_nobody_else_reads_and_that_goes(bench: Bench) -> None:
    url = f"https://conda.anaconda.org/conda-forge/noarch/tqdm-1-0.conda#{'0' * 32}"
    text = 'for last; do :; done; cp "$last" "$HOME/list"; stat -c %a "$last" >"$HOME/mode"; mkdir -p "$3/conda-meta"\n'
    text += 'echo "# cmd: -p $3" >"$3/conda-meta/history"; : >"$3/conda-meta/tqdm-1-0.json"\n'
    tool = bench.program("lists", f"#!/bin/sh\n{text}")
    code, log, _ = bench.run(Change(ChangeKind.CREATE, "gpu01", f"{bench.envs}/x", explicit=(url,)), tool)
    assert code == 0, log
    assert (bench.folder / "list").read_text() == f"@EXPLICIT\n{url}\n"
    assert (bench.folder / "mode").read_text() == "600\n"
    assert not (bench.folder / "spool/program").exists()
    for path in (bench.folder / "list", bench.folder / "mode"):
        path.unlink()
    shutil.rmtree(bench.envs / "x")


def replay(number: str, before: str = "") -> str:
    """A tool that says what micromamba said in a recording, and ends as it did."""
    said = recordings(MICROMAMBA)[number]
    code = said.exit_code if said.exit_code >= 0 else 128 - said.exit_code
    words = f"cat <<'RECORDED'\n{said.stdout}\nRECORDED\ncat >&2 <<'RECORDED'\n{said.stderr}\nRECORDED\n"
    return f"#!/bin/sh\n{before}\n{words}exit {code}\n"


HALF = 'mkdir -p "$5/conda-meta"; echo "# cmd: micromamba create -r $3 -p $5" >"$5/conda-meta/history"'


@pytest.mark.parametrize(
    ("number", "kind", "before"),
    [
        ("157", Kind.CANCELLED, HALF),  # interrupted, and exit 0
        ("155", Kind.CANCELLED, HALF),
        ("048", Kind.UNSATISFIABLE, ""),
        ("051", Kind.PACKAGE_NOT_FOUND, ""),
        ("058", Kind.CHANNEL_UNREACHABLE, ""),
        ("041", Kind.ENVIRONMENT_EXISTS, ""),
        ("161", None, HALF),
    ],
)
def test_what_micromamba_ends_with_is_no_success_and_leaves_no_half(
    bench: Bench, number: str, kind: Kind | None, before: str
) -> None:
    tool = bench.program("micromamba", replay(number, before), Manager.MICROMAMBA)
    change = Change(ChangeKind.CREATE, "gpu01", f"{bench.envs}/x", specs=("pytorch=2.0.1",))
    code, log, said = bench.run(change, tool)
    assert code != 0
    assert not list(bench.envs.iterdir())
    means = Means(bench.install, Toolbox(bench.install.root, (tool,)), tool)
    spec = tool_job(change, means, "20261121-101500-ffffffff", "ada@laptop").spec
    task = replace(ended(queued(spec, "gpu01", 0.0), 1.0, code), said=tuple(said))
    outcome = read_task_outcome(task, encode(log))
    assert outcome.verdict in (Verdict.FAILED, Verdict.CANCELLED)
    if kind is not None:
        assert outcome.kind is kind, log


@pytest.mark.parametrize("number", ["092", "078"])
def test_micromambas_nothing_to_do_is_held_against_the_disk(bench: Bench, number: str) -> None:
    tool = bench.program("micromamba", replay(number), Manager.MICROMAMBA)
    prefix = bench.envs / "x"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta/history").touch()
    try:
        for kind in (ChangeKind.UNINSTALL, ChangeKind.UPDATE, ChangeKind.INSTALL):
            code, log, said = bench.run(Change(kind, "gpu01", str(prefix), specs=("tqdm",)), tool)
            assert code == 1, log
            assert ("lacks", "tqdm") in said
    finally:
        shutil.rmtree(prefix)


def test_what_another_made_meanwhile_is_no_success_even_where_the_tool_says_so(bench: Bench) -> None:
    lies = 'mkdir -p "$3/conda-meta"; echo "# cmd: conda create -n x" >"$3/conda-meta/history"\n'
    lies += ': >"$3/conda-meta/numpy-1-0.json"\n'
    tool = bench.program("late", f"#!/bin/sh\n{lies}echo 'Executing transaction: done'\n")
    prefix = bench.envs / "x"
    code, log, said = bench.run(Change(ChangeKind.CREATE, "gpu01", str(prefix), specs=("numpy",)), tool)
    assert code == 1, log
    assert ("left", str(prefix)) in said
    assert (prefix / "conda-meta/numpy-1-0.json").exists()
    shutil.rmtree(prefix)


def test_a_copy_names_both_places(bench: Bench) -> None:
    (bench.envs / "a/conda-meta").mkdir(parents=True)
    (bench.envs / "a/conda-meta/history").touch()
    change = Change(ChangeKind.CLONE, "gpu01", f"{bench.envs}/b", source=EnvRef("gpu01", f"{bench.envs}/a"))
    code, log, said = bench.run(change)
    # The tool makes more than there is to be copied.
    assert (code, [words[1:] for words in said if words[0] == "more"]) == (
        4,
        [("a-1-0", "numpy-1-0", "x-1-0", "y-1-0", "z-1-0")],
    ), log
    assert bench.argv() == [bench.tool.program, "create", "-p", f"{bench.envs}/b", "--clone", f"{bench.envs}/a"]
    for name in "ab":
        shutil.rmtree(bench.envs / name)


def test_progress_is_read_from_a_log_however_it_is_cut() -> None:
    log = "Solving environment: done\n\nPreparing transaction: done\nCollecting peft==0.13.2\n"
    log += "Installing collected packages: peft\n训"
    for size in (1, 3, 1000):
        reader = LogProgress()
        seen = [reader.feed(encode(log)[at : at + size]) for at in range(0, len(encode(log)), size)]
        assert seen[-1] is not None
        assert seen[-1].phase is Phase.PIP
    reader = LogProgress()
    told = reader.feed(b"Collecting peft==0.13.2\n")
    assert told is not None
    assert (told.phase, told.package) == (Phase.PIP, "peft")
