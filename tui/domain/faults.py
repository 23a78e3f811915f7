"""Faults: why a host, or a part of what is known of it, is not there. A closed list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["Fault", "FaultKind"]


class FaultKind(StrEnum):
    """The closed list of the outside contract; the value is what ``--json`` shows."""

    NAME_NOT_FOUND = "name_not_found"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NO_ROUTE = "no_route"
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_CHANGED = "host_key_changed"
    HOST_KEY_REVOKED = "host_key_revoked"
    AUTH_FAILED = "auth_failed"
    AUTH_NEEDED = "auth_needed"
    CONFIG = "config"
    JUMP_FAILED = "jump_failed"
    KEX_FAILED = "kex_failed"
    SESSIONS_EXHAUSTED = "sessions_exhausted"
    LOST = "lost"
    SHELL_BROKEN = "shell_broken"
    PROTOCOL = "protocol"
    PERMISSION = "permission"
    TOOL_MISSING = "tool_missing"
    TOOL_HUNG = "tool_hung"
    TOO_LARGE = "too_large"
    INCOMPLETE = "incomplete"
    GHOST = "ghost"


WAITS_FOR_A_PERSON = frozenset(
    {
        FaultKind.HOST_KEY_UNKNOWN,
        FaultKind.HOST_KEY_CHANGED,
        FaultKind.HOST_KEY_REVOKED,
        FaultKind.AUTH_FAILED,
        FaultKind.AUTH_NEEDED,
        FaultKind.CONFIG,
    }
)
"""Kinds that trying again cannot cure: such a host waits until a person acts."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something is not there, and what to do about it."""

    kind: FaultKind
    message: str
    """What happened, in plain words, naming host or path; printed form (see :mod:`tui.domain.text`).
    English; a :class:`tui.domain.phrases.Phrase`, so that the screen can say it in another language."""
    remedy: str
    """What the person can do next; empty when there is nothing to do but wait."""
    retry_at: float | None = None
    """Unix time, in seconds, of the next try; None when no try is planned."""
    needs_person: bool = False
    """True when only a person can cure it though its kind alone does not say so: a jump host's unknown key."""

    @property
    def waits_for_a_person(self) -> bool:
        """True when no retry can cure it."""
        return self.needs_person or self.kind in WAITS_FOR_A_PERSON

    def with_retry_at(self, retry_at: float | None) -> Fault:
        """The same fault with another time of the next try."""
        return replace(self, retry_at=retry_at)
