"""A job: everything that the task engine needs to start one change on a host."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.domain.tasks import TaskSpec
from tui.remote.tasks import RUN_ARGV

__all__ = ["Job"]


@dataclass(frozen=True, slots=True)
class Job:
    """What :func:`tui.remote.tasks.start_task` takes."""

    spec: TaskSpec
    """Its argv is what people see and may copy; without a *program* it is also what runs."""
    program: bytes = RUN_ARGV
    """POSIX sh of this package. Exit status 0: done, and verified on the disk; 3: refused, nothing was changed;
    anything else: it failed."""
    args: tuple[str | bytes, ...] | None = None
    """``$1 …`` of the program; None: the argv."""
    as_owner: bool = False
    """Run by root, the program looks at everything and then becomes the owner of what it changes: where the host has
    ``sudo: true``, root starts it."""
    netrc: str = field(default="", repr=False)
    """Logins for the program's tools, see :mod:`tui.domain.logins`: handed over in its environment, written nowhere."""
