"""``create --clone`` and ``rename``: the packages anew, from the cache, and a copy of what no package owns."""

from __future__ import annotations

import argparse
import json
import os
import posixpath
import shutil
from contextlib import suppress
from pathlib import Path

from tui.demo.standin.cache import fetch_all
from tui.demo.standin.changes import execute
from tui.demo.standin.dists import installed, ordered
from tui.demo.standin.faults import Exit, Fault, missing_environment
from tui.demo.standin.place import Place
from tui.demo.standin.plans import linked_as_they_are
from tui.demo.standin.show import plan_text

__all__ = ["clone", "rename", "untracked"]

_PASSED_OVER = {"pkgs", "envs", "conda-bld", "conda-meta", ".conda_lock", "users", "LICENSE.txt", "info", ".nonadmin"}


def untracked(prefix: str) -> list[str]:
    """Files that no package record names."""
    records = installed(prefix)
    owned = {str(name) for each in records for name in each["files"]}
    found = []
    for folder, folders, files in os.walk(prefix):
        if folder == prefix:
            folders[:] = [name for name in folders if name not in _PASSED_OVER]
            files = [name for name in files if name not in _PASSED_OVER]
        for name in (*files, *(each for each in folders if Path(f"{folder}/{each}").is_symlink())):
            path = os.path.relpath(f"{folder}/{name}", prefix)
            if path not in owned and not name.endswith("~"):
                found.append(path)
    return sorted(found)


def clone(place: Place, args: argparse.Namespace, source: str, prefix: str) -> None:
    """Make *prefix* what *source* is."""
    if not place.is_environment(source):
        raise missing_environment(source)
    if source == place.root:
        raise Fault("CondaValueError", "cannot clone the base environment with the stand-in")
    dists = ordered(installed(source))
    files = untracked(source)
    if not place.as_json:
        print(f"Source:      {source}\nDestination: {prefix}\nPackages: {len(dists)}\nFiles: {len(files)}")
    if args.dry_run:
        raise Exit("DryRunExit", "Dry run. Exiting.")
    for name in files:
        _copy(source, prefix, name)
    fetch_all(place, dists)
    change = linked_as_they_are(place, prefix, dists)
    if not place.as_json:
        print(plan_text(place, prefix, (), change.link, (), change.added))
        fetch_all(place, ())
    execute(place, change)
    if place.as_json:
        told = {"success": True, "untracked_files": files, "src_prefix": source, "dst_prefix": prefix}
        print(json.dumps(told, indent=2))


def _copy(source: str, prefix: str, name: str) -> None:
    start, end = f"{source}/{name}", f"{prefix}/{name}"
    Path(posixpath.dirname(end)).mkdir(parents=True, exist_ok=True)
    if Path(start).is_symlink():
        Path(end).symlink_to(Path(start).readlink())
        return
    try:
        body = Path(start).read_bytes()
    except OSError:
        return
    with suppress(UnicodeDecodeError):
        body = body.decode().replace(source, prefix).encode()
    Path(end).write_bytes(body)
    shutil.copystat(start, end)


def rename(place: Place, args: argparse.Namespace) -> None:
    """``conda rename``: a clone, and then the removal of the source."""
    source = place.target(args.name, args.prefix)
    if not place.is_environment(source):
        raise missing_environment(source)
    if source == place.root:
        raise Fault("CondaEnvException", "The 'base' environment cannot be renamed")
    given = args.destination
    prefix = place.within(posixpath.abspath(given)) if "/" in given else place.prefix_of(given)
    if os.path.lexists(prefix):
        if not args.yes:
            raise Fault("CondaEnvException", f"The environment '{prefix}' already exists. Override with --yes.")
        shutil.rmtree(prefix)
    if args.dry_run:
        print(f"Dry run action: clone {source},{prefix}\nDry run action: rm_rf {source}")
        return
    clone(place, args, source, prefix)
    place.slow("remove")
    shutil.rmtree(source)
