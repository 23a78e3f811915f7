"""What a demo fleet is to be: plain values, without anything that acts.

A :class:`HostPlan` says how a host behaves on the network and which layout is on its disk. Tests make their
own; :func:`tui.demo.layouts.default_fleet` makes those of ``condafleet demo``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

__all__ = [
    "PASSWORD",
    "Answer",
    "Auth",
    "Behaviour",
    "CachePlan",
    "EnvPlan",
    "GpuPlan",
    "HostKey",
    "HostPlan",
    "InstallPlan",
    "Layout",
    "MountPlan",
    "PanePlan",
    "SessionPlan",
]

PASSWORD = "demo"
"""The password of hosts that ask for one."""


class Answer(StrEnum):
    """What a connection meets."""

    NORMAL = "normal"
    SILENT = "silent"
    """TCP is accepted, nothing is ever said."""
    REFUSED = "refused"
    """Nothing listens on the port."""
    GARBAGE = "garbage"
    """Something that is no SSH server answers."""


class Auth(StrEnum):
    """How a host lets people in."""

    KEY = "key"
    PASSWORD = "password"
    INTERACTIVE = "interactive"
    """Keyboard-interactive: asks for the same password in words of its own."""
    NOBODY = "nobody"


class HostKey(StrEnum):
    """What known_hosts says of a host."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a host behaves; the default is a healthy one."""

    answer: Answer = Answer.NORMAL
    auth: Auth = Auth.KEY
    host_key: HostKey = HostKey.KNOWN
    max_sessions: int = 10
    """Session channels on one connection; more are refused, as sshd does."""
    drop_after: int | None = None
    """The connection dies, without a word, after so many bytes of programs' output."""
    stall_after: int | None = None
    """After so many bytes of programs' output nothing more is sent; the connection stays."""
    shout: str | None = None
    """Printed before every command's own output, as a noisy start file of the shell would."""
    flood: bool = False
    """Every command answers with endless noise instead of its output."""
    forwarding: bool = False
    """TCP forwarding is allowed, so that the host can be a jump host."""
    motd: str | None = None


@dataclass(frozen=True, slots=True)
class EnvPlan:
    """One environment. ``path`` is below the home, or below the host's root when it begins with ``/``."""

    path: str
    specs: tuple[str, ...] = ()
    python: str = "3.11"
    pip: tuple[str, ...] = ()
    """``name==version`` each, installed by pip; one that conda has too lies over conda's files."""
    days: int = 20
    """How long ago it was last changed."""
    pycache_days: int | None = None
    """How long ago its modules were last compiled, None: never."""
    frozen: bool = False
    incomplete: bool = False
    """``conda-meta/`` holds no history and no records, as after a stopped create."""
    link_to: str | None = None
    """It is a soft link to this path."""


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """One conda root, ``path`` as in :class:`EnvPlan`."""

    path: str
    manager: str
    """conda, mamba or micromamba."""
    version: str
    base: tuple[str, ...] = ()
    python: str = "3.12"
    envs: tuple[EnvPlan, ...] = ()
    """Their paths too are below the home or ``/``; packages come from this install's cache."""
    unused: tuple[str, ...] = ()
    """Packages that lie in the cache and in no environment."""


@dataclass(frozen=True, slots=True)
class PanePlan:
    """What runs in a pane: a played program of *env*, or only a shell."""

    title: str
    script: str | None = None
    """train, eval, watch, crash: a file of standins/."""
    env: str | None = None
    argv: str = ""
    gpus: tuple[int, ...] = ()
    """It is listed by nvidia-smi on these GPUs."""
    gpu_mib: int = 0
    """On each of them."""


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A tmux session: windows of panes."""

    name: str
    windows: tuple[tuple[str, tuple[PanePlan, ...]], ...]


@dataclass(frozen=True, slots=True)
class GpuPlan:
    """The GPUs of a host, all of one model."""

    model: str
    count: int
    memory_mib: int
    driver: str
    cuda: str
    power_limit_w: float | None = None
    """None: the card reports no power, as ``[N/A]``."""
    busy: tuple[int, ...] = ()
    mig: tuple[tuple[str, int], ...] = ()
    """(profile, MiB) of the slices of GPU 0."""
    hung: bool = False


@dataclass(frozen=True, slots=True)
class MountPlan:
    """One file system; sizes in MiB, as small as the demo's packages are.

    ``path`` is below the host's root. All installs of a host lie on one: really they do, so their disks are counted so.
    """

    path: str
    source: str
    fs_type: str
    size: int
    """Played."""
    others: int
    """What other people hold there: played. What the host's own files take is counted, and comes to it."""


@dataclass(frozen=True, slots=True)
class CachePlan:
    """A file that some tool keeps, ``path`` below the home, not used for *days*."""

    path: str
    kib: int
    days: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything on a host."""

    os: str
    version: str
    kernel: str
    cores: int
    memory_gib: int
    load: float
    mounts: tuple[MountPlan, ...]
    installs: tuple[InstallPlan, ...] = ()
    sessions: tuple[SessionPlan, ...] = ()
    gpus: GpuPlan | None = None
    ghosts: tuple[str, ...] = ()
    """Paths in environments.txt that are gone."""
    caches: tuple[CachePlan, ...] = ()
    """What other tools keep."""
    search: tuple[str, ...] = ("~",)
    """What the fleet's configuration says of where to look, as in :class:`EnvPlan`, ``~`` for the home."""
    light: bool = False
    """Packages come without what they depend on and with small files: for fleets of hundreds."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """One demo host."""

    name: str
    layout: str = "empty"
    """A name known to :func:`tui.demo.layouts.layout`."""
    user: str = "ada"
    behaviour: Behaviour = field(default_factory=Behaviour)
    groups: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For the way to the server process."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> HostPlan:
        """The plan that :meth:`to_json` wrote."""
        given = dict(raw["behaviour"])
        given.update(answer=Answer(given["answer"]), auth=Auth(given["auth"]), host_key=HostKey(given["host_key"]))
        known = {item.name for item in fields(Behaviour)}
        behaviour = Behaviour(**{key: value for key, value in given.items() if key in known})
        return cls(raw["name"], raw["layout"], raw["user"], behaviour, tuple(raw["groups"]))
