"""Plans as libmamba's programs print them: a table, or a JSON document."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from tui.demo.standin.dists import Dist, base_url, canonical
from tui.demo.standin.place import Place
from tui.demo.standin.plans import Change

__all__ = ["document", "ruled", "size_of", "transaction"]

_RULE = "─"


def size_of(size: int) -> str:
    """A size as they print it."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{round(size / unit)}{name}"
    return f"{size} B"


def _channel(place: Place, dist: Dist) -> str:
    name = canonical(place, base_url(dist))
    return name.partition("://")[2] if "://" in name else name


def ruled(width: int) -> str:
    """A line."""
    return _RULE * width


def transaction(place: Place, change: Change, fetch: Sequence[Dist], *, sizes: bool = True) -> str:
    """What stands under ``Transaction``."""
    out = ["Transaction", "", f"  Prefix: {change.prefix}", ""]
    if change.is_nothing:
        return "\n".join([*out, "  All requested packages already installed", ""])
    for title, specs in (("Updating", change.added), ("Removing", change.removed)):
        if specs:
            out += [f"  {title} specs:", "", *(f"   - {spec}" for spec in specs), ""]
    fetched = {str(dist["fn"]) for dist in fetch}
    groups = [(title, rows) for title, rows in _groups(change) if rows]
    cells: list[tuple[str, ...]] = [("Package", "Version", "Build", "Channel", "Size")]
    for _, rows in groups:
        for sign, dist in rows:
            size = size_of(int(dist.get("size") or 0)) if str(dist["fn"]) in fetched and sign == "+" else "Cached"
            named = (f"{sign} {dist['name']}", dist["version"], dist["build"], _channel(place, dist))
            cells.append((*named, size if sizes else ""))
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    widths[4] = max(len(row[4]) for row in cells[1:]) + 3
    rule = ruled(2 + sum(widths) + 2 * 5)
    lines = iter([_line(row, widths) for row in cells])
    out += ["", next(lines), rule]
    for title, rows in groups:
        out += [f"  {title}:", rule, "", *(next(lines) for _ in rows), ""]
    out += ["  Summary:", ""]
    out += [f"  {title}: {len({dist['name'] for _, dist in rows})} packages" for title, rows in groups]
    total = sum(int(dist.get("size") or 0) for dist in fetch)
    return "\n".join([*out, "", f"  Total download: {size_of(total)}", "", rule, ""])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, version, build, channel, size = row
    first, second, third, fourth, fifth = widths
    return f"  {name:<{first}}  {version:>{second}}  {build:<{third}}  {channel:<{fourth}}  {size:>{fifth}}"


def _groups(change: Change) -> Iterable[tuple[str, list[tuple[str, Dist]]]]:
    from rattler import Version

    gone = {str(dist["name"]): dist for dist in change.unlink}
    come = {str(dist["name"]): dist for dist in change.link}
    yield "Install", [("+", come[name]) for name in sorted(come.keys() - gone.keys())]
    yield "Remove", [("-", gone[name]) for name in sorted(gone.keys() - come.keys())]
    both = sorted(come.keys() & gone.keys())
    ways = {name: (Version(str(come[name]["version"])), Version(str(gone[name]["version"]))) for name in both}
    for title, chosen in (
        ("Change", [name for name in both if ways[name][0] == ways[name][1]]),
        ("Upgrade", [name for name in both if ways[name][0] > ways[name][1]]),
        ("Downgrade", [name for name in both if ways[name][0] < ways[name][1]]),
    ):
        yield title, [row for name in chosen for row in (("-", gone[name]), ("+", come[name]))]


def _entry(dist: Dist, channel: str) -> dict[str, Any]:
    keys = (
        "constrains",
        "depends",
        "fn",
        "license",
        "md5",
        "name",
        "noarch",
        "sha256",
        "size",
        "subdir",
        "url",
        "version",
    )
    told = {key: dist[key] for key in keys if key in dist}
    more = {"build": dist["build"], "build_number": dist["build_number"], "build_string": dist["build"]}
    told["version"] = dist["version"]
    timestamp = int(dist.get("timestamp") or 0) // 1000
    return {**told, **more, "channel": channel, "timestamp": timestamp, "track_features": ""}


def document(place: Place, change: Change, fetch: Sequence[Dist], *, dry: bool) -> str:
    """The same as JSON."""
    told: dict[str, Any] = {"dry_run": dry, "prefix": change.prefix, "success": True}
    if change.is_nothing:
        told["message"] = "All requested packages already installed"
    else:
        actions: dict[str, Any] = {"PREFIX": change.prefix}
        for key, dists in (("FETCH", fetch), ("LINK", change.link)):
            if dists:
                actions[key] = [_entry(dist, base_url(dist)) for dist in dists]
        if change.unlink:
            actions["UNLINK"] = [_entry(dist, f"{base_url(dist)}/{dist['subdir']}") for dist in change.unlink]
        told["actions"] = actions
    return json.dumps(told, indent=4, sort_keys=True) + os.linesep
