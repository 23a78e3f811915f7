"""The aliases that ssh_config spells out: hosts that a first start can offer. Nothing is connected.

``ssh -G`` cannot list them, so this reads the files: Host lines and Includes alone, leniently.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path

from tui.domain.hosts import HOST_NAME, LOCAL

__all__ = ["list_aliases", "split_line"]

_DEEPEST = 16
_LINE = re.compile(r"\s*(?P<key>[A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+)(?P<value>.*)\Z")
_WORD = re.compile(r'"([^"]*)"|(#.*)|(\S+)')


def list_aliases(config: Path | None = None) -> tuple[str, ...]:
    """Names of Host lines without patterns, each once, in the order of the files.

    *config* defaults to ``~/.ssh/config``. Names that could not be a host of the fleet are left out;
    files that are missing or unreadable are passed over.
    """
    start = config or Path("~/.ssh/config").expanduser()
    return tuple(dict.fromkeys(_aliases(start, start.parent, 0)))


def _aliases(file: Path, base: Path, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    try:
        text = file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return
    for line in text.splitlines():
        key, words = split_line(line)
        if key == "host":
            for word in words:
                if HOST_NAME.match(word) and word != LOCAL:
                    yield word
        elif key == "include":
            for word in words:
                pattern = Path(word).expanduser() if word.startswith("~") else base / word
                for found in sorted(glob.glob(str(pattern))):  # noqa: PTH207 - an absolute pattern
                    if Path(found).resolve() != file.resolve():
                        yield from _aliases(Path(found), base, depth + 1)


def split_line(line: str) -> tuple[str, list[str]]:
    """A line's directive in lower case and its words, without a trailing comment; ("", []) for none."""
    match = _LINE.match(line)
    return (match["key"].lower(), list(_words(match["value"]))) if match is not None else ("", [])


def _words(value: str) -> Iterator[str]:
    for quoted, comment, plain in _WORD.findall(value):
        if comment:
            return
        yield quoted or plain
