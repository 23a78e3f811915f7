"""The keys at the bottom of a screen."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tui.ui.catalog import COMMANDS
from tui.ui.language import said

__all__ = ["KeyLine", "fitting"]

_RANKS = {command.action: command.rank for command in COMMANDS}
_BLANKS = 3
"""Around a key and behind its label."""


class KeyLine(Footer):
    """The keys of whatever has the focus, as many as there is room for; those to help and out are always there."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._made_for = 0

    def compose(self) -> ComposeResult:
        self._made_for = self.app.size.width
        keys = [key for key in super().compose() if isinstance(key, FooterKey)]
        for key in keys:
            key.description = said(key.description)
            if isinstance(key.tooltip, str):
                key.tooltip = said(key.tooltip)
        widths = [cell_len(key.key_display) + cell_len(key.description) + _BLANKS for key in keys]
        ranks = [_RANKS.get(key.action, 0) for key in keys]
        for place in fitting(widths, ranks, self._made_for):
            yield keys[place]

    def on_resize(self, event: events.Resize) -> None:
        if self.app.size.width != self._made_for:
            self.refresh(recompose=True)


def fitting(widths: list[int], ranks: list[int], room: int) -> list[int]:
    """The places of what stays within *room*: the highest rank goes first, of equals the last; rank 0 never goes."""
    kept = list(range(len(widths)))
    while sum(widths[place] for place in kept) > room:
        least = max(kept, key=lambda place: (ranks[place], place))
        if ranks[least] == 0:
            break
        kept.remove(least)
    return kept
