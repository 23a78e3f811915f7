"""From the command line to the screen and back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable

from tui.domain.languages import language_of
from tui.ports import LayoutStore, Prompter
from tui.services.fleet import FleetApi
from tui.ui import language
from tui.ui.app import CondafleetApp
from tui.ui.prompter import DialogPrompter

__all__ = ["run_screen", "show"]

CLOSE_LIMIT_S = 2.0
SIGNALS = {signal.SIGTERM: 143, signal.SIGHUP: 129}
HANG_UP_S = 1.0
"""How often the terminal is looked at, in seconds."""


def run_screen(
    make_fleet: Callable[[Prompter], FleetApi],
    *,
    layouts: LayoutStore | None = None,
    readonly: bool = False,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> int:
    """Show the screen over the fleet that *make_fleet* makes inside the event loop; the exit code.

    With *readonly* no command that changes a host is there; shells and sessions are the person's own hands
    and stay. *layouts* remembers how the screen was left. *make_fleet* is given the prompter that asks by
    dialogs. The screen speaks the language of the fleet's settings, else that of the locale. The fleet is started
    once the first picture is there, and closed after the terminal was given back.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(show(make_fleet, layouts=layouts, readonly=readonly))


async def show(
    make_fleet: Callable[[Prompter], FleetApi], *, layouts: LayoutStore | None = None, readonly: bool = False
) -> int:
    """The same inside a running event loop, for a caller that makes the loop itself."""
    prompter = DialogPrompter()
    fleet = make_fleet(prompter)
    language.use(fleet.settings.language or language_of(os.environ))
    app = CondafleetApp(fleet, prompter=prompter, layouts=layouts, readonly=readonly)
    loop = asyncio.get_running_loop()
    for number, status in SIGNALS.items():
        loop.add_signal_handler(number, app.exit, status)
    terminal = loop.create_task(_end_at_hang_up(app), name="watch the terminal")
    try:
        code: int | None = await app.run_async()
    finally:
        terminal.cancel()
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await fleet.close()
    # None: Textual ended by itself, and its own error is on stderr already.
    return (app.return_code or 1) if code is None else code


async def _end_at_hang_up(app: CondafleetApp) -> None:
    """End the screen when its terminal is gone without a signal: Textual would read on for ever, on a whole core."""
    poll = select.poll()
    poll.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)  # hang-ups are told in any case
    gone = select.POLLHUP | select.POLLNVAL
    # It is asked from time to time: no event loop tells of hang-ups alone.
    while not any(events & gone for _, events in poll.poll(0)):  # noqa: ASYNC110
        await asyncio.sleep(HANG_UP_S)
    app.exit(SIGNALS[signal.SIGHUP])
