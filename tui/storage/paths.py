"""The folders of this program on the operator's machine: private, ours, made when first written to."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from tui.domain import places
from tui.domain.errors import StorageError

__all__ = ["cache_dir", "log_path", "private_dir", "state_dir"]

_OUR_FOLDERS = frozenset({"condafleet", "snapshots", "search", "archives", "tasks"})
_OUR_FILES = frozenset({"condafleet.log", "snapshots", "search", "archives", "tasks", "history.jsonl", "layout.json"})


def state_dir() -> Path:
    """Where snapshots and the log are kept (``CONDAFLEET_STATE_DIR`` names another place). Not made."""
    return places.state_dir(os.environ)


def cache_dir() -> Path:
    """Where things are kept that can be made again. Not made."""
    return places.cache_dir(os.environ)


def log_path() -> Path:
    """The log file, whether it exists or not."""
    return places.log_file(os.environ)


def private_dir(path: Path) -> Path:
    """*path* as a folder that nobody else can look into, made with its parents if need be.

    A folder that others may enter is closed to them (0700) if it is ours alone: empty, called ``condafleet`` or
    ``snapshots``, or with a file of ours in it. Any other (``/tmp``, a home) is left as it is and not used: to close
    it would harm everybody else. Raises StorageError then, and when it is no folder, belongs to somebody else, or
    cannot be made.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise StorageError(
            f"The folder {path} cannot be used: {reason}.",
            "Make it writable, or name another with CONDAFLEET_STATE_DIR.",
        ) from error
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise StorageError(
                f"The folder {path} belongs to another user (uid {status.st_uid}); nothing is written there.",
                "Name a folder of your own with CONDAFLEET_STATE_DIR.",
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            if not _ours_alone(path, [entry.name for entry in os.scandir(descriptor)], status.st_mode):
                raise StorageError(
                    f"Others may look into the folder {path}, and it holds more than files of condafleet; nothing is "
                    "written there.",
                    "Name an empty folder with CONDAFLEET_STATE_DIR, or close it yourself: chmod 700.",
                )
            os.fchmod(descriptor, 0o700)
    except OSError as error:
        raise StorageError(
            f"The folder {path} cannot be closed to others: {error.strerror}.",
            "Name another with CONDAFLEET_STATE_DIR.",
        ) from error
    finally:
        os.close(descriptor)
    return path


def _ours_alone(path: Path, names: Sequence[str], mode: int) -> bool:
    if mode & stat.S_ISVTX or path == Path("/"):
        return False
    return not names or path.name in _OUR_FOLDERS or not _OUR_FILES.isdisjoint(names)
