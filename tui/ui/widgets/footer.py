"""The keys at the bottom of a screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.catalog import COMMANDS
from tui.ui.language import said

if TYPE_CHECKING:
    from textual.binding import Binding
    from textual.screen import Screen

__all__ = ["KeyLine", "ShownKey", "fitting"]

_RANKS = {command.action: command.rank for command in COMMANDS}
_BLANKS = 3
"""Around a key and behind its label."""


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key as it stands in the line."""

    key: str
    """What the terminal sends for it."""
    display: str
    label: str
    action: str
    enabled: bool
    tooltip: str

    @property
    def width(self) -> int:
        """Columns, with the blanks."""
        return cell_len(self.display) + cell_len(self.label) + _BLANKS


class KeyLine(Widget):
    """The keys of whatever has the focus, as many as there is room for; those to help and out are always there.

    One line that is painted anew when its keys change: a widget for each key, as Textual's own footer has it, costs
    more at each change of the focus than the table does.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--label", "key-line--hover"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        color: $footer-foreground;
        background: $footer-background;
        & > .key-line--key { color: $footer-key-foreground; background: $footer-key-background; text-style: bold; }
        & > .key-line--label { color: $footer-description-foreground; background: $footer-description-background; }
        & > .key-line--hover { background: $block-hover-background; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: tuple[ShownKey, ...] = ()
        """What is shown, from the left."""
        self._all: tuple[ShownKey, ...] = ()
        self._under: ShownKey | None = None
        """The key under the mouse."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen.app.app_focus and self.is_attached and screen is self.screen:
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        """Show the keys that work now."""
        if not self.is_attached:
            return
        first: dict[str, tuple[Binding, bool, str]] = {}
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            if binding.show:
                first.setdefault(binding.action, (binding, enabled, tooltip))
        self._all = tuple(
            ShownKey(
                binding.key,
                self.app.get_key_display(binding),
                said(binding.description),
                binding.action,
                enabled,
                said(tooltip) if tooltip else "",
            )
            for binding, enabled, tooltip in first.values()
        )
        self._choose()

    def _choose(self) -> None:
        ranks = [_RANKS.get(key.action, 0) for key in self._all]
        places = fitting([key.width for key in self._all], ranks, self.app.size.width)
        keys = tuple(self._all[place] for place in places)
        if keys != self.keys:
            self.keys = keys
            self._point(None)
            self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self._choose()

    # Mouse

    def key_at(self, x: int) -> ShownKey | None:
        """The key that column *x* belongs to."""
        left = 0
        for key in self.keys:
            if left <= x < left + key.width:
                return key
            left += key.width
        return None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        key = self.key_at(int(event.x))
        if key is None:
            return
        if key.enabled:
            self.app.simulate_key(key.key)
        else:
            self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._point(self.key_at(int(event.x)))

    def on_leave(self) -> None:
        self._point(None)

    def _point(self, key: ShownKey | None) -> None:
        if key != self._under:
            self._under = key
            self.tooltip = key.tooltip or None if key is not None else None
            self.styles.pointer = "pointer" if key is not None else "default"
            self.refresh()

    # Painting

    def render_line(self, y: int) -> Strip:
        blank = self.rich_style
        parts = [blank + self.get_component_rich_style(f"key-line--{part}") for part in ("key", "label")]
        hover = Style(bgcolor=self.get_component_rich_style("key-line--hover").bgcolor)
        segments: list[Segment] = []
        for key in self.keys if y == 0 else ():
            over = (hover if key == self._under else Style()) + (Style() if key.enabled else Style(dim=True))
            segments.append(Segment(f" {key.display} ", parts[0] + over))
            segments.append(Segment(f"{key.label} ", parts[1] + over))
        return Strip(segments).adjust_cell_length(self.size.width, Style(bgcolor=blank.bgcolor))


def fitting(widths: list[int], ranks: list[int], room: int) -> list[int]:
    """The places of what stays within *room*: the highest rank goes first, of equals the last; rank 0 never goes."""
    kept = list(range(len(widths)))
    while sum(widths[place] for place in kept) > room:
        least = max(kept, key=lambda place: (ranks[place], place))
        if ranks[least] == 0:
            break
        kept.remove(least)
    return kept
