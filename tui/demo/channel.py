"""Small real conda packages, and channels of them: archives as conda-build writes them, made on the spot.

A package is built from nothing but its description, the same bytes each time, so that two hosts agree on its
checksums. ``.conda`` archives hold Zstandard frames of uncompressed blocks: readable by everything, and writable
without a compressor.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["PLACEHOLDER", "SUBDIRS", "Package", "PackageFile", "archive", "index_entry", "write_channel"]

PLACEHOLDER = ("/opt/stand-in" + "_placehold" * 25)[:255]
"""Where packages think that they will lie; linking writes the prefix in its place."""
SUBDIRS = ("linux-64", "noarch")
_BUILT = 1700000000
_BLOCK = 1 << 17


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One file of a package. A ``str`` as *content* is the target of a soft link."""

    path: str
    content: bytes | str = b""
    executable: bool = False
    placeholder: str | None = None
    """``text`` or ``binary``: :data:`PLACEHOLDER` stands in it and is to be replaced."""


@dataclass(frozen=True, slots=True)
class Package:
    """A conda package at one version and build."""

    name: str
    version: str
    build: str
    depends: tuple[str, ...] = ()
    files: tuple[PackageFile, ...] = ()
    subdir: str = "linux-64"
    noarch: str | None = None
    """``python`` (files in ``site-packages/`` and ``python-scripts/``) or ``generic``."""
    constrains: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()
    """Of a noarch python package: ``tool = module:function``."""
    ending: str = ".conda"
    """Or ``.tar.bz2``."""

    @property
    def stem(self) -> str:
        """What conda calls its folder and its record."""
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def filename(self) -> str:
        """Of its archive."""
        return self.stem + self.ending

    @property
    def build_number(self) -> int:
        """What stands behind the last ``_`` of the build."""
        last = self.build.rpartition("_")[2]
        return int(last) if last.isdigit() else 0


@lru_cache(maxsize=512)
def info_files(package: Package) -> Mapping[str, bytes]:
    """What is in the package's ``info/``."""
    index: dict[str, Any] = {
        "arch": None if package.subdir == "noarch" else "x86_64",
        "build": package.build,
        "build_number": package.build_number,
        "constrains": list(package.constrains),
        "depends": list(package.depends),
        "license": "BSD-3-Clause",
        "name": package.name,
        "platform": None if package.subdir == "noarch" else "linux",
        "subdir": package.subdir,
        "timestamp": _BUILT * 1000,
        "version": package.version,
    }
    if package.noarch is not None:
        index["noarch"] = package.noarch
    info = {
        "info/about.json": {"summary": f"{package.name}, a stand-in made for trying and for tests"},
        "info/index.json": index,
        "info/paths.json": {"paths": [_path_entry(file) for file in _sorted(package)], "paths_version": 1},
    }
    if package.noarch == "python":
        noarch = {"entry_points": list(package.entry_points), "type": "python"}
        info["info/link.json"] = {"noarch": noarch, "package_metadata_version": 1}
    made = {name: json.dumps(body).encode() for name, body in info.items()}
    made["info/files"] = "".join(f"{file.path}\n" for file in _sorted(package)).encode()
    return made


def _sorted(package: Package) -> list[PackageFile]:
    return sorted(package.files, key=lambda file: file.path)


def _path_entry(file: PackageFile) -> dict[str, Any]:
    if isinstance(file.content, str):
        return {"_path": file.path, "path_type": "softlink", "sha256": hashlib.sha256().hexdigest(), "size_in_bytes": 0}
    entry: dict[str, Any] = {
        "_path": file.path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "size_in_bytes": len(file.content),
    }
    if file.placeholder is not None:
        entry.update(file_mode=file.placeholder, prefix_placeholder=PLACEHOLDER)
    return entry


def archive(package: Package) -> bytes:
    """The package as one file, in the form that its *ending* says."""
    info = [PackageFile(path, data) for path, data in info_files(package).items()]
    if package.ending == ".tar.bz2":
        return bz2.compress(_tar([*info, *_sorted(package)]), 1)
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as packed:
        for name, data in (
            ("metadata.json", b'{"conda_pkg_format_version": 2}'),
            (f"pkg-{package.stem}.tar.zst", stored_zstd(_tar(_sorted(package)))),
            (f"info-{package.stem}.tar.zst", stored_zstd(_tar(info))),
        ):
            packed.writestr(zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20)), data)
    return body.getvalue()


def _tar(files: Iterable[PackageFile]) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w", format=tarfile.GNU_FORMAT) as packed:
        for file in files:
            entry = tarfile.TarInfo(file.path)
            entry.mtime = _BUILT
            entry.mode = 0o755 if file.executable else 0o644
            if isinstance(file.content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, file.content
                packed.addfile(entry)
            else:
                entry.size = len(file.content)
                packed.addfile(entry, io.BytesIO(file.content))
    return body.getvalue()


def stored_zstd(data: bytes) -> bytes:
    """*data* as a Zstandard frame of raw blocks."""
    parts = [b"\x28\xb5\x2f\xfd\x00\x38"]  # magic; no flags; a window of 128 KiB
    for start in range(0, max(len(data), 1), _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        parts += (((len(block) << 3) | last).to_bytes(3, "little"), block)
    return b"".join(parts)


def index_entry(package: Package, packed: bytes) -> dict[str, Any]:
    """What ``repodata.json`` says of it; *packed* is its archive."""
    entry: dict[str, Any] = json.loads(info_files(package)["info/index.json"])
    entry.update(
        md5=hashlib.md5(packed, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(packed).hexdigest(),
        size=len(packed),
    )
    return entry


def write_channel(folder: Path, packages: Iterable[Package]) -> None:
    """Make a channel in *folder*: archives and ``repodata.json`` of each subdir."""
    index: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {subdir: ({}, {}) for subdir in SUBDIRS}
    for subdir in SUBDIRS:
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for package in packages:
        packed = archive(package)
        (folder / package.subdir / package.filename).write_bytes(packed)
        listed = index[package.subdir][package.ending == ".conda"]
        listed[package.filename] = index_entry(package, packed)
    for subdir, (bz2s, condas) in index.items():
        write_index(folder / subdir / "repodata.json", subdir, bz2s, condas)


def write_index(path: Path, subdir: str, bz2s: Mapping[str, Any], condas: Mapping[str, Any]) -> None:
    """Write one ``repodata.json``, so that no reader sees a part of it."""
    body = {
        "info": {"subdir": subdir},
        "packages": dict(sorted(bz2s.items())),
        "packages.conda": dict(sorted(condas.items())),
        "removed": [],
        "repodata_version": 1,
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(body), encoding="utf-8")
    fresh.replace(path)
