"""What sudo lets an account of the tests do, for a while: a file in /etc/sudoers.d, checked before it counts.

::

    with allowed(user.name, "ALL=(root) NOPASSWD: /bin/sh"):
        ...

It speaks of that account alone, so tests side by side do not see each other's. What a killed run left behind goes with
the next one.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.sshd import run_as_root

__all__ = ["LEAST", "allowed"]

LEAST = "ALL=(root) NOPASSWD: /bin/sh"
"""What `sudo: true` needs."""
FOLDER = Path("/etc/sudoers.d")
_NAME = "condafleet-test-"


@contextmanager
def allowed(user: str, rule: str = LEAST, *, defaults: str = "") -> Iterator[None]:
    """*rule* and *defaults* hold for *user*."""
    _sweep()
    name = f"{_NAME}{os.getpid()}-{user}"
    text = f"Defaults:{user} {defaults}\n" if defaults else ""
    text += f"{user} {rule}\n" if rule else ""
    # A name with a dot is passed over by sudo: nothing half written or wrong ever counts.
    waiting = FOLDER / f"{name}.new"
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".sudoers") as file:
            file.write(text)
            file.flush()
            run_as_root("visudo", "-cqf", file.name)
            run_as_root("install", "-o", "root", "-g", "root", "-m", "0440", file.name, waiting)
        run_as_root("mv", waiting, FOLDER / name)
        yield
    finally:
        run_as_root("rm", "-f", waiting, FOLDER / name)


def _sweep() -> None:
    listed = run_as_root("find", FOLDER, "-maxdepth", "1", "-name", f"{_NAME}*").split()
    for path in map(Path, listed):
        owner = path.name.removeprefix(_NAME).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            run_as_root("rm", "-f", path)
