"""Textual's palette, speaking the language of the screen."""

from __future__ import annotations

from textual.command import CommandList, CommandPalette
from textual.content import Content
from textual.widgets.option_list import Option

from tui.ui.language import tr

__all__ = ["Palette"]


class Palette(CommandPalette):
    """It says in the screen's language that nothing was found; else it is Textual's own."""

    def _start_no_matches_countdown(self, search_value: str) -> None:
        # Textual has no hook for its one sentence. Should this method be called otherwise one day, it is in English.
        self._stop_no_matches_countdown()

        def show() -> None:
            if search_value:
                nothing = Option(Content(tr("Nothing matches")), disabled=True, id=self._NO_MATCHES)
                self.query_one(CommandList).add_option(nothing)
            self._list_visible = bool(search_value)

        self._no_matches_timer = self.set_timer(self._NO_MATCHES_COUNTDOWN, show)
