"""Forms: fields that are completed and judged as one types, and what they come to. A form starts nothing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr
from tui.ui.present.cell import Cell, Tone, cell
from tui.ui.present.lines import Line, words
from tui.ui.widgets.entry import Complete, Entry
from tui.ui.widgets.toned import content

__all__ = ["Asked", "FormDialog", "Read", "Remark"]

Wish = TypeVar("Wish")


@dataclass(frozen=True)
class Asked:
    """One field."""

    id: str
    label: str
    value: str = ""
    hint: str = ""
    """What is to be written, said in the empty field; in parentheses, so that it is taken for no value."""
    complete: Complete | None = None
    example: str = ""
    """What might be written, said in the empty field as an example."""

    @property
    def placeholder(self) -> str:
        """What the empty field says."""
        if self.example:
            return tr("e.g. {example}", example=self.example)
        return tr("({hint})", hint=self.hint) if self.hint else ""


@dataclass(frozen=True)
class Remark:
    """What is said below a field; one that is BAD keeps the form from being taken."""

    text: str
    """In printed form."""
    tone: Tone = Tone.DIM


@dataclass(frozen=True)
class Read(Generic[Wish]):
    """What the fields come to."""

    wish: Wish | None
    """None while something is missing: nobody is scolded for a field that is not reached yet."""
    remarks: Mapping[str, Iterable[Remark]] = field(default_factory=dict)
    """By field."""


class FormDialog(Dialog[Wish | None], Generic[Wish]):
    """Returns what was wanted, None when nothing is. Enter goes from field to field, and then to the button."""

    AUTO_FOCUS: ClassVar[str | None] = "Entry"

    def __init__(self, title: Cell, lines: Iterable[Line], verb: str, promise: str = "") -> None:
        """*promise*: what comes of it, said before the fields; unless given, that all is shown first."""
        promise = promise or tr("Nothing is done yet: what it would do is shown first.")
        super().__init__(title, (*lines, words(promise, Tone.DIM)))
        self._verb = verb
        self._read: Read[Wish] = Read(None)

    @abstractmethod
    def asked(self) -> Iterable[Asked]:
        """The fields."""

    @abstractmethod
    def read(self, values: Mapping[str, str]) -> Read[Wish]:
        """What *values*, by field, come to. Called after each key: quick, and asks nobody."""

    @property
    def values(self) -> dict[str, str]:
        """What is typed, by field."""
        return {str(entry.id): entry.value for entry in self.query(Entry)}

    def fields(self) -> Iterable[Widget]:
        with VerticalScroll(id="fields", can_focus=False):
            for each in self.asked():
                with Horizontal(classes="field"):
                    yield Static(content(cell(each.label)), classes="label")
                    yield Entry(each.value, id=each.id, placeholder=each.placeholder, complete=each.complete)
                yield Static(Content(""), id=f"{each.id}-said", classes="said")

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Cancel"), id="cancel", compact=True)
        yield Button(self._verb, id="go", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.judge()

    @on(Input.Changed)
    def judge(self) -> None:
        """Look at the fields anew."""
        self._read = found = self.read(self.values)
        bad = False
        for entry in self.query(Entry):
            remarks = list(found.remarks.get(str(entry.id), ()))
            bad |= any(each.tone is Tone.BAD for each in remarks)
            said = self.query_one(f"#{entry.id}-said", Static)
            lines = [content(cell(each.text, each.tone)) for each in remarks]
            said.display = bool(lines)
            said.update(Content("\n").join(lines))
            entry.set_class(any(each.tone is Tone.BAD for each in remarks), "-wrong")
        self.query_one("#go", Button).disabled = bad or found.wish is None

    def action_go_on(self) -> None:
        """Enter goes on: from field to field, and from the last one to the button, which it does not press.

        While something is wrong or missing it goes round: to Cancel, and out with the next Enter, would lose it all.
        """
        go = self.query_one("#go", Button)
        last = self.focused is self.query(Entry).last()
        if last:
            self.judge()  # what was typed just now may not have been told yet
        if last:
            self.set_focus(go if not go.disabled else self.query(Entry).first())
        else:
            self.app.action_focus_next()

    async def settle(self) -> None:
        """Learn anew what :meth:`read` stands on, as far as it may have changed; for a moment at most."""

    @on(Button.Pressed, "#go")
    async def _go(self) -> None:
        await self.settle()
        self.judge()
        if not self.query_one("#go", Button).disabled:
            self.dismiss(self._read.wish)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Nothing of it."""
        self.dismiss(None)
