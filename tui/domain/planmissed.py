"""Hosts that a plan knows nothing of: those that were to be looked at when it was made, and could not be. Pure.

A plan without them reads like one of the whole fleet, so they go with it: into its file, and wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault

__all__ = ["NOT_COUNTED", "Missed", "missed_hosts"]

NOT_COUNTED = "not_counted"


@dataclass(frozen=True, slots=True)
class Missed:
    """A host of which nothing is in a plan because nothing was known of it."""

    host: str
    kind: str
    """Why: the kind of its fault, or ``not_counted`` where nobody counted its disk."""
    message: str = ""
    """The same for people, in printed form; empty where nothing went wrong."""


def missed_hosts(
    hosts: Iterable[str],
    counted: Iterable[str],
    down: Mapping[str, Fault | None],
    faults: Mapping[str, CondafleetError] | None = None,
) -> tuple[Missed, ...]:
    """Those of *hosts* that were not *counted*, in order; *down*: why they were not asked, *faults*: what they said."""
    known, said = frozenset(counted), faults or {}
    found = []
    for host in dict.fromkeys(hosts):
        if host in known:
            continue
        error = said.get(host)
        fault = error.fault if isinstance(error, HostFaultError) else down.get(host)
        if fault is not None:
            found.append(Missed(host, fault.kind.value, str(fault.message)))
        else:
            found.append(Missed(host, NOT_COUNTED, "" if error is None else error.message))
    return tuple(found)
