"""The way of commands that run plans: count, look, show, ask, run, and hold what came free against what was said."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace

from tui.cli.confirming import can_ask
from tui.cli.context import Context, Fleet, RunInterruptedError
from tui.cli.interrupted import interrupted
from tui.cli.jsonview import time_json
from tui.cli.planwords import plan_extra, plan_json, preview, result_lines
from tui.cli.reply import Reply
from tui.cli.report import HostReport
from tui.cli.taskview import task_json
from tui.cli.ticket import check_report, write_report
from tui.domain.changes import NAMED, ConcernKind, Severity
from tui.domain.errors import CondafleetError, HostFaultError, NothingMatchedError, RefusedError, UsageError
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.planmissed import Missed, missed_hosts
from tui.domain.planreport import PlanReport
from tui.domain.plans import Plan, outlook
from tui.domain.tasks import Task
from tui.domain.text import printable
from tui.services.plans import PlanDesk, ReadyPlan
from tui.terminal.prompts import TtyPrompter

__all__ = ["PARTS", "Counted", "allowed", "count", "missed_of", "run_plan"]

PARTS = ("machine", "mounts", "installs", "environments")
Counted = tuple[dict[str, HostTables], dict[str, CondafleetError]]
Key = tuple[str, ItemKind, str]


def allowed(context: Context) -> None:
    """Raises what stands against changing anything at all, before anything is looked at."""
    args = context.args
    check_report(context)
    if args.readonly and not args.dry_run:
        raise RefusedError("Nothing is changed: --readonly was given.", "Leave it away, or look with --dry-run.")
    if not (args.dry_run or args.yes or can_ask()):
        raise UsageError(
            "Nobody can be asked: standard input or error is no terminal. Nothing was done.",
            "Look with --dry-run, and say yes beforehand with --yes.",
        )


async def count(context: Context, fleet: Fleet, desk: PlanDesk, hosts: Sequence[str]) -> Counted:
    """Count the disks of *hosts* that answered."""

    def progress(host: str, entries: int) -> None:
        context.diag.progress.show(f"{host}: {entries:,} files looked at")

    where = hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"
    return await fleet.until(desk.count(hosts, progress), f"counting the disk of {where}")


Choose = Callable[[Counted, Fleet], Awaitable[Plan]]


async def run_plan(
    context: Context,
    hosts: Sequence[str],
    choose: Choose,
    *,
    check: bool,
    notes: Callable[[ReadyPlan], Sequence[str]] = lambda ready: (),
    drop: Callable[[ReadyPlan], Collection[Item]] = lambda ready: (),
) -> Reply:
    """Run what *choose* gives. *check*: whether what changed since the plan was made is refused; *drop*: items that
    are left out in silence once they were looked at.
    """
    report: PlanReport | None = None
    error: CondafleetError | None
    async with context.fleet() as fleet:
        gathered = await fleet.gather(hosts, PARTS)
        error = gathered.error
        up = [each.name for each in gathered.reports if not each.failed and each.finished]
        desk = fleet.api.plans
        try:
            if error is None:
                counted = await count(context, fleet, desk, up) if up else ({}, {})
                plan = await choose(counted, fleet)
                if not check:
                    plan = replace(plan, missed=missed_of(gathered.reports, counted))
                accepted = await _accept(context, plan, counted[0])
                ready = await _ready(fleet, desk, plan, counted, accepted, check)
                gone = drop(ready)
                if gone:
                    plan = plan.without(gone)
                    if not plan.items:
                        raise NothingMatchedError(
                            "Nothing of it is for this account to clean.",
                            "Its owner can; `condafleet disk` shows whose it is.",
                        )
                    ready = await _ready(fleet, desk, plan, counted, accepted, check)
                if not plan.items:
                    raise NothingMatchedError("There is nothing to clean.", "`condafleet disk` shows what there is.")
                down = {each.name: each.fault for each in gathered.reports if each.fault is not None}
                unasked = {host: HostFaultError(down[host]) for host in plan.hosts if host in down}
                ready = replace(ready, faults={**unasked, **ready.faults})
                report = ready.report
                report, error = await _carry_out(context, fleet, desk, ready, notes(ready))
        except NothingMatchedError as problem:
            # What a host that did not answer holds is unknown: its own fault says all there is to say.
            error = None if any(each.failed for each in gathered.reports) else problem
        except CondafleetError as problem:
            error = problem
    if error is None and report is not None:
        error = _verdict(report, context.args.dry_run)
    if report is not None:
        error = write_report(context, report, error)
    now = time.time()
    shown = report

    def lines(width: int | None) -> Sequence[str]:
        if shown is None:
            return ()
        return preview(shown) if context.args.dry_run else result_lines(shown, context.args.detach)

    return Reply(
        "plans",
        gathered.reports,
        items=lambda: [] if shown is None else [plan_json(each) for each in shown.hosts],
        lines=lines,
        extra=lambda: {} if shown is None else {"plan": plan_extra(shown)},
        error=error,
        now=now,
    )


def missed_of(reports: Sequence[HostReport], counted: Counted) -> tuple[Missed, ...]:
    """The hosts that a plan knows nothing of, after these were asked and those of them that answered counted."""
    down = {each.name: each.fault or next((fault for _, fault in each.part_faults), None) for each in reports}
    return missed_hosts((each.name for each in reports), counted[0], down, counted[1])


async def _ready(
    fleet: Fleet,
    desk: PlanDesk,
    plan: Plan,
    counted: Counted,
    accepted: Mapping[Key, Collection[ConcernKind]],
    check: bool,
) -> ReadyPlan:
    work = desk.ready(plan, counted=counted, accepted=accepted, check=check)
    return await fleet.until(work, "looking at what would go")


def _names(item: Item) -> tuple[str, ...]:
    label, path = printable(item.label), printable(item.path)
    return tuple(dict.fromkeys((f"{item.host}:{path}", f"{item.host}:{label}", path, label)))


async def _accept(context: Context, plan: Plan, tables: Mapping[str, HostTables]) -> dict[Key, Collection[ConcernKind]]:
    """What the person accepts by name, with ``--confirm`` or at the terminal: once for each item."""
    args = context.args
    left = list(args.confirm)
    accepted: dict[Key, Collection[ConcernKind]] = {}
    for rank in range(4):
        for item in plan.items:
            names = _names(item)
            if item.key not in accepted and rank < len(names) and names[rank] in left:
                left.remove(names[rank])
                accepted[item.key] = NAMED
    if args.dry_run or args.yes:
        return accepted
    for refusal in outlook(plan.items, tables, accepted).refused:
        if refusal.severity is Severity.NAME:
            item = refusal.item
            with context.diag.progress.silenced():
                context.diag.note(f"{_names(item)[1]}: {' '.join(each.text for each in refusal.concerns)}")
                typed = await TtyPrompter().line(f"Type {_names(item)[1]} or its name to go on in spite of that: ")
            if typed is not None and typed.strip() in _names(item):
                accepted[item.key] = NAMED
    return accepted


async def _carry_out(
    context: Context, fleet: Fleet, desk: PlanDesk, ready: ReadyPlan, notes: Sequence[str]
) -> tuple[PlanReport, CondafleetError | None]:
    args, report = context.args, ready.report
    ask = not (args.dry_run or args.yes)
    if ask or not (args.dry_run or args.json or args.json_lines):
        context.diag.note("\n".join([*preview(report), *notes]))
    elif args.dry_run and notes and not (args.json or args.json_lines):
        context.diag.note("\n".join(notes))
    if args.dry_run:
        return report, None
    if not ready.outlook.items:
        return report, None
    if ask:
        n = len(ready.outlook.items)
        answer = await TtyPrompter().line(f"Remove {'this' if n == 1 else f'these {n}'} for good? [y/N] ")
        if answer is None or answer.strip().lower() not in ("y", "yes"):
            return report, RefusedError("Nothing was done: nobody said yes.")
    going: dict[str, Task] = {}
    begun: list[Item] = []

    def told(task: Task) -> None:
        going[task.id] = task
        over = sum(each.is_over for each in going.values())
        context.diag.progress.show(f"{over} of {len(going)} tasks ended", force=True)
        if args.json_lines:
            line = {"event": "task", "time": time_json(time.time()), "host": task.host, **task_json(task)}
            context.out.json(line, one_line=True)

    try:
        work = desk.run(ready, told=told, begins=begun.extend, detach=args.detach)
        return await fleet.until(work, "running the plan"), None
    except RunInterruptedError:
        lines, living = interrupted(ready.outlook.items, begun, tuple(going.values()))
        remedy = "The same command does the rest."
        if living:
            remedy = f"condafleet tasks follow {living[0]}, or tasks cancel. {remedy}"
        return report, RunInterruptedError("\n".join(("Interrupted.", *lines)), remedy)


def _verdict(report: PlanReport, dry: bool) -> CondafleetError | None:
    """What the whole is refused or failed for."""
    refused = [each for host in report.hosts for each in host.refused]
    changed = [each for host in report.hosts for each in host.changed]
    by_host = [
        each for host in report.hosts for each in host.removed if not each.done and each.note.startswith("refused")
    ]
    if refused or changed or by_host:
        lines = [
            f"  {each.item.host}:{printable(each.item.path)} {each.item.kind.value}: "
            f"{' '.join(concern.text for concern in each.concerns)}"
            for each in refused
        ]
        lines += [
            f"  {each.item.host}:{printable(each.item.path)} {each.item.kind.value}: changed since the plan was made: "
            f"{', '.join(each.differences)}"
            for each in changed
        ]
        lines += [
            f"  {each.item.host}:{printable(each.item.path)} {each.item.kind.value}: {each.note}" for each in by_host
        ]
        named = [f"--confirm {_names(each.item)[1]}" for each in refused if each.severity is Severity.NAME]
        remedy = f"Only if you are sure: {' '.join(named[:4])}." if named else "What was refused was not touched."
        return RefusedError(f"Refused {len(lines)}:\n" + "\n".join(lines), remedy)
    failed = [host for host in report.hosts if host.failed]
    if not failed:
        return None
    lines = []
    for host in failed:
        lines += [f"  {host.host}: {host.error}"] if host.error is not None else []
        lines += [
            f"  {host.host}:{printable(each.item.path)} {each.item.kind.value}: {each.note or 'failed'}"
            for each in host.removed
            if not each.done
        ]
    word = "could not be looked at" if dry else "failed"
    return CondafleetError(f"{len(failed)} of {len(report.hosts)} hosts {word}:\n" + "\n".join(lines))
