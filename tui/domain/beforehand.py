"""What a person should know before packages are changed: from the plan, the host's disks, its driver. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tui.domain.amounts import bytes_text
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Severity
from tui.domain.environments import DiskSize, Environment, EnvKind
from tui.domain.gpus import Gpu
from tui.domain.machine import Mount
from tui.domain.packages import PackageManager, canonical_name
from tui.domain.phrases import phrase, plural
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.domain.text import printable
from tui.domain.toolwords import requirement_name, spec_name

__all__ = [
    "Need",
    "base_concern",
    "channels_concern",
    "copy_need",
    "driver_concern",
    "lessened",
    "naming_concern",
    "need_of",
    "parted",
    "pip_concern",
    "python_concern",
    "removes_concern",
    "space_concern",
    "space_concerns",
]

MOST_DETAILS = 20
UNPACKED_TIMES = 4
"""What a conda archive grows to, about: an estimate, and labelled as one."""
LEAST_INODES = 20_000
"""A Python with a handful of packages has about as many files."""


@dataclass(frozen=True, slots=True)
class Need:
    """Room that a plan wants. Unknown is None."""

    download_bytes: int | None = None
    """Exactly, where the tool says the size of each archive that it fetches."""
    unpacked_bytes: int | None = None
    """Estimated: what is fetched, unpacked. What is in the cache already is linked, and needs next to nothing."""

    @property
    def total_bytes(self) -> int | None:
        """An estimate of both together."""
        if self.download_bytes is None or self.unpacked_bytes is None:
            return None
        return self.download_bytes + self.unpacked_bytes


def need_of(plan: PackagePlan) -> Need:
    """The room that *plan* wants."""
    download = plan.download_bytes
    return Need(download, None if download is None else download * UNPACKED_TIMES)


def space_concern(need: Need, mount: Mount | None) -> Concern | None:
    """Whether *mount* has room: not even for what is fetched, or perhaps not for all of it."""
    if mount is None:
        return None
    place = printable(mount.path)
    free, wanted, download = mount.free_bytes, need.total_bytes, need.download_bytes
    if free is not None and download is not None and free < download:
        text = phrase("{place} has {free} free; {wanted} would be fetched.", **_sizes(place, free, download))
        return Concern.of(ConcernKind.NO_SPACE, text)
    if free is not None and wanted is not None and free < wanted:
        text = phrase(
            "{place} has {free} free; about {wanted} are wanted, unpacked (an estimate).", **_sizes(place, free, wanted)
        )
        return Concern.of(ConcernKind.LITTLE_SPACE, text)
    if mount.inodes_free is not None and mount.inodes and mount.inodes_free < LEAST_INODES:
        text = phrase("{place} has room for {n} more files.", place=place, n=f"{mount.inodes_free:,}")
        return Concern.of(ConcernKind.LITTLE_SPACE, text)
    return None


def space_concerns(need: Need, mount: Mount | None, cache: Mount | None) -> tuple[Concern, ...]:
    """Whether the file system of the environment has room, *mount*, and that of the package cache.

    What is fetched and unpacked lies in the cache; from another file system it is copied, not linked.
    """
    if cache is None or mount is None or (cache.path, cache.source) == (mount.path, mount.source):
        found = [space_concern(need, mount or cache)]
    else:
        copied = Need(None if need.unpacked_bytes is None else 0, need.unpacked_bytes)
        found = [space_concern(need, cache), space_concern(copied, mount)]
    return tuple(each for each in found if each is not None)


def copy_need(size: DiskSize | None, linked: bool) -> Need:
    """What a copy of an environment of *size* wants, as counted last; *linked*: its packages are linked again."""
    if size is None:
        return Need()
    return Need(0, size.exclusive_bytes if linked else size.total_bytes)


def _sizes(place: str, free: int, wanted: int) -> dict[str, str | int]:
    return {"place": place, "free": bytes_text(free), "wanted": bytes_text(wanted)}


def naming_concern(name: str | None, pattern: str | None) -> Concern | None:
    """Whether *name* follows the team's convention, the configuration's ``naming``."""
    if pattern is None or name is None:
        return None
    try:
        fits = re.fullmatch(pattern, name) is not None
    except re.error:
        return None  # the configuration was refused for it
    if fits:
        return None
    text = phrase("{name} does not follow the naming convention {pattern}.", name=printable(name), pattern=pattern)
    return Concern.of(ConcernKind.NAMING, text)


def base_concern(environment: Environment | None) -> Concern | None:
    """Whether packages would go into ``base``, which is best kept clean."""
    if environment is None or environment.kind is not EnvKind.BASE:
        return None
    text = phrase("{prefix} is base: what breaks there breaks conda itself.", prefix=printable(environment.prefix))
    return Concern.of(ConcernKind.BASE_TARGET, text)


def python_concern(change: Change, environment: Environment | None, plan: PackagePlan | None) -> Concern | None:
    """Whether pip is to work where there is no Python: it works with the environment's own."""
    if not change.pip or environment is None or not environment.packages_known:
        return None
    there = {each.name for each in environment.packages.packages if each.manager is PackageManager.CONDA}
    if plan is not None:
        there = (there - {each.name for each in plan.unlink}) | {each.name for each in plan.link}
    if "python" in there:
        return None
    place = printable(environment.prefix)
    text = phrase("There is no Python in {place}, which pip needs: install python there first.", place=place)
    return Concern.of(ConcernKind.NO_TOOL, text)


