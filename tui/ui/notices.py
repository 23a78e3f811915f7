"""What the app tells: passing notes, notes that must be read, and the one place where whatever failed ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Literal

from textual.worker import Worker

from tui.domain.errors import CondafleetError
from tui.domain.text import printable
from tui.ui.dialogs.base import DEAF_S
from tui.ui.dialogs.message import failure
from tui.ui.language import said, tr
from tui.ui.typeahead import TypeAhead

__all__ = ["Telling", "Work"]

log = logging.getLogger(__name__)

NOTICE_S = 12.0
"""How long what must not be missed stays to be read, in seconds; it is in a log, too."""

Work = Callable[[], Coroutine[Any, Any, None]]
Severity = Literal["information", "warning", "error"]


class Telling(TypeAhead[int]):
    """An app that tells a person what it does and what failed."""

    deaf_s: float = DEAF_S
    """A dialog that nobody called for takes no keys for so long, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._notices: list[tuple[float, str]] = []
        self._note_due: Callable[[], None] | None = None

    def launch(self, work: Work, purpose: str) -> Worker[None]:
        """Run *work* beside the screen; whatever it raises is told to the person, never a traceback, never silent."""
        # A function, not a coroutine: who quits at once must not leave one behind that nobody awaited.
        run: Callable[[], Coroutine[None, None, None]] = partial(self._funnel, work, purpose)
        return self.run_worker(run, name=purpose, description=purpose, exit_on_error=False)

    async def _funnel(self, work: Work, purpose: str) -> None:
        try:
            await work()
        except CondafleetError as error:
            self._tell_failure(purpose, said(error.message), said(error.remedy))
        except Exception as error:  # the one funnel: a defect must neither end the app nor pass unseen
            log.exception("while trying to %s", purpose)
            unchanged = tr("Nothing on a host was changed by this.")
            message = f"{type(error).__name__}: {printable(str(error))}\n{unchanged}"
            self._tell_failure(purpose, message, tr("The log file has the whole story; please report it."))

    def _tell_failure(self, purpose: str, message: str, remedy: str) -> None:
        dialog = failure(tr("Could not {purpose}", purpose=purpose), message, remedy)
        dialog.deafen(self.deaf_s)
        self.push_screen(dialog)

    def tell(self, text: str, *, severity: Severity = "information", timeout: float = 3) -> None:
        """A passing note; *text* is in printed form and is never read as markup."""
        self._show_notes(partial(self.notify, text, severity=severity, timeout=timeout, markup=False))

    def warn(self, text: str) -> None:
        """A note that stays long enough to be read, whatever passes meanwhile; *text* as for :meth:`tell`."""
        self._notices.append((time.monotonic() + NOTICE_S, text))
        self._show_notes(None)

    def _show_notes(self, passing: Callable[[], None] | None) -> None:
        """Show soon, in place of all notes, what is to be read, and *passing*, which sweeps only its like away."""
        if self._note_due is None:  # once for all of a moment: Textual takes a note in later than it forgets them
            self.call_later(self._notes_due)
        self._note_due = passing or self._note_due or (lambda: None)

    def _notes_due(self) -> None:
        """The newest of what is to be read, with how many more there are: a pile would cover the table."""
        passing, self._note_due = self._note_due, None
        self.clear_notifications()
        now = time.monotonic()
        self._notices = [(until, notice) for until, notice in self._notices if until > now]
        if self._notices:
            until, text = self._notices[-1]
            more = len(self._notices) - 1
            text = tr("(+{n}) {text}", text=text, n=more) if more else text
            self.notify(text, severity="warning", timeout=until - now, markup=False)
        if passing is not None:
            passing()
