"""What marked rows come to together, in a few words beside their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.domain.filterrows import EnvironmentRow
from tui.domain.gpus import Gpu
from tui.domain.packages import PackageManager
from tui.domain.sessions import Session
from tui.ui.present.words import count, size

__all__ = ["environments_sum", "gpu_memory_sum", "packages_sum", "sessions_sum"]


def environments_sum(rows: Sequence[EnvironmentRow]) -> str:
    """``412 packages (1 not read), at most 5.2G, on 2 hosts``; bytes that several share are in each of them."""
    hosts = count(len({row.environment.host for row in rows}), "host")
    return ", ".join(word for word in (_packages(rows), _bytes(rows), f"on {hosts}") if word)


def _packages(rows: Sequence[EnvironmentRow]) -> str:
    known = [len(row.packages.packages) for row in rows if row.packages is not None]
    return "" if not known else count(sum(known), "package") + _without(len(rows) - len(known), "read")


def _bytes(rows: Sequence[EnvironmentRow]) -> str:
    known = [row.total_bytes for row in rows if row.total_bytes is not None]
    if not known:
        return ""
    most = "at most " if len(known) > 1 else ""
    return most + size(sum(known)) + _without(len(rows) - len(known), "measured")


def _without(number: int, done: str) -> str:
    return f" ({number:,} not {done})" if number else ""


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
    return f"{size(total - sum(used for used, _ in known))} of {size(total)} GPU memory free"


def sessions_sum(sessions: Sequence[Session]) -> str:
    """``5 windows, on 2 hosts``."""
    windows = count(sum(len(session.windows) for session in sessions), "window")
    return f"{windows}, on {count(len({session.host for session in sessions}), 'host')}"


def packages_sum(managers: Iterable[PackageManager]) -> str:
    """``3 by conda, 1 by pip``."""
    all_managers = list(managers)
    by = [(all_managers.count(manager), manager.value) for manager in PackageManager]
    return ", ".join(f"{number:,} by {name}" for number, name in by if number)
