"""The job that removes an environment, or puts it aside."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence

from tui.domain.changes import Change
from tui.domain.environments import Environment, Install
from tui.domain.look import Look, stamp_of
from tui.domain.tasks import TaskSpec
from tui.remote.changes.guard import guard_args, guarded
from tui.remote.jobs import Job

__all__ = ["aside_line", "remove_job"]


def remove_job(
    change: Change,
    look: Look,
    env: Environment | None,
    install: Install | None,
    *,
    task_id: str,
    operator: str,
    roots: Sequence[str] = (),
    envs_dirs: Sequence[str] = (),
    played: bool = False,
) -> Job:
    """Remove *change*'s prefix, or put it aside for ``keep_s``: what is at that path must be what *look* opened.

    What goes at once must hold what *look* found, and no more, right before it goes: of that the archive was made, and
    that was accepted. What is put aside may have grown: it can come back.
    *roots* and *envs_dirs*: all of the host, as for the look; those of *install* are added. The task's status is 0
    when the prefix is gone, 3 when it was refused and nothing was changed.
    """
    prefix = look.prefix
    keep = max(0, round(change.keep_s))
    if install is not None:
        roots = (*roots, install.root)
        envs_dirs = (*envs_dirs, *install.envs_dirs)
    args = guard_args(
        prefix,
        device=look.device,
        inode=look.inode,
        stamp="" if keep else stamp_of(look),
        accepted=change.accepted,
        played=played,
        roots=tuple(dict.fromkeys(roots)),
        envs_dirs=tuple(dict.fromkeys(envs_dirs)),
    )
    label = env.name if env is not None and env.name is not None else prefix
    argv = ("condafleet", "remove", f"{look.host}:{prefix}", *(("--keep", f"{keep}s") if keep else ()))
    spec = TaskSpec(
        task_id,
        "remove",
        prefix,
        argv,
        operator,
        places=(posixpath.dirname(look.real or prefix),),
        roots=(install.root,) if install is not None else (),
        summary=f"put {label} aside" if keep else f"remove {label}",
    )
    line = aside_line(prefix, task_id, operator, look.host)
    return Job(spec, guarded("change_remove", "change_trash"), (*args, task_id, line, str(keep)), as_owner=True)


def aside_line(prefix: str, task_id: str, operator: str, host: str) -> str:
    """What is kept beside an environment that was put aside: one line of ASCII."""
    values = {"v": 1, "prefix": prefix, "task": task_id, "operator": operator[:100], "host": host}
    return json.dumps(values, separators=(",", ":"))
