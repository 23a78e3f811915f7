"""Environments, from the facts that ``inventory_scan.sh`` brought."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from tui.domain.assemble import FileTimes, created_by, fs_id, is_protected, last_used
from tui.domain.environments import Environment, EnvKind, Install, Manager, Use
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Machine, Mount
from tui.domain.phrases import mark, phrase
from tui.domain.text import decode, printable
from tui.remote.installs import LONGEST_PATH, HostWords
from tui.remote.packages import PackagesRead
from tui.remote.wire import Record

__all__ = ["Context", "PrefixSeen", "complete", "make_environment", "prefix_seen"]


@dataclass(frozen=True, slots=True)
class Stat:
    """What ``stat`` said of one file."""

    device: int
    inode: int
    links: int
    uid: int
    size: int
    mtime: float
    ctime: float
    atime: float


@dataclass(frozen=True, slots=True)
class PrefixSeen:
    """What was seen of one prefix."""

    prefix: str
    found_by: str
    """r, d (in a directory of environments), n (one level deeper there), p (by its path)."""
    top: str | None
    """The directory of environments that it was found in."""
    real: str | None
    link: str | None
    state: str
    """Of conda-meta: y (readable), x (not allowed), n (not there), u (cannot be known), l (a link to nowhere)."""
    records: int | None
    writable: bool | None
    stats: Mapping[str, Stat]
    history: str

    @property
    def node(self) -> tuple[int, int] | None:
        """Device and inode of the prefix; None when it could not be looked at."""
        own = self.stats.get(".")
        return (own.device, own.inode) if own else None

    @property
    def digest(self) -> tuple[object, ...] | None:
        """Changes whenever packages may have; None when that cannot be told."""
        meta = self.stats.get("conda-meta")
        if meta is None or self.state != "y":
            return None
        watched = [("", meta.device, meta.inode, meta.mtime, meta.ctime), ("count", self.records)]
        for name, stat in sorted(self.stats.items()):
            if name == "conda-meta/history" or name.endswith("/site-packages"):
                watched.append((name, stat.inode, stat.size, stat.mtime, stat.ctime))
        return tuple(watched)

    def changed_at(self) -> float:
        """The newest time in the digest."""
        names = [n for n in self.stats if n.startswith("conda-meta") or n.endswith("/site-packages")]
        return max((max(self.stats[n].mtime, self.stats[n].ctime) for n in names), default=0.0)


_STAT = re.compile(
    r"(\d{1,20}) (\d{1,20}) (\d{1,10}) (\d{1,10}) (\d{1,19}) (-?\d{1,15}) (-?\d{1,15}) (-?\d{1,15}) (.+)\Z"
)


def prefix_seen(record: Record) -> PrefixSeen | None:
    """The ``env`` record; None when it makes no sense."""
    prefix, found_by, state = record.text(0), record.text(1), record.text(5)
    if (
        prefix is None
        or not prefix.startswith("/")
        or len(prefix) > LONGEST_PATH
        or state not in ("y", "x", "n", "u", "l")
    ):
        return None
    stats: dict[str, Stat] = {}
    for line in (record.text(8) or "").split("\n")[:40]:
        match = _STAT.match(line)
        if match:
            n = [int(group) for group in match.groups()[:8]]
            stats.setdefault(match[9], Stat(n[0], n[1], n[2], n[3], n[4], float(n[5]), float(n[6]), float(n[7])))
    top = record.integer(2) or 0
    writable = {"y": True, "n": False}.get(record.text(7) or "")
    return PrefixSeen(
        prefix=prefix,
        found_by=found_by or "p",
        top=decode(record.fields[0][:top]) if top else None,
        real=prefix if record.text(3) == "=" else record.text(3),
        link=record.text(4),
        state=state,
        records=record.integer(6),
        writable=writable,
        stats=stats,
        history=(record.text(9) or "")[:400],
    )


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the host beside the prefix itself."""

    host: str
    words: HostWords
    machine: Machine | None
    mounts: tuple[Mount, ...] | None
    protect: tuple[str, ...]
    users: Mapping[int, str]
    installs: Mapping[str, Install]
    """By root."""
    envs_dirs: frozenset[str]
    atimes: Mapping[str, bool]
    """For every mount point of the host: are times of access kept there?"""
    now: float
    """The host's clock."""


