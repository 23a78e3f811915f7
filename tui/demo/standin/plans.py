"""What is asked for as a plan: which packages come, which go, by solving or by an explicit list."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.demo.standin.cache import unpacked
from tui.demo.standin.channels import Channel
from tui.demo.standin.dists import Dist, canonical, channel_url, installed, ordered, spec_of, stem
from tui.demo.standin.faults import Fault
from tui.demo.standin.past import pins, requests
from tui.demo.standin.place import Place

__all__ = ["Change", "channels_of", "explicit_dists", "linked_as_they_are", "plan", "read_specs"]

_EXPLICIT = re.compile(r"(?P<url>\S+/(?P<subdir>[^/]+)/(?P<fn>[^/#]+?))(?:#(?P<hash>(?:sha256:)?[0-9a-f]+))?\s*")


@dataclass
class Change:
    """What is to happen to *prefix*."""

    prefix: str
    unlink: list[Dist] = field(default_factory=list)
    link: list[Dist] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    requested: dict[str, str] = field(default_factory=dict)

    @property
    def is_nothing(self) -> bool:
        """True when all is as it should be."""
        return not self.unlink and not self.link


def channels_of(place: Place, args: argparse.Namespace, more: Sequence[str] = ()) -> list[str]:
    """The addresses of the channels to be used, first ones first."""
    named = [*args.channel, *more]
    if not args.override_channels:
        named += place.listed("channels") or ["defaults"]
    return list(dict.fromkeys(channel_url(place, each) for each in named if each != "nodefaults"))


def read_specs(files: Sequence[str]) -> tuple[list[str], list[str]]:
    """(specs, explicit addresses) of spec files."""
    specs: list[str] = []
    explicit: list[str] = []
    for name in files:
        try:
            lines = Path(name).read_text("utf-8").splitlines()
        except OSError:
            raise Fault("EnvironmentFileNotFound", f"'{name}' file not found", filename=name) from None
        kept = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if "@EXPLICIT" in kept:
            explicit += [line for line in kept if line != "@EXPLICIT"]
        else:
            specs += kept
    return specs, explicit


def explicit_dists(place: Place, lines: Iterable[str]) -> list[Dist]:
    """The packages of an explicit list; what their index says is read from themselves once they are there."""
    found: list[Dist] = []
    for line in lines:
        told = _EXPLICIT.fullmatch(line)
        if told is None:
            raise Fault("ParseError", f"Could not parse explicit URL: {line}")
        filename = told["fn"]
        named = filename.removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)
        if len(named) != 3 or "://" not in told["url"]:
            raise Fault("ParseError", f"Could not parse explicit URL: {line}")
        dist: dict[str, Any] = dict(zip(("name", "version", "build"), named, strict=True))
        dist.update(build_number=0, fn=filename, url=told["url"], subdir=told["subdir"], depends=[])
        dist["channel"] = told["url"].rpartition("/")[0]
        digest = (told["hash"] or "").removeprefix("sha256:")
        if digest:
            dist["sha256" if len(digest) == 64 else "md5"] = digest
        found.append(dist)
    return found


def plan(
    place: Place,
    channels: Sequence[Channel],
    prefix: str,
    specs: Sequence[str],
    *,
    loose: Iterable[str] = (),
    prune: bool = False,
) -> Change:
    """The change that *specs* come to. *loose*: installed packages that may move, ``*`` for all. Raises Fault."""
    from tui.demo.standin import solving

    solving.check(specs)
    here = installed(prefix)
    past = requests(prefix)
    names = {solving.name_of(spec) for spec in specs}
    kept = [spec.rpartition("::")[2] for name, spec in past.items() if name not in names and not prune]
    kept = [spec for spec in kept if solving.name_of(spec) in {each["name"] for each in here}]
    moving = set(loose)
    locked = [] if "*" in moving else [each for each in here if each["name"] not in moving]
    want = [*specs, *kept]
    if not prune:
        want += [str(each["name"]) for each in here if each["name"] not in names | past.keys()]
    final = solving.solve(place, channels, want, locked, [*place.listed("pinned_packages"), *pins(prefix)])
    before = {stem(each) for each in here}
    after = {stem(dist) for dist in final}
    gone: list[Dist] = [each for each in ordered(here) if stem(each) not in after]
    shown = [solving.shown(spec) for spec in specs]
    requested = {solving.name_of(spec): word for spec, word in zip(specs, shown, strict=True)}
    for each in here:
        if each.get("requested_spec") not in (None, "None"):
            requested.setdefault(str(each["name"]), str(each["requested_spec"]))
    return Change(
        prefix, gone, [dist for dist in ordered(final) if stem(dist) not in before], shown, requested=requested
    )


def linked_as_they_are(place: Place, prefix: str, dists: Iterable[Dist]) -> Change:
    """The change that brings *dists*, all unpacked in the cache, into *prefix*, in place of what is called so there."""
    whole: list[Dist] = []
    for dist in dists:
        folder = unpacked(place, dist)
        if folder is None:
            raise Fault("SpecNotFoundInPackageCache", f"Missing package cache records for: {stem(dist)}")
        whole.append({**json.loads((folder / "info/repodata_record.json").read_bytes()), **_address(dist)})
    link = ordered(whole)
    names = {dist["name"] for dist in link}
    here = installed(prefix)
    same = {stem(each) for each in here} & {stem(dist) for dist in link}
    link = [dist for dist in link if stem(dist) not in same]
    unlink: list[Dist] = [each for each in here if each["name"] in names and stem(each) not in same]
    added = [_named(place, dist) for dist in link]
    requested = {str(dist["name"]): spec for dist, spec in zip(link, added, strict=True)}
    return Change(prefix, unlink, link, added, requested=requested)


def _named(place: Place, dist: Dist) -> str:
    channel, _, rest = spec_of(dist).rpartition("::")
    base, _, subdir = channel.rpartition("/")
    return f"{canonical(place, base)}/{subdir}::{rest}"


def _address(dist: Dist) -> dict[str, Any]:
    return {key: dist[key] for key in ("url", "fn", "channel", "subdir")}
