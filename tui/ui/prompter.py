"""Questions of connections become dialogs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from tui.domain.phrases import mark
from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretKind, SecretQuestion
from tui.ui.dialogs.base import Dialog
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.secret import SecretDialog
from tui.ui.language import tr

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["DialogPrompter"]

Answer = TypeVar("Answer")

LOOK_S = 0.1
"""How often it is looked whether the person is at leisure, while a question waits for that."""
WANTS = {
    SecretKind.PASSWORD: mark("{host} asks for a password"),
    SecretKind.ONE_TIME_CODE: mark("{host} asks for a code"),
    SecretKind.PASSPHRASE: mark("{host} needs a passphrase"),
    SecretKind.INTERACTIVE: mark("{host} asks you something"),
}


class DialogPrompter:
    """A :class:`tui.ports.Prompter` that asks on the screen, one question at a time.

    A question never comes over something that is being typed or read (the filter, the palette, another dialog):
    it waits until that is left, and the filter says meanwhile who asks. A dialog that has come up takes no keys
    until the person has stopped typing (:meth:`tui.ui.dialogs.base.Dialog.deafen`).

    Made before the app is, because the services want it first; until :meth:`bind` and after
    :meth:`unbind` nobody can be asked, and every answer is None. A question whose asker gave up
    (its task was cancelled) disappears.
    """

    def __init__(self) -> None:
        self._app: CondafleetApp | None = None
        self._turn = asyncio.Lock()
        self._open: set[asyncio.Future[object]] = set()

    def bind(self, app: CondafleetApp) -> None:
        """Ask on *app* from now on."""
        self._app = app

    def unbind(self) -> None:
        """Ask no more; whoever waits for an answer gets None."""
        self._app = None
        for waiting in self._open:
            if not waiting.done():
                waiting.set_result(None)

    async def secret(self, question: SecretQuestion) -> str | None:
        """See :class:`tui.ports.Prompter`."""
        return await self._ask(lambda: SecretDialog(question), tr(WANTS[question.kind], host=question.host))

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        """See :class:`tui.ports.Prompter`."""
        return await self._ask(lambda: HostKeyDialog(question), tr("{host} has an unknown key", host=question.host))

    async def _ask(self, make: Callable[[], Dialog[Answer]], waiting: str) -> Answer | None:
        async with self._turn:
            app = self._app
            if app is None:
                return None
            answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
            dialog = make()
            dialog.deafen(app.deaf_s)
            self._open.add(answer)  # type: ignore[arg-type]  # a future of anything; only None is ever set through it

            def decided(value: Answer | None) -> None:
                if not answer.done():
                    answer.set_result(value)

            def ask() -> None:
                if answer.done():
                    return
                if app.at_leisure:
                    app.push_screen(dialog, decided)
                else:  # looked at from time to time: nothing tells of every change of screens and of the focus
                    app.say_waiting(waiting)
                    app.set_timer(LOOK_S, ask)

            try:
                app.call_later(ask)
                return await answer
            except asyncio.CancelledError:
                app.call_later(_take_away, dialog)
                raise
            finally:
                self._open.discard(answer)
                app.call_later(app.say_waiting, "")


def _take_away(dialog: Dialog[Answer]) -> None:
    """Remove a dialog whose answer nobody waits for any more."""
    if dialog.is_attached:
        with contextlib.suppress(LookupError):
            dialog.action_cancel()
