"""list, env list and search: what is there."""

from __future__ import annotations

import argparse
import datetime
import fnmatch
import json
import os
import re
from pathlib import Path
from typing import Any

from tui.demo.standin.channels import read_channels
from tui.demo.standin.dists import base_url, canonical, dist_json, human, installed, ordered
from tui.demo.standin.faults import missing_environment, not_available
from tui.demo.standin.place import Place
from tui.demo.standin.plans import channels_of

__all__ = ["details", "environments", "packages", "pip_packages", "search"]

PYPI = "https://conda.anaconda.org/pypi"


def pip_packages(prefix: str) -> list[dict[str, Any]]:
    """The Python distributions in *prefix* that no package record owns."""
    owned = {str(name) for each in installed(prefix) for name in each["files"]}
    found = []
    for info in sorted(Path(prefix).glob("lib/python[23].*/site-packages/*.dist-info")):
        try:
            text = (info / "METADATA").read_text("utf-8", "replace")
        except OSError:
            continue
        if f"{info.relative_to(prefix)}/METADATA" in owned:
            continue
        told = dict(re.findall(r"^(Name|Version): (\S+)", text, re.MULTILINE))
        if len(told) == 2:
            found.append({"name": told["Name"].lower().replace("_", "-"), "version": told["Version"], "folder": info})
    return found


def packages(place: Place, args: argparse.Namespace) -> None:
    """``conda list``."""
    prefix = place.target(args.name, args.prefix)
    if not Path(f"{prefix}/conda-meta").is_dir():
        raise missing_environment(prefix)
    here = installed(prefix)
    if args.explicit:
        print(
            "# This file may be used to create an environment using:\n# $ conda create --name <env> --file <this file>"
        )
        print(f"# platform: linux-64\n# created-by: conda {place.version}\n@EXPLICIT")
        for dist in ordered(here):
            digest = f"#{dist['md5']}" if args.md5 else f"#sha256:{dist['sha256']}" if args.sha256 else ""
            print(f"{dist['url']}{digest}")
        return
    replaced = {each["name"] for each in pip_packages(prefix)} if not args.no_pip else set()
    rows: list[dict[str, Any]] = [dist_json(place, dist) for dist in here if dist["name"] not in replaced]
    channels = {str(dist["name"]): canonical(place, base_url(dist)) for dist in here}
    sizes = {str(dist["name"]): _size(prefix, dist) for dist in here} if args.size else {}
    for each in pip_packages(prefix) if not args.no_pip else ():
        dist_name = f"{each['name']}-{each['version']}-pypi_0"
        rows.append(
            {
                "base_url": PYPI,
                "build_number": 0,
                "build_string": "pypi_0",
                "channel": "pypi",
                "dist_name": dist_name,
                "name": each["name"],
                "platform": "pypi",
                "version": each["version"],
            }
        )
        channels[each["name"]] = "pypi"
    rows = sorted(rows, key=lambda row: str(row["name"]))
    if args.words:
        rows = [row for row in rows if re.search(args.words[0], row["name"])]
    if place.as_json:
        print(json.dumps(rows, indent=2))
        return
    print(f"# packages in environment at {prefix}:")
    if args.size:
        print(f"# environment size: {human(sum(sizes.values()))}")
    widths = [max([23, *(len(str(row[key])) for row in rows)]) for key in ("name",)]
    print(f"#\n# {'Name':<{widths[0]}}  {'Version':<16} {'Build':<17} Channel" + ("  Size" if args.size else ""))
    for row in rows:
        size = f"  {human(sizes.get(str(row['name']), 0))}" if args.size else ""
        told = f"{row['name']:<25}  {row['version']:<16} {row['build_string']:<17} {channels[str(row['name'])]}"
        print(f"{told}{size}")


def _size(prefix: str, dist: dict[str, Any]) -> int:
    return sum(os.lstat(f"{prefix}/{name}").st_size for name in dist["files"] if os.path.lexists(f"{prefix}/{name}"))


def details(place: Place, prefix: str) -> dict[str, Any]:
    """What ``--json`` says of an environment."""
    meta = Path(f"{prefix}/conda-meta").stat()
    changed = datetime.datetime.fromtimestamp(meta.st_mtime, datetime.UTC).isoformat()
    return {
        "name": place.name_of(prefix),
        "created": None if prefix == place.root else changed,
        "last_modified": changed,
        "active": False,
        "base": prefix == place.root,
        "frozen": Path(f"{prefix}/conda-meta/frozen").exists(),
        "writable": os.access(f"{prefix}/conda-meta", os.W_OK),
    }


def environments(place: Place, args: argparse.Namespace) -> None:
    """``conda env list``."""
    known = place.known()
    sizes = {prefix: sum(_size(prefix, dist) for dist in installed(prefix)) for prefix in known} if args.size else {}
    if place.as_json:
        told = {prefix: details(place, prefix) for prefix in known}
        for prefix, size in sizes.items():
            told[prefix]["size"] = size
        print(json.dumps({"envs": known, "envs_details": told}, indent=2))
        return
    print("\n# conda environments:\n#\n# * -> active\n# + -> frozen")
    for prefix in known:
        frozen = "+" if Path(f"{prefix}/conda-meta/frozen").exists() else " "
        shown = f"{human(sizes[prefix]):>10} " if args.size else ""
        print(f"{place.name_of(prefix):20}   {frozen} {shown}{prefix}")
    print()


def search(place: Place, args: argparse.Namespace) -> None:
    """``conda search``."""
    urls = channels_of(place, args)
    wanted = args.words[0] if args.words else "*"
    name = re.split(r"[=<>!~ ]", wanted)[0]
    found: dict[str, list[dict[str, Any]]] = {}
    for channel in read_channels(place, urls):
        for entry in channel.entries():
            if fnmatch.fnmatchcase(str(entry["name"]), name):
                whole = channel.entry(str(entry["subdir"]), str(entry["fn"]))
                del whole["url"]
                found.setdefault(str(entry["name"]), []).append(whole)
    if not found:
        raise not_available([wanted], urls)
    if place.as_json:
        print(json.dumps(found, indent=2))
        return
    print("Loading channels: ...working... done\n# Name                       Version           Build  Channel")
    for entries in found.values():
        for each in entries:
            channel_named = canonical(place, base_url(each))
            print(f"{each['name']:<20} {each['version']:>15} {each['build']:>15}  {channel_named:<20}")
