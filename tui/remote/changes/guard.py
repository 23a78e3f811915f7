"""The guards of changes on the host: one text of functions for the look before and for the program that changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from tui.domain.changes import ConcernKind
from tui.remote.scripts import script

__all__ = ["guard_args", "guarded"]


_BESIDE_CONDA = frozenset({"change_remove", "change_tool"})
"""What looks once more whether somebody's conda runs, right before its first change."""


@cache
def guarded(name: str, *more: str) -> bytes:
    """The script *name* (and *more* before it) behind everything that the guards need."""
    # As a function in a subshell of its own: who uses what is found by the very text that the inventory asks.
    uses = b"cg_uses() (\n" + script("proc_links") + script("inventory_uses") + b")\n"
    if name in _BESIDE_CONDA:
        more = ("task_common", "task_conda", *more)
    guards = map(script, ("change_guard", "change_use", "change_contents", "change_become"))
    return b"".join((*guards, uses, *map(script, (*more, name))))


def guard_args(
    prefix: str,
    *,
    device: int | None = None,
    inode: int | None = None,
    stamp: str = "",
    accepted: Iterable[ConcernKind] = (),
    played: bool = False,
    roots: Sequence[str] = (),
    envs_dirs: Sequence[str] = (),
) -> tuple[str, ...]:
    """The arguments that ``cg_args`` of ``change_guard.sh`` takes; a program's own follow them.

    *device* and *inode*: of the directory that was looked at; None where nothing was. *played*: the host is one of a
    demo that is told all its places (as for the inventory), so that processes of others do not count as unseen.
    *stamp*: :func:`tui.domain.look.stamp_of` what was looked at, for a change that loses what is not archived.
    """
    return (
        prefix,
        "" if device is None else str(device),
        "" if inode is None else str(inode),
        stamp,
        " ".join(sorted(kind.value for kind in accepted)),
        "1" if played else "0",
        str(len(roots)),
        *roots,
        str(len(envs_dirs)),
        *envs_dirs,
    )
