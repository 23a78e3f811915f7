"""Before something is changed: what would run, what speaks against it, and a yes that takes more than Enter."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.domain.changes import ConcernKind, Prepared, acceptable
from tui.domain.text import printable
from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr, trn
from tui.ui.present import change_lines
from tui.ui.present.cell import Tone, around, remote
from tui.ui.widgets.toned import content

__all__ = ["Accepted", "ChangeDialog"]

Accepted = tuple[tuple[Prepared, frozenset[ConcernKind]], ...]
"""What is to be started, each with the concerns that were accepted by typing its name."""


class ChangeDialog(Dialog[Accepted | None]):
    """Returns what the person wants started; None when that person wants nothing of it.

    Of several, those that are refused and those whose name was not typed are left out, and the button says how many
    are left. What was shown is what is accepted: no concern that is found later.
    """

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup,ctrl+b", "scroll(-8)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "scroll(8)", "Page down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, prepared: Sequence[Prepared], hidden: Collection[Hashable] = ()) -> None:
        """*hidden*: the keys of rows that a filter hides, as (host, prefix)."""
        super().__init__(change_lines.title(prepared), change_lines.lines(prepared, hidden))
        self.prepared = tuple(prepared)
        self._named = [each for each in prepared if change_lines.named(each) and not change_lines.refused(each)]

    @property
    def wanted(self) -> Accepted:
        """What would be started now."""
        typed = {id(each): self._typed(place, each) for place, each in enumerate(self._named)}
        return tuple(
            (each, acceptable(each.concerns))
            for each in self.prepared
            if not change_lines.refused(each) and typed.get(id(each), True)
        )

    def _typed(self, place: int, prepared: Prepared) -> bool:
        field = self.query(f"#name-{place}")
        return bool(field) and field.first(Input).value.strip() == printable(prepared.change.label).strip()

    def fields(self) -> Iterable[Widget]:
        with VerticalScroll(id="names", can_focus=False) as names:
            names.display = bool(self._named)
            for place, each in enumerate(self._named):
                ask = tr("Type {name} to do it in spite of that ({host}):", host=each.change.host)
                yield Static(content(around(ask, "name", remote(each.change.label, Tone.ACCENT))))
                yield Input(id=f"name-{place}", compact=True)

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Cancel"), id="cancel", compact=True)
        if change_lines.command_text(self.prepared):
            yield Button(tr("Copy command"), id="copy", compact=True)
        yield Button("", id="go", variant="error", compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_class(bool(self._named), "-named")
        self._say()

    @on(Input.Changed)
    def _say(self) -> None:
        go = self.query_one("#go", Button)
        wanted, all_of_it = len(self.wanted), len(self.prepared)
        verb = change_lines.verb(self.prepared[0].change.kind)
        if all_of_it > 1:
            verb = trn("{verb} {n} of {all}", "{verb} {n} of {all}", wanted, verb=verb, all=all_of_it)
        go.label = Content(verb)
        go.disabled = not wanted

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Enter in a field goes on to the next; it starts nothing."""
        self.app.action_focus_next()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        wanted = self.wanted
        if wanted:
            self.dismiss(wanted)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing of it."""
        self.dismiss(None)

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """The commands, by OSC 52."""
        text = change_lines.command_text(self.prepared)
        if text:
            self.app.copy_to_clipboard(text)
            self.query_one("#box").border_subtitle = tr("Copied")

    def action_scroll(self, lines: int) -> None:
        """Through what does not fit."""
        self.query_one("#text", VerticalScroll).scroll_relative(y=lines, animate=False)
