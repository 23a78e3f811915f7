"""``disk [SEL…]``: what the disks of hosts hold, counted side by side, and what could go."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Sequence

from tui.cli.context import Context, Fleet, RunInterruptedError
from tui.cli.diskjson import HostAnswer, disk_json, extra_json, mounts_json
from tui.cli.disktext import disk_lines, disk_markdown
from tui.cli.jsonview import Object, time_json
from tui.cli.reply import Reply
from tui.cli.report import HostReport, judge
from tui.cli.stream import Stream
from tui.cli.words import listed
from tui.domain.diskcount import DiskCount
from tui.domain.diskreport import host_disk
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, HostFaultError, NothingMatchedError, UsageError
from tui.domain.faults import Fault
from tui.domain.hosts import HostSpec
from tui.domain.selectors import Selector, parse_selector, select_environments, select_hosts
from tui.domain.suggestions import sensible_plan, suggestions
from tui.services.diskcount import expected_entries

__all__ = ["run_disk"]

_FIRST = ("machine", "mounts")
_ALL = ("machine", "mounts", "installs", "environments")
_END_S = 2.0
"""So long a count that is called off may take to end here; on the host it ends by itself."""
_EVENT_S = 1.0


async def run_disk(context: Context) -> Reply:
    """Count, and say what was found."""
    args, specs = context.args, context.settings.hosts
    if args.markdown and (args.json or args.json_lines):
        raise UsageError("--markdown is for people, --json for scripts.", "Give one of them.")
    selectors = [parse_selector(text) for text in args.selectors]
    hosts = select_hosts(selectors, specs)
    async with context.fleet() as fleet:
        stream = Stream(context, fleet, _FIRST) if args.json_lines else None
        gathered = await fleet.gather(hosts, _FIRST, on_event=stream.tell if stream else None)
        counting = _Counting(context, fleet, selectors, specs)
        up = [report.name for report in gathered.reports if report.fault is None and report.finished]
        if not gathered.interrupted:
            await counting.run(up)
        reports = tuple(counting.report(report) for report in gathered.reports)
    now = time.time()
    answers = counting.answers
    seen = _seen_from(answers)
    error: CondafleetError | None = gathered.error or counting.error(len(up))
    if error is None and selectors and answers and not any(_found(answer) for answer in answers):
        error = NothingMatchedError(f"No environment fits {' '.join(args.selectors)}.")

    def lines(width: int | None) -> list[str]:
        if args.markdown:
            return disk_markdown(answers, now, everything=args.all)
        return disk_lines(answers, now, width, everything=args.all)

    return Reply(
        "mounts",
        reports,
        items=lambda: mounts_json(answers),
        lines=lines,
        extra=lambda: extra_json(answers, now, seen),
        error=error,
        hints=() if hosts else ("The fleet has no hosts; `condafleet hosts add NAME`.",),
        now=now,
    )


def _found(answer: HostAnswer) -> bool:
    return answer.only is None or bool(answer.environments)


def _seen_from(answers: Sequence[HostAnswer]) -> dict[str, list[str]]:
    """By its identity, the hosts that see an environment."""
    seen: defaultdict[str, list[str]] = defaultdict(list)
    for answer in answers:
        for use in answer.disk.environments:
            if use.environment.fs_id is not None:
                seen[use.environment.fs_id].append(answer.disk.host)
    return dict(seen)


class _Counting:
    """The counts of one run, side by side."""

    def __init__(
        self, context: Context, fleet: Fleet, selectors: Sequence[Selector], specs: Sequence[HostSpec]
    ) -> None:
        self._context = context
        self._fleet = fleet
        self._selectors = selectors
        self._specs = specs
        self._entries: dict[str, int] = {}
        self._expected: dict[str, int | None] = {}
        self._began = time.monotonic()
        self._told: dict[str, float] = {}
        self._faults: dict[str, Fault] = {}
        self._waiting: set[str] = set()
        self._answers: dict[str, HostAnswer] = {}

    @property
    def answers(self) -> list[HostAnswer]:
        """Of the hosts that were counted, in the fleet's order."""
        return [self._answers[spec.name] for spec in self._specs if spec.name in self._answers]

    async def run(self, hosts: Sequence[str]) -> None:
        """Count *hosts*, until all are counted or failed, or Ctrl-C."""
        self._waiting = set(hosts)
        self._expected = {host: expected_entries(self._fleet.api.store.host(host)) for host in hosts}
        self._began = time.monotonic()
        tasks = [asyncio.ensure_future(self._count(host)) for host in hosts]
        pressed = asyncio.ensure_future(self._fleet.interrupted.wait())
        try:
            while tasks and not pressed.done() and not all(task.done() for task in tasks):
                left = [task for task in tasks if not task.done()]
                await asyncio.wait((*left, pressed), timeout=_EVENT_S, return_when=asyncio.FIRST_COMPLETED)
                self._show()
        finally:
            for task in (*tasks, pressed):
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_END_S)
            self._context.diag.progress.hide()
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def _count(self, host: str) -> None:
        try:
            count = await self._fleet.api.disk(host, lambda entries: self._progress(host, entries))
        except HostFaultError as error:
            self._faults[host] = error.fault
        else:
            # Off the loop: a large table takes a moment, and the other hosts are heard meanwhile.
            answer = await asyncio.to_thread(self._answer, host, count)
            self._answers[host] = answer
            self._line("disk", host, disk_json(answer, time.time(), {}))
        self._waiting.discard(host)

    def _answer(self, host: str, count: DiskCount) -> HostAnswer:
        view = self._fleet.api.store.host(host)
        disk = host_disk(view.snapshot, count)
        found = suggestions(disk, time.time())
        return HostAnswer(
            disk, found, sensible_plan(disk, found), self._only(host, view.snapshot.environments.value or ())
        )

    def _only(self, host: str, environments: Sequence[Environment]) -> Collection[str] | None:
        """The environments that are meant; None where a selector means the whole host."""
        if not self._selectors:
            return None
        spec = next(spec for spec in self._specs if spec.name == host)
        covering = [each for each in self._selectors if each.covers_host(spec)]
        if any(each.name is None and each.prefix is None for each in covering):
            return None
        chosen = select_environments(self._selectors, self._specs, environments)
        return frozenset(env.prefix for env in chosen)

    def report(self, report: HostReport) -> HostReport:
        """What is known of a host now, with what came of its count."""
        name = report.name
        if report.fault is not None or not report.finished:
            return report
        counted = name in self._answers or name in self._faults
        # Where the run was interrupted before the counting, nothing waits for it, and it was not counted either.
        if name in self._waiting or not counted:
            return HostReport(self._fleet.api.store.host(name), report.since, None, report.part_faults, finished=False)
        view = self._fleet.api.store.host(name)
        answer = self._answers.get(name)
        if answer is None:
            return HostReport(view, report.since, None, (*report.part_faults, ("disk", self._faults[name])))
        faults = judge(view, _ALL, report.since).part_faults
        why = answer.disk.count.caches_fault
        return HostReport(view, report.since, None, (*faults, *((("caches", why),) if why is not None else ())))

    def error(self, total: int) -> CondafleetError | None:
        """That it was interrupted, in words."""
        if not self._waiting or not self._fleet.interrupted.is_set():
            return None
        return RunInterruptedError(f"Interrupted; {len(self._waiting)} of {total} hosts were not counted yet.")

    # -- while it goes on

    def _progress(self, host: str, entries: int) -> None:
        self._entries[host] = entries
        now = time.monotonic()
        if now - self._told.get(host, 0.0) >= _EVENT_S:
            self._told[host] = now
            rate = round(entries / max(0.001, now - self._began))
            body: Object = {"entries": entries, "entries_per_s": rate, "expected": self._expected.get(host)}
            self._line("progress", host, body)
        self._show()

    def _line(self, event: str, host: str, body: Object) -> None:
        if self._context.args.json_lines:
            line = {"event": event, "time": time_json(time.time()), "host": host, **body}
            self._context.out.json(line, one_line=True)

    def _show(self) -> None:
        progress = self._context.diag.progress
        if not progress.due or not self._waiting:
            return
        entries = sum(self._entries.get(host, 0) for host in self._entries)
        rate = entries / max(0.001, time.monotonic() - self._began)
        known = [self._expected.get(host) for host in self._expected]
        about = f" of about {sum(filter(None, known)):,}" if known and all(known) else ""
        done = len(self._expected) - len(self._waiting)
        names = listed(sorted(self._waiting))
        progress.show(
            f"{done} of {len(self._expected)} hosts counted; {entries:,}{about} entries, {rate:,.0f} a second; {names}"
        )
