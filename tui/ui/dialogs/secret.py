"""A password, a code, a passphrase or a server's own question. The answer stays in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual import on
from textual.widget import Widget
from textual.widgets import Button, Input

from tui.domain.phrases import phrase
from tui.ports import SecretKind, SecretQuestion
from tui.ui.dialogs.base import Dialog
from tui.ui.language import said, tr
from tui.ui.present.cell import Tone, around, remote
from tui.ui.present.lines import Line, pair, words

__all__ = ["SecretDialog"]

TITLES: dict[SecretKind, str] = {
    SecretKind.PASSWORD: phrase("Password for {host}"),
    SecretKind.ONE_TIME_CODE: phrase("One-time code for {host}"),
    SecretKind.PASSPHRASE: phrase("Passphrase of the key for {host}"),
    SecretKind.INTERACTIVE: phrase("{host} asks"),
}


class SecretDialog(Dialog[str | None]):
    """Returns what was typed, or None when the person cancelled: that host then waits, the others go on."""

    AUTO_FOCUS = "Input"

    def __init__(self, question: SecretQuestion) -> None:
        self.question = question
        title = around(said(TITLES[question.kind]), "host", remote(question.host, Tone.ACCENT))
        super().__init__(title, self._text(question))

    def _text(self, question: SecretQuestion) -> Iterator[Line]:
        if question.attempt > 1:
            yield words(tr("That was not accepted. Try {n}.", n=question.attempt), Tone.WARN)
        label = tr("Key") if question.kind is SecretKind.PASSPHRASE else tr("It says")
        for text in question.detail.split("\n")[:12]:
            if text.strip():
                yield pair(label, remote(text))
                label = ""
        yield pair(tr("It asks"), remote(said(question.prompt).strip()))
        yield words(tr("Kept in memory until you leave, never written down."), Tone.DIM)

    def fields(self) -> Iterable[Widget]:
        yield Input(password=not self.question.echo, id="answer")

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Cancel"), id="cancel", compact=True)
        yield Button(tr("Answer"), id="send", variant="primary", compact=True)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self._send()

    @on(Button.Pressed, "#send")
    def _send(self) -> None:
        field = self.query_one(Input)
        answer = field.value
        field.value = ""
        self.dismiss(answer)

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """No answer."""
        self.query_one(Input).value = ""
        self.dismiss(None)
