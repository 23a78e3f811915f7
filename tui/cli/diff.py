"""``diff SEL SEL…``: what environments differ in."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tui.cli.context import Context
from tui.cli.jsonview import Json, Object, package_json
from tui.cli.reply import Reply
from tui.cli.report import HostReport
from tui.cli.tables import Column, Table
from tui.domain.compare import Change, Comparison, Difference, Majority, compare, majority
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, NothingMatchedError, UsageError
from tui.domain.globs import is_glob
from tui.domain.hosts import HostSpec
from tui.domain.packages import Package
from tui.domain.redact import redact
from tui.domain.selectors import (
    Selector,
    parse_selector,
    select_environments,
    select_hosts,
    select_one_environment,
)
from tui.domain.text import printable

__all__ = ["run_diff"]

PART = "environments"
WORDS = {
    Difference.ADDED: "added",
    Difference.MISSING: "missing",
    Difference.VERSION: "version",
    Difference.BUILD: "build",
    Difference.CHANNEL: "channel",
    Difference.MANAGER: "pip against conda",
    Difference.CLOBBERED: "pip over conda",
}


async def run_diff(context: Context) -> Reply:
    """Compare what the selectors of the command line mean."""
    args, specs = context.args, context.settings.hosts
    selectors = [parse_selector(text) for text in args.selectors]
    for selector in selectors:
        if selector.name is None and selector.prefix is None:
            raise UsageError(
                f"{selector.text!r} means a whole host; environments are compared.",
                f"Write '{selector.text}:NAME', or '*:NAME' for one name on all hosts.",
            )
    if len(selectors) == 1 and not _means_many(selectors[0]):
        raise UsageError(
            f"{selectors[0].text!r} is one environment; there is nothing to compare it with.",
            f"Name a second one, or '*:{selectors[0].name or 'NAME'}' for one name on all hosts.",
        )
    hosts = select_hosts(selectors, specs)
    async with context.fleet() as fleet:
        gathered = await fleet.gather(hosts, (PART,))
    error = gathered.error
    comparisons: Sequence[Comparison] = ()
    whole: Majority | None = None
    if error is None:
        try:
            found = _environments(gathered.reports)
            if len(selectors) == 1:
                whole = majority(_several(selectors[0], specs, found))
                comparisons = whole.others
            else:
                comparisons = _against_first(selectors, specs, found)
        except CondafleetError as problem:
            error = problem
    if error is not None:
        return Reply("differences", gathered.reports, error=error)
    same = whole.same if whole is not None else _all_same(comparisons)
    return Reply(
        "differences",
        gathered.reports,
        items=lambda: [_change_json(it, change) for it in comparisons for change in it.changes],
        lines=lambda width: _lines(whole, comparisons, width),
        extra=lambda: {
            "same": same,
            "comparisons": [_comparison_json(it) for it in comparisons],
            "majority": None if whole is None else _majority_json(whole),
        },
        now=time.time(),
    )


def _environments(reports: Sequence[HostReport]) -> list[Environment]:
    found: list[Environment] = []
    for report in reports:
        fresh = report.fresh(PART)
        found += fresh if isinstance(fresh, tuple) else ()
    return found


def _means_many(selector: Selector) -> bool:
    return selector.group is not None or is_glob(selector.host or "") or is_glob(selector.name or "")


def _several(selector: Selector, specs: Sequence[HostSpec], found: list[Environment]) -> list[Environment]:
    chosen = select_environments([selector], specs, found)
    if len(chosen) < 2:
        where = f"; only {_place(chosen[0])} does" if chosen else ""
        raise NothingMatchedError(f"No two environments fit {selector.text!r}{where}.", "condafleet envs lists them.")
    return sorted(chosen, key=lambda env: (env.host, env.label, env.prefix))


def _against_first(
    selectors: Sequence[Selector], specs: Sequence[HostSpec], found: list[Environment]
) -> list[Comparison]:
    reference = select_one_environment(selectors[0], found, specs)
    others: dict[tuple[str, str], Environment] = {}
    for selector in selectors[1:]:
        if _means_many(selector):
            chosen = select_environments([selector], specs, found)
            if not chosen:
                raise NothingMatchedError(f"No environment fits {selector.text!r}.", "condafleet envs lists them.")
        else:
            chosen = [select_one_environment(selector, found, specs)]
        others |= {(env.host, env.prefix): env for env in chosen}
    if len(others) > 1:  # a glob that also means the first one: nobody asks whether it is like itself
        others.pop((reference.host, reference.prefix), None)
    return [compare(reference, env) for env in others.values()]


def _all_same(comparisons: Sequence[Comparison]) -> bool | None:
    answers = [it.same for it in comparisons]
    return False if False in answers else None if None in answers else True


def _place(env: Environment) -> str:
    return f"{env.host}:{printable(env.label)}"


def _environment_json(env: Environment) -> Object:
    return {
        "host": env.host,
        "name": None if env.name is None else printable(env.name),
        "prefix": printable(env.prefix),
    }


def _side_json(package: Package | None, env: Environment) -> Object | None:
    return None if package is None else package_json(package, env.requested, env.clobbered)


def _change_json(comparison: Comparison, change: Change) -> Object:
    """``left`` is what is compared with: the first selector's, or one of the majority."""
    return {
        "kind": change.kind.value,
        "name": printable(change.name),
        "left": _environment_json(comparison.left),
        "right": _environment_json(comparison.right),
        "left_package": _side_json(change.left, comparison.left),
        "right_package": _side_json(change.right, comparison.right),
        "right_is_newer": change.newer,
    }


