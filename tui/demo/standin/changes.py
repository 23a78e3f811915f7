"""create, install, update and remove: what is asked for becomes a plan, and the plan a transaction."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tui.demo.standin.cache import fetch_all, to_fetch
from tui.demo.standin.channels import read_channels
from tui.demo.standin.dists import Dist, dist_json, installed, ordered
from tui.demo.standin.faults import Exit, Fault, bad_value, missing_environment, not_installed
from tui.demo.standin.place import Place
from tui.demo.standin.plans import Change, channels_of, explicit_dists, linked_as_they_are, plan, read_specs
from tui.demo.standin.show import Phase, activate_hint, header, plan_text
from tui.demo.standin.transact import Transaction

__all__ = ["carry_out", "confirm", "create", "execute", "install", "make_room", "remove", "solved", "writable"]


def confirm(args: argparse.Namespace, question: str, *, otherwise: str, dry: bool = True) -> None:
    """Ask, unless ``-y`` was given. The end of the input is the answer *otherwise*. Raises Exit for a no."""
    if dry and args.dry_run:
        raise Exit("DryRunExit", "Dry run. Exiting.")
    if args.yes:
        return
    choices = "([y]/n)" if otherwise == "yes" else "(y/[n])"
    while True:
        print(f"{question} {choices}? ", end="", flush=True)
        line = sys.stdin.readline()
        answer = line.strip().lower() or otherwise
        if not line.endswith("\n") or not sys.stdin.isatty():
            print()
        if answer in ("y", "yes"):
            return
        if answer in ("n", "no"):
            raise Exit("CondaSystemExit", "Exiting.")
        print(f"Invalid choice: {answer}")


def writable(place: Place, prefix: str, args: argparse.Namespace) -> None:
    """Raise Fault unless *prefix* is an environment that may be changed."""
    if not place.is_environment(prefix):
        if Path(prefix).is_dir() and any(Path(prefix).iterdir()):
            message = (
                "The target directory exists, but it is not a conda environment.\n"
                f"Use 'conda create' to convert the directory to a conda environment.\n  target directory: {prefix}\n"
            )
            raise Fault("DirectoryNotACondaEnvironmentError", message)
        raise missing_environment(prefix)
    if not os.access(f"{prefix}/conda-meta/history", os.W_OK):
        message = "The current user does not have write permissions to the target environment."
        who = f"  uid: {os.getuid()}\n  gid: {os.getgid()}\n"
        raise Fault("EnvironmentNotWritableError", f"{message}\n  environment location: {prefix}\n{who}")
    frozen = Path(prefix, "conda-meta/frozen")
    if frozen.exists() and not getattr(args, "override_frozen", False):
        told = ""
        with suppress(OSError, ValueError):
            told = f"\n\nReason:\n{json.loads(frozen.read_bytes())['message']}"
        message = f"Cannot modify '{prefix}'. The environment is marked as frozen.{told}\n\n"
        hint = "You can bypass these protections with the `--override-frozen` flag, at your own risk."
        raise Fault("EnvironmentIsFrozenError", message + hint)


def carry_out(place: Place, args: argparse.Namespace, change: Change, *, new: bool, removing: bool = False) -> None:
    """Show the plan, ask, fetch and execute."""
    if change.is_nothing and removing:
        raise not_installed(change.prefix, change.removed)
    if change.is_nothing and not new:
        if place.as_json:
            _say({"success": True, "message": "All requested packages already installed."})
        else:
            print("\n# All requested packages already installed.\n")
        return
    fetch = to_fetch(place, change.link)
    if not place.as_json:
        print(plan_text(place, change.prefix, change.unlink, change.link, fetch, change.added, change.removed))
        confirm(args, "Proceed", otherwise="yes")
    elif args.dry_run:
        _say({"success": True, "actions": _actions(place, change, fetch), "prefix": change.prefix, "dry_run": True})
        return
    fetch_all(place, change.link)
    if getattr(args, "download_only", False):
        raise Exit(
            "CondaExitZero", "Package caches prepared. UnlinkLinkTransaction cancelled with --download-only option."
        )
    execute(place, change)
    if place.as_json:
        _say({"success": True, "actions": _actions(place, change, fetch), "prefix": change.prefix})


def execute(place: Place, change: Change) -> None:
    """Do what is planned; everything is in the cache."""
    Transaction(
        place, change.prefix, change.unlink, change.link, change.added, change.removed, change.requested
    ).execute()


def _actions(place: Place, change: Change, fetch: Sequence[Dist]) -> dict[str, Any]:
    found: dict[str, Any] = {"FETCH": [{**dist, "legacy_bz2_size": None} for dist in fetch], "PREFIX": change.prefix}
    for key, dists in (("LINK", change.link), ("UNLINK", change.unlink)):
        if dists:
            found[key] = [dist_json(place, dist) for dist in dists]
    return found


def _say(body: dict[str, Any]) -> None:
    print(json.dumps(body, indent=2))


def install_explicit(place: Place, args: argparse.Namespace, prefix: str, lines: Sequence[str]) -> Change:
    """Bring exactly these packages into *prefix*."""
    dists = explicit_dists(place, lines)
    if args.dry_run:
        raise Exit("DryRunExit", "Dry run. Exiting.")
    fetch = to_fetch(place, dists)
    fetch_all(place, dists)
    change = linked_as_they_are(place, prefix, dists)
    if not place.as_json:
        print(plan_text(place, prefix, change.unlink, change.link, (), change.added))
        fetch_all(place, ())
    execute(place, change)
    if place.as_json and args.command != "rename":
        _say({"success": True, "actions": _actions(place, change, fetch), "prefix": prefix})
    return change


# Solving


def solved(
    place: Place,
    args: argparse.Namespace,
    prefix: str,
    specs: Sequence[str],
    *,
    loose: Iterable[str] = (),
    prune: bool = False,
) -> Change:
    """:func:`tui.demo.standin.plans.plan`, with conda's words."""
    urls = channels_of(place, args, getattr(args, "file_channels", ()))
    header(place, urls, prefix)
    try:
        with Phase(place, "Collecting package metadata (repodata.json)"):
            channels = read_channels(place, urls)
        with Phase(place, "Solving environment"):
            return plan(place, channels, prefix, specs, loose=loose, prune=prune)
    except Fault as fault:
        if fault.name == "PackagesNotFoundInChannelsError":  # conda tries again with the whole index
            header(place, urls, prefix)
            with suppress(Fault), Phase(place, "Collecting package metadata (repodata.json)"):
                pass
            with suppress(Fault), Phase(place, "Solving environment"):
                raise
        raise


