"""What a command answers, and how it is printed: a table or one JSON object, faults apart from results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tui.cli.diag import Diag
from tui.cli.jsonview import Json, Object, document
from tui.cli.out import Out
from tui.cli.report import Exit, HostReport, exit_code
from tui.domain.errors import CondafleetError

__all__ = ["Reply", "deliver"]


@dataclass(frozen=True)
class Reply:
    """A command's answer."""

    plural: str
    """The key of the results in JSON."""
    reports: tuple[HostReport, ...] = ()
    items: Callable[[], Sequence[Object]] = lambda: ()
    lines: Callable[[int | None], Sequence[str]] = lambda width: ()
    """The same for people, for a terminal of so many columns."""
    extra: Callable[[], Mapping[str, Json]] = dict
    error: CondafleetError | None = None
    hints: tuple[str, ...] = ()
    """For people, on stderr."""
    tell_faults: bool = True
    """False when the error says all there is to say of them."""
    code: Exit | None = None
    """None: as :func:`tui.cli.report.exit_code` has it."""
    now: float = field(default_factory=time.time)


def deliver(reply: Reply, out: Out, diag: Diag, *, as_json: bool = False, as_lines: bool = False) -> int:
    """Print *reply*; returns the exit code. Whatever failed, the results of the rest are printed."""
    code = reply.code
    if code is None:
        code = exit_code(reply.reports, reply.error)
    if as_lines:
        done: Object = document(reply.now, reply.reports, "hosts", (), reply.error)
        out.json(
            {"event": "done", "time": done["generated"], "host": None, "exit_code": int(code), **done}, one_line=True
        )
    elif as_json:
        out.json(document(reply.now, reply.reports, reply.plural, reply.items(), reply.error, reply.extra()))
    else:
        lines = reply.lines(out.width)
        if lines:
            out.text("\n".join(lines))
    if reply.tell_faults:
        diag.faults(reply.reports, reply.now)
    if reply.error is not None:
        diag.error(reply.error)
    if not (as_json or as_lines):
        for hint in reply.hints:
            diag.note(hint)
    return int(code)
