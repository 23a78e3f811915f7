"""Faults that the watching itself finds."""

from __future__ import annotations

from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import printable

__all__ = ["asked", "internal_fault", "lost_fault", "silent_fault"]


_ASKED = {
    "status": phrase("status"),
    "mounts": phrase("mounts"),
    "gpus": phrase("gpus"),
    "inventory": phrase("inventory"),
}


def asked(question: str) -> str:
    """What is asked of a host, in words."""
    return _ASKED.get(question, question)


def internal_fault(doing: str, error: Exception) -> Fault:
    """Stands for a defect of this program; the caller has written the traceback to the log."""
    words = printable(f"{type(error).__name__}: {error}")[:300]
    return Fault(
        FaultKind.PROTOCOL,
        phrase("internal error while {doing}: {words}", doing=doing, words=words),
        phrase("This is a defect of condafleet; nothing on the host was changed. See the log file for its details."),
    )


def lost_fault(host: str) -> Fault:
    """The connection ended and nothing says why."""
    return Fault(
        FaultKind.LOST,
        phrase("The connection to {host} was lost.", host=host),
        phrase("It is tried again; work on the host goes on meanwhile."),
    )


def silent_fault(host: str, question: str, seconds: float, *, whole_host: bool) -> Fault:
    """A question got no answer at all, not even that something hangs."""
    return Fault(
        FaultKind.TIMEOUT if whole_host else FaultKind.TOOL_HUNG,
        phrase(
            "{host} did not answer within {seconds} s when asked for its {question}.",
            host=host,
            seconds=f"{seconds:g}",
            question=asked(question),
        ),
        phrase("It is tried again.") if whole_host else phrase("It is asked again less often; refresh to ask now."),
    )
