"""Tasks on a host: starting, listing, cancelling and clearing away; each is one question on a lane.

Whatever happens to the lane, the connection or this program meanwhile, a task that was started runs
to its end on the host, once. Every task has a folder there, below ``~/.local/state/condafleet/tasks``,
of the account that runs it; ``scripts/task_run.sh`` says what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from enum import StrEnum

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.tasks import TaskSpec, is_task_id
from tui.domain.text import decode, encode, printable
from tui.remote.lane import Lane
from tui.remote.quoting import quote_all
from tui.remote.scripts import script
from tui.remote.task_answers import TaskList, owner_line, spec_line
from tui.remote.wire import Record, WireError, records

__all__ = [
    "RUN_ARGV",
    "CancelAnswer",
    "NotStartedError",
    "cancel_task",
    "list_tasks",
    "purge_tasks",
    "start_task",
    "task_script",
]

RUN_ARGV = b'exec "$@"\n'
"""The program of a task that is nothing but its command."""

MOST_TASKS = 500
INTERRUPT_S = 20
TERMINATE_S = 10
_ANSWER_LIMIT = 1 << 20
_LIST_LIMIT = 16 << 20


def task_script(name: str) -> bytes:
    """One of the scripts of tasks, with what they share before it."""
    more = script("task_conda") if name == "run" else b""
    return script("task_common") + more + script(f"task_{name}")


class NotStartedError(HostFaultError):
    """The host refused to begin a task: nothing was run, and nothing is left of it."""


async def start_task(
    lane: Lane,
    host: str,
    spec: TaskSpec,
    *,
    program: bytes = RUN_ARGV,
    args: Sequence[str | bytes] | None = None,
    netrc: str = "",
    timeout: float = 30.0,
) -> bool:
    """Start *spec* on the host, detached; False when it was started before: asking twice starts it once.

    *program*: a script of this package, which gets *args* (by default the spec's argv) as ``$1 …``, runs
    once all locks are held, and whose exit status is the task's. *netrc* is for it alone, in its
    environment as ``CONDAFLEET_NETRC``: no file of the task holds it. After a fault of the connection it is not
    known whether the task runs: ask again. Raises HostFaultError; as NotStartedError nothing was run: ``permission``
    (no place for its folder), ``too_large`` (the disk is full), ``tool_missing``, ``shell_broken``.
    """
    if not is_task_id(spec.id):
        raise ValueError(f"no id of a task: {spec.id!r}")
    places, roots = (b"set -- " + quote_all(words) + b"\n" for words in (spec.places, spec.roots))
    text = b"set -- " + quote_all(spec.argv if args is None else args) + b"\n" + program
    values = (spec.id, spec_line(spec), owner_line(spec), task_script("run"), text, places, roots, netrc)
    answer = await _one(lane, host, "start", values, timeout)
    if answer.tag == "refused":
        raise NotStartedError(_refusal(host, answer.text(0) or "", answer.text(1) or ""))
    if answer.tag not in ("started", "exists"):
        raise _nonsense(host)
    return answer.tag == "started"


async def list_tasks(
    lane: Lane, host: str, ids: Sequence[str] = (), *, living: bool = False, timeout: float = 30.0
) -> TaskList:
    """The account's tasks on that machine, the newest first; of *ids* those that there are. Raises HostFaultError.

    *living*: those of which no end is known there, and those of *ids* beside them; cheap, however many there were.
    """
    found = TaskList(host)
    args = [str(MOST_TASKS), "living" if living else "all", *filter(is_task_id, ids)]
    if ids and len(args) == 2 and not living:
        found.complete = True
        return found
    stream = lane.stream(task_script("list"), args, timeout=timeout, limit=_LIST_LIMIT, compress=True)
    async with aclosing(stream) as answers:
        async for record in answers:
            found.take(record)
    return found


class CancelAnswer(StrEnum):
    """What became of asking for a task's end."""

    ASKED = "asked"
    """It is being ended, by the host itself: interrupted, then terminated, then killed."""
    ENDED = "ended"
    """It was over."""
    LOST = "lost"
    """It was gone (another boot, for one): nothing was signalled."""
    GONE = "gone"
    """The host knows no such task."""
    UNKNOWN = "unknown"
    """It cannot be told which processes are its own: nothing was signalled."""


async def cancel_task(
    lane: Lane,
    host: str,
    task_id: str,
    operator: str,
    *,
    interrupt_s: int = INTERRUPT_S,
    terminate_s: int = TERMINATE_S,
    timeout: float = 30.0,
) -> CancelAnswer:
    """Ask for the end of a task: it gets an interrupt, *interrupt_s* later a terminate, *terminate_s* later a kill.

    Raises HostFaultError.
    """
    if not is_task_id(task_id):
        return CancelAnswer.GONE
    values = (task_id, printable(operator)[:100], str(int(interrupt_s)), str(int(terminate_s)))
    answer = await _one(lane, host, "cancel", values, timeout)
    word = answer.text(0)
    if answer.tag != "cancel":
        raise _nonsense(host)
    if word == "refused":
        raise HostFaultError(_refusal(host, "full", answer.text(1) or ""))
    try:
        return CancelAnswer(word or "")
    except ValueError:
        raise _nonsense(host) from None


async def purge_tasks(
    lane: Lane, host: str, older_s: float, ids: Sequence[str] = (), *, timeout: float = 60.0
) -> tuple[str, ...]:
    """Clear away what the host keeps of tasks (of *ids*, or all) that ended *older_s* seconds ago or earlier.

    Their ids. What may still live stays. Raises HostFaultError.
    """
    known = [task for task in ids if is_task_id(task)]
    if ids and not known:
        return ()
    body = await lane.ask(task_script("purge"), [str(int(older_s)), *known], timeout=timeout, limit=_ANSWER_LIMIT)
    try:
        gone = [record.text(0) or "" for record in records(body) if record.tag == "purged"]
    except WireError:
        raise _nonsense(host) from None
    return tuple(filter(is_task_id, gone))


async def _one(lane: Lane, host: str, name: str, args: Sequence[str | bytes], timeout: float) -> Record:
    body = await lane.ask(task_script(name), args, timeout=timeout, limit=_ANSWER_LIMIT)
    try:
        for record in records(body):
            return record
    except WireError:
        pass
    raise _nonsense(host)


def _nonsense(host: str) -> HostFaultError:
    return HostFaultError(
        Fault(
            FaultKind.PROTOCOL,
            phrase("{host} gave an answer about its tasks that makes no sense.", host=host),
            phrase("Look at the tasks there again."),
        )
    )


def _refusal(host: str, kind: str, words: str) -> Fault:
    said = printable(decode(encode(" ".join(words.split()))))[:400]
    nothing = phrase("Nothing was run.")
    if kind == "full" or "No space left" in words or "quota exceeded" in words:
        # The contract's list has no kind for a full disk: what is to be written does not fit.
        return Fault(
            FaultKind.TOO_LARGE,
            phrase(
                "No task can be started on {host}: the disk is full where the account's home is ({words}).",
                host=host,
                words=said,
            ),
            phrase("Nothing was run. Free some space there first."),
        )
    if kind == "missing":
        message = phrase("No task can be started on {host}: {words} is missing.", host=host, words=said)
        return Fault(FaultKind.TOOL_MISSING, message, nothing)
    if kind == "place":
        return Fault(
            FaultKind.PERMISSION,
            phrase(
                "No task can be started on {host}: there is no place for its folder ({words}).", host=host, words=said
            ),
            phrase("Nothing was run. The account needs a home, or XDG_STATE_HOME, that it may write to."),
        )
    message = phrase("The task on {host} did not begin ({words}).", host=host, words=said)
    return Fault(FaultKind.SHELL_BROKEN, message, nothing)
