"""Leaving nothing behind: processes that belong to a demo are found by their environment, folders by their lock.

Every process of a demo carries ``CONDAFLEET_DEMO=FOLDER`` in its environment, also those that left their
process group or session. A demo folder holds a ``lock`` that its server keeps for as long as it lives: one
that nobody holds is what a crashed demo left.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from pathlib import Path

__all__ = ["MARK", "PREFIX", "hold_new_folder", "parent_folders", "reap", "remove", "sweep"]

MARK = "CONDAFLEET_DEMO"
PREFIX = "condafleet-demo-"
_MEMORY = Path("/dev/shm")
_ROOM = 512 << 20
_LONGEST_PARENT = 40
"""A tmux socket below the folder has to fit into the 108 bytes of a socket's address."""


def parent_folders() -> list[Path]:
    """Where demo folders may lie, best first; never empty.

    TMPDIR if the person set it; memory, where ten thousand small files come and go ten times faster than on
    a busy disk; the usual place for temporary files. Programs must run from there, and paths be short.
    """
    usual = Path(tempfile.gettempdir())
    chosen = [usual] if "TMPDIR" in os.environ else [_MEMORY, usual]
    return [place for place in (*chosen, Path("/tmp")) if _fits(place)] or [usual]


def _fits(place: Path) -> bool:
    try:
        facts = os.statvfs(place)
    except OSError:
        return False
    return (
        len(os.fsencode(place)) <= _LONGEST_PARENT
        and os.access(place, os.W_OK | os.X_OK)
        and not facts.f_flag & (os.ST_NOEXEC | os.ST_RDONLY)
        and facts.f_bavail * facts.f_frsize >= _ROOM
    )


def hold_new_folder(parent: Path, name: str | None = None) -> tuple[Path, int]:
    """A new folder (0700) below *parent* and the descriptor of its lock, held.

    *name*: its name after the prefix, for pictures that must be the same each time; FileExistsError if taken.
    """
    while True:
        folder = parent / f"{PREFIX}{name}"
        if name is None:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        else:
            folder.mkdir(mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a sweep of another demo came in between and is about to remove the folder
            os.close(descriptor)
            continue
        return folder, descriptor


def sweep(parent: Path) -> list[Path]:
    """Remove what crashed demos left below *parent*, processes first; returns the folders removed.

    A folder is taken only if this account owns it, it is no soft link, and nobody holds its lock.
    """
    removed = []
    for folder in sorted(parent.glob(f"{PREFIX}*")):
        try:
            facts = folder.lstat()
            if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid():
                continue
            descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:  # being made, being removed, or not a demo's
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            reap(folder)
            remove(folder)
            removed.append(folder)
        finally:
            os.close(descriptor)
    return removed


def members(folder: Path) -> list[int]:
    """Processes of the demo in *folder*, this one left out. Without /proc: none."""
    wanted = f"{MARK}={folder}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        if pid == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(pid)
        except OSError:  # gone meanwhile, or another user's
            continue
    return found


def reap(folder: Path, limit: float = 5.0) -> None:
    """Kill all processes of the demo in *folder*, until none is left or *limit* seconds have passed."""
    end = time.monotonic() + limit
    while (alive := members(folder)) and time.monotonic() < end:
        for pid in alive:
            _kill(pid, folder)
        time.sleep(0.01)


def _kill(pid: int, folder: Path) -> None:
    """Kill *pid* if it still is a process of the demo; a number used again meanwhile is not hit."""
    with contextlib.suppress(OSError):
        try:
            handle = os.pidfd_open(pid)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.EPERM):
                raise
            os.kill(pid, signal.SIGKILL)  # not to be had in this container; the number is milliseconds old
            return
        try:
            if f"{MARK}={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def remove(folder: Path) -> None:
    """Remove *folder*; the lock goes last, so that an interrupted removal is swept up later."""
    for _ in range(20):
        for entry in sorted(folder.iterdir()) if folder.is_dir() else []:
            if entry.name != "lock":
                shutil.rmtree(
                    entry, ignore_errors=True
                ) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        if [entry.name for entry in folder.glob("*")] in ([], ["lock"]):
            shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