_BY_PIP = frozenset({ChangeKind.UPDATE, ChangeKind.UNINSTALL})


def parted(change: Change, environment: Environment | None) -> Change:
    """*change* with conda's part and pip's told apart: pip has what is written ``pip:NAME``, and of what is there
    already what it alone installed."""
    conda: list[str] = []
    pip = list(change.pip)
    held = _managers(environment) if change.kind in _BY_PIP else {}
    for spec in change.specs:
        name = spec_name(spec)
        if spec.startswith("pip:") and not spec.startswith("pip::"):
            pip.append(spec.removeprefix("pip:"))
        elif name is not None and held.get(canonical_name(name)) == {PackageManager.PIP}:
            pip.append(spec)
        else:
            plain = spec.startswith("conda:") and not spec.startswith("conda::")
            conda.append(spec.removeprefix("conda:") if plain else spec)
    if pip and change.kind is ChangeKind.CREATE and not change.explicit:
        conda += [name for name in ("pip",) if name not in {spec_name(spec) for spec in conda}]
    return replace(change, specs=tuple(conda), pip=tuple(pip))


def _managers(environment: Environment | None) -> dict[str, set[PackageManager]]:
    found: dict[str, set[PackageManager]] = {}
    for each in environment.packages.packages if environment is not None else ():
        found.setdefault(canonical_name(each.name), set()).add(each.manager)
    return found


_ADDING = frozenset({ChangeKind.INSTALL, ChangeKind.UPDATE, ChangeKind.UNINSTALL})


def lessened(kind: ChangeKind, found: Iterable[Concern]) -> tuple[Concern, ...]:
    """What a look *found*, as it counts for a change of packages where they stand: the task decides alike."""
    return tuple(_less(each) if kind in _ADDING else each for each in found)


def _less(concern: Concern) -> Concern:
    if concern.kind is ConcernKind.BASE:
        return Concern.of(ConcernKind.BASE_TARGET, concern.text, concern.details)
    if concern.kind is ConcernKind.USE_UNKNOWN:
        return replace(concern, severity=Severity.WARNING)
    return concern


def pip_concern(change: Change, environment: Environment | None, plan: PackagePlan | None) -> Concern | None:
    """Whether pip would write over files of conda's packages."""
    if not change.pip or change.kind is ChangeKind.UNINSTALL:
        return None
    conda = {canonical_name(each.name) for each in plan.link} if plan is not None else set()
    conda |= {canonical_name(name) for spec in change.specs if (name := spec_name(spec)) is not None}
    if environment is not None:
        held = (each for each in environment.packages.packages if each.manager is PackageManager.CONDA)
        conda |= {canonical_name(each.name) for each in held}
    over = sorted({name for each in change.pip if (name := requirement_name(each)) is not None and name in conda})
    if not over:
        return None
    text = plural(
        "pip would write over {n} package of conda's.", "pip would write over {n} packages of conda's.", len(over)
    )
    return Concern.of(ConcernKind.PIP_OVER_CONDA, text, over[:MOST_DETAILS])


def removes_concern(change: Change, plan: PackagePlan | None) -> Concern | None:
    """Which packages would go that nobody asked to remove: not those that come back in another version."""
    if plan is None:
        return None
    back = {canonical_name(each.name) for each in plan.link}
    asked = {canonical_name(name) for spec in change.specs if (name := spec_name(spec)) is not None}
    if change.kind is not ChangeKind.UNINSTALL:
        asked = set()
    gone = [each for each in plan.unlink if canonical_name(each.name) not in back | asked]
    if not gone:
        return None
    text = plural(
        "{n} package would be removed that nobody asked to remove.",
        "{n} packages would be removed that nobody asked to remove.",
        len(gone),
    )
    return Concern.of(ConcernKind.REMOVES, text, (_shown(each) for each in gone[:MOST_DETAILS]))


def _shown(package: PlannedPackage) -> str:
    return printable(" ".join(part for part in (package.name, package.version, package.build) if part))


_DEFAULTS = frozenset({"defaults", "main", "pkgs/main", "anaconda", "r", "pkgs/r", "free", "pkgs/free"})
_FORGE = "conda-forge"


