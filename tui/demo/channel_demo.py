"""The channels of a demo: what its hosts' environments are made of, to be had by a new one too.

Nothing is fetched from anywhere: the first conda that asks makes the indexes, and each archive when it is wanted.
An archive is the same bytes whoever makes it, so that records written before know its checksums.
"""

from __future__ import annotations

import fcntl
import json
import random
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from tui.demo.catalog import CatalogPackage, catalog
from tui.demo.channel import SUBDIRS, Package, PackageFile, archive, index_entry, info_files, write_index
from tui.demo.records import CHANNEL_HOST, dist_info, record
from tui.demo.standin.setup import interpreter_files, write_wheel

__all__ = ["DemoChannel", "Made", "bring", "noise", "number"]

_MARK = "channel.of-the-demo"


@cache
def _noise() -> bytes:
    return random.Random(7).randbytes(1 << 21)


def noise(name: str, size: int) -> bytes:
    """Noise that belongs to *name*, so that no two files are equal and nothing compresses."""
    whole = _noise()
    at = number(name) % (len(whole) - size) if size < len(whole) else 0
    return whole[at : at + size]


def number(text: str) -> int:
    """A number that is the same in every run."""
    return int.from_bytes(text.encode("utf-8", "surrogateescape")[-8:], "big") * 2654435761 % (1 << 32)


@cache
def _interpreter() -> bytes | None:
    """A small real program that runs shell scripts under any name: what stands for python in environments.

    A process is recognised as an environment's by its executable below the prefix, so that has to be a real
    binary. A multi-call binary (busybox) goes by its own name and is passed over; where nothing fits, the
    machine's shell runs scripts, and such processes are seen by their CONDA_PREFIX alone.
    """
    for name in ("dash", "bash", "ksh", "zsh", "sh"):
        found = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin")
        if found is None:
            continue
        works = subprocess.run(
            ["python3", "-c", "exit 7"], executable=found, stdin=subprocess.DEVNULL, capture_output=True, timeout=10
        )
        if works.returncode == 7:
            return Path(found).resolve().read_bytes()
    return None


@dataclass
class Made:
    """A package of the catalog, made."""

    package: Package
    channel: str

    @cached_property
    def info(self) -> Mapping[str, bytes]:
        """What is in its ``info/``."""
        return info_files(self.package)

    @cached_property
    def entry(self) -> dict[str, Any]:
        """What the index says of it, with its address."""
        url = f"{CHANNEL_HOST}/{self.channel}/{self.package.subdir}"
        place = {"channel": url, "fn": self.package.filename, "url": f"{url}/{self.package.filename}"}
        return {**index_entry(self.package, archive(self.package)), **place}

    @cached_property
    def entry_text(self) -> str:
        """The same, as it lies in the package cache."""
        return json.dumps(self.entry)


