"""Packages as the stand-in passes them on: an index entry with its address, as a mapping of conda's own keys."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tui.demo.standin.place import Place

__all__ = [
    "Dist",
    "base_url",
    "canonical",
    "channel_name",
    "channel_url",
    "dist_json",
    "dist_str",
    "human",
    "installed",
    "ordered",
    "spec_of",
    "stem",
]

Dist = Mapping[str, Any]
_SUBDIR = re.compile(r"/(noarch|linux-64)/?\Z")


def stem(dist: Dist) -> str:
    """``NAME-VERSION-BUILD``."""
    return f"{dist['name']}-{dist['version']}-{dist['build']}"


def channel_url(place: Place, channel: str) -> str:
    """The address that *channel*, a name or an address, stands for."""
    if "://" in channel:
        return channel.rstrip("/")
    if channel.startswith(("/", "./", "../", "~")):
        return "file://" + posixpath.abspath(channel.replace("~", place.home, 1))
    alias = str(place.value("channel_alias", "https://conda.anaconda.org")).rstrip("/")
    return f"{alias}/{channel.strip('/')}"


def base_url(dist: Dist) -> str:
    """The address of the channel that it is from."""
    return _SUBDIR.sub("", str(dist["channel"]))


def canonical(place: Place, url: str) -> str:
    """What conda calls the channel at *url* where it names it in full."""
    alias = str(place.value("channel_alias", "https://conda.anaconda.org")).rstrip("/") + "/"
    url = _SUBDIR.sub("", url)
    return url.removeprefix(alias)


def channel_name(place: Place, url: str) -> str:
    """Its short name: what stands last in its address."""
    name = canonical(place, url)
    return name.rpartition("/")[2] if "://" in name else name


def dist_str(place: Place, dist: Dist, *, full: bool) -> str:
    """``CHANNEL/SUBDIR::STEM``; *full* with the channel as history files name it."""
    name = canonical if full else channel_name
    return f"{name(place, base_url(dist))}/{dist['subdir']}::{stem(dist)}"


def dist_json(place: Place, dist: Dist) -> dict[str, Any]:
    """How plans in JSON name a package."""
    return {
        "base_url": base_url(dist),
        "build_number": dist["build_number"],
        "build_string": dist["build"],
        "channel": channel_name(place, base_url(dist)),
        "dist_name": stem(dist),
        "name": dist["name"],
        "platform": dist["subdir"],
        "version": dist["version"],
    }


def spec_of(dist: Dist) -> str:
    """The spec that means just this one, as conda writes it for explicit lists."""
    return f"{base_url(dist)}/{dist['subdir']}::{dist['name']}=={dist['version']}={dist['build']}"


def installed(prefix: str) -> list[dict[str, Any]]:
    """The package records of an environment, by name."""
    found = []
    for path in Path(prefix, "conda-meta").glob("*.json"):
        record: dict[str, Any] = json.loads(path.read_bytes())
        record.setdefault("subdir", "noarch" if record.get("noarch") else "linux-64")
        if not _SUBDIR.search(str(record.get("channel", ""))):
            record["channel"] = f"{record.get('channel', '')}/{record['subdir']}"
        found.append(record)
    return sorted(found, key=lambda record: str(record["name"]))


def ordered(dists: Iterable[Dist]) -> list[Dist]:
    """Dependencies first, then by name; pip, which python asks for and which needs it, after python."""
    left = {str(dist["name"]): dist for dist in dists}
    needs = {
        name: {str(spec).split()[0] for spec in dist.get("depends", ())} & left.keys() - {name, "pip"}
        for name, dist in left.items()
    }
    out: list[Dist] = []
    while left:
        ready = sorted(name for name in left if not needs[name] & left.keys()) or sorted(left)[:1]
        out += [left.pop(name) for name in ready]
    return out


def human(size: int) -> str:
    """A size as conda prints it."""
    if size < 1024:
        return f"{size} B"
    if size < 1 << 20:
        return f"{round(size / 1024)} KB"
    if size < 1 << 30:
        return f"{size / (1 << 20):.1f} MB"
    return f"{size / (1 << 30):.2f} GB"
