"""Runs and GPUs of demo hosts: real processes in real tmux sessions, played numbers that say so."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.demo.reach import wait_for
from tui.demo.fleet import DemoFleet
from tui.demo.gpus import gpu_files
from tui.demo.layouts import layout
from tui.demo.played import machine_files, moving_files

Ssh = Callable[..., subprocess.CompletedProcess[bytes]]
PANES = "tmux list-panes -a -F '#{session_name}|#{window_name}|#{pane_pid}|#{pane_dead}|#{pane_dead_status}'"


@pytest.fixture(autouse=True)
def _tmux_is_needed() -> None:
    assert shutil.which("tmux"), "these tests need tmux: install it"


@pytest.fixture
def outside() -> Iterator[dict[str, str]]:
    """A tmux session of somebody else, in a socket folder of its own; gone afterwards."""
    folder = Path(f"/tmp/cft-{secrets.token_hex(4)}")
    folder.mkdir(mode=0o700)
    environ = {**os.environ, "TMUX_TMPDIR": str(folder)}
    environ.pop("TMUX", None)
    subprocess.run(
        ["tmux", "-f", "/dev/null", "new-session", "-d", "-s", "planted", "sleep 300"], env=environ, check=True
    )
    try:
        yield environ
    finally:
        subprocess.run(["tmux", "kill-server"], env=environ, check=False, capture_output=True)
        shutil.rmtree(folder)


def test_only_the_hosts_own_sessions_are_listed(ssh: Ssh, outside: dict[str, str]) -> None:
    listed = ssh("gpu01", "tmux list-sessions -F '#{session_name}'").stdout.split()
    assert listed == [b"eval", b"train-llm"]
    assert ssh("v100-old", "tmux list-sessions").returncode == 1, "no session was planned there"


def test_a_demo_comes_and_goes_and_a_session_outside_stays(outside: dict[str, str]) -> None:
    with DemoFleet(1) as fleet:
        assert fleet.host("gpu01").home.is_dir()
    listed = subprocess.run(["tmux", "list-sessions", "-F", "#S"], env=outside, capture_output=True, check=True)
    assert listed.stdout == b"planted\n"


def test_there_is_a_split_window_a_second_window_and_a_dead_pane(ssh: Ssh) -> None:
    rows = [line.split("|") for line in ssh("gpu01", PANES).stdout.decode().splitlines()]
    assert sorted((row[0], row[1]) for row in rows) == [
        ("eval", "eval"),
        ("eval", "eval"),
        ("eval", "notes"),
        ("train-llm", "train"),
    ]

    def died() -> bool:
        rows = [line.split("|") for line in ssh("gpu02", PANES).stdout.decode().splitlines()]
        return ["1", "1"] in [row[3:] for row in rows if row[0] == "sweep"]

    wait_for(died)


def test_a_run_is_a_process_of_its_environment_and_its_log_says_that_it_is_played(fleet: DemoFleet, ssh: Ssh) -> None:
    rows = [line.split("|") for line in ssh("gpu01", PANES).stdout.decode().splitlines()]
    pid = int(next(row[2] for row in rows if row[0] == "train-llm"))
    prefix = fleet.host("gpu01").home / "miniforge3/envs/llm-train"
    assert Path(f"/proc/{pid}/exe").readlink() == prefix / "libexec/python"
    environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert f"CONDA_PREFIX={prefix}".encode() in environ
    wait_for(lambda: b"[demo] step" in ssh("gpu01", "tmux capture-pane -p -t train-llm").stdout)
    assert b"played training log" in ssh("gpu01", "tmux capture-pane -p -t train-llm").stdout


def test_the_process_on_a_gpu_is_the_run_itself(ssh: Ssh) -> None:
    ask = "nvidia-smi --query-compute-apps=pid,used_memory --format=csv,noheader,nounits"
    apps = {int(line.split(b",")[0]) for line in ssh("gpu01", ask).stdout.splitlines()}
    rows = [line.split("|") for line in ssh("gpu01", PANES).stdout.decode().splitlines()]
    assert len(apps) == 2, "one of them on two GPUs"
    assert apps <= {int(row[2]) for row in rows}


def test_nvidia_smi_answers_in_the_forms_that_are_asked_for(ssh: Ssh) -> None:
    csv = ssh("gpu02", "nvidia-smi --query-gpu=index,name,utilization.gpu,memory.total --format=csv")
    assert csv.stdout.splitlines()[:2] == [
        b"index, name, utilization.gpu [%], memory.total [MiB]",
        b"0, NVIDIA A100-SXM4-80GB, [N/A], 81920 MiB",
    ]
    bare = ssh("v100-old", "nvidia-smi --query-gpu=index,power.draw,mig.mode.current --format=csv,noheader,nounits")
    assert bare.stdout == b"0, [N/A], [N/A]\n1, [N/A], [N/A]\n"
    assert ssh("gpu02", "nvidia-smi -L").stdout.count(b"  MIG ") == 4
    assert b"CUDA Version: 12.2" in ssh("gpu02", "nvidia-smi").stdout
    xml = ElementTree.fromstring(ssh("gpu01", "nvidia-smi -q -x").stdout)
    assert (xml.findtext("cuda_version"), len(xml.findall("gpu"))) == ("12.6", 4)


def test_nvidia_smi_refuses_a_field_that_it_does_not_know(ssh: Ssh) -> None:
    done = ssh("gpu01", "nvidia-smi --query-gpu=index,no.such --format=csv")
    assert done.returncode == 2 and b'"no.such" is not a valid field' in done.stdout


def test_a_hung_driver_never_answers(ssh: Ssh) -> None:
    assert ssh("lab", "timeout 0.5 nvidia-smi -L").returncode == 124


def test_a_host_without_gpus_has_no_tool_for_them(ssh: Ssh) -> None:
    assert ssh("cpu01", "command -v nvidia-smi").returncode != 0


def test_package_managers_tell_their_places_and_versions(fleet: DemoFleet, ssh: Ssh) -> None:
    facts = json.loads(ssh("gpu01", "miniforge3/bin/conda info --json").stdout)
    root = str(fleet.host("gpu01").home / "miniforge3")
    assert (facts["root_prefix"], facts["envs_dirs"][0]) == (root, f"{root}/envs")
    assert ssh("gpu01", "miniforge3/bin/conda --version").stdout == b"conda 26.7.1\n"
    listed = json.loads(ssh("lab", "micromamba env list --json").stdout)["envs"]
    envs = fleet.host("lab").home / ".local/share/mamba/envs"
    assert {str(envs / name) for name in ("vision", "genomics", "语音识别")} <= set(listed)
    assert ssh("lab", "micromamba --version").stdout == b"2.8.1\n"
    root = str(fleet.host("gpu02").root / "opt/miniforge3")
    assert ssh("gpu02", f"{root}/bin/mamba --version; {root}/bin/conda --version").stdout == b"2.0.2\nconda 24.9.2\n"


def test_played_numbers_are_the_same_at_the_same_moment_and_move(fleet: DemoFleet) -> None:
    plan = layout("gpu01")
    assert plan.gpus is not None
    assert moving_files("gpu01", plan, 7.0) == moving_files("gpu01", plan, 7.0) != moving_files("gpu01", plan, 19.0)
    assert gpu_files("gpu01", plan.gpus, [], 7.0) != gpu_files("gpu01", plan.gpus, [], 19.0)
    played = fleet.host("gpu01").played
    assert {*machine_files("gpu01", plan, played.parent), *moving_files("gpu01", plan, 0)} <= {
        path.name for path in played.iterdir()
    }


def test_numbers_move_while_somebody_is_connected(fleet: DemoFleet, ssh: Ssh) -> None:
    before = (fleet.host("cpu01").played / "loadavg").read_text()
    script = """cd "$CONDAFLEET_PLAYED"; a=$(cat loadavg); i=0
        while [ $i -lt 200 ] && [ "$a" = "$(cat loadavg)" ]; do sleep 0.05; i=$((i+1)); done; echo $i"""
    done = ssh("cpu01", script)
    assert int(done.stdout) < 200
    assert (fleet.host("cpu01").played / "loadavg").read_text() != before


@pytest.mark.parametrize("name", ["gpu01", "gpu02", "cpu01", "lab", "old", "node"])
def test_all_installs_of_a_host_lie_on_one_of_its_disks(name: str) -> None:
    plan, root = layout(name), Path("/x")
    disks = [line.split("\t")[0] for line in machine_files(name, plan, root)["disks"].splitlines()]
    assert disks == sorted(disks, reverse=True), "the inner one is met first"
    paths = [path for each in plan.installs for path in (each.path, *(env.path for env in each.envs))]
    full = [f"{root}{path}" if path.startswith("/") else f"{root}/home/ada/{path}" for path in paths]
    assert len({next(disk for disk in disks if path.startswith(f"{disk}/")) for path in full}) == 1


def test_a_shared_export_has_one_source_on_all_hosts() -> None:
    sources = {name: machine_files(name, layout(name), Path("/x"))["mountinfo"] for name in ("gpu01", "gpu02", "cpu01")}
    assert all(" /x/datasets " in text and "nfs4 nas01:/export/datasets" in text for text in sources.values())
    identities = {machine_files(name, layout(name), Path("/x"))["machine-id"] for name in sources}
    assert len(identities) == 3
