"""Which host keeps the tasks that a command names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from tui.cli.context import Context, Fleet, Gathered
from tui.cli.report import HostReport, judge
from tui.cli.words import listed
from tui.domain.errors import CondafleetError, HostFaultError, NothingMatchedError, UsageError
from tui.domain.faults import Fault
from tui.domain.hosts import HostState
from tui.domain.tasks import Task, is_task_id
from tui.services.events import Event, HostChanged

__all__ = ["PART", "Found", "Wanted", "find_tasks", "look_at", "wanted"]

PART = "machine"
"""What every host tells first: it is up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A task as a person names it."""

    id: str
    host: str | None
    """None: any host of the fleet."""


@dataclass(slots=True)
class Found:
    """What came of looking for tasks."""

    tasks: dict[str, Task] = field(default_factory=dict)
    """By id."""
    reports: tuple[HostReport, ...] = ()
    error: CondafleetError | None = None
    """Ctrl-C, or what could not be found."""


def wanted(texts: Sequence[str], context: Context) -> list[Wanted]:
    """What the words of a command line name. Raises UsageError, NothingMatchedError."""
    hosts = {spec.name for spec in context.settings.hosts}
    found = []
    for text in dict.fromkeys(texts):
        host, colon, task_id = text.rpartition(":")
        if colon and host not in hosts:
            raise UsageError(f"There is no host {host[:80]!r}.", "`condafleet hosts` lists them.")
        if not is_task_id(task_id):
            raise NothingMatchedError(
                f"{task_id[:80]!r} is no id of a task.", "`condafleet tasks` lists them: 20261121-131415-0a1b2c3d."
            )
        found.append(Wanted(task_id, host if colon else None))
    return found


async def find_tasks(context: Context, fleet: Fleet, names: Sequence[Wanted]) -> Found:
    """Ask the hosts until each task is found; hosts that are slow or down hold up nothing that another keeps."""
    everywhere = any(each.host is None for each in names)
    hosts = [spec.name for spec in context.settings.hosts] if everywhere else [each.host or "" for each in names]
    hosts = list(dict.fromkeys(hosts))
    ids = {each.id for each in names}
    found = Found()
    faults: dict[str, Fault] = {}
    all_there = asyncio.Event()
    looks: dict[str, asyncio.Task[None]] = {}

    async def look(host: str) -> None:
        try:
            tasks = await fleet.api.tasks.look(host)
        except HostFaultError as error:
            faults[host] = error.fault
            return
        found.tasks |= {
            task.id: task for task in tasks if Wanted(task.id, host) in names or Wanted(task.id, None) in names
        }
        if ids <= found.tasks.keys():
            all_there.set()

    def heard(event: Event) -> None:
        up = isinstance(event, HostChanged) and fleet.api.store.host(event.host).state is HostState.UP
        if up and event.host in hosts and event.host not in looks:
            looks[event.host] = asyncio.create_task(look(event.host))

    gathering = asyncio.ensure_future(fleet.gather(hosts, (PART,), on_event=heard))
    enough = asyncio.ensure_future(all_there.wait())
    gathered = Gathered(())
    try:
        await asyncio.wait((gathering, enough), return_when=asyncio.FIRST_COMPLETED)
        if gathering.done():
            gathered = gathering.result()
            if gathered.error is None and looks and not all_there.is_set():
                await fleet.until(_all(looks.values()), "looking for tasks")
    finally:
        for task in (gathering, enough, *looks.values()):
            task.cancel()
        await asyncio.gather(gathering, enough, *looks.values(), return_exceptions=True)
    if not ids <= found.tasks.keys():
        found.reports = tuple(with_fault(report, faults.get(report.name)) for report in gathered.reports)
        found.error = gathered.error or _missing(sorted(ids - found.tasks.keys()), found.reports)
    else:
        keepers = dict.fromkeys(task.host for task in found.tasks.values())
        found.reports = tuple(judge(fleet.api.store.host(host), (), fleet.since) for host in keepers)
    return found


async def look_at(fleet: Fleet, reports: Sequence[HostReport]) -> tuple[list[Task], tuple[HostReport, ...]]:
    """The tasks of the hosts that answered, and their reports with what failed of that."""

    async def look(report: HostReport) -> tuple[HostReport, tuple[Task, ...]]:
        if report.fault is not None or not report.finished:
            return report, ()
        try:
            return report, await fleet.api.tasks.look(report.name)
        except HostFaultError as error:
            return with_fault(report, error.fault), ()

    async def all_of_them() -> list[tuple[HostReport, tuple[Task, ...]]]:
        return await asyncio.gather(*map(look, reports))

    looked = await fleet.until(all_of_them(), "looking at the tasks")
    return [task for _, tasks in looked for task in tasks], tuple(report for report, _ in looked)


def with_fault(report: HostReport, fault: Fault | None) -> HostReport:
    """*report*, with why the host's tasks are not known."""
    if fault is None or report.fault is not None:
        return report
    return replace(report, part_faults=(*report.part_faults, ("tasks", fault)))


async def _all(looks: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*looks)


def _missing(ids: Sequence[str], reports: Sequence[HostReport]) -> NothingMatchedError:
    where = " on the hosts that answered" if any(report.failed for report in reports) else ""
    return NothingMatchedError(f"No host keeps {listed(ids)}{where}.", "`condafleet tasks` lists those that there are.")