def make_environment(seen: PrefixSeen, sources: frozenset[str], context: Context) -> Environment:
    """The environment at a prefix, still without packages and uses (see :func:`complete`)."""
    when, manager, tool_root = created_by(seen.history)
    install = _install_of(seen, tool_root, context)
    kind, name = _name(seen, context)
    if manager is Manager.UNKNOWN and install is not None:
        manager = context.installs[install].manager
    own = seen.stats.get(".")
    history = seen.stats.get("conda-meta/history")
    created_at = seen.stats.get("conda-meta/created_at")
    looked = seen.state in ("y", "n") and own is not None
    return Environment(
        host=context.host,
        prefix=seen.prefix,
        name=name,
        kind=kind,
        install=install,
        manager=manager,
        created=created_at.mtime if created_at else _unix(when, context.words),
        modified=history.mtime if history else None,
        owner=_user(own.uid, context) if own else None,
        writable=seen.writable and not _nobody_to_be(own, context),
        frozen=("conda-meta/frozen" in seen.stats) if seen.state == "y" and own else None,
        protected=kind is EnvKind.BASE or is_protected(context.host, name, seen.prefix, context.protect),
        fs_id=fs_id(
            seen.real or seen.prefix,
            own.device if own else None,
            own.inode if own else None,
            context.machine,
            context.mounts,
        )
        if looked
        else None,
        linked_to=seen.link,
        seen_in=tuple(sorted(sources)),
        fault=_fault(seen),
    )


def _nobody_to_be(own: Stat | None, context: Context) -> bool:
    """Whether root could write there, and may not: what is another account's it changes as that account alone."""
    return context.words.uid == 0 and own is not None and own.uid != 0 and own.uid not in context.users


def complete(
    environment: Environment,
    seen: PrefixSeen,
    packages: PackagesRead | None,
    uses: Sequence[Use],
    uses_complete: bool | None,
    context: Context,
) -> Environment:
    """The same with its packages and uses; what was not read stays unknown."""
    python: Stat | None = None
    for name, stat in seen.stats.items():
        if name.startswith("bin/python") and (python is None or stat.atime > python.atime):
            python = stat
    pycache = seen.stats.get("__pycache__")
    history = seen.stats.get("conda-meta/history")
    used, signal = last_used(
        now=context.now,
        uses=uses,
        python=FileTimes(python.mtime, python.ctime, python.atime, python.links) if python else None,
        atime_kept=_atime_kept(seen.real or seen.prefix, context),
        newest_pycache=pycache.mtime if pycache and pycache.mtime > 0 else None,
        history=history.mtime if history else None,
    )
    environment = replace(
        environment, last_used=used, last_used_signal=signal, in_use=tuple(uses), in_use_complete=uses_complete
    )
    if packages is None or "prefix" in packages.troubles:
        return environment
    fault = environment.fault
    if fault is None and (packages.broken or packages.troubles):
        fault = _broken(environment.prefix, packages)
    return replace(
        environment,
        packages=packages.packages,
        packages_known="many" not in packages.troubles,
        requested=packages.requested,
        clobbered=packages.clobbered,
        python=packages.python,
        fault=fault,
    )


def _broken(prefix: str, packages: PackagesRead) -> Fault:
    shown = printable(prefix)
    if "many" in packages.troubles:
        return Fault(
            FaultKind.TOO_LARGE,
            phrase("{prefix} holds more package records than are read.", prefix=shown),
            "",
        )
    names = ", ".join(printable(name) for name in packages.broken[:3])
    if len(packages.broken) > 3:
        names = phrase("{names} and {n} more", names=names, n=len(packages.broken) - 3)
    if names:
        message = phrase("{prefix} has package records that cannot be read: {names}.", prefix=shown, names=names)
    else:
        message = phrase("{prefix} has records with names that make no sense.", prefix=shown)
    return Fault(
        FaultKind.INCOMPLETE,
        message,
        phrase("Reinstall these packages, or recreate the environment."),
    )


