"""Attach and shell: which session is meant, and the real command in a real terminal with a real tmux."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.fakes import HOSTILE, HOSTILE_SHOWN, SESSION
from tests.terminal.ptychannel import Terminal, set_size, until
from tui.cli.attach import find_session, lost
from tui.domain.errors import NothingMatchedError, UsageError
from tui.domain.faults import Fault, FaultKind

SECOND = replace(SESSION, id="$4", name="$3")
OTHER_SOCKET = replace(SESSION, socket="/tmp/tmux-1000/work")


def test_a_session_is_meant_by_name_first_and_then_by_id() -> None:
    assert find_session("gpu01", "train", [SESSION, SECOND]) is SESSION
    assert find_session("gpu01", "$3", [SESSION]) is SESSION
    assert find_session("gpu01", "$3", [SESSION, SECOND]) is SECOND
    hostile = replace(SESSION, name=HOSTILE)
    assert find_session("gpu01", HOSTILE_SHOWN, [hostile]) is hostile


def test_a_name_on_two_sockets_is_ambiguous_and_the_socket_decides() -> None:
    both = [SESSION, OTHER_SOCKET]
    with pytest.raises(UsageError) as caught:
        find_session("gpu01", "train", both)
    assert "gpu01:work:$3  train" in caught.value.message
    assert find_session("gpu01", "work:$3", both) is OTHER_SOCKET
    assert find_session("gpu01", "default:train", both) is SESSION
    with pytest.raises(NothingMatchedError):
        find_session("gpu01", "work:$9", both)


def test_a_glob_means_the_one_session_that_it_fits_and_lists_several() -> None:
    starred = replace(SESSION, id="$5", name="tr*")
    other = replace(SESSION, id="$6", name="run")
    assert find_session("gpu01", "tr*", [SESSION, other]) is SESSION
    assert find_session("gpu01", "work:tr*", [SESSION, OTHER_SOCKET]) is OTHER_SOCKET
    assert find_session("gpu01", "tr*", [SESSION, starred]) is starred
    assert find_session("gpu01", r"tr\x2a", [SESSION, starred]) is starred
    with pytest.raises(UsageError) as caught:
        find_session("gpu01", "*r*", [SESSION, other])
    assert "fits 2 sessions" in caught.value.message and "gpu01:default:$6  run" in caught.value.message
    with pytest.raises(NothingMatchedError):
        find_session("gpu01", "x*", [SESSION, other])


def test_after_a_loss_the_way_back_is_told_and_nothing_that_is_not_so() -> None:
    fault = Fault(FaultKind.LOST, "the host did not answer any more", "It is connected again.")
    again = lost(fault, "gpu01", SESSION)
    assert again.message == fault.message and "connected again" not in again.remedy
    assert "train lives on" in again.remedy and "condafleet attach 'gpu01:default:$3'" in again.remedy
    assert find_session("gpu01", "default:$3", [SESSION, OTHER_SOCKET]) is SESSION
    shell = lost(fault, "gpu01", None)
    assert "condafleet shell gpu01" in shell.remedy and "lives on" not in shell.remedy


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An operator with a home of their own and this machine as the whole fleet."""
    config = tmp_path / "config.yaml"
    config.write_text(f"hosts:\n  local:\n    search: [{tmp_path}]\n    only: true\n")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "CONDAFLEET_CONFIG": str(config),
        "CONDAFLEET_STATE_DIR": str(tmp_path / "state"),
        "TMUX_TMPDIR": str(tmp_path),
        "SHELL": "/bin/sh",
    }


@pytest.fixture
def tmux(environ: dict[str, str]) -> Iterator[list[str]]:
    """A tmux server of its own with the session ``run``."""
    program = shutil.which("tmux")
    assert program, "tmux is needed for these tests"
    command = [program, "-u", "-f", "/dev/null"]
    subprocess.run([*command, "new-session", "-d", "-s", "run", "-x", "80", "-y", "24", "cat"], env=environ, check=True)
    yield command
    subprocess.run([*command, "kill-server"], env=environ, check=False)


def start(terminal: Terminal, environ: dict[str, str], *argv: str) -> subprocess.Popen[bytes]:
    """Run the command at the terminal, as its foreground process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tui", *argv],
        stdin=terminal.fd, stdout=terminal.fd, stderr=terminal.fd, env=environ, start_new_session=True,
    )  # fmt: skip


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, within 20 seconds."""
    async with asyncio.timeout(20):
        return await asyncio.to_thread(process.wait)


def session_lives(tmux: list[str], environ: dict[str, str]) -> bool:
    """Whether tmux still has the session."""
    return subprocess.run([*tmux, "has-session", "-t", "run"], env=environ, check=False).returncode == 0


async def test_attach_and_detach_in_a_real_terminal(
    terminal: Terminal, environ: dict[str, str], tmux: list[str]
) -> None:
    before = terminal.state()
    process = start(terminal, environ, "attach", "local:run")
    await terminal.shows(b"\x1b[?1049h", 20)
    terminal.type(b"typed here\r")
    await terminal.shows(b"typed here")
    set_size(terminal.master, 90, 20)
    process.send_signal(signal.SIGWINCH)

    def followed() -> bool:
        size = subprocess.check_output([*tmux, "display-message", "-p", "-t", "run", "#{window_width}"], env=environ)
        return size.strip() == b"90"

    await until(followed)
    terminal.type(b"\x02d")
    assert await ended(process) == 0
    await terminal.shows(b"[back from local:run]")
    assert terminal.state() == before


async def test_the_terminal_is_given_back_when_the_command_is_told_to_end(
    terminal: Terminal, environ: dict[str, str], tmux: list[str]
) -> None:
    before = terminal.state()
    process = start(terminal, environ, "attach", "local:run")
    await terminal.shows(b"\x1b[?1049h", 20)
    process.terminate()
    assert await ended(process) == 130
    assert terminal.state() == before
    await terminal.shows(b"\x1b[?1049l")
    assert session_lives(tmux, environ)


async def test_a_shell_on_this_machine_with_the_terminals_size(terminal: Terminal, environ: dict[str, str]) -> None:
    before = terminal.state()
    process = start(terminal, environ, "shell", "local")
    await until(lambda: terminal.state()[0] != before[0], 20)
    terminal.type(b"stty size; echo ru''n\r")
    await terminal.shows(b"30 100", 20)
    await terminal.shows(b"run")
    terminal.type(b"exit 3\r")
    assert await ended(process) == 0
    await terminal.shows(b"with status 3]")
    assert terminal.state() == before


async def test_a_session_that_is_not_there_is_told_apart_from_a_host_that_is_not(
    terminal: Terminal, environ: dict[str, str], tmux: list[str]
) -> None:
    assert await ended(start(terminal, environ, "attach", "local:other")) == 4
    assert await ended(start(terminal, environ, "attach", "gpu01:run")) == 2
    await terminal.shows(b"No session fits local:other")
    await terminal.shows(b"no host 'gpu01'")
