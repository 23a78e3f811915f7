"""What speaks against an item of a plan, by what is known of its host. Pure, and advice: the host decides again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from tui.domain.caches import CacheItem
from tui.domain.changes import Concern, ConcernKind, Severity
from tui.domain.disktable import Owner, OwnerState
from tui.domain.environments import Environment, EnvKind, Use
from tui.domain.faults import FaultKind
from tui.domain.phrases import mark, phrase, plural
from tui.domain.planitems import ENVIRONMENTS, TOOL_CACHES, HostTables, Item, ItemKind
from tui.domain.text import printable

__all__ = ["UNKNOWN_CACHE", "concerns_of"]

MOST_DETAILS = 10
UNKNOWN_CACHE = mark("Its own program alone knows what it holds: look into it first, not all of it may come back.")
_STATES = {
    OwnerState.ABSENT: (ConcernKind.MISSING, mark("It is not there.")),
    OwnerState.DENIED: (ConcernKind.NOT_WRITABLE, mark("This account may not look into it.")),
    OwnerState.LINK: (ConcernKind.SOFT_LINK, mark("A soft link stands there: name what it leads to.")),
}


def concerns_of(
    item: Item, known: HostTables, chosen: Collection[tuple[str, ItemKind, str]] = ()
) -> tuple[Concern, ...]:
    """What speaks against it. *chosen*: the keys of all items that go, for what lies in an environment goes along."""
    if item.kind is ItemKind.ENVIRONMENT:
        return tuple(_environment(item, known, chosen))
    if item.kind in TOOL_CACHES:
        return tuple(_tool_cache(item, known))
    return tuple(_counted(item, known))


def _concern(kind: ConcernKind, text: str, severity: Severity | None = None, *details: str) -> Concern:
    concern = Concern.of(kind, text, details[:MOST_DETAILS])
    return concern if severity is None else Concern(kind, text, severity, concern.details)


def _counted(item: Item, known: HostTables) -> Iterator[Concern]:
    """Of what stands in the disk table."""
    number = known.owner(item.kind, item.path)
    if number is None:
        yield _concern(ConcernKind.MISSING, phrase("Nothing of that kind was found there."))
        return
    owner = known.table.owners[number]
    if owner.state in _STATES:
        kind, text = _STATES[owner.state]
        yield _concern(kind, phrase(text))
    if owner.crossed or owner.mounts:
        # Of an environment all else goes; of a cache nothing, for its parts are not told apart.
        severity = None if item.kind in ENVIRONMENTS else Severity.FORBIDDEN
        yield _concern(ConcernKind.MOUNTED, phrase("Another file system is mounted in it."), severity, *_shown(owner))
    if item.kind is ItemKind.PACKAGES and not known.table.users_seen(number):
        yield _concern(
            ConcernKind.USE_UNKNOWN,
            phrase("Not all users of this cache can be seen: every package in it counts as used."),
            Severity.FORBIDDEN,
        )


def _shown(owner: Owner) -> Iterator[str]:
    return (printable(path) for path in owner.mounts)


def _environment(item: Item, known: HostTables, chosen: Collection[tuple[str, ItemKind, str]]) -> Iterator[Concern]:
    env = known.environment(item.path)
    if env is None:
        yield _concern(ConcernKind.MISSING, phrase("There is no such environment any more."))
        return
    if env.kind is EnvKind.BASE:
        yield _concern(ConcernKind.BASE, phrase("It is the base of an install."))
    elif item.path in known.roots:
        yield _concern(ConcernKind.INSTALL_ROOT, phrase("It is the root of an install."))
    elif any(PurePosixPath(item.path) in PurePosixPath(root).parents for root in known.roots):
        yield _concern(ConcernKind.INSTALL_ROOT, phrase("An install lies in it."))
    elif env.protected:
        yield _concern(ConcernKind.PROTECTED, phrase("The configuration protects it."))
    if env.linked_to is not None:
        yield _concern(ConcernKind.SOFT_LINK, phrase("It is a soft link to {path}.", path=printable(env.linked_to)))
        return
    if env.writable is False:
        yield _concern(ConcernKind.NOT_WRITABLE, phrase("This account may not change it."))
    yield from _counted(item, known)
    yield from _guarded(env)
    inner = [
        each
        for each in known.environments
        if each.prefix.startswith(item.path + "/") and (item.host, ItemKind.ENVIRONMENT, each.prefix) not in chosen
    ]
    if inner:
        text = plural("{n} other environment lies in it.", "{n} other environments lie in it.", len(inner))
        yield _concern(ConcernKind.NESTED, text, None, *(printable(each.prefix) for each in inner))
    if any(each.protected for each in inner):
        yield _concern(ConcernKind.PROTECTED, phrase("The configuration protects an environment in it."))


def _guarded(env: Environment) -> Iterator[Concern]:
    """What the person has to type the name for."""
    if env.in_use:
        text = plural("{n} process uses it.", "{n} processes use it.", len(env.in_use))
        yield _concern(ConcernKind.IN_USE, text, None, *map(_use, env.in_use))
    elif env.in_use_complete is not True:
        yield _concern(ConcernKind.USE_UNKNOWN, phrase("It cannot be told whether somebody uses it."))
    if env.frozen:
        yield _concern(ConcernKind.FROZEN, phrase("It is frozen."))
    if env.fault is not None and env.fault.kind is FaultKind.INCOMPLETE:
        yield _concern(
            ConcernKind.INCOMPLETE, phrase("It has no history: no environment that conda made, or a broken one.")
        )


def _use(use: Use) -> str:
    return printable(f"{use.pid} {use.user or '?'} {use.command or ''}".rstrip())[:200]


def _tool_cache(item: Item, known: HostTables) -> Iterator[Concern]:
    cache: CacheItem | None = known.cache(item.kind, item.path)
    if cache is None:
        yield _concern(ConcernKind.MISSING, phrase("Nothing of that kind was found there."))
        return
    # Of what lies in our own home the host alone decides.
    own_home = known.home is not None and item.path.startswith(known.home.rstrip("/") + "/")
    if not own_home and (known.account is None or cache.owner != known.account):
        whose = printable(cache.owner or "?")
        yield _concern(
            ConcernKind.FOREIGN_OWNER, phrase("It belongs to {owner}: only its owner cleans it.", owner=whose)
        )
    if item.kind is ItemKind.RUNS:
        yield _concern(
            ConcernKind.UNOWNED, phrase("It is marked as uploaded: what the upload missed cannot be made again.")
        )
    if item.kind is ItemKind.OTHER:
        yield _concern(ConcernKind.UNOWNED, phrase(UNKNOWN_CACHE))
        inside = [path for path in (*known.roots, *(env.prefix for env in known.environments))
                  if PurePosixPath(item.path) in (PurePosixPath(path), *PurePosixPath(path).parents)]  # fmt: skip
        if inside:
            shown = (printable(path) for path in dict.fromkeys(inside))
            yield _concern(ConcernKind.NESTED, phrase("An environment lies in it."), Severity.FORBIDDEN, *shown)