def _fault(seen: PrefixSeen) -> Fault | None:
    path = printable(seen.prefix)
    if seen.state == "l":
        if seen.link:
            message = phrase("{path} is a link to {target}, which is gone.", path=path, target=printable(seen.link))
        else:
            message = phrase("{path} is a link, which is gone.", path=path)
        return Fault(FaultKind.GHOST, message, phrase("Remove the link."))
    if seen.state == "n" and seen.real is None:
        return Fault(
            FaultKind.GHOST,
            phrase("{path} is listed, but gone.", path=path),
            phrase("`conda env list` on the host forgets it."),
        )
    if seen.state in ("x", "u"):
        return Fault(
            FaultKind.PERMISSION,
            phrase("{path} may not be read by this account.", path=path),
            phrase("Ask its owner, connect as a user who may read it, or set `sudo: true` for this host."),
        )
    if seen.state == "n":
        return Fault(
            FaultKind.INCOMPLETE,
            phrase("{path} is listed or lies among the environments, but has no conda-meta.", path=path),
            phrase("It was perhaps left by an interrupted create or remove."),
        )
    if not seen.stats:
        return Fault(
            FaultKind.TOOL_MISSING,
            phrase("There is no usable stat to look at {path} with.", path=path),
            phrase("Install coreutils."),
        )
    if "conda-meta/history" not in seen.stats:
        if seen.records:
            what = mark("The conda-meta of {path} has no history; conda does not count it as an environment.")
        else:
            what = mark(
                "The conda-meta of {path} has no history and no packages; conda does not count it as an environment."
            )
        left = phrase("It was perhaps left by an interrupted create or remove.")
        return Fault(FaultKind.INCOMPLETE, phrase(what, path=path), left)
    return None


def _name(seen: PrefixSeen, context: Context) -> tuple[EnvKind, str | None]:
    """Base, or the path below the directory of environments that holds it, or no name."""
    if seen.prefix in context.installs and seen.state != "n":
        return EnvKind.BASE, "base"
    if seen.top is not None and seen.found_by in ("d", "n"):
        return EnvKind.NAMED, seen.prefix[len(seen.top.rstrip("/")) + 1 :]
    above, _, name = seen.prefix.rpartition("/")
    if above in context.envs_dirs and name:
        return EnvKind.NAMED, name
    return EnvKind.PREFIX, None


def _install_of(seen: PrefixSeen, tool_root: str | None, context: Context) -> str | None:
    """The install that it is the base of, lies in the ``envs`` of, or was made by; None when none claims it."""
    if seen.prefix in context.installs:
        return seen.prefix
    top = seen.top or seen.prefix.rpartition("/")[0]
    if top.endswith("/envs") and top[: -len("/envs")] in context.installs:
        return top[: -len("/envs")]
    if tool_root in context.installs:
        return tool_root
    claims = [root for root, install in context.installs.items() if top in install.envs_dirs]
    return claims[0] if len(claims) == 1 else None


def _user(uid: int, context: Context) -> str:
    return context.users.get(uid, str(uid))


def _unix(when: tuple[int, int, int, int, int, int] | None, words: HostWords) -> float | None:
    """Local time of the host as Unix seconds: by its time zone where that is known here, else by its offset now."""
    if when is None:
        return None
    zone: ZoneInfo | timezone = timezone(timedelta(seconds=words.utc_offset_s))
    if words.zone and re.fullmatch(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}", words.zone):
        # A zone that is not known here: its offset now is the next best.
        with suppress(OSError, ValueError, KeyError):
            zone = ZoneInfo(words.zone)
    try:
        return datetime(*when, tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None


def _atime_kept(path: str, context: Context) -> bool:
    while True:
        kept = context.atimes.get(path or "/")
        if kept is not None or not path:
            return bool(kept)
        path = path.rpartition("/")[0]
