"""``plan new|show|run FILE``: what is to go, kept in a file to be reviewed and run later."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tui.cli.clean import kinds_of, wanted_items
from tui.cli.context import Context, Fleet
from tui.cli.jsonview import time_json
from tui.cli.planning import PARTS, Counted, allowed, count, missed_of, run_plan
from tui.cli.planwords import missed_lines, plan_extra, plan_json, preview
from tui.cli.reply import Reply
from tui.cli.ticket import check_report, write_report
from tui.cli.words import size
from tui.domain.diskreport import host_disk
from tui.domain.errors import CondafleetError, NothingMatchedError, StorageError, UsageError
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.planreport import HostReport, PlanReport
from tui.domain.plans import HostOutlook, Plan
from tui.domain.selectors import Selector, parse_selector, select_environments, select_hosts
from tui.domain.suggestions import sensible_plan, suggestions
from tui.domain.text import printable
from tui.runtime import operator_name
from tui.storage.planfiles import read_plan, write_plan

__all__ = ["run_plan_command"]


async def run_plan_command(context: Context) -> Reply:
    """Carry out the action."""
    match context.args.action:
        case "new":
            return await _new(context)
        case "show":
            return _show(context)
        case _:
            return await _run(context)


def _may_write(path: Path, force: bool) -> None:
    if not force and (path.exists() or path.is_symlink()):
        raise StorageError(f"{printable(str(path))} is there already.", "Name another file, or give --force.")


async def _new(context: Context) -> Reply:
    args = context.args
    path = Path(args.file)
    _may_write(path, args.force)
    check_report(context)
    selectors = [parse_selector(text) for text in args.selectors]
    specs = context.settings.hosts
    hosts = select_hosts(selectors, specs)
    kinds = kinds_of(args.what) if args.what else ()
    if args.older_than is not None and not kinds:
        raise UsageError("--older-than is for caches: it wants --what.", "As in --what tarballs,packages.")
    report: PlanReport | None = None
    error: CondafleetError | None
    async with context.fleet() as fleet:
        gathered = await fleet.gather(hosts, PARTS)
        error = gathered.error
        up = [each.name for each in gathered.reports if not each.failed and each.finished]
        desk = fleet.api.plans
        try:
            if error is None and up:
                counted = await count(context, fleet, desk, up)
                items = [
                    item
                    for host in up
                    if host in counted[0]
                    for item in _chosen(selectors, kinds, host, counted, fleet)
                ]
                if not items:
                    raise NothingMatchedError(
                        "There is nothing that a plan could hold.", "`condafleet disk` shows what there is."
                    )
                missed = missed_of(gathered.reports, counted)
                times = tuple((host, found.counted) for host, found in counted[0].items())
                plan = Plan(tuple(dict.fromkeys(items)), time.time(), operator_name(), times, args.older_than, missed)
                ready = await fleet.until(desk.ready(plan, counted=counted, check=False), "looking at what would go")
                report = ready.report
                write_plan(path, plan)
        except NothingMatchedError as problem:
            error = None if any(each.failed for each in gathered.reports) else problem
        except CondafleetError as problem:
            error = problem
    shown = report
    if error is None and shown is not None:
        faults = [f"{each.host}: {each.error}" for each in shown.hosts if each.error is not None]
        error = CondafleetError("\n".join(faults)) if faults else None
        error = write_report(context, shown, error)
    return Reply(
        "plans",
        gathered.reports,
        items=lambda: [] if shown is None else [plan_json(each) for each in shown.hosts],
        lines=lambda width: () if shown is None else preview(shown),
        extra=lambda: {} if shown is None else {"plan": plan_extra(shown)},
        error=error,
        hints=() if shown is None else (f"condafleet plan run {printable(args.file)} --dry-run",),
    )


def _chosen(
    selectors: Sequence[Selector], kinds: Sequence[ItemKind], host: str, counted: Counted, fleet: Fleet
) -> Iterator[Item]:
    """Of one host: environments that are named, caches by kind, and without either what is suggested."""
    known = counted[0][host]
    view = fleet.api.store.host(host)
    own = [each for each in selectors if each.covers_host(view.spec)]
    named = [each for each in own if each.name is not None or each.prefix is not None]
    for env in select_environments(named, [view.spec], known.environments) if named else ():
        item = known.item(ItemKind.ENVIRONMENT, env.prefix)
        if item is not None:
            yield item
    if kinds:
        whole = [each for each in own if each.name is None]
        yield from wanted_items(known, whole, kinds, fleet) if whole or not own else ()
    elif len(named) < len(own) or not own:
        yield from _suggested(known, fleet)


def _suggested(known: HostTables, fleet: Fleet) -> Iterator[Item]:
    view = fleet.api.store.host(known.host)
    if view.disk is None:
        return
    disk = host_disk(view.snapshot, view.disk)
    for each in sensible_plan(disk, suggestions(disk, time.time())).suggestions:
        kind = next((kind for kind in ItemKind if each.what in (kind.cache, None if kind.cache else kind.owner)), None)
        item = None if kind is None else known.item(kind, each.path)
        if item is not None:
            yield item


def _show(context: Context) -> Reply:
    """What the file says; no host is asked."""
    plan = read_plan(Path(context.args.file))
    counted = dict(plan.counted)
    hosts = tuple(HostOutlook(host, plan.of(host), counted=None) for host in plan.hosts)

    def lines(width: int | None) -> list[str]:
        items = "1 item" if len(plan.items) == 1 else f"{len(plan.items)} items"
        where = "1 host" if len(hosts) == 1 else f"{len(hosts)} hosts"
        found = [f"made {time_json(plan.made)} by {printable(plan.by) or '?'}: {items} on {where}"]
        for host in hosts:
            found.append(host.host)
            for item in host.items:
                figures = f"{size(item.exclusive_bytes):>9} of {size(item.bytes):>9}"
                found.append(f"  {item.kind.value:<11} {figures}  {printable(item.path)}")
        return [*found, *missed_lines(plan.missed)]

    shown = tuple(HostReport(each.host, each) for each in hosts)
    report = PlanReport(shown, plan.made, None, plan.by, plan.missed)
    error = write_report(context, report)
    return Reply(
        "plans",
        error=error,
        items=lambda: [
            plan_json(each) | {"counted": time_json(counted[each.host]) if each.host in counted else None}
            for each in shown
        ],
        lines=lines,
        extra=lambda: {"plan": plan_extra(report)},
        hints=(f"condafleet plan run {printable(context.args.file)} --dry-run",),
    )


async def _run(context: Context) -> Reply:
    allowed(context)
    plan = read_plan(Path(context.args.file))
    known = {spec.name for spec in context.settings.hosts}
    strange = [host for host in plan.hosts if host not in known]
    if strange:
        raise UsageError(
            f"The plan is for hosts that are not in the fleet: {', '.join(map(printable, strange))}.",
            "Add them with `condafleet hosts add`, or take them out of the file.",
        )
    if not plan.items:
        raise NothingMatchedError("The plan holds no item.", "`condafleet plan new` makes another.")

    async def choose(counted: Counted, fleet: Fleet) -> Plan:
        return plan

    return await run_plan(context, list(plan.hosts), choose, check=True)
