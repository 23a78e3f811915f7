"""clean: what the package cache can do without."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

from tui.demo.standin.changes import confirm
from tui.demo.standin.dists import human
from tui.demo.standin.faults import Exit, Fault
from tui.demo.standin.place import Place

__all__ = ["clean"]

_ENDS = (".tar.bz2", ".conda")


def clean(place: Place, args: argparse.Namespace) -> None:
    """``conda clean``."""
    chosen = (args.tarballs, args.index_cache, args.packages, args.tempfiles is not None, args.logfiles)
    if not (any(chosen) or args.all or args.force_pkgs_dirs):
        raise Fault("ArgumentError", "At least one removal target must be given. See 'conda clean --help'.", code=2)
    told: dict[str, Any] = {"success": True}
    if args.force_pkgs_dirs:
        folders = [folder for folder in place.pkgs_dirs if Path(folder).is_dir()]
        told["pkgs_dirs"] = folders
        _remove(place, args, "package cache(s)", folders, None)
    if args.tarballs or args.all:
        told["tarballs"] = _of_caches(place, args, "tarball(s)", _archives)
    if args.index_cache or args.all:
        caches = [f"{folder}/cache" for folder in place.pkgs_dirs if Path(f"{folder}/cache").is_dir()]
        told["index_cache"] = {"files": caches}
        _remove(place, args, "index cache(s)", caches, None)
    if args.packages or args.all:
        told["packages"] = _of_caches(place, args, "package(s)", _unused)
    if args.tempfiles is not None or args.all:
        roots = list(args.tempfiles or [place.root])
        told["tempfiles"] = _temporary(roots)
        _remove(place, args, "tempfile(s)", told["tempfiles"], None)
    if args.logfiles or args.all:
        logs = [folder for cache in place.pkgs_dirs if Path(folder := f"{cache}/.logs").is_dir()]
        told["logfiles"] = [entry.path for folder in logs for entry in os.scandir(folder)]
        _remove(place, args, "logfile(s)", told["logfiles"], None)
    if place.as_json:
        print(json.dumps(told, indent=2))
    if args.dry_run:
        raise Exit("DryRunExit", "Dry run. Exiting.")


def _archives(cache: str) -> dict[str, int]:
    entries = os.scandir(cache)
    return {entry.name: entry.stat().st_size for entry in entries if entry.name.endswith(_ENDS) and entry.is_file()}


def _unused(cache: str) -> dict[str, int]:
    """Unpacked packages of which no file has another link."""
    found = {}
    for entry in os.scandir(cache):
        if entry.is_symlink() or not Path(f"{entry.path}/info").is_dir():
            continue
        sizes = []
        for folder, _, files in os.walk(entry.path):
            facts = [os.lstat(f"{folder}/{name}") for name in files]
            if any(each.st_nlink > 1 for each in facts):
                break
            sizes += [each.st_size for each in facts]
        else:
            found[entry.name] = sum(sizes)
    return found


def _of_caches(place: Place, args: argparse.Namespace, what: str, look: Any) -> dict[str, Any]:
    sizes = {cache: look(cache) for cache in place.pkgs_dirs if Path(cache).is_dir()}
    sizes = {cache: each for cache, each in sizes.items() if each}
    total = sum(sum(each.values()) for each in sizes.values())
    paths = [f"{cache}/{name}" for cache, each in sizes.items() for name in each]
    _remove(place, args, what, paths, total)
    return {
        "warnings": [],
        "pkg_sizes": sizes,
        "pkgs_dirs": {cache: list(each) for cache, each in sizes.items()},
        "total_size": total,
    }


def _temporary(roots: list[str]) -> list[str]:
    found = []
    for root in roots:
        for folder, _, files in os.walk(root):
            found += [f"{folder}/{name}" for name in files if name.endswith((".c~", ".trash"))]
    return found


def _remove(place: Place, args: argparse.Namespace, what: str, paths: list[str], size: int | None) -> None:
    if not place.as_json:
        if not paths:
            unused = "unused " if size is not None else ""
            print(
                f"There are no {unused}{what} to remove."
                if not (what.startswith("index"))
                else f"There are no {what} to remove."
            )
            return
        told = f" ({human(size)})" if size is not None else ""
        if args.verbose:
            print("".join(f"  - {path}\n" for path in paths), end="")
        print(f"Will remove {len(paths)}{told} {what}.")
    if args.dry_run or not paths:
        return
    if not place.as_json:
        confirm(args, "Proceed", otherwise="yes")
    for number, path in enumerate(paths):
        if Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)
        if number == 0:
            place.slow("clean")
