"""The history of an environment for the command line: as JSON and as a table. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tui.cli.jsonview import Object, time_json
from tui.cli.tables import Column, Table
from tui.cli.words import UNKNOWN, count
from tui.domain.history import Dist, History, Revision
from tui.domain.text import printable

__all__ = ["history_table", "revision_json"]


def revision_json(revision: Revision) -> Object:
    """One change of an environment."""
    return {
        "revision": revision.number,
        "time": time_json(revision.time),
        "command": _text(revision.command),
        "conda_version": _text(revision.conda_version),
        "added": [_dist(dist) for dist in revision.added],
        "removed": [_dist(dist) for dist in revision.removed],
        "requests": [
            {"action": each.action, "specs": [printable(spec) for spec in each.specs]} for each in revision.requests
        ],
    }


def history_table(history: History) -> Table:
    """The changes, the newest first, in the operator's local time."""
    columns = (
        Column("REV", right=True), Column("TIME"), Column("ADDED", right=True), Column("REMOVED", right=True),
        Column("COMMAND", flexible=True),
    )  # fmt: skip
    return Table(columns, tuple(_rows(history.revisions)))


def _rows(revisions: Iterable[Revision]) -> Iterable[tuple[str, ...]]:
    for revision in revisions:
        command = UNKNOWN if revision.command is None else printable(revision.command)
        figures = (str(len(revision.added)), str(len(revision.removed)))
        yield (count(revision.number), _local(revision.time), *figures, command)


def _local(when: float | None) -> str:
    if when is None:
        return UNKNOWN
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
    except (OverflowError, ValueError, OSError):
        return UNKNOWN


def _dist(dist: Dist) -> Object:
    return {
        "name": printable(dist.name),
        "version": _text(dist.version),
        "build": _text(dist.build),
        "channel": _text(dist.channel),
    }


def _text(raw: str | None) -> str | None:
    return None if raw is None else printable(raw)
