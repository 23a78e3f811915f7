"""``tasks list|show|cancel|purge``: what runs on the hosts, and what ran there."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from tui.cli.confirming import can_ask
from tui.cli.context import Context, Fleet
from tui.cli.jsonview import Json, Object, time_json
from tui.cli.logtext import LogText
from tui.cli.reply import Reply
from tui.cli.taskfind import PART, Found, find_tasks, look_at, wanted
from tui.cli.taskfollow import run_follow
from tui.cli.taskview import outcome_text, task_json, tasks_table
from tui.cli.words import age, listed, one_line, size
from tui.domain.errors import CondafleetError, HostFaultError, NothingMatchedError, RefusedError, UsageError
from tui.domain.faults import Fault, FaultKind
from tui.domain.globs import Glob
from tui.domain.redact import redact
from tui.domain.selectors import parse_selector, select_hosts
from tui.domain.taskhistory import TaskRecord, found
from tui.domain.tasks import Task, TaskState, duration_s
from tui.domain.text import printable
from tui.remote.changes.outcome import read_task_outcome
from tui.remote.tasks import CancelAnswer
from tui.terminal.prompts import TtyPrompter

__all__ = ["run_tasks"]

TAIL_BYTES = 64 << 10
"""Of a log, so much of its end is read to show its last lines and to say what they mean."""
PLURAL = "tasks"
_CANCELLED = {
    CancelAnswer.ASKED: "is being cancelled",
    CancelAnswer.ENDED: "was over already",
    CancelAnswer.LOST: "was gone already: nothing was signalled",
    CancelAnswer.GONE: "is kept no more",
    CancelAnswer.UNKNOWN: "was left alone: which processes are its own cannot be told",
}


async def run_tasks(context: Context) -> Reply:
    """Carry out the action that the command line names; without one, list."""
    actions = {"show": _show, "follow": run_follow, "cancel": _cancel, "purge": _purge}
    action = actions.get(context.args.action)
    if action is not None:
        return await action(context)
    return await (_history(context) if getattr(context.args, "history", False) else _list(context))


# -- list


async def _list(context: Context) -> Reply:
    args = context.args
    texts: list[str] = getattr(args, "selectors", [])
    hosts = select_hosts([parse_selector(text) for text in texts], context.settings.hosts)
    async with context.fleet() as fleet:
        gathered = await fleet.gather(hosts, (PART,))
        error, tasks, reports = gathered.error, list[Task](), gathered.reports
        if error is None:
            try:
                tasks, reports = await look_at(fleet, gathered.reports)
            except CondafleetError as problem:
                error = problem
    now = time.time()
    words: list[str] = getattr(args, "search", [])
    tasks = _fitting(tasks, words, getattr(args, "since", None), now)
    silent = sum(report.failed for report in reports)
    if error is None and not tasks and (texts or words) and silent < len(reports):
        where = " on the hosts that answered" if silent else ""
        error = NothingMatchedError(f"No task fits {' '.join(texts + words)}{where}.", "`condafleet tasks` lists all.")
    hints = () if tasks or error else (f"No tasks on {listed(hosts)}." if hosts else "The fleet has no hosts.",)
    return Reply(
        PLURAL,
        reports,
        items=lambda: [task_json(task) for task in tasks],
        lines=lambda width: tasks_table(tasks, now).lines(width) if tasks else (),
        error=error,
        hints=hints,
        now=now,
    )


def _fitting(tasks: Sequence[Task], words: Sequence[str], since: float | None, now: float) -> list[Task]:
    """The newest first."""
    after = None if since is None else now - since
    kept = [
        task
        for task in tasks
        if (after is None or task.created >= after) and all(word.casefold() in _words(task) for word in words)
    ]
    return sorted(kept, key=lambda task: (-task.created, task.host, task.id))


def _words(task: Task) -> str:
    texts = (task.id, task.host, task.kind, task.target, *task.argv, task.operator, task.state.value, task.summary)
    return "\n".join(texts).casefold()


async def _history(context: Context) -> Reply:
    args = context.args
    async with context.fleet() as fleet:
        records = await fleet.until(fleet.api.tasks.history(), "reading the history of tasks")
    now = time.time()
    after = None if args.since is None else now - args.since
    globs = [Glob(text) for text in args.selectors]
    kept = [
        record
        for record in found(records, args.search, after)
        if not globs or any(glob.matches(record.host) for glob in globs)
    ]
    error = None
    if not kept and (args.selectors or args.search):
        error = NothingMatchedError("Nothing of that is remembered.", "`condafleet tasks list --history` shows all.")
    tasks = [_as_task(record) for record in kept]
    return Reply(
        PLURAL,
        items=lambda: [
            {**task_json(task), "refused": record.refused} for task, record in zip(tasks, kept, strict=True)
        ],
        lines=lambda width: tasks_table(tasks, now).lines(width) if tasks else (),
        error=error,
        hints=() if tasks or error else ("No task is remembered on this machine.",),
        now=now,
    )


def _as_task(record: TaskRecord) -> Task:
    fault = None
    if record.fault_message:
        known = record.fault_kind in {kind.value for kind in FaultKind}
        kind = FaultKind(record.fault_kind) if known else FaultKind.INCOMPLETE
        fault = Fault(kind, record.fault_message, "")
    return Task(
        record.id, record.host, record.kind, record.target, record.argv, record.state, record.operator, record.created,
        record.started, record.ended, record.exit_code, None, record.summary, fault,
    )  # fmt: skip


# -- show


@dataclass(slots=True)
class _Shown:
    task: Task
    lines: list[str]
    """The end of its log."""
    explained: tuple[str, ...] = ()
    remedy: str = ""
    fault: CondafleetError | None = None


async def _show(context: Context) -> Reply:
    args = context.args
    names = wanted(args.ids, context)
    shown: list[_Shown] = []
    async with context.fleet() as fleet:
        looked = await find_tasks(context, fleet, names)
        error = looked.error
        order = [looked.tasks[each.id] for each in names if each.id in looked.tasks]
        if not isinstance(error, CondafleetError) or error.exit_code != 130:
            try:
                shown = list(await fleet.until(_all(_shown(fleet, task, args.lines) for task in order), "reading logs"))
            except CondafleetError as problem:
                error = problem
    if error is None:
        error = next((each.fault for each in shown if each.fault is not None), None)
    now = time.time()
    return Reply(
        PLURAL,
        looked.reports,
        items=lambda: [_shown_json(each) for each in shown],
        lines=lambda width: [line for each in shown for line in (*_shown_lines(each, now), "")][:-1],
        error=error,
        now=now,
    )


async def _all(works: Iterable[Awaitable[_Shown]]) -> list[_Shown]:
    return list(await asyncio.gather(*works))


async def _shown(fleet: Fleet, task: Task, lines: int) -> _Shown:
    """*task* with the end of its log, and what that means when it did not succeed."""
    offset = max(0, (task.log_bytes or 0) - TAIL_BYTES)
    log = b""
    if not task.is_over and not task.log_bytes:
        return _Shown(task, [])  # nothing is written yet, and nobody waits for it here
    try:
        async with aclosing(fleet.api.tasks.follow(task.host, task.id, offset)) as parts:
            async for part in parts:
                log += part.data
                if not task.is_over and part.offset + len(part.data) >= part.size:
                    break
    except HostFaultError as error:
        return _Shown(task, [], fault=error)
    text = LogText()
    said = [*text.feed(log), *text.finish()]
    if offset:
        said = said[1:]  # the first one was cut
    shown = _Shown(task, said[-lines:] if lines else [])
    if task.is_over and task.state is not TaskState.SUCCEEDED:
        outcome = read_task_outcome(task, log)
        shown.explained = tuple(filter(None, (outcome.explanation, *outcome.lines)))
        shown.remedy = outcome.remedy
    return shown


def _shown_json(shown: _Shown) -> Object:
    task = shown.task
    said: list[Json] = [[printable(redact(word)) for word in words] for words in task.said]
    return {
        **task_json(task),
        "said": said,
        "log_lines": list[Json](shown.lines),
        "explanation": list[Json](shown.explained),
        "remedy": shown.remedy or None,
    }


def _shown_lines(shown: _Shown, now: float) -> list[str]:
    task = shown.task
    took = duration_s(task, now)
    facts = [
        ("task", f"{task.id} on {task.host}"),
        ("what", f"{printable(task.kind)} {printable(redact(task.target))}"),
        ("summary", printable(redact(task.summary))),
        ("command", printable(redact(shlex.join(task.argv)))),
        ("by", printable(redact(task.operator))),
        ("asked for", f"{time_json(task.created)}, {age(now - task.created)} ago"),
        ("ran", "" if took is None else f"from {time_json(task.started)}, for {age(took)}"),
        ("state", outcome_text(task, now)),
        ("exit code", "" if task.exit_code is None else str(task.exit_code)),
        *(("said", printable(redact(" ".join(words)))) for words in task.said),
        *(("", line) for line in shown.explained),
        ("next", shown.remedy),
        ("log", size(task.log_bytes)),
    ]
    lines = [f"{name:10} {one_line(text)}" for name, text in facts if text]
    return [*lines, *(f"  {line}" for line in shown.lines)]


# -- cancel and purge


async def _cancel(context: Context) -> Reply:
    args = context.args
    names = wanted(args.ids, context)
    _may_change(context)
    said: dict[str, str] = {}
    failed: list[str] = []
    async with context.fleet() as fleet:
        looked = await find_tasks(context, fleet, names)
        error = looked.error
        if error is None:
            living = [task for task in looked.tasks.values() if not task.is_over]
            if living and not await _agreed(context, _question("Cancel", living)):
                raise RefusedError("Nothing was done: nobody said yes.")

            async def cancel(task: Task) -> None:
                try:
                    answer = await fleet.api.tasks.cancel(task.host, task.id)
                    said[task.id] = _CANCELLED[answer]
                    if answer is CancelAnswer.ASKED and not args.detach:
                        looked.tasks[task.id] = await fleet.api.tasks.settled(task.host, task.id)
                        said[task.id] = outcome_text(looked.tasks[task.id], time.time())
                    if answer in (CancelAnswer.UNKNOWN, CancelAnswer.GONE):
                        failed.append(task.id)
                except CondafleetError as problem:
                    said[task.id] = problem.message
                    failed.append(task.id)

            error = await _each(fleet, looked, cancel, "cancelling")
    if error is None and failed:
        error = CondafleetError(f"{len(failed)} of {len(names)} could not be cancelled.")
    return _done(looked, said, error)


async def _purge(context: Context) -> Reply:
    args = context.args
    if not args.ids and args.older_than is None:
        raise UsageError("Nothing says what is to go.", "Name tasks, or say `--older-than 7d` (`0` is all that ended).")
    names = wanted(args.ids, context)
    _may_change(context)
    older = args.older_than or 0.0
    said: dict[str, str] = {}
    left: list[str] = []
    async with context.fleet() as fleet:
        if names:
            looked = await find_tasks(context, fleet, names)
        else:
            gathered = await fleet.gather([spec.name for spec in context.settings.hosts], (PART,))
            looked = Found({}, gathered.reports, gathered.error)
            if gathered.error is None:
                tasks, looked.reports = await look_at(fleet, gathered.reports)
                looked.tasks = {task.id: task for task in tasks if task.is_over and _ended_before(task, older)}
        error = looked.error
        if error is None and looked.tasks:
            if not await _agreed(context, _question("Clear away", list(looked.tasks.values()))):
                raise RefusedError("Nothing was done: nobody said yes.")
            by_host: dict[str, list[str]] = {}
            for task in looked.tasks.values():
                by_host.setdefault(task.host, []).append(task.id)

            async def purge(host: str) -> None:
                ids = by_host[host]
                try:
                    gone = await fleet.api.tasks.purge(host, ids, older)
                except CondafleetError as problem:
                    left.extend(ids)
                    said.update(dict.fromkeys(ids, problem.message))
                    return
                for task_id in ids:
                    said[task_id] = "cleared away" if task_id in gone else "stays: it has not ended, or not so long ago"
                    if task_id not in gone:
                        left.append(task_id)

            async def all_of_them() -> None:
                await asyncio.gather(*map(purge, by_host))

            try:
                await fleet.until(all_of_them(), "clearing away")
            except CondafleetError as problem:
                error = problem
    if error is None and left and names:
        error = CondafleetError(
            f"{len(left)} of {len(said)} tasks stay.", "A task that runs is ended by `tasks cancel`."
        )
    return _done(looked, said, error)


def _ended_before(task: Task, older_s: float) -> bool:
    """As far as this machine can tell; the host decides by its own clock."""
    return (task.ended or task.created) <= time.time() - older_s


def _may_change(context: Context) -> None:
    if context.args.readonly:
        raise RefusedError("Nothing is changed: --readonly was given.", "Leave it away.")
    if not (context.args.yes or can_ask()):
        raise UsageError(
            "Nobody can be asked: standard input or error is no terminal. Nothing was done.",
            "Say yes beforehand with --yes.",
        )


async def _agreed(context: Context, text: str) -> bool:
    if context.args.yes:
        return True
    with context.diag.progress.silenced():
        answer = await TtyPrompter().line(text)
    return answer is not None and answer.strip().lower() in ("y", "yes")


def _question(verb: str, tasks: Sequence[Task]) -> str:
    lines = [
        f"  {task.id} on {task.host}: {printable(task.kind)} {printable(redact(task.target))} "
        f"of {printable(redact(task.operator))}"
        for task in tasks[:20]
    ]
    if len(tasks) > 20:
        lines.append(f"  and {len(tasks) - 20} more")
    what = "this task" if len(tasks) == 1 else f"these {len(tasks)} tasks"
    return "\n".join((*map(one_line, lines), f"{verb} {what}? [y/N] "))


async def _each(
    fleet: Fleet, looked: Found, work: Callable[[Task], Awaitable[None]], doing: str
) -> CondafleetError | None:
    async def all_of_them() -> None:
        await asyncio.gather(*map(work, list(looked.tasks.values())))

    try:
        await fleet.until(all_of_them(), doing)
    except CondafleetError as problem:
        return problem
    return None


def _done(looked: Found, said: dict[str, str], error: CondafleetError | None) -> Reply:
    tasks = list(looked.tasks.values())
    return Reply(
        PLURAL,
        looked.reports,
        items=lambda: [{**task_json(task), "result": said.get(task.id)} for task in tasks],
        lines=lambda width: [one_line(f"{task.host} {task.id}: {said[task.id]}") for task in tasks if task.id in said],
        error=error,
    )
