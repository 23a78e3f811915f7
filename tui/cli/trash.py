"""``trash list|restore|purge``: what was put aside instead of being removed at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from tui.cli.change import Found, run_changes
from tui.cli.context import Context, Fleet
from tui.cli.jsonview import Object, time_json
from tui.cli.reply import Reply
from tui.cli.tables import Column, Table
from tui.cli.words import UNKNOWN, age, size
from tui.domain.changes import Change, ChangeKind
from tui.domain.errors import CondafleetError, HostFaultError, NothingMatchedError, UsageError
from tui.domain.globs import Glob
from tui.domain.hosts import HostSpec
from tui.domain.selectors import Selector, parse_selector, select_hosts
from tui.domain.text import printable
from tui.domain.trash import Aside, due
from tui.remote.changes.trash import TrashSeen

__all__ = ["run_trash"]

PARTS = ("machine", "installs", "environments")


async def run_trash(context: Context) -> Reply:
    """The action that the command line names; listing without one."""
    match context.args.action:
        case "restore":
            return await _change(context, ChangeKind.RESTORE)
        case "purge":
            return await _change(context, ChangeKind.PURGE)
        case _:
            return await _list(context)


async def _list(context: Context) -> Reply:
    selectors = [parse_selector(text) for text in getattr(context.args, "selectors", ())]
    specs = context.settings.hosts
    hosts = select_hosts(selectors, specs)
    seen: dict[str, TrashSeen] = {}
    error: CondafleetError | None = None
    async with context.fleet() as fleet:
        gathered = await fleet.gather(hosts, PARTS)
        error = gathered.error
        if error is None:
            seen, error = await _seen(fleet, Found(gathered.reports).answered)
    now = time.time()
    found = [(aside, each.now) for each in seen.values() for aside in each.asides if _wanted(selectors, specs, aside)]
    if error is None and not found and any(each.name is not None or each.prefix is not None for each in selectors):
        error = NothingMatchedError(f"Nothing put aside fits {' '.join(context.args.selectors)}.")
    return Reply(
        "trash",
        gathered.reports,
        items=lambda: [_json(aside, clock) for aside, clock in found],
        lines=lambda width: _table([aside for aside, _ in found], seen).lines(width) if found else (),
        error=error,
        hints=() if found or error else ("nothing is put aside; `condafleet remove --keep 7d` does so",),
        now=now,
    )


async def _seen(fleet: Fleet, hosts: Sequence[str]) -> tuple[dict[str, TrashSeen], CondafleetError | None]:
    """The trash of each host, and the first fault of one that did not tell."""

    async def ask(host: str) -> tuple[str, TrashSeen | CondafleetError]:
        try:
            return host, await fleet.api.changes.trash(host)
        except HostFaultError as error:
            return host, error

    async def all_of_them() -> list[tuple[str, TrashSeen | CondafleetError]]:
        return await asyncio.gather(*map(ask, hosts))

    answers = await fleet.until(all_of_them(), "looking at what was put aside")
    failed = next((answer for _, answer in answers if isinstance(answer, CondafleetError)), None)
    return {host: answer for host, answer in answers if isinstance(answer, TrashSeen)}, failed


def _wanted(selectors: Sequence[Selector], specs: Sequence[HostSpec], aside: Aside) -> bool:
    spec = next(spec for spec in specs if spec.name == aside.host)
    return not selectors or any(each.covers_host(spec) and _fits(each, aside) for each in selectors)


def _fits(selector: Selector, aside: Aside) -> bool:
    """Whether the part behind the host means *aside*: its id, its old name or its old prefix."""
    if selector.prefix is not None:
        return aside.prefix == selector.prefix
    if selector.name is None:
        return True
    glob = Glob(selector.name)
    names = (aside.id, *((aside.prefix.rpartition("/")[2],) if aside.prefix else ()))
    return any(glob.matches(name) for name in names)


async def _change(context: Context, kind: ChangeKind) -> Reply:
    selectors = [parse_selector(text) for text in context.args.selectors]
    if kind is ChangeKind.RESTORE and any(each.name is None and each.prefix is None for each in selectors):
        raise UsageError("What is to come back is named one by one.", "`condafleet trash list` shows what there is.")
    only_due = getattr(context.args, "due", False)

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        seen, error = await _seen(fleet, found.answered)
        changes: list[Change] = []
        for host, each in seen.items():
            ripe = set(due(each.asides, each.now))
            picked = [aside for aside in each.asides if _wanted(selectors, context.settings.hosts, aside)]
            if only_due:
                picked = [aside for aside in picked if aside in ripe]
            changes += [_of(kind, host, aside) for aside in picked]
        if not changes:
            raise error or NothingMatchedError(
                f"Nothing put aside fits {' '.join(context.args.selectors)}.", "`condafleet trash list` shows it."
            )
        _once_each(kind, changes)
        return changes

    return await run_changes(context, selectors, make)


def _of(kind: ChangeKind, host: str, aside: Aside) -> Change:
    prefix = aside.prefix or aside.path
    return Change(kind, host, prefix, name=prefix.rpartition("/")[2] or None, aside_id=aside.id)


def _once_each(kind: ChangeKind, changes: Sequence[Change]) -> None:
    """Of two that were put aside from one place only one can come back. Raises UsageError."""
    places = [(change.host, change.prefix) for change in changes]
    twice = sorted({place for place in places if places.count(place) > 1})
    if kind is ChangeKind.RESTORE and twice:
        host, prefix = twice[0]
        ids = "\n".join(
            f"  {host}:{change.aside_id}" for change in changes if (change.host, change.prefix) == (host, prefix)
        )
        raise UsageError(
            f"Several were put aside from {host}:{printable(prefix)}:\n{ids}", "Name the one you mean by its id."
        )


def _json(aside: Aside, now: float) -> Object:
    return {
        "host": aside.host,
        "id": aside.id,
        "prefix": None if aside.prefix is None else printable(aside.prefix),
        "path": printable(aside.path),
        "state": aside.state.value,
        "operator": None if aside.operator is None else printable(aside.operator),
        "since": time_json(aside.since),
        "until": time_json(aside.until),
        "age_s": None if aside.since is None else round(aside.age_s(now) or 0),
        "bytes": aside.bytes,
        "mine": aside.mine,
        "restorable": aside.restorable,
    }


def _table(asides: Sequence[Aside], seen: dict[str, TrashSeen]) -> Table:
    columns = (
        Column("HOST"), Column("ID"), Column("STATE"), Column("FREES", right=True), Column("AGE", right=True),
        Column("KEPT FOR", right=True), Column("BY"), Column("PREFIX", flexible=True),
    )  # fmt: skip
    return Table(columns, tuple(_row(aside, seen[aside.host].now) for aside in asides))


def _row(aside: Aside, now: float) -> tuple[str, ...]:
    left = UNKNOWN if aside.until is None else age(aside.until - now) if aside.until > now else "due"
    return (
        aside.host,
        aside.id,
        aside.state.value,
        size(aside.bytes),
        age(aside.age_s(now)),
        left,
        UNKNOWN if aside.operator is None else printable(aside.operator),
        printable(aside.prefix or aside.path),
    )
