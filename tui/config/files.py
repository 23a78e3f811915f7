"""The user's file, changed under a lock and in one step."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tui.config.source import is_missing, read_bytes
from tui.domain.errors import StorageError

__all__ = ["locked", "read_target", "write_target"]

LOCK_LIMIT_S = 10.0


@contextlib.contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Hold the lock of *path* against other clients; gives the real file that *path* leads to.

    The folder is made, 0700, when it is missing. Raises StorageError when the lock cannot be had within 10 s.
    """
    try:
        target = path.resolve()
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = target.with_name(f".{target.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except (OSError, RuntimeError) as error:
        raise _failed(path, error) from error
    try:
        deadline = time.monotonic() + LOCK_LIMIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StorageError(
                        f"Another condafleet has held the lock of {path} for too long; nothing was changed.",
                        f"Wait for it to end, or see who holds {lock}.",
                    ) from None
                time.sleep(0.02)
            except OSError as error:
                raise _failed(path, error) from error
        yield target
    finally:
        os.close(descriptor)


def read_target(target: Path) -> bytes | None:
    """The file's bytes; None when there is no file. Raises ConfigError."""
    return None if is_missing(target) else read_bytes(target)


def write_target(target: Path, raw: bytes) -> None:
    """Replace the file in one step, keeping its mode and, where allowed, its owner; a new one is 0600."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise _failed(target, error) from error
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with contextlib.suppress(FileNotFoundError):
                status = target.stat()
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    with contextlib.suppress(PermissionError):
                        os.fchown(descriptor, status.st_uid, status.st_gid)
                os.fchmod(descriptor, status.st_mode & 0o777)
            file.write(raw)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _failed(target, error) from error
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder; the file itself is synced
            os.fsync(folder)
    finally:
        os.close(folder)


def _failed(path: Path, error: Exception) -> StorageError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return StorageError(
        f"{path} cannot be written ({reason or error}); nothing was changed.",
        "Check the permissions of the file and its folder, and the free space.",
    )
