"""An environment made again on another host, or anew in its place: what for, and what it will lack. Pure.

The very archives that its records name, with their hashes, and then the pip packages at their versions, each without
what it depends on: all of that is in the list itself. Nothing is solved, so nothing can come out otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tui.domain.changes import Change, Concern, ConcernKind
from tui.domain.compare import Comparison, compare
from tui.domain.environments import Environment
from tui.domain.envrecord import EnvironmentRecord, PipOrigin, PipRecord
from tui.domain.explicit import explicit_urls
from tui.domain.losses import NEEDS_SOURCE, Reason, losses
from tui.domain.phrases import phrase
from tui.domain.piprequirements import requirement

__all__ = ["CopyPlan", "compare_after", "plan_copy"]

_LACKING = NEEDS_SOURCE | {Reason.NO_VERSION, Reason.ODD_NAME, Reason.NO_ADDRESS, Reason.BROKEN_RECORD, Reason.NOT_READ}
"""What is left out: no list can hold it."""
_DOUBTED = frozenset({Reason.OTHER_INDEX, Reason.LOCAL_CHANNEL, Reason.NO_HASH, Reason.CREDENTIALS, Reason.ADDED_PATHS})
"""What is tried, and may fail or come otherwise."""
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_TOKEN = re.compile(r"/t/[^/\s?#]+(?=/)")


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What is asked of the package manager and of pip."""

    change: Change
    """With its explicit list and its requirements."""
    missing: tuple[str, ...] = ()
    """What will be lacking, a phrase each: the task makes the rest, tells of these, and fails."""
    concerns: tuple[Concern, ...] = ()


def plan_copy(change: Change, record: EnvironmentRecord) -> CopyPlan:
    """How *change* (a clone to another host, or a recreation) makes what *record* tells of, as it came from the host.

    A channel's password or token is not taken along: the host that needs it has its own.
    """
    lost = losses(record)
    explicit = tuple(_TOKEN.sub("", _USERINFO.sub("", line)) for line in explicit_urls(record))
    wanted = (line for each in record.pip if _from_an_index(each) and (line := requirement(each)) is not None)
    planned = replace(change, specs=(), channels=(), explicit=explicit, pip=tuple(wanted))
    missing = tuple(each.text for each in lost if each.reason in _LACKING)
    concerns = []
    if missing:
        text = phrase("Some of it cannot be made again; the task does the rest, and fails.")
        concerns.append(Concern.of(ConcernKind.NOT_REPRODUCED, text, missing))
    doubted = tuple(each.text for each in lost if each.reason in _DOUBTED)
    if doubted:
        text = phrase("Some of it may not be found again there, or not be the same.")
        concerns.append(Concern.of(ConcernKind.NOT_REPRODUCED, text, doubted))
    return CopyPlan(planned, missing, tuple(concerns))


def _from_an_index(package: PipRecord) -> bool:
    return package.origin is PipOrigin.INDEX


def compare_after(source: Environment, copy: Environment) -> Comparison:
    """Both as they were read from their disks afterwards: unless that is empty, the copy is none."""
    return compare(source, copy)
