"""``clone`` onto a host without a network, as a person runs it; and what a client that is killed leaves."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.condafleet_command import PROGRAM, Command
from tests.services.carryfleet import CarryFleet, wrapper
from tests.sshd import SshServer

SPECS = ("cudatoolkit=12.1.1", "pytorch=2.1.2", "libsmall=1.0")


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=wrapper()) as server:
        yield server


def command(server: SshServer, hosts: CarryFleet, folder: Path) -> Command:
    """A person's program that knows both hosts."""
    known = folder / "known_hosts"
    known.write_text("".join(server.known_hosts_lines()))
    entries = {
        name: {"address": server.address, "port": server.port, "user": user.name, "identity": [str(user.key)],
               "search": [str(user.home)], "only": True}
        for name, user in hosts.users.items()
    }  # fmt: skip
    config = {"hosts": entries, "defaults": {"known_hosts": str(known)}}
    return Command(folder / "client", config, "Host *\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n")


def test_what_is_carried_is_shown_before_and_told_meanwhile(server: SshServer, tmp_path: Path) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", *SPECS[:1], *SPECS[2:])
    run = command(server, hosts, tmp_path)
    seen = run("clone", "gpu01:train", "gpu02:train", "--dry-run")
    assert seen.code == 0, seen.stderr
    assert b"carries  2 packages" in seen.stdout
    assert b"from gpu01 through this machine" in seen.stdout
    assert not hosts.waiting
    answer = run("clone", "gpu01:train", "gpu02:train", "--dry-run", "--json").json
    (change,) = answer["changes"]
    sizes = [path.stat().st_size for path in hosts.installs["gpu01"].pkgs.glob("*.conda")]
    assert (change["carried_packages"], change["carried_bytes"]) == (2, sum(sizes))
    never = run("clone", "gpu01:train", "gpu02:train", "--dry-run", "--carry", "never", "--json").json
    assert never["changes"][0]["carried_packages"] is None
    done = run("clone", "gpu01:train", "gpu02:train", "--yes", "--json-lines")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.code == 0, done.stderr
    carried = [each["packages"] for each in events if each.get("event") == "carried"]
    assert carried == [0, 1, 2]
    assert hosts.had == hosts.archives


@pytest.mark.parametrize("seed", range(2))
def test_a_client_that_is_killed_leaves_nothing_half_and_the_next_goes_on(
    server: SshServer, tmp_path: Path, seed: int
) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", *SPECS)
    run = command(server, hosts, tmp_path)
    dice = random.Random(seed)
    target = dice.randrange(1, len(hosts.archives))
    client = subprocess.Popen(
        [*PROGRAM, "--config", str(run.config), "clone", "gpu01:train", "gpu02:train", "--yes"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=run.env,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while sum(not name.startswith("part.") for name in hosts.waiting) < target and client.poll() is None:
        assert time.monotonic() < limit
    client.send_signal(signal.SIGKILL)
    client.wait()
    while any(name.startswith("part.") for name in hosts.waiting):
        assert time.monotonic() < limit
    assert not hosts.target.env("train").exists()
    assert len(hosts.waiting) >= target
    again = run("clone", "gpu01:train", "gpu02:train", "--yes")
    assert again.code == 0, again.stderr
    assert b"from before" in again.stderr
    assert hosts.had == hosts.archives
    assert not hosts.waiting
