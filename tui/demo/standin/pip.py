"""pip's install, list, freeze and uninstall for the stand-in interpreters: wheels from folders of this host.

``python -m pip`` of an environment made of stand-in packages comes here. A wheel's files are written as pip does:
a ``dist-info`` with INSTALLER, REQUESTED and RECORD, and an older version taken away first, conda's files included.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["main"]

_VERSION = "24.2"


class _Problem(Exception):
    pass


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class _Site:
    """The ``site-packages`` of an environment."""

    def __init__(self, prefix: str, python: str) -> None:
        self.prefix = Path(prefix)
        self.folder = self.prefix / f"lib/python{python}/site-packages"

    def found(self) -> Iterator[tuple[str, str, Path]]:
        """(name, version, dist-info) of each distribution."""
        for info in sorted(self.folder.glob("*.dist-info")):
            with suppress(OSError, KeyError):
                told = dict(re.findall(r"^(Name|Version): (\S+)", (info / "METADATA").read_text("utf-8"), re.MULTILINE))
                yield told["Name"], told["Version"], info

    def get(self, name: str) -> tuple[str, str, Path] | None:
        """The one called *name*."""
        return next((each for each in self.found() if _key(each[0]) == _key(name)), None)

    def uninstall(self, info: Path) -> None:
        """Remove what its RECORD lists."""
        with suppress(OSError):
            for line in (info / "RECORD").read_text("utf-8").splitlines():
                path = self.folder / line.rsplit(",", 2)[0]
                if os.path.normpath(path).startswith(f"{self.prefix}/"):
                    with suppress(OSError):
                        path.unlink()
        shutil.rmtree(info, ignore_errors=True)

    def install(self, wheel: Path, *, direct: str | None, requested: bool) -> tuple[str, str]:
        """Unpack *wheel*; returns its name and version."""
        name, version = wheel.name.split("-")[:2]
        folder = f"{name}-{version}.dist-info"
        record: list[str] = []
        with zipfile.ZipFile(wheel) as packed:
            for member in packed.namelist():
                if member.endswith("/") or member == f"{folder}/RECORD":
                    continue
                self._put(member, packed.read(member), record)
        extra = {"INSTALLER": b"pip\n"}
        if requested:
            extra["REQUESTED"] = b""
        if direct is not None:
            extra["direct_url.json"] = json.dumps({"archive_info": {}, "url": direct}).encode()
        for file, body in extra.items():
            self._put(f"{folder}/{file}", body, record)
        record.append(f"{folder}/RECORD,,")
        (self.folder / folder / "RECORD").write_text("".join(f"{line}\n" for line in record), encoding="utf-8")
        return name, version

    def _put(self, member: str, body: bytes, record: list[str]) -> None:
        path = self.folder / member
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # it may be a hard link into the package cache
        path.write_bytes(body)
        digest = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
        record.append(f"{member},sha256={digest},{len(body)}")


def _wheels(folders: Sequence[str], name: str) -> dict[str, Path]:
    found = {}
    for folder in folders:
        if not Path(folder).exists():
            from tui.demo.channel_demo import bring

            bring(Path(folder))
        for path in sorted(Path(folder).glob("*.whl")):
            parts = path.name.split("-")
            if _key(parts[0]) == _key(name):
                found[parts[1]] = path
    return found


def _requirements(args: argparse.Namespace) -> list[str]:
    words = list(args.words)
    for name in args.requirement:
        try:
            lines = Path(name).read_text("utf-8").replace("\\\n", " ").splitlines()
        except OSError:
            raise _Problem(f"Could not open requirements file: [Errno 2] No such file or directory: '{name}'") from None
        words += [line.split(" --hash")[0].split(" #")[0].strip() for line in lines]
    return [word for word in words if word and not word.startswith(("#", "-"))]


def _install(site: _Site, args: argparse.Namespace, folders: Sequence[str]) -> int:
    done = []
    for word in _requirements(args):
        given = word.partition(" @ ")[2] or word
        if given.startswith("file://") or given.endswith(".whl"):
            wheel = Path(given.removeprefix("file://"))
            if not wheel.is_file():
                raise _Problem(
                    f"Could not install packages due to an OSError: [Errno 2] No such file or directory: '{wheel}'"
                )
            direct: str | None = f"file://{wheel.resolve()}"
            name, version = wheel.name.split("-")[:2]
        else:
            told = re.fullmatch(r"([A-Za-z0-9._-]+?)(?:\[[^\]]*\])?\s*(?:==\s*(\S+))?", word)
            if told is None:
                raise _Problem(f"Invalid requirement: {word!r}")
            name, wanted = told[1], told[2]
            here = site.get(name)
            if here and not args.force_reinstall and here[1] == (wanted or (here[1] if not args.upgrade else "")):
                print(f"Requirement already satisfied: {word} in {site.folder} ({here[1]})")
                continue
            wheels = _wheels([*args.find_links, *(() if args.no_index else folders)], name)
            if not wheels or (wanted and wanted not in wheels):
                versions = ", ".join(wheels) or "none"
                told_of = f"satisfies the requirement {word} (from versions: {versions})"
                print(f"ERROR: Could not find a version that {told_of}", file=sys.stderr)
                raise _Problem(f"No matching distribution found for {word}")
            version = wanted or list(wheels)[-1]
            wheel, direct = wheels[version], None
        here = site.get(name)
        if here and here[1] == version and not args.force_reinstall:
            print(f"Requirement already satisfied: {word} in {site.folder} ({version})")
            continue
        print(f"Processing {wheel}")
        if args.dry_run:
            print(f"Would install {name}-{version}")
            continue
        if here:
            print(f"  Attempting uninstall: {name}\n    Found existing installation: {here[0]} {here[1]}")
            site.uninstall(here[2])
        done.append("-".join(site.install(wheel, direct=direct, requested=True)))
    if done:
        print(f"Installing collected packages: {', '.join(each.rpartition('-')[0] for each in done)}")
        print(f"Successfully installed {' '.join(done)}")
    return 0


def _frozen(name: str, version: str, info: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        direct = json.loads((info / "direct_url.json").read_bytes())
        if direct.get("dir_info", {}).get("editable"):
            return f"-e {direct['url'].removeprefix('file://')}"
        return f"{name} @ {direct['url']}"
    return f"{name}=={version}"


def _list(site: _Site, args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = [{"name": name, "version": version} for name, version, _ in site.found()]
    if args.format == "json":
        print(json.dumps(rows))
    elif args.format == "freeze":
        print("".join(f"{row['name']}=={row['version']}\n" for row in rows), end="")
    else:
        wide = max([7, *(len(row["name"]) for row in rows)])
        print(f"{'Package':<{wide}} Version\n{'-' * wide} -------")
        print("".join(f"{row['name']:<{wide}} {row['version']}\n" for row in rows), end="")
    return 0


def _freeze(site: _Site, args: argparse.Namespace) -> int:
    passed_over = set() if args.all else {"pip", "setuptools", "wheel", "distribute"}
    for name, version, info in site.found():
        if _key(name) not in passed_over:
            print(_frozen(name, version, info))
    return 0


def _uninstall(site: _Site, args: argparse.Namespace) -> int:
    for name in args.words:
        here = site.get(name)
        if here is None:
            print(f"WARNING: Skipping {name} as it is not installed.", file=sys.stderr)
            continue
        if not args.yes:
            raise _Problem("the stand-in asks nothing: give --yes")
        site.uninstall(here[2])
        print(f"Found existing installation: {here[0]} {here[1]}\n  Successfully uninstalled {here[0]}-{here[1]}")
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pip", description="A stand-in for pip in demo and test environments.")
    parser.add_argument("-V", "--version", action="store_true")
    commands = parser.add_subparsers(dest="command")
    common = argparse.ArgumentParser(add_help=False)
    for each in (
        "--disable-pip-version-check",
        "--no-input",
        "--isolated",
        "--no-color",
        "--no-python-version-warning",
    ):
        common.add_argument(each, action="store_true")
    common.add_argument("-q", "--quiet", action="count")
    common.add_argument("--progress-bar")
    common.add_argument("--root-user-action")
    install = commands.add_parser("install", parents=[common])
    install.add_argument("-r", "--requirement", action="append", default=[])
    install.add_argument("-f", "--find-links", action="append", default=[])
    options: tuple[tuple[str, ...], ...] = (
        *(("--no-index",), ("--no-deps",), ("--force-reinstall",), ("--dry-run",), ("-U", "--upgrade")),
        *(("--require-hashes",), ("--no-cache-dir",), ("--no-build-isolation",)),
    )
    for option in options:
        install.add_argument(*option, action="store_true")
    install.add_argument("words", nargs="*")
    listing = commands.add_parser("list", parents=[common])
    listing.add_argument("--format", default="columns")
    freeze = commands.add_parser("freeze", parents=[common])
    freeze.add_argument("--all", action="store_true")
    uninstall = commands.add_parser("uninstall", parents=[common])
    uninstall.add_argument("-y", "--yes", action="store_true")
    uninstall.add_argument("words", nargs="*")
    return parser.parse_args(argv)


def main(prefix: str, python: str, folders: Sequence[str], argv: Sequence[str]) -> int:
    """pip of the environment at *prefix*, whose Python is *python* (``3.11``); wheels come from *folders*."""
    site = _Site(prefix, python)
    if site.get("pip") is None:
        print(f"{prefix}/bin/python: No module named pip", file=sys.stderr)
        return 1
    args = _parse(argv)
    if args.version:
        print(f"pip {_VERSION} from {site.folder}/pip (python {python})")
        return 0
    try:
        if args.command == "install":
            return _install(site, args, folders)
        commands = {"list": _list, "freeze": _freeze, "uninstall": _uninstall}
        return commands[args.command](site, args) if args.command else 1
    except _Problem as problem:
        print(f"ERROR: {problem}", file=sys.stderr)
        return 1
