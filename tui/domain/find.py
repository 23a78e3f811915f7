"""Where in the fleet a package is. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tui.domain.environments import Environment
from tui.domain.packageindex import PackageIndex
from tui.domain.packages import Package
from tui.domain.packagespec import PackageSpec
from tui.domain.versions import version_sort_key

__all__ = ["Hit", "find"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A package in an environment."""

    environment: Environment
    package: Package


def find(spec: PackageSpec, environments: Iterable[Environment], index: PackageIndex | None = None) -> list[Hit]:
    """Every package that *spec* means, sorted by host, environment, package and version.

    Environments whose packages are not known hold nothing to be found; equal sets are looked through once. With an
    *index* that was given all their packages, only sets that hold something are looked through at all.
    """
    if index is not None:
        holding = index.digests(spec)
        environments = [env for env in environments if env.packages.digest in holding]
    seen: dict[str, list[Package]] = {}
    hits: list[Hit] = []
    for env in environments:
        digest = env.packages.digest
        found = seen.get(digest)
        if found is None:
            found = seen[digest] = sorted(filter(spec.matches, env.packages.packages), key=_order)
        hits += [Hit(env, package) for package in found]
    return sorted(hits, key=lambda hit: (hit.environment.host, hit.environment.label, hit.environment.prefix))


def _order(package: Package) -> tuple[object, ...]:
    return (package.name, version_sort_key(package.version), package.manager.value, package.build or "")
