"""Before something is changed: what would run, what speaks against it, and a yes that takes more than Enter."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Button, Input

from tui.domain.changes import ConcernKind, Prepared, acceptable
from tui.ui.dialogs.names import NamesDialog
from tui.ui.language import tr, trn
from tui.ui.present import change_lines

__all__ = ["Accepted", "ChangeDialog"]

Accepted = tuple[tuple[Prepared, frozenset[ConcernKind]], ...]
"""What is to be started, each with the concerns that were accepted by typing its name."""


class ChangeDialog(NamesDialog[Accepted | None]):
    """Returns what the person wants started; None when that person wants nothing of it.

    Of several, those that are refused and those whose name was not typed are left out, and the button says how many
    are left. What was shown is what is accepted: no concern that is found later.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "Copy", show=False),
    ]

    def __init__(self, prepared: Sequence[Prepared], hidden: Collection[Hashable] = ()) -> None:
        """*hidden*: the keys of rows that a filter hides, as (host, prefix)."""
        self.prepared = tuple(prepared)
        self._named = [each for each in prepared if change_lines.named(each) and not change_lines.refused(each)]
        names = [(each.change.host, each.change.label) for each in self._named]
        super().__init__(change_lines.title(prepared), change_lines.lines(prepared, hidden), names)

    @property
    def wanted(self) -> Accepted:
        """What would be started now."""
        typed = {id(each): self.typed(place) for place, each in enumerate(self._named)}
        return tuple(
            (each, acceptable(each.concerns))
            for each in self.prepared
            if not change_lines.refused(each) and typed.get(id(each), True)
        )

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Cancel"), id="cancel", compact=True)
        if change_lines.command_text(self.prepared):
            yield Button(tr("Copy command"), id="copy", compact=True)
        yield Button("", id="go", variant="error", compact=True)

    def on_mount(self) -> None:
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

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        wanted = self.wanted
        if wanted:
            self.dismiss(wanted)

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """The commands, by OSC 52."""
        text = change_lines.command_text(self.prepared)
        if text:
            self.app.copy_to_clipboard(text)
            self.query_one("#box").border_subtitle = tr("Copied")
