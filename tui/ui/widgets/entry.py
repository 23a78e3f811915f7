"""A field that offers how its words may go on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui.domain.text import is_printed, printable

__all__ = ["Complete", "Entry"]

Complete = Callable[[str], str | Awaitable[str | None] | None]


class Entry(Input):
    """One line; what it may become stands behind the cursor, and Tab or → takes it. Else Tab goes on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "take", "Complete", show=False),
        # An action, not a message to wait for: the next key may be here already, and is the next field's.
        Binding("enter", "screen.go_on", "On", show=False),
        Binding("up", "app.focus_previous", "Back", show=False),
        Binding("down", "app.focus_next", "On", show=False),
    ]

    class Offers(Suggester):
        """What the words may become, shown behind the cursor."""

        def __init__(self, complete: Complete) -> None:
            super().__init__(use_cache=False, case_sensitive=True)
            self._complete = complete

        async def get_suggestion(self, value: str) -> str | None:
            found = self._complete(value)
            offered = await found if isawaitable(found) else found
            # It is painted as it stands, and may come from a host.
            return offered if offered is not None and is_printed(offered) else None

    def __init__(self, value: str = "", *, id: str, placeholder: str = "", complete: Complete | None = None) -> None:
        """*complete* gives words as they most likely go on, or None; it is called after each key."""
        super().__init__(
            value,
            id=id,
            placeholder=placeholder,
            compact=True,
            select_on_focus=False,
            suggester=None if complete is None else self.Offers(complete),
        )

    def insert_text_at_cursor(self, text: str) -> None:
        """As any field's; what a terminal would obey is written out: it may come with what is pasted."""
        super().insert_text_at_cursor("".join(each if each == "\\" else printable(each) for each in text))

    def action_take(self) -> None:
        """Take what is offered, as → does; to the next field when nothing is."""
        before = self.value
        if self.cursor_at_end:
            self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()
