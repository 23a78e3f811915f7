"""What of the configuration this screen cannot do, in words; the configuration itself was found whole before."""

from __future__ import annotations

from collections.abc import Collection

from tui.domain.settings import Settings
from tui.domain.text import printable
from tui.ui.keymap import Keymap
from tui.ui.language import tr
from tui.ui.themes import unknown_theme

__all__ = ["unused"]


def unused(settings: Settings, keymap: Keymap, themes: Collection[str]) -> list[str]:
    """A sentence for each thing, as ``FILE:LINE: KEY: what is wrong; did you mean …?``; in printed form."""
    found = [(f"keys.{problem.command}", problem.why) for problem in keymap.problems]
    if settings.theme is not None and settings.theme not in themes:
        found.insert(0, ("theme", unknown_theme(settings.theme, themes)))
    return [f"{_place(settings, key)}: {printable(key)}: {why}" for key, why in found]


def _place(settings: Settings, key: str) -> str:
    file = tr("the configuration") if settings.file is None else printable(settings.file)
    return f"{file}:{settings.lines[key]}" if key in settings.lines else file
