"""What a screen says beside its rows: why a table is empty, and which hosts are missing from it."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.faults import Fault
from tui.domain.hosts import HostState
from tui.domain.snapshot import Part
from tui.services.store import HostView
from tui.ui.present.cell import Cell, Tone, cell, join
from tui.ui.present.faults import fault_tone, fault_words, state_sentence
from tui.ui.present.table import Note
from tui.ui.present.words import count

__all__ = ["empty_note", "marked_cell", "missing_cell", "no_match_note", "unknown_words"]

NAMED = 3


def no_match_note(words: str, rows: int, thing: str, things: str, unknown: Sequence[str] = ()) -> Note:
    """A filter left nothing. *words* is in printed form; *unknown* are the fields that nothing is known of."""
    why = unknown_words(unknown)
    lines = (f"{why}: such a filter keeps only what is known",) if why else ()
    return Note.of(f"None of {count(rows, thing, things)} matches “{words}”", *lines, "Esc clears the filter")


def unknown_words(names: Sequence[str]) -> str:
    """Which fields of a filter nothing is known of in any row; nothing for none."""
    if not names:
        return ""
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not known of any yet"


def marked_cell(marked: int, hidden: int, sum_of: str) -> Cell:
    """How many rows are marked, what they come to, and how many of them cannot be seen; nothing for none."""
    if not marked:
        return ()
    return join(
        (
            cell(f"{marked:,} marked", Tone.ACCENT),
            cell(f"{hidden:,} of them hidden by the filter" if hidden else "", Tone.WARN),
            cell(sum_of, Tone.PLAIN),
        ),
        ", ",
    )


def empty_note(views: Sequence[HostView], part: str, things: str, now: float) -> Note:
    """Why no *things* are listed: nobody was asked, they are on their way, it failed, or there are none.

    *part* names the part of a snapshot that holds them.
    """
    waiting = [view for view in views if _part(view, part).value is None]
    if not views:
        return Note.of("There are no hosts in the fleet yet", "Run: condafleet hosts add NAME")
    failed = [view for view in waiting if _reason(view, part) is not None or view.state is HostState.ASKING]
    if not waiting:
        where = f"the {len(views)} hosts" if len(views) > 1 else views[0].name
        return Note.of(f"No {things} on {where}")
    if len(failed) == len(waiting):
        some = len(failed) < len(views)
        head = (
            f"No {things} found; {count(len(failed), 'host')} could not say"
            if some
            else f"No host could tell its {things}"
        )
        return Note(head, tuple(_line(view, part, now) for view in failed[:8]), Tone.WARN)
    lines = [cell(f"{count(len(waiting), 'host')} asked, {len(views) - len(waiting)} answered so far", Tone.DIM)]
    lines += [_line(view, part, now) for view in failed[:6]]
    return Note(f"Waiting for {things}", tuple(lines))


def missing_cell(views: Sequence[HostView], part: str, now: float) -> Cell:
    """Which hosts a list lacks, or has only old data of, and why; nothing when it is whole."""
    waiting = [view for view in views if _part(view, part).value is None and _reason(view, part) is None]
    failed = [view for view in views if _part(view, part).value is None and _reason(view, part) is not None]
    old = [view for view in views if _part(view, part).value is not None and part in view.stale_parts]
    parts: list[Cell] = [_line(view, part, now) for view in failed[:NAMED]]
    if len(failed) > NAMED:
        parts.append(cell(f"{len(failed) - NAMED} more failed", Tone.WARN))
    if waiting:
        parts.append(cell(f"{count(len(waiting), 'host')} not answered yet", Tone.ACCENT))
    if old:
        parts.append(cell(f"{count(len(old), 'host')} old", Tone.WARN))
    return join(parts, " · ")


def _part(view: HostView, name: str) -> Part[object]:
    part: Part[object] = getattr(view.snapshot, name)
    return part


def _reason(view: HostView, part: str) -> Fault | None:
    return _part(view, part).fault or (view.fault if view.state is not HostState.UP else None)


def _line(view: HostView, part: str, now: float) -> Cell:
    fault = _part(view, part).fault
    if fault is not None and view.state is HostState.UP:
        return cell(f"{view.name}: {fault_words(fault)}", fault_tone(fault))
    tone = fault_tone(view.fault) if view.fault else Tone.ACCENT
    return cell(state_sentence(view, now), tone)
