"""Remedies as a command can give them: when it has ended nobody tries again, and there is no screen to refresh. Pure.

Faults are worded for whoever watches a fleet. What such a wording promises of the watching is put here in words
that hold for a run that is over; ``tests/cli/test_once.py`` holds that no promise is left out.
"""

from __future__ import annotations

__all__ = ["once"]

_INSTEAD: tuple[tuple[str, str], ...] = (
    ("It is tried again; work on the host goes on meanwhile.", "Try again; work on the host goes on meanwhile."),
    ("It is tried again; sshd's log on the host says why.", "Try again; sshd's log on the host says why."),
    ("It is tried again by itself.", "Try again; if it stays so, see how loaded the host is."),
    ("It is tried again.", "Try again; if it stays so, see how loaded the host is."),
    ("It is asked again less often; refresh to ask now.", "See what hangs on the host, then try again."),
    (
        "It is asked again when the terminal is closed; raise MaxSessions in its sshd_config.",
        "Close a terminal that is open there, or raise MaxSessions in its sshd_config.",
    ),
    ("It is asked again.", "Try again; if it stays so, see how loaded the host is."),
    ("It is looked at again when the mount answers.", "See why the mount does not answer, then try again."),
    ("refresh to ask it again now.", "then try again."),
    ("Refresh the sessions.", "See what is there with `condafleet sessions`."),
    ("Refresh to see what is there now.", "Ask again to see what is there now."),
    ("it is tried again once that process ends.", "once that process has ended, try again."),
)
"""What a remedy says while hosts are watched, and what it says of a run that is over; the first that fits counts."""


def once(remedy: str) -> str:
    """*remedy* without promises that only a running watch could keep."""
    for promise, instead in _INSTEAD:
        if promise in remedy:
            return remedy.replace(promise, instead)
    return remedy
