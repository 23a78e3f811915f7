"""The listing commands: hosts, environments, GPUs and sessions of the selected hosts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tui.cli import jsonview, tables
from tui.cli.context import Context
from tui.cli.jsonview import Object
from tui.cli.reply import Reply
from tui.cli.report import HostReport
from tui.cli.stream import Stream
from tui.cli.tables import Table
from tui.cli.words import listed
from tui.domain.environments import Environment
from tui.domain.errors import NothingMatchedError, UsageError
from tui.domain.globs import Glob
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec
from tui.domain.selectors import Selector, parse_selector, select_environments, select_hosts
from tui.domain.sessions import Session
from tui.domain.text import parse_printed

__all__ = ["LISTINGS", "Listing", "run_listing"]


@dataclass(frozen=True)
class Listing:
    """How one kind of thing is picked from what hosts answered, and shown."""

    plural: str
    part: str
    """The part of a snapshot that holds them."""
    noun: str
    pick: Callable[[Sequence[Selector], Sequence[HostSpec], list[Any]], list[Any]]
    order: Callable[[Any], tuple[Any, ...]]
    as_json: Callable[[Any], Object]
    table: Callable[[list[Any], float], Table]

    def values(
        self, reports: Sequence[HostReport], selectors: Sequence[Selector], specs: Sequence[HostSpec]
    ) -> list[Any]:
        """What the selectors mean of what was answered in this run, in a stable order: host by host."""
        found: list[Any] = []
        for report in reports:
            fresh = report.fresh(self.part)
            if isinstance(fresh, tuple):
                found += self.pick(selectors, specs, sorted(fresh, key=self.order))
        return found


async def run_listing(context: Context, listing: Listing) -> Reply:
    """List what the selectors of the command line mean."""
    args, specs = context.args, context.settings.hosts
    selectors = [parse_selector(text) for text in args.selectors]
    hosts = select_hosts(selectors, specs)
    search: str | None = getattr(args, "search", None)
    if search is not None and not (search.startswith(("/", "~/")) or search == "~"):
        raise UsageError(f"--search needs an absolute path on the hosts, not {search!r}.", "Begin it with / or ~/.")
    search = None if search is None else parse_printed(search)

    def items_of(report: HostReport) -> list[Object]:
        return [listing.as_json(value) for value in listing.values([report], selectors, specs)]

    async with context.fleet() as fleet:
        stream = None
        if args.json_lines:
            stream = Stream(context, fleet, (listing.part,), listing.plural, items_of)
        gathered = await fleet.gather(hosts, (listing.part,), search=search, on_event=stream.tell if stream else None)
    now = time.time()
    values = listing.values(gathered.reports, selectors, specs)
    error = gathered.error
    silent = [report for report in gathered.reports if report.failed]
    if error is None and selectors and not values and len(silent) < len(gathered.reports):
        where = " on the hosts that answered" if silent else ""
        error = NothingMatchedError(f"No {listing.noun} fits {' '.join(args.selectors)}{where}.")
    return Reply(
        listing.plural,
        gathered.reports,
        items=lambda: [listing.as_json(value) for value in values],
        lines=lambda width: listing.table(values, now).lines(width) if values else (),
        error=error,
        hints=() if values or error or silent else (_none(listing, hosts),),
        now=now,
    )


def _none(listing: Listing, hosts: Sequence[str]) -> str:
    return f"No {listing.noun} on {listed(hosts)}." if hosts else "The fleet has no hosts; `condafleet hosts add NAME`."


def _environments(selectors: Sequence[Selector], specs: Sequence[HostSpec], found: list[Any]) -> list[Any]:
    return select_environments(selectors, specs, found)


def _sessions(selectors: Sequence[Selector], specs: Sequence[HostSpec], found: list[Any]) -> list[Any]:
    return _by_name(selectors, specs, found, lambda session: (session.name, session.id))


def _gpus(selectors: Sequence[Selector], specs: Sequence[HostSpec], found: list[Any]) -> list[Any]:
    return _by_name(selectors, specs, found, lambda gpu: (str(gpu.index), gpu.uuid or ""))


def _by_name(
    selectors: Sequence[Selector],
    specs: Sequence[HostSpec],
    found: list[Any],
    names: Callable[[Any], tuple[str, ...]],
) -> list[Any]:
    """Those of *found*, all of one host, that a selector means by host or by one of their *names*.

    As for environments, what is exactly as written wins over what it fits as a glob.
    """
    if not selectors:
        return found
    by_name = {spec.name: spec for spec in specs}
    chosen: set[int] = set()
    for selector in selectors:
        covered = [value for value in found if selector.covers_host(by_name[value.host])]
        if selector.name is not None:
            glob = Glob(selector.name)
            exact = [value for value in covered if any(map(glob.is_literal_for, names(value)))]
            covered = exact or [value for value in covered if any(map(glob.matches, names(value)))]
        if selector.prefix is None:
            chosen.update(map(id, covered))
    return [value for value in found if id(value) in chosen]


def _environment_order(env: Environment) -> tuple[Any, ...]:
    return (
        env.install is None,
        env.install or "",
        env.kind.value != "base",
        env.name is None,
        env.name or "",
        env.prefix,
    )


def _gpu_order(gpu: Gpu) -> tuple[Any, ...]:
    return (gpu.index, gpu.uuid or "")


def _session_order(session: Session) -> tuple[Any, ...]:
    return (session.kind, session.socket, session.name, session.id)


LISTINGS = {
    "envs": Listing(
        "environments", "environments", "environment", _environments, _environment_order,
        jsonview.environment_json, tables.environments_table,
    ),
    "gpus": Listing(
        "gpus", "gpus", "GPU", _gpus, _gpu_order, jsonview.gpu_json, lambda gpus, now: tables.gpus_table(gpus)
    ),
    "sessions": Listing(
        "sessions", "sessions", "session", _sessions, _session_order, jsonview.session_json, tables.sessions_table
    ),
}  # fmt: skip
