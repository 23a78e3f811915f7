"""Which hosts ``ssh -G`` must answer alike, so that it need not be run for each of two hundred.

Names for which the same directives hold get the same answer but for the name, and for HostName, Port and
User, which most hosts have of their own and which are plain words, the first of several counting. Nothing
else may depend on the host: no Match, no canonical names, no ``%`` token in what a login needs. Where that
is not certain (also for a file that cannot be read, or a line that may mean something else) every host is asked
for on its own; and ssh's own list of the files that it read must be ours (see :attr:`Blocks.files`).
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tui.fleet.aliases import split_line
from tui.fleet.patterns import matches

__all__ = ["Alike", "Blocks", "files_read", "scan"]

_DEEPEST = 16
_DEPENDS = frozenset({"match", "canonicalizehostname", "canonicaldomains", "knownhostscommand"})
_OWN = frozenset({"hostname", "port", "user"})
# Printed as they stand or not looked at here: tokens in them are replaced for each host later, or never.
_LATER = frozenset({"proxycommand", "controlpath", "localcommand", "remotecommand"})
_NO_PLAIN_WORD = re.compile(r"""["'\\#$]""")
_READING = re.compile(rb"^debug1: Reading configuration data (.*?)\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Alike:
    """What the files say of one name."""

    shared: tuple[int, ...]
    """Equal for names that are answered alike."""
    hostname: str
    port: str | None
    user: str | None


@dataclass(slots=True)
class _Section:
    conditions: tuple[tuple[str, ...], ...]
    """Patterns of Host lines, all of which must match: its own, and those around its Include."""
    own: dict[str, str] = field(default_factory=dict)
    shared: bool = False
    """True when it says anything else."""

    def matches(self, name: str) -> bool:
        return all(matches(name, patterns) for patterns in self.conditions)


class Blocks:
    """The directives of a configuration, in order, under the Host lines for which they hold."""

    def __init__(self, sections: Sequence[_Section], files: Sequence[str]) -> None:
        self.files = tuple(files)
        """The files read, in order."""
        self._sections = sections
        self._named: dict[str, list[int]] = {}
        self._others: list[int] = []
        for index, section in enumerate(sections):
            names = section.conditions[-1] if section.conditions else ("*",)
            if any(char in name for name in names for char in "*?!"):
                self._others.append(index)
            else:
                for name in dict.fromkeys(names):
                    self._named.setdefault(name, []).append(index)

    def of(self, name: str) -> Alike:
        """What holds for *name*."""
        shared: list[int] = []
        own: dict[str, str] = {}
        for index in sorted((*self._others, *self._named.get(name, ()))):
            section = self._sections[index]
            if section.matches(name):
                own = {**section.own, **own}
                if section.shared:
                    shared.append(index)
        hostname = own.get("hostname", name).replace("%h", name)
        return Alike(tuple(shared), hostname, own.get("port"), own.get("user"))


class _DependsError(Exception):
    """The answer may depend on more than can be told here."""


def scan(files: Sequence[tuple[Path, Path]]) -> Blocks | None:
    """What *files* say (each with the folder of its relative includes); None: answers cannot be shared."""
    sections: list[_Section] = []
    read: list[str] = []
    try:
        for file, base in files:
            _scan(file, base, (), 0, sections, read)
    except (_DependsError, OSError):
        return None
    return Blocks(sections, read)


def _scan(
    file: Path, base: Path, around: tuple[tuple[str, ...], ...], depth: int, sections: list[_Section], read: list[str]
) -> None:
    if depth > _DEEPEST:
        raise _DependsError
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return
    read.append(str(file))
    section = _Section(around)
    sections.append(section)
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, words = split_line(line)
        if not key or key in _DEPENDS or "${" in line:
            raise _DependsError
        if key == "host":
            if _NO_PLAIN_WORD.search(line) or not words:
                raise _DependsError
            section = _Section((*around, tuple(words)))
            sections.append(section)
        elif key == "include":
            for found in _included(line, words, base):
                _scan(found, base, section.conditions, depth + 1, sections, read)
            section = _Section(section.conditions)
            sections.append(section)
        elif key in _OWN:
            section.own.setdefault(key, _plain(key, line, words))
        elif "%" in line and key not in _LATER:
            raise _DependsError
        else:
            section.shared = True


def _included(line: str, words: Sequence[str], base: Path) -> Iterator[Path]:
    if "%" in line or _NO_PLAIN_WORD.search(line):
        raise _DependsError
    for word in words:
        pattern = Path(word).expanduser() if word.startswith("~") else base / word
        yield from map(Path, sorted(glob.glob(str(pattern))))  # noqa: PTH207 - an absolute pattern


def _plain(key: str, line: str, words: Sequence[str]) -> str:
    if len(words) != 1 or _NO_PLAIN_WORD.search(line):
        raise _DependsError
    word = words[0]
    rest = word.replace("%h", "") if key == "hostname" else word
    if "%" in rest or not rest or (key == "port" and not (word.isascii() and word.isdigit() and 0 < int(word) < 65536)):
        raise _DependsError
    return word


def files_read(said: bytes) -> tuple[str, ...]:
    """The files that ``ssh -v`` said on stderr to have read, in order, as far as it shows their names."""
    return tuple(name.decode("utf-8", "surrogateescape") for name in _READING.findall(said))
