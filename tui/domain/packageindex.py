"""From a package to the sets that hold it, so that a whole fleet is searched between two keys."""

from __future__ import annotations

import re
from collections import Counter

from tui.domain.packages import Package, PackageSet, canonical_name
from tui.domain.packagespec import PackageSpec
from tui.domain.text import is_printed
from tui.domain.versions import version_sort_key

__all__ = ["NAME", "PackageIndex"]

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
"""Names of packages. Hosts tell of others, which are hostile or broken."""


class PackageIndex:
    """Which package sets hold which package. It only grows, as the interner does whose packages it is given.

    Not thread-safe. Adding a set costs about 0.1 µs for each of its packages, once; a question costs as much as
    it finds.
    """

    def __init__(self) -> None:
        self.known: set[str] = set()
        """The digests of the sets that were added. For reading."""
        self._holders: dict[int, tuple[Package, list[str]]] = {}
        self._by_name: dict[str, list[tuple[Package, list[str]]]] = {}

    def __len__(self) -> int:
        """How many sets were added: as long as it stays, so do the answers."""
        return len(self.known)

    def add(self, packages: PackageSet) -> None:
        """Take *packages* in, if they are not known yet."""
        digest = packages.digest
        if digest in self.known:
            return
        self.known.add(digest)
        holders = self._holders
        for package in packages.packages:
            entry = holders.get(id(package))
            if entry is None:
                entry = holders[id(package)] = (package, [])
                self._by_name.setdefault(canonical_name(package.name), []).append(entry)
            entry[1].append(digest)

    def digests(self, spec: PackageSpec) -> set[str]:
        """The digests of the known sets that hold a package which *spec* means."""
        found: set[str] = set()
        names = spec.names
        for name in self._by_name if names is None else names:
            if names is None and not spec.fits_name(name):
                continue
            for package, sets in self._by_name.get(name, ()):
                if spec.matches(package):
                    found.update(sets)
        return found

    def names(self, start: str) -> list[str]:
        """The canonical names that begin with *start*, sorted; none that no tool would take for a name."""
        return sorted(name for name in self._by_name if name.startswith(start) and NAME.match(name))

    def versions(self, spec: PackageSpec) -> list[str]:
        """The versions at which the packages of *spec*'s name are there, newest first."""
        names = self._by_name if spec.names is None else spec.names
        found = {
            package.version
            for name in names
            if spec.fits_name(name)
            for package, _ in self._by_name.get(name, ())
            if package.version is not None
        }
        return sorted(found, key=version_sort_key, reverse=True)

    def channels(self) -> list[str]:
        """The channels that the packages came from, the one of most packages first; none that cannot be typed."""
        counted = Counter(
            package.channel
            for package, _ in self._holders.values()
            if package.channel and is_printed(package.channel) and not any(map(str.isspace, package.channel))
        )
        return sorted(counted, key=lambda channel: (-counted[channel], channel))
