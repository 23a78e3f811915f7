"""Something to read: a failure with its remedy, or the keys of a screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Button

from tui.ui.catalog import LABELS, NAVIGATION
from tui.ui.commands import Command
from tui.ui.dialogs.base import Dialog
from tui.ui.language import said, tr
from tui.ui.present.cell import Tone, cell
from tui.ui.present.lines import Line, heading, pair, words

__all__ = ["MessageDialog", "failure", "keys"]


class MessageDialog(Dialog[None]):
    """Read and closed with Esc, Enter or q."""

    AUTO_FOCUS = "#close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "cancel", "Close", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
    ]

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)

    def action_scroll(self, step: int) -> None:
        """Move through a text longer than the box."""
        self.query_one("#text", VerticalScroll).scroll_relative(y=step, animate=False)


def failure(title: str, message: str, remedy: str = "") -> MessageDialog:
    """What did not work; *message* and *remedy* are in printed form."""
    lines = [words(text) for text in message.split("\n")]
    if remedy:
        lines += [words(""), pair(tr("To do"), cell(remedy))]
    return MessageDialog(cell(title, Tone.BAD), lines)


def keys(mode: str, commands: Iterable[Command]) -> MessageDialog:
    """The keys of *mode*: *commands* with the keys that they really have."""
    lines: list[Line] = [heading(tr("Commands"))]
    lines += [pair(each.key_text, cell(tr(each.help)), Tone.STRONG) for each in commands if each.in_mode(mode)]
    lines += [words(""), heading(tr("Moving about"))]
    lines += [pair(said(text), cell(said(meaning)), Tone.STRONG) for text, meaning in NAVIGATION]
    return MessageDialog(cell(tr("Keys of {mode}", mode=LABELS[mode])), lines)
