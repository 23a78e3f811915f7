"""The way of every changing command: look, show, ask, start, follow, and say how it ended.

The order keeps the promises of the outside contract: without a terminal and without ``--yes`` nothing is even looked
at, ``--dry-run`` ends with the code that the checks of the real run would give, and what is refused stays refused
beside whatever else was done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from tui.cli.carried import CarryingTold
from tui.cli.changewords import change_json, command_text, merged, place, preview, question
from tui.cli.confirming import can_ask, decide, names_of
from tui.cli.context import Context, Fleet, RunInterruptedError
from tui.cli.following import Following
from tui.cli.jsonview import Object, error_json, time_json
from tui.cli.reply import Reply
from tui.cli.report import Exit, HostReport
from tui.cli.taskview import outcome_text, task_json
from tui.cli.words import harmless, one_line
from tui.domain.changes import Change, Concern, ConcernKind, Prepared, Severity, acceptable
from tui.domain.environments import Environment, Install
from tui.domain.errors import CondafleetError, NothingMatchedError, RefusedError, UsageError
from tui.domain.selectors import Selector, select_hosts
from tui.domain.tasks import Task, TaskState
from tui.remote.changes.outcome import read_task_outcome, result_notes
from tui.remote.condasays.outcome import Outcome
from tui.terminal.prompts import TtyPrompter

__all__ = ["PARTS", "Found", "run_changes"]

TAIL = 64 << 10
"""Bytes at the end of a log that tell how a task ended."""
PARTS = ("machine", "mounts", "installs", "environments")
"""What a look at a change stands on."""
NEEDED = ("installs", "environments")
"""Without these of a host nothing is known of what is there."""


@dataclass(frozen=True)
class Found:
    """What the selected hosts answered, for the one who makes changes of it."""

    reports: tuple[HostReport, ...]
    cannot: list[tuple[Change, CondafleetError]] = field(default_factory=list)
    """What cannot be done on one host, while the others go on: whoever makes the changes writes it here."""

    @property
    def environments(self) -> list[Environment]:
        """All that were read in this run."""
        return [
            env for report in self.reports for env in _fresh(report, "environments") if isinstance(env, Environment)
        ]

    def installs(self, host: str) -> list[Install]:
        """Those of *host* that were read in this run."""
        own = (report for report in self.reports if report.name == host)
        return [each for report in own for each in _fresh(report, "installs") if isinstance(each, Install)]

    @property
    def answered(self) -> list[str]:
        """The hosts whose installs and environments are known."""
        return [
            report.name
            for report in self.reports
            if report.fresh("installs") is not None and report.fresh("environments") is not None
        ]


@dataclass
class _Work:
    """One change on its way."""

    change: Change
    prepared: Prepared | None = None
    against: tuple[Concern, ...] = ()
    error: CondafleetError | None = None
    """Why it could not be looked at, or started."""
    task: Task | None = None
    outcome: Outcome | None = None
    """Of a task that did not succeed: what it said, and what that means."""

    @property
    def refused(self) -> bool:
        """True when something stands against it."""
        said_no = self.task is not None and self.task.is_refused
        return bool(self.against) or said_no or isinstance(self.error, RefusedError)

    @property
    def outdated(self) -> bool:
        """True when it is another than what was looked at."""
        said = () if self.task is None else self.task.said
        return any(tuple(words[:2]) == ("concern", ConcernKind.OUTDATED) for words in said)

    @property
    def failed(self) -> bool:
        """True when it was to be done, and was not."""
        if self.error is not None:
            return not self.refused
        ended = self.task is not None and self.task.is_over
        return ended and not self.refused and self.task is not None and self.task.state is not TaskState.SUCCEEDED


Make = Callable[[Found, Fleet], Awaitable[list[Change]]]


async def run_changes(
    context: Context, selectors: Sequence[Selector], make: Make, *, more: Sequence[str] = ()
) -> Reply:
    """Carry out the changes that *make* gives for what the hosts of *selectors* answered.

    *more*: further parts that a look at such a change wants; a driver that hangs holds up nothing else.
    """
    args = context.args
    if args.readonly and not args.dry_run:
        raise RefusedError("Nothing is changed: --readonly was given.", "Leave it away, or look with --dry-run.")
    if not (args.dry_run or args.yes or can_ask()):
        raise UsageError(
            "Nobody can be asked: standard input or error is no terminal. Nothing was done.",
            "Look with --dry-run, and say yes beforehand with --yes.",
        )
    hosts = select_hosts(selectors, context.settings.hosts)
    works: list[_Work] = []
    async with context.fleet() as fleet:
        gathered = await fleet.gather(hosts, (*PARTS, *more))
        error = gathered.error
        try:
            if error is None:
                found = Found(gathered.reports)
                works = [_Work(each) for each in await make(found, fleet)]
                works += [_Work(change, error=problem) for change, problem in found.cannot]
                await _look([work for work in works if work.error is None], fleet)
                error = await _carry_out(context, fleet, works)
        except NothingMatchedError as problem:
            # What a host that did not answer holds is unknown: its own fault says all there is to say.
            if all(map(_silent, gathered.reports)):
                context.diag.note("No host answered: what is on them is not known. Nothing was done.")
            elif any(map(_silent, gathered.reports)):
                context.diag.note(f"{problem.message} That is so on the hosts that answered; nothing was done.")
            else:
                error = problem
        except CondafleetError as problem:
            error = problem
    return _reply(context, gathered.reports, works, error)


def _silent(report: HostReport) -> bool:
    """Whether it is not known what is on the host."""
    return report.fault is not None or not report.finished or any(report.fresh(part) is None for part in NEEDED)


def _fresh(report: HostReport, part: str) -> Sequence[object]:
    value = report.fresh(part)
    return value if isinstance(value, tuple) else ()


async def _look(works: Sequence[_Work], fleet: Fleet) -> None:
    """Look at each change as it is now, all hosts side by side."""

    async def look(work: _Work) -> None:
        try:
            work.prepared = await fleet.api.changes.prepare(work.change)
        except CondafleetError as error:
            work.error = error

    async def all_of_them() -> None:
        await asyncio.gather(*map(look, works))

    hosts = {work.change.host for work in works}
    where = next(iter(hosts)) if len(hosts) == 1 else f"{len(hosts)} hosts"
    await fleet.until(all_of_them(), f"looking at what would be done on {where}")


async def _carry_out(context: Context, fleet: Fleet, works: Sequence[_Work]) -> CondafleetError | None:
    """Ask, start and follow. Returns what the whole run is refused or ended for."""
    args = context.args
    looked = [work for work in works if work.prepared is not None]
    _settle(looked, args.confirm)
    for work in works:
        if work.error is not None and looked:
            context.diag.note(f"{place(work.change)}: {work.error.message}")
    ask = not (args.dry_run or args.yes)
    if ask or not (args.dry_run or args.json or args.json_lines):
        for work in looked:
            assert work.prepared is not None
            context.diag.note("\n".join(preview(work.prepared, work.against)))
    if ask:
        await _ask_names(context, looked)
    able = [work for work in looked if not work.against]
    if args.dry_run:
        return _refusal(works)
    if able and ask:
        answer = await TtyPrompter().line(question([work.prepared for work in able if work.prepared is not None]))
        if answer is None or answer.strip().lower() not in ("y", "yes"):
            return RefusedError("Nothing was done: nobody said yes.")
    await fleet.until(_start(context, able, fleet), "starting")
    started = [work for work in able if work.task is not None]
    for work in started:
        _tell(context, work)
    if not args.detach:
        try:
            await fleet.until(_follow(context, fleet, started), "waiting for the tasks to end")
        except RunInterruptedError:
            begun = [work.task for work in started if work.task is not None]
            tasks = [fleet.api.tasks.get(each.host, each.id) or each for each in begun]
            going = [task.id for task in tasks if not (task.is_over or task.waits_here)]
            never = sum(task.waits_here for task in tasks)
            return RunInterruptedError(
                f"Interrupted; {len(going)} of {len(started)} tasks go on on their hosts"
                + (f", {never} were not begun and never will be." if never else "."),
                f"condafleet tasks follow {going[0] if len(going) == 1 else 'ID'}, or tasks cancel.",
            )
    return _refusal(works)


def _settle(looked: Sequence[_Work], confirmed: Sequence[str]) -> None:
    decided = decide([work.prepared for work in looked if work.prepared is not None], confirmed)
    for work, each in zip(looked, decided, strict=True):
        work.prepared, work.against = each.prepared, each.against


async def _ask_names(context: Context, looked: Sequence[_Work]) -> None:
    """Have the name typed for each change that needs it; an empty line leaves it refused."""
    for work in looked:
        if work.prepared is None or not work.against:
            continue
        if any(each.severity is not Severity.NAME for each in work.against):
            continue
        with context.diag.progress.silenced():
            typed = await TtyPrompter().line(f"Type {place(work.change)} or its name to go on in spite of that: ")
        if typed is not None and typed.strip() in names_of(work.prepared):
            _settle([work], [*context.args.confirm, typed.strip()])


async def _start(context: Context, able: Iterable[_Work], fleet: Fleet) -> None:
    carrying = CarryingTold(context)

    async def start(number: int, work: _Work) -> None:
        assert work.prepared is not None
        accepted: frozenset[ConcernKind] = work.prepared.change.accepted & acceptable(work.prepared.concerns)
        try:
            work.task = await fleet.api.changes.start(
                work.prepared, accepted, lambda carried: carrying.hear(number, carried)
            )
        except CondafleetError as error:
            work.error = error

    await asyncio.gather(*(start(*each) for each in enumerate(able)))


async def _follow(context: Context, fleet: Fleet, started: Sequence[_Work]) -> None:
    """Wait for the ends."""

    async def follow(work: _Work) -> None:
        assert work.task is not None
        try:
            work.task = await following.settled(work.task)
        except CondafleetError as error:
            work.error = error
            return
        if work.task.state is not TaskState.SUCCEEDED:
            work.outcome = await _outcome(fleet, work.task)
        _tell(context, work)

    tasks = [work.task for work in started if work.task is not None]
    following = Following(context, fleet, tasks, [place(work.change) for work in started])
    async with following.telling():
        await asyncio.gather(*map(follow, started))


async def _outcome(fleet: Fleet, task: Task) -> Outcome | None:
    """How *task* ended, from the end of its log; None where that cannot be read."""
    log = b""
    try:
        async with aclosing(fleet.api.tasks.follow(task.host, task.id, max(0, (task.log_bytes or 0) - TAIL))) as parts:
            async for part in parts:
                log += part.data
    except CondafleetError:
        return None
    return read_task_outcome(task, log)


def _tell(context: Context, work: _Work) -> None:
    """A line of ``--json-lines``."""
    if context.args.json_lines and work.task is not None:
        now = time.time()
        line = {"event": "task", "time": time_json(now), "host": work.task.host, **task_json(work.task)}
        context.out.json(line, one_line=True)


def _refusal(works: Sequence[_Work]) -> CondafleetError | None:
    """What is said when something was refused."""
    refused = [work for work in works if work.refused]
    if not refused:
        return None
    by_name = [work for work in refused if work.against and all(e.severity is Severity.NAME for e in work.against)]
    if by_name:
        remedy = " ".join(f"--confirm {command_text([place(work.change)])}" for work in by_name[:4])
        remedy = f"Only if you are sure: {remedy}."
    else:
        remedy = "Nothing of it was touched; there is no way past that."
        if all(work.outdated for work in refused):
            remedy = "Nothing of it was touched. The same command looks at it anew, archives it and asks again."
    lines = [f"  {place(work.change)}: {'; '.join(_reasons(work))}" for work in refused]
    return RefusedError(f"Refused {len(refused)} of {len(works)}:\n" + "\n".join(lines), remedy)


def _reasons(work: _Work) -> list[str]:
    if work.against:
        return [each.text for each in work.against]
    if work.error is not None:
        return [work.error.message]
    if work.outcome is not None and work.outcome.lines:
        return list(work.outcome.lines)
    return [outcome_text(work.task, time.time())] if work.task is not None else []


def _reply(
    context: Context, reports: tuple[HostReport, ...], works: Sequence[_Work], error: CondafleetError | None
) -> Reply:
    now = time.time()
    args = context.args
    failed = [work for work in works if work.failed]
    wrong = [work.error for work in failed if isinstance(work.error, UsageError)]
    if error is None and wrong and len(wrong) == len(works):
        error = wrong[0]
    if error is None and failed:
        faults = merged((place(work.change), _failure(work, now)) for work in failed)
        error = CondafleetError(f"{len(failed)} of {len(works)} failed:\n  " + "\n  ".join(faults), _next(failed))

    def lines(width: int | None) -> Sequence[str]:
        if args.dry_run:
            looked = [work for work in works if work.prepared is not None]
            return [line for work in looked if work.prepared for line in preview(work.prepared, work.against)]
        done = [work for work in works if work.task is not None]
        said = ((place(work.change), f"{work.change.kind.value} {_end(work, now)}") for work in done)
        notes = [f"  {place(work.change)}: {one_line(note)}" for work in done for note in _notes(work)]
        return [*merged(said), *notes]

    code = Exit.FAILED if any(map(_silent, reports)) else Exit.DONE
    return Reply(
        "tasks",
        reports,
        # What was wanted is done or not, whatever else of a host could not be read.
        code=code if error is None else Exit(error.exit_code),
        items=lambda: [task_json(work.task) for work in works if work.task is not None],
        lines=lines,
        extra=lambda: {"changes": [_work_json(work) for work in works]},
        error=error,
        hints=(*_hints(args.detach, works), *_unused(args.confirm, works)),
        now=now,
    )


def _end(work: _Work, now: float) -> str:
    assert work.task is not None
    text = outcome_text(work.task, now)
    return f"{text} ({work.task.id})" if not work.task.is_over else text


def _notes(work: _Work) -> tuple[str, ...]:
    return () if work.task is None or not work.task.is_over else result_notes(work.task)


def _failure(work: _Work, now: float) -> str:
    if work.error is not None:
        return work.error.message
    if work.task is None:
        return "not started"
    if work.outcome is None or not work.outcome.explanation:
        return outcome_text(work.task, now)
    head = f"{outcome_text(work.task, now)}: {work.outcome.explanation}"
    return "\n    ".join((head, *(f"  {line}" for line in work.outcome.lines[-6:])))


def _next(failed: Sequence[_Work]) -> str:
    meant = next((work.outcome.remedy for work in failed if work.outcome is not None and work.outcome.remedy), "")
    told = meant or next((work.error.remedy for work in failed if work.error is not None and work.error.remedy), "")
    task = next((work.task for work in failed if work.task is not None), None)
    show = "" if task is None else f"`condafleet tasks show {task.id}` tells all of it."
    return " ".join(filter(None, (told, show)))


def _hints(detached: bool, works: Sequence[_Work]) -> tuple[str, ...]:
    going = [work.task.id for work in works if work.task is not None and not work.task.is_over]
    return (f"condafleet tasks follow {going[0]}",) if detached and going else ()


def _unused(confirmed: Sequence[str], works: Sequence[_Work]) -> tuple[str, ...]:
    """What was confirmed that names nothing here: most likely something else was meant."""
    names = {name for work in works if work.prepared is not None for name in names_of(work.prepared)}
    return tuple(f"--confirm {word}: nothing that was chosen is called so" for word in confirmed if word not in names)


def _work_json(work: _Work) -> Object:
    if work.prepared is None:
        prefix = work.change.prefix or None
        shown: Object = {"kind": work.change.kind.value, "host": work.change.host, "prefix": prefix}
    else:
        shown = change_json(work.prepared, work.against, work.task)
    if work.outcome is not None:
        shown["outcome"] = {
            "verdict": work.outcome.verdict.value,
            "kind": None if work.outcome.kind is None else work.outcome.kind.value,
            "message": harmless(work.outcome.explanation) or None,
            "lines": [harmless(line) for line in work.outcome.lines],
            "remedy": harmless(work.outcome.remedy) or None,
        }
    shown["notes"] = [harmless(note) for note in _notes(work)]
    shown["error"] = None if work.error is None else error_json(work.error)
    return shown
