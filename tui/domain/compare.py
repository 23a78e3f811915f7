"""What two environments differ in, and who differs from the majority of those that share a name. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.environments import Environment
from tui.domain.packagenames import common_name
from tui.domain.packages import Package, PackageManager, PackageSet
from tui.domain.phrases import joined, phrase, plural
from tui.domain.versions import parse_version

__all__ = ["Change", "Comparison", "Difference", "DigestGroup", "Majority", "by_digest", "compare", "majority"]


class Difference(StrEnum):
    """How a package differs between two environments; the value is what ``--json`` shows."""

    ADDED = "added"
    """Only in the second."""
    MISSING = "missing"
    """Only in the first."""
    MANAGER = "manager"
    """One has it by pip, the other by conda."""
    VERSION = "version"
    BUILD = "build"
    CHANNEL = "channel"
    CLOBBERED = "clobbered"
    """The same package, but in one of them pip's lies over conda's files."""


_COUNTED: dict[Difference, Callable[[int], str]] = {
    Difference.ADDED: lambda n: plural("{n} added", "{n} added", n),
    Difference.MISSING: lambda n: plural("{n} missing", "{n} missing", n),
    Difference.VERSION: lambda n: plural("{n} other version", "{n} other versions", n),
    Difference.BUILD: lambda n: plural("{n} other build", "{n} other builds", n),
    Difference.CHANNEL: lambda n: plural("{n} other channel", "{n} other channels", n),
    Difference.MANAGER: lambda n: plural("{n} by pip here and by conda there", "{n} by pip here and by conda there", n),
    Difference.CLOBBERED: lambda n: plural(
        "{n} with pip over conda's files in one of them", "{n} with pip over conda's files in one of them", n
    ),
}
_ORDER = tuple(_COUNTED)


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``left`` is of the first environment, ``right`` of the second; None where it is not there."""

    kind: Difference
    name: str
    """The name by which it is the same package everywhere: ``torch`` for conda's ``pytorch``."""
    left: Package | None
    right: Package | None
    left_clobbered: bool = False
    """In the first environment, pip's package of this name lies over conda's files."""
    right_clobbered: bool = False

    @property
    def newer(self) -> bool | None:
        """Whether the second has the newer version; None when neither has, or that can't be told."""
        if self.left is None or self.right is None or self.left.version is None or self.right.version is None:
            return None
        try:
            one, other = parse_version(self.left.version), parse_version(self.right.version)
        except ValueError:
            return None
        return None if one == other else one < other


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two environments side by side. ``changes`` are sorted by name."""

    left: Environment
    right: Environment
    changes: tuple[Change, ...]
    known: bool = True
    """False when the packages of one of them could not be read: then nothing can be said."""

    @property
    def same(self) -> bool | None:
        """Whether they hold the same packages; None when that is not known."""
        return not self.changes if self.known else None

    def count(self, kind: Difference) -> int:
        """How many changes are of *kind*."""
        return sum(change.kind is kind for change in self.changes)

    def summary(self) -> str:
        """The result in words: ``2 added, 1 other version``."""
        if not self.known:
            return phrase("not comparable: packages not known")
        if not self.changes:
            return phrase("same packages")
        counts = ((kind, self.count(kind)) for kind in _ORDER)
        return joined("{before}, {next}", (_COUNTED[kind](number) for kind, number in counts if number))


@dataclass(frozen=True, slots=True)
class DigestGroup:
    """Environments with exactly the same packages."""

    digest: str
    environments: tuple[Environment, ...]

    @property
    def votes(self) -> int:
        """How many environments they really are: one that several hosts see counts once."""
        return len({env.fs_id or (env.host, env.prefix) for env in self.environments})


@dataclass(frozen=True, slots=True)
class Majority:
    """The environments of one name against what most of them hold."""

    groups: tuple[DigestGroup, ...]
    """The majority first. Empty when no environment's packages are known."""
    others: tuple[Comparison, ...]
    """Each environment that differs (the second), against one of the majority (the first)."""
    unknown: tuple[Environment, ...]
    """Those whose packages are not known."""
    tied: bool = False
    """True when another group is as large: the newest was taken for the majority."""

    @property
    def same(self) -> bool | None:
        """Whether all hold the same; None when all that are known do, but others are not known."""
        if len(self.groups) > 1 or self.others:
            return False
        return None if self.unknown or not self.groups else True

    def summary(self) -> str:
        """The result in words."""
        if not self.groups:
            return phrase("no packages known")
        held = len(self.groups[0].environments)
        total = held + len(self.others)
        rest = plural("{n} not known", "{n} not known", len(self.unknown)) if self.unknown else ""
        if not self.others:
            one = phrase("only one is known")
            return joined(
                "{before}; {next}", (phrase("all {n} hold the same packages", n=total) if total > 1 else one, rest)
            )
        most = phrase("{some} of {all} hold the same packages", some=held, all=total)
        if self.tied:
            most = phrase("{some} of {all} hold the same packages, as many as another group", some=held, all=total)
        return joined("{before}; {next}", (most, phrase("{n} differ", n=len(self.others)), rest))


