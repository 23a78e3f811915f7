"""The mixin that turns tones into the theme's colours, by component classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.color import Color as RichColor
from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.ui.present.cell import Cell, Tone

__all__ = ["CONTRAST", "TONE_STYLES", "Toned", "content", "contrast"]

TONE_STYLES: dict[Tone, str] = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.DIM: "$foreground 60%",
    Tone.GOOD: "$text-success",
    Tone.WARN: "$text-warning",
    Tone.BAD: "$text-error",
    Tone.ACCENT: "$text-accent",
}

CONTRAST = 4.5
"""The least contrast of text, as WCAG 2 asks of it."""
STEPS = 10
"""From a tone's own colour to that of plain text."""


def content(spans: Cell) -> Content:
    """A cell as Textual content; its text is never read as markup."""
    return Content.assemble(*(Content.styled(text, TONE_STYLES[tone]) for text, tone in spans))


def _legible(own: Style, base: Style) -> RichColor | None:
    """The colour of *own*, as near to that of plain text as it takes to be read on the background of *base*.

    Tones are made for the widget's background; a cursor's is another.
    """
    front, text, behind = (None if each is None else each.triplet for each in (own.color, base.color, base.bgcolor))
    if base.reverse or front is None or text is None or behind is None:
        return own.color  # colours that only the terminal knows
    for step in range(STEPS + 1):
        mixed = blend_rgb(front, text, step / STEPS)
        if contrast(mixed, behind) >= CONTRAST:
            break
    return RichColor.from_triplet(mixed)


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    """How well two colours are told apart, 1 to 21, as WCAG 2 counts it."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: ColorTriplet) -> float:
    shares = [each / 255 for each in colour]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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
                base = self.base(over)
                colour = _legible(own, base) if over else own.color
                style = self._tones[over, tone] = base + Style(color=colour, bold=own.bold)
            yield Segment(text, style)