# Commands


def create(place: Place, args: argparse.Namespace) -> None:
    """``conda create``."""
    if args.name is None and args.prefix is None:
        raise Fault("ArgumentError", "one of the arguments -n/--name -p/--prefix is required", code=2)
    prefix = place.target(args.name, args.prefix)
    if prefix == place.root:
        raise bad_value("The target prefix is the base prefix. Aborting.")
    make_room(place, args, prefix)
    if args.clone:
        from tui.demo.standin.cloning import clone

        clone(place, args, place.target(*(_source(args.clone))), prefix)
    else:
        specs, explicit = read_specs(args.file)
        if explicit:
            install_explicit(place, args, prefix, explicit)
        else:
            carry_out(place, args, solved(place, args, prefix, [*args.words, *specs]), new=True)
    if not args.dry_run:
        activate_hint(place, args.name or prefix)


def _source(given: str) -> tuple[str | None, str | None]:
    return (None, given) if "/" in given else (given, None)


def make_room(place: Place, args: argparse.Namespace, prefix: str) -> None:
    """What stands at *prefix* goes, without a question where ``-y`` is given: as conda does it."""
    if place.is_environment(prefix):
        if args.dry_run:
            raise bad_value("Cannot `create --dry-run` with an existing conda environment")
        question = (
            f"WARNING: A conda environment already exists at '{prefix}'\n\nRemove existing environment?\n"
            "This will remove ALL directories contained within this specified prefix directory, including any other "
            "conda environments.\n\n"
        )
        confirm(args, question, otherwise="no", dry=False)
        shutil.rmtree(prefix)
    elif os.path.lexists(prefix):
        question = (
            f"WARNING: A directory already exists at the target location '{prefix}'\n"
            "but it is not a conda environment.\nContinue creating environment"
        )
        confirm(args, question, otherwise="no", dry=False)


