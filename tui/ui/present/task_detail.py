"""The detail of a task: what runs, how it is, what was said against it, what came of it, and the end of its log."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from tui.domain.changes import ConcernKind, Severity, severity_of
from tui.domain.faults import Fault
from tui.domain.phrases import phrase
from tui.domain.tasks import Task, age_s, duration_s
from tui.remote.changes.outcome import result_notes
from tui.remote.condasays.outcome import Outcome, Verdict
from tui.services.store import HostView
from tui.services.tasks import Progress
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.tasks import ending, fault_of, holder_words, name_cell, progress_cell, state_cell
from tui.ui.present.words import UNKNOWN, day, size_long, span

__all__ = ["command_text", "detail", "group"]

MISSING = cell(UNKNOWN, Tone.DIM)
FACTS = 60
"""Of what a program reports, so many lines are shown."""


def command_text(task: Task) -> str:
    """Its command as a shell takes it, in printed form."""
    return " ".join(shlex.quote(shown(word)) for word in task.argv)


def detail(
    task: Task,
    view: HostView,
    now: float,
    *,
    progress: Progress | None,
    outcome: Outcome | None,
    tail: Sequence[str],
    log_fault: Fault | None,
    log_key: str,
) -> list[Line]:
    """All that is known of a task; *tail*: the last lines of its log, in printed form."""
    lines = [
        pair(tr("Task"), name_cell(task)),
        pair(tr("Host"), cell(task.host)),
        pair(tr("Target"), remote(task.target)),
        pair(tr("State"), state_cell(task, fault_of(view) is not None)),
    ]
    if task.waits_for is not None:
        lines.append(pair(tr("Waits for"), cell(holder_words(task.waits_for), Tone.WARN)))
    if progress is not None and not task.is_over:
        lines.append(pair(tr("Progress"), progress_cell(progress)))
    if task.summary:
        lines.append(pair(tr("Summary"), remote(task.summary)))
    lines += [
        pair(tr("Runs"), cell(command_text(task), Tone.STRONG)),
        pair(tr("Operator"), remote(task.operator) or MISSING),
        pair(tr("Created"), _when(task.created, age_s(task, now))),
        pair(tr("Took"), _took(task, now)),
        pair(tr("Exit code"), MISSING if task.exit_code is None else cell(str(task.exit_code))),
        pair(tr("Id"), cell(task.id, Tone.DIM)),
    ]
    if task.fault is not None:
        lines += [blank(), heading(cell(fault_words(task.fault), fault_tone(task.fault)))]
        lines += [words(said(task.fault.message)), pair(tr("To do"), cell(said(task.fault.remedy)))]
    lines += _said(task)
    lines += _outcome(outcome)
    lines += _log(tail, log_fault, log_key)
    return lines


def group(tasks: Sequence[Task]) -> list[Line]:
    """Tasks that stand together: those that ended alike under one heading, the odd ones first."""
    by_ending: dict[str, list[Task]] = {}
    for task in tasks:
        by_ending.setdefault(ending(task), []).append(task)
    lines: list[Line] = []
    for text, alike in sorted(by_ending.items(), key=lambda pair: len(pair[1])):
        on = trn("on {n} host", "on {n} hosts", len({task.host for task in alike}))
        lines += [blank(), heading(join((cell(text, Tone.ACCENT), cell(on, Tone.DIM))))]
        lines += [item(join((cell(task.host), name_cell(task), cell(task.id, Tone.DIM)))) for task in alike[:FACTS]]
        if len(alike) > FACTS:
            lines.append(words(tr("and {n} more", n=len(alike) - FACTS), Tone.DIM))
    return lines[1:]


def _when(then: float, ago_s: float) -> Cell:
    return join((cell(day(then)), cell(tr("{span} ago", span=span(ago_s)), Tone.DIM)))


def _took(task: Task, now: float) -> Cell:
    took = duration_s(task, now)
    if took is None:
        return MISSING if task.is_over else cell(tr("not begun yet"), Tone.DIM)
    return cell(span(took)) if task.is_over else cell(tr("{span} so far", span=span(took)))


def _said(task: Task) -> Iterator[Line]:
    """What its program reported: what spoke against it, then what it did."""
    against = [fields for fields in task.said if fields[:1] == ("concern",)]
    notes = result_notes(task)
    told = {"concern", *(NOTED if notes else ())}
    facts = [fields for fields in task.said if fields and fields[0] not in told]
    if against:
        title = tr("Refused on the host") if task.is_refused else tr("Seen on the host")
        yield blank()
        yield heading(cell(title, Tone.WARN))
        for fields in against[:FACTS]:
            yield item(_concern(fields[1:]))
    if notes or facts:
        yield blank()
        yield heading(tr("What it reports"))
        for note in notes:
            yield item(cell(said(note)))
        for fields in facts[:FACTS]:
            yield item(_fact(fields[0], fields[1:]))


def _concern(fields: Sequence[str]) -> Cell:
    kind = fields[0] if fields else ""
    known = kind in {each.value for each in ConcernKind}
    forbidden = known and severity_of(ConcernKind(kind)) is Severity.FORBIDDEN
    tone = Tone.BAD if forbidden else Tone.WARN
    name = remote(kind.replace("_", " "), tone)
    return join((name, *(remote(each, Tone.DIM if place else Tone.PLAIN) for place, each in enumerate(fields[1:]))))


FACT_WORDS: dict[str, str] = {
    "freed": phrase("freed"),
    "unlinked": phrase("took away"),
    "left": phrase("left behind"),
    "aside": phrase("put aside"),
    "made": phrase("made"),
    "restored": phrase("restored"),
    "missing": phrase("missing"),
    "lacks": phrase("lacks"),
    "unproven": phrase("not proved"),
    "note": phrase("note"),
    "tool": phrase("the tool's exit code"),
    "pip": phrase("pip's exit code"),
}
"""What programs report, in words; a word that is not here stands as the host says it."""
NOTED = frozenset({"compared", "carried", "names_old"})
"""Of these, sentences are made."""
BAD_NEWS = frozenset({"left", "missing", "lacks", "unproven"})


def _fact(word: str, fields: Sequence[str]) -> Cell:
    name = said(FACT_WORDS[word]) if word in FACT_WORDS else shown(word)
    title = cell(name, Tone.WARN if word in BAD_NEWS else Tone.ACCENT)
    if word == "freed" and len(fields) > 2 and all(each.isascii() and each.isdigit() for each in fields[1:3]):
        freed = max(0, int(fields[2][:18]) - int(fields[1][:18]))
        return join((title, cell(size_long(freed), Tone.STRONG), remote(fields[0], Tone.DIM)))
    if word in ("freed", "unlinked") and len(fields) > 1 and fields[1].isascii() and fields[1].isdigit():
        return join((title, cell(size_long(int(fields[1][:18])), Tone.STRONG), remote(fields[0], Tone.DIM)))
    return join((title, *(remote(each) for each in fields)))


def _outcome(outcome: Outcome | None) -> Iterator[Line]:
    if outcome is None or (outcome.is_success and not outcome.explanation):
        return
    tone = {Verdict.FAILED: Tone.BAD, Verdict.DOUBTFUL: Tone.WARN}.get(outcome.verdict, Tone.DIM)
    yield blank()
    yield heading(cell(tr("What its log says"), tone))
    if outcome.explanation:
        yield words(said(outcome.explanation))
    for line in outcome.lines:
        yield item(cell(line, tone))
    if outcome.remedy:
        yield pair(tr("To do"), cell(said(outcome.remedy)))


def _log(tail: Sequence[str], fault: Fault | None, key: str) -> Iterator[Line]:
    yield blank()
    yield heading(join((cell(tr("Log"), Tone.ACCENT), cell(tr("{key}: all of it", key=key), Tone.DIM))))
    if fault is not None:
        yield words(said(fault.message), Tone.WARN)
    elif not tail:
        yield words(tr("Nothing yet."), Tone.DIM)
    for line in tail:
        yield Line(cell(line, Tone.DIM))
