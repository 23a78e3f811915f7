"""What a person says yes to: the ordinary question, and a name typed for what is guarded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui.domain.changes import Concern, Prepared, Severity, acceptable, standing
from tui.domain.text import printable

__all__ = ["Decided", "can_ask", "decide", "names_of"]


def can_ask() -> bool:
    """Whether there is a person at a terminal, and not a script."""
    try:
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()
    except ValueError:  # closed by whoever started us
        return False


@dataclass(frozen=True, slots=True)
class Decided:
    """A change after ``--confirm`` was taken into account."""

    prepared: Prepared
    against: tuple[Concern, ...] = ()
    """What still stands against it: it is refused as long as there is anything."""

    @property
    def by_name(self) -> bool:
        """True when typing the name would be enough."""
        return bool(self.against) and all(each.severity is Severity.NAME for each in self.against)


def names_of(prepared: Prepared) -> tuple[str, ...]:
    """What may be typed for it, the fullest first, in printed form."""
    change = prepared.change
    label, prefix = printable(change.label), printable(change.prefix)
    return tuple(dict.fromkeys((f"{change.host}:{prefix}", f"{change.host}:{label}", prefix, label)))


def decide(prepared: Sequence[Prepared], confirmed: Sequence[str]) -> list[Decided]:
    """Each of *prepared* with what stands against it; each word of *confirmed* counts for one environment.

    What names an environment most fully is used up first, so that ``gpu01:x`` is never spent on another host's ``x``.
    """
    left = list(confirmed)
    accepted: set[int] = set()
    for rank in range(4):
        for number, each in enumerate(prepared):
            names = names_of(each)
            if number in accepted or rank >= len(names) or not _guarded(each) or names[rank] not in left:
                continue
            left.remove(names[rank])
            accepted.add(number)
    found = []
    for number, each in enumerate(prepared):
        kinds = acceptable(each.concerns) if number in accepted else frozenset()
        agreed = replace(each, change=replace(each.change, accepted=each.change.accepted | kinds))
        found.append(Decided(agreed, standing(agreed.concerns, agreed.change.accepted)))
    return found


def _guarded(prepared: Prepared) -> bool:
    return any(concern.severity is Severity.NAME for concern in prepared.concerns)
