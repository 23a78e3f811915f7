"""What an environment's history says was asked for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

__all__ = ["pins", "requests"]

_SPECS = re.compile(r"# (update|remove|install) specs: (\[.*\])")
_NAME = re.compile(r"(?:.*::)?([A-Za-z0-9_.-]+)")


def pins(prefix: str) -> list[str]:
    """The specs of ``conda-meta/pinned``."""
    try:
        lines = Path(prefix, "conda-meta/pinned").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def requests(prefix: str) -> dict[str, str]:
    """By package name, the spec that asked for it last and still counts."""
    found: dict[str, str] = {}
    try:
        lines = Path(prefix, "conda-meta/history").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return found
    for line in lines:
        told = _SPECS.fullmatch(line.strip())
        if told is None:
            continue
        try:
            specs = [str(spec) for spec in ast.literal_eval(told[2])]
        except (ValueError, SyntaxError):
            continue
        for spec in specs:
            name = _NAME.match(spec)
            if name is None:
                continue
            if told[1] == "remove":
                found.pop(name[1], None)
            else:
                found[name[1]] = spec
    return found
