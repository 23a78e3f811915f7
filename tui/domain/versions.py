"""The order of versions, as conda has it (``conda.models.version.VersionOrder``).

Written here rather than taken from py-rattler: that library is the oracle of the tests, but it is 80 MB
installed and 70 ms to import, for what a table needs at its first sort and a filter at its first key; and the
domain holds nothing third-party. Versions come from hosts and may be anything: what is no version has no
order, and raises ValueError here and nowhere else.
"""

from __future__ import annotations

import re
from functools import lru_cache, total_ordering
from itertools import zip_longest
from math import inf

__all__ = ["Version", "parse_version", "version_sort_key"]

_ALLOWED = re.compile(r"[*.+!_0-9a-z]+\Z", re.ASCII)
_RUNS = re.compile(r"[0-9]+|\*+|[^0-9*]+", re.ASCII)
LONGEST = 200
"""Longer texts are no versions: comparing them would cost more than they can mean."""

Atom = int | float | str
Parts = tuple[tuple[Atom, ...], ...]


@total_ordering
class Version:
    """One version. Equal versions may be spelled differently (``1.0`` and ``1``). Immutable and hashable."""

    __slots__ = ("_hash", "local", "parts", "text")

    def __init__(self, text: str) -> None:
        """Raises ValueError for what conda would not take as a version."""
        self.text = text
        self.parts, self.local = _split(text)
        """Epoch and components, and those behind a ``+``; each a run of numbers and words."""
        self._hash: int | None = None

    def __repr__(self) -> str:
        return f"Version({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and not _order(self, other)

    def __lt__(self, other: Version) -> bool:
        return _order(self, other) < 0

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((_bare(self.parts), _bare(self.local)))
        return self._hash

    def public(self) -> Version:
        """The same without what stands behind ``+``, which PEP 440 calls the local version."""
        return self if not self.local else parse_version(self.text.partition("+")[0])

    def starts_with(self, other: Version) -> bool:
        """Whether this version is *other* or one below it: ``3.10.4`` starts with ``3.10``, ``3.1`` does not."""
        if other.local:
            return _compare(self.parts, other.parts) == 0 and _begins(self.local, other.local)
        return _begins(self.parts, other.parts)


@lru_cache(maxsize=32768)
def parse_version(text: str) -> Version:
    """The version that *text* spells; the same object for the same text. Raises ValueError."""
    return Version(text)


def version_sort_key(text: str | None) -> tuple[int, Version, str]:
    """For sorting a column: unknown versions first, then what is no version at all, then versions in order."""
    if text is None:
        return 0, _NOTHING, ""
    try:
        return 2, parse_version(text), text
    except ValueError:
        return 1, _NOTHING, text


def _split(text: str) -> tuple[Parts, Parts]:
    lowered = text.strip().lower()
    if len(lowered) > LONGEST:
        raise ValueError("a version is not that long")
    if "_" not in lowered:  # a dash is read as an underscore, but not beside one
        lowered = lowered.replace("-", "_")
    if not _ALLOWED.match(lowered):
        raise ValueError(f"{text[:80]!r} is no version")
    epoch, mark, rest = lowered.rpartition("!")
    if mark and not epoch.isdigit():
        raise ValueError(f"{text[:80]!r} has no number as its epoch")
    main, plus, local = rest.partition("+")
    if plus and ("+" in local or not local):
        raise ValueError(f"{text[:80]!r} has no single local part")
    if main.endswith("_"):  # as in OpenSSL's versions: 1.0.1_ comes before 1.0.1a
        pieces = main[:-1].replace("_", ".").split(".")
        pieces[-1] += "_"
    else:
        pieces = main.replace("_", ".").split(".")
    own = [_component(piece, text) for piece in [epoch or "0", *pieces]]
    return tuple(own), tuple([_component(piece, text) for piece in local.replace("_", ".").split(".")] if plus else [])


def _component(piece: str, text: str) -> tuple[Atom, ...]:
    atoms: list[Atom] = []
    for run in _RUNS.findall(piece):
        if run.isdigit():
            atoms.append(int(run))
        else:  # upper case sorts before every other word, infinity after every number
            atoms.append(inf if run == "post" else "DEV" if run == "dev" else run)
    if not atoms or piece == "_":
        raise ValueError(f"{text[:80]!r} has an empty component")
    return tuple(atoms) if piece[0].isdigit() else (0, *atoms)


def _order(one: Version, other: Version) -> int:
    return _compare(one.parts, other.parts) or _compare(one.local, other.local)


def _compare(one: Parts, other: Parts) -> int:
    for mine, theirs in zip_longest(one, other, fillvalue=()):
        if mine == theirs:
            continue
        for left, right in zip_longest(mine, theirs, fillvalue=0):
            if left == right:
                continue
            if isinstance(left, str) is not isinstance(right, str):
                return -1 if isinstance(left, str) else 1  # words come before numbers
            return -1 if left < right else 1  # type: ignore[operator]  # both words, or both numbers
    return 0


def _begins(whole: Parts, start: Parts) -> bool:
    last = len(start) - 1
    if _compare(whole[:last], start[:last]):
        return False
    mine = whole[last] if last < len(whole) else ()
    wanted = start[last]
    end = len(wanted) - 1
    if _compare((mine[:end],), (wanted[:end],)):
        return False
    atom = mine[end] if end < len(mine) else 0
    if isinstance(wanted[end], str):
        return isinstance(atom, str) and atom.startswith(str(wanted[end]))
    return atom == wanted[end]


def _bare(parts: Parts) -> Parts:
    """*parts* without what counts as nothing at the ends, so that equal versions hash alike."""
    stripped = []
    for part in parts:
        atoms = list(part)
        while atoms and atoms[-1] == 0:
            atoms.pop()
        stripped.append(tuple(atoms))
    while stripped and not stripped[-1]:
        stripped.pop()
    return tuple(stripped)


_NOTHING = Version("0")
