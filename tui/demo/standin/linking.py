"""One package's files: which they are, how each comes into an environment, and the record of it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.demo.standin.dists import Dist
from tui.demo.standin.faults import Fault

__all__ = ["Inside", "link_file", "package_files", "record", "write_entry_point"]

_ENTRY = re.compile(r"\s*([^=\s]+)\s*=\s*([^:\s]+):(\S+)\s*")
_NOT_IN_RECORDS = ("files", "paths_data", "link", "requested_spec", "requested_specs", "extracted_package_dir")


@dataclass(frozen=True)
class Inside:
    """One file of a package and where it goes."""

    source: str
    target: str
    entry: dict[str, Any]
    """Of ``info/paths.json``."""
    entry_point: tuple[str, str] | None = None
    """(module, function) of a script that is written, not linked."""


def package_files(folder: Path, python: str | None) -> list[Inside]:
    """The files of the package unpacked in *folder*, for an environment with that Python."""
    entries = json.loads((folder / "info/paths.json").read_bytes())["paths"]
    link: dict[str, Any] = {}
    if (folder / "info/link.json").exists():
        link = json.loads((folder / "info/link.json").read_bytes()).get("noarch", {})
    if link.get("type") != "python":
        return [Inside(entry["_path"], entry["_path"], entry) for entry in entries]
    found = []
    for entry in entries:
        path = str(entry["_path"])
        if path.startswith("site-packages/"):
            target = f"lib/python{python}/{path}"
        elif path.startswith("python-scripts/"):
            target = f"bin/{path.removeprefix('python-scripts/')}"
        else:
            target = path
        found.append(Inside(path, target, entry))
    for text in link.get("entry_points", ()):
        told = _ENTRY.fullmatch(text)
        if told:
            found.append(Inside("", f"bin/{told[1]}", {}, (told[2], told[3])))
    return found


def link_file(source: Path, target: str, file: Inside, prefix: str) -> dict[str, Any]:
    """Bring one file to *target*; returns what the record says of it."""
    entry = file.entry
    told = {"_path": file.target, **{key: entry[key] for key in ("path_type", "sha256", "size_in_bytes")}}
    placeholder = entry.get("prefix_placeholder")
    if placeholder:
        body = _replaced(source.read_bytes(), placeholder, prefix, str(entry["file_mode"]))
        Path(target).write_bytes(body)
        shutil.copymode(source, target)
        changed = {"file_mode": entry["file_mode"], "prefix_placeholder": placeholder}
        return {**told, **changed, "sha256_in_prefix": hashlib.sha256(body).hexdigest()}
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EMLINK, errno.EPERM):
            raise
        shutil.copy2(source, target, follow_symlinks=False)
    return {**told, "sha256_in_prefix": entry["sha256"]}


def _replaced(body: bytes, placeholder: str, prefix: str, mode: str) -> bytes:
    old, new = placeholder.encode(), os.fsencode(prefix)
    if mode == "text":
        return body.replace(old, new)
    if len(new) > len(old):
        raise Fault("PaddingError", f"Placeholder of length '{len(old)}' too short in package.")
    pattern = re.compile(re.escape(old) + rb"([^\0]*)\0")
    return pattern.sub(lambda found: (new + found[1]).ljust(len(old) + len(found[1]), b"\0") + b"\0", body)


def write_entry_point(prefix: str, file: Inside) -> dict[str, Any]:
    """The script of an entry point; returns what the record says of it."""
    module, function = file.entry_point or ("", "")
    first = function.partition(".")[0]
    text = (
        f"#!{prefix}/bin/python\n# -*- coding: utf-8 -*-\nimport re\nimport sys\n\nfrom {module} import {first}\n\n"
        "if __name__ == '__main__':\n    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])\n"
        f"    sys.exit({function}())\n"
    )
    path = Path(prefix, file.target)
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    path.chmod(0o755)
    return {"_path": file.target, "path_type": "unix_python_entry_point"}


def record(
    dist: Dist, folder: Path, paths: list[dict[str, Any]], requested: str | None, *, same_device: bool = True
) -> dict[str, Any]:
    """``conda-meta/NAME-VERSION-BUILD.json``. *same_device*: its files are links, and no copies."""
    body = {key: value for key, value in dist.items() if key not in _NOT_IN_RECORDS}
    with_defaults = {
        "arch": None,
        "constrains": [],
        "depends": [],
        "features": "",
        "license": "",
        "platform": None,
        "track_features": "",
        **body,
    }
    return {
        **with_defaults,
        "extracted_package_dir": str(folder),
        "files": [entry["_path"] for entry in paths],
        "link": {"source": str(folder), "type": 1 if same_device else 3},
        "package_tarball_full_path": f"{folder.parent}/{dist['fn']}",
        "paths_data": {"paths": paths, "paths_version": 1},
        "requested_spec": requested or "None",
    }
