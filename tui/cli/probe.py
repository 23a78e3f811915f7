"""``probe HOST``: everything known of one host, and why the rest of it is missing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tui.cli import jsonview, tables
from tui.cli.context import Context
from tui.cli.jsonview import Json, connection_json
from tui.cli.listing import LISTINGS
from tui.cli.reply import Reply
from tui.cli.report import HostReport
from tui.cli.words import UNKNOWN, age, count, listed, one_line, size
from tui.domain.errors import UsageError
from tui.domain.machine import Load, Machine
from tui.domain.redact import redact
from tui.domain.selectors import parse_selector, select_hosts
from tui.domain.snapshot import PARTS
from tui.domain.text import printable

__all__ = ["one_host", "report_lines", "run_probe"]

Log = Sequence[tuple[float, str]]
LOG_SHOWN = 40


def one_host(context: Context, name: str) -> str:
    """The one host of the fleet that *name* means, a name or a glob. Raises UsageError, with the candidates listed."""
    selector = parse_selector(name)
    if selector.host != name:
        raise UsageError(f"{name[:80]!r} is not the name of one host.", "`condafleet hosts` lists them.")
    found = select_hosts([selector], context.settings.hosts)
    if len(found) > 1:
        raise UsageError(f"{name!r} fits {len(found)} hosts: {listed(found, 12)}.", "Give the one you mean.")
    return found[0]


async def run_probe(context: Context) -> Reply:
    """Ask one host everything."""
    name = one_host(context, context.args.host)
    async with context.fleet() as fleet:
        gathered = await fleet.gather([name], PARTS)
        log = fleet.api.store.log(name)
    now = time.time()
    report = gathered.reports[0]
    return Reply(
        "hosts",
        gathered.reports,
        extra=lambda: _probe_json(report, log),
        lines=lambda width: report_lines(report, log, now, width),
        error=gathered.error,
        now=now,
    )


def _probe_json(report: HostReport, log: Log) -> dict[str, Json]:
    """Each list under its plural, as other commands have it; null where it is unknown."""
    machine, load = report.fresh("machine"), report.fresh("load")
    host = report.name
    return {
        "connection": connection_json(report.view.facts, log),
        "machine": jsonview.machine_json(machine) if isinstance(machine, Machine) else None,
        "load": jsonview.load_json(load) if isinstance(load, Load) else None,
        "mounts": _json_list(report, "mounts", lambda mount: jsonview.mount_json(mount, host)),
        "installs": _json_list(report, "installs", lambda install: jsonview.install_json(install, host)),
        "environments": _json_list(report, "environments", jsonview.environment_json),
        "gpus": _json_list(report, "gpus", jsonview.gpu_json),
        "sessions": _json_list(report, "sessions", jsonview.session_json),
    }


def _json_list(report: HostReport, part: str, shown: Callable[[Any], Json]) -> list[Json] | None:
    """None where the part is unknown."""
    values = report.fresh(part)
    return [shown(value) for value in _sorted(part, values)] if isinstance(values, tuple) else None


def _sorted(part: str, values: tuple[Any, ...]) -> list[Any]:
    orders = {listing.part: listing.order for listing in LISTINGS.values()}
    keys: dict[str, Callable[[Any], Any]] = {"mounts": lambda it: it.path, "installs": lambda it: it.root, **orders}
    return sorted(values, key=keys[part])


def report_lines(report: HostReport, log: Log, now: float, width: int | None) -> list[str]:
    """The same for people."""
    lines = [f"{report.name}: {report.state_word}", *_connection_lines(report, now)]
    machine, load = report.fresh("machine"), report.fresh("load")
    if isinstance(machine, Machine):
        lines += ["", "MACHINE", *_pairs(_machine_words(machine))]
    if isinstance(load, Load):
        lines += ["", "LOAD", *_pairs(_load_words(load))]
    makers: dict[str, Callable[[list[Any]], list[str]]] = {
        "mounts": lambda found: tables.mounts_table(found).lines(width),
        "installs": lambda found: tables.installs_table(found).lines(width),
        "environments": lambda found: tables.environments_table(found, now).lines(width),
        "gpus": lambda found: tables.gpus_table(found).lines(width),
        "sessions": lambda found: tables.sessions_table(found, now).lines(width),
    }
    for part, lines_of in makers.items():
        values = report.fresh(part)
        if isinstance(values, tuple):
            lines += ["", f"{part.upper()} ({len(values)})", *(lines_of(_sorted(part, values)) if values else ())]
    if log:
        lines += ["", "CONNECTION LOG"]
        lines += [f"  {_clock(at)}  {redact(one_line(text))}" for at, text in log[-LOG_SHOWN:]]
    return lines


def _connection_lines(report: HostReport, now: float) -> list[str]:
    facts = report.view.facts
    place = facts.address and (f"{facts.address} port {facts.port}" if facts.port else facts.address)
    words = [
        ("address", place),
        ("user", facts.user),
        ("via", " → ".join(facts.via) or None),
        ("host key", facts.host_key),
        ("login by", facts.auth_method),
        ("server", facts.server_version),
        ("connected", None if facts.connected_at is None else _ago(now - facts.connected_at)),
    ]
    shown = [(name, printable(value)) for name, value in words if value]
    return _pairs([*shown, *(("not honoured", redact(one_line(line))) for line in facts.not_honoured)])


def _machine_words(machine: Machine) -> list[tuple[str, str]]:
    words = [
        ("host name", machine.hostname),
        ("system", machine.os),
        ("kernel", machine.kernel and f"{machine.kernel} {machine.arch or ''}".rstrip()),
        ("libc", machine.libc),
        ("cores", count(machine.cores)),
        ("account", machine.user and f"{machine.user} (uid {count(machine.uid)}), home {machine.home or UNKNOWN}"),
        ("login shell", machine.shell),
        ("tools", " ".join(sorted(machine.tools)) or "none of the optional ones"),
        ("machine id", machine.machine_id),
        ("note", "load, GPUs and what others hold on disks are played" if machine.played else ""),
    ]
    return [(name, printable(value or UNKNOWN)) for name, value in words if value != ""]


def _load_words(load: Load) -> list[tuple[str, str]]:
    loads = [UNKNOWN if value is None else f"{value:.2f}" for value in (load.load1, load.load5, load.load15)]
    return [
        ("1, 5, 15 min", " ".join(loads)),
        ("memory free", f"{size(load.memory_available_bytes)} of {size(load.memory_total_bytes)}"),
        ("swap free", f"{size(load.swap_free_bytes)} of {size(load.swap_total_bytes)}"),
        ("up for", age(load.uptime_s)),
    ]


def _pairs(words: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {name:<13} {value}" for name, value in words]


def _ago(seconds: float) -> str:
    span = age(seconds)
    return span if span == "now" else f"{span} ago"


def _clock(at: float) -> str:
    return (jsonview.time_json(at) or UNKNOWN)[11:19]
