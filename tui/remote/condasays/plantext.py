"""The plan that conda and micromamba print for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tui.domain.planned import MOST_PACKAGES, SUBDIRS, PackagePlan, PlannedPackage, of_dist
from tui.remote.condasays.document import MOST_JSON
from tui.remote.condasays.terminal import segments

__all__ = ["plan_in_text"]

_SIZE = r"[0-9][0-9.,]* ?[kKMGTPE]?i?B"
_PREFIX = re.compile(r"  (?:environment location|Prefix): (.{1,4096})\Z")
_CONDA_GROUP = re.compile(
    r"The following .*(?:(?P<gone>REMOVED)|INSTALLED|UPDATED|DOWNGRADED|SUPERSEDED|REVISED|CHANGED)"
)
_SUBDIR = re.compile(SUBDIRS)
_DOWNLOADS = "The following packages will be downloaded:"
_DOWNLOAD = re.compile(rf" +(?P<dist>\S+) +\| +(?P<build>\S+) +(?P<size>{_SIZE})(?: +(?P<channel>\S+))?\Z")
_TOTAL = re.compile(rf" +Total(?: download)?: +(?P<size>{_SIZE})\Z")
_CHANGE = re.compile(r"  (?P<name>\S+) +(?P<old>\S+) --> (?P<new>\S+)")
_NEW = re.compile(r"  (?P<name>\S+) +(?:(?P<where>\S+)::)?(?P<dist>[^\s:]+)\Z")
_GONE = re.compile(r"  (?P<dist>\S+)\Z")
_MAMBA_ROW = re.compile(
    r"  (?P<sign>[-+~o]) (?P<name>\S+) +(?P<version>\S+) +(?P<build>\S+) +(?P<channel>\S+)"
    rf"(?: +(?P<size>Cached|{_SIZE}))?\Z"
)
_SPEC = re.compile(r" +- (?P<spec>\S.{0,499})\Z")
_SPECS = re.compile(r"  (?:added / updated specs|Updating specs):\Z")
_NOTHING = re.compile(r" *(?:# )?(?P<said>All requested packages already installed|Nothing to do)\b")


class _Found:
    def __init__(self) -> None:
        self.prefix: str | None = None
        self.link: list[PlannedPackage] = []
        self.unlink: list[PlannedPackage] = []
        self.fetch: list[PlannedPackage] = []
        self.specs: list[str] = []
        self.total: str | None = None
        self.message: str | None = None
        self.dry = False
        self.count = 0
        self.sized = True
        """Whether all packages say if they are fetched."""

    def put(self, into: list[PlannedPackage], package: PlannedPackage) -> None:
        self.count += 1
        if len(into) < MOST_PACKAGES:
            into.append(package)


def plan_in_text(stdout: str) -> PackagePlan | None:
    """The plan among the lines of *stdout*; None where there is none."""
    found = _Found()
    part = ""
    for line in _lines(stdout):
        part = _read(found, part, line)
    if found.prefix is None and not found.count and found.message is None:
        return None
    return PackagePlan(
        found.prefix,
        tuple(found.link),
        tuple(found.unlink),
        tuple(found.fetch) if found.sized and found.count else None,
        found.total,
        tuple(found.specs),
        found.message,
        True if found.dry else None,
        max(map(len, (found.link, found.unlink, found.fetch))) >= MOST_PACKAGES,
    )


def _lines(stdout: str) -> Iterator[str]:
    return (line.rstrip() for line in segments(stdout[:MOST_JSON]) if len(line) < 8192)


def _read(found: _Found, part: str, line: str) -> str:
    """Take one line; the name of the part that the next one belongs to."""
    if not line:
        return part
    if prefix := _PREFIX.match(line):
        found.prefix = prefix[1].strip()
        return ""
    if _SPECS.match(line):
        return "specs"
    if line == _DOWNLOADS:
        return "fetch"
    if group := _CONDA_GROUP.match(line):
        return "gone" if group["gone"] else "new"
    if line.startswith(("Dry run. Not executing", "DryRunExit")):
        found.dry = True
        return ""
    if total := _TOTAL.match(line):
        found.total = total["size"]
        return ""
    if nothing := _NOTHING.match(line):
        found.message = nothing["said"]
        return ""
    if row := _MAMBA_ROW.match(line):
        _mamba_row(found, row)
        return ""
    if part == "specs":
        if spec := _SPEC.match(line):
            if len(found.specs) < MOST_PACKAGES:
                found.specs.append(spec["spec"].strip())
            return part
        return ""
    if part in ("new", "gone", "fetch"):
        return part if _conda_row(found, part, line) else ""
    return part


def _conda_row(found: _Found, part: str, line: str) -> bool:
    """Whether *line* belongs to that part of conda's plan."""
    if part == "fetch":
        if row := _DOWNLOAD.match(line):
            name, version = _name_and_version(row["dist"])
            build = _whole(row["build"])
            found.put(found.fetch, PlannedPackage(name, version, build, row["channel"], size_shown=row["size"]))
        return line.startswith("    ")
    if part == "gone":
        if row := _GONE.match(line):
            found.put(found.unlink, PlannedPackage(*of_dist(row["dist"])))
        elif row := _NEW.match(line):
            found.put(found.unlink, _of_row(row["name"], row["where"], row["dist"]))
    elif row := _CHANGE.match(line):
        for into, said in ((found.unlink, row["old"]), (found.link, row["new"])):
            where, _, dist = said.rpartition("::")
            found.put(into, _of_row(row["name"], where or None, dist))
    elif row := _NEW.match(line):
        found.put(found.link, _of_row(row["name"], row["where"], row["dist"]))
    return line.startswith("  ")


def _of_row(name: str, where: str | None, dist: str) -> PlannedPackage:
    """One package of conda's table: ``channel/subdir::name-version-build``, or ``version-build`` alone.

    A ``~`` at the end says that conda cut it to fit: what was cut is not known.
    """
    channel, _, subdir = (where or "").rpartition("/")
    if not _SUBDIR.match(subdir):
        channel, subdir = where or "", ""
    said = dist.removeprefix(f"{name}-")
    version, dash, build = said.partition("-")
    if not dash:
        return PlannedPackage(name, _whole(version), None, channel or None, subdir or None)
    return PlannedPackage(name, version, _whole(build), channel or None, subdir or None)


def _mamba_row(found: _Found, row: re.Match[str]) -> None:
    cached = row["size"] in (None, "Cached")
    found.sized = found.sized and row["size"] is not None
    package = PlannedPackage(
        row["name"], row["version"], row["build"], row["channel"], size_shown=None if cached else row["size"]
    )
    if row["sign"] in "-~o":
        found.put(found.unlink, package)
    if row["sign"] in "+~o":
        found.put(found.link, package)
        if not cached:
            found.put(found.fetch, package)


def _name_and_version(dist: str) -> tuple[str, str | None]:
    name, dash, version = dist.rpartition("-")
    return (name, _whole(version)) if dash and name else (dist, None)


def _whole(text: str) -> str | None:
    return None if not text or text.endswith(("~", "...")) else text
