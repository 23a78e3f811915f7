"""The configuration of a demo: hosts written out, keys and known hosts of its own, nothing of the user's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui.demo.host import DemoHost

__all__ = ["CONFIG", "SSH_CONFIG", "STATE", "environment", "write_settings"]

CONFIG, SSH_CONFIG, STATE = "config.yaml", "ssh_config", "state"


def write_settings(base: Path, hosts: Sequence[DemoHost], ports: Mapping[str, int]) -> None:
    """Write ``config.yaml`` and ``ssh_config`` into *base*, and make the state folder.

    With the second, ``ssh -F FILE HOST`` reaches the same hosts.
    """
    identity, known = str(base / "id_ed25519"), str(base / "known_hosts")
    lines = [
        "# A throwaway fleet: gone when the demo ends. Its passwords, where asked for, are: demo",
        "limits: {connect: 4s}",
        "hosts:",
    ]
    blocks = [
        "Host *",
        "  IdentityAgent none",
        "  IdentitiesOnly yes",
        f'  IdentityFile "{identity}"',
        f'  UserKnownHostsFile "{known}"',
        "  GlobalKnownHostsFile /dev/null",
        "  StrictHostKeyChecking ask",
        "  UpdateHostKeys no",
    ]
    for host in hosts:
        plan, port = host.plan, ports[host.plan.name]
        # JSON strings are YAML strings too, whatever a path holds.
        lines += [
            f"  {plan.name}:",
            "    address: 127.0.0.1",
            f"    port: {port}",
            f"    user: {plan.user}",
            f"    identity: [{json.dumps(identity)}]",
            f"    known_hosts: {json.dumps(known)}",
            f"    groups: {json.dumps(list(plan.groups))}",
            f"    search: {json.dumps(host.search)}",
            "    only: true",
        ]
        blocks = [f"Host {plan.name}", "  HostName 127.0.0.1", f"  Port {port}", f"  User {plan.user}", "", *blocks]
    (base / CONFIG).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (base / SSH_CONFIG).write_text("\n".join(blocks) + "\n", encoding="utf-8")
    (base / STATE).mkdir()


def environment(base: Path) -> dict[str, str]:
    """What makes condafleet use the demo in *base* and nothing of the user's."""
    return {
        "CONDAFLEET_CONFIG": str(base / CONFIG),
        "CONDAFLEET_SSH_CONFIG": str(base / SSH_CONFIG),
        "CONDAFLEET_STATE_DIR": str(base / STATE),
    }
