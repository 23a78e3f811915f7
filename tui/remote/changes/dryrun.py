"""What a change would do to the packages, as the host's own package manager says: its dry run, over a lane.

It changes no environment. It takes seconds (the tool starts, fetches the channels' indexes and solves), and what it
fetches stays in the install's package cache.
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.changes import Change, Concern, ConcernKind, Severity
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.planned import PackagePlan
from tui.domain.text import decode
from tui.domain.toolargs import Tool, dry_run_argv
from tui.remote.changes.guard import guarded
from tui.remote.condasays.outcome import Outcome, read_outcome
from tui.remote.condasays.plan import read_plan
from tui.remote.lane import Lane
from tui.remote.wire import WireError, records

__all__ = ["LIMIT_S", "DryRun", "dry_run"]

LIMIT_S = 120
"""An unreachable channel alone costs conda 13 s of retries."""
ANSWER_LIMIT = 8 << 20
_TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a dry run told."""

    argv: tuple[str, ...]
    """The command that was run; empty where none was: an explicit list and a copy are not solved."""
    plan: PackagePlan | None = None
    outcome: Outcome | None = None
    """How it ended; None where nothing was run, or it did not end in time."""
    concerns: tuple[Concern, ...] = ()
    """That the plan is not known, and why."""


async def dry_run(lane: Lane, host: str, tool: Tool, change: Change, *, limit_s: int = LIMIT_S) -> DryRun:
    """Ask *tool* what *change* would do. Raises HostFaultError: ``protocol``, and as :meth:`Lane.ask`."""
    argv = dry_run_argv(tool, change)
    if not argv or not tool.owned:
        return DryRun(())
    question = guarded("change_dry", "change_env")
    body = await lane.ask(question, (str(limit_s), *argv), timeout=limit_s + 30, limit=ANSWER_LIMIT, compress=True)
    code, stdout, stderr = _answer(body, host)
    if code == _TIMED_OUT:
        return DryRun(argv, concerns=(_unknown(phrase("The dry run did not end within {n} s.", n=limit_s)),))
    outcome = read_outcome((*argv[:2], "-y", *argv[2:]), code, stdout, stderr, existed=False)
    plan = read_plan(stdout) if outcome.is_success else None
    if outcome.is_success and plan is not None:
        return DryRun(argv, plan, outcome)
    if outcome.is_success:
        return DryRun(argv, None, outcome, (_unknown(phrase("The dry run told of no plan.")),))
    text = phrase("The dry run failed: {reason} {remedy}", reason=outcome.explanation, remedy=outcome.remedy)
    return DryRun(argv, None, outcome, (_unknown(text, outcome.lines),))


def _unknown(text: str, details: tuple[str, ...] = ()) -> Concern:
    return Concern(ConcernKind.UNKNOWN_PLAN, text, Severity.WARNING, details)


def _answer(body: bytes, host: str) -> tuple[int | None, str, str]:
    try:
        found = {record.tag: record for record in records(body)}
    except WireError:
        found = {}
    if "out" not in found or "end" not in found:
        raise HostFaultError(
            Fault(
                FaultKind.PROTOCOL,
                phrase("{host} gave an answer about a dry run that makes no sense.", host=host),
                phrase("Try again."),
            )
        )
    fields = found["out"].fields
    return found["end"].integer(0), decode(fields[0]) if fields else "", found["end"].text(1) or ""
