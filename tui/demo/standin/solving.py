"""Specs and what they come to: py-rattler's parser and solver behind conda's words."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rattler
from rattler import BuildString, ChannelPriority, GenericVirtualPackage, MatchSpec, PackageName, PrefixRecord, Version
from rattler.exceptions import InvalidMatchSpecError, SolverError

from tui.demo.standin.channels import Channel
from tui.demo.standin.dists import Dist
from tui.demo.standin.faults import Fault, not_available, unsatisfiable
from tui.demo.standin.place import Place

__all__ = ["check", "name_of", "shown", "solve"]

_MISREAD = re.compile(r"([A-Za-z0-9_.-]+)=([<>].*)")
"""conda reads ``numpy=>1`` as a version that begins so."""


def _parsed(spec: str) -> MatchSpec:
    misread = _MISREAD.fullmatch(spec)
    try:
        return MatchSpec(f"{misread[1]} {misread[2]}" if misread else spec)
    except InvalidMatchSpecError as error:
        raise Fault("InvalidMatchSpec", f"Invalid spec '{spec}': {error}", spec=spec) from None


def check(specs: Iterable[str]) -> None:
    """Raise Fault at the first that is none."""
    for spec in specs:
        _parsed(spec)


def name_of(spec: str) -> str:
    """The package that *spec* is about."""
    name = _parsed(spec).name
    return str(getattr(name, "normalized", None) or spec.rpartition("::")[2].split("=")[0])


def shown(spec: str) -> str:
    """*spec* as conda prints it."""
    misread = _MISREAD.fullmatch(spec)
    if misread:
        return f"{misread[1]}[version='{misread[2]}*']"
    parts = spec.split()
    if len(parts) > 1 and parts[1][0] not in "<>=!~":
        return "=".join(parts)
    exact = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*([<>!~]=?|==).*", spec)
    if exact and not spec.startswith(f"{exact[1]}=="):
        return f"{exact[1]}[version='{spec[len(exact[1]) :].strip()}']"
    return spec


def solve(
    place: Place,
    channels: Sequence[Channel],
    specs: Sequence[str],
    locked: Sequence[Dist] = (),
    pins: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The packages that *specs* come to. Raises Fault.

    *locked*: installed ones, kept as they are where that is possible; *pins*: what no package may break.
    """
    names = set[str]().union(*(channel.names() for channel in channels))
    missing = sorted({spec for spec in specs if name_of(spec) not in names})
    held = {str(each["name"]) for each in locked}
    missing = [spec for spec in missing if name_of(spec) not in held]
    if missing:
        raise not_available(missing, [channel.url for channel in channels])
    place.slow("solve")
    sparse = [
        rattler.SparseRepoData(rattler.Channel(channel.url), subdir, path)
        for channel in channels
        for subdir, path in channel.files.items()
    ]
    priority = place.value("channel_priority", "flexible")
    try:
        found = asyncio.run(
            rattler.solve_with_sparse_repodata(
                [_parsed(spec) for spec in reversed(specs)],
                sparse,
                locked_packages=_records(locked),
                constraints=[_parsed(pin) for pin in pins],
                virtual_packages=[
                    GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
                    for name, version, build in place.virtual
                ],
                channel_priority=ChannelPriority.Strict if priority == "strict" else ChannelPriority.Disabled,
                add_pip_as_python_dependency=not place.libmamba,
            )
        )
    except SolverError as error:
        raise unsatisfiable(str(error)) from None
    by_url = {channel.url: channel for channel in channels}
    solved = []
    for record in found:
        channel = by_url.get(str(record.channel).rstrip("/"))
        kept = next((dict(each) for each in locked if each["url"] == record.url), None)
        solved.append(kept or (channel or channels[0]).entry(record.subdir, record.file_name))
    return solved


def _records(dists: Sequence[Dist]) -> list[rattler.RepoDataRecord]:
    """Installed packages in the solver's form, which it reads from files alone."""
    found: list[rattler.RepoDataRecord] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, dist in enumerate(dists):
            path = Path(folder, f"{number}.json")
            path.write_text(json.dumps({**dist, "files": [], "paths_data": {"paths": [], "paths_version": 1}}))
            found.append(PrefixRecord.from_path(path))
    return found
