"""A server that nobody vouched for yet: who is it, and is it to be trusted."""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.widgets import Button

from tui.ports import HostKeyAnswer, HostKeyQuestion
from tui.ui.dialogs.base import Dialog
from tui.ui.language import tr
from tui.ui.present.cell import Tone, around, cell, remote
from tui.ui.present.lines import pair, words

__all__ = ["HostKeyDialog"]


class HostKeyDialog(Dialog[HostKeyAnswer]):
    """Returns the decision. Enter at once, and Esc, refuse: trust is never the way of least effort."""

    AUTO_FOCUS = f"#{HostKeyAnswer.REFUSE.value}"

    def __init__(self, question: HostKeyQuestion) -> None:
        self.question = question
        address = (*remote(question.address), *cell(" " + tr("port {port}", port=question.port), Tone.DIM))
        key_file = question.algorithm.removeprefix("ssh-").split("-")[0]
        super().__init__(
            around(tr("Is this really {host}?"), "host", remote(question.host, Tone.ACCENT)),
            (
                words(tr("Its host key is in no known_hosts file. Until you answer, nothing is sent to it.")),
                words(""),
                pair(tr("Address"), address),
                pair(tr("Key"), remote(question.algorithm)),
                pair(tr("Fingerprint"), remote(question.fingerprint, Tone.STRONG)),
                pair(tr("Save to"), remote(question.known_hosts)),
                words(""),
                words(tr("Compare the fingerprint with what its owner tells you, or with the server's own answer to:")),
                words(f"ssh-keygen -lf /etc/ssh/ssh_host_{_plain(key_file)}_key.pub", Tone.DIM),
            ),
        )

    def buttons(self) -> Iterable[Button]:
        yield Button(tr("Refuse"), id=HostKeyAnswer.REFUSE.value, compact=True)
        yield Button(tr("Accept once"), id=HostKeyAnswer.ONCE.value, compact=True)
        yield Button(tr("Accept and save"), id=HostKeyAnswer.SAVE.value, variant="warning", compact=True)

    @on(Button.Pressed)
    def _decided(self, event: Button.Pressed) -> None:
        self.dismiss(HostKeyAnswer(str(event.button.id)))

    def action_cancel(self) -> None:
        """Refuse."""
        self.dismiss(HostKeyAnswer.REFUSE)


def _plain(key_file: str) -> str:
    """The key type as sshd names its files; the most usual one when the server's name for it is odd."""
    return key_file if key_file in ("ed25519", "rsa", "ecdsa", "dss") else "ed25519"
