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

__all__ = ["LogProgress", "read_task_outcome"]

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
        text = phrase("The environment was made, but some of it cannot be made again.")
        return Outcome(Verdict.FAILED, Kind.UNPROVEN, said.missing(), text, phrase("Install what is missing by hand."))
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
    elif words.is_success:
        text = phrase("The tool ended as if all were well, but on the disk it is not as it was to be.")
        words = Outcome(Verdict.FAILED, Kind.UNPROVEN, said.missing(), text, remedy(Kind.UNPROVEN))
    if words.kind is Kind.CHANNEL_UNREACHABLE and task.kind == ChangeKind.CLONE.value and "--file" in task.argv:
        text = phrase("Have its packages carried there: clone it again with `--carry always`.")
        words = Outcome(words.verdict, words.kind, words.lines, words.explanation, text)
    return _with_left(words, said)


def _made(verdict: Verdict, kind: Kind) -> Outcome:
    return Outcome(verdict, kind, (), explanation(kind, verdict.value), remedy(kind))


def _refused(task: Task, said: _Said) -> Outcome:
    found = concerns_said(said.words)
    if task.kind in _KNOWN:
        found = lessened(ChangeKind(task.kind), found)
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
            lacks.append(phrase("Not as it was to be: {names}", names=", ".join(map(printable, names[:50]))))
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
