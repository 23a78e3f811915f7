"""A stand-in conda that is stopped leaves what conda leaves, and one that waits says for what."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.reach import wait_for
from tests.standin import StandinInstall
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict, read_outcome

CREATE = ("create", "-y", "-n", "env", "libsmall", "relocated")


class Held:
    """A command that is held in a phase."""

    def __init__(self, install: StandinInstall, phase: str, *argv: str) -> None:
        self.install = install
        self.argv = argv
        self.phase = phase
        install.slow(**{phase: "hold"})
        self.process = subprocess.Popen(
            [str(install.conda), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=install.environ(),
            cwd=install.home,
            text=True,
        )
        wait_for(lambda: install.reached(phase) or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()

    def end(self, number: int | None = None) -> tuple[int, str, str]:
        """Let it go, or send it a signal; what it ended with and said."""
        if number is None:
            self.install.release(self.phase)
        else:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        self.install.release(self.phase)
        return self.process.returncode, out, err


@pytest.fixture
def install(tmp_path: Path) -> Iterator[StandinInstall]:
    yield StandinInstall(tmp_path / "root", tmp_path / "home", base=(), lock_tries=1)


@pytest.mark.parametrize("phase", ["collect", "solve", "download", "extract", "link", "register"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_creation_leaves_no_environment_and_a_sound_cache(
    install: StandinInstall, phase: str, number: int
) -> None:
    code, out, err = Held(install, phase, *CREATE).end(number)
    at_once = number == signal.SIGTERM and phase in ("collect", "solve")  # conda listens only where it changes things
    assert code == (-signal.SIGTERM if at_once else 1), err
    outcome = read_outcome(("conda", *CREATE), code, out, err)
    assert (outcome.verdict, outcome.kind) == (Verdict.CANCELLED, Kind.CANCELLED)
    assert not install.env("env").exists()
    assert not list(install.pkgs.glob("*.partial"))
    if phase in ("link", "register"):
        assert "Rolling back transaction" in out
    install.create("env", "libsmall", "relocated")
    assert (install.env("env") / "conda-meta/history").exists()


@pytest.mark.parametrize("phase", ["download", "extract", "link", "register"])
def test_a_killed_creation_leaves_a_half_that_does_not_look_whole(install: StandinInstall, phase: str) -> None:
    code, _, _ = Held(install, phase, *CREATE).end(signal.SIGKILL)
    prefix = install.env("env")
    assert code == -signal.SIGKILL
    assert prefix.exists() == (phase in ("link", "register"))
    assert not (prefix / "conda-meta/history").exists()
    assert list((prefix / "conda-meta").glob("*.json")) == [] or phase == "register"
    assert bool(list(install.pkgs.glob("*.partial"))) == (phase == "download")
    broken = {each.name for each in install.pkgs.iterdir() if (each / "info").is_dir()}
    whole = {each.parent.parent.name for each in install.pkgs.glob("*/info/repodata_record.json")}
    assert bool(broken - whole) == (phase == "extract")
    assert str(prefix) not in install.run("env", "list", "--json").stdout
    install.create("env", "libsmall", "relocated")
    assert (prefix / "lib/libsmall.so").exists() and (prefix / "conda-meta/history").exists()


def test_an_interrupted_update_puts_everything_back(install: StandinInstall) -> None:
    prefix = install.create("env", "libsmall=1.0", "relocated")

    def seen() -> dict[str, int]:
        return {str(path): path.lstat().st_ino for path in prefix.rglob("*")}

    before = seen()
    for phase in ("unlink", "link", "register"):
        code, out, _ = Held(install, phase, "update", "-y", "-n", "env", "libsmall").end(signal.SIGINT)
        assert (code, "Rolling back" in out) == (1, True)
        assert seen() == before
        for name in (f".standin-at-{phase}", f".standin-go-{phase}"):
            (install.home / name).unlink()
    install.slow()
    install.run("update", "-y", "-n", "env", "libsmall")
    assert not (prefix / "lib/libsmall.so.1.0").exists()


def test_a_held_command_goes_on_and_its_command_line_names_the_install(install: StandinInstall) -> None:
    held = Held(install, "link", *CREATE)
    words = Path(f"/proc/{held.process.pid}/cmdline").read_bytes().split(b"\0")
    assert os.fsencode(install.conda) in words and b"create" in words
    code, out, _ = held.end()
    assert code == 0 and "Executing transaction: ...working... done" in out
    assert (install.env("env") / "lib/libsmall.so.2.0").exists()


def test_the_lock_of_the_index_is_conda_s(install: StandinInstall) -> None:
    install.create("env", "libsmall")
    for path in (install.pkgs / "cache").glob("*.info.json"):
        with path.open("r+b") as held:
            fcntl.lockf(held, fcntl.LOCK_EX, 1, 21)
            done = install.run("create", "-y", "-n", "other", "libsmall", check=False)
            assert (done.returncode, "LockError: Failed to acquire lock." in done.stderr) == (1, True)
            assert read_outcome(("conda", "create"), done.returncode, done.stdout, done.stderr).kind is Kind.LOCKED
            assert not install.env("other").exists()
    install.create("other", "libsmall")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 700 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_and_leaves_no_environment(small: Path) -> None:
    install = StandinInstall(small / "root", small / "home", base=())
    done = install.run("create", "-y", "-n", "env", "cudatoolkit=11.8", "pytorch=2.0", check=False)
    outcome = read_outcome(("conda", "create"), done.returncode, done.stdout, done.stderr)
    assert (done.returncode, outcome.kind) == (1, Kind.DISK_FULL), done.stderr
    assert not install.env("env").exists()


def test_from_a_cache_on_another_device_files_are_copied(small: Path, tmp_path: Path) -> None:
    install = StandinInstall(tmp_path / "root", tmp_path / "home", base=())
    (install.home / ".condarc").write_text(f"pkgs_dirs: [{small}/pkgs]\n")
    prefix = install.create("env", "libsmall")
    assert (small / "pkgs/libsmall-2.0-h0/lib/libsmall.so.2.0").stat().st_nlink == 1
    assert (prefix / "lib/libsmall.so.2.0").stat().st_nlink == 1
    assert json.loads((prefix / "conda-meta/libsmall-2.0-h0.json").read_bytes())["link"]["type"] == 3


def test_a_broken_archive_is_said(install: StandinInstall) -> None:
    done = install.run("create", "-y", "-n", "env", "libsmall", "--download-only", check=False)
    assert done.returncode == 0
    listed = install.home / "explicit.txt"
    archive = install.pkgs / "libsmall-2.0-h0.conda"
    archive.write_bytes(archive.read_bytes()[:-400])
    shutil.rmtree(install.pkgs / "libsmall-2.0-h0")
    listed.write_text(f"@EXPLICIT\n{install.channel}/linux-64/libsmall-2.0-h0.conda\n")
    done = install.run("create", "-y", "-n", "env", "--file", str(listed), check=False)
    outcome = read_outcome(("conda", "create"), done.returncode, done.stdout, done.stderr)
    assert (done.returncode, outcome.kind) == (1, Kind.BROKEN_DOWNLOAD), done.stderr


def test_seconds_for_each_package_slow_it_down(install: StandinInstall) -> None:
    install.slow(link="0.01", download="0")
    install.create("env", "libsmall", "relocated")
    assert (install.env("env") / "conda-meta/history").exists()
