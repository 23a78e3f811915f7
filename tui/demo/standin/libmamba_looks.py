"""The commands of libmamba's programs that only look, and their clean."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui.demo.standin.dists import base_url, canonical, installed, stem
from tui.demo.standin.libmamba import Stop, ask, must_exist, prefix_of
from tui.demo.standin.listing import pip_packages
from tui.demo.standin.past import requests
from tui.demo.standin.place import Place
from tui.demo.standin.plans import channels_of
from tui.demo.standin.tables import ruled, size_of

__all__ = ["look"]


def look(place: Place, args: argparse.Namespace, command: str) -> int:
    """Answer *command*."""
    commands = {
        "list": _list,
        "info": _info,
        "clean": _clean,
        "run": _run,
        "env list": _environments,
        "env export": _export,
    }
    return commands[command](place, args)


def _list(place: Place, args: argparse.Namespace) -> int:
    prefix = prefix_of(place, args)
    must_exist(place, prefix)
    if args.explicit:
        print(f'List of packages in environment: "{prefix}"\n')
        for dist in installed(prefix):
            digest = f"#{dist['md5']}" if args.md5 else f"#sha256:{dist['sha256']}" if args.sha256 else ""
            print(f"{dist['url']}{digest}")
        return 0
    rows = _listed(place, prefix, pip=not args.no_pip)
    if place.as_json:
        print(json.dumps(rows, indent=4, sort_keys=True))
        return 0
    cells = [(row["name"], row["version"], row["build_string"], row["channel"]) for row in rows]
    heads = ("Name", "Version", "Build", "Channel")
    print(f'List of packages in environment: "{prefix}"\n\n{_table(heads, cells)}')
    return 0


def _info(place: Place, args: argparse.Namespace) -> int:
    asked = argparse.Namespace(channel=[], override_channels=False)
    if args.envs:
        return _environments(place, args)
    version = str(place.settings.get("libmamba", "2.8.1"))
    told = {
        "base environment": place.root,
        "channels": [f"{url}/{each}" for url in channels_of(place, asked) for each in ("linux-64", "noarch")],
        "env location": place.root,
        "environment": "base (not found)" if place.nested else "base",
        "envs directories": place.envs_dirs,
        "libmamba version": version,
        f"{place.argv[0]} version": version,
        "package cache": place.pkgs_dirs,
        "platform": "linux-64",
        "populated config files": list(place.sources),
        "stand-in": "This is a stand-in of condafleet's demo and tests, not mamba.",
        "user config files": [f"{place.home}/.mambarc"],
        "virtual packages": ["=".join(each) for each in place.virtual],
    }
    if place.as_json:
        print(json.dumps(told, indent=4, sort_keys=True))
        return 0
    for name, value in told.items():
        lines = value if isinstance(value, list) else [str(value)]
        print(f"{name:>26} : " + f"\n{'':29}".join(map(str, lines)))
    return 0


def _environments(place: Place, args: argparse.Namespace) -> int:
    known = place.known()
    if place.as_json:
        print(json.dumps({"envs": known}, indent=4))
        return 0
    print(_table(("Name", "Active", "Path"), [(place.name_of(each), "", each) for each in known]))
    return 0


def _export(place: Place, args: argparse.Namespace) -> int:
    prefix = prefix_of(place, args)
    here = installed(prefix)
    if args.explicit:
        return _list(place, argparse.Namespace(**{**vars(args), "md5": not args.no_md5, "sha256": False}))
    channels = list(dict.fromkeys(canonical(place, base_url(each)) for each in here))
    specs = ["=".join(stem(each).rsplit("-", 2)[: 2 if args.no_build else 3]) for each in here]
    if args.from_history:
        specs = list(requests(prefix).values())
    pip = pip_packages(prefix)
    if place.as_json:
        parts = [{"pip": [f"{each['name']}=={each['version']}" for each in pip]}] if pip else []
        told = {"channels": channels, "dependencies": [*specs, *parts], "name": args.name, "prefix": prefix}
        print(json.dumps(told, indent=4))
        return 0
    print(f"name: {args.name or place.name_of(prefix)}\nchannels:")
    print(
        "".join(f"  - {each}\n" for each in channels) + "dependencies:\n" + "".join(f"  - {each}\n" for each in specs),
        end="",
    )
    if pip:
        print("  - pip:\n" + "".join(f"    - {each['name']}=={each['version']}\n" for each in pip), end="")
    print(f'\nprefix: "{prefix}"')
    return 0


def _run(place: Place, args: argparse.Namespace) -> int:
    prefix = prefix_of(place, args)
    if not place.is_environment(prefix):
        raise Stop(f'critical libmamba The given prefix does not exist: "{prefix}"')
    environ = {**os.environ, "PATH": f"{prefix}/bin:{os.environ.get('PATH', os.defpath)}", "CONDA_PREFIX": prefix}
    program = shutil.which(args.words[0], path=environ["PATH"]) if args.words else None
    if program is None:
        print(f"exec: {' '.join(args.words[:1])}: not found", file=sys.stderr)
        return 127
    return subprocess.run([program, *args.words[1:]], env=environ, check=False).returncode


def _clean(place: Place, args: argparse.Namespace) -> int:
    """It has no JSON, looks at its own root alone, and deletes conda's index cache before it asks."""
    quiet = place.as_json
    if not any((args.all, args.index_cache, args.packages, args.tarballs, args.locks)):
        print("Nothing to do.")
        return 0
    if not quiet:
        print("Collect information..")
    if args.all or args.index_cache:
        if not quiet:
            print("Cleaning index cache..")
        if not args.dry_run:
            for folder in (f"{place.pkgs_dirs[0]}/cache", f"{place.home}/.cache/conda"):
                shutil.rmtree(folder, ignore_errors=True)
    if (args.all or args.locks) and not quiet:
        print("Cleaning lock files..")
    cache = Path(place.pkgs_dirs[0])
    for wanted, title, what, found in (
        (args.tarballs, "Package file", "tarballs", _archives(cache)),
        (args.packages, "Package folder", "packages", _unused(place, cache)),
    ):
        if not (args.all or wanted):
            continue
        if found:
            _print_found(title, cache, found)
        if args.dry_run:
            continue
        if not quiet:
            print(f"Cleaning {what}..")
        if not found:
            continue
        if not ask(args, f"\nRemove {'unused ' if what == 'packages' else ''}{what}", otherwise=True):
            print("Aborted.")
        else:
            for path in found:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
    return 0


