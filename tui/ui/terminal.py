"""The whole terminal given to a program on a host, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from tui.domain.errors import HostFaultError
from tui.domain.text import printable
from tui.ports import Channel
from tui.services.fleet import TerminalPlan
from tui.terminal.passthrough import End, NotATerminalError, Result, pass_through, term_request
from tui.ui.dialogs.message import failure

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["run_in_terminal"]

OPEN_LIMIT_S = 30.0

PassThrough = Callable[[Channel], Awaitable[Result]]


async def run_in_terminal(app: CondafleetApp, plan: TerminalPlan, join: PassThrough = pass_through) -> None:
    """Open *plan*'s terminal over the live connection and give it the screen until it ends.

    Afterwards the app is drawn as it was, whatever happened; what ended it is told on the screen.
    """
    what = f"session {printable(plan.session.name)}" if plan.session is not None else "shell"
    where = f"{what} on {plan.host}"
    app.tell(f"Opening {where} …", timeout=2)
    try:
        async with asyncio.timeout(OPEN_LIMIT_S):
            channel = await app.fleet.terminal(plan, term_request())
    except HostFaultError as error:
        app.push_screen(failure(f"Could not open {where}", error.message, error.remedy))
        return
    except TimeoutError:
        message = f"{plan.host} did not open a terminal within {OPEN_LIMIT_S:.0f} seconds. Nothing was changed."
        app.push_screen(
            failure(f"Could not open {where}", message, "Press r to ask the host again, then try once more.")
        )
        return
    ended = await _full_screen(app, channel, join)
    if isinstance(ended, (SuspendNotSupported, NotATerminalError)):
        command = (
            f"condafleet attach {plan.host}:{printable(plan.session.name)}"
            if plan.session
            else f"condafleet shell {plan.host}"
        )
        app.push_screen(
            failure(
                "This terminal cannot be handed over",
                "The screen does not run on a terminal of its own here (a web view or a test).",
                f"Run in a terminal: {command}",
            )
        )
    elif isinstance(ended, Result):
        _tell_end(app, ended, where, plan)
    else:
        raise ended


async def _full_screen(app: CondafleetApp, channel: Channel, join: PassThrough) -> Result | BaseException:
    """The result, or what was raised: nothing may be raised inside ``suspend``, or the app never comes back.

    ``batch_update`` keeps repaints away meanwhile: the writer's queue takes 30, the next one would stop the loop.
    """
    ended: Result | BaseException
    app.step_back()
    try:
        with app.batch_update(), app.suspend():
            try:
                ended = await join(channel)
            except BaseException as error:  # cancellation too; it is raised again once the app is back
                ended = error
    except SuspendNotSupported as error:
        ended = error
    finally:
        channel.close()
        app.step_forward()
    return ended


def _tell_end(app: CondafleetApp, result: Result, where: str, plan: TerminalPlan) -> None:
    if result.end is End.FAULT and result.fault is not None:
        survives = " The session goes on there." if plan.session is not None else ""
        message = f"{result.fault.message}{survives}"
        app.push_screen(failure(f"Lost the {where}", message, result.fault.remedy))
    elif result.end is End.NO_TERMINAL:
        app.exit(1)
    elif result.end is End.LEFT:
        app.tell(f"Left the {where}")
    elif result.exit_status not in (0, None):
        app.tell(f"The {where} ended with status {result.exit_status}", severity="warning")
    else:
        app.tell(f"Back from the {where}")
