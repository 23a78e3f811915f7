"""The one-line bars around a table: modes above, what is missing below."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tui.domain.phrases import phrase
from tui.ui.catalog import SHORT
from tui.ui.language import said, tr
from tui.ui.present.cell import BLANK, Cell, Tone, cell, join, width
from tui.ui.widgets.entry import Entry
from tui.ui.widgets.toned import content

__all__ = ["FilterBar", "ModeTab", "StatusLine", "TopBar"]

NARROW = 100
"""Below so many columns modes have short labels."""
ROOM = 16
"""Columns of the filter line that are neither words nor what is said of them: blanks, and some for what is offered."""


class ModeTab(Static):
    """The name of a mode with its key; a click switches to it."""

    DEFAULT_CSS = """
    ModeTab { width: auto; padding: 0 1; color: $text-muted; }
    ModeTab:hover { color: $foreground; }
    ModeTab.-current { background: $primary; color: $text; text-style: bold; }
    """

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode

    def __init__(self, mode: str, key: str, label: str, current: bool, short: str = "") -> None:
        super().__init__(Content(f"{key} {label}"), classes="-current" if current else "")
        self.mode = mode
        self._labels = (Content(f"{key} {label}"), Content(f"{key} {short or label}"))

    def shorten(self, short: bool) -> None:
        """Show the short label, or the whole one."""
        wanted = self._labels[short]
        if self.content != wanted:
            self.update(wanted)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Chosen(self.mode))


class TopBar(Horizontal):
    """The modes, or the way to a view, on the left; the fleet in a few words on the right."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $surface; }
    TopBar > #crumbs { width: auto; max-width: 70%; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    TopBar > #summary { width: 1fr; text-align: right; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, modes: list[tuple[str, str, str]], current: str, crumbs: Cell = BLANK) -> None:
        super().__init__(id="top")
        self._modes = modes
        self._current = current
        self._crumbs = crumbs
        self._summary: Cell | None = None

    def compose(self) -> ComposeResult:
        if self._crumbs:
            yield Static(content(self._crumbs), id="crumbs")
        else:
            for mode, key, label in self._modes:
                yield ModeTab(mode, key, label, mode == self._current, said(SHORT.get(mode, "")))
        yield Static(Content(""), id="summary")

    def on_resize(self, event: events.Resize) -> None:
        for tab in self.query(ModeTab):
            tab.shorten(event.size.width < NARROW)

    def summarize(self, summary: Cell) -> None:
        """Show the fleet's state."""
        if summary != self._summary:
            self._summary = summary
            self.query_one("#summary", Static).update(content(summary), layout=False)


class StatusLine(Static):
    """What is shown, and what is missing from it."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1; padding: 0 1; color: $text-muted; background: $surface;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self) -> None:
        super().__init__(Content(""), id="status")
        self._said: Cell | None = None

    def say(self, spans: Cell) -> None:
        """Show *spans*."""
        if spans != self._said:
            self._said = spans
            self.update(content(spans), layout=False)


class FilterBar(Horizontal):
    """The live filter: hidden while it is empty and not being typed into."""

    DEFAULT_CSS = """
    FilterBar { height: 1; display: none; background: $boost; }
    FilterBar.-open { display: block; }
    FilterBar > #slash { width: auto; padding: 0 0 0 1; color: $text-accent; text-style: bold; }
    FilterBar > Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $boost; }
    FilterBar > #asks {
        width: auto; max-width: 60%; padding: 0 1; color: $text-warning; text-style: bold; display: none;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    FilterBar.-asks > #asks { display: block; }
    FilterBar > #hits {
        width: auto; max-width: 75%; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis;
    }
    FilterBar > Input > .input--suggestion { text-style: italic; }
    """

    class Changed(Message):
        """The words changed."""

        def __init__(self, words: str) -> None:
            super().__init__()
            self.words = words

    class Left(Message):
        """Enter or an arrow: the person goes on in the table."""

    class _Field(Input):
        BINDINGS: ClassVar[list[BindingType]] = [
            Binding("tab", "take", phrase("Complete"), key_display="Tab"),
            # An action, not a message to wait for: the next key may be here already, and is the table's.
            Binding("enter", "screen.leave_filter", phrase("To the table"), key_display="⏎"),
            Binding("escape", "screen.back", phrase("Clear"), key_display="Esc"),
            Binding("down,up", "screen.leave_filter", "To the table", show=False),
            # Above the app's own, which shows nothing: the way out that typing leaves open.
            Binding("ctrl+q", "app.quit", phrase("Quit"), key_display="^q", priority=True),
        ]

        def action_take(self) -> None:
            """Take what is offered, as → does; to the table when nothing is."""
            before = self.value
            if self.cursor_at_end:
                self.action_cursor_right()
            if self.value == before:
                self.screen.focus_next()

    class _LeavingField(_Field):
        BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "screen.back", phrase("Back"), key_display="Esc")]

    def __init__(self, placeholder: str, complete: Callable[[str], str | None], *, leaves: bool = False) -> None:
        """*complete* gives words as they most likely go on, or None; it is called after each key.

        With *leaves* the screen's way back leads out of the screen from here, and is called so.
        """
        super().__init__(id="filter")
        self._placeholder = placeholder
        self._counted: Cell | None = None
        self.untold: Cell = BLANK
        """The problem that has no room beside what is typed."""
        self._kind = self._LeavingField if leaves else self._Field
        self._offers = Entry.Offers(complete)

    def compose(self) -> ComposeResult:
        yield Static(Content("/"), id="slash")
        yield self._kind(placeholder=self._placeholder, compact=True, select_on_focus=False, suggester=self._offers)
        yield Static(Content(""), id="asks")
        yield Static(Content(""), id="hits")

    @property
    def words(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def open(self) -> None:
        """Show it and take the keys."""
        self.add_class("-open")
        self.screen.set_focus(self.query_one(Input))  # at once: the next key is typed already

    def clear(self) -> None:
        """Drop the words and hide."""
        self.query_one(Input).value = ""
        self.remove_class("-open")

    def set_words(self, words: str) -> None:
        """Filter by *words*, without taking the keys."""
        self.query_one(Input).value = words
        self.set_class(bool(words), "-open")

    def count(self, shown: int, all_rows: int, problem: str = "", *, applied: bool = True) -> None:
        """Say how many rows are left, and which part of the words was not understood.

        What is typed has the room: when there is too little for the problem, it is left to :attr:`untold`. Unless
        *applied*, the words hold nothing back.
        """
        hits = tr("{some} of {all}", some=f"{shown:,}", all=f"{all_rows:,}") if self.words and all_rows else ""
        if hits and problem and not applied:
            hits = tr("not applied, all {n} shown", n=f"{all_rows:,}")
        told = cell(said(problem), Tone.WARN)
        counted = join((told, cell(hits)), "  ")
        asks = self.query_one("#asks", Static).size.width if self.has_class("-asks") else 0
        self.untold = BLANK
        if told and width(counted) + asks + cell_len(self.words) + ROOM > self.app.size.width:
            counted, self.untold = cell(hits), told
        if counted != self._counted:
            as_wide = self._counted is not None and width(counted) == width(self._counted)
            self._counted = counted
            self.query_one("#hits", Static).update(content(counted), layout=not as_wide)

    def say_waiting(self, words: str) -> None:
        """Who asks something once the filter is left; nobody for empty words."""
        self.set_class(bool(words), "-asks")
        for line in self.query("#asks").results(Static):  # none is left once the screen ends
            line.update(content(cell(tr("{words}: ⏎ to answer", words=words) if words else "")))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())
