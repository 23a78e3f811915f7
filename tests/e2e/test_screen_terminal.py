"""The screen in a real terminal: its modes, sessions and shells from it, losses meanwhile, and the end."""

from __future__ import annotations

import os
import re
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.e2e.condafleet_command import PROGRAM, Command, give
from tests.e2e.hostile_host import talker
from tests.e2e.tmux_screen import TmuxScreen, stray
from tests.sshd import SshServer, SshUser, run_as_root

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((200, 50), id="200x50")]
SSH_CONFIG = "Host *\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n"


def leave(screen: TmuxScreen) -> None:
    """Quit, at once and cleanly."""
    screen.keys("q")
    assert screen.ended(5) == 0
    screen.restored()


def look_at(screen: TmuxScreen, name: str) -> None:
    """The row under the cursor is the session *name*: its detail says so."""
    screen.keys("Enter")
    screen.wait(lambda text: re.search(rf"(^|▏|›) {name} +on ", text, re.MULTILINE))
    screen.keys("Escape")
    screen.wait(lambda text: re.search(r"^ +Session +Host", text, re.MULTILINE))


@pytest.mark.parametrize("size", SIZES)
def test_the_demo_shows_its_hosts_attaches_and_comes_back_to_the_same_row(
    size: tuple[int, int], tmp_path: Path
) -> None:
    command = Command(tmp_path, {})
    with TmuxScreen(*size, command.env) as screen:
        screen.start([*PROGRAM, "demo", "--hosts", "3"])
        screen.wait(lambda text: all(re.search(rf"{host} +● up", text) for host in ("gpu01", "gpu02", "cpu01")))
        screen.keys("2")
        screen.wait(lambda text: "llm-train" in text)
        screen.keys("4")
        screen.wait(lambda text: all(name in text for name in ("train-llm", "eval", "finetune")))
        screen.keys("g", "j")
        look_at(screen, "eval")
        screen.keys("a")
        screen.wait(lambda text: "[eval]" in text)
        screen.keys("C-b", "d")
        screen.wait(lambda text: "1 Fleet" in text and "finetune" in text)
        look_at(screen, "eval")
        screen.keys("s")
        screen.wait(lambda text: "1 Fleet" not in text and re.search(r"[$#] *$", text.rstrip()))
        screen.type("echo sh$((40+2))ell")
        screen.keys("Enter")
        screen.wait(lambda text: "sh42ell" in text and "1 Fleet" not in text)
        screen.type("exit")
        screen.keys("Enter")
        screen.wait(lambda text: "1 Fleet" in text and "finetune" in text)
        look_at(screen, "eval")
        leave(screen)


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer() as running:
        yield running


@pytest.fixture
def ada(server: SshServer, tmp_path: Path) -> Iterator[SshUser]:
    """A user with an install and a tmux session called work."""
    user = server.add_user(shell="/bin/bash")
    CondaRoot(tmp_path / "tree" / "miniforge3").base()
    give(user, tmp_path / "tree")
    user.run("tmux", "-f", "/dev/null", "new-session", "-d", "-s", "other", "sh")
    user.run("tmux", "-f", "/dev/null", "new-session", "-d", "-s", "work", "sh")
    yield user
    user.run("tmux", "kill-server")
    run_as_root("rm", "-rf", f"/tmp/tmux-{user.uid}")


def command_for(server: SshServer, user: SshUser, at: Path, **others: object) -> Command:
    known = at / "known_hosts"
    known.write_text("".join(server.known_hosts_lines()))
    host = {"address": server.address, "port": server.port, "user": user.name, "identity": [str(user.key)]}
    hosts = {"box": {**host, "search": [str(user.home)], "only": True}, **others}
    return Command(at / "client", {"hosts": hosts, "defaults": {"known_hosts": str(known)}}, SSH_CONFIG)


@pytest.mark.parametrize("size", SIZES)
def test_a_connection_killed_while_attached_leads_back_to_the_row_and_the_session_lives(
    server: SshServer, ada: SshUser, size: tuple[int, int], tmp_path: Path
) -> None:
    command = command_for(server, ada, tmp_path)
    mark = secrets.token_hex(4)
    with TmuxScreen(*size, command.env) as screen:
        screen.start([*PROGRAM, "--config", command.config])
        screen.wait(lambda text: "● up" in text)
        screen.keys("4")
        screen.wait(lambda text: re.search(r"work +box", text) and re.search(r"other +box", text))
        screen.keys("j")
        look_at(screen, "work")
        screen.keys("a")
        screen.wait(lambda text: "[work]" in text)
        screen.type(f"echo {mark}$((40+2))")
        screen.keys("Enter")
        screen.wait(lambda text: f"{mark}42" in text)
        server.kill_sessions()
        screen.wait(lambda text: "Lost the session work on box" in text and "The session goes on there" in text)
        screen.keys("Escape")
        screen.wait(lambda text: "Lost the session" not in text and re.search(r"work +box", text))
        look_at(screen, "work")
        screen.keys("r")
        screen.keys("a")
        screen.wait(lambda text: f"{mark}42" in text)
        screen.keys("C-b", "d")
        screen.wait(lambda text: "1 Fleet" in text)
        leave(screen)
        assert stray(screen.raw) <= {"\x1b", "\x07"}, "only what tmux itself writes"
    assert ada.run("tmux", "list-sessions", "-F", "#{session_name}").split() == ["other", "work"]


def test_quitting_does_not_wait_for_a_silent_host(server: SshServer, ada: SshUser, tmp_path: Path) -> None:
    with talker(lambda _: None) as port:
        silent = {"address": "127.0.0.1", "port": port, "user": "x"}
        command = command_for(server, ada, tmp_path, silent=silent, mute=silent)
        with TmuxScreen(80, 24, command.env) as screen:
            screen.start([*PROGRAM, "--config", command.config])
            screen.wait(lambda text: "silent" in text and "● up" in text)
            leave(screen)
            assert stray(screen.raw) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_app_that_is_told_to_end_leaves_the_terminal_as_it_was(
    server: SshServer, ada: SshUser, number: signal.Signals, tmp_path: Path
) -> None:
    command = command_for(server, ada, tmp_path)
    with TmuxScreen(80, 24, command.env) as screen:
        screen.start([*PROGRAM, "--config", command.config])
        screen.wait(lambda text: "● up" in text)
        os.kill(screen.app, number)
        assert screen.ended(5) == 128 + number
        screen.restored()