def _archives(cache: Path) -> dict[Path, int]:
    found = sorted(path for ending in (".conda", ".tar.bz2") for path in cache.rglob(f"*{ending}"))
    return {path: path.stat().st_size for path in found if path.is_file()}


def _unused(place: Place, cache: Path) -> dict[Path, int]:
    """Packages that no environment of its root has by name."""
    used = {stem(dist) for prefix in place.known() if Path(prefix, "conda-meta").is_dir() for dist in installed(prefix)}
    found: dict[Path, int] = {}
    for info in sorted(cache.rglob("info/index.json")):
        folder = info.parent.parent
        with suppress(OSError):
            if folder.name not in used:
                found[folder] = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
    return found


def _print_found(title: str, cache: Path, found: dict[Path, int]) -> None:
    wide = max(len(str(cache)), *(len(path.name) for path in found))
    rule = ruled(wide + 14)
    print(f"  {title:<{wide}}  {'Size':>8}\n{rule}\n  {cache}\n{rule}\n")
    for path, size in found.items():
        print(f"  {path.name:<{wide}}  {size_of(size):>8}")
    print(f"\n{rule}\n\n  {'Total size:':<{wide}}  {size_of(sum(found.values())):>8}")


def _listed(place: Place, prefix: str, *, pip: bool = True) -> list[dict[str, Any]]:
    """What ``list --json`` prints."""
    rows = []
    for dist in installed(prefix):
        url = base_url(dist)
        same = {key: dist[key] for key in ("build_number", "md5", "name", "sha256", "url", "version")}
        rows.append(
            {
                **same,
                "base_url": url,
                "build_string": dist["build"],
                "channel": canonical(place, url),
                "dist_name": f"{dist['name']}-{dist['version']}-{dist['build']}",
                "platform": dist["subdir"],
            }
        )
    for each in pip_packages(prefix) if pip else ():
        named = {
            "name": each["name"],
            "version": each["version"],
            "dist_name": f"{each['name']}-{each['version']}-pypi_0",
        }
        empty = {"md5": "", "sha256": "", "url": "", "base_url": "https://pypi.invalid/", "build_number": 0}
        rows.append({**named, **empty, "build_string": "pypi_0", "channel": "pypi", "platform": "linux-x86_64"})
    return sorted(rows, key=lambda row: str(row["name"]))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as they print lists."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = [
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows)
    ]
    return "\n".join([lines[0], ruled(len(lines[0]) + 2), *lines[1:]])
