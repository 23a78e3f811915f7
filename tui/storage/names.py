"""Names out of the last snapshots, for completion: read without making anything of the rest."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

from tui.storage import paths
from tui.storage.atomic import read_own
from tui.storage.snapshots import MAX_BYTES, SUFFIX, file_name, unpack

__all__ = ["kept_names"]


def kept_names(host: str, part: str, state_dir: Path | None = None) -> list[dict[str, Any]]:
    """The items of *part* (``environments``, ``sessions``) in the last snapshot of *host*, as they were written.

    Fields at their default are left out, as in the file. Nothing kept, or nothing readable, is an empty list.
    """
    root = paths.state_dir() if state_dir is None else state_dir
    try:
        raw = read_own(root / "snapshots" / file_name(host, SUFFIX), MAX_BYTES)
        data = None if raw is None else json.loads(unpack(raw))
        items = data["snapshot"][part]["value"] if data is not None else []
        return [item for item in items if isinstance(item, dict)]
    except (OSError, ValueError, EOFError, KeyError, TypeError, zlib.error, RecursionError):
        return []  # completion says nothing rather than something wrong
