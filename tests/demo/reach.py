"""Ways to reach demo hosts, and to wait for what must come."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from tui.demo.fleet import DemoFleet


def run_ssh(
    fleet: DemoFleet, host: str, command: str, *options: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's client, with nothing of the user's."""
    argv = ["ssh", "-F", str(fleet.ssh_config), "-o", "BatchMode=yes", *options, host, command]
    return subprocess.run(argv, input=stdin, capture_output=True, timeout=30, check=False)


def wait_for(condition: Callable[[], object], limit: float = 30.0) -> None:
    """Return when *condition* holds; fail after *limit* seconds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
