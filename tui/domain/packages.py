"""Packages and package sets, interned so that a large fleet stays small in memory.

200 hosts × 40 environments × 200 packages are 1.6 million rows, of which a few thousand are
distinct: a :class:`Package` is shared by all environments that hold it, and equal sets are one
:class:`PackageSet`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

__all__ = ["EMPTY_SET", "Package", "PackageInterner", "PackageManager", "PackageSet", "canonical_name"]


class PackageManager(StrEnum):
    """Who put a package into an environment."""

    CONDA = "conda"
    PIP = "pip"


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package at one version; unknown parts are None."""

    name: str
    version: str | None
    build: str | None
    channel: str | None
    """As conda records it, without credentials; None for pip packages."""
    manager: PackageManager


@dataclass(frozen=True, slots=True, eq=False)
class PackageSet:
    """The packages of an environment, sorted by name; equal sets are the same object within one interner."""

    packages: tuple[Package, ...]
    digest: str
    """Equal for equal contents, in every process and on every machine."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageSet) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def count(self, manager: PackageManager) -> int:
        """How many of the packages came by *manager*."""
        return sum(package.manager is manager for package in self.packages)

    def find(self, name: str) -> Package | None:
        """The package called *name* (canonical spelling), conda's before pip's; None when absent."""
        hits = [package for package in self.packages if canonical_name(package.name) == name]
        return min(hits, key=lambda package: package.manager is PackageManager.PIP, default=None)


EMPTY_SET = PackageSet((), "0")

_SEPARATORS = re.compile(r"[-_.]+")


def canonical_name(name: str) -> str:
    """The spelling under which pip and conda names compare equal (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


class PackageInterner:
    """Hands out one object for each distinct package and each distinct set.

    Not thread-safe; belongs to one store. It never forgets: the distinct packages of a fleet
    are thousands, not millions.
    """

    def __init__(self) -> None:
        self._packages: dict[Package, Package] = {}
        # By identity, which is sure for objects that are kept for good, and far quicker than hashing five fields.
        self._keys: dict[int, str] = {}
        self._sets: dict[str, PackageSet] = {EMPTY_SET.digest: EMPTY_SET}

    def package(
        self, name: str, version: str | None, build: str | None, channel: str | None, manager: PackageManager
    ) -> Package:
        """The one package with these fields."""
        new = Package(name, version, build, channel, manager)
        known = self._packages.setdefault(new, new)
        if known is new:
            self._keys[id(new)] = _key(new)
        return known

    def package_set(self, packages: Iterable[Package]) -> PackageSet:
        """The one set that holds exactly *packages*."""
        keys = self._keys
        keyed = [(keys.get(id(package)) or _key(package), package) for package in packages]
        if not keyed:
            return EMPTY_SET
        keyed.sort(key=itemgetter(0))
        # A key cannot hold "\x02" unescaped, so no two different sets share a text.
        text = "\x02".join([key for key, _ in keyed])
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        known = self._sets.get(digest)
        if known is None:
            known = self._sets[digest] = PackageSet(tuple([package for _, package in keyed]), digest)
        return known


def _key(package: Package) -> str:
    """A string of its own for each package, in the order name, manager, version, build, channel.

    Fields come from hosts and may hold anything: the characters that structure the key are
    escaped inside them, and None differs from an empty string.
    """
    fields = (package.name, package.manager.value, package.version, package.build, package.channel)
    key = "\x00".join(["\x01" if field is None else field for field in fields])
    odd = "\x02" in key or "\x03" in key or key.count("\x00") != 4 or key.count("\x01") != fields.count(None)
    if not odd:
        return key
    return "\x00".join(["\x01" if field is None else _escape(field) for field in fields])


def _escape(field: str) -> str:
    return field.replace("\x03", "\x03\x03").replace("\x00", "\x03a").replace("\x01", "\x03b").replace("\x02", "\x03c")
