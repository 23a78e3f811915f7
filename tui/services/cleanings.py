"""What a host must be told, and says, when its caches are cleaned: between the words of plans and of the program."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from tui.domain.assemble import mount_of
from tui.domain.changes import Concern, ConcernKind, Severity
from tui.domain.diskbounds import filesystem_reasons
from tui.domain.phrases import mark, phrase
from tui.domain.planchecks import UNKNOWN_CACHE
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.plans import MountFreed
from tui.domain.text import printable
from tui.remote.changes.clean import CleanRequest, CleanSaid, Kept
from tui.services.store import HostView

__all__ = ["clean_request", "concern_of", "kept_note", "looked_freed"]

_TEXTS = {
    ConcernKind.MISSING: mark("It is gone, or not known as a cache that can be made again."),
    ConcernKind.SOFT_LINK: mark("A soft link stands there: name what it leads to."),
    ConcernKind.CHANGED: mark("It is not what was looked at before."),
    ConcernKind.NOT_WRITABLE: mark("This account may not change it."),
    ConcernKind.HOME: mark("A home lies in it."),
    ConcernKind.FOREIGN_OWNER: mark("It belongs to another account: only its owner cleans it."),
    ConcernKind.INSTALL_ROOT: mark("It is an environment, or the root of an install."),
    ConcernKind.TOOL_RUNS: mark("A conda or micromamba holds a lock in it."),
    ConcernKind.MOUNTED: mark("Another file system is mounted in it."),
    ConcernKind.UNOWNED: mark("It is marked as uploaded: what the upload missed cannot be made again."),
    ConcernKind.NESTED: mark("An environment lies in it."),
    ConcernKind.NO_TOOL: mark("The host has no program that could do it."),
}
_KEPT = {
    "in_use": mark("{n} stay: a process has them open"),
    "used": mark("{n} stay: something uses them"),
    "young": mark("{n} stay: changed too lately"),
    "environment": mark("{n} stay: an environment lies in them"),
    "mounted": mark("{n} stay: another file system is mounted there"),
    "odd": mark("{n} stay: their names cannot be written in one line"),
    "unknown": mark("{n} stay: not all that may use them could be read"),
}


def concern_of(kind: str, detail: str) -> Concern:
    """A concern in the host's words."""
    known = ConcernKind(kind) if kind in {each.value for each in ConcernKind} else ConcernKind.CHANGED
    template = _TEXTS.get(known, _TEXTS[ConcernKind.CHANGED])
    if known is ConcernKind.UNOWNED and detail == ItemKind.OTHER:
        template, detail = UNKNOWN_CACHE, ""
    text = phrase(template)
    details = (printable(detail)[:200],) if detail else ()
    if known in (ConcernKind.MOUNTED, ConcernKind.NESTED):
        return Concern(known, text, Severity.FORBIDDEN, details)
    return Concern.of(known, text, details)


def kept_note(kept: Kept) -> str:
    """Why something stayed."""
    template = _KEPT.get(kept.why, mark("{n} stay"))
    return phrase(template, n=f"{kept.count:,}")


def clean_request(
    parts: Sequence[Item], known: HostTables, view: HostView, older_s: float | None, accepted: Collection[ConcernKind]
) -> CleanRequest:
    """What is told to the host: the parts, and where to look for what may use packages."""
    installs = view.snapshot.installs.value or ()
    caches = tuple(dict.fromkeys(path for install in installs for path in install.pkgs_dirs))
    wanted = [item.path for item in parts if item.kind is ItemKind.PACKAGES]
    users = {} if view.disk is None else {each.path: each for each in view.disk.users}
    private = all(path in users and users[path].private for path in wanted)
    places: dict[str, bool] = {}
    for install in installs:
        places |= dict.fromkeys((install.root, *install.envs_dirs), True)
    for env in known.environments:
        if env.linked_to is None:
            ours = known.account is None or env.owner in (None, known.account)
            # What others have cannot lead into a cache that nobody but us gets into.
            places.setdefault(env.prefix, ours or not private)
    return CleanRequest(
        tuple((item.kind, item.path) for item in parts),
        caches,
        tuple(_outermost((path for path, must in places.items() if must), known)),
        tuple(path for path, must in places.items() if not must),
        older_s,
        frozenset(accepted),
    )


def _outermost(paths: Iterable[str], known: HostTables) -> Iterator[str]:
    """*paths* less those that lie below another on the same file system: looking there finds them anyway."""
    mounts = known.mounts or ()
    kept: set[tuple[str, object]] = set()
    for path in sorted(paths):
        mount = mount_of(path, mounts)
        above = path
        while above:
            above = above.rpartition("/")[0]
            if (above, mount) in kept:
                break
        else:
            kept.add((path, mount))
            yield path


def looked_freed(look: CleanSaid, going: Collection[tuple[str, ItemKind, str]], known: HostTables) -> list[MountFreed]:
    """What the look counted of those parts that go, by file system."""
    found = []
    for part in look.parts:
        if (known.host, part.kind, part.path) not in going:
            continue
        number = known.owner(part.kind, part.path)
        device = None if number is None else known.table.owners[number].device
        if device is not None:
            place = known.table.devices[device]
            mount, reasons = place.mount or place.number, place.reasons
        else:
            at = mount_of(part.path, known.mounts or ())
            mount, reasons = ("", filesystem_reasons(None)) if at is None else (at.path, filesystem_reasons(at.fs_type))
        found.append(MountFreed(mount, part.bytes, part.files, reasons))
    return found
