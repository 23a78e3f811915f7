"""Timing whole commands fairly: wall clock and the CPU of the whole process tree, cases in turn."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Cost", "alternate", "median", "ratio", "run_command", "table"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost; seconds."""

    wall: float
    cpu: float
    """User and system time of the command and all its children that were waited for."""


def run_command(argv: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: bytes = b"") -> Cost:
    """Run a command to its end, its output thrown away. Raises RuntimeError when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(
        list(argv),
        input=stdin,
        capture_output=True,
        env={**os.environ, **(env or {})},
        timeout=300,
        check=False,
    )
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stderr[-600:].decode(errors='replace')}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def alternate(cases: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Run all cases in turn, forwards and backwards, so that a drifting machine harms all alike."""
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for number in range(rounds):
        names = list(cases)
        for name in names if number % 2 == 0 else reversed(names):
            costs[name].append(cases[name]())
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure."""
    return Cost(statistics.median(cost.wall for cost in costs), statistics.median(cost.cpu for cost in costs))


def ratio(ours: float, peer: float) -> str:
    """Ours as a fraction of the peer's."""
    return f"{ours / peer:.3f}" if peer else "-"


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table."""
    widths = [max(len(str(row[column])) for row in [header, *rows]) for column in range(len(header))]
    print(f"\n{title}")
    for row in [header, ["-" * width for width in widths], *rows]:
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
