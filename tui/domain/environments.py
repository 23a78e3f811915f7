"""Installs and environments as a host showed them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tui.domain.diskbounds import Bound
from tui.domain.faults import Fault
from tui.domain.packages import EMPTY_SET, PackageManager, PackageSet

__all__ = ["DiskSize", "EnvKind", "Environment", "Install", "Manager", "UsageSignal", "Use"]


class Manager(StrEnum):
    """Which program an install belongs to, or made an environment."""

    CONDA = "conda"
    MAMBA = "mamba"
    MICROMAMBA = "micromamba"
    UNKNOWN = "unknown"


class EnvKind(StrEnum):
    """How an environment is addressed."""

    BASE = "base"
    NAMED = "named"
    PREFIX = "prefix"


class UsageSignal(StrEnum):
    """What "last used" was read from, best first; "history" means changed rather than used."""

    PROCESS = "process"
    SESSION = "session"
    KERNEL = "kernel"
    ATIME = "atime"
    PYCACHE = "pycache"
    HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Use:
    """A process that uses an environment now."""

    pid: int
    user: str | None
    command: str | None
    via: str = ""
    """How it was seen: exe, maps, cwd, CONDA_PREFIX, gpu, session."""


@dataclass(frozen=True, slots=True)
class DiskSize:
    """What an environment held when the disk of its host was last counted: for reading, never a ground for a change."""

    total_bytes: int
    """Blocks on the disk, with everything that lies in its directory."""
    exclusive_bytes: int
    """What removing it alone gives back."""
    shared_bytes: int
    files: int
    """Inodes, directories included."""
    time: float
    """Unix time, operator's clock, at which the count ended."""
    bound: Bound = Bound.EXACT
    """Which way :attr:`exclusive_bytes` can be wrong."""


@dataclass(frozen=True, slots=True)
class Install:
    """One conda root on a host; for micromamba the root prefix, which has no base."""

    root: str
    manager: Manager
    version: str | None
    tools: tuple[tuple[str, str | None], ...] = ()
    """Programs of this install and their versions, e.g. (("conda", "26.7.1"), ("mamba", None))."""
    owner: str | None = None
    writable: bool | None = None
    envs_dirs: tuple[str, ...] = ()
    pkgs_dirs: tuple[str, ...] = ()
    dirs_confirmed: bool = False
    """True when the tool itself named envs_dirs and pkgs_dirs, False when they are the usual ones."""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """One prefix on one host. Strings are raw (see :mod:`tui.domain.text`); times are Unix seconds."""

    host: str
    prefix: str
    name: str | None
    """None for an environment that has no name (kind prefix)."""
    kind: EnvKind
    install: str | None
    """The root of the install that it belongs to; None when no install claims it."""
    manager: Manager
    packages: PackageSet = EMPTY_SET
    packages_known: bool = False
    """False while packages were not read (or could not be): counts are then unknown, not zero."""
    requested: frozenset[str] = frozenset()
    """Names of conda packages that a person asked for."""
    clobbered: frozenset[str] = frozenset()
    """Names of pip packages that lie over files of a conda package."""
    python: str | None = None
    created: float | None = None
    modified: float | None = None
    last_used: float | None = None
    last_used_signal: UsageSignal | None = None
    owner: str | None = None
    writable: bool | None = None
    frozen: bool | None = None
    protected: bool = False
    """Matched by a ``protect:`` pattern, or base."""
    fs_id: str | None = None
    """Equal for one prefix seen from several hosts; machine, device and inode, or export and path."""
    in_use: tuple[Use, ...] = ()
    in_use_complete: bool | None = None
    """False when some process could not be looked at; None when nobody looked."""
    linked_to: str | None = None
    """Where a soft-linked prefix leads; None for a real directory."""
    seen_in: tuple[str, ...] = ()
    """Where it was found: envs_dirs, environments.txt, search, process, install."""
    size: DiskSize | None = None
    """None while nobody counted it."""
    fault: Fault | None = None
    """GHOST (listed but gone), INCOMPLETE (no usable conda-meta), PERMISSION, …"""

    @property
    def conda_packages(self) -> int | None:
        """How many conda packages; None when unknown."""
        return self.packages.count(PackageManager.CONDA) if self.packages_known else None

    @property
    def pip_packages(self) -> int | None:
        """How many pip packages; None when unknown."""
        return self.packages.count(PackageManager.PIP) if self.packages_known else None

    @property
    def label(self) -> str:
        """The name, or the prefix of an environment without one."""
        return self.name if self.name is not None else self.prefix
