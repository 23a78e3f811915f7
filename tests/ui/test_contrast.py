"""Text can be read on every row, in every theme of ours."""

from __future__ import annotations

import pytest

from tests.ui.driving import front, quiet, running
from tests.ui.fake_fleet import usual_fleet
from tui.ui.present.cell import Tone, cell
from tui.ui.themes import MONOCHROME, THEMES
from tui.ui.widgets.toned import CONTRAST, contrast

ROWS = ("grid--cursor", "grid--cursor-blurred", "grid--marked", "grid--head")


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES if theme.name != MONOCHROME])
async def test_every_tone_is_read_on_every_kind_of_row(theme: str) -> None:
    async with running(usual_fleet()) as (app, pilot):
        app.theme = theme
        await quiet(pilot)
        grid = front(app).grid
        grid.forget_tones()
        for over in ROWS:
            for tone in Tone:
                (segment,) = grid.segments(cell("x", tone), over)
                style = segment.style
                assert style is not None and style.color is not None and style.bgcolor is not None
                ratio = contrast(style.color.get_truecolor(), style.bgcolor.get_truecolor())
                assert ratio >= CONTRAST, f"{tone} on {over}: {ratio:.2f}"
