"""What a probe says of a host that hangs, is too busy, or answers nonsense."""

from __future__ import annotations

from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import printable

__all__ = ["gpu_hang", "no_mountinfo", "no_sense", "scan_hang", "too_busy"]


def too_busy(host: str) -> Fault:
    """Its shell had no turn for the question."""
    return Fault(
        FaultKind.TIMEOUT,
        phrase("The shell on {host} was too busy to be asked.", host=host),
        phrase("It is asked again."),
    )


def no_mountinfo(host: str) -> Fault:
    """Nothing says which file systems it has."""
    return Fault(
        FaultKind.INCOMPLETE,
        phrase("{host} has no readable /proc/self/mountinfo: its file systems are unknown.", host=host),
        phrase("Mount /proc there, or allow this account to read it."),
    )


def scan_hang(host: str, pid: int) -> Fault:
    """An earlier search for environments, process *pid*, hangs there."""
    return Fault(
        FaultKind.TOOL_HUNG,
        phrase("Looking for environments on {host} hung, and still hangs (process {pid}).", host=host, pid=pid),
        phrase("Look for a dead network mount there; it is tried again once that process ends."),
    )


def no_sense(host: str, error: Exception) -> Fault:
    """It answered what no script of ours prints."""
    reason = printable(str(error))
    return Fault(
        FaultKind.PROTOCOL,
        phrase("{host} sent an answer that makes no sense: {reason}.", host=host, reason=reason),
        phrase("Look at what the account's start-up files print, and whether /bin/sh is a POSIX shell."),
    )


def gpu_hang(host: str, seconds: float, retry_at: float) -> Fault:
    """nvidia-smi or its like did not end in time."""
    return Fault(
        FaultKind.TOOL_HUNG,
        phrase(
            "The GPU driver of {host} did not answer within {seconds} s; it is left in peace.",
            host=host,
            seconds=f"{seconds:g}",
        ),
        phrase("Look at `dmesg` there for NVRM or amdgpu errors; refresh to ask it again now."),
        retry_at=retry_at,
    )
