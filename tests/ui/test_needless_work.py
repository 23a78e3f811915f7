"""What the screen does not do, because keys would wait for it."""

from __future__ import annotations

import pytest
from textual.css.stylesheet import Stylesheet

from tests.ui.driving import front, quiet, running
from tests.ui.fake_fleet import usual_fleet
from tui.ui.present.cell import cell
from tui.ui.present.lines import Line


async def test_no_sheet_is_read_anew_for_another_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(usual_fleet(), (160, 45)) as (app, pilot):
        await quiet(pilot)
        read: list[str] = []
        reparse = Stylesheet.reparse

        def noted(sheet: Stylesheet) -> None:
            read.append(front(app).MODE)
            reparse(sheet)

        monkeypatch.setattr(Stylesheet, "reparse", noted)
        for key in "24621":
            await pilot.press(key)
            await quiet(pilot)
        assert read == []
        app.theme = "textual-light"
        await quiet(pilot)
        assert read


async def test_no_layout_is_made_for_a_longer_detail() -> None:
    async with running(usual_fleet(), (160, 45)) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        pane = front(app).detail
        assert not pane.show_vertical_scrollbar
        laid_out: list[int] = []
        signal = app.screen.screen_layout_refresh_signal
        signal.subscribe(pane, lambda _: laid_out.append(pane.virtual_size.height))
        for number in (3, 9, 5):
            pane.show(number, cell("title"), [Line(cell("words"))] * number)
            await quiet(pilot)
            assert pane.virtual_size.height == number + 1
        assert laid_out == []
        pane.show(99, cell("title"), [Line(cell("words"))] * 99)
        await quiet(pilot)
        assert laid_out
        assert pane.show_vertical_scrollbar
