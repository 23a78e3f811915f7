"""What was asked of conda for an environment, and what came of it: ``conda-meta/history``, read. Pure.

conda, mamba and micromamba append to that file at each change::

    ==> 2026-11-20 11:05:36 <==
    # cmd: /opt/conda/bin/conda install numpy=1.26
    # conda version: 26.7.1
    -conda-forge/linux-64::numpy-1.25.0-py311h0_0
    +conda-forge/linux-64::numpy-1.26.4-py311h64a7726_0
    # update specs: ['numpy=1.26']

pip leaves no trace there. Command lines and specs are redacted; nothing else of the file is kept but names,
versions, builds and channels without their addresses. Whatever the file holds, reading it never raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tui.domain.assemble import channel_name, split_dist_name
from tui.domain.redact import redact

__all__ = ["Change", "Dist", "History", "Request", "Revision", "read_history"]

LONGEST_LINE = 4000
"""Characters of a command line or a list of specs; what is longer is cut after its secrets were taken out."""

_HEAD = re.compile(r"==>\s*([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})\s*<==\s*\Z")
_COMMAND = re.compile(r"#\s*cmd:\s*(.*\S)")
_VERSION = re.compile(r"#\s*conda version:\s*(\S{1,40})")
_SPECS = re.compile(r"#\s*([a-z]{2,12})\s+specs:\s*(.*\S)?")
_QUOTED = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'")
_BETWEEN = re.compile(r"\s*,\s*(?=[A-Za-z_*])")
_ARCHIVE = re.compile(r"\.(?:conda|tar\.bz2)\Z")


@dataclass(frozen=True, slots=True)
class Dist:
    """A package as the history names it."""

    name: str
    version: str | None = None
    build: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Specs that a person asked for, and what was to be done with them: update (also for new ones), remove, …"""

    action: str
    specs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One package of a revision. ``old`` alone: removed; ``new`` alone: added; both: another version or build."""

    name: str
    old: Dist | None
    new: Dist | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One change of the environment."""

    number: int | None
    """As ``conda list --revisions`` counts, from 0; None when the beginning of the file was not read."""
    time: float | None
    """Unix seconds; None when the file names no time that there is."""
    command: str | None
    """As it was typed, redacted."""
    conda_version: str | None
    """The file's own "conda version"; mamba and micromamba write one, too, that is not theirs."""
    removed: tuple[Dist, ...] = ()
    added: tuple[Dist, ...] = ()
    requests: tuple[Request, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """Package by package, by name: what was replaced, added and removed."""
        old = {dist.name: dist for dist in self.removed}
        new = {dist.name: dist for dist in self.added}
        names = sorted(old.keys() | new.keys())
        return tuple(Change(name, old.get(name), new.get(name)) for name in names)


@dataclass(frozen=True, slots=True)
class History:
    """What is known of an environment's changes, the newest first."""

    revisions: tuple[Revision, ...] = ()
    complete: bool = True
    """False when the file is longer than what was read of it: its beginning is missing."""


class _Open:
    """A revision that is being read."""

    def __init__(self, time: float | None) -> None:
        self.time = time
        self.command: str | None = None
        self.version: str | None = None
        self.removed: list[Dist] = []
        self.added: list[Dist] = []
        self.requests: list[Request] = []

    def line(self, line: str) -> None:
        if line.startswith("#"):
            self._comment(line)
        elif line.startswith("-"):
            self.removed.append(_dist(line[1:]))
        else:  # the oldest files list what there is, without a sign
            self.added.append(_dist(line.removeprefix("+")))

    def _comment(self, line: str) -> None:
        if match := _COMMAND.match(line):
            self.command = redact(match[1])[:LONGEST_LINE]
        elif match := _VERSION.match(line):
            self.version = match[1]
        elif match := _SPECS.match(line):
            specs = _specs(match[2] or "")
            if specs and match[1] != "neutered":
                self.requests.append(Request(match[1], specs))

    def closed(self, number: int | None) -> Revision:
        return Revision(
            number,
            self.time,
            self.command,
            self.version,
            tuple(self.removed),
            tuple(self.added),
            tuple(self.requests),
        )


def read_history(text: str, *, times: Sequence[float] = (), utc_offset_s: int = 0, complete: bool = True) -> History:
    """The revisions in *text*, the newest first.

    The file holds the host's local times: *times* are these in Unix seconds, one for each head in *text* (another
    number of them counts as none); without them, *utc_offset_s* stands for the offset of all. With *complete*
    False the text begins somewhere in the file: what stands before its first head is left out.
    """
    lines = text.split("\n")
    heads = sum(_HEAD.match(line) is not None for line in lines)
    known = times if len(times) == heads else ()
    found: list[_Open] = []
    at = 0
    for line in lines:
        stripped = line.strip()
        if head := _HEAD.match(line):
            found.append(_Open(known[at] if known else _unix(head.groups(), utc_offset_s)))
            at += 1
        elif stripped and (found or complete):
            if not found:
                found.append(_Open(None))  # the very oldest: a list of packages and no head
            found[-1].line(stripped)
    closed = [each.closed(number if complete else None) for number, each in enumerate(found)]
    return History(tuple(reversed(closed)), complete)


def _dist(line: str) -> Dist:
    channel, separator, stem = line.rpartition("::")
    stem = _ARCHIVE.sub("", stem.rsplit("/", 1)[-1].strip())[:300]
    name, version, build = split_dist_name(stem)
    return Dist(name, version, build, channel_name(channel[:1000]) if separator else None)


def _specs(written: str) -> tuple[str, ...]:
    if written.startswith("["):
        specs = [match[1] if match[1] is not None else match[2] for match in _QUOTED.finditer(written)]
    else:
        specs = _BETWEEN.split(written)
    return tuple(redact(spec)[:LONGEST_LINE] for spec in specs if spec.strip())


def _unix(fields: Sequence[str], utc_offset_s: int) -> float | None:
    year, month, day, hour, minute, second = map(int, fields)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() - utc_offset_s
    except ValueError:
        return None