def compare(left: Environment, right: Environment) -> Comparison:
    """What *right* has otherwise than *left*."""
    if not (left.packages_known and right.packages_known):
        return Comparison(left, right, (), known=False)
    over_left, over_right = _names(left.clobbered), _names(right.clobbered)
    if left.packages == right.packages and over_left == over_right:
        return Comparison(left, right, ())
    changes = [
        Change(kind, name, mine, theirs, name in over_left, name in over_right)
        for kind, name, mine, theirs in _changes(left.packages, right.packages)
    ]
    named = {change.name for change in changes}
    for name in (over_left ^ over_right) - named:
        mine, theirs = _pick(left.packages, name), _pick(right.packages, name)
        if mine is not None or theirs is not None:
            changes.append(Change(Difference.CLOBBERED, name, mine, theirs, name in over_left, name in over_right))
    changes.sort(key=lambda change: (change.name, _ORDER.index(change.kind)))
    return Comparison(left, right, tuple(changes))


def by_digest(environments: Iterable[Environment]) -> tuple[DigestGroup, ...]:
    """Those whose packages are known, grouped by what they hold: the largest group first, then the newest."""
    groups: dict[str, list[Environment]] = {}
    for env in environments:
        if env.packages_known:
            groups.setdefault(env.packages.digest, []).append(env)
    made = [DigestGroup(digest, tuple(members)) for digest, members in groups.items()]
    return tuple(sorted(made, key=_rank))


def majority(environments: Sequence[Environment]) -> Majority:
    """Each of *environments* against what most of them hold."""
    groups = by_digest(environments)
    unknown = tuple(env for env in environments if not env.packages_known)
    if not groups:
        return Majority((), (), unknown)
    first = groups[0].environments[0]
    others = [compare(first, env) for group in groups[1:] for env in group.environments]
    # Equal packages, but pip's over conda's files in some: these are not the same.
    others += [it for env in groups[0].environments[1:] if (it := compare(first, env)).changes]
    tied = len(groups) > 1 and groups[1].votes == groups[0].votes
    return Majority(groups, tuple(sorted(others, key=lambda it: _place(it.right))), unknown, tied)


def _rank(group: DigestGroup) -> tuple[int, float, tuple[str, str]]:
    newest = max((env.modified or 0.0) for env in group.environments)
    return -group.votes, -newest, min(map(_place, group.environments))


def _place(env: Environment) -> tuple[str, str]:
    return env.host, env.prefix


def _names(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(common_name, names)) if names else names


def _changes(left: PackageSet, right: PackageSet) -> Iterable[tuple[Difference, str, Package | None, Package | None]]:
    mine, theirs = set(left.packages), set(right.packages)
    names: dict[str, tuple[list[Package], list[Package]]] = {}
    for side, (packages, others) in enumerate(((left.packages, theirs), (right.packages, mine))):
        for package in packages:
            if package not in others:
                names.setdefault(common_name(package.name), ([], []))[side].append(package)
    for name, (ours, yours) in names.items():
        for one, other in _pairs(ours, yours):
            if one is None:
                yield Difference.ADDED, name, None, other
            elif other is None:
                yield Difference.MISSING, name, one, None
            else:
                yield _kind(one, other), name, one, other


def _pairs(ours: list[Package], yours: list[Package]) -> list[tuple[Package | None, Package | None]]:
    """Who is compared with whom: the same spelling by the same manager first, then whatever is left."""
    pairs: list[tuple[Package | None, Package | None]] = []
    rest = list(yours)
    alone = []
    for package in ours:
        twin = next((it for it in rest if (it.name, it.manager) == (package.name, package.manager)), None)
        if twin is None:
            alone.append(package)
        else:
            rest.remove(twin)
            pairs.append((package, twin))
    pairs += [(package, rest.pop(0) if rest else None) for package in alone]
    return pairs + [(None, package) for package in rest]


def _kind(one: Package, other: Package) -> Difference:
    if one.manager is not other.manager:
        return Difference.MANAGER
    if not _same_version(one.version, other.version):
        return Difference.VERSION
    if one.build != other.build:
        return Difference.BUILD
    return Difference.CHANNEL if one.channel != other.channel else Difference.VERSION


def _same_version(one: str | None, other: str | None) -> bool:
    if one == other or one is None or other is None:
        return one == other
    try:
        return parse_version(one) == parse_version(other)
    except ValueError:
        return False


def _pick(packages: PackageSet, name: str) -> Package | None:
    """The package of that common name; pip's, which lies on top, before conda's."""
    hits = [package for package in packages.packages if common_name(package.name) == name]
    return max(hits, key=lambda package: package.manager is PackageManager.PIP, default=None)
