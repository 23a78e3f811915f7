"""Faults that the watching itself finds."""

from __future__ import annotations

from tui.domain.faults import Fault, FaultKind
from tui.domain.text import printable

__all__ = ["internal_fault", "lost_fault", "silent_fault"]


def internal_fault(doing: str, error: Exception) -> Fault:
    """Stands for a defect of this program; the caller has written the traceback to the log."""
    words = printable(f"{type(error).__name__}: {error}")[:300]
    return Fault(
        FaultKind.PROTOCOL,
        f"internal error while {doing}: {words}",
        "This is a defect of condafleet; nothing on the host was changed. See the log file for its details.",
    )


def lost_fault(host: str) -> Fault:
    """The connection ended and nothing says why."""
    return Fault(
        FaultKind.LOST, f"The connection to {host} was lost.", "It is tried again; work on the host goes on meanwhile."
    )


def silent_fault(host: str, question: str, seconds: float, *, whole_host: bool) -> Fault:
    """A question got no answer at all, not even that something hangs."""
    return Fault(
        FaultKind.TIMEOUT if whole_host else FaultKind.TOOL_HUNG,
        f"{host} did not answer within {seconds:g} s when asked for its {question}.",
        "It is tried again." if whole_host else "It is asked again less often; refresh to ask now.",
    )
