"""The packages of environments, from what ``inventory_packages.sh`` brought."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.assemble import channel_name, split_dist_name
from tui.domain.packages import EMPTY_SET, Package, PackageInterner, PackageManager, PackageSet, canonical_name
from tui.domain.text import decode
from tui.remote.turns import next_slice, slice_over

__all__ = ["PackagesRead", "dist_of_folder", "parse_packages"]

LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class PackagesRead:
    """What an environment holds."""

    packages: PackageSet = EMPTY_SET
    requested: frozenset[str] = frozenset()
    clobbered: frozenset[str] = frozenset()
    python: str | None = None
    broken: tuple[str, ...] = ()
    """Records that could not be read; their packages are known from the file names."""
    troubles: tuple[str, ...] = ()
    """``prefix`` (could not be entered), ``many``, ``name``, ``protocol``."""
    without_channel: int = 0
    """How many conda packages whose channel was not found in the part of the record that was read."""


@dataclass(frozen=True, slots=True)
class _Dist:
    """A Python distribution that conda's records may or may not know."""

    name: str
    version: str | None
    installer: str | None


class _Table:
    """The interned packages of one answer, in the order of their numbers."""

    def __init__(self, interner: PackageInterner) -> None:
        self._interner = interner
        self._channels: list[str | None] = [None]
        self.items: list[Package | _Dist] = []

    def channel(self, address: str) -> None:
        self._channels.append(channel_name(address))

    def package(self, line: str) -> None:
        stem, _, number = line.rpartition("\t")
        name, version, build = split_dist_name(stem[: 3 * LONGEST_NAME])
        at = int(number) if number.isdigit() and len(number) < 9 else 0
        channel = self._channels[at] if at < len(self._channels) else None
        self.items.append(self._interner.package(name[:LONGEST_NAME], version, build, channel, PackageManager.CONDA))

    def dist(self, line: str) -> None:
        fields = line.split("\t")
        folder = fields[0]
        name, version = dist_of_folder(folder)
        if len(fields) >= 4:
            name, version = fields[1] or name, fields[2] or version
        installer = fields[3] if len(fields) >= 4 and fields[3] else None
        self.items.append(_Dist(name[:LONGEST_NAME], version[:LONGEST_NAME] if version else None, installer))


def dist_of_folder(folder: str) -> tuple[str, str | None]:
    """Name and version from ``NAME-VERSION.dist-info``, ``NAME-VERSION-pyX.egg-info`` or ``NAME.egg-link``."""
    if folder.endswith(".egg-link"):
        return folder.removesuffix(".egg-link") or folder, None
    stem = re.sub(r"\.(?:dist-info|egg-info)\Z", "", folder)
    parts = stem.split("-")
    return (parts[0] or stem), (parts[1] if len(parts) > 1 and parts[1] else None)


async def parse_packages(body: bytes, prefixes: Sequence[str], interner: PackageInterner) -> dict[str, PackagesRead]:
    """What each of *prefixes* holds, as far as *body* tells. Lets the event loop go every few milliseconds."""
    table = _Table(interner)
    found: dict[str, PackagesRead] = {}
    cache: dict[bytes, PackagesRead] = {}
    for line in body.split(b"\n"):
        if slice_over():
            await next_slice()
        kind = line[:1]
        if kind == b"P":
            table.package(decode(line[1:]))
        elif kind == b"U":
            table.channel(decode(line[1:]))
        elif kind == b"D":
            table.dist(decode(line[1:]))
        elif kind == b"E":
            number, _, rest = line[1:].partition(b" ")
            index = int(number) if number.isdigit() and len(number) < 9 else 0
            if 1 <= index <= len(prefixes):
                known = cache.get(rest)
                if known is None:
                    known = cache[rest] = _environment(rest, table, interner)
                found[prefixes[index - 1]] = known
    return found


_ITEM = re.compile(rb"(-?[0-9]{1,9})(r?)(b?)\Z")


def _environment(rest: bytes, table: _Table, interner: PackageInterner) -> PackagesRead:
    conda: dict[Package, None] = {}
    dists: list[_Dist] = []
    requested: set[str] = set()
    broken: list[str] = []
    troubles: list[str] = []
    python: str | None = None
    last = 0
    for word in rest.split():
        match = _ITEM.match(word)
        if match is None:
            troubles.append(decode(word[1:20]) if word.startswith(b"X") else "protocol")
            continue
        last += int(match[1])
        if not 1 <= last <= len(table.items):
            troubles.append("protocol")
            continue
        item = table.items[last - 1]
        if isinstance(item, _Dist):
            dists.append(item)
            continue
        conda[item] = None
        if match[2]:
            requested.add(item.name)
        if match[3]:
            broken.append(item.name)
        if item.name == "python":
            python = item.version
    names = {canonical_name(package.name): package.name for package in conda}
    pip: dict[Package, None] = {}
    clobbered: set[str] = set()
    for dist in dists:
        by_conda = canonical_name(dist.name) in names
        if dist.installer is None and by_conda:
            continue  # conda packages of old, which name no installer
        package = interner.package(dist.name, dist.version, None, None, PackageManager.PIP)
        pip[package] = None
        if by_conda:
            clobbered.add(dist.name)
    return PackagesRead(
        interner.package_set((*conda, *pip)),
        frozenset(requested),
        frozenset(clobbered),
        python,
        tuple(sorted(broken)),
        tuple(sorted(set(troubles))),
        sum(package.channel is None for package in conda),
    )
