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
from tui.ui.language import said, tr

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["run_in_terminal"]

OPEN_LIMIT_S = 30.0

PassThrough = Callable[[Channel], Awaitable[Result]]


async def run_in_terminal(app: CondafleetApp, plan: TerminalPlan, join: PassThrough = pass_through) -> None:
    """Open *plan*'s terminal over the live connection and give it the screen until it ends.

    Afterwards the app is drawn as it was, whatever happened; what ended it is told on the screen.
    """
    if plan.session is not None:
        where = tr("session {session} on {host}", session=printable(plan.session.name), host=plan.host)
    else:
        where = tr("shell on {host}", host=plan.host)
    app.tell(tr("Opening {where} …", where=where), timeout=2)
    try:
        async with asyncio.timeout(OPEN_LIMIT_S):
            channel = await app.fleet.terminal(plan, term_request())
    except HostFaultError as error:
        app.push_screen(failure(tr("Could not open {where}", where=where), said(error.message), said(error.remedy)))
        return
    except TimeoutError:
        message = tr(
            "{host} did not open a terminal within {seconds} seconds. Nothing was changed.",
            host=plan.host,
            seconds=f"{OPEN_LIMIT_S:.0f}",
        )
        app.push_screen(
            failure(
                tr("Could not open {where}", where=where),
                message,
                tr("Press r to ask the host again, then try once more."),
            )
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
                tr("This terminal cannot be handed over"),
                tr("The screen does not run on a terminal of its own here (a web view or a test)."),
                tr("Run in a terminal: {command}", command=command),
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
        message = said(result.fault.message)
        if plan.session is not None:
            message = tr("{before} {next}", before=message, next=tr("The session goes on there."))
        app.push_screen(failure(tr("Lost the {where}", where=where), message, said(result.fault.remedy)))
    elif result.end is End.NO_TERMINAL:
        app.exit(1)
    elif result.end is End.LEFT:
        app.tell(tr("Left the {where}", where=where))
    elif result.exit_status not in (0, None):
        app.tell(
            tr("The {where} ended with status {exit_status}", where=where, exit_status=result.exit_status),
            severity="warning",
        )
    else:
        app.tell(tr("Back from the {where}", where=where))
