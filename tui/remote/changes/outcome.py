"""How a task of a package manager ended, for people: what it said, what the disk said, what that means. Pure."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from tui.domain.beforehand import lessened
from tui.domain.changes import ChangeKind, ConcernKind, Severity
from tui.domain.look import concerns_said
from tui.domain.phrases import Phrase, phrase
from tui.domain.tasks import Task, TaskState
from tui.domain.text import decode, printable
from tui.remote.condasays.explain import explanation, remedy
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.matters import MOST_LINES
from tui.remote.condasays.outcome import Outcome, Verdict, read_outcome
from tui.remote.condasays.progress import Progress, ProgressReader

__all__ = ["LogProgress", "read_task_outcome", "result_notes"]

_KNOWN = frozenset(kind.value for kind in ChangeKind)
REFUSED = 3
INCOMPLETE = 4
_KINDS = {
    ConcernKind.EXISTS: Kind.ENVIRONMENT_EXISTS,
    ConcernKind.MISSING: Kind.ENVIRONMENT_MISSING,
    ConcernKind.CHANGED: Kind.ENVIRONMENT_MISSING,
    ConcernKind.NOT_AN_ENVIRONMENT: Kind.NOT_AN_ENVIRONMENT,
    ConcernKind.INCOMPLETE: Kind.NOT_AN_ENVIRONMENT,
    ConcernKind.NOT_WRITABLE: Kind.NO_PERMISSION,
    ConcernKind.FOREIGN_OWNER: Kind.NO_PERMISSION,
    ConcernKind.READ_ONLY: Kind.NO_PERMISSION,
    ConcernKind.NO_SPACE: Kind.DISK_FULL,
    ConcernKind.NO_TOOL: Kind.TOOL_MISSING,
    ConcernKind.FROZEN: Kind.FROZEN,
    ConcernKind.BAD_NAME: Kind.INVALID_NAME,
    ConcernKind.BAD_PLACE: Kind.INVALID_NAME,
}


def read_task_outcome(task: Task, log: bytes) -> Outcome:
    """How *task* ended; *log* may be the end of a long one. Never raises.

    What was seen on the disk has the last word over what the tool said, in both directions.
    """
    said = _Said(task.said)
    if task.fault is not None and task.state is not TaskState.LOST:
        lines = tuple(filter(None, (task.fault.message, task.fault.remedy)))
        return Outcome(Verdict.FAILED, Kind.UNKNOWN, lines, task.fault.message, task.fault.remedy)
    if task.state is TaskState.LOST or not task.is_over:
        return _made(Verdict.DOUBTFUL, Kind.UNKNOWN)
    if task.exit_code == REFUSED:
        return _refused(task, said)
    if task.state is TaskState.CANCELLED:
        return _with_left(_made(Verdict.CANCELLED, Kind.CANCELLED), said)
    if task.exit_code == INCOMPLETE:
        return _with_left(_incomplete(said), said)
    if said.has("beside"):
        return _beside(task, said)
    code = said.number("tool")
    words = read_outcome(
        # No question was put to a person: what the tool takes an empty line for is what was wanted.
        (*task.argv, "-y"),
        task.exit_code if code is None else code,
        decode(log),
        existed=False,
    )
    if task.exit_code == 0:
        if words.verdict is Verdict.DOUBTFUL or (words.verdict is Verdict.FAILED and said.has("made")):
            return Outcome(Verdict.SUCCEEDED, None)
        return words
    pip = said.number("pip")
    if pip:
        words = read_outcome(task.argv, pip, decode(log))
        if words.kind in (None, Kind.UNKNOWN):
            kind = Kind.PIP_FAILED
            words = Outcome(Verdict.FAILED, kind, words.lines, explanation(kind, ""), remedy(kind))
    elif words.is_success or (words.kind is Kind.UNKNOWN and said.has("lacks")):
        text = phrase("The tool ended as if all were well, but on the disk it is not as it was to be.")
        words = Outcome(Verdict.FAILED, Kind.UNPROVEN, said.missing(), text, remedy(Kind.UNPROVEN))
    if words.kind is Kind.CHANNEL_UNREACHABLE and task.kind == ChangeKind.CLONE.value and "--file" in task.argv:
        text = phrase("Have its packages carried there: clone it again with `--carry always`.")
        words = Outcome(words.verdict, words.kind, words.lines, words.explanation, text)
    found = [each for each in concerns_said(said.words) if each.kind is ConcernKind.NO_TOOL]
    if words.kind is Kind.UNKNOWN and found:
        # Not refused: it came up on the way.
        lines = tuple(each.text for each in found)
        words = Outcome(Verdict.FAILED, Kind.TOOL_MISSING, lines, found[0].text, remedy(Kind.TOOL_MISSING))
    return _with_left(words, said)


def result_notes(task: Task) -> tuple[str, ...]:
    """What a task tells of its result beside how it ended: sentences in printed form."""
    said = _Said(task.said)
    notes: list[str] = []
    numbers = said.fields("compared")[:2]
    if len(numbers) == 2 and all(each.isdigit() and len(each) < 8 for each in numbers):
        notes.append(
            phrase("Compared with the original, and the same: {n} packages of conda and {m} of pip.",
                   n=int(numbers[0]), m=int(numbers[1]))
        )  # fmt: skip
    count, *names = said.fields("carried") or ("",)
    if count:
        notes.append(
            phrase("Brought over beside the packages ({n}): {names}", n=printable(count), names=_listed(names))
        )
    count, *names = said.fields("names_old") or ("",)
    if count:
        notes.append(
            phrase("These files still name the old place ({n}): {names}", n=printable(count), names=_listed(names))
        )
    return tuple(notes)


def _incomplete(said: _Said) -> Outcome:
    """Done, and not all as it was to be."""
    if said.has("changed"):
        text = phrase("It was copied, and changed at the last moment: both are there.")
        return Outcome(Verdict.FAILED, Kind.UNPROVEN, said.missing(), text, phrase("Look at both, and remove one."))
    if said.has("missing") or said.has("lacks") or said.has("more"):
        text = phrase("The environment was made, but some of it cannot be made again.")
        return Outcome(Verdict.FAILED, Kind.UNPROVEN, said.missing(), text, phrase("Install what is missing by hand."))
    if said.has("planned"):
        text = phrase("It was done, but the packages are not those that the dry run told of.")
        return Outcome(Verdict.FAILED, Kind.UNPROVEN, said.missing(), text, phrase("Look what is there now."))
    text = phrase("The new one is whole, and the old one is still there.")
    return Outcome(Verdict.FAILED, Kind.UNPROVEN, (), text, phrase("See why in the log, and remove the old one."))


def _made(verdict: Verdict, kind: Kind) -> Outcome:
    return Outcome(verdict, kind, (), explanation(kind, verdict.value), remedy(kind))


def _refused(task: Task, said: _Said) -> Outcome:
    found = concerns_said(said.words)
    if task.kind in _KNOWN:
        found = lessened(ChangeKind(task.kind), found)
    refused = said.fields("refused")
    # What was accepted was found again, and is no reason.
    found = tuple(each for each in found if not refused or each.kind.value in refused)
    against = [each for each in found if each.severity in (Severity.FORBIDDEN, Severity.NAME)]
    kind = next((_KINDS[each.kind] for each in against if each.kind in _KINDS), Kind.PROTECTED)
    lines = tuple(line for each in against for line in (each.text, *each.details))
    text = phrase("It was refused, and nothing was changed.")
    return Outcome(Verdict.FAILED, kind, lines[:MOST_LINES], text)


def _beside(task: Task, said: _Said) -> Outcome:
    """Somebody else made the same."""
    fields = said.fields("beside")
    by = printable(fields[2]) if len(fields) > 2 else ""
    place = printable(task.target)
    if fields[1:2] == ("there",):
        text = phrase(
            "Somebody else made {place} at the same moment: what stands there was left as it is, and may hold files of "
            "both.", place=place,
        )  # fmt: skip
        next_step = phrase("Do not use it before it was looked at, or made anew.")
    else:
        text = phrase(
            "Somebody else began to make {place} meanwhile: ours was ended before it wrote anything there.", place=place
        )
        next_step = phrase("Wait until that is done, and look whether it is what you wanted; or take another name.")
    return Outcome(Verdict.FAILED, Kind.ENVIRONMENT_EXISTS, (by,) if by else (), text, next_step)


def _with_left(outcome: Outcome, said: _Said) -> Outcome:
    left = said.fields("left")
    if not left:
        return outcome
    more = tuple(phrase("Left there: {place}", place=printable(place)) for place in left)
    return Outcome(
        outcome.verdict, outcome.kind, (*outcome.lines, *more)[-MOST_LINES:], outcome.explanation, outcome.remedy
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(printable, names[:50]))


class _Said:
    """What the task's program reported beside its log."""

    def __init__(self, words: Sequence[Sequence[str]]) -> None:
        self.words = words

    def has(self, word: str) -> bool:
        return any(each[:1] == (word,) for each in map(tuple, self.words))

    def fields(self, word: str) -> tuple[str, ...]:
        return tuple(field for each in self.words if each and each[0] == word for field in each[1:])

    def number(self, word: str) -> int | None:
        found = self.fields(word)[:1]
        return int(found[0]) if found and found[0].isdigit() and len(found[0]) < 6 else None

    def missing(self) -> tuple[str, ...]:
        lacks: list[Phrase] = []
        names = self.fields("lacks")
        if names:
            lacks.append(phrase("Not as it was to be: {names}", names=_listed(names)))
        if more := self.fields("more"):
            lacks.append(phrase("There, and not in the original: {names}", names=_listed(more)))
        if planned := self.fields("planned"):
            come = _listed([each[1:] for each in planned if each.startswith("+")])
            gone = _listed([each[1:] for each in planned if each.startswith("-")])
            lacks += [phrase("Planned, and not there: {names}", names=come)] if come else []
            lacks += [phrase("To be gone, and still there: {names}", names=gone)] if gone else []
        lines = [line for text in self.fields("missing") for line in text.split("\n") if line]
        return (*lacks, *map(printable, lines))[:MOST_LINES]


class LogProgress:
    """How far a task is, from the bytes of its log as they come, however they are cut."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._reader = ProgressReader()

    def feed(self, data: bytes) -> Progress | None:
        """Take the next bytes; where it is now, None before anything told. Nothing is told that was not printed."""
        return self._reader.feed(self._decoder.decode(data))
