"""Real trees like those that conda and micromamba leave: installs, environments, package caches, broken things.

Files in environments are hard links into the cache, as conda makes them; files that conda patches (the
Python program) are copies. Records have conda's JSON form (two spaces, sorted keys) or micromamba's (four).
Names may be bytes that are no UTF-8: paths are given as ``str`` with surrogates, as :func:`os.fsdecode` makes them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONDA_FORGE = "https://conda.anaconda.org/conda-forge"


@dataclass(frozen=True)
class Pkg:
    """A conda package."""

    name: str
    version: str = "1.0"
    build: str = "h0_0"
    channel: str = CONDA_FORGE
    subdir: str = "linux-64"
    requested: bool = False
    files: int = 3
    dist: str | None = None
    """Name of the Python distribution in it, with INSTALLER conda."""
    bulk: int = 0
    """How many more file names its record lists without their being there: records of large packages."""

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"


PYTHON = Pkg("python", "3.11.7", "h955ad1f_0_cpython", requested=True, files=5)
NUMPY = Pkg("numpy", "2.0.2", "py311h71ddf71_0", dist="numpy")
OPENSSL = Pkg("openssl", "3.2.0", "hd590300_1", channel="https://repo.anaconda.com/pkgs/main")
CONDA = Pkg("conda", "26.7.1", "py311h06a4308_0", dist="conda")
MAMBA = Pkg("mamba", "2.3.0", "h3de7c6b_0")
PIP = Pkg("pip", "23.3.1", "pyhd8ed1ab_0", subdir="noarch", dist="pip")
SITE = "lib/python3.11/site-packages"


class CondaRoot:
    """An install at *root* with a package cache."""

    def __init__(self, root: Path, *, micromamba: bool = False) -> None:
        self.root = root
        self.micromamba = micromamba
        self.pkgs = root / "pkgs"
        self.pkgs.mkdir(parents=True, exist_ok=True)
        (self.pkgs / "urls.txt").touch()
        (root / "envs").mkdir(exist_ok=True)

    def base(self, packages: Sequence[Pkg] = (PYTHON, CONDA, PIP)) -> Path:
        """Make the root itself an environment with conda in it."""
        (self.root / "condabin").mkdir(exist_ok=True)
        (self.root / "condabin" / "conda").write_text("#!/bin/sh\n")
        return self.env(self.root, packages)

    def named(self, name: str, packages: Sequence[Pkg] = (PYTHON, NUMPY, OPENSSL)) -> Path:
        """An environment in ``envs``."""
        return self.env(self.root / "envs" / name, packages)

    def env(self, prefix: Path, packages: Sequence[Pkg] = (PYTHON, NUMPY, OPENSSL), *, history: bool = True) -> Path:
        """An environment at *prefix*."""
        meta = prefix / "conda-meta"
        meta.mkdir(parents=True, exist_ok=True)
        for package in packages:
            self._link(package, prefix)
        if history:
            write_history(prefix, packages, tool=self.tool)
        return prefix

    @property
    def tool(self) -> str:
        """The program that made the environments, as the history names it."""
        return "micromamba" if self.micromamba else f"{os.fsencode(self.root).decode('utf-8', 'replace')}/bin/conda"

    def _link(self, package: Pkg, prefix: Path) -> None:
        cache = self.pkgs / package.stem
        names = [f"lib/{package.name}/part{number}.txt" for number in range(package.files)]
        if package.name == "python":
            names.append("bin/python3.11")
        if package.dist:
            folder = f"{SITE}/{package.dist}-{package.version}.dist-info"
            names += [f"{folder}/INSTALLER", f"{folder}/METADATA", f"{folder}/RECORD", f"{SITE}/{package.dist}.py"]
        for name in names:
            source = cache / name
            if not source.exists():
                source.parent.mkdir(parents=True, exist_ok=True)
                source.write_text(_content(package, name))
            target = prefix / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                continue
            if name == "bin/python3.11":
                target.write_text(f"#!/bin/sh\n# prefix {package.stem}\n")
                target.chmod(0o755)
                (prefix / "bin" / "python").symlink_to("python3.11")
            else:
                target.hardlink_to(source)
        if package.name == "python":
            names.append("bin/python")
        names += [f"lib/{package.name}/bulk/file-{number:06}.so" for number in range(package.bulk)]
        write_record(prefix, package, names, cache, indent=4 if self.micromamba else 2)


def _content(package: Pkg, name: str) -> str:
    if name.endswith("/INSTALLER"):
        return "conda\n"
    if name.endswith("/METADATA"):
        return f"Metadata-Version: 2.1\nName: {package.dist}\nVersion: {package.version}\n\nText\n"
    return f"{package.stem} {name}\n"


def write_record(prefix: Path, package: Pkg, names: Iterable[str], cache: Path, *, indent: int = 2) -> Path:
    """The package record in ``conda-meta``."""
    files = sorted(names)
    url = f"{package.channel}/{package.subdir}/{package.stem}.conda"
    record: dict[str, Any] = {
        "arch": "x86_64",
        "build": package.build,
        "build_number": 0,
        "channel": f"{package.channel}/{package.subdir}",
        "constrains": [],
        "depends": ["libgcc-ng >=12"],
        "extracted_package_dir": str(cache).encode("utf-8", "replace").decode(),
        "files": files,
        "fn": f"{package.stem}.conda",
        "license": "BSD-3-Clause",
        "link": {"source": str(cache).encode("utf-8", "replace").decode(), "type": 1},
        "md5": "0" * 32,
        "name": package.name,
        "paths_data": {
            "paths": [
                {"_path": name, "path_type": "hardlink", "sha256": "0" * 64, "size_in_bytes": 10} for name in files
            ],
            "paths_version": 1,
        },
        "requested_spec": f"{package.name}={package.version}" if package.requested else "None",
        "sha256": "0" * 64,
        "size": 1000,
        "subdir": package.subdir,
        "timestamp": 1700000000000,
        "url": url,
        "version": package.version,
    }
    path = prefix / "conda-meta" / f"{package.stem}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=indent, sort_keys=True))
    return path


def write_history(
    prefix: Path, packages: Sequence[Pkg] = (), *, tool: str = "/opt/conda/bin/conda", when: str = "2026-03-04 05:06:07"
) -> None:
    """``conda-meta/history`` with one transaction, at *when*, the host's local time."""
    lines = [f"==> {when} <==", f"# cmd: {tool} create -n x", "# conda version: 26.7.1"]
    lines += [f"+{package.channel}/{package.subdir}::{package.stem}" for package in packages]
    (prefix / "conda-meta").mkdir(parents=True, exist_ok=True)
    (prefix / "conda-meta" / "history").write_text("\n".join(lines) + "\n")


