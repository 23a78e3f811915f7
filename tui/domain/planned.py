"""A plan: what a command would install, change, remove and fetch. Pure.

Nothing is filled in: a version, a channel or a size that the tool does not give is None, and a size printed with
rounding (``20.2 MB``) stays that text.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MOST_PACKAGES", "SUBDIRS", "PackagePlan", "PlannedPackage", "of_dist"]

MOST_PACKAGES = 20_000
SUBDIRS = r"(?:noarch|(?:linux|osx|win|freebsd|emscripten|wasi|zos)-[a-z0-9_]{1,20})/?\Z"
"""How conda names a platform's part of a channel, at the end of an address."""
_FILE_ENDS = (".tar.bz2", ".conda", ".whl")


@dataclass(frozen=True, slots=True)
class PlannedPackage:
    """One package of a plan. All strings are the host's words."""

    name: str
    version: str | None = None
    build: str | None = None
    channel: str | None = None
    """As the tool names it: an address, a short name, or the part of an address that fitted its table."""
    subdir: str | None = None
    size_bytes: int | None = None
    """Of its archive, exactly."""
    size_shown: str | None = None
    """Of its archive, as printed where only that is given."""


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """What would happen. A package that changes its version or build is in *unlink* and in *link*."""

    prefix: str | None = None
    link: tuple[PlannedPackage, ...] = ()
    unlink: tuple[PlannedPackage, ...] = ()
    fetch: tuple[PlannedPackage, ...] | None = None
    """What is downloaded; None where the tool does not say."""
    download_shown: str | None = None
    """The sum, as printed."""
    specs: tuple[str, ...] = ()
    """What the tool understood to be asked for."""
    message: str | None = None
    """What it says instead: that all is there already."""
    dry_run: bool | None = None
    cut: bool = False
    """True where there were more packages than are kept."""

    @property
    def is_empty(self) -> bool:
        """True when nothing would change."""
        return not self.link and not self.unlink

    @property
    def download_bytes(self) -> int | None:
        """The sum of what is fetched, where each size is given exactly."""
        if self.fetch is None or self.cut:
            return None
        sizes = [each.size_bytes for each in self.fetch if each.size_bytes is not None]
        return sum(sizes) if len(sizes) == len(self.fetch) else None


def of_dist(dist: str) -> tuple[str, str | None, str | None]:
    """Name, version and build of ``numpy-2.0.2-py311h0``; only a name where it has not three parts."""
    for end in _FILE_ENDS:
        dist = dist.removesuffix(end)
    parts = dist.rsplit("-", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) else (dist, None, None)
