"""Where the pip packages of an environment came from: ``direct_url.json`` (PEP 610), ``*.egg-link``, ``*.pth``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from tui.domain.envrecord import PipOrigin
from tui.domain.packages import canonical_name
from tui.domain.text import decode, encode
from tui.remote.jsontext import read_json
from tui.remote.packages import dist_of_folder

__all__ = ["Origins", "read_origins"]

MOST_PATHS = 1000
_LINE = re.compile(
    r"lib/[^/]+/site-packages/(?:(?P<dist>[^/]+?\.dist-info)/direct_url\.json|(?P<egg>[^/]+?\.egg-link)"
    r"|(?P<pth>[^/]+?\.pth)):(?P<text>.*)\Z",
    re.DOTALL,
)
_EDITABLE_PTH = re.compile(r"__editable__\.(?P<name>.+?)-[0-9][^-]*\.pth\Z")
_HASH = re.compile(r"[a-z0-9_]{1,20}[=:][0-9a-fA-F]{16,200}\Z")


@dataclass(slots=True)
class Origins:
    """What was found."""

    packages: dict[str, tuple[PipOrigin, str | None]] = field(default_factory=dict)
    """By canonical name: kind and address; packages from an index are not there."""
    added_paths: list[tuple[str, str]] = field(default_factory=list)
    """(``*.pth`` file, folder outside the environment) that no package here explains."""


def read_origins(text: str, prefix: str) -> Origins:
    """What the lines of ``=places`` say of the environment at *prefix*. Never raises."""
    found = Origins()
    urls: dict[str, list[str]] = {}
    eggs: dict[str, str] = {}
    paths: dict[tuple[str, str], None] = {}
    for line in text.split("\n"):
        match = _LINE.match(line)
        if match is None:
            continue
        said = match["text"].strip("\r")
        if match["dist"]:
            urls.setdefault(match["dist"], []).append(said)
        elif match["egg"]:
            eggs.setdefault(match["egg"], said.strip())
        elif said.startswith("/") and len(paths) < MOST_PATHS:
            paths[(match["pth"], said.rstrip())] = None
    for folder, lines in urls.items():
        origin = _direct("\n".join(lines))
        if origin is not None:
            found.packages[_name(folder)] = origin
    for link, place in eggs.items():
        found.packages[_name(link)] = (PipOrigin.EDITABLE, place or None)
    for file, path in paths:
        editable = _EDITABLE_PTH.match(file)
        if editable is not None:
            found.packages.setdefault(canonical_name(editable["name"]), (PipOrigin.EDITABLE, path))
    sources = [address for _, address in found.packages.values() if address and address.startswith("/")]
    inside = [prefix, *sources]
    found.added_paths += [(file, path) for file, path in paths if not any(_below(path, place) for place in inside)]
    return found


def _name(folder: str) -> str:
    return canonical_name(dist_of_folder(folder)[0])


def _below(path: str, place: str) -> bool:
    stem = place.rstrip("/")
    return path.rstrip("/") == stem or path.startswith(f"{stem}/")


def _direct(text: str) -> tuple[PipOrigin, str | None] | None:
    """What a ``direct_url.json`` says; None when it says nothing that can be read."""
    data = read_json(text)
    url = data.get("url") if isinstance(data, dict) else None
    if not isinstance(url, str) or not url:
        return None
    vcs, archive, folder = (_part(data, key) for key in ("vcs_info", "archive_info", "dir_info"))
    if folder is not None and folder.get("editable") is True:
        return PipOrigin.EDITABLE, _path(url)
    if url.startswith("file:") or folder is not None:
        return PipOrigin.LOCAL, _path(url)
    below = data.get("subdirectory")
    marks = [f"subdirectory={below}"] if isinstance(below, str) and below else []
    if vcs is not None:
        commit, tool = vcs.get("commit_id"), vcs.get("vcs")
        address = f"{tool}+{url}" if isinstance(tool, str) else url
        url = f"{address}@{commit}" if isinstance(commit, str) and commit else address
    elif archive is not None:
        marks = [*_hash(archive), *marks]
    return PipOrigin.URL, url if "#" in url or not marks else f"{url}#{'&'.join(marks)}"


def _part(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = data.get(key)
    return value if isinstance(value, dict) else None


def _hash(archive: Mapping[str, Any]) -> list[str]:
    hashes = archive.get("hashes")
    known = hashes.get("sha256") if isinstance(hashes, dict) else None
    word = f"sha256={known}" if isinstance(known, str) else archive.get("hash")
    return [word.replace(":", "=", 1)] if isinstance(word, str) and _HASH.match(word) else []


def _path(url: str) -> str:
    """The path of a ``file:`` address; any other as it stands."""
    if not url.startswith("file:"):
        return url
    rest = re.split(r"[?#]", url[5:], maxsplit=1)[0]
    if rest.startswith("//"):
        rest = "/" + rest[2:].partition("/")[2]
    return decode(unquote_to_bytes(encode(rest)))
