"""Reading what a host says of tasks: pure, bounded, and never believing more than it can.

The texts of a task's folder come back as they were written there: by our own client, or by whoever
may write into the account's home. What makes no sense is left out; it never hides the other tasks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import mark, phrase, plural
from tui.domain.tasks import Holder, Task, TaskSpec, began, ended, is_task_id, lost, queued, shown_argv, waits
from tui.domain.text import decode, encode, printable
from tui.remote.jsontext import read_object
from tui.remote.wire import Record, WireError, records

__all__ = ["TaskList", "owner_line", "spec_line"]

VERSION = 1
LONGEST_SPEC = 1 << 20
LONGEST_WORDS = 4000
LONGEST_SAID = 64 << 10
MOST_SAID = 2000
_IDENTITY = re.compile(r"([^_]*)_([^_]*)_([^_]*)_([0-9]{1,10})_([0-9]{1,20})_(.*)")
_STATUS = re.compile(r"([0-9]{1,3}) (ended|cancelled|refused|killed|broken)")
_EXIT = re.compile(r"([0-9]{1,3}) ([0-9]{1,12}) (ended|cancelled|refused|killed|broken) ([0-9]{1,5})")
_WORD = re.compile(r"[a-z][a-z_-]{0,31}")


def spec_line(spec: TaskSpec) -> bytes:
    """*spec* as one line of ASCII, without what looks like a secret."""
    return _line(
        {
            "v": VERSION,
            "id": spec.id,
            "kind": spec.kind,
            "target": spec.target,
            "argv": shown_argv(spec.argv),
            "operator": spec.operator,
            "places": spec.places,
            "roots": spec.roots,
            "summary": spec.summary,
        }
    )


def owner_line(spec: TaskSpec) -> bytes:
    """What other operators are told of who holds a lock: one line of ASCII."""
    return _line(
        {
            "operator": spec.operator[:100],
            "task": spec.id,
            "kind": spec.kind,
            "target": spec.target[:500],
        }
    )


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii")


@dataclass(slots=True)
class TaskList:
    """Takes the records of ``task_list.sh`` in their order."""

    host: str
    tasks: list[Task] = field(default_factory=list)
    now: float | None = None
    """The host's clock, to tell ages by."""
    complete: bool = False
    """True once the answer's end arrived."""
    _spec: TaskSpec | None = None
    _waiting: Holder | None = None
    _fault: tuple[str, str, str] | None = None
    _said: tuple[tuple[str, ...], ...] = ()

    def take(self, record: Record) -> None:
        """One more record; what is not known is passed over."""
        match record.tag:
            case "now":
                self.now = record.number(0)
            case "spec":
                self._spec = _spec(record)
                self._waiting = self._fault = None
                self._said = ()
            case "said":
                self._said = _said(record)
            case "waiting":
                self._waiting = _holder(record)
            case "fault":
                self._fault = (record.text(0) or "", record.text(1) or "", record.text(2) or "")
            case "task":
                task = self._task(record)
                if task is not None:
                    self.tasks.append(replace(task, said=self._said))
                self._spec = self._waiting = self._fault = None
                self._said = ()
            case "end":
                self.complete = True

    def _task(self, record: Record) -> Task | None:
        spec = self._spec
        if len(record.fields) != 10 or spec is None or (record.text(0) or "") != spec.id:
            return None
        size = record.integer(1)
        born, outer, pid, started, status, cancel, final, life = ((record.text(i) or "").strip() for i in range(2, 10))
        created = _number(born.partition(" ")[0])
        if created is None:
            return None
        task = replace(queued(spec, self.host, created), log_bytes=size if size is not None and size >= 0 else None)
        over = _EXIT.fullmatch(final)
        # The wrapper's own word counts when nobody was left to write the last one.
        said = None if over or life in ("here", "maybe") else _STATUS.fullmatch(status)
        begun = _number(started)
        if begun is not None:
            task = began(task, begun)
        elif self._waiting is not None and not over:
            task = waits(task, self._waiting)
        if over:
            return self._ended(task, int(over[1]), float(over[2]), over[3], int(over[4]))
        if said:
            return self._ended(task, int(said[1]), None, said[2], 0)
        if life in ("here", "maybe"):
            return replace(task, cancelling=bool(cancel) and cancel != ".")
        return lost(task, self._lost(task.id, life, bool(pid or outer)))

    def _ended(self, task: Task, code: int, at: float | None, how: str, left: int) -> Task:
        fault: Fault | None = None
        named = {"task": task.id, "host": printable(self.host)}
        if how == "refused":
            fault = self._refused(named)
        elif how == "killed":
            fault = Fault(
                FaultKind.LOST,
                phrase("The task {task} on {host} was killed by somebody.", **named),
                phrase("See who did, or whether memory ran out."),
            )
        elif how == "broken":
            fault = Fault(
                FaultKind.SHELL_BROKEN,
                phrase("The task {task} on {host} could not begin.", **named),
                phrase("See whether the home is writable there, and its disk not full."),
            )
        elif left:
            fault = Fault(
                FaultKind.INCOMPLETE,
                plural(
                    "The task {task} on {host} was cancelled; one of its processes could not be ended.",
                    "The task {task} on {host} was cancelled; {n} of its processes could not be ended.",
                    left,
                    **named,
                ),
                phrase("They belong to another account, or hang in the kernel: look for them on the host."),
            )
        known = code if how in ("ended", "cancelled") else None
        return ended(task, at, known, cancelled=how == "cancelled", fault=fault, left_behind=left)

    def _refused(self, named: Mapping[str, str]) -> Fault:
        """No lock was had: nothing ran."""
        kind, place, words = self._fault or ("", "", "")
        shown = printable(place)[:500] or phrase("a directory")
        said = printable(" ".join(words.split()))[:300]
        nothing = phrase("Nothing was changed.")
        if kind == "denied":
            nothing = phrase("Nothing was changed. With `sudo: true` a host changes a thing as its owner.")
        template, fault_kind = _UNLOCKED.get(kind, _UNLOCKED[""])
        message = phrase(template, place=shown, **named)
        if said:
            message = phrase("{what} It said: {words}", what=message, words=said)
        return Fault(fault_kind, message, nothing)

    def _lost(self, task: str, life: str, begun: bool) -> Fault:
        named = {"task": task, "host": printable(self.host)}
        if life == "boot":
            message = phrase("The task {task} on {host} was running when the host was restarted.", **named)
        elif begun:
            message = phrase("The task {task} on {host} is gone, and nobody saw how it ended.", **named)
        else:
            message = phrase("The task {task} on {host} is gone; it never began.", **named)
        return Fault(FaultKind.LOST, message, phrase("See what it left before it is started again."))


