"""Cleaning on a host: parts of package caches and other tools' caches, looked at and removed by one program.

The look says, by the very code that decides inside the task, what would go and what speaks against it. The task decides
again under the caches' locks, removes, proves that what was to go is gone, and asks the file system what came free.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tui.domain.changes import ConcernKind
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.planitems import PACKAGE_CACHE, TOOL_CACHES, ItemKind
from tui.domain.tasks import TaskSpec
from tui.remote.jobs import Job
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record, WireError, records

__all__ = ["CleanRequest", "CleanSaid", "FreedAt", "Kept", "RemovedPart", "ask_clean", "clean_job", "read_said"]

_LETTERS = {
    ItemKind.TARBALLS: "t",
    ItemKind.PACKAGES: "p",
    ItemKind.INDEX: "i",
    ItemKind.TEMP: "m",
    ItemKind.LOGS: "l",
}
_HELD = PACKAGE_CACHE | {ItemKind.TRASH}
_ANSWER_LIMIT = 4 << 20
MOST_SAID = 5000


@dataclass(frozen=True, slots=True)
class CleanRequest:
    """What is to be cleaned on one host. Paths are raw text."""

    parts: tuple[tuple[ItemKind, str], ...]
    """(kind, package cache), or (kind, directory or file of another tool's cache)."""
    caches: tuple[str, ...] = ()
    """All package caches known there: a package that one of them holds together with another is not in use by that."""
    places: tuple[str, ...] = ()
    """Where environments are: their soft links use packages. One that cannot be read, and no package goes."""
    maybe: tuple[str, ...] = ()
    """The same, but of others, who cannot get into the caches: they may be closed to us."""
    older_s: float | None = None
    accepted: frozenset[ConcernKind] = frozenset()
    seen: tuple[tuple[str, str], ...] = ()
    """(path, identity) as a look found them: anything else there is refused."""


@dataclass(frozen=True, slots=True)
class RemovedPart:
    """A part, as it goes or went."""

    kind: ItemKind
    path: str
    files: int
    bytes: int
    units: int
    """Entries of the cache."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays of a part, and why: in_use, used, young, environment, mounted, odd, unknown."""

    why: str
    kind: ItemKind
    path: str
    count: int


@dataclass(frozen=True, slots=True)
class FreedAt:
    """Free space of a file system by its own word, before and after, each once everything was written."""

    mount: str
    before: int
    after: int
    inodes_before: int
    inodes_after: int


@dataclass(frozen=True, slots=True)
class CleanSaid:
    """What the program said, in a look or in a task."""

    parts: tuple[RemovedPart, ...] = ()
    kept: tuple[Kept, ...] = ()
    concerns: tuple[tuple[str, str, str], ...] = ()
    """(kind, place, detail), the host's words."""
    places: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()
    freed: tuple[FreedAt, ...] = ()
    whole: bool = False
    """True when no part is missing: one that is not named held nothing."""

    @property
    def bytes(self) -> int:
        """Of all parts together."""
        return sum(part.bytes for part in self.parts)


def _program() -> bytes:
    return b"".join(map(script, ("cache_kinds", "change_clean", "disk_parts", "clean_decide", "clean_remove")))


def _words(mode: str, request: CleanRequest) -> list[str]:
    seen = dict(request.seen)
    letters: dict[str, str] = dict.fromkeys(request.caches, "")
    words = [mode]
    if request.older_s is not None:
        words += ["older", str(max(0, int(request.older_s)))]
    for concern in sorted(request.accepted):
        words += ["accept", concern.value]
    tools = []
    for kind, path in request.parts:
        if kind in PACKAGE_CACHE:
            letters[path] = letters.get(path, "") + _LETTERS[kind]
        elif kind in TOOL_CACHES:
            tools.append((kind, path))
        else:
            raise ValueError(f"{kind} is no part of a cache")
    for path, wanted in letters.items():
        words += ["cache", path, seen.get(path, "-"), wanted]
    for kind, path in dict.fromkeys(tools):
        words += ["tool", kind.value, path, seen.get(path, "-")]
    for word, paths in (("place", request.places), ("maybe", request.maybe)):
        words += [each for path in paths for each in (word, path)]
    return words


async def ask_clean(lane: Lane, host: str, request: CleanRequest, *, timeout: float) -> CleanSaid:
    """What cleaning would remove now, and what speaks against it. Raises HostFaultError."""
    body = await lane.ask(_program(), _words("look", request), timeout=timeout, limit=_ANSWER_LIMIT)
    try:
        answers = list(records(body))
    except WireError:
        answers = []
    if not answers or answers[-1].tag != "end":
        message = phrase("Looking at the caches of {host} ended before its time.", host=host)
        raise HostFaultError(Fault(FaultKind.INCOMPLETE, message, phrase("Try again.")))
    return read_said((record.tag, *_texts(record)) for record in answers)


def _texts(record: Record) -> Iterable[str]:
    return (record.text(at) or "" for at in range(len(record.fields)))


def read_said(said: Iterable[Sequence[str]]) -> CleanSaid:
    """What a program said in *said* (WORD, FIELD…), of which nothing is believed that is not whole."""
    parts, kept, concerns, places, left, freed = [], [], [], [], [], []
    expected: int | None = None
    for line in list(said)[:MOST_SAID]:
        word, fields = line[0] if line else "", list(line[1:])
        kind = ItemKind(fields[0]) if fields and fields[0] in _KINDS else None
        numbers = [_number(field) for field in fields]
        if word == "part" and kind is not None and len(fields) == 5 and None not in numbers[2:]:
            parts.append(RemovedPart(kind, fields[1], *map(int, fields[2:])))
        elif word == "parts" and fields:
            expected = numbers[0]
        elif word == "kept" and len(fields) == 4 and fields[1] in _KINDS and numbers[3] is not None:
            kept.append(Kept(fields[0], ItemKind(fields[1]), fields[2], numbers[3]))
        elif word == "concern" and len(fields) == 3:
            concerns.append((fields[0], fields[1], fields[2]))
        elif word == "place" and len(fields) == 2:
            places.append((fields[0], fields[1]))
        elif word == "left" and fields:
            left.append(fields[0])
        elif word == "freed" and len(fields) == 5 and None not in numbers[1:]:
            freed.append(FreedAt(fields[0], *map(int, fields[1:])))
    whole = expected == len(parts)
    return CleanSaid(tuple(parts), tuple(kept), tuple(concerns), tuple(places), tuple(left), tuple(freed), whole)


_KINDS: Collection[str] = frozenset(kind.value for kind in PACKAGE_CACHE | TOOL_CACHES)


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 18 else None


def clean_job(request: CleanRequest, *, id: str, operator: str, roots: Sequence[str] = (), summary: str = "") -> Job:
    """The task that cleans: under the lock of each package cache that loses a part, while no conda runs in *roots*."""
    # What conda put into a cache's .trash is the cache's, too.
    held = (
        posixpath.dirname(path) if kind is ItemKind.TRASH else path for kind, path in request.parts if kind in _HELD
    )
    caches = tuple(dict.fromkeys(held))
    paths = list(dict.fromkeys(path for _, path in request.parts))
    # Of several no one names the task.
    target = paths[0] if len(paths) == 1 else f"{len(paths)} caches"
    argv = ["condafleet", "clean", *(f"{kind.value}:{path}" for kind, path in request.parts)]
    spec = TaskSpec(id, "clean", target, tuple(argv), operator, caches, tuple(roots), summary)
    program = script("task_common") + script("task_conda") + _program()
    return Job(spec, program, tuple(_words("do", request)), as_owner=True)