def install(place: Place, args: argparse.Namespace) -> None:
    """``conda install`` and ``conda update``."""
    prefix = place.target(args.name, args.prefix)
    writable(place, prefix, args)
    specs, explicit = read_specs(args.file)
    specs = [*args.words, *specs]
    if explicit:
        install_explicit(place, args, prefix, explicit)
        return
    updating = args.command in ("update", "upgrade")
    if not specs and not (updating and args.all):
        raise bad_value("no package names supplied, try 'conda install -h' for more details")
    loose = set(specs)
    if updating:
        names = {str(each["name"]) for each in installed(prefix)}
        absent = [spec for spec in specs if spec not in names]
        if absent:
            message = f"Package is not installed in prefix.\n  prefix: {prefix}\n  package name: {absent[0]}\n"
            raise Fault("PackageNotInstalledError", message)
        if args.all:
            loose = {"*"}
            specs = specs or sorted(names)
    from tui.demo.standin import solving

    solving.check(specs)
    loose = loose if "*" in loose else {solving.name_of(spec) for spec in specs}
    if getattr(args, "force_reinstall", False):
        loose = {"*"}
    carry_out(place, args, solved(place, args, prefix, specs, loose=loose), new=False)


def remove(place: Place, args: argparse.Namespace) -> None:
    """``conda remove`` and ``conda env remove``."""
    whole = args.command == "env" or args.all
    if not whole and not args.words:
        raise bad_value('no package names supplied,\n       try "conda remove -h" for more details')
    prefix = place.target(args.name, args.prefix)
    if not place.is_environment(prefix) and not Path(f"{prefix}/conda-meta").is_dir():
        raise missing_environment(prefix)
    if whole and prefix == place.root:
        message = "Cannot remove current environment. Deactivate and run conda remove again"
        raise Fault("CondaEnvironmentError", message)
    writable(place, prefix, args)
    if whole:
        _remove_all(place, args, prefix)
        return
    from tui.demo.standin import solving

    names = [solving.name_of(word) for word in args.words]
    here = installed(prefix)
    absent = sorted(set(names) - {str(each["name"]) for each in here})
    if absent:
        raise not_installed(prefix, absent)
    going = set(names)
    while not getattr(args, "force", False):
        more = {str(e["name"]) for e in here if {d.split()[0] for d in e["depends"]} & going - {"pip"}} - going
        if not more:
            break
        going |= more
    if not place.as_json:
        header(place, channels_of(place, args), prefix)
        with Phase(place, "Collecting package metadata (repodata.json)"), suppress(Fault):
            place.slow("collect")
        with Phase(place, "Solving environment"):
            place.slow("solve")
    unlink: list[Dist] = [each for each in ordered(here) if each["name"] in going]
    carry_out(place, args, Change(prefix, unlink, removed=list(args.words)), new=False, removing=True)


def _remove_all(place: Place, args: argparse.Namespace, prefix: str) -> None:
    if not place.as_json:
        print(f"\nRemove all packages in environment {prefix}:\n")
    change = Change(prefix, list(ordered(installed(prefix))))
    if change.is_nothing:
        if not place.as_json:
            print(f"No packages found in {prefix}. Continuing environment removal")
    else:
        carry_out(place, args, change, new=False, removing=True)
    if args.dry_run or getattr(args, "keep_env", False):
        return
    if not place.as_json:
        question = (
            f"Everything found within the environment ({prefix}), including any conda environment configurations and "
            "any non-conda files, will be deleted. Do you wish to continue?\n"
        )
        confirm(args, question, otherwise="no", dry=False)
    place.slow("remove")
    shutil.rmtree(prefix, ignore_errors=True)
    place.register(prefix, known=False)
