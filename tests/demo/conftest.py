"""One demo fleet for the tests that only look, and helpers to reach it with OpenSSH's client."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.demo.reach import run_ssh
from tui.demo.fleet import DemoFleet


@pytest.fixture(scope="session")
def fleet() -> Iterator[DemoFleet]:
    """The default fleet; tests must leave it as it is."""
    with DemoFleet(6) as running:
        yield running


@pytest.fixture(scope="session")
def ssh(fleet: DemoFleet) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run a command on a host of the shared fleet."""

    def run(host: str, command: str, *options: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return run_ssh(fleet, host, command, *options, stdin=stdin)

    return run
