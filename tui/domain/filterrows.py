"""What the filters of the tables look at: one row for each environment, host or session. Pure.

A row is made once for each value that arrives, and kept until the next: it holds what each key would compute
again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from tui.domain.condadisks import conda_mounts, full_mounts, fullest
from tui.domain.environments import DiskSize, Environment
from tui.domain.faults import Fault
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Load, Mount
from tui.domain.packages import PackageManager, PackageSet
from tui.domain.sessions import Session
from tui.domain.snapshot import HostSnapshot
from tui.domain.text import printable

__all__ = ["EnvironmentRow", "HostRow", "SessionRow"]


@dataclass(slots=True, eq=False)
class EnvironmentRow:
    """An environment, and what its table knows beside it."""

    environment: Environment
    groups: tuple[str, ...] = ()
    """The groups of its host."""
    stale: bool = False
    """Read from the operator's disk, and not renewed since."""
    shared: bool = False
    """Seen from several hosts, or under several names of one (:func:`tui.domain.identity.same_environments`)."""
    said: str = ""
    """The words by which its table tells how it is: who reads "listed but gone" may type "gone"."""
    text: str = field(init=False, repr=False)
    """Host and name as a selector spells them, prefix, Python, owner, install, manager, fault; case-folded."""
    packages: PackageSet | None = field(init=False, repr=False)
    """What it holds; None when not known."""
    pip_packages: int | None = field(init=False, repr=False)

    @property
    def size(self) -> DiskSize | None:
        """What it holds and what removing it gives back; None while nobody counted it."""
        return self.environment.size

    def __post_init__(self) -> None:
        env = self.environment
        parts = (f"{env.host}:{env.label}", env.prefix, env.python, env.owner, env.install, env.manager.value)
        self.text = _joined(*parts, None if env.fault is None else env.fault.kind.value, self.said)
        self.packages = env.packages if env.packages_known else None
        self.pip_packages = None if self.packages is None else _pip_packages(self.packages)


@lru_cache(maxsize=16384)
def _pip_packages(packages: PackageSet) -> int:
    return packages.count(PackageManager.PIP)


@dataclass(slots=True, eq=False)
class HostRow:
    """A host as its table shows it."""

    spec: HostSpec
    state: HostState
    snapshot: HostSnapshot
    fault: Fault | None = None
    said: str = ""
    """The words by which its table tells how it is."""
    _text: str | None = field(default=None, repr=False)
    _worst: tuple[Mount | None] | None = field(default=None, repr=False)

    @property
    def groups(self) -> tuple[str, ...]:
        """Its groups."""
        return self.spec.groups

    @property
    def packages(self) -> None:
        """A host holds no packages of its own."""
        return

    @property
    def text(self) -> str:
        """Name, address, groups, state, fault, system and GPUs."""
        if self._text is None:
            machine = self.snapshot.machine.value
            system = () if machine is None else (machine.hostname, machine.os, machine.user)
            fault = () if self.fault is None else (self.fault.kind.value, self.fault.message)
            models = dict.fromkeys(gpu.name for gpu in self.gpus or ())
            own = (self.spec.name, self.spec.address, self.spec.user, self.state.value, *self.spec.groups)
            self._text = _joined(*own, *fault, *system, *models, self.said)
        return self._text

    @property
    def load(self) -> Load | None:
        """How busy it is."""
        return self.snapshot.load.value

    @property
    def gpus(self) -> tuple[Gpu, ...] | None:
        """Its GPUs."""
        return self.snapshot.gpus.value

    @property
    def disk(self) -> Mount | None:
        """The fullest of the disks that matter to conda; None while they are not known."""
        if self._worst is None:
            self._worst = (fullest(conda_mounts(self.snapshot)),)
        return self._worst[0]

    @property
    def disk_share(self) -> float | None:
        """How full :attr:`disk` is, or another that is nearly full: a filter for full disks misses none."""
        full = [mount for mount in (*full_mounts(self.snapshot)[:1], self.disk) if mount is not None]
        worst = fullest(full)
        return None if worst is None else worst.used_fraction


@dataclass(slots=True, eq=False)
class SessionRow:
    """A session as its table shows it."""

    session: Session
    groups: tuple[str, ...] = ()
    """The groups of its host."""
    stale: bool = False
    said: str = ""
    """The words by which its table tells what runs in it."""
    _text: str | None = field(default=None, repr=False)

    @property
    def packages(self) -> None:
        """A session holds no packages."""
        return

    @property
    def text(self) -> str:
        """Host and name as a selector spells them; windows, commands, titles and directories."""
        if self._text is None:
            session = self.session
            inner: list[str | None] = []
            for window in session.windows:
                inner.append(window.name)
                for pane in window.panes:
                    inner += (pane.command, pane.title, pane.cwd, pane.prefix)
            self._text = _joined(f"{session.host}:{session.name}", session.id, session.kind, *inner, self.said)
        return self._text


def _joined(*parts: str | None) -> str:
    return "\n".join(
        [part if part.isascii() and part.isprintable() else f"{part}\n{printable(part)}" for part in parts if part]
    ).casefold()