def pip_install(
    prefix: Path, name: str, version: str, *, installer: str | None = "pip", editable: str | None = None
) -> Path:
    """What pip leaves: a ``dist-info`` with INSTALLER, METADATA, RECORD, and ``direct_url.json`` when editable."""
    info = prefix / SITE / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    if installer is not None:
        (info / "INSTALLER").write_text(f"{installer}\n")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: x\n\nLong\n")
    (info / "RECORD").write_text(f"{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    if editable is not None:
        (info / "direct_url.json").write_text(json.dumps({"url": f"file://{editable}", "dir_info": {"editable": True}}))
    return info


def egg_link(prefix: Path, name: str, source: Path) -> Path:
    """What ``setup.py develop`` leaves."""
    link = prefix / SITE / f"{name}.egg-link"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.write_text(f"{source}\n.")
    return link


def environments_txt(home: Path, prefixes: Iterable[str | Path]) -> Path:
    """``~/.conda/environments.txt``."""
    path = home / ".conda" / "environments.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(os.fsencode(prefix) + b"\n" for prefix in prefixes))
    return path


def make_ghost(home: Path, prefix: str) -> None:
    """List an environment that is not there."""
    path = home / ".conda" / "environments.txt"
    known = path.read_text(errors="surrogateescape").splitlines() if path.exists() else []
    environments_txt(home, [*known, prefix])


def freeze(prefix: Path, message: str = "Made by the image build.") -> None:
    """Mark *prefix* as frozen, as CEP 22 says."""
    (prefix / "conda-meta" / "frozen").write_text(json.dumps({"message": message}))


def age(path: Path, seconds: float) -> None:
    """Let *path* have been changed and read *seconds* ago (its change time stays)."""
    then = time.time() - seconds
    os.utime(path, (then, then))
