"""A folder for one benchmark, which is gone at the latest when the next one begins, also after a kill."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["masters", "scratch"]

# Short: the path of a control socket holds 108 characters at most.
_PREFIX = "cfb-"


@contextlib.contextmanager
def scratch(above: Path | None = None) -> Iterator[Path]:
    """A folder of one's own, in *above* (default: where temporary files go). What killed runs left there goes, too."""
    above = above or Path(tempfile.gettempdir())
    _sweep(above)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=above))
    # The kernel lets go of it with this process, however that ends.
    lock = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def masters(control: Path) -> list[int]:
    """The processes of shared ssh connections whose sockets lie below *control*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes()
                if line.startswith(b"ssh: ") and os.fsencode(control) + b"/" in line:
                    found.append(int(entry.name))
    return found


def _sweep(above: Path) -> None:
    for left in above.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            lock = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                if os.fstat(lock).st_uid != os.geteuid() or not any(left.iterdir()):
                    continue  # somebody else's; or made this moment, and not locked yet
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for pid in masters(left):
                    os.kill(pid, signal.SIGTERM)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
