"""condafleet itself, run on the demo, lists what the demo made and nothing else of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.demo.reach import run_ssh
from tui.demo.fleet import DemoFleet
from tui.demo.layouts import layout


def ask(fleet: DemoFleet, *argv: str, home: Path) -> dict[str, Any]:
    """What ``condafleet ARGV --json`` says; its home is *home*."""
    environ = {**os.environ, **fleet.environ, "HOME": str(home)}
    argv = (sys.executable, "-m", "tui", *argv, "--json")
    done = subprocess.run(argv, env=environ, capture_output=True, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def planned(fleet: DemoFleet) -> set[tuple[str, str, str]]:
    """(host, prefix, fault) of every environment that the plans say."""
    found = set()
    for host in fleet.hosts:
        if host.plan.layout == "empty":
            continue
        for install in layout(host.plan.layout).installs:
            roots = [] if install.manager == "micromamba" else [(install.path, "")]
            envs = [(env.path, "incomplete" if env.incomplete else "") for env in install.envs]
            for path, fault in [*roots, *envs]:
                found.add((host.name, str(host.root / path[1:] if path[0] == "/" else host.home / path), fault))
        for path in layout(host.plan.layout).ghosts:
            found.add((host.name, str(host.home / path), "ghost"))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with an install of its own, as a person who tries the demo has one."""
    meta = tmp_path / "miniforge3/envs/mine/conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").write_text("==> 2026-01-01 00:00:00 <==\n")
    (tmp_path / ".conda").mkdir()
    (tmp_path / ".conda/environments.txt").write_text(f"{meta.parent}\n")
    return tmp_path


def test_exactly_the_planned_environments_are_listed(fleet: DemoFleet, home: Path) -> None:
    answer = ask(fleet, "envs", home=home)
    listed = {(env["host"], env["prefix"], (env["fault"] or {}).get("kind", "")) for env in answer["environments"]}
    assert listed == planned(fleet)
    faults = {host["name"]: (host["fault"] or {}).get("kind") for host in answer["hosts"]}
    assert faults == {host.name: "timeout" if host.name == "gpu09" else None for host in fleet.hosts}
    assert {path.name for path in home.iterdir()} == {"miniforge3", ".conda"}


def test_runs_are_seen_in_use_and_on_their_gpus(fleet: DemoFleet, home: Path) -> None:
    prefix = str(fleet.host("gpu01").home / "miniforge3/envs/llm-train")
    envs = ask(fleet, "envs", "gpu01", home=home)["environments"]
    pids = {use["pid"] for env in envs if env["prefix"] == prefix for use in env["in_use"]}
    gpus = ask(fleet, "gpus", "gpu01", home=home)["gpus"]
    on_gpus = {process["pid"] for gpu in gpus for process in gpu["processes"] if process["prefix"] == prefix}
    assert on_gpus and on_gpus <= pids


def test_exactly_the_planned_sessions_are_listed(fleet: DemoFleet, home: Path) -> None:
    answer = ask(fleet, "sessions", home=home)
    assert {(session["host"], session["name"]) for session in answer["sessions"]} == {
        (host.name, session.name) for host in fleet.hosts for session in layout(host.plan.layout).sessions
    }


def test_the_account_of_each_host_is_the_plans_wherever_one_is_named(fleet: DemoFleet, home: Path) -> None:
    users = {host.name: host.plan.user for host in fleet.hosts}
    environments = ask(fleet, "envs", home=home)["environments"]
    owned = [env for env in environments if env["owner"] is not None]
    assert len(owned) > 10
    assert all(env["owner"] == users[env["host"]] for env in owned)
    assert {use["user"] for env in environments for use in env["in_use"]} <= set(users.values())
    gpus = ask(fleet, "gpus", home=home)["gpus"]
    assert {run["user"] for gpu in gpus for run in gpu["processes"]} <= set(users.values())
    hosts = [host for host in ask(fleet, "hosts", home=home)["hosts"] if host["machine"] is not None]
    assert {host["machine"]["user"] for host in hosts} <= set(users.values())
    assert os.uname().nodename not in {
        pane["title"]
        for session in ask(fleet, "sessions", home=home)["sessions"]
        for window in session["windows"]
        for pane in window["panes"]
    }


def test_a_shell_on_a_host_says_whose_it_is_and_where(fleet: DemoFleet) -> None:
    host = next(host for host in fleet.hosts if host.name == "gpu01")
    said = run_ssh(
        fleet, "gpu01", "id -un; whoami; getent passwd $(id -u) | cut -d: -f1,6; getent passwd root nobody >/dev/null"
    )
    assert said.stdout.decode().split() == [host.plan.user, host.plan.user, f"{host.plan.user}:{host.home}"]
    shown = run_ssh(fleet, "gpu01", "bash -lic 'echo \"${PS1@P}\"'", "-tt")
    assert f"{host.plan.user}@gpu01:" in shown.stdout.decode()


def test_panes_are_titled_with_the_hosts_name_also_those_made_later(fleet: DemoFleet) -> None:
    made = "new-session -d -s mine \\; split-window -t mine \\; new-window -t mine:"
    listed = run_ssh(fleet, "gpu01", f"tmux {made} \\; list-panes -a -F '#{{pane_title}}'; tmux kill-session -t mine")
    assert listed.stdout.decode().split() == ["gpu01"] * (listed.stdout.count(b"\n")), listed.stderr
    assert listed.stdout.count(b"\n") >= 6
