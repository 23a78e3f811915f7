"""Changes that a person asks for, and what speaks against them. Pure.

A :class:`Change` is the wish; a :class:`Prepared` one was looked at: what would run, what it would do to the packages,
and every :class:`Concern`. The look is advice: the host finds the same concerns again inside the task, under its lock,
and does nothing unless each of them was accepted. So concerns are one vocabulary for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tui.domain.environments import DiskSize
from tui.domain.logins import Login
from tui.domain.planned import PackagePlan

if TYPE_CHECKING:
    from tui.domain.carrying import Cargo
    from tui.domain.look import Look
    from tui.domain.toolargs import Tool

__all__ = [
    "FORBIDDEN",
    "NAMED",
    "CarryMode",
    "Change",
    "ChangeKind",
    "Concern",
    "ConcernKind",
    "EnvRef",
    "Prepared",
    "Severity",
    "acceptable",
    "severity_of",
    "standing",
]


class ChangeKind(StrEnum):
    """What is wanted; the value is the ``kind`` of the task."""

    CREATE = "create"
    CLONE = "clone"
    REMOVE = "remove"
    RENAME = "rename"
    RECREATE = "recreate"
    INSTALL = "install"
    UPDATE = "update"
    UNINSTALL = "uninstall"
    CLEAN = "clean"
    RESTORE = "restore"
    """Back from what was put aside."""
    PURGE = "purge"
    """What was put aside goes for good."""


class CarryMode(StrEnum):
    """When the packages of a copy are carried to its host through the operator's machine."""

    AUTO = "auto"
    """Where the host is seen not to reach a server that it needs one of."""
    ALWAYS = "always"
    NEVER = "never"


class Severity(StrEnum):
    """What a concern asks for."""

    FORBIDDEN = "forbidden"
    """There is no way past it."""
    NAME = "name"
    """The person types the environment's name (``--confirm NAME``)."""
    WARNING = "warning"
    NOTE = "note"


class ConcernKind(StrEnum):
    """What can speak against a change. A closed list; the values travel to the host and back."""

    # no way past
    BASE = "base"
    INSTALL_ROOT = "install_root"
    HOME = "home"
    """A home, ``/``, or another directory that is never an environment."""
    MOUNT_POINT = "mount_point"
    PROTECTED = "protected"
    """A ``protect:`` pattern of the configuration."""
    EXISTS = "exists"
    """Something is at the place where the new environment is to be."""
    MISSING = "missing"
    """There is no such directory."""
    NOT_AN_ENVIRONMENT = "not_an_environment"
    SOFT_LINK = "soft_link"
    """The prefix itself is a soft link: what it leads to is named by its own path."""
    CHANGED = "changed"
    """It is not what was looked at before: another device, inode, or content."""
    OUTDATED = "outdated"
    """Its records are others than when it was looked at, or it has more that no archive rebuilds: what was archived and
    accepted is not what is there. It has to be looked at again."""
    NOT_WRITABLE = "not_writable"
    FOREIGN_OWNER = "foreign_owner"
    """A program of an install would run that neither root nor this account owns."""
    NO_SPACE = "no_space"
    NO_TOOL = "no_tool"
    """The host has no program that could do it."""
    BAD_NAME = "bad_name"
    BAD_PLACE = "bad_place"
    """Something new would lie in a package cache, in an environment, in what is an install's own."""
    READ_ONLY = "read_only"
    """``--readonly``, or a read-only file system."""
    TOOL_RUNS = "tool_runs"
    """Somebody's conda runs on that install now."""

    # the name typed
    IN_USE = "in_use"
    USE_UNKNOWN = "use_unknown"
    FROZEN = "frozen"
    UNOWNED = "unowned"
    """Files that no package record and no RECORD of pip owns."""
    EDITABLE = "editable"
    """Sources installed in place lie in it."""
    NESTED = "nested"
    """Other environments lie in it."""
    MOUNTED = "mounted"
    """Another file system is mounted in it: nothing of it is removed."""
    INCOMPLETE = "incomplete"
    """No conda-meta/history, below a directory of environments."""
    LINKED_FROM = "linked_from"
    """Soft links of other environments lead into it."""

    # to be known
    NAMING = "naming"
    BASE_TARGET = "base_target"
    """Packages would go into ``base``."""
    PIP_OVER_CONDA = "pip_over_conda"
    DRIVER = "driver"
    """CUDA packages that the host's driver cannot run."""
    CHANNELS = "channels"
    NOT_REPRODUCED = "not_reproduced"
    """Parts that cannot be made again elsewhere: editable, local or by direct URL."""
    SHARED = "shared"
    """Other hosts see the same environment: those of the fleet that showed it in this run."""
    OFFLINE = "offline"
    LITTLE_SPACE = "little_space"
    UNKNOWN_PLAN = "unknown_plan"
    """What the tool would do could not be learnt beforehand."""
    REMOVES = "removes"
    """Packages that nobody asked to remove would go."""


