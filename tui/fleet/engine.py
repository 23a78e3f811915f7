"""What all connections share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.domain.settings import Limits
from tui.fleet.admission import Admission
from tui.fleet.connection import SshConnection
from tui.fleet.keys import KeyStore
from tui.fleet.knownhosts import KnownHostsFiles
from tui.fleet.prompts import Prompts, Secrets
from tui.fleet.resolved import Resolved
from tui.fleet.transport import Names, ProxyProcess
from tui.ports import Clock

__all__ = ["Engine"]


@dataclass(slots=True)
class Engine:
    """Caches and bounds, one of each for the whole fleet."""

    limits: Limits
    clock: Clock
    environment: Mapping[str, str]
    prompts: Prompts
    secrets: Secrets
    keys: KeyStore
    admission: Admission
    known_hosts: KnownHostsFiles = field(default_factory=KnownHostsFiles)
    names: Names = field(default_factory=Names)
    proxies: set[ProxyProcess] = field(default_factory=set)
    connections: set[SshConnection] = field(default_factory=set)
    """Those that are up."""
    worked: dict[tuple[str, str, int], bytes] = field(default_factory=dict)
    """(user, address, port) to the public key that let it in last."""
    accepted: dict[str, set[str]] = field(default_factory=dict)
    """Name in known_hosts to the keys (base64) that the person accepted for now."""

    def accepted_keys(self, resolved: Resolved) -> frozenset[str]:
        """Keys accepted without saving, until the program ends."""
        return frozenset(self.accepted.get(resolved.key_name, ()))