_UNLOCKED = {
    # The contract's list has no kind for a full disk: what is to be written does not fit.
    "full": (
        mark("The task {task} on {host} did not run: the disk is full where {place} is."), FaultKind.TOO_LARGE
    ),
    "readonly": (mark("The task {task} on {host} did not run: {place} is read-only."), FaultKind.PERMISSION),
    "denied": (
        mark("The task {task} on {host} did not run: no lock may be taken in {place}."), FaultKind.PERMISSION
    ),
    "": (mark("The task {task} on {host} did not run: there is no lock in {place}."), FaultKind.INCOMPLETE),
}  # fmt: skip
"""Why a task did not run, and of what kind that is."""


def _spec(record: Record) -> TaskSpec | None:
    if not record.fields or len(record.fields[0]) > LONGEST_SPEC:
        return None
    values = read_object(record.fields[0])
    try:
        kind, target, operator = values["kind"], values["target"], values["operator"]
        argv, places, roots = (_texts(values[key]) for key in ("argv", "places", "roots"))
        task, summary = values["id"], values.get("summary", "")
    except (KeyError, TypeError):
        return None
    texts = (task, kind, target, operator, summary)
    if not all(isinstance(text, str) and _is_raw(text) for text in texts) or not is_task_id(task):
        return None
    if not _WORD.fullmatch(kind):
        return None
    return TaskSpec(task, kind, target, argv, operator, places, roots, summary)


def _holder(record: Record) -> Holder | None:
    """``=waiting KIND PLACE ENTRY WORDS``"""
    if len(record.fields) != 4:
        return None
    kind, place = record.text(0), record.text(1)
    if kind == "process":
        pid, _, words = (record.text(2) or "").partition(" ")
        return Holder("process", pid=_pid(pid), command=tuple(words.split("\x01")[:-1]))
    who = _IDENTITY.fullmatch((record.text(2) or "").partition("_")[2])
    since, _, rest = record.fields[3][:LONGEST_WORDS].partition(b" ")
    values = read_object(rest)

    def text(key: str) -> str | None:
        value = values.get(key)
        return value if isinstance(value, str) and value and _is_raw(value) else None

    return Holder(
        "task",
        place=place,
        operator=text("operator"),
        host=who[6] if who else None,
        pid=_pid(who[4]) if who else None,
        task=text("task"),
        task_kind=text("kind"),
        target=text("target"),
        since=_number(decode(since)),
    )


def _said(record: Record) -> tuple[tuple[str, ...], ...]:
    """``=said HEX``: the file's own records, as far as they make sense; the first ones count."""
    try:
        raw = bytes.fromhex(record.fields[0][: 2 * LONGEST_SAID].decode("ascii")) if record.fields else b""
    except ValueError:
        return ()
    found: list[tuple[str, ...]] = []
    try:
        for each in records(raw):
            if each.tag == "said" and each.fields and len(found) < MOST_SAID:
                found.append(tuple(decode(value) for value in each.fields))
    except WireError:
        pass
    return tuple(found)


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) and _is_raw(value) for value in values):
        raise TypeError("a list of strings was expected")
    return tuple(values)


def _is_raw(text: str) -> bool:
    """Whether *text* stands for bytes: JSON can also hold halves of characters."""
    try:
        encode(text)
    except UnicodeEncodeError:
        return False
    return True


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _pid(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 10 else None
