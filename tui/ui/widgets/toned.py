"""The mixin that turns tones into the theme's colours, by component classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.present.cell import Cell, Tone

__all__ = ["TONE_STYLES", "Toned", "content"]

TONE_STYLES: dict[Tone, str] = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.DIM: "$foreground 60%",
    Tone.GOOD: "$text-success",
    Tone.WARN: "$text-warning",
    Tone.BAD: "$text-error",
    Tone.ACCENT: "$text-accent",
}


def content(spans: Cell) -> Content:
    """A cell as Textual content; its text is never read as markup."""
    return Content.assemble(*(Content.styled(text, TONE_STYLES[tone]) for text, tone in spans))


class Toned(Widget):
    """A line-API widget that paints cells."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tone--{tone.value}" for tone in Tone}
    DEFAULT_CSS = """
    Toned {
        & > .tone--plain { color: $foreground; }
        & > .tone--strong { color: $foreground; text-style: bold; }
        & > .tone--dim { color: $text-muted; }
        & > .tone--good { color: $text-success; }
        & > .tone--warn { color: $text-warning; }
        & > .tone--bad { color: $text-error; text-style: bold; }
        & > .tone--accent { color: $text-accent; }
        & > .tone--title { color: $text-secondary; text-style: bold; }
    }
    """

    _bases: dict[str, Style]
    _tones: dict[tuple[str, Tone], Style]

    def set_extent(self, size: Size) -> None:
        """Let *size* be what there is to scroll over.

        Setting ``virtual_size`` has the whole screen laid out anew, although nothing moves for it: a pane's own size
        is never that of what it shows. Here there is a layout only when the scrollbar comes or goes.
        """
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Styles are the same for all lines of one painting: looking them up anew for each cell is most of its cost."""
        self.forget_tones()
        return super().render_lines(crop)

    def forget_tones(self) -> None:
        """Look the styles up anew: to be called before each painting."""
        self._bases, self._tones = {}, {}

    def base(self, over: str = "") -> Style:
        """The style of blanks; *over* names the component class of a special line (cursor, title)."""
        found = self._bases.get(over)
        if found is None:
            found = self.rich_style
            if over:
                own = self.get_component_rich_style(over)
                found = found + Style(bgcolor=own.bgcolor, reverse=own.reverse or None, underline=own.underline or None)
            self._bases[over] = found
        return found

    def segments(self, spans: Cell, over: str = "") -> Iterable[Segment]:
        """*spans* in the theme's colours on the background of :meth:`base`."""
        for text, tone in spans:
            style = self._tones.get((over, tone))
            if style is None:
                # Not the partial style: only the whole one has muted colours blended with the background.
                own = self.get_component_rich_style(f"tone--{tone.value}")
                style = self._tones[over, tone] = self.base(over) + Style(color=own.color, bold=own.bold)
            yield Segment(text, style)
