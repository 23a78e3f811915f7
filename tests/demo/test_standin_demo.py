"""On demo hosts conda works: what is there can be copied, added to and made again elsewhere, from one channel."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.reach import run_ssh
from tui.demo.catalog import catalog
from tui.demo.channel import archive
from tui.demo.channel_demo import DemoChannel
from tui.demo.fleet import DemoFleet
from tui.demo.plan import HostPlan
from tui.remote.condasays.plan import read_plan

Run = Callable[..., subprocess.CompletedProcess[bytes]]
CONDA = "miniforge3/bin/conda"


@pytest.fixture(scope="module")
def own() -> Iterator[DemoFleet]:
    """A fleet to be changed."""
    with DemoFleet(4) as running:
        yield running


@pytest.fixture(scope="module")
def run(own: DemoFleet) -> Run:
    def on(host: str, command: str, stdin: bytes = b"", code: int = 0) -> subprocess.CompletedProcess[bytes]:
        done = run_ssh(own, host, command, stdin=stdin)
        assert done.returncode == code, (command, done.stdout, done.stderr)
        return done

    return on


def explicit(run: Run, host: str, conda: str, name: str) -> bytes:
    """The list, without the lines that name the conda that wrote it."""
    listed = run(host, f"{conda} list -n {name} --explicit --sha256").stdout.splitlines(keepends=True)
    assert sum(b"#sha256:" in line for line in listed) > 10
    return b"".join(line for line in listed if not line.startswith(b"#"))


def test_an_environment_is_made_again_on_another_host_by_its_explicit_list(own: DemoFleet, run: Run) -> None:
    listed = explicit(run, "gpu01", CONDA, "llm-train")
    run("gpu02", "cat >explicit.txt; miniconda3/bin/conda create -y -n again --file explicit.txt", stdin=listed)
    assert explicit(run, "gpu02", "miniconda3/bin/conda", "again") == listed
    freeze = "bin/python -m pip freeze --all"
    parts = run("gpu01", f"miniforge3/envs/llm-train/{freeze}").stdout
    run("gpu02", "cat >parts.txt; miniconda3/envs/again/bin/python -m pip install --no-deps -r parts.txt", stdin=parts)
    assert run("gpu02", f"miniconda3/envs/again/{freeze}").stdout == parts


def test_a_new_environment_and_a_clone_share_the_cache_with_what_was_there(own: DemoFleet, run: Run) -> None:
    made = run("gpu01", f"{CONDA} create -y --json -n fresh python=3.11 pytorch=2.5 numpy=1.26")
    plan = read_plan(made.stdout.decode())
    assert plan is not None and plan.fetch == (), "all of it is in the cache"
    run("gpu01", f"{CONDA} create -y -n copy --clone glm_finetune_gpu")
    envs = own.host("gpu01").home / "miniforge3/envs"
    for name, other in (("fresh", "llm-train"), ("copy", "glm_finetune_gpu")):
        links = [path.stat().st_ino for path in (envs / name / "lib").glob("libcublas.so.*")]
        assert links == [path.stat().st_ino for path in (envs / other / "lib").glob("libcublas.so.*")] != []
    ours, theirs = (explicit(run, "gpu01", CONDA, name) for name in ("copy", "glm_finetune_gpu"))
    assert ours == theirs
    run("gpu01", f"{CONDA} env remove -y -n copy && {CONDA} env remove -y -n fresh")


@pytest.mark.parametrize(
    ("host", "conda"), [("gpu01", CONDA), ("gpu02", "miniconda3/bin/conda"), ("cpu01", "miniconda3/bin/conda")]
)
def test_a_package_comes_into_each_environment_and_nothing_else_moves(run: Run, host: str, conda: str) -> None:
    known = json.loads(run(host, f"{conda} env list --json").stdout)["envs"]
    looked_at = 0
    for prefix in known:
        records = {path.name for path in Path(prefix, "conda-meta").glob("*.json")}
        if not any(name.startswith("python-3") for name in records) or Path(prefix, "conda-meta/frozen").exists():
            continue
        said = run(host, f"{conda} install --dry-run --json -y -p '{prefix}' pytz bzip2").stdout.decode()
        plan = read_plan(said)
        assert plan is not None and plan.unlink == (), prefix
        added = {each.name for each in plan.link}
        assert added <= {"pytz", "bzip2"} and (plan.message or added), prefix
        looked_at += 1
    assert looked_at >= 2


def test_a_light_host_tells_its_places_at_once_and_can_be_changed_all_the_same() -> None:
    with DemoFleet((HostPlan("node", "node"),)) as light:
        root = light.host("node").home / "miniforge3"
        told = json.loads(run_ssh(light, "node", "miniforge3/bin/conda info --json").stdout)
        assert told["pkgs_dirs"][0] == f"{root}/pkgs" and (root / "etc/standin-info.json").exists()
        done = run_ssh(light, "node", "miniforge3/bin/conda create -y -n copy --clone etl")
        assert done.returncode == 0, done.stderr
        assert (root / "envs/copy/bin/python3.11").exists()


@pytest.mark.parametrize(
    "words",
    ["create -y -p {0}", "create -y -p {0}/a/b", "rename -n etl {0}", "env remove -y -p {0}", "create -y -p ~/out/x"],
)
def test_nothing_is_written_outside_of_the_host(own: DemoFleet, run: Run, tmp_path: Path, words: str) -> None:
    outside = tmp_path / "mine"
    (outside / "conda-meta").mkdir(parents=True)
    (outside / "conda-meta/history").touch()
    link = own.host("cpu01").home / "out"
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    done = run("cpu01", f"miniconda3/bin/conda {words.format(outside)} </dev/null", code=1)
    assert b"NotWritableError" in done.stderr
    assert [path.name for path in outside.rglob("*")] == ["conda-meta", "history"]


def test_what_the_driver_can_run_decides(run: Run) -> None:
    for host, conda in (("gpu01", CONDA), ("cpu01", "miniconda3/bin/conda")):
        told = dict(pair[:2] for pair in json.loads(run(host, f"{conda} info --json").stdout)["virtual_pkgs"])
        assert told.get("__cuda") == {"gpu01": "12.6", "cpu01": None}[host]


def test_what_cannot_be_solved_or_is_not_there_is_said(run: Run) -> None:
    broken = run("gpu01", f"{CONDA} create -y -n x --json pytorch=2.4 cuda-version=12.6", code=1).stdout
    assert json.loads(broken)["exception_name"] == "RattlerUnsatisfiableError"
    missing = run("gpu01", f"{CONDA} create -y -n x --json no-such-package", code=1).stdout
    assert json.loads(missing)["exception_name"] == "PackagesNotFoundInChannelsError"
    elsewhere = run("gpu01", f"{CONDA} create -y -n x -c https://example.org/none six", code=1).stderr
    assert b"Failed to resolve 'example.org'" in elsewhere, "nothing is asked of another machine"


def test_an_archive_is_the_same_bytes_whoever_makes_it(tmp_path: Path) -> None:
    one, other = DemoChannel(tmp_path), DemoChannel(tmp_path)
    items = catalog()
    assert len({item.stem for item in items}) == len(items) > 100
    for item in items[::9]:
        assert archive(one.made(item).package) == archive(other.made(item).package)


@pytest.mark.parametrize(
    ("host", "program", "root"),
    [
        ("lab", ".local/bin/micromamba", "home/lin/.local/share/mamba"),
        ("gpu02", "../../opt/miniforge3/bin/mamba", "opt/miniforge3"),
    ],
)
def test_mamba_and_micromamba_work_on_what_is_there(own: DemoFleet, host: str, program: str, root: str) -> None:
    prefix = own.host(host).root / root / "envs/new"

    def run(words: str) -> str:
        done = run_ssh(own, host, f"{program} {words}")
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    made = run(f"create -r {prefix.parent.parent} -p {prefix} --json python=3.12 numpy=2.1")
    plan = read_plan(made)
    assert plan is not None and {"python", "numpy"} <= {each.name for each in plan.link}
    assert (prefix / "bin/python3.12").stat().st_nlink > 1
    run(f"install -r {prefix.parent.parent} -p {prefix} -y six")
    assert {"six", "numpy"} <= {row["name"] for row in json.loads(run(f"list -p {prefix} --json"))}
    run(f"env remove -r {prefix.parent.parent} -p {prefix} -y")
    assert not prefix.exists()
