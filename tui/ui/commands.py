"""What a command is: declared once, it has its key, footer, palette entry and help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding

from tui.domain.phrases import phrase
from tui.ui.language import tr

__all__ = ["Command", "bindings", "palette_title"]

WRITTEN = {
    "slash": "/", "question_mark": "?", "colon": ":", "minus": "-", "asterisk": "*", "space": "Space",
    "enter": "⏎", "escape": "Esc", "less_than_sign": "<", "greater_than_sign": ">", "equals_sign": "=",
    "delete": "Del", "plus": "+", "exclamation_mark": "!",
}  # fmt: skip
"""Keys whose name for Textual is not what stands on them."""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb of the screen. *action* is Textual's action name, run on the screen that shows it."""

    id: str
    """Stable; the configuration's ``keys:`` names it."""
    keys: str
    """Textual key names, comma-separated; the first is shown."""
    label: str
    """One or two words, for the footer."""
    help: str
    """A sentence, for the keys dialog and the palette."""
    action: str
    modes: tuple[str, ...] = ()
    """The modes and views that have it; empty: all."""
    footer: bool | tuple[str, ...] = False
    """In the footer: everywhere, nowhere, or in these modes; 80 columns hold about eight."""
    rank: int = 1
    """What a footer without room for all drops first: the highest, of equals the last; 0 always has its place."""
    palette: bool = True
    dangerous: bool = False
    """It changes something on a host; never on a plain letter, and not there at all with ``--readonly``."""
    over: str = ""
    """The screen's method that does it to a list of rows: the palette then offers it for the row, the marked
    rows and all rows shown."""

    def in_mode(self, mode: str) -> bool:
        """True when *mode* has it."""
        return not self.modes or mode in self.modes

    @property
    def key_text(self) -> str:
        """The key as a person reads it."""
        first = self.keys.split(",")[0]
        return WRITTEN.get(first, first)

    def binding(self, mode: str) -> Binding:
        """Textual's binding of it in *mode*."""
        return Binding(
            self.keys,
            self.action,
            phrase(self.label),
            show=mode in self.footer if isinstance(self.footer, tuple) else self.footer,
            key_display=self.key_text,
            tooltip=phrase(self.help),
            id=self.id,
        )


def palette_title(command: Command) -> str:
    """Its label for the palette; the English one stands beside another language's, because it needs no input method."""
    label = tr(command.label)
    return label if label == command.label else f"{label} {command.label}"


def bindings(commands: Iterable[Command], mode: str) -> list[Binding]:
    """The bindings of a mode's screen."""
    return [command.binding(mode) for command in commands if command.in_mode(mode)]
