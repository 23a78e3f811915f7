"""Which packages a person means: ``torch<2.1``, ``numpy 1.21.6``, ``numpy=1.21.6=*mkl*``, ``pip:torch``.

Read as conda reads its match specs: ``numpy 1.21.6`` and ``numpy==1.21.6`` are exactly that version,
``numpy=1.21`` begins with it, ``numpy=1.21.6=py_0`` adds a build (a glob). Before the name may stand ``pip:`` or
``conda:`` (who installed it) and ``CHANNEL::``. A name may be a glob; a plain one also means the other names of
the same package (:mod:`tui.domain.packagenames`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from tui.domain.errors import UsageError
from tui.domain.globs import Glob, is_glob
from tui.domain.packagenames import asked_names
from tui.domain.packages import Package, PackageManager, canonical_name
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.domain.versionspec import VersionSpec, parse_version_spec

__all__ = ["PackageSpec", "parse_package_spec", "read_package_spec"]

FORMS = "numpy, 'torch<2.1', 'numpy 1.21.6', 'numpy=1.21.6=*mkl*', pip:torch or 'conda-forge::numpy'"

_SPEC = re.compile(
    r"\s*(?:(?P<manager>pip|conda):(?!:))?(?:(?P<channel>[^\s:=<>!~]+)::)?(?P<name>[A-Za-z0-9_.*?\[\]-]+)\s*(?P<rest>.*)\Z",
    re.ASCII | re.DOTALL,
)
_EXACT = re.compile(r"=?=\s*[^=]*\Z")


@dataclass(frozen=True)
class PackageSpec:
    """Which packages are meant. Matching is remembered for each package: packages are interned."""

    text: str
    name: str
    """As written; a glob, or a name with all its aliases."""
    version: VersionSpec | None = None
    build: str | None = None
    channel: str | None = None
    manager: PackageManager | None = None
    _known: dict[int, tuple[Package, bool]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def names(self) -> frozenset[str] | None:
        """The canonical names meant; None for a glob."""
        return None if is_glob(self.name) else asked_names(self.name)

    @cached_property
    def _glob(self) -> Glob:
        return Glob(canonical_name(self.name) if "[" not in self.name else self.name.lower())

    @cached_property
    def _build(self) -> Glob:
        return Glob(self.build or "*")

    @cached_property
    def _channel(self) -> Glob:
        return Glob(self.channel or "*")

    def fits_name(self, canonical: str) -> bool:
        """Whether a package of that canonical name may be meant."""
        return canonical in self.names if self.names is not None else self._glob.matches(canonical)

    def matches(self, package: Package) -> bool:
        """Whether *package* is meant. Versions that are unknown, or none at all, fit no constraint."""
        known = self._known.get(id(package))
        if known is None:  # the package is kept beside the answer, so that its id stays its own
            known = self._known[id(package)] = (package, self._decide(package))
        return known[1]

    def _decide(self, package: Package) -> bool:
        if not self.fits_name(canonical_name(package.name)):
            return False
        if self.manager is not None and package.manager is not self.manager:
            return False
        if self.channel is not None and not self._channel.matches(package.channel or ""):
            return False
        if self.build is not None and not self._build.matches(package.build or ""):
            return False
        pip = package.manager is PackageManager.PIP
        return self.version is None or self.version.matches(package.version, pip=pip)


def parse_package_spec(text: str) -> PackageSpec:
    """What *text* spells. Raises UsageError, which says what is wrong and what may be written."""
    try:
        return read_package_spec(text)
    except ValueError as problem:
        shown = printable(text if len(text) <= 100 else f"{text[:100]}…")
        raise UsageError(f"'{shown}' names no package: {problem}", f"Write {FORMS}.") from None


def read_package_spec(text: str) -> PackageSpec:
    """What *text* spells. Raises ValueError, whose text is a sentence for people."""
    match = _SPEC.match(text)
    if match is None:
        raise ValueError(phrase("A package's name is made of letters, digits, dots, dashes and underscores."))
    name, rest = match["name"], match["rest"].strip()
    manager = PackageManager(match["manager"]) if match["manager"] else None
    version, build = _version_and_build(rest)
    spec = parse_version_spec(version) if version else None
    return PackageSpec(text, name, spec, build or None, match["channel"], manager)


def _version_and_build(rest: str) -> tuple[str, str]:
    """The constraint and the build of what follows a name. Of ``=1.2=py_0`` the version is exactly 1.2."""
    words = rest.split()
    if rest[:1] not in "=<>!~(" and len(words) == 2:  # numpy 1.21.6 py_0
        return words[0], words[1]
    spaced = re.match(r"(.*[^\s,|(<>=!~])\s+([^\s,|)<>=!~]+)\Z", rest, re.DOTALL)
    if spaced is not None and rest[:1] in "=<>!~(":  # numpy >=1,<2 py_0
        return spaced[1], spaced[2]
    stem, equals, build = rest.rpartition("=")
    if not equals or not stem.strip("=<>!~ ") or stem[-1:] in "=<>!~,|":
        return rest, ""
    if not build.strip():
        raise ValueError(phrase("A build is missing after the last '='."))
    stem = stem.strip()
    if _EXACT.match(stem) and not stem.startswith("==") and not stem.endswith("*"):
        stem = "=" + stem
    return stem, build.strip()
