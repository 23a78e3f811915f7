"""An environment made again on another host, or anew in its place: what for, and what it will lack. Pure.

The very archives that its records name, with their hashes, and then the pip packages at their versions, each without
what it depends on: all of that is in the list itself. Nothing is solved, so nothing can come out otherwise; only where
an address is not known are names, versions and builds asked for instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind
from tui.domain.envrecord import EnvironmentRecord, PipOrigin, without_secrets
from tui.domain.losses import NEEDS_SOURCE, Reason, losses
from tui.domain.phrases import phrase
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.domain.remake import remake

__all__ = ["CopyPlan", "plan_copy"]

_LACKING = NEEDS_SOURCE | {Reason.NO_VERSION, Reason.ODD_NAME, Reason.NO_ADDRESS, Reason.BROKEN_RECORD, Reason.NOT_READ}
"""What no list can hold, or not so that it is sure to come out the same."""
_DOUBTED = frozenset({Reason.OTHER_INDEX, Reason.LOCAL_CHANNEL, Reason.NO_HASH, Reason.CREDENTIALS, Reason.ADDED_PATHS})
"""What is tried, and may fail or come otherwise."""
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_TOKEN = re.compile(r"/t/[^/\s?#]+(?=/)")


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What is asked of the package manager and of pip."""

    change: Change
    """With its explicit list, or specs and channels, its requirements, and what will be missing: the task makes the
    rest, tells of these, and fails."""
    concerns: tuple[Concern, ...] = ()
    packages: PackagePlan | None = None
    """What conda is to bring: nothing is solved for it."""


def plan_copy(change: Change, record: EnvironmentRecord) -> CopyPlan:
    """How *change* (a copy for another host, or a recreation) makes what *record* tells of, as it came from the host.

    A channel's password or token is not taken along: the host that needs it has its own. Nor are variables, of which
    any may be a secret: they are named, never shown. What is made anew in its place keeps them, and its pins; a new
    environment that is to be like another has none.
    """
    pins: tuple[str, ...] = ()
    withheld: list[str] = []
    if change.kind is ChangeKind.CLONE:
        clean = without_secrets(record).pins
        pins = tuple(pin for pin, shown in zip(record.pins, clean, strict=True) if pin == shown)
        withheld = [shown for pin, shown in zip(record.pins, clean, strict=True) if pin != shown]
        withheld += [name for name, _ in record.variables]
    packages = PackagePlan(
        link=tuple(PlannedPackage(e.name, e.version, e.build, _bare(e.channel)) for e in record.conda)
    )
    record = replace(record, pins=(), variables=())
    lost = losses(record)
    conda = tuple(replace(each, url=_bare(each.url), channel=_bare(each.channel)) for each in record.conda)
    pip = tuple(each for each in record.pip if each.origin is PipOrigin.INDEX)
    wish = remake(replace(record, conda=conda, pip=pip))
    missing = tuple(str(each.text) for each in lost if each.reason in _LACKING)
    planned = replace(
        change,
        explicit=wish.explicit,
        specs=wish.specs,
        channels=wish.channels,
        pip=wish.pip,
        missing=missing,
        pins=pins,
    )
    if wish.explicit:
        planned = replace(planned, channels=())  # the addresses say it all
    concerns = []
    if missing:
        text = phrase("Not all of it can be made again: the task does the rest, and is told as failed, with this list.")
        concerns.append(Concern.of(ConcernKind.NOT_REPRODUCED, text, missing))
    doubted = tuple(str(each.text) for each in lost if each.reason in _DOUBTED)
    if doubted:
        text = phrase("Some of it may not be found again there, or not be the same.")
        concerns.append(Concern.of(ConcernKind.NOT_REPRODUCED, text, doubted))
    if withheld:
        text = phrase(
            "Variables, and pins that hold a secret, stay where they are: set them on the other host yourself."
        )
        concerns.append(Concern.of(ConcernKind.NOT_REPRODUCED, text, withheld))
    return CopyPlan(planned, tuple(concerns), packages)


def _bare(address: str | None) -> str | None:
    return None if address is None else _TOKEN.sub("", _USERINFO.sub("", address))
