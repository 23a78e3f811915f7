"""What a run learned of each selected host, and the exit code that follows. Pure.

A one-shot run tells what hosts answered in that run. The last snapshot kept on disk gives a host its
``snapshot_time`` and age, but its rows are not listed: a script can't see that they are old.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from tui.domain.errors import CondafleetError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.domain.snapshot import Part
from tui.services.store import HostView

__all__ = ["Exit", "HostReport", "exit_code", "judge"]


class Exit(IntEnum):
    """The exit codes of the outside contract."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    NOTHING = 4
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class HostReport:
    """A selected host at the end of a run."""

    view: HostView
    since: float
    """Unix time at which the run began: what is older was not answered in it."""
    fault: Fault | None = None
    """Why the host as a whole is not there."""
    part_faults: tuple[tuple[str, Fault], ...] = ()
    """(part, fault) for each wanted part that failed or holds less than all."""
    finished: bool = True
    """False when the run was interrupted before the host answered."""

    @property
    def name(self) -> str:
        """The host's name."""
        return self.view.name

    @property
    def state_word(self) -> str:
        """How the host is, in one word: why it is not there, where that is known."""
        if self.view.state is HostState.UP or self.fault is None:
            return self.view.state.value
        return self.fault.kind.value

    @property
    def failed(self) -> bool:
        """True when the host, or a part of it that was wanted, failed.

        What a host has not, or does not let this account see of its load, is an answer, not a failure: a machine
        without a GPU driver has no GPUs to list. A place that may not be searched is one: environments are missing. So
        is a disk that can't be counted: nothing else was asked for.
        """
        return self.fault is not None or any(
            (fault.kind is not FaultKind.TOOL_MISSING or part == "disk")
            and (part, fault.kind) != ("load", FaultKind.PERMISSION)
            for part, fault in self.part_faults
        )

    def fresh(self, part: str) -> object | None:
        """The value of *part* if it arrived in this run; None otherwise."""
        held = self.view.snapshot.parts()[part]
        return held.value if _arrived(held, self.since) else None


def _arrived(part: Part[object], since: float) -> bool:
    return part.value is not None and part.time is not None and part.time >= since


def judge(
    view: HostView,
    parts: Sequence[str],
    since: float,
    *,
    interrupted: bool = False,
    limit_s: float = 0,
    lost: Fault | None = None,
) -> HostReport:
    """What to say of *view* when the run that began at *since* ends.

    A host that neither failed nor answered all *parts* ran into the limit of *limit_s* seconds, unless the
    person interrupted, or unless its connection had failed in this run with *lost* and was just made again.
    """
    held = view.snapshot.parts()
    part_faults = tuple((name, fault) for name in parts if (fault := held[name].fault) is not None)
    if view.state is not HostState.UP and view.fault is not None:
        return HostReport(view, since, view.fault)
    missing = [name for name in parts if held[name].fault is None and not _arrived(held[name], since)]
    if not missing:
        return HostReport(view, since, None, part_faults)
    if lost is not None:
        return HostReport(view, since, lost)
    if interrupted:
        return HostReport(view, since, None, part_faults, finished=False)
    waited = f"no answer within {limit_s:.0f} s"
    remedy = "Try again, or raise `limits:` in the configuration."
    if view.state is not HostState.UP:
        return HostReport(view, since, Fault(FaultKind.TIMEOUT, f"{waited}; still {view.state.value}", remedy))
    late = tuple((name, Fault(FaultKind.TIMEOUT, f"{waited} about {name}", remedy)) for name in missing)
    return HostReport(view, since, None, part_faults + late)


def exit_code(reports: Iterable[HostReport], error: CondafleetError | None = None) -> Exit:
    """The exit code of a run.

    An error decides, except that where nothing matched and a host failed, what was looked for may well be on
    that host: then the run failed.
    """
    failed = any(report.failed or not report.finished for report in reports)
    if error is not None and not (failed and error.exit_code == Exit.NOTHING):
        return Exit(error.exit_code)
    return Exit.FAILED if failed else Exit.DONE
