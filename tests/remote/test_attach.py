"""Terminals on a host, over this machine's own pty, with real tmux servers in a directory of their own."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.sessions import Session
from tui.fleet.local import LocalConnection
from tui.ports import Channel, TermRequest
from tui.remote import attach

TERM = TermRequest("xterm-256color", 90, 24)
Tmux = Callable[..., str]


@pytest.fixture
async def local() -> AsyncIterator[LocalConnection]:
    connection = LocalConnection(FakeClock())
    yield connection
    await connection.close()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "it's a socket"


@pytest.fixture
def tmux(socket: Path) -> Iterator[Tmux]:
    def call(*argv: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", socket, *argv], capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout.strip()

    yield call
    subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, timeout=20, check=False)


def session(socket: Path, id: str, name: str = "train", tmux: str | None = None) -> Session:
    return Session("gpu01", "tmux", str(socket), id, name, tmux=tmux)


async def shown(channel: Channel, text: bytes) -> bytes:
    """Read until *text* was drawn."""
    seen = b""
    async with asyncio.timeout(20):
        while text not in seen:
            data = await channel.read()
            assert data, f"ended without {text!r}: {seen!r}"
            seen += data
    return seen


async def test_attaching_draws_the_session_at_our_size_and_detaching_leaves_it_alive(
    local: LocalConnection, tmux: Tmux, socket: Path
) -> None:
    id = tmux("new-session", "-d", "-P", "-F", "#{session_id}", "-x", "80", "-y", "20", "printf wel%s come; exec cat")
    channel = await attach.open_terminal(local, "gpu01", session(socket, id), TERM, limit=20)
    await shown(channel, b"welcome")
    client, size = tmux("list-clients", "-F", "#{client_name}|#{client_width}x#{client_height}").split("|")
    assert size == "90x24"
    tmux("detach-client", "-t", client)
    assert await channel.wait() == 0
    assert tmux("list-sessions", "-F", "#{session_id} #{session_attached}") == f"{id} 0"


async def test_no_flush_by_tmux_takes_the_handshake_away(local: LocalConnection, tmux: Tmux, socket: Path) -> None:
    tmux("new-session", "-d", "-s", "train", "exec sleep 600")
    for _ in range(25):
        channel = await attach.open_terminal(local, "gpu01", session(socket, "$0"), TERM, limit=20)
        channel.close()


async def test_nothing_of_the_handshake_reaches_the_terminal(local: LocalConnection, tmux: Tmux, socket: Path) -> None:
    id = tmux("new-session", "-d", "-P", "-F", "#{session_id}", "printf wel%s come; exec cat")
    channel = await attach.open_terminal(local, "gpu01", session(socket, id), TERM, limit=20)
    seen = await shown(channel, b"welcome")
    assert seen.startswith(b"\x1b")
    assert b"condafleet" not in seen
    channel.close()


async def test_a_second_smaller_client_does_not_shrink_the_first_ones_view(
    local: LocalConnection, tmux: Tmux, socket: Path
) -> None:
    id = tmux("new-session", "-d", "-P", "-F", "#{session_id}", "printf wel%s come; exec cat")
    big = await local.open(
        f"exec tmux -S '{socket.parent}/it'\\''s a socket' attach -t '{id}'", term=TermRequest("xterm", 150, 46)
    )
    await shown(big, b"welcome")
    small = await attach.open_terminal(local, "gpu01", session(socket, id), TermRequest("xterm", 80, 20), limit=20)
    await shown(small, b"welcome")
    await small.write(b"typed\r")
    await shown(big, b"typed")
    assert tmux("display-message", "-p", "-t", id, "#{window_width}x#{window_height}") == "150x45"
    big.close()
    small.close()


async def test_our_environment_does_not_reach_the_session(
    local: LocalConnection, tmux: Tmux, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = tmux("new-session", "-d", "-P", "-F", "#{session_id}", "printf wel%s come; exec cat")
    before = tmux("show-environment", "-t", id)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 2")
    monkeypatch.setenv("TMUX", f"{socket},1,0")  # a tmux client inside tmux refuses to attach
    channel = await attach.open_terminal(local, "gpu01", session(socket, id), TERM, limit=20)
    await shown(channel, b"welcome")
    assert tmux("show-environment", "-t", id) == before
    channel.close()


async def test_a_session_that_is_gone_is_said_to_be_gone(local: LocalConnection, tmux: Tmux, socket: Path) -> None:
    tmux("new-session", "-d", "exec cat")
    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(local, "gpu01", session(socket, "$77", name="long\x1b[31mgone"), TERM, limit=20)
    assert caught.value.fault.kind is FaultKind.GHOST
    assert "long\\x1b[31mgone" in caught.value.fault.message
    assert "gpu01" in caught.value.fault.message


async def test_a_server_that_is_gone_is_a_session_that_is_gone(local: LocalConnection, socket: Path) -> None:
    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(local, "gpu01", session(socket, "$0"), TERM, limit=20)
    assert caught.value.fault.kind is FaultKind.GHOST


@pytest.mark.parametrize(
    ("id", "place", "program"),
    [
        ("$0; touch x", "/tmp/s", None),
        ("0", "/tmp/s", None),
        ("$0", "/tmp/s\nx", None),
        ("$0", "relative", None),
        ("$0", "/tmp/s", "tmux -c"),
        ("$0", "/tmp/s", "/bin/tm\x1bux"),
    ],
)
async def test_what_tmux_never_says_is_refused_before_anything_is_opened(
    local: LocalConnection, id: str, place: str, program: str | None
) -> None:
    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(
            local, "gpu01", Session("gpu01", "tmux", place, id, "x", tmux=program), TERM, limit=9
        )
    assert caught.value.fault.kind is FaultKind.PROTOCOL


async def test_a_program_of_another_user_is_not_run(local: LocalConnection, tmp_path: Path, socket: Path) -> None:
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    program.chmod(0o755)
    if os.getuid() != 0:
        pytest.fail("this test gives a file away and needs root, as the test machines have")
    os.chown(program, 12345, 12345)
    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(local, "gpu01", session(socket, "$0", tmux=str(program)), TERM, limit=20)
    assert caught.value.fault.kind is FaultKind.PERMISSION
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("version", "argv"),
    [
        ("1.8", "-u -S SOCKET attach-session -t $0"),
        ("2.1", "-u -S SOCKET attach-session -E -t $0"),
        ("3.1c", "-u -S SOCKET attach-session -E -t $0"),
        ("3.2a", "-u -S SOCKET attach-session -E -f ignore-size -t $0"),
        ("next-3.6", "-u -S SOCKET attach-session -E -f ignore-size -t $0"),
        ("4", "-u -S SOCKET attach-session -E -f ignore-size -t $0"),
        ("master", "-u -S SOCKET attach-session -E -f ignore-size -t $0"),
        ("nonsense", "-u -S SOCKET attach-session -t $0"),
    ],
)
async def test_each_version_of_tmux_gets_only_options_that_it_knows(
    local: LocalConnection, tmp_path: Path, socket: Path, version: str, argv: str
) -> None:
    program = tmp_path / "old tmux"
    program.write_text(
        "#!/bin/sh\ncase $* in -V) echo tmux "
        + version
        + " ;; *list-sessions*) echo '$0' ;; *) echo \"[$*]\" ;; esac\n"
    )
    program.chmod(0o755)
    channel = await attach.open_terminal(local, "gpu01", session(socket, "$0", tmux=str(program)), TERM, limit=20)
    await shown(channel, b"[" + argv.replace("SOCKET", str(socket)).encode() + b"]")


async def test_a_tmux_that_says_nothing_with_success_is_no_session(
    local: LocalConnection, tmp_path: Path, socket: Path
) -> None:
    program = tmp_path / "tmux"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(local, "gpu01", session(socket, "$0", tmux=str(program)), TERM, limit=20)
    assert caught.value.fault.kind is FaultKind.PROTOCOL
    assert "versions" in caught.value.fault.remedy


SHELLS = ("/bin/bash", "/bin/dash", "/usr/bin/zsh", "/usr/bin/fish", "/usr/bin/csh", "/bin/busybox")


@pytest.mark.parametrize("shell", SHELLS)
async def test_the_command_means_the_same_to_every_login_shell(
    local: LocalConnection, tmp_path: Path, shell: str
) -> None:
    argv = [shell, "sh", "-c"] if shell.endswith("busybox") else [shell, "-c"]
    wrapper = tmp_path / "login"
    wrapper.write_text("#!/bin/sh\necho 'a banner of the .bashrc'\nexec " + " ".join(argv) + ' "$1"\n')
    wrapper.chmod(0o755)

    class Login:
        """This machine, entered as sshd would: the command is one argument of the login shell."""

        async def open(self, command: str, **more: object) -> Channel:
            assert "'" not in command.removeprefix("exec /bin/sh -c '").removesuffix("'")
            quoted = "'" + command.replace("'", "'\\''") + "'"
            return await local.open(f"exec '{wrapper}' {quoted}", term=TERM)

    channel = await attach.open_terminal(Login(), "gpu01", None, TERM, limit=20)  # type: ignore[arg-type]
    await channel.write(b"echo sum=$((40+2)); exit\r")
    seen = await shown(channel, b"sum=42")
    assert b"banner" not in seen
    assert b"condafleet" not in seen


async def test_a_login_shell_has_a_sane_terminal_and_no_tmux_variables(
    local: LocalConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("TMUX", "/tmp/x,1,0")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    channel = await attach.open_terminal(local, "gpu01", None, TERM, limit=20)
    await channel.write(b"stty -a; echo \"T=$TERM X=[$TMUX] 0=$0\"; stty size; echo d''one\r")
    seen = await shown(channel, b"done")
    assert b" icanon " in seen.replace(b"\r\n", b" ")
    assert b" echo " in seen
    assert b"T=xterm-256color X=[]" in seen
    assert b"24 90" in seen
    channel.close()


async def test_an_account_whose_path_holds_no_program_has_a_sane_terminal_too(
    local: LocalConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/bin/sh")
    monkeypatch.setenv("PATH", "/nowhere")
    channel = await attach.open_terminal(local, "gpu01", None, TERM, limit=20)
    await channel.write(b"/usr/bin/stty -a; echo d''one\r")
    seen = await shown(channel, b"done")
    assert b" icanon " in seen.replace(b"\r\n", b" ")
    assert b" echo " in seen
    channel.close()


@pytest.mark.parametrize("name", ["no-such-terminal-9", "dumb", "xterm; id", ""])
async def test_a_terminal_that_the_host_does_not_know_becomes_a_common_one(local: LocalConnection, name: str) -> None:
    channel = await attach.open_terminal(local, "gpu01", None, TermRequest(name, 80, 24), limit=20)
    await channel.write(b"echo T=$TERM.\r")
    await shown(channel, b"T=xterm-256color.")
    channel.close()


async def test_a_login_that_only_talks_is_a_broken_shell(local: LocalConnection) -> None:
    class Nologin:
        async def open(self, command: str, **more: object) -> Channel:
            return await local.open("echo This account is; printf '\\033[31mnot available'", term=TERM)

    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(Nologin(), "gpu01", None, TERM, limit=20)  # type: ignore[arg-type]
    assert caught.value.fault.kind is FaultKind.SHELL_BROKEN
    assert "This account is \\x1b[31mnot available" in caught.value.fault.message


@pytest.mark.parametrize(
    ("command", "kind"), [("exec cat >/dev/null", FaultKind.TIMEOUT), ("exec yes", FaultKind.SHELL_BROKEN)]
)
async def test_a_login_that_hangs_or_floods_is_given_up_and_its_channel_closed(
    local: LocalConnection, command: str, kind: FaultKind
) -> None:
    opened: list[Channel] = []

    class Odd:
        async def open(self, ours: str, **more: object) -> Channel:
            opened.append(await local.open(command, term=TERM))
            return opened[0]

    with pytest.raises(HostFaultError) as caught:
        await attach.open_terminal(Odd(), "gpu01", None, TERM, limit=0.5 if kind is FaultKind.TIMEOUT else 20)  # type: ignore[arg-type]
    assert caught.value.fault.kind is kind
    with pytest.raises(HostFaultError):
        await opened[0].write(b"x")


def test_the_command_is_short_and_free_of_what_csh_and_fish_read_into() -> None:
    assert len(attach.COMMAND) < 1000
    assert not set(attach.COMMAND) & set("!\n\\")
    assert all(32 <= ord(char) < 127 for char in itertools.chain(attach.COMMAND))
