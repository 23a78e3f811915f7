"""``packages HOST:ENV``: what is in one environment."""

from __future__ import annotations

import time

from tui.cli import tables
from tui.cli.context import Context
from tui.cli.diag import fault_line
from tui.cli.history import history_table, revision_json
from tui.cli.jsonview import Json, fault_json, package_json, time_json
from tui.cli.oneenv import PART, find_one, one_selector
from tui.cli.reply import Reply
from tui.cli.stream import Stream
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import History
from tui.domain.text import printable

__all__ = ["run_packages"]


async def run_packages(context: Context) -> Reply:
    """List the packages of the one environment that the command line names."""
    args = context.args
    selector = one_selector(args.selector)
    history: History | None = None
    async with context.fleet() as fleet:
        stream = Stream(context, fleet, (PART,)) if args.json_lines else None
        one = await find_one(context, fleet, selector, stream.tell if stream else None)
        env, error = one.env, one.error
        if env is not None:
            try:
                if args.history:
                    history = await fleet.history(env)
                elif not env.packages_known:
                    error = HostFaultError(_unreadable(env))
            except CondafleetError as problem:
                error = problem
    if env is None or error is not None:
        return Reply("packages", one.reports, error=error)
    chosen, now = env, time.time()
    packages = chosen.packages.packages
    if args.json_lines:
        for revision in history.revisions if history else ():
            line = {"event": "revision", "time": time_json(now), "host": chosen.host, "change": revision_json(revision)}
            context.out.json(line, one_line=True)
        for package in packages:
            shown = package_json(package, chosen.requested, chosen.clobbered)
            context.out.json({"event": "package", "time": time_json(now), "host": chosen.host, **shown}, one_line=True)
    return Reply(
        "packages",
        one.reports,
        items=lambda: [package_json(package, chosen.requested, chosen.clobbered) for package in packages],
        lines=lambda width: (
            history_table(history)
            if history is not None
            else tables.packages_table(packages, chosen.requested, chosen.clobbered)
        ).lines(width),
        extra=lambda: {
            **_history_json(history),
            "environment": {
                "host": chosen.host,
                "name": None if chosen.name is None else printable(chosen.name),
                "prefix": printable(chosen.prefix),
                "fault": fault_json(chosen.fault),
            },
        },
        hints=_hints(args.selector, chosen, history, now),
        now=now,
    )


def _history_json(history: History | None) -> dict[str, Json]:
    if history is None:
        return {}
    revisions: list[Json] = [revision_json(revision) for revision in history.revisions]
    return {"history": revisions, "history_complete": history.complete}


def _hints(selector: str, env: Environment, history: History | None, now: float) -> tuple[str, ...]:
    hints = [] if env.fault is None else [fault_line(selector, env.fault, now).rstrip("\n")]
    if history is not None and not history.revisions:
        hints.append(f"{selector}: its history is empty: nothing was ever changed by conda")
    if history is not None and not history.complete:
        hints.append(f"{selector}: the history is longer; its beginning was not read")
    return tuple(hints)


def _unreadable(env: Environment) -> Fault:
    if env.fault is not None:
        return env.fault
    place = f"{env.host}:{printable(env.prefix)}"
    return Fault(FaultKind.INCOMPLETE, f"{place}: its packages could not be read", f"condafleet probe {env.host}")