class DemoChannel:
    """The channels of the demo whose folder is *base*."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "channel"
        self.wheels = base / "wheels"
        self._made: dict[tuple[CatalogPackage, bool], Made] = {}
        self._records: dict[tuple[CatalogPackage, str, bool, int], str] = {}

    def announce(self) -> None:
        """Let those that look for the channel's folder make it."""
        (self.folder.parent / _MARK).touch()

    def made(self, item: CatalogPackage, *, light: bool = False) -> Made:
        """*item* as a package; *light*: with small files, as no archive has them."""
        key = (item, light)
        if key not in self._made:
            constrains = ("__cuda >=12",) if item.name == "cuda-version" else ()
            package = Package(
                item.name,
                item.version,
                item.build,
                item.needs,
                self._files(item, light),
                subdir=item.subdir,
                noarch={"noarch": "python", "meta": "generic"}.get(item.kind),
                constrains=constrains,
            )
            self._made[key] = Made(package, item.channel)
        return self._made[key]

    def record(self, item: CatalogPackage, python: str, *, light: bool, indent: int) -> str:
        """Its record in environments with *python*, for :func:`tui.demo.records.filled`.

        The checksums of the archive are those that the channel's index has, of the files those that lie there.
        """
        key = (item, python if item.noarch else "", light, indent)
        if key not in self._records:
            paths = json.loads(self.made(item, light=light).info["info/paths.json"])["paths"]
            self._records[key] = record(self.made(item).entry, paths, python, indent=indent)
        return self._records[key]

    def _files(self, item: CatalogPackage, light: bool) -> tuple[PackageFile, ...]:
        site, size = "site-packages", 2000 if light else item.kib * 600
        if item.kind == "python":
            name = f"python{item.python}"
            return (
                *interpreter_files(item.version, self.wheels, None if light else _interpreter()),
                PackageFile(f"lib/lib{name}.so.1.0", noise(item.stem, size)),
                PackageFile(f"lib/{name}/os.py", noise(item.stem + "os", 4000)),
                PackageFile(f"lib/{name}/site.py", noise(item.stem + "site", 3000)),
            )
        if item.kind in ("py", "noarch"):
            below = site if item.noarch else f"lib/python{item.python}/{site}"
            module = item.import_name
            core = f"{module}/core.py" if item.noarch else f"{module}/_core.so"
            info = dist_info(item.dist_name, item.version, "conda", [f"{module}/__init__.py", core])
            return (
                PackageFile(f"{below}/{module}/__init__.py", f'"""{item.name}, a stand-in of the demo."""\n'.encode()),
                PackageFile(f"{below}/{core}", noise(item.stem, size)),
                *(PackageFile(f"{below}/{path}", text.encode()) for path, text in info.items()),
            )
        if item.kind == "lib":
            plain = f"lib{item.name.removeprefix('lib')}.so"
            return (
                PackageFile(f"lib/{plain}.{item.version}", noise(item.stem, size)),
                PackageFile(f"lib/{plain}", f"{plain}.{item.version}"),
            )
        if item.kind == "bin":
            return (
                PackageFile(f"bin/{item.name}", noise(item.stem, size), executable=True),
                PackageFile(f"share/{item.name}/COPYING", b"see upstream\n"),
            )
        return ()

    def _write(self) -> None:
        """The indexes of all channels, and the wheels."""
        from tui.demo.layouts import pip_parts

        for spec in pip_parts():
            name, _, version = spec.partition("==")
            module = name.replace("-", "_").lower()
            write_wheel(self.wheels, name, version, {f"{module}/data.bin": noise(spec, 2000)})
        fresh = self.folder.with_suffix(".new")
        index: dict[tuple[str, str], dict[str, Any]] = {}
        for item in catalog():
            made = self.made(item)
            entry = {key: value for key, value in made.entry.items() if key not in ("channel", "fn", "url")}
            index.setdefault((item.channel, item.subdir), {})[made.package.filename] = entry
        for channel in {channel for channel, _ in index}:
            for subdir in SUBDIRS:
                folder = fresh / channel / subdir
                folder.mkdir(parents=True, exist_ok=True)
                write_index(folder / "repodata.json", subdir, {}, index.get((channel, subdir), {}))
        fresh.rename(self.folder)

    def _archive(self, path: Path) -> None:
        """Make the archive that is to lie at *path*."""
        channel, subdir, filename = path.relative_to(self.folder).parts
        for item in catalog():
            if (item.channel, item.subdir, f"{item.stem}.conda") == (channel, subdir, filename):
                fresh = path.with_name(f"{filename}.new")
                fresh.write_bytes(archive(self.made(item).package))
                fresh.replace(path)


def bring(path: Path) -> None:
    """Make what is missing at *path*, if that lies in a demo's channels or among its wheels; else nothing."""
    base = next((each for each in path.parents if (each / _MARK).exists()), None)
    if base is None or path.exists():
        return
    channel = DemoChannel(base)
    with (base / _MARK).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not channel.folder.exists():
            channel._write()
        if path.suffix == ".conda" and not path.exists() and len(path.relative_to(channel.folder).parts) == 3:
            channel._archive(path)
