"""The texts that package managers leave behind: conda records, history files, pip's metadata."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tui.demo.catalog import CatalogPackage, package

__all__ = ["CHANNEL_HOST", "closure", "dist_info", "filled", "history", "inside", "record"]

CHANNEL_HOST = "https://conda.example.org"
"""Stands for wherever a team mirrors its channels; nothing is ever fetched from it."""
_CACHE = "@CACHE@"
_REQUESTED = "@REQUESTED@"


def record(entry: Mapping[str, Any], paths: Iterable[Mapping[str, Any]], python: str, *, indent: int = 2) -> str:
    """``conda-meta/NAME-VERSION-BUILD.json`` for :func:`filled`: the same for every environment with that *python*.

    *entry*: what the channel's index says; *paths*: of ``info/paths.json``.
    """
    listed = [{**each, "_path": inside(each["_path"], python), "sha256_in_prefix": each["sha256"]} for each in paths]
    body: dict[str, object] = {
        **entry,
        "channel": str(entry["channel"]).rpartition("/")[0],
        "extracted_package_dir": _CACHE,
        "features": "",
        "files": [each["_path"] for each in listed],
        "link": {"source": _CACHE, "type": 1},
        "package_tarball_full_path": f"{_CACHE}.conda",
        "paths_data": {"paths": listed, "paths_version": 1},
        "requested_spec": _REQUESTED,
        "track_features": "",
    }
    return json.dumps(dict(sorted(body.items())), indent=indent) + "\n"


def filled(text: str, cache: str, requested: str | None) -> str:
    """A text of :func:`record` for one environment; *cache*: the package's folder."""
    return text.replace(_CACHE, json.dumps(cache)[1:-1]).replace(_REQUESTED, requested or "None")


def inside(path: str, python: str) -> str:
    """Where a package's *path* lies in an environment."""
    return f"lib/python{python}/{path}" if path.startswith("site-packages/") else path


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
