"""How the person left the screen, in one small file on the operator's machine."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tui.domain.errors import StorageError
from tui.domain.layout import Layout, ViewLayout
from tui.storage import paths
from tui.storage.atomic import read_own, write_private

__all__ = ["Layouts"]

log = logging.getLogger(__name__)

SCHEMA = 1
MAX_BYTES = 64 << 10
MAX_VIEWS = 50


class Layouts:
    """Implements :class:`tui.ports.LayoutStore` below *state_dir* (default: the user's).

    No method raises: a screen that is not remembered is no reason to stop, and is logged once. Of two screens
    at once the one that is left last is remembered.
    """

    def __init__(self, state_dir: Path | None = None) -> None:
        self._root = paths.state_dir() if state_dir is None else state_dir
        self._complained = False

    def load(self) -> Layout:
        """What was kept; the defaults when there is nothing, or nothing that can be read."""
        path = self._root / "layout.json"
        try:
            raw = read_own(path, MAX_BYTES)
            data: Any = None if raw is None else json.loads(raw)
        except (OSError, ValueError, RecursionError) as error:
            log.warning("the layout is not remembered: %s: %s", path, error)
            return Layout()
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            return Layout()
        views = data.get("views")
        return Layout(
            _text(data, "mode"),
            _text(data, "theme"),
            {name: _view(view) for name, view in list(views.items())[:MAX_VIEWS] if isinstance(view, dict)}
            if isinstance(views, dict)
            else {},
            data.get("notify") is True,
        )

    def save(self, layout: Layout) -> None:
        """Keep *layout*."""
        data = {"schema": SCHEMA, **asdict(layout)}
        try:
            write_private(paths.private_dir(self._root) / "layout.json", json.dumps(data).encode("ascii"))
        except (OSError, StorageError) as error:
            if not self._complained:
                self._complained = True
                log.warning("the layout is not kept in %s: %s", self._root, error)


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _view(data: Mapping[str, Any]) -> ViewLayout:
    return ViewLayout(
        _text(data, "sort"), data.get("falling") is True, _text(data, "grouping"), data.get("detail") is not False
    )
