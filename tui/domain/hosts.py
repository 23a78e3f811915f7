"""Hosts as the configuration names them, and the states that a connection goes through."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["HOST_NAME", "LOCAL", "HostSpec", "HostState", "SearchPlaces"]

HOST_NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*\Z")
"""What a host may be called: the outside contract's characters, no leading dash."""

LOCAL = "local"
"""The name of the machine that the program runs on; it is reached without SSH."""


class HostState(StrEnum):
    """Where the connection to a host stands; the value is what ``--json`` shows."""

    IDLE = "idle"
    """Never asked to connect."""
    CONNECTING = "connecting"
    ASKING = "asking"
    """Waits for a person: a secret or a host key."""
    UP = "up"
    WAITING = "waiting"
    """Down; tried again at the fault's ``retry_at``."""
    DOWN = "down"
    """Down; not tried again before a person acts."""


@dataclass(frozen=True, slots=True)
class SearchPlaces:
    """Where environments are looked for on a host, beside what the host itself tells."""

    paths: tuple[str, ...] = ()
    """Absolute paths on the host, or paths that begin with ``~/``."""
    only: bool = False
    """True: look nowhere else (no usual places, no environments.txt, no shell files, no processes)."""
    found: tuple[str, ...] = ()
    """Prefixes that earlier searches found, absolute, looked at where they are. One that is gone meanwhile is not
    listed, and no ghost either: no file on the host speaks of it. With *only*, those below *paths* alone."""
    remembered: frozenset[str] = frozenset()
    """Those of *paths* that come from earlier searches and not from a configuration: no fault when they are gone."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host as the person named it; None means "what OpenSSH would do"."""

    name: str
    address: str | None = None
    port: int | None = None
    user: str | None = None
    identity: tuple[str, ...] = ()
    jump: str | None = None
    """A host of the fleet or an alias of ssh_config, several separated by commas; None: as ssh_config says."""
    known_hosts: str | None = None
    groups: tuple[str, ...] = ()
    search: SearchPlaces = SearchPlaces()
    sudo: bool = False

    @property
    def is_local(self) -> bool:
        """True for this machine, reached without SSH."""
        return self.name == LOCAL