FORBIDDEN = frozenset(
    {
        ConcernKind.BASE, ConcernKind.INSTALL_ROOT, ConcernKind.HOME, ConcernKind.MOUNT_POINT, ConcernKind.PROTECTED,
        ConcernKind.EXISTS, ConcernKind.MISSING, ConcernKind.NOT_AN_ENVIRONMENT, ConcernKind.SOFT_LINK,
        ConcernKind.CHANGED, ConcernKind.OUTDATED, ConcernKind.NOT_WRITABLE, ConcernKind.FOREIGN_OWNER,
        ConcernKind.NO_SPACE, ConcernKind.NO_TOOL, ConcernKind.BAD_NAME, ConcernKind.BAD_PLACE,
        ConcernKind.READ_ONLY, ConcernKind.TOOL_RUNS,
    }
)  # fmt: skip
NAMED = frozenset(
    {
        ConcernKind.IN_USE, ConcernKind.USE_UNKNOWN, ConcernKind.FROZEN, ConcernKind.UNOWNED, ConcernKind.EDITABLE,
        ConcernKind.NESTED, ConcernKind.MOUNTED, ConcernKind.INCOMPLETE, ConcernKind.LINKED_FROM,
    }
)  # fmt: skip


def severity_of(kind: ConcernKind) -> Severity:
    """What a concern of *kind* asks for, unless the one who found it says less."""
    if kind in FORBIDDEN:
        return Severity.FORBIDDEN
    return Severity.NAME if kind in NAMED else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that speaks against a change, or that a person should know before it."""

    kind: ConcernKind
    text: str
    """A sentence, a :class:`tui.domain.phrases.Phrase` in printed form: what it is, with figures."""
    severity: Severity
    details: tuple[str, ...] = ()
    """Further lines in printed form: processes, files, packages. Bounded by whoever made it."""

    @classmethod
    def of(cls, kind: ConcernKind, text: str, details: Iterable[str] = ()) -> Concern:
        """A concern with its usual severity."""
        return cls(kind, text, severity_of(kind), tuple(details))


@dataclass(frozen=True, slots=True)
class EnvRef:
    """An environment by host and absolute prefix (raw text)."""

    host: str
    prefix: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one environment on one host. Strings are raw text."""

    kind: ChangeKind
    host: str
    prefix: str
    """The absolute path of what is made or changed."""
    install: str | None = None
    """The root of the install whose program does it; None where none is needed."""
    name: str | None = None
    """What a person calls it, and types to confirm; None: the prefix."""
    source: EnvRef | None = None
    """What is cloned, or copied."""
    specs: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    """Requirements for pip, after conda's part."""
    channels: tuple[str, ...] = ()
    explicit: tuple[str, ...] = ()
    """URLs with hashes, as in an explicit list: then nothing is solved."""
    missing: tuple[str, ...] = ()
    """Of a copy: what cannot be made again elsewhere, a printed line each; the task does the rest, and fails."""
    pins: tuple[str, ...] = ()
    """Of a copy for another host: lines of ``conda-meta/pinned``, without secrets."""
    new_prefix: str | None = None
    """Of a rename."""
    keep_s: float = 0.0
    """Of a removal: put aside for so many seconds; 0 frees at once."""
    aside_id: str | None = None
    """Of a restore or a purge."""
    carry: CarryMode = CarryMode.AUTO
    """Of a copy of another host's environment."""
    logins: tuple[Login, ...] = field(default=(), repr=False)
    """For servers of its channels, as a person gave them for this one task."""
    accepted: frozenset[ConcernKind] = frozenset()
    """Concerns of severity NAME that the person has accepted by typing the name."""

    @property
    def label(self) -> str:
        """What the person types to confirm."""
        return self.name if self.name is not None else self.prefix


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that was looked at: what a person is shown before it is started. Advice: the host decides again."""

    change: Change
    argv: tuple[str, ...]
    """What will run, for people to read and copy: without secrets."""
    looked_at: float
    """Unix time, operator's clock."""
    concerns: tuple[Concern, ...] = ()
    packages: PackagePlan | None = None
    """What the tool says that it would do; None where nothing is solved, or it could not be learnt."""
    size: DiskSize | None = None
    """Of the environment that goes: counted for this look, or, with an older time, what was known before."""
    uncounted: str = ""
    """Why its size could not be counted for this look; a phrase, empty where it was, or nobody wanted it."""
    needed_bytes: int | None = None
    """About, on the disk of the environment: an estimate; None where it is not known."""
    free_bytes: int | None = None
    free_inodes: int | None = None
    look: Look | None = None
    """What stood at its place, for the task to find again."""
    tool: Tool | None = None
    """What does it; None where no package manager is needed."""
    caches: tuple[str, ...] = ()
    """The package caches that it writes."""
    cargo: Cargo | None = None
    """What is carried to the host before it is started; None where nothing is."""

    @property
    def standing(self) -> tuple[Concern, ...]:
        """The concerns for which it may not be started as it is."""
        return standing(self.concerns, self.change.accepted)


def standing(concerns: Iterable[Concern], accepted: Iterable[ConcernKind] = ()) -> tuple[Concern, ...]:
    """Those of *concerns* for which nothing may be done yet: forbidden ones, and those not accepted."""
    known = frozenset(accepted)
    return tuple(
        each
        for each in concerns
        if each.severity is Severity.FORBIDDEN or (each.severity is Severity.NAME and each.kind not in known)
    )


def acceptable(concerns: Iterable[Concern]) -> frozenset[ConcernKind]:
    """What typing the name accepts of *concerns*: those that were shown, no others."""
    return frozenset(each.kind for each in concerns if each.severity is Severity.NAME)
