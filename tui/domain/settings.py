"""The operator's configuration as validated values (the outside contract names keys and defaults)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.domain.hosts import LOCAL, HostSpec

__all__ = ["Intervals", "Limits", "Settings"]


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often things are asked again, in seconds."""

    status: float = 5.0
    gpus: float = 5.0
    inventory: float = 300.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on waits (seconds) and on work at the same time."""

    connect: float = 10.0
    command: float = 30.0
    handshakes: int | None = None
    """How many handshakes at once; None: as many as the event loop bears, by its measured lag."""
    tasks: int = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a configuration file can say; the defaults are those of the contract."""

    hosts: tuple[HostSpec, ...] = (HostSpec(LOCAL),)
    intervals: Intervals = Intervals()
    limits: Limits = Limits()
    protect: tuple[str, ...] = ()
    """Patterns ``HOST:NAME`` of environments that are never removed or changed."""
    naming: str | None = None
    removal_keep: float = 0.0
    """Seconds for which a removed environment is put aside; 0 frees at once."""
    language: str | None = None
    """Which of :data:`tui.domain.languages.LANGUAGES` the screen speaks; None: as the locale says."""
    theme: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
    """The configuration file read; None when there was none."""
    offered: tuple[str, ...] = field(default=(), compare=False)
    """Without a file: the aliases of ssh_config, to be offered, not connected."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Where in the file stands what only the screen can judge: ``theme``, ``keys.quit``, … to a line, from 1."""