def channels_concern(plan: PackagePlan | None, environment: Environment | None) -> Concern | None:
    """Whether packages of Anaconda's own channels and of conda-forge would come to lie side by side."""
    if plan is None:
        return None
    coming = {_family(each.channel) for each in plan.link} - {None}
    gone = {canonical_name(each.name) for each in plan.unlink}
    there: set[str | None] = set()
    if environment is not None:
        there = {
            _family(each.channel) for each in environment.packages.packages if canonical_name(each.name) not in gone
        }
        there.discard(None)
    mixed = coming | there
    # What is mixed already is no news, unless more of it comes.
    if len(mixed) < 2 or not coming or (there == mixed and len(coming) < 2):
        return None
    return Concern.of(
        ConcernKind.CHANNELS,
        phrase("Packages of defaults and of conda-forge would be mixed; their libraries are not built for each other."),
    )


def _family(channel: str | None) -> str | None:
    if not channel:
        return None
    short = channel.rstrip("/").removeprefix("https://conda.anaconda.org/").removeprefix("https://repo.anaconda.com/")
    if short == _FORGE:
        return _FORGE
    return "defaults" if short in _DEFAULTS else None


_CUDA_PACKAGES = frozenset(
    {"cuda-version", "cudatoolkit", "pytorch-cuda", "cuda-toolkit", "cuda-runtime", "cuda-cudart"}
)
_BUILT_FOR = re.compile(r"cuda_?(?:(\d{1,2})\.(\d{1,2})|(1\d)(\d))(?!\d)", re.ASCII)
_PIP_BUILT_FOR = re.compile(r"(?:\+cu|-cu)(1\d)(\d)?(?!\d)", re.ASCII)
_LEAST_DRIVER = {
    (9, 0): 384,
    (9, 2): 396,
    (10, 0): 410,
    (10, 1): 418,
    (10, 2): 440,
    (11, 0): 450,
    (12, 0): 525,
    (13, 0): 580,
}
"""The oldest Linux driver (its first number) for each CUDA. From 11 on one that runs a major version runs all of its
minor versions, but for code that it must compile itself."""


def driver_concern(change: Change, plan: PackagePlan | None, gpus: Sequence[Gpu] | None) -> Concern | None:
    """Whether CUDA packages would come that the host's driver cannot run, or not all of."""
    wanted = max(_cuda(change, plan), default=None)
    if wanted is None or not gpus:
        return None
    limits = [limit for each in gpus if (limit := _limit(each)) is not None]
    if not limits:
        return None
    limit = min(limits)
    drivers = sorted({printable(each.driver) for each in gpus if each.driver})
    values = {
        "wanted": f"{wanted[0]}.{wanted[1]}",
        "limit": f"{limit[0]}.{limit[1]}",
        "driver": ", ".join(drivers) or "?",
    }
    if wanted <= limit:
        return None
    if wanted[0] == limit[0] and limit[0] >= 11:
        if all(each.cuda_max is None for each in gpus):
            return None  # how new the driver is within its CUDA is not known
        text = phrase(
            "CUDA {wanted} on driver {driver}, which is for {limit}: it runs, but compiles nothing anew.", **values
        )
        return Concern(ConcernKind.DRIVER, text, Severity.NOTE)
    return Concern.of(
        ConcernKind.DRIVER,
        phrase("CUDA {wanted} cannot run on driver {driver}, which is for {limit} at most.", **values),
    )


def _cuda(change: Change, plan: PackagePlan | None) -> Iterable[tuple[int, int]]:
    for each in plan.link if plan is not None else ():
        if each.name in _CUDA_PACKAGES and (version := _version(each.version)) is not None:
            yield version
        elif (built := _BUILT_FOR.search(each.build or "")) is not None:
            major, minor = [part for part in built.groups() if part is not None][:2]
            yield int(major), int(minor)
    for requirement in change.pip:
        if (built := _PIP_BUILT_FOR.search(requirement)) is not None:
            yield int(built[1]), int(built[2] or 0)


def _limit(gpu: Gpu) -> tuple[int, int] | None:
    """The newest CUDA that the driver is for."""
    said = _version(gpu.cuda_max)
    if said is not None:
        return said
    first = (gpu.driver or "").partition(".")[0]
    if not first.isdigit() or len(first) > 5:
        return None
    fit = [cuda for cuda, least in _LEAST_DRIVER.items() if int(first) >= least]
    if not fit:
        return None
    return max(fit)


def _version(text: str | None) -> tuple[int, int] | None:
    found = re.match(r"(\d{1,2})(?:\.(\d{1,2}))?(?![0-9])", text or "", re.ASCII)
    return None if found is None else (int(found[1]), int(found[2] or 0))
