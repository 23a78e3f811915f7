"""micromamba's and mamba's face of the stand-in: libmamba's commands, words, exit codes and oddities.

Known by the recordings of micromamba 2.8.1: it deletes an environment before it solves, takes the end of its input for
a yes, ends with 0 where a package to be removed is not there, and says in JSON of failures only what the solver found.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tui.demo.standin.cache import fetch_all, to_fetch
from tui.demo.standin.channels import Channel, read_channels
from tui.demo.standin.dists import Dist, installed, ordered
from tui.demo.standin.exporting import parts_of, read_file
from tui.demo.standin.faults import Fault, Interrupted
from tui.demo.standin.libmamba_grammar import parse
from tui.demo.standin.place import Place, on_terminal
from tui.demo.standin.plans import Change, channels_of, explicit_dists, linked_as_they_are, plan, read_specs
from tui.demo.standin.tables import document, transaction
from tui.demo.standin.transact import Transaction

__all__ = ["Stop", "ask", "main"]

_WIDTH = 105


_MISREAD = re.compile(r"[^<>=!~ ]+=([<>].*)")


class Stop(Exception):
    """An end with code 1: *lines* for the error stream, the last one critical."""

    def __init__(self, *lines: str) -> None:
        super().__init__(lines[-1])
        self.lines = lines


def main(root: str, argv: Sequence[str]) -> int:
    """As :func:`tui.demo.standin.main.main`."""
    args = parse(argv[1:])
    place = Place.read(root, [Path(argv[0]).name, *argv[1:]])
    place.libmamba = True
    if args.version:
        print(place.settings.get("libmamba", "2.8.1"))
        return 0
    if getattr(args, "root_prefix", None):
        place.root = args.root_prefix.rstrip("/")
    place.as_json = bool(getattr(args, "json", False))
    try:
        place.within(place.root)
        return _run(place, args) or 0
    except Stop as stop:
        sys.stdout.flush()
        print("\n".join(stop.lines), file=sys.stderr)
    except Interrupted:
        return _interrupted(args)
    except KeyboardInterrupt:
        return _interrupted(args)
    except Fault as fault:
        sys.stdout.flush()
        _report(place, fault)
    except OSError as error:
        print(f"critical libmamba filesystem error: {error}", file=sys.stderr)
    return 1


def _interrupted(args: argparse.Namespace) -> int:
    if not on_terminal():
        print("critical libmamba Thread interrupted", file=sys.stderr)
        return 1
    print("Interrupted by user - transaction stopped.")
    _hint(args)
    return 0  # as it does


def _report(place: Place, fault: Fault) -> None:
    failed = "critical libmamba Could not solve for environment specs"
    if fault.name == "PackagesNotFoundInChannelsError":
        problems = ["unsupported request"]
        names = fault.more["packages"]
        told = [f"    └─ {name} =* * does not exist (perhaps a typo or a missing channel)." for name in names]
        told.insert(0, "    The following package could not be installed")
    elif fault.name == "RattlerUnsatisfiableError":
        told = [f"    {line}" for line in fault.message.partition(": ")[2].strip().splitlines()]
        problems = ["the request, but none of the providers can be installed"]
    else:
        url, last = str(fault.more.get("url", "")), fault.message.strip().rpartition("\n")[2]
        lines = {
            "CondaHTTPError": f"Download error (7) Couldn't connect to server [{url}]\n    {last}",
            "UnavailableInvalidChannel": f"Transfer finalized, status: 404 [{url}] 335 bytes",
        }
        head = lines.get(fault.name)
        if head is not None:
            print(
                f"critical libmamba Multiple errors occurred:\n    {head}\n"
                f"    Subdir {url.removesuffix('/repodata.json')} not loaded!",
                file=sys.stderr,
            )
        elif fault.name == "InvalidMatchSpec":
            print(f"critical libmamba Error parsing version in {fault.message}", file=sys.stderr)
        else:
            print(f"critical libmamba {fault.name}: {fault.message}", file=sys.stderr)
        return
    if place.as_json:
        print(json.dumps({"solver_problems": problems, "success": False}, indent=4))
    else:
        print("\n".join(["error    libmamba Could not solve for environment specs", *told]), file=sys.stderr)
    print(failed, file=sys.stderr)


def _run(place: Place, args: argparse.Namespace) -> int | None:
    from tui.demo.standin import libmamba_looks as looks

    command = f"env {args.verb}" if args.command == "env" else args.command
    if command in ("create", "env create"):
        return _create(place, args)
    if command in ("install", "update", "upgrade", "env update"):
        return _install(place, args)
    if command in ("remove", "uninstall", "env remove"):
        return _remove(place, args)
    if command is None:
        parse(["--help"])
    return looks.look(place, args, command)


def prefix_of(place: Place, args: argparse.Namespace) -> str:
    """The environment that is meant. Raises Stop for a bad name."""
    if args.name is not None and "/" in args.name:
        separator = "An unexpected file-system separator was found in environment name"
        raise Stop(f"critical libmamba {separator}: '{args.name}'")
    if args.name is not None and args.name != "base":
        return f"{place.envs_dirs[0]}/{args.name}"
    return place.target("base" if args.name else None, args.prefix, place.root)


def must_exist(place: Place, prefix: str) -> None:
    """Raise Stop unless *prefix* is an environment."""
    if not place.is_environment(prefix):
        told = 'Environment must first be created with "micromamba create -n {env_name} ..."'
        raise Stop(
            f"error    libmamba No prefix found at: {prefix}",
            f"error    libmamba {told}",
            "critical libmamba Aborting.",
        )


def ask(args: argparse.Namespace, question: str, *, otherwise: bool) -> bool:
    """Ask, unless ``-y`` was given; the end of the input is *otherwise*."""
    if args.yes:
        return True
    print(f"{question}: [{'Y/n' if otherwise else 'y/N'}] ", end="", flush=True)
    answer = sys.stdin.readline().strip().lower()
    return answer in ("y", "yes") if answer else otherwise


def _step(place: Place, args: argparse.Namespace, text: str) -> None:
    if place.as_json or args.quiet:
        return
    print(f"{text:<{_WIDTH - 10}}⧖ Starting\n{text:<{_WIDTH - 16}}✔ Done (0.0 sec)")


def _channels(place: Place, args: argparse.Namespace) -> list[Channel]:
    found = read_channels(place, channels_of(place, args))
    for channel in found:
        for subdir in channel.files:
            _step(place, args, f"Using Flat Repodata for {channel.url}/{subdir}")
    if not place.as_json and not args.quiet:
        print(f"{'Parsing Packages Records':<{_WIDTH - 16}}✔ Done (0.0 sec)\n")
        _step(place, args, "Resolving Environment")
        print()
    return found


def _hint(args: argparse.Namespace) -> None:
    name = args.name or args.prefix
    option = "-n" if args.name else "-p"
    print(f"\nTo activate this environment, use:\n\n    micromamba activate {name}\n")
    print(f"Or to execute a single command in this environment, use:\n\n    micromamba run {option} {name} mycommand\n")


def _carry_out(place: Place, args: argparse.Namespace, change: Change, *, sizes: bool = True) -> bool:
    """Show, ask and do it; whether it was done."""
    fetch = to_fetch(place, change.link)
    if place.as_json:
        if not args.dry_run:
            if not change.is_nothing and not ask(args, "\nConfirm changes", otherwise=True):  # in front of the document
                return False
            _execute(place, change)
        print(document(place, change, fetch, dry=args.dry_run), end="")
        return not args.dry_run
    if not args.quiet:
        print(transaction(place, change, fetch, sizes=sizes))
    if args.dry_run:
        print("\nDry run. Not executing the transaction.")
        return False
    if not change.is_nothing and not ask(args, "\nConfirm changes", otherwise=True):
        print("Aborted.", flush=True)
        return False
    if not args.quiet:
        print("\nTransaction starting", flush=True)
    _execute(place, change)
    if not args.quiet:
        print("\nTransaction finished\n", flush=True)
    return True


def _execute(place: Place, change: Change) -> None:
    # Its history is there before anything else, and stays whatever comes.
    meta = Path(change.prefix, "conda-meta")
    meta.mkdir(parents=True, exist_ok=True)
    (meta / "history").touch()
    fetch_all(place, change.link)
    if not change.is_nothing:
        Transaction(
            place, change.prefix, change.unlink, change.link, change.added, change.removed, change.requested
        ).execute()


@dataclass
class _Files:
    """What files ask for."""

    specs: list[str] = field(default_factory=list)
    explicit: list[str] = field(default_factory=list)
    pip: list[str] = field(default_factory=list)


def _files(args: argparse.Namespace) -> _Files:
    found = _Files()
    for name in args.file:
        if not name.endswith((".yml", ".yaml")):
            specs, explicit = read_specs([name])
            found.specs += specs
            found.explicit += explicit
            continue
        try:
            body = read_file(name)
        except Fault as fault:
            if fault.name == "EnvironmentFileNotFound":
                told = f"error    libmamba YAML spec file '{name}' not found"
                raise Stop(told, "critical libmamba File not found. Aborting.") from None
            told = f"error    libmamba YAML error in spec file '{os.path.realpath(name)}'"
            raise Stop(told, f"critical libmamba yaml-cpp: {fault.message.splitlines()[0]}") from None
        specs, pip = parts_of(body)
        found.specs += specs
        found.pip += pip
        args.channel += [str(each) for each in body.get("channels") or ()]
        if args.name is None and args.prefix is None:
            args.name = body.get("name")
    return found


def _pip(place: Place, args: argparse.Namespace, prefix: str, specs: list[str]) -> None:
    if not specs:
        return
    if not place.as_json:
        print(f"Installing pip packages: {', '.join(specs)}", flush=True)
    done = subprocess.run(
        [f"{prefix}/bin/python", "-m", "pip", "install", *specs], capture_output=place.as_json, check=False
    )
    if done.returncode:
        raise Stop("critical libmamba pip failed to install packages")


def _create(place: Place, args: argparse.Namespace) -> int:
    files = _files(args)
    prefix = prefix_of(place, args)
    if prefix == place.root:
        told = "Overwriting root prefix is not permitted - aborting."
        raise Stop(f"error    libmamba {told}", f"critical libmamba {told}")
    source = None
    if args.clone:
        source = args.clone if "/" in args.clone else f"{place.envs_dirs[0]}/{args.clone}"
        if not place.is_environment(source):
            raise Stop(f"critical libmamba Could not find environment to clone: {args.clone}")
    if place.is_environment(prefix) and not args.dry_run:
        if not ask(args, f"Found conda-prefix at '{prefix}'. Overwrite?", otherwise=False):
            print("Aborted.")
            raise Stop("critical libmamba Aborting.")
        shutil.rmtree(prefix)
    elif Path(prefix).exists() and not place.is_environment(prefix):
        told = "Non-conda folder exists at prefix - aborting."
        raise Stop(f"error    libmamba {told}", f"critical libmamba {told}")
    dists: Iterable[Dist] = ()
    if source is not None:
        dists = ordered(installed(source))
    elif files.explicit:
        dists = explicit_dists(place, files.explicit)
    if dists and args.dry_run:
        print("\nDry run. Not executing the transaction.")
        return 0
    if dists:
        fetch_all(place, list(dists))
        change = linked_as_they_are(place, prefix, dists)
        change.added = [spec.rpartition("::")[2] for spec in change.added]
        done = _carry_out(place, args, change, sizes=False)
    else:
        asked = [*args.words, *files.specs]
        if any(spec.split("=")[0].split(">")[0].strip() == "python" for spec in asked) and "pip" not in asked:
            asked.append("pip")
        if not asked:
            _execute(place, Change(prefix))
            place.register(prefix, known=True)
            print(f"Empty environment created at prefix: {prefix}")
            return 0
        for version in (told[1] for told in map(_MISREAD.fullmatch, asked) if told is not None):
            raise Stop(f'critical libmamba Error parsing version "{version}". Version contains invalid characters.')
        done = _carry_out(place, args, plan(place, _channels(place, args), prefix, asked))
    if done:
        _pip(place, args, prefix, files.pip)
        place.register(prefix, known=True)
        if not place.as_json and not args.quiet:
            _hint(args)
    return 0


def _install(place: Place, args: argparse.Namespace) -> int:
    files = _files(args)
    prefix = prefix_of(place, args)
    must_exist(place, prefix)
    asked = [*args.words, *files.specs]
    if files.explicit:
        dists = explicit_dists(place, files.explicit)
        fetch_all(place, dists)
        _carry_out(place, args, linked_as_they_are(place, prefix, dists), sizes=False)
        return 0
    here = {str(each["name"]) for each in installed(prefix)}
    loose = set(asked)
    if args.command in ("update", "upgrade"):
        asked = [spec for spec in asked if spec in here]  # one that is not there is passed over without a word
        loose = {"*"} if args.all or args.a else set(asked)
        asked = asked or (sorted(here) if loose else [])
    change = Change(prefix)
    if asked:
        change = plan(place, _channels(place, args), prefix, asked, loose=loose, prune=args.prune)
    if args.prune:
        change.removed = sorted(
            {str(each["name"]) for each in change.unlink} - {str(each["name"]) for each in change.link}
        )
    if _carry_out(place, args, change):
        _pip(place, args, prefix, files.pip)
        if args.command == "env" and not place.as_json and not args.quiet:
            _hint(args)
    return 0


def _remove(place: Place, args: argparse.Namespace) -> int:
    prefix = prefix_of(place, args)
    whole = args.command == "env" or args.all or args.a
    if args.command == "env" and prefix == place.root:
        raise Stop(
            f"error    libmamba Expected environment not found at prefix: {prefix}", "critical libmamba Aborting."
        )
    must_exist(place, prefix)
    here = installed(prefix)
    going = {str(each["name"]) for each in here} if whole else set(args.words) & {str(each["name"]) for each in here}
    removed = sorted(going) if whole else [word for word in args.words if word in going]
    while True:
        more = {str(e["name"]) for e in here if {d.split()[0] for d in e["depends"]} & going - {"pip"}} - going
        if not more:
            break
        going |= more
    change = Change(prefix, [each for each in reversed(ordered(here)) if each["name"] in going], removed=removed)
    if whole and change.is_nothing and not place.as_json:
        print("Nothing to do.\nNo packages to remove from environment.")
        done = not args.dry_run
    else:
        done = _carry_out(place, args, change)
    if done and args.command == "env":
        place.slow("remove")
        shutil.rmtree(prefix, ignore_errors=True)
        place.register(prefix, known=False)
        if not place.as_json and not args.quiet:
            print(f"Environment removed at prefix: {prefix}")
    return 0
