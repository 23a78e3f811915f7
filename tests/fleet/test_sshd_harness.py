"""The test server itself: real users, real permissions, nothing left behind."""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path

import pytest

from tests.sshd import HostEntry, SshServer, write_client_config


def ssh(config: Path, alias: str, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["ssh", "-F", str(config), "-o", "BatchMode=yes", alias, command],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def test_the_real_client_logs_in_as_the_users_made_and_both_are_gone_afterwards() -> None:
    with SshServer(addresses=("127.0.0.1", "127.7.7.7")) as server:
        ada = server.add_user(shell="/bin/bash")
        bob = server.add_user(shell="/bin/csh", password="secret words")
        files = write_client_config(
            server.directory / "client",
            {"one": HostEntry(server, ada), "two": HostEntry(server, bob, address="127.7.7.7")},
        )
        done = ssh(files.config, "one", "id -un; pwd; echo $0")
        assert done.stdout.splitlines() == [ada.name, str(ada.home), "bash"], done.stderr
        assert ssh(files.config, "two", "echo $shell").stdout == "/bin/csh\n"
        home, directory = ada.home, server.directory
        assert home.owner() == ada.name
    assert not directory.exists()
    for user in (ada, bob):
        with pytest.raises(KeyError):
            pwd.getpwnam(user.name)


def test_a_frozen_daemon_takes_the_connection_and_says_nothing() -> None:
    with SshServer() as server:
        ada = server.add_user()
        files = server.client_config({"one": ada}, options={"one": {"ConnectTimeout": "1"}})
        server.freeze()
        done = ssh(files.config, "one", "true")
        assert done.returncode == 255 and "imed out" in done.stderr
        server.thaw()
        assert ssh(files.config, "one", "true").returncode == 0


def test_options_can_change_while_it_runs() -> None:
    with SshServer() as server:
        ada = server.add_user()
        files = server.client_config({"one": ada})
        assert ssh(files.config, "one", "true").returncode == 0
        server.reload(match=[f"Match User {ada.name}", "ForceCommand echo forced"])
        assert ssh(files.config, "one", "true").stdout == "forced\n"
