"""What marked rows come to together, in a few words beside their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.domain.diskbounds import together
from tui.domain.filterrows import EnvironmentRow
from tui.domain.gpus import Gpu
from tui.domain.packages import PackageManager
from tui.domain.sessions import Session
from tui.ui.language import tr, trn
from tui.ui.present.words import BOUND_MARKS, size

__all__ = ["environments_sum", "gpu_memory_sum", "packages_sum", "sessions_sum"]


def environments_sum(rows: Sequence[EnvironmentRow]) -> str:
    """``412 packages (1 not read), frees ≥3.1G of at most 5.2G, on 2 hosts``.

    What several share is in the size of each, and goes only with the last of them: together they hold less than the
    sum, and give back more than each alone.
    """
    on = trn("on {n} host", "on {n} hosts", len({row.environment.host for row in rows}))
    return tr(", ").join(word for word in (_packages(rows), _bytes(rows), on) if word)


def _packages(rows: Sequence[EnvironmentRow]) -> str:
    known = [len(row.packages.packages) for row in rows if row.packages is not None]
    if not known:
        return ""
    missing = len(rows) - len(known)
    unread = trn(" ({n} not read)", " ({n} not read)", missing) if missing else ""
    return trn("{n} package", "{n} packages", sum(known)) + unread


def _bytes(rows: Sequence[EnvironmentRow]) -> str:
    known = [row.size for row in rows if row.size is not None]
    if not known:
        return ""
    missing = len(rows) - len(known)
    uncounted = trn(" ({n} not counted)", " ({n} not counted)", missing) if missing else ""
    total = size(sum(each.total_bytes for each in known))
    alone = size(sum(each.exclusive_bytes for each in known))
    frees = BOUND_MARKS[together(each.bound for each in known)] + alone
    if len(known) > 1:
        total = tr("at most {size}", size=total)
    return tr("frees {some} of {all}", some=frees, all=total) + uncounted


def gpu_memory_sum(gpus: Iterable[Gpu]) -> str:
    """``310G of 640G GPU memory free``; nothing when no GPU tells."""
    known = [
        (gpu.memory_used_bytes, gpu.memory_total_bytes)
        for gpu in gpus
        if gpu.memory_used_bytes is not None and gpu.memory_total_bytes
    ]
    if not known:
        return ""
    total = sum(total for _, total in known)
    free = total - sum(used for used, _ in known)
    return tr("{free} of {all} GPU memory free", free=size(free), all=size(total))


def sessions_sum(sessions: Sequence[Session]) -> str:
    """``5 windows, on 2 hosts``."""
    windows = trn("{n} window", "{n} windows", sum(len(session.windows) for session in sessions))
    return tr(", ").join((windows, trn("on {n} host", "on {n} hosts", len({session.host for session in sessions}))))


def packages_sum(managers: Iterable[PackageManager]) -> str:
    """``3 by conda, 1 by pip``."""
    all_managers = list(managers)
    by = [(all_managers.count(manager), manager.value) for manager in PackageManager]
    return tr(", ").join(trn("{n} by {name}", "{n} by {name}", number, name=name) for number, name in by if number)
