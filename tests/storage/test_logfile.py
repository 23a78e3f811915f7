from __future__ import annotations

import logging
import stat
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.storage import logfile, loghandler
from tui.storage.logfile import configure_logging, log_path, log_problem


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder; what configure_logging changes in the process is put back."""
    monkeypatch.setenv("CONDAFLEET_STATE_DIR", str(tmp_path / "state"))
    root, asyncssh = logging.getLogger(), logging.getLogger("asyncssh")
    before = root.level, asyncssh.level, logging.lastResort
    yield tmp_path / "state"
    if logfile._installed is not None:
        root.removeHandler(logfile._installed)
        logfile._installed.close()
    logfile._installed = logfile._problem = None
    root.setLevel(before[0])
    asyncssh.setLevel(before[1])
    logging.lastResort = before[2]
    logging.captureWarnings(False)


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_records_go_to_a_private_file_with_their_time_level_and_logger(state: Path) -> None:
    path = configure_logging(False)
    logging.getLogger("tui.fleet").info("connected to %s", "gpu01")
    logging.getLogger("tui.fleet").debug("too much")
    assert path == log_path() == state / "condafleet.log"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    (line,) = lines(path)
    assert line.endswith("Z INFO tui.fleet: connected to gpu01")
    assert log_problem() is None


def test_debug_logs_more(state: Path) -> None:
    path = configure_logging(True)
    logging.getLogger("tui").debug("more")
    logging.getLogger("asyncssh").info("ssh")
    logging.getLogger("asyncssh").debug("ssh bytes")
    assert [line.partition("Z ")[2] for line in lines(path)] == ["DEBUG tui: more", "INFO asyncssh: ssh"]


def test_no_secret_and_no_control_character_is_written(state: Path) -> None:
    path = configure_logging(False)
    logging.getLogger("x\ny").warning("%s said %s", "host\x1b[2J\nFAKE", "--token hunter2 \udcff \u202e é")
    try:
        raise ValueError("https://u:hunter2@h\n\x07 next")
    except ValueError:
        logging.getLogger("x").exception("failed with PGPASSWORD=%s", "hunter2")
    text = path.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert not set(text) & set("\x1b\x07\u202e\udcff")
    first, *rest = lines(path)
    assert r"x\x0ay: host\x1b[2J\x0aFAKE said --token REDACTED \xff \xe2\x80\xae é" in first
    assert all(line.startswith("    ") for line in rest[1:])
    assert rest[-1] == r"    \x07 next"


def test_a_record_that_cannot_be_formatted_is_written_all_the_same(
    state: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

    path = configure_logging(False)
    # pytest's own handlers raise where those of a program print
    monkeypatch.setattr(logging.getLogger(), "handlers", [logfile._installed])
    logging.getLogger("x").info("%d and %s", "no number")
    logging.getLogger("x").info("%s", Odd())
    assert ["cannot be shown: TypeError" in lines(path)[0], "cannot be shown: RuntimeError" in lines(path)[1]] == [
        True
    ] * 2
    assert capfd.readouterr() == ("", "")


def test_a_message_without_end_is_cut(state: Path) -> None:
    path = configure_logging(False)
    logging.getLogger("x").info("%s", "a " * 1_000_000)
    assert len(path.read_text()) < 20_000


def test_the_file_rotates_and_stays_private(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loghandler, "MAX_BYTES", 1000)
    path = configure_logging(False)
    for at in range(100):
        logging.getLogger("x").info("%d %s", at, "a" * 100)
    files = sorted(state.iterdir())
    assert [file.name for file in files] == ["condafleet.log", *(f"condafleet.log.{at}" for at in range(1, 5))]
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 and file.stat().st_size <= 1000 for file in files)
    assert " 99 a" in path.read_text()


def test_what_another_client_rotated_away_is_followed(state: Path) -> None:
    path = configure_logging(False)
    logging.getLogger("x").info("one")
    path.rename(state / "condafleet.log.1")
    logging.getLogger("x").info("two")
    assert [line.rpartition(" ")[2] for line in lines(path)] == ["two"]


def test_a_folder_that_cannot_be_used_is_no_error(state: Path, capfd: pytest.CaptureFixture[str]) -> None:
    state.write_text("a file")
    assert configure_logging(False) == state / "condafleet.log"
    assert "cannot be used" in (log_problem() or "")
    logging.getLogger("x").error("nobody hears it")
    logging.getLogger("asyncssh").error("nor this")
    assert capfd.readouterr() == ("", "")


def test_a_folder_that_vanishes_while_it_runs_is_no_error(state: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = configure_logging(False)
    logging.getLogger("x").info("one")
    path.unlink()
    state.rmdir()
    logging.getLogger("x").info("two")
    assert capfd.readouterr() == ("", "")


def test_configuring_again_replaces_what_was_there(state: Path) -> None:
    configure_logging(False)
    path = configure_logging(False)
    logging.getLogger("x").info("once")
    assert len(lines(path)) == 1


def test_warnings_go_to_the_log(state: Path) -> None:
    path = configure_logging(False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old api", UserWarning, stacklevel=1)
    assert "WARNING py.warnings" in lines(path)[0]


CHILD = """
import logging
from tui.storage.logfile import configure_logging
configure_logging(False)
import asyncssh
from asyncssh.logging import logger
logger.error("over the screen")
logging.getLogger("deaf").propagate = False
logging.getLogger("deaf").error("over the screen too")
"""


@pytest.mark.parametrize("usable", [True, False])
def test_asyncssh_and_deaf_loggers_write_nothing_to_the_terminal(state: Path, usable: bool) -> None:
    if not usable:
        state.write_text("a file")
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    if usable:
        assert "asyncssh: over the screen" in lines(state / "condafleet.log")[0]


def test_the_path_is_known_without_loading_or_making_anything(state: Path) -> None:
    code = (
        "import sys; from tui.storage.logfile import log_path; print(log_path());"
        "print([name for name in ('logging', 'asyncssh', 'yaml', 'asyncio', 'socket') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [str(state / "condafleet.log"), "[]"]
    assert not state.exists()
