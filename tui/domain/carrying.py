"""Packages that are carried to a host whose network does not reach their channels, from another host's caches. Pure.

What travels are the very archives that the explicit list names, each known by its address and its hash, never what was
unpacked of them: from that no archive can be made again that is the same. They end where the host's own tool would have
put them, had it fetched them: in the package cache that it writes. There conda takes an archive that its ``urls.txt``
ascribes to the address and whose MD5 is the list's (``PackageCacheData._make_single_record`` and
``ProgressiveFetchExtract.make_actions_for_record``); libmamba takes one that lies in the folder of its channel and has
the hash (``PackageCacheData::has_valid_tarball``).

Address and hash are the source's own records: what is carried is as trustworthy as the host that it comes from. Whoever
solves with a channel's index later takes none of it that is not what that index says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.changes import CarryMode, Change, ChangeKind, Concern, ConcernKind, Severity
from tui.domain.phrases import phrase, plural
from tui.domain.text import printable

__all__ = [
    "Cargo",
    "Carried",
    "Load",
    "Parcel",
    "Reach",
    "bases",
    "cargo_concerns",
    "nested_folder",
    "parcels",
    "wants_carrying",
]

_LINE = re.compile(r"(?P<url>[!\"$-~]+)#(?:(?P<md5>[0-9a-f]{32})|(?:sha256:)?(?P<sha256>[0-9a-f]{64}))\Z")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+!~-]{0,240}\.(?:conda|tar\.bz2)\Z")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#]*")
MOST_BASES = 4
MOST_DETAILS = 20


class Reach(StrEnum):
    """Whether a host's network reaches the channels."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One package of an explicit list that could be carried."""

    url: str
    """Without its hash."""
    file: str
    """The archive's own name, one plain word: it names a file in the cache of the host that gets it."""
    algorithm: str
    """``md5`` or ``sha256``."""
    digest: str

    @property
    def staged(self) -> str:
        """What it is called while it waits on the host: nothing of a host's words is in it."""
        ending = ".conda" if self.file.endswith(".conda") else ".tar.bz2"
        return f"{self.algorithm}-{self.digest}{ending}"

    @property
    def folder(self) -> str:
        """Below which folder of the cache libmamba's tools keep it."""
        return nested_folder(self.url)


@dataclass(frozen=True, slots=True)
class Load:
    """A parcel, and where its archive lies on the host that it is carried from."""

    parcel: Parcel
    path: str
    """Raw."""
    size: int


@dataclass(frozen=True, slots=True)
class Cargo:
    """What is to be carried for one change, as both hosts showed it."""

    source: str
    target: str
    cache: str
    """The package cache of the target that its tool writes first; raw."""
    loads: tuple[Load, ...] = ()
    """Still to be sent."""
    arrived: tuple[Parcel, ...] = ()
    """Sent before, and found whole."""
    absent: tuple[Parcel, ...] = ()
    """Wanted, and in no package cache of the source."""
    free_bytes: int | None = None
    """On the file system of that cache."""

    @property
    def total_bytes(self) -> int:
        """What passes through the operator's machine."""
        return sum(each.size for each in self.loads)

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        """What lies ready once all is carried."""
        return (*self.arrived, *(each.parcel for each in self.loads))


@dataclass(frozen=True, slots=True)
class Carried:
    """How far the carrying for one change is."""

    source: str
    target: str
    packages: int
    of_packages: int
    bytes: int
    of_bytes: int
    """All of the cargo, what has passed and what will."""


def wants_carrying(change: Change) -> bool:
    """Whether there may be something to carry: a copy of another host's environment, whose archives are all known."""
    source = change.source
    copied = source is not None and source.host != change.host and change.kind in (ChangeKind.CLONE, ChangeKind.CREATE)
    return copied and bool(change.explicit) and change.carry is not CarryMode.NEVER


def parcels(explicit: Iterable[str], *, mamba: bool) -> tuple[tuple[Parcel, ...], tuple[str, ...]]:
    """The packages of an explicit list that can be carried, and the lines of those that cannot.

    Without a hash nobody can say whether what arrived is what was meant. *mamba*: for libmamba's tools; conda matches
    what lies in its cache by MD5 alone.
    """
    found: list[Parcel] = []
    others: list[str] = []
    for line in explicit:
        parts = _LINE.match(line)
        url = "" if parts is None else parts["url"]
        file = url.rpartition("/")[2]
        if parts is None or not _FILE.match(file) or not (parts["md5"] or mamba) or not _safe(nested_folder(url)):
            others.append(line)
            continue
        algorithm = "md5" if parts["md5"] else "sha256"
        found.append(Parcel(url, file, algorithm, parts[algorithm]))
    return tuple(found), tuple(others)


def nested_folder(url: str) -> str:
    """The folder below its cache in which libmamba keeps the package at *url*, which holds no secret.

    As ``package_cache_folder_relative_path`` of libmamba 2.6 and later makes it.
    """
    folder = url.rpartition("/")[0].rstrip("/").replace("://", "/")
    return re.sub(r"[:\\]", "_", folder)


def _safe(folder: str) -> bool:
    """Whether *folder* stays below where it is put. Two slashes, as of ``file:///``, are one to every system."""
    return bool(folder) and not folder.startswith("/") and not {".", ".."} & set(folder.split("/"))


def bases(wanted: Iterable[Parcel]) -> tuple[str, ...]:
    """One address for each server that has something of *wanted*: by these is seen whether a host reaches them."""
    found: dict[str, str] = {}
    for each in wanted:
        server = _SCHEME.match(each.url)
        # Of folders each is a place of its own.
        key = each.url.rpartition("/")[0] if server is None or server[0] == "file://" else server[0]
        found.setdefault(key, each.url)
    return tuple(found.values())[:MOST_BASES]


def cargo_concerns(cargo: Cargo, change: Change, others: Sequence[str] = ()) -> tuple[Concern, ...]:
    """What a person should know before it is carried. *others*: lines of the list that cannot be carried at all."""
    found = []
    if cargo.free_bytes is not None and cargo.free_bytes < cargo.total_bytes:
        text = phrase(
            "{place} has {free} bytes free; {wanted} would be carried there.",
            place=printable(cargo.cache), free=f"{cargo.free_bytes:,}", wanted=f"{cargo.total_bytes:,}",
        )  # fmt: skip
        found.append(Concern.of(ConcernKind.NO_SPACE, text))
    lacking = (*(each.file for each in cargo.absent), *map(printable, others))
    if lacking:
        text = plural(
            "{n} package cannot be carried: {target} itself must fetch it.",
            "{n} packages cannot be carried: {target} itself must fetch them.",
            len(lacking), target=cargo.target,
        )  # fmt: skip
        found.append(Concern.of(ConcernKind.OFFLINE, text, lacking[:MOST_DETAILS]))
    if change.pip:
        text = phrase(
            "What pip installs is not carried: where {target} reaches no index of Python packages, the copy will lack "
            "it, and be told as failed.",
            target=cargo.target,
        )
        found.append(Concern(ConcernKind.OFFLINE, text, Severity.WARNING, tuple(map(printable, change.pip))))
    return tuple(found)
