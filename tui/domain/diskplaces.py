"""Which directories of a host a disk table counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.environments import Environment, Install
from tui.domain.faults import FaultKind

__all__ = ["CACHE_PARTS", "DiskPlace", "OwnerKind", "PlaceKind", "disk_places"]


class PlaceKind(StrEnum):
    """What a directory is; the value's first letter travels to the host."""

    ENVIRONMENT = "environment"
    CACHE = "cache"
    ASIDE = "put aside"
    OTHER = "other"


class OwnerKind(StrEnum):
    """What can be chosen for removal by itself."""

    ENVIRONMENT = "environment"
    ASIDE = "put aside"
    OTHER = "other"
    TARBALLS = "tarballs"
    PACKAGES = "packages"
    """Extracted packages; chosen, those that nothing uses any more."""
    INDEX = "index"
    PARTIAL = "partial"
    """Downloads and extractions that were not finished, and temporary files."""
    LOGS = "logs"
    REST = "rest"
    """What else lies in a cache: the directory itself, its list of addresses, locks, strange things."""


CACHE_PARTS = (
    OwnerKind.TARBALLS,
    OwnerKind.PACKAGES,
    OwnerKind.INDEX,
    OwnerKind.PARTIAL,
    OwnerKind.LOGS,
    OwnerKind.REST,
)
"""The owners that one package cache stands for, in their order."""


@dataclass(frozen=True, slots=True)
class DiskPlace:
    """A directory to count, by its absolute path as raw text."""

    kind: PlaceKind
    path: str


def disk_places(
    installs: Iterable[Install], environments: Iterable[Environment], asides: Iterable[str] = ()
) -> tuple[DiskPlace, ...]:
    """The places of one host: each cache and environment, what was put aside, and the roots that are no environment.

    Soft links in a directory of environments are left out: what they lead to is listed by itself. So is what lies on
    a file system that does not answer: touching it would hang the count.
    """
    places: dict[str, DiskPlace] = {}
    installs, environments = tuple(installs), tuple(environments)
    hung = tuple(env.prefix for env in environments if env.fault is not None and env.fault.kind is FaultKind.TOOL_HUNG)
    for install in installs:
        for path in install.pkgs_dirs:
            places.setdefault(path, DiskPlace(PlaceKind.CACHE, path))
    for environment in environments:
        if environment.linked_to is None and environment.prefix not in hung:
            places.setdefault(environment.prefix, DiskPlace(PlaceKind.ENVIRONMENT, environment.prefix))
    for path in asides:
        places.setdefault(path, DiskPlace(PlaceKind.ASIDE, path))
    for install in installs:
        places.setdefault(install.root, DiskPlace(PlaceKind.OTHER, install.root))
    return tuple(places.values())
