"""env export, env create and env update: environments as YAML files."""

from __future__ import annotations

import argparse
import json
import posixpath
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tui.demo.standin.changes import carry_out, make_room, solved, writable
from tui.demo.standin.dists import base_url, canonical, installed, stem
from tui.demo.standin.faults import Fault
from tui.demo.standin.listing import pip_packages
from tui.demo.standin.past import requests
from tui.demo.standin.place import Place
from tui.demo.standin.show import activate_hint

__all__ = ["create", "export", "parts_of", "read_file", "update"]


def export(place: Place, args: argparse.Namespace) -> None:
    """``conda env export``: of a missing environment an empty one, with success, as conda does."""
    prefix = place.target(args.name, args.prefix)
    here = installed(prefix) if Path(f"{prefix}/conda-meta").is_dir() else []
    pip = pip_packages(prefix)
    replaced = {each["name"] for each in pip}
    if args.from_history:
        wanted: list[Any] = list(requests(prefix).values())
    else:
        kept = [each for each in here if each["name"] not in replaced]
        wanted = [f"{e['name']}={e['version']}" if args.no_builds else "=".join(stem(e).rsplit("-", 2)) for e in kept]
        if pip:
            wanted.append({"pip": [f"{each['name']}=={each['version']}" for each in pip]})
    channels = [] if args.override_channels else place.listed("channels")
    if not args.ignore_channels:
        found = [canonical(place, base_url(each)) for each in here]
        channels = list(dict.fromkeys([*args.channel, *channels, *found]))
    body = {
        "name": args.name or place.name_of(prefix) or None,
        "channels": channels,
        "dependencies": wanted,
        "prefix": prefix,
    }
    text = json.dumps(body, indent=2) + "\n" if place.as_json else _yaml(body)
    if args.file:
        Path(args.file).write_text(text, encoding="utf-8")
    else:
        print(text, end="" if place.as_json else "\n")


def _yaml(body: dict[str, Any]) -> str:
    import yaml

    class _Indented(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    return str(yaml.dump(body, Dumper=_Indented, sort_keys=False, allow_unicode=True, default_flow_style=False))


def read_file(path: str) -> dict[str, Any]:
    """An environment file. Raises Fault where it is missing or broken."""
    import yaml

    shown = posixpath.abspath(path)
    if not Path(path).exists():
        raise Fault("EnvironmentFileNotFound", f"'{shown}' file not found", filename=shown)
    try:
        body = yaml.safe_load(Path(path).read_bytes())
    except yaml.YAMLError as error:
        raise Fault("EnvironmentFileInvalid", f"The environment file '{shown}' is invalid: {error}") from None
    if not isinstance(body, dict) or not isinstance(body.get("dependencies") or [], list):
        raise Fault("EnvironmentFileInvalid", f"The environment file '{shown}' is invalid.")
    return body


def parts_of(body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(specs, pip specs) of an environment file."""
    specs: list[str] = []
    pip: list[str] = []
    for each in body.get("dependencies") or []:
        if isinstance(each, dict):
            pip += [str(spec) for spec in each.get("pip") or ()]
        else:
            specs.append(str(each))
    return specs, pip


def _asked(place: Place, args: argparse.Namespace) -> tuple[str, list[str], list[str]]:
    """(prefix, specs, pip specs) of the file."""
    body = read_file(args.file[0] if args.file else "environment.yml")
    specs, pip = parts_of(body)
    args.file_channels = [str(each) for each in body.get("channels") or ()]
    if args.name is None and args.prefix is None:
        args.name = body.get("name")
        args.prefix = body.get("prefix") if args.name is None else None
    if args.name is None and args.prefix is None:
        raise Fault("ArgumentError", "one of the arguments -n/--name -p/--prefix is required", code=2)
    return place.target(args.name, args.prefix), specs, pip


def create(place: Place, args: argparse.Namespace) -> None:
    """``conda env create``, which goes ahead where an environment stands."""
    args.yes = True
    prefix, specs, pip = _asked(place, args)
    make_room(place, args, prefix)
    carry_out(place, args, solved(place, args, prefix, specs), new=True)
    if not args.dry_run:
        _pip(place, prefix, pip)
        activate_hint(place, args.name or prefix)


def update(place: Place, args: argparse.Namespace) -> None:
    """``conda env update``."""
    args.yes = True
    prefix, specs, pip = _asked(place, args)
    if place.is_environment(prefix):
        writable(place, prefix, args)
    change = solved(place, args, prefix, specs, loose={"*"}, prune=args.prune)
    if not change.is_nothing:
        carry_out(place, args, change, new=False)
    _pip(place, prefix, pip)
    activate_hint(place, args.name or prefix)


def _pip(place: Place, prefix: str, specs: list[str]) -> None:
    if not specs:
        return
    if not place.as_json:
        print("Installing pip dependencies: ...working... ", end="", flush=True)
    folder = tempfile.mkdtemp(dir=prefix)
    try:
        listed = Path(folder, "requirements.txt")
        listed.write_text("".join(f"{spec}\n" for spec in specs), encoding="utf-8")
        argv = [f"{prefix}/bin/python", "-m", "pip", "install", "-U", "-r", str(listed)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    if done.returncode:
        print(f"Pip subprocess error:\n{done.stderr}\nfailed", flush=True)
        raise Fault("CondaEnvException", "Pip failed")
    if not place.as_json:
        print("done", flush=True)