def _comparison_json(it: Comparison) -> Object:
    counts: dict[str, Json] = {kind.value: it.count(kind) for kind in Difference}
    return {
        "left": _environment_json(it.left),
        "right": _environment_json(it.right),
        "same": it.same,
        "counts": counts if it.known else None,
    }


def _majority_json(whole: Majority) -> Object:
    return {
        "tied": whole.tied,
        "groups": [
            {"digest": group.digest, "environments": [_environment_json(env) for env in group.environments]}
            for group in whole.groups
        ],
        "unknown": [_environment_json(env) for env in whole.unknown],
    }


def _lines(whole: Majority | None, comparisons: Sequence[Comparison], width: int | None) -> list[str]:
    lines: list[str] = []
    if whole is not None:
        lines.append(whole.summary())
        if whole.groups:
            lines.append(f"most: {', '.join(map(_place, whole.groups[0].environments))}")
        if whole.unknown:
            lines.append(f"packages not known: {', '.join(map(_place, whole.unknown))}")
    for it in comparisons:
        lines += ["", f"{_place(it.left)} → {_place(it.right)}: {it.summary()}"]
        if it.changes:
            lines += _table(it).lines(width)
    return lines[1:] if lines and not lines[0] else lines


def _table(it: Comparison) -> Table:
    columns = (
        Column("PACKAGE", flexible=True),
        Column("DIFFERENCE"),
        Column(_place(it.left), flexible=True),
        Column(_place(it.right), flexible=True),
    )
    rows = [
        (
            printable(change.name),
            WORDS[change.kind],
            _side(change.left, change),
            _side(change.right, change),
        )
        for change in it.changes
    ]
    return Table(columns, tuple(rows))


def _side(package: Package | None, change: Change) -> str:
    """As much of a package as tells it from the other."""
    if package is None:
        return "-"
    words = [printable(package.version) if package.version is not None else "?"]
    if change.kind in (Difference.BUILD, Difference.CHANNEL):
        words.append(printable(package.build or "?"))
    if change.kind is Difference.CHANNEL:
        words.append(printable(redact(package.channel)) if package.channel else "?")
    if change.kind in (Difference.MANAGER, Difference.ADDED, Difference.MISSING, Difference.CLOBBERED):
        words.append(f"({package.manager.value})")
    return " ".join(words)
