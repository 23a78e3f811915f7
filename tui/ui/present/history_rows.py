"""Rows of a history: a change of an environment, what was asked for, and what came of it."""

from __future__ import annotations

from functools import partial

from tui.domain.environments import Environment
from tui.domain.history import Change, Dist, History, Revision
from tui.domain.phrases import phrase
from tui.ui.histories import Read
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.table import Column, Note, Row
from tui.ui.present.words import UNKNOWN, ago, day, span

__all__ = ["COLUMNS", "command_cell", "detail", "note", "rows", "section"]

MISSING = cell(UNKNOWN, Tone.DIM)
SECTION_SHOWN = 5

COLUMNS = (
    Column("when", phrase("When"), 0, 16, 16, by=lambda revision: revision.time, falling=True),
    Column("age", phrase("Ago"), 3, 4, 5, right=True, live=4),
    Column("packages", phrase("Packages"), 2, 12, 16, by=lambda revision: len(revision.changes), falling=True),
    Column("command", phrase("Command"), 1, 24, 200, by=lambda revision: revision.command),
)


def rows(history: History, env_key: tuple[str, str]) -> list[Row]:
    """The newest first. A row's key stays the same when a change is added above it."""
    last = len(history.revisions) - 1
    return [_row(revision, (*env_key, last - place)) for place, revision in enumerate(history.revisions)]


def _row(revision: Revision, key: tuple[str, str, int]) -> Row:
    when = revision.time
    return Row(
        key,
        (
            cell(day(when)) if when is not None else MISSING,
            partial(_age, when),
            changed_cell(revision),
            command_cell(revision, key[1]),
        ),
        also=" ".join(change.name for change in revision.changes),
        item=revision,
    )


def _age(when: float | None, now: float) -> Cell:
    return MISSING if when is None else cell(span(now - when), Tone.DIM)


def changed_cell(revision: Revision) -> Cell:
    """``+3 −1 ~12``: packages that came, went, and are there in another version or build."""
    came, went, other = _sorts(revision)
    figures = ((came, "+", Tone.GOOD), (went, "−", Tone.WARN), (other, "~", Tone.ACCENT))
    return join((cell(f"{sign}{len(all_)}", tone) for all_, sign, tone in figures if all_), " ") or cell(
        tr("none"), Tone.DIM
    )


def command_cell(revision: Revision, prefix: str) -> Cell:
    """What was typed; of the program and of the environment at *prefix* only the end of the path."""
    if revision.command is None:
        return cell(tr("not written down"), Tone.DIM)
    program, space, rest = revision.command.partition(" ")
    words = [f"…/{prefix.rsplit('/', 1)[-1]}" if word == prefix else word for word in rest.split(" ")]
    return remote(program.rsplit("/", 1)[-1] + space + " ".join(words))


def detail(revision: Revision, now: float) -> list[Line]:
    """All that is known of one change."""
    when = revision.time
    number = MISSING if revision.number is None else cell(str(revision.number))
    lines = [
        pair(tr("When"), MISSING if when is None else join((cell(day(when)), cell(ago(when, now), Tone.DIM)))),
        pair(tr("Revision"), number),
        pair(tr("Command"), remote(revision.command) or cell(tr("not written down"), Tone.DIM)),
    ]
    for request in revision.requests:
        lines.append(
            pair(said(_ACTIONS.get(request.action, shown(request.action))), remote(request.specs[0], Tone.STRONG))
        )
        lines += [pair("", remote(spec, Tone.STRONG)) for spec in request.specs[1:]]
    if revision.conda_version:
        lines.append(pair(tr("Written by"), join((cell("conda"), remote(revision.conda_version)), " ")))
    came, went, other = _sorts(revision)
    for title, changes in (
        (trn("{n} package changed", "{n} packages changed", len(other)), other),
        (trn("{n} package added", "{n} packages added", len(came)), came),
        (trn("{n} package removed", "{n} packages removed", len(went)), went),
    ):
        if changes:
            lines += [blank(), heading(title), *(item(_change(change)) for change in changes)]
    if not (came or went or other):
        lines += [blank(), words(tr("No package of conda's was changed by it; pip leaves no trace here."), Tone.DIM)]
    return lines


_ACTIONS = {
    "update": phrase("Asked for"),
    "install": phrase("Asked for"),
    "create": phrase("Asked for"),
    "remove": phrase("To remove"),
}


def _sorts(revision: Revision) -> tuple[list[Change], list[Change], list[Change]]:
    """Those that came, those that went, those that are there in another form."""
    changes = revision.changes
    return (
        [change for change in changes if change.old is None],
        [change for change in changes if change.new is None],
        [change for change in changes if change.old is not None and change.new is not None],
    )


def _change(change: Change) -> Cell:
    old, new = change.old, change.new
    if old is None or new is None:
        dist = new or old
        assert dist is not None
        return join((remote(dist.name), remote(dist.version), remote(dist.build, Tone.DIM), _channel(dist)))
    if old.version != new.version:
        what = (old.version, new.version)
    elif old.build != new.build:
        what = (old.build, new.build)
    else:
        what = (old.channel, new.channel)
    arrow = join((remote(what[0], Tone.DIM) or MISSING, remote(what[1]) or MISSING), " → ")
    return join((remote(change.name), arrow, _channel(new)))


def _channel(dist: Dist) -> Cell:
    return remote(dist.channel, Tone.DIM)


def note(read: Read | None, name: str) -> Note:
    """Why there are no rows. *name* is in printed form."""
    if read is None or read.under_way:
        return Note.of(tr("Reading the history of {name}", name=name))
    if read.fault is not None:
        return Note.of(
            said(read.fault.message), said(read.fault.remedy), tr("r reads it again; Esc goes back"), tone=Tone.WARN
        )
    return Note.of(
        tr("The history of {name} is empty", name=name), tr("conda wrote no change into it"), tr("Esc goes back")
    )


def section(env: Environment, read: Read | None, key: str, now: float) -> list[Line]:
    """The last changes, for the detail of an environment; *key* shows them all."""
    lines = [blank(), heading(tr("Changes"))]
    history = read.history if read is not None else None
    if history is not None:
        for revision in history.revisions[:SECTION_SHOWN]:
            when = cell(ago(revision.time, now), Tone.DIM)
            lines.append(item(join((when, changed_cell(revision), command_cell(revision, env.prefix)))))
        more = len(history.revisions) - SECTION_SHOWN
        if more > 0:
            lines.append(words(tr("and {n} more; {key} shows them all.", n=more, key=key), Tone.DIM))
        elif not history.revisions:
            lines.append(words(tr("None is written down."), Tone.DIM))
    if read is not None and read.under_way:
        lines.append(words(tr("Being read."), Tone.DIM))
    elif read is not None and read.fault is not None:
        lines.append(Line(cell(tr("Not read: {fault}", fault=fault_words(read.fault)), fault_tone(read.fault))))
    elif history is None:
        lines.append(words(tr("{key} shows what was asked of conda, and when.", key=key), Tone.DIM))
    return lines
