"""The command as a process of its own: signals, and what a script sees of them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import refused_port
from tests.terminal.ptychannel import Terminal


@pytest.fixture
async def environ(tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """A fleet of this machine and one host that takes the connection and says nothing."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    config = tmp_path / "config.yaml"
    config.write_text(
        f"hosts:\n  local:\n    search: [{tmp_path}]\n    only: true\n"
        f"  silent:\n    address: 127.0.0.1\n    port: {port}\n    user: nobody\nlimits: {{connect: 60s}}\n"
    )
    (tmp_path / "ssh_config").touch()
    yield {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TMUX_TMPDIR": str(tmp_path),
        "CONDAFLEET_CONFIG": str(config), "CONDAFLEET_STATE_DIR": str(tmp_path / "state"),
        "CONDAFLEET_SSH_CONFIG": str(tmp_path / "ssh_config"),
    }  # fmt: skip
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.parametrize("times", [1, 2])
async def test_ctrl_c_ends_the_waiting_at_once_with_one_whole_object(
    environ: dict[str, str], terminal: Terminal, times: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "sessions", "--json",
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal.fd,
    )  # fmt: skip
    await terminal.shows(b"1 of 2 hosts answered; waiting for silent", 20)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
    async with asyncio.timeout(5):
        out, _ = await process.communicate()
    assert process.returncode == 130
    shown = json.loads(out)
    assert shown["error"]["kind"] == "interrupted"
    assert b"Traceback" not in terminal.screen
    if times == 1:
        assert [host["name"] for host in shown["hosts"]] == ["local", "silent"]
        assert shown["hosts"][1]["fault"] is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_being_told_to_end_leaves_one_object_too(
    environ: dict[str, str], terminal: Terminal, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "sessions", "--json",
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal.fd,
    )  # fmt: skip
    await terminal.shows(b"waiting for silent", 20)
    process.send_signal(number)
    async with asyncio.timeout(5):
        out, _ = await process.communicate()
    assert process.returncode == 130
    assert json.loads(out)["error"]["kind"] == "interrupted"


async def test_the_progress_line_is_gone_at_the_end(environ: dict[str, str], terminal: Terminal) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "hosts", "list", "local",
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=terminal.fd,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.splitlines()[1].split()[:2] == [b"local", b"up"]
    await terminal.shows(b"0 of 1 hosts answered")
    assert terminal.screen.rsplit(b"\r", 1)[-1] == b"\x1b[K"


async def test_the_screen_needs_a_terminal(environ: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui",
        env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"condafleet envs --json" in err


@pytest.mark.parametrize("where", ["/dev/full", "closed"])
async def test_output_that_cannot_be_written_is_told(environ: dict[str, str], where: str) -> None:
    command = f'exec "$@" >{where}' if where != "closed" else 'exec "$@" >&-'
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command, "sh", sys.executable, "-m", "tui", "hosts", "list", "local",
        env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        _, err = await process.communicate()
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err
    if where == "closed":
        assert process.returncode == 0
    else:
        assert process.returncode == 1
        assert b"Standard output can't be written: No space left" in err


@pytest.fixture
def aliases(environ: dict[str, str]) -> None:
    """Two aliases in the operator's ssh_config."""
    Path(environ["CONDAFLEET_SSH_CONFIG"]).write_text("Host gpu07 gpu08\n  User ada\nHost *\n  Port 22\n")


@pytest.mark.usefixtures("aliases")
async def test_the_aliases_of_ssh_config_are_offered_before_there_is_a_file(environ: dict[str, str]) -> None:
    env = {**environ, "XDG_CONFIG_HOME": environ["HOME"]}
    del env["CONDAFLEET_CONFIG"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "hosts", "--json",
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert [host["name"] for host in json.loads(out)["hosts"]] == ["local"]
    assert err == b""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "hosts",
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert b"2 aliases in ssh_config (gpu07, gpu08)" in err


async def test_a_folder_for_the_log_that_cannot_be_used_stops_nothing(environ: dict[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tui", "hosts", "list", "local", "--json", "--debug",
        env={**environ, "CONDAFLEET_STATE_DIR": "/proc/none"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(20):
        out, err = await process.communicate()
    assert process.returncode == 0
    assert json.loads(out)["hosts"][0]["state"] == "up"
    assert err.startswith(b"Nothing is logged: ")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("named", ["option", "variable"])
def test_adding_a_host_makes_the_file_that_is_named_and_nothing_else_does(
    environ: dict[str, str], tmp_path: Path, named: str
) -> None:
    new = tmp_path / "fleets" / "new.yaml"
    option = ("--config", str(new)) if named == "option" else ()
    if named == "variable":
        environ["CONDAFLEET_CONFIG"] = str(new)

    def condafleet(*argv: str) -> subprocess.CompletedProcess[str]:
        command = (sys.executable, "-m", "tui", *option, *argv)
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)

    for argv in (["hosts", "--json"], ["envs"], ["hosts", "forget", "gpu07"]):
        done = condafleet(*argv)
        assert done.returncode == 2 and "no file" in done.stderr
        assert not new.exists()
    done = condafleet("hosts", "add", "gpu07", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["error"] is None
    assert new.stat().st_mode & 0o777 == 0o600 and "gpu07: {}" in new.read_text() and "local: {}" in new.read_text()
    assert "already" in condafleet("hosts", "add", "gpu07").stderr


def test_a_host_that_is_down_shows_where_ssh_config_has_it(environ: dict[str, str], tmp_path: Path) -> None:
    with refused_port() as port:
        (tmp_path / "ssh_config").write_text(f"Host gpu07\n  HostName 127.0.0.1\n  Port {port}\n  User ada\n")
        (tmp_path / "config.yaml").write_text("hosts: {gpu07: {}}\n")
        command = (sys.executable, "-m", "tui", "hosts", "--json")
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    host = json.loads(done.stdout)["hosts"][0]
    assert done.returncode == 1 and host["fault"]["kind"] == "refused"
    assert (host["address"], host["port"], host["user"]) == ("127.0.0.1", port, "ada")


def test_a_search_that_cannot_be_remembered_prints_what_it_found_and_says_why(
    environ: dict[str, str], tmp_path: Path
) -> None:
    meta = tmp_path / "data" / "deep" / "conda-meta"
    meta.mkdir(parents=True)
    (meta / "history").write_text("==> 2026-01-01 00:00:00 <==\n")
    (tmp_path / "state").write_text("a file where the folder should be")  # as unwritable for root as for others
    command = (sys.executable, "-m", "tui", "envs", "local", "--search", str(tmp_path / "data"), "--json")
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "data" / "deep") in [env["prefix"] for env in json.loads(done.stdout)["environments"]]
    said = [line for line in done.stderr.splitlines() if "could not be remembered" in line]
    assert len(said) == 1 and str(tmp_path / "data") in said[0] and str(tmp_path / "state") in said[0], done.stderr
