"""``hosts``: list, add, forget and trust."""

from __future__ import annotations

import time
from difflib import get_close_matches

from tui.cli import tables
from tui.cli.commands import COMMANDS
from tui.cli.context import Context
from tui.cli.jsonview import Object, host_json, load_json, machine_json, trusted_key_json
from tui.cli.reply import Reply
from tui.cli.report import Exit, HostReport
from tui.cli.stream import Stream
from tui.cli.words import listed
from tui.domain.errors import HostFaultError, RefusedError, UsageError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HOST_NAME, LOCAL, HostSpec, HostState
from tui.domain.machine import Load, Machine
from tui.domain.selectors import Selector, parse_selector, select_hosts
from tui.domain.snapshot import HostSnapshot
from tui.ports import TrustedKey
from tui.services.store import HostView
from tui.terminal.prompts import TtyPrompter

__all__ = ["run_hosts"]

PARTS = ("machine", "load")
_ABOUT_ITS_KEY = (FaultKind.HOST_KEY_UNKNOWN, FaultKind.HOST_KEY_CHANGED, FaultKind.HOST_KEY_REVOKED)


async def run_hosts(context: Context) -> Reply:
    """The action that the command line names; listing without one."""
    match context.args.action:
        case "add":
            return add(context)
        case "forget":
            return forget(context)
        case "trust":
            return await trust(context)
        case _:
            return await list_hosts(context)


async def list_hosts(context: Context) -> Reply:
    """Try the selected hosts and show their state."""
    args = context.args
    selectors = [parse_selector(text) for text in getattr(args, "selectors", ())]
    _whole_hosts(selectors)
    try:
        hosts = select_hosts(selectors, context.settings.hosts)
    except UsageError as error:
        raise _mistyped(error, selectors) from None
    async with context.fleet() as fleet:
        stream = Stream(context, fleet, PARTS) if args.json_lines else None
        gathered = await fleet.gather(hosts, PARTS, on_event=stream.tell if stream else None)
    now = time.time()
    return Reply(
        "hosts",
        gathered.reports,
        items=lambda: [_host_json(report, now) for report in gathered.reports],
        lines=lambda width: tables.hosts_table(gathered.reports, now).lines(width),
        error=gathered.error,
        hints=_offer(context),
        now=now,
    )


def _mistyped(error: UsageError, selectors: list[Selector]) -> UsageError:
    """The same, with the action that the first word was perhaps meant for."""
    near = get_close_matches(selectors[0].text, COMMANDS["hosts"].actions, n=1, cutoff=0.7) if selectors else []
    return UsageError(error.message, f"Did you mean `condafleet hosts {near[0]}`?") if near else error


def _whole_hosts(selectors: list[Selector]) -> None:
    for selector in selectors:
        if selector.name is not None or selector.prefix is not None:
            raise UsageError(f"{selector.text!r} names something on a host; `hosts` takes HOST or @group.")


def _offer(context: Context) -> tuple[str, ...]:
    if context.settings.file is not None:
        return ()
    known = {spec.name for spec in context.settings.hosts}
    aliases = [name for name in context.backend.aliases() if name not in known]
    if not aliases:
        return ()
    noun = "alias" if len(aliases) == 1 else "aliases"
    return (f"{len(aliases)} {noun} in ssh_config ({listed(aliases)}): `condafleet hosts add NAME` takes one in.",)


def add(context: Context) -> Reply:
    """Write a host into the configuration; nothing is connected."""
    args = context.args
    _check_name(args.name)
    spec = HostSpec(
        args.name,
        address=args.address,
        port=args.port,
        user=args.user,
        identity=tuple(args.identity),
        jump=args.jump,
        groups=tuple(args.group),
    )
    file = context.backend.add_host(args.config, spec)
    hint = f"`condafleet probe {args.name}` tries it and tells what is there."
    return _written(spec, f"{args.name} added to {file}", (hint,))


def forget(context: Context) -> Reply:
    """Take a host out of the configuration; the host itself is not touched."""
    args = context.args
    _check_name(args.name)
    select_hosts([parse_selector(args.name)], context.settings.hosts)
    spec = next(spec for spec in context.settings.hosts if spec.name == args.name)
    file = context.backend.forget_host(args.config, args.name)
    return _written(spec, f"{args.name} taken out of {file}; nothing on the host was changed", ())


def _check_name(name: str) -> None:
    if not HOST_NAME.match(name):
        raise UsageError(
            f"{name[:80]!r} can be no host name.",
            "Host names are made of letters, digits, dots, dashes and underscores, and don't begin with a dash.",
        )


def _view(spec: HostSpec, fault: Fault | None = None) -> HostView:
    return HostView(spec, HostState.IDLE if fault is None else HostState.DOWN, HostSnapshot(spec.name), fault)


def _written(spec: HostSpec, text: str, hints: tuple[str, ...]) -> Reply:
    return Reply(
        "hosts", (HostReport(_view(spec), time.time()),), lines=lambda width: (text,), hints=hints, code=Exit.DONE
    )


async def trust(context: Context) -> Reply:
    """Save the host's key that has the fingerprint given; nothing else is accepted, and nobody logs in."""
    name, wanted = context.args.name, context.args.fingerprint
    _check_name(name)
    select_hosts([parse_selector(name)], context.settings.hosts)
    if name == LOCAL:
        raise UsageError("This machine is reached without SSH and has no host key.")
    if not wanted.startswith("SHA256:") or len(wanted) < 12:
        raise UsageError(f"{wanted[:80]!r} is no fingerprint.", "It looks like SHA256:… (ssh-keygen -lf KEYFILE).")
    spec = next(spec for spec in context.settings.hosts if spec.name == name)
    prompter = TtyPrompter(around=context.diag.progress.silenced)
    try:
        key = await context.backend.trust(context.settings, name, wanted.rstrip("="), prompter)
    except HostFaultError as error:
        down = (HostReport(_view(spec, error.fault), time.time(), error.fault),)
        if error.fault.kind not in _ABOUT_ITS_KEY:
            return Reply("hosts", down)
        return Reply("hosts", down, error=RefusedError(error.message, error.remedy), tell_faults=False)
    return Reply(
        "hosts",
        (HostReport(_view(spec), time.time()),),
        extra=lambda: {"key": trusted_key_json(key)},
        lines=lambda width: (f"{name}: {_told(key)}",),
        code=Exit.DONE if key.file or key.known_before else Exit.FAILED,
    )


def _told(key: TrustedKey) -> str:
    shown = f"{key.key_type} {key.fingerprint}"
    if key.known_before:
        return f"trusted already: {shown}"
    return f"{shown} saved in {key.file}" if key.file else f"{shown} cannot be saved: known_hosts names no file"


def _host_json(report: HostReport, now: float) -> Object:
    machine, load = report.fresh("machine"), report.fresh("load")
    return {
        **host_json(report, now),
        "machine": machine_json(machine) if isinstance(machine, Machine) else None,
        "load": load_json(load) if isinstance(load, Load) else None,
    }
