"""The texts that package managers leave behind: conda records, history files, pip's metadata."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence

from tui.demo.catalog import CatalogPackage, package

__all__ = ["CHANNEL_HOST", "closure", "dist_info", "history", "record"]

CHANNEL_HOST = "https://conda.example.org"
"""Stands for wherever a team mirrors its channels; nothing is ever fetched from it."""


def record(
    item: CatalogPackage,
    files: Sequence[tuple[str, int, bool]],
    cache: str,
    *,
    requested: str | None = None,
    indent: int = 2,
) -> str:
    """``conda-meta/NAME-VERSION-BUILD.json``. *files*: (path, bytes, is a soft link); *cache*: the package's folder."""
    file_name = f"{item.stem}.conda"
    url = f"{CHANNEL_HOST}/{item.channel}/{item.subdir}/{file_name}"
    digest = item.digest
    paths = [
        {
            "_path": path,
            "path_type": "softlink" if soft else "hardlink",
            "sha256": digest,
            "sha256_in_prefix": digest,
            "size_in_bytes": size,
        }
        for path, size, soft in files
    ]
    body: dict[str, object] = {
        "arch": None if item.noarch else "x86_64",
        "build": item.build,
        "build_number": int(item.build.rpartition("_")[2]) if item.build[-1:].isdigit() else 0,
        "channel": f"{CHANNEL_HOST}/{item.channel}",
        "constrains": [],
        "depends": list(item.depends),
        "extracted_package_dir": cache,
        "features": "",
        "files": [path for path, _, _ in files],
        "fn": file_name,
        "license": "BSD-3-Clause",
        "link": {"source": cache, "type": 1},
        "md5": digest[:32],
        "name": item.name,
        "package_tarball_full_path": f"{cache}.conda",
        "paths_data": {"paths": paths, "paths_version": 1},
        "platform": None if item.noarch else "linux",
        "sha256": digest,
        "size": item.kib * 400 + 4096,
        "subdir": item.subdir,
        "timestamp": 1700000000000 + int(digest[:8], 16) * 10,
        "track_features": "",
        "url": url,
        "version": item.version,
    }
    if item.noarch:
        body["noarch"] = "python" if item.kind == "noarch" else "generic"
    if requested is not None:
        body["requested_spec"] = requested
    return json.dumps(dict(sorted(body.items())), indent=indent) + "\n"


def history(
    prefix: str, manager: str, version: str, changes: Iterable[tuple[float, Sequence[CatalogPackage], Sequence[str]]]
) -> str:
    """``conda-meta/history``: one revision for each (Unix time, packages, specs) of *changes*."""
    lines: list[str] = []
    for number, (when, packages, specs) in enumerate(changes):
        verb = "install" if number else "create"
        lines.append(f"==> {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(when))} <==")
        lines.append(f"# cmd: {manager} {verb} -p {prefix} {' '.join(specs)}")
        if manager != "micromamba":
            lines.append(f"# conda version: {version}")
        lines += [
            f"+{CHANNEL_HOST}/{item.channel}/{item.subdir}::{item.name}-{item.version}-{item.build}"
            if manager == "micromamba"
            else f"+{item.channel}/{item.subdir}::{item.stem}"
            for item in packages
        ]
        if specs:
            lines.append(f"# update specs: {list(specs)!r}")
    return "\n".join(lines) + "\n"


def dist_info(name: str, version: str, installer: str, files: Sequence[str]) -> Mapping[str, str]:
    """The files of a ``*.dist-info`` folder."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    inside = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: a stand-in of the demo\n",
        "INSTALLER": f"{installer}\n",
    }
    if installer == "pip":
        inside["REQUESTED"] = ""
    listed = [*files, *(f"{folder}/{item}" for item in (*inside, "RECORD"))]
    inside["RECORD"] = "".join(f"{item},,\n" for item in listed)
    return {f"{folder}/{item}": text for item, text in inside.items()}


def closure(specs: Iterable[str], python: str, *, deep: bool = True) -> list[CatalogPackage]:
    """*specs* and, if *deep*, all that they depend on, each name once, sorted by name."""
    pins = {spec.partition("=")[0]: spec for spec in specs}
    todo = list(pins)
    pins.setdefault("python", f"python={python}")
    cuda = pins.get("cuda-cudart", "").partition("=")[2]
    if cuda:
        pins.setdefault("cuda-version", f"cuda-version={cuda}")
    chosen: dict[str, CatalogPackage] = {}
    while todo:
        name = todo.pop()
        if name not in chosen:
            chosen[name] = package(pins.get(name, name), python)
            todo += chosen[name].depends if deep else ()
    return [chosen[name] for name in sorted(chosen)]
