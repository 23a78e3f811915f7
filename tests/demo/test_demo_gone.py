"""A demo leaves nothing behind, however it ends, and touches nothing that is not its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.demo.reach import run_ssh, wait_for
from tui.demo import fleet as fleet_module
from tui.demo.cleanup import PREFIX, hold_new_folder, members, parent_folders, reap, sweep
from tui.demo.fleet import DemoFleet
from tui.demo.plan import HostPlan
from tui.domain.errors import CondafleetError

HOLDER = """
import sys, time
from pathlib import Path
from tui.demo.fleet import DemoFleet
fleet = DemoFleet(3, parent=Path(sys.argv[1]))
fleet.start()
print(fleet.base, fleet.server_pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def parent() -> Iterator[Path]:
    """A short folder for demos, so that tests at the same time don't sweep each other's."""
    folder = parent_folders()[0] / f"cfp-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    yield folder
    for left in folder.glob(f"{PREFIX}*"):
        reap(left)
    shutil.rmtree(folder)


def start_holder(parent: Path) -> tuple[subprocess.Popen[str], Path, int]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(parent)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    base, server = holder.stdout.readline().split()
    return holder, Path(base), int(server)


def end(holder: subprocess.Popen[str], number: signal.Signals) -> None:
    holder.send_signal(number)
    holder.wait()
    assert holder.stdout is not None
    holder.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_when_the_app_is_killed(parent: Path, number: signal.Signals) -> None:
    holder, base, server = start_holder(parent)
    assert len(members(base)) >= 6, "sessions and their programs run"
    end(holder, number)
    wait_for(lambda: not Path(f"/proc/{server}").exists())
    assert members(base) == []
    assert list(parent.iterdir()) == []


def test_what_a_killed_server_left_is_swept_at_the_next_start_processes_first(parent: Path) -> None:
    holder, base, server = start_holder(parent)
    os.kill(server, signal.SIGKILL)
    end(holder, signal.SIGKILL)
    assert base.is_dir() and members(base)
    with DemoFleet(1, parent=parent) as fleet:
        assert not base.exists() and members(base) == []
        assert fleet.base.is_dir()
    assert list(parent.iterdir()) == []


def test_a_handle_cleans_up_after_a_server_that_was_killed(parent: Path) -> None:
    with DemoFleet(1, parent=parent) as fleet:
        base = fleet.base
        os.kill(fleet.server_pid, signal.SIGKILL)
    assert not base.exists() and members(base) == []


def test_a_sweep_leaves_what_somebody_holds_and_what_is_no_demos(parent: Path) -> None:
    held, lock = hold_new_folder(parent)
    foreign = parent / f"{PREFIX}without-a-lock"
    foreign.mkdir()
    (parent / f"{PREFIX}link").symlink_to(held)
    left, other = hold_new_folder(parent)
    os.close(other)
    try:
        assert sweep(parent) == [left]
        assert held.is_dir() and foreign.is_dir()
    finally:
        os.close(lock)


def test_a_fleet_can_have_a_name_that_one_at_a_time_holds(parent: Path) -> None:
    with DemoFleet([HostPlan("a")], parent=parent, name="shots") as fleet:
        assert fleet.base == parent / f"{PREFIX}shots"
        with pytest.raises(CondafleetError, match="File exists"):
            DemoFleet([HostPlan("a")], parent=parent, name="shots").start()
        assert fleet.host("a").home.is_dir()
    assert not fleet.base.exists()


def test_removal_does_not_follow_soft_links(parent: Path) -> None:
    outside = parent / "outside"
    (outside / "kept").mkdir(parents=True)
    (outside / "file").write_text("kept")
    with DemoFleet([HostPlan("a")], parent=parent) as fleet:
        (fleet.base / "link").symlink_to(outside)
        (fleet.host("a").home / "link").symlink_to(outside / "kept")
    assert sorted(path.name for path in outside.iterdir()) == ["file", "kept"]


def picture(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every path below with its inode, size and time of change."""
    return {
        str(path): (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        for path in [folder, *folder.rglob("*")]
        for facts in [path.lstat()]
    }


def test_home_keys_conda_and_sessions_outside_stay_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    for name in (".ssh/known_hosts", ".ssh/config", ".conda/environments.txt", "miniforge3/conda-meta/history"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"planted {name}\n")
    (home / ".ssh/config").write_text("Host *\n  User nobody\n  Port 1\n")
    for folder in [home, *home.rglob("*")]:
        folder.chmod(0o500 if folder.is_dir() else 0o400)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "no-agent"))
    before = picture(home)
    try:
        with DemoFleet(2) as fleet:
            assert run_ssh(fleet, "gpu01", "touch here; ls -d ~/here").returncode == 0
            found = run_ssh(fleet, "gpu01", "find ~ / -maxdepth 1 -name miniforge3 2>/dev/null").stdout.decode().split()
            assert found == [str(fleet.host("gpu01").home / "miniforge3")]
        assert picture(home) == before
    finally:
        for folder in [home, *home.rglob("*")]:
            folder.chmod(0o700)


def test_the_configuration_looks_into_the_hosts_own_places_alone() -> None:
    with DemoFleet(6) as fleet:
        hosts = yaml.safe_load(fleet.config.read_text())["hosts"]
        assert set(hosts) == {host.name for host in fleet.hosts}
        for name, words in hosts.items():
            assert words["only"] is True
            assert words["search"] and all(place.startswith(f"{fleet.base}/{name}/") for place in words["search"])
            assert words["address"] == "127.0.0.1" and words["port"] == fleet.host(name).port
            assert words["identity"] == [str(fleet.identity)] and words["known_hosts"] == str(fleet.known_hosts)


def test_a_fleet_that_cannot_be_made_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CondafleetError) as caught:
        DemoFleet(1, parent=tmp_path / "missing").start()
    assert "could not be run" in caught.value.message and "TMPDIR" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stuck = tmp_path / "python"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stuck))
    monkeypatch.setattr(fleet_module, "START_LIMIT_S", 0.3)
    monkeypatch.setattr(fleet_module, "STOP_LIMIT_S", 0.3)
    with pytest.raises(CondafleetError, match="did not answer"):
        DemoFleet(1).start()
