"""What follows from what was seen of an environment: its identity, its channel names, when it was used last.

Pure decisions, so that each can be read and tested alone. Times are Unix seconds, strings are raw
(see :mod:`tui.domain.text`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tui.domain.environments import Manager, UsageSignal, Use
from tui.domain.machine import Machine, Mount
from tui.domain.text import printable

__all__ = [
    "FileTimes",
    "channel_name",
    "created_by",
    "fs_id",
    "is_kernel",
    "is_protected",
    "last_used",
    "mount_of",
    "split_dist_name",
]

SETTLING_S = 60.0
"""Compiled modules this much younger than the last change still belong to that change."""


@dataclass(frozen=True, slots=True)
class FileTimes:
    """Times of one file, and how many names it has."""

    mtime: float
    ctime: float
    atime: float
    links: int


def last_used(
    *,
    now: float,
    uses: Sequence[Use],
    python: FileTimes | None,
    atime_kept: bool,
    newest_pycache: float | None,
    history: float | None,
) -> tuple[float | None, UsageSignal | None]:
    """When an environment was used last, and what says so.

    In use now beats everything: ``process`` when a program of it runs, ``kernel`` when all such programs are
    Jupyter kernels, ``session`` when it is only activated, or stood in, in a tmux pane. Else the newest of:

    - the access time of its Python, if the mount keeps such times, the file was read after it was
      written, and it has one name only: the inode of a hard-linked Python is shared with the package
      cache and with other environments, whose use it would show;
    - the newest directory of compiled modules, if it is clearly younger than the last change: the
      package manager compiles too;
    - the last change. ``history`` means changed rather than used.
    """
    if uses:
        return now, _signal_of(uses)
    signals: list[tuple[float, UsageSignal]] = []
    if python is not None and atime_kept and python.links == 1 and python.atime > max(python.mtime, python.ctime):
        signals.append((python.atime, UsageSignal.ATIME))
    if newest_pycache is not None and (history is None or newest_pycache > history + SETTLING_S):
        signals.append((newest_pycache, UsageSignal.PYCACHE))
    if history is not None:
        signals.append((history, UsageSignal.HISTORY))
    # A clock that was once wrong must not make an environment look used in the future.
    signals = [(min(time, now), signal) for time, signal in signals if time > 0]
    if not signals:
        return None, None
    return max(signals, key=lambda pair: pair[0])


def _signal_of(uses: Sequence[Use]) -> UsageSignal:
    running = [use for use in uses if not {"exe", "maps", "gpu"}.isdisjoint(use.via.split(","))]
    if running:
        return UsageSignal.KERNEL if all(map(is_kernel, running)) else UsageSignal.PROCESS
    in_panes = any("session" in use.via.split(",") for use in uses)
    return UsageSignal.SESSION if in_panes else UsageSignal.PROCESS


def is_kernel(use: Use) -> bool:
    """True for a Jupyter kernel, by its command line."""
    return use.command is not None and ("ipykernel" in use.command or "-m ipykernel_launcher" in use.command)


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that *path*, an absolute path without soft links, lies on; None when none is known.

    Of two mounts at one point the later one lies on top.
    """
    best: Mount | None = None
    for mount in mounts:
        point = mount.path.rstrip("/")
        inside = path == point or path.startswith(point + "/")
        if inside and (best is None or len(point) >= len(best.path.rstrip("/"))):
            best = mount
    return best


def fs_id(
    real_path: str, device: int | None, inode: int | None, machine: Machine | None, mounts: Sequence[Mount] | None
) -> str | None:
    """What identifies a prefix across hosts; None when too little is known.

    On an export that several hosts mount: the export and the path within it, so that it is one
    environment wherever it is seen. Else the machine-id, device, inode and path.
    """
    mount = mount_of(real_path, mounts) if mounts is not None else None
    if mount is not None and mount.export_id is not None:
        inside = real_path[len(mount.path.rstrip("/")) :].lstrip("/")
        return f"{mount.export_id}:/{inside}"
    if machine is None or machine.machine_id is None or device is None or inode is None:
        return None
    return f"{machine.machine_id}:{device}:{inode}:{real_path}"


_SUBDIR = re.compile(r"(?:noarch|(?:linux|osx|win|freebsd|emscripten|wasi|zos|unknown)-[a-z0-9_]+)\Z")
_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/]*")
_TOKEN = re.compile(r"/t/[^/]*")


def channel_name(address: str) -> str | None:
    """The channel of a package record's address, as a person calls it: without host, credentials and platform.

    ``https://conda.anaconda.org/conda-forge/linux-64`` is ``conda-forge``,
    ``https://repo.anaconda.com/pkgs/main/noarch`` is ``pkgs/main``, a label is kept
    (``pytorch/label/nightly``), any other address gives its last part, as ``conda list`` does.
    """
    path = _HOST.sub("", address.strip(), count=1)
    path = re.split(r"[?#]", _TOKEN.sub("", path), maxsplit=1)[0]
    parts = [part for part in path.split("/") if part]
    if parts and _SUBDIR.match(parts[-1]):
        parts.pop()
    if not parts:
        return None
    if len(parts) >= 3 and parts[-2] == "label":
        return "/".join(parts[-3:])
    if len(parts) >= 2 and parts[-2] == "pkgs":
        return "/".join(parts[-2:])
    if parts[-1].startswith("<") or "@" in parts[-1]:  # no address at all, or a user name that no host followed
        return None
    return parts[-1]


def split_dist_name(stem: str) -> tuple[str, str | None, str | None]:
    """(name, version, build) of a record's file name without ``.json``; only a name when it is no such name."""
    parts = stem.rsplit("-", 2)
    if len(parts) == 3 and all(parts):
        return parts[0], parts[1], parts[2]
    return stem, None, None


_DATE = re.compile(r"==> (\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) <==")
_COMMAND = re.compile(r"^# cmd: (.*)$", re.MULTILINE)


def created_by(history: str) -> tuple[tuple[int, int, int, int, int, int] | None, Manager, str | None]:
    """What the beginning of a ``conda-meta/history`` says: when (host's local time), by what, by which install.

    The install is the root of the program called, when it was called by an absolute path.
    """
    date = _DATE.match(history)
    when: tuple[int, int, int, int, int, int] | None = None
    if date is not None:
        year, month, day, hour, minute, second = map(int, date.groups())
        when = (year, month, day, hour, minute, second)
    command = _COMMAND.search(history)
    if command is None:
        return when, Manager.UNKNOWN, None
    line = command.group(1)
    program = re.match(r"(.*?/(?:bin|condabin))/(micromamba|mamba|conda|conda-env)(?: |$)", line)
    if program is not None:
        return when, _MANAGERS[program.group(2)], program.group(1).rsplit("/", 1)[0] or None
    return when, _MANAGERS.get(line.split(" ", 1)[0].rsplit("/", 1)[-1], Manager.UNKNOWN), None


_MANAGERS = {
    "conda": Manager.CONDA,
    "conda-env": Manager.CONDA,
    "mamba": Manager.MAMBA,
    "micromamba": Manager.MICROMAMBA,
}


def is_protected(host: str, name: str | None, prefix: str, patterns: Iterable[str]) -> bool:
    """True when a ``protect:`` pattern fits ``HOST:NAME`` or ``HOST:PREFIX``, in printed form."""
    words = [f"{host}:{printable(word)}" for word in (name, prefix) if word is not None]
    return any(fnmatchcase(word, pattern) for pattern in patterns for word in words)
