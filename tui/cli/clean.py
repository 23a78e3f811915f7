"""``clean SEL…``: package caches, and what other tools keep."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from tui.cli.context import Context, Fleet
from tui.cli.planning import Counted, allowed, run_plan
from tui.cli.reply import Reply
from tui.domain.changes import ConcernKind
from tui.domain.errors import NothingMatchedError, UsageError
from tui.domain.planitems import DEFAULT_KINDS, ENVIRONMENTS, TOOL_CACHES, HostTables, Item, ItemKind
from tui.domain.plans import Plan
from tui.domain.selectors import Selector, parse_selector, select_hosts
from tui.domain.text import printable
from tui.runtime import operator_name
from tui.services.plans import ReadyPlan

__all__ = ["CLEANABLE", "kinds_of", "run_clean", "wanted_items"]

CLEANABLE = tuple(kind for kind in ItemKind if kind not in ENVIRONMENTS)
"""The words of ``--what``."""
_NOT_OURS = frozenset({ConcernKind.NOT_WRITABLE, ConcernKind.FOREIGN_OWNER, ConcernKind.MISSING})
_COSTS = {
    ItemKind.TARBALLS: "Without tarballs no environment is made or rolled back offline: packages are downloaded again.",
    ItemKind.PACKAGES: "Unused packages are downloaded and extracted again when an environment wants them.",
    ItemKind.INDEX: "The channels' indexes are downloaded again at the next search or install.",
    ItemKind.HUB: "Models and data sets are downloaded again; what was gated or taken down may not come back.",
    ItemKind.UV: "Wheels are downloaded or built again; environments made with uv's soft links into its cache break.",
    ItemKind.HF: "Data sets and what was fetched with them are downloaded and prepared again; logins stay.",
    ItemKind.TORCH: "Models of torch hub are downloaded again.",
    ItemKind.TRITON: "Kernels are compiled again.",
    ItemKind.RUNS: "Of runs that are marked as uploaded, what the upload missed is lost.",
    ItemKind.OTHER: "Programs miss what they kept there until they make it again, if they can.",
    ItemKind.CORE: "Core dumps cannot be looked into any more.",
}


def kinds_of(words: Sequence[str]) -> tuple[ItemKind, ...]:
    """What ``--what`` says; the default without it. Raises UsageError."""
    found = []
    for word in (part for words_ in words for part in words_.split(",") if part):
        if word not in {kind.value for kind in CLEANABLE}:
            known = ", ".join(kind.value for kind in CLEANABLE)
            raise UsageError(f"{printable(word)!r} is nothing that can be cleaned.", f"One or more of {known}.")
        found.append(ItemKind(word))
    return tuple(dict.fromkeys(found)) or DEFAULT_KINDS


async def run_clean(context: Context) -> Reply:
    """Clean what the selectors mean, on all their hosts."""
    args = context.args
    allowed(context)
    selectors = [parse_selector(text) for text in args.selectors]
    for selector in selectors:
        if selector.name is not None:
            raise UsageError(
                f"{printable(selector.text)!r} means an environment; clean removes none.",
                "Name a host, a group, or HOST:/path of a cache; `condafleet remove` takes environments.",
            )
    kinds = kinds_of(args.what)
    hosts = select_hosts(selectors, context.settings.hosts)

    async def choose(counted: Counted, fleet: Fleet) -> Plan:
        tables, faults = counted
        items = [
            item for host in hosts if host in tables for item in wanted_items(tables[host], selectors, kinds, fleet)
        ]
        if not items and not faults:
            raise NothingMatchedError("There is nothing to clean.", "`condafleet disk` shows what there is.")
        times = tuple((host, found.counted) for host, found in tables.items())
        return Plan(tuple(items), time.time(), operator_name(), times, args.older_than)

    def notes(ready: ReadyPlan) -> list[str]:
        going = {item.kind for item in ready.outlook.items}
        costs = [text for kind, text in _COSTS.items() if kind in going]
        if going & TOOL_CACHES:
            costs.append("Soft links of anybody's files into these caches are not looked for: they lead nowhere then.")
        return [f"  costs    {text}" for text in costs]

    def drop(ready: ReadyPlan) -> Collection[Item]:
        """Of whole hosts, what is not ours to clean."""
        named = {selector.prefix for selector in selectors if selector.prefix is not None}
        return [
            each.item
            for each in ready.outlook.refused
            if each.item.path not in named and {concern.kind for concern in each.concerns} <= _NOT_OURS
        ]

    return await run_plan(context, hosts, choose, check=False, notes=notes, drop=drop)


def wanted_items(
    known: HostTables, selectors: Sequence[Selector], kinds: Sequence[ItemKind], fleet: Fleet
) -> list[Item]:
    """What *selectors* mean of a host: all its caches, or those at or of a path."""
    view = fleet.api.store.host(known.host)
    own = [each for each in selectors if each.covers_host(view.spec)]
    items = known.items(kinds)
    if not own or any(each.prefix is None for each in own):
        return items
    installs = view.snapshot.installs.value or ()
    paths = {each.prefix for each in own}
    paths |= {cache for install in installs if install.root in paths for cache in install.pkgs_dirs}
    return [item for item in items if item.path in paths]
