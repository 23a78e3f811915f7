"""Files that are whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

__all__ = ["TEMPORARY", "check_place", "read_own", "write_private"]

TEMPORARY = ".new-"
"""How the names of files that are being written begin."""


def write_private(path: Path, data: bytes) -> None:
    """Put *data* at *path*, mode 0600, in one step; of two clients at once the last one wins. Raises OSError.

    It is not synced to the disk: after a power cut an old or unreadable file costs no more than a look at the host.
    """
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def check_place(path: Path) -> None:
    """Raises OSError where :func:`write_private` could not put a file at *path* now. Nothing there is changed."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=path.parent)
    os.close(descriptor)
    Path(name).unlink()


def read_own(path: Path, limit: int) -> bytes | None:
    """What we wrote at *path*; None when there is nothing. Raises OSError.

    PermissionError for what is no plain file of ours or longer than *limit* bytes: nobody else's words are taken.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise PermissionError(f"{path} is no plain file that only this user can write")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise PermissionError(f"{path} is longer than {limit} bytes")
    return data
