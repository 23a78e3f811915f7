"""What a screen says beside its rows: why a table is empty, and which hosts are missing from it."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.faults import Fault
from tui.domain.hosts import HostState
from tui.domain.snapshot import Part
from tui.services.store import HostView
from tui.ui.language import tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join
from tui.ui.present.faults import fault_tone, fault_words, state_sentence
from tui.ui.present.table import Note

__all__ = ["empty_note", "marked_cell", "missing_cell", "no_match_note", "unknown_words"]

NAMED = 3


def no_match_note(words: str, rows: str, why: str = "") -> Note:
    """A filter left nothing of *rows*, such as "12 hosts". *words* is in printed form; *why*: :func:`unknown_words`."""
    lines = (tr("{why}: such a filter keeps only what is known", why=why),) if why else ()
    return Note.of(
        tr("None of {rows} matches “{words}”", rows=rows, words=words),
        *lines,
        tr("Esc clears the filter"),
    )


def unknown_words(names: Sequence[str], rows: int, all_rows: int) -> str:
    """Which fields of a filter are not known of *rows* of *all_rows*, which it leaves out for it; nothing for none."""
    if not rows or not names:
        return ""
    fields = tr(" and ").join(names)
    if rows == all_rows:
        return trn("{fields} is not known of any yet", "{fields} are not known of any yet", len(names), fields=fields)
    return trn("{fields} not known of {n}", "{fields} not known of {n}", rows, fields=fields)


def marked_cell(marked: int, hidden: int, sum_of: str) -> Cell:
    """How many rows are marked, what they come to, and how many of them cannot be seen; nothing for none."""
    if not marked:
        return ()
    return join(
        (
            cell(trn("{n} marked", "{n} marked", marked), Tone.ACCENT),
            cell(
                trn("{n} of them hidden by the filter", "{n} of them hidden by the filter", hidden) if hidden else "",
                Tone.WARN,
            ),
            cell(sum_of, Tone.PLAIN),
        ),
        tr(", "),
    )


def empty_note(views: Sequence[HostView], part: str, things: str, now: float) -> Note:
    """Why no *things* are listed: nobody was asked, they are on their way, it failed, or there are none.

    *part* names the part of a snapshot that holds them.
    """
    waiting = [view for view in views if _part(view, part).value is None]
    if not views:
        return Note.of(tr("There are no hosts in the fleet yet"), tr("Run: condafleet hosts add NAME"))
    failed = [view for view in waiting if _reason(view, part) is not None or view.state is HostState.ASKING]
    if not waiting:
        where = tr("the {n} hosts", n=len(views)) if len(views) > 1 else views[0].name
        return Note.of(tr("No {things} on {where}", things=things, where=where))
    if len(failed) == len(waiting):
        some = len(failed) < len(views)
        could_not = trn("{n} host could not say", "{n} hosts could not say", len(failed))
        none, nobody = (
            tr("No {things} found; {why}", things=things, why=could_not),
            tr("No host could tell its {things}", things=things),
        )
        head = none if some else nobody
        return Note(head, tuple(_line(view, part, now) for view in failed[:8]), Tone.WARN)
    lines = [
        cell(
            tr(
                "{hosts} asked, {n} answered so far",
                hosts=trn("{n} host", "{n} hosts", len(waiting)),
                n=len(views) - len(waiting),
            ),
            Tone.DIM,
        )
    ]
    lines += [_line(view, part, now) for view in failed[:6]]
    return Note(tr("Waiting for {things}", things=things), tuple(lines))


def missing_cell(views: Sequence[HostView], part: str, now: float) -> Cell:
    """Which hosts a list lacks, or has only old data of, and why; nothing when it is whole."""
    waiting = [view for view in views if _part(view, part).value is None and _reason(view, part) is None]
    failed = [view for view in views if _part(view, part).value is None and _reason(view, part) is not None]
    old = [view for view in views if _part(view, part).value is not None and part in view.stale_parts]
    parts: list[Cell] = [_line(view, part, now) for view in failed[:NAMED]]
    if len(failed) > NAMED:
        parts.append(cell(tr("{n} more failed", n=len(failed) - NAMED), Tone.WARN))
    if waiting:
        parts.append(cell(trn("{n} host not answered yet", "{n} hosts not answered yet", len(waiting)), Tone.ACCENT))
    if old:
        parts.append(cell(trn("{n} host old", "{n} hosts old", len(old)), Tone.WARN))
    return join(parts, " · ")


def _part(view: HostView, name: str) -> Part[object]:
    part: Part[object] = getattr(view.snapshot, name)
    return part


def _reason(view: HostView, part: str) -> Fault | None:
    return _part(view, part).fault or (view.fault if view.state is not HostState.UP else None)


def _line(view: HostView, part: str, now: float) -> Cell:
    fault = _part(view, part).fault
    if fault is not None and view.state is HostState.UP:
        return cell(tr("{host}: {fault}", host=view.name, fault=fault_words(fault)), fault_tone(fault))
    tone = fault_tone(view.fault) if view.fault else Tone.ACCENT
    return cell(state_sentence(view, now), tone)
