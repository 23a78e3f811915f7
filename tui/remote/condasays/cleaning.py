"""What ``clean`` would remove, as it says itself: for comparison with what is counted on the disk. Pure.

conda's sizes are those of the files' contents, not of the blocks that come free, and it lists a package for which
no hard link leads elsewhere; a soft link into the cache it does not see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tui.remote.condasays.document import document, strings, whole_number
from tui.remote.condasays.terminal import plain_lines

__all__ = ["CleanEntry", "CleanPart", "read_cleaning"]

_MOST_ENTRIES = 100_000
_PARTS = (("tarballs", "tarballs"), ("packages", "packages"))
_LISTS = (("index", "index_cache"), ("temp", "tempfiles"), ("logs", "logfiles"))
_WORDS = {"tarball": "tarballs", "index cache": "index", "package": "packages", "tempfile": "temp", "logfile": "logs"}
_WILL = re.compile(r"Will remove (?P<count>[0-9]{1,12}) (?:\((?P<size>[^)]{1,40})\) )?(?P<what>[a-z ]+)\(s\)\.")
_NONE = re.compile(r"There are no (?:unused )?(?P<what>[a-z ]+)\(s\) to remove\.")
_TABLE = re.compile(r"(?:.{0,200}\[Y/n\] )?  Package (?P<what>file|folder) +Size\Z")
_ROW = re.compile(r"  (?P<name>\S+) {2,}(?P<size>[0-9][0-9.]* ?[kMGT]?B)\Z")
_PLACE = re.compile(r"  (?P<path>/.*)\Z")
_TOTAL = re.compile(r"  Total size: +(?P<size>\S.*)\Z")


@dataclass(frozen=True, slots=True)
class CleanEntry:
    """One thing that would go. The path is the host's word."""

    path: str
    size_bytes: int | None = None
    size_shown: str | None = None


@dataclass(frozen=True, slots=True)
class CleanPart:
    """One category, by the name that ``clean --what`` has for it."""

    what: str
    count: int
    entries: tuple[CleanEntry, ...] | None = None
    """None where only their number is said."""
    total_bytes: int | None = None
    total_shown: str | None = None


def read_cleaning(stdout: str) -> tuple[CleanPart, ...]:
    """The categories that ``clean --dry-run`` names, with JSON or without; none where it says nothing of that."""
    said = document(stdout) if stdout.lstrip()[:1] == "{" else None
    return _from_json(said) if said is not None else _from_text(stdout)


def _from_json(said: Mapping[str, Any]) -> tuple[CleanPart, ...]:
    parts: list[CleanPart] = []
    for what, key in _PARTS:
        part = said.get(key)
        if isinstance(part, dict):
            entries = _sized(part.get("pkg_sizes"))
            parts.append(CleanPart(what, len(entries), entries, whole_number(part.get("total_size"))))
    for what, key in _LISTS:
        listed = said.get(key)
        if isinstance(listed, dict):
            listed = listed.get("files")
        if isinstance(listed, list):
            paths = strings(listed)[:_MOST_ENTRIES]
            parts.append(CleanPart(what, len(paths), tuple(map(CleanEntry, paths))))
    return tuple(parts)


def _sized(places: object) -> tuple[CleanEntry, ...]:
    if not isinstance(places, dict):
        return ()
    found = (
        CleanEntry(f"{place}/{name}", whole_number(size))
        for place, names in places.items()
        if isinstance(names, dict)
        for name, size in names.items()
    )
    return tuple(islice(found, _MOST_ENTRIES))


def _from_text(stdout: str) -> tuple[CleanPart, ...]:
    parts: list[CleanPart] = []
    what, place, entries = "", "", list[CleanEntry]()
    for line in plain_lines(stdout):
        if will := _WILL.match(line):
            if name := _WORDS.get(will["what"].strip()):
                parts.append(CleanPart(name, int(will["count"]), None, total_shown=will["size"]))
        elif none := _NONE.match(line):
            if name := _WORDS.get(none["what"].strip()):
                parts.append(CleanPart(name, 0, ()))
        elif table := _TABLE.match(line):
            what, place, entries = "tarballs" if table["what"] == "file" else "packages", "", []
        elif what and (row := _ROW.match(line)) and not line.startswith("  Total size:"):
            entries.append(CleanEntry(f"{place}/{row['name']}" if place else row["name"], size_shown=row["size"]))
        elif what and (total := _TOTAL.match(line)):
            parts.append(CleanPart(what, len(entries), tuple(entries), total_shown=total["size"]))
            what = ""
        elif what and (at := _PLACE.match(line)):
            place = at["path"]
    return tuple(parts)
