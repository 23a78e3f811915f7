"""Connecting to a fleet and polling it, against clush, xargs and ssh.

Run: ``.venv/bin/python -m tests.benchmarks.bench_fleet [--hosts 200] [--rounds 3] [--column light|sshd|both]``

Two columns. "light": one process answers for all hosts from memory, which isolates the client. "sshd":
OpenSSH's own under as many addresses of 127/8, whose 25 ms of CPU for each cold session share these
processors with the client and decide the wall. Cases run in turn, medians are shown. The peers run the very
script that we ask, with a tuned ssh (many_hosts.py). "open program": from the moment at which a program
that is open already begins to connect; nothing is remembered from an earlier run in either case.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.many_hosts import Hosts, light_hosts, real_hosts
from tests.benchmarks.measure import Cost, alternate, median, run_command, table
from tests.sshd import sweep_users

_FAN_OUT = 64


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure, what it is compared with, and how far it may go."""

    what: str
    ours: float
    peer: float
    goal: float
    shown: str = ""
    """The figures in units that people read."""

    def row(self) -> list[str]:
        """For the table."""
        ratio = self.ours / self.peer if self.peer else self.ours
        return [self.what, self.shown, f"{ratio:.3f}", f"<= {self.goal:g}", "met" if ratio <= self.goal else "MISSED"]


class OurRuns:
    """Runs our client, and collects what it says beside the cost of the whole process."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self.said: dict[str, list[dict[str, float]]] = {}

    def run(self, case: str, *, names: tuple[str, ...] = (), polls: int = 0, one: bool = False) -> Cost:
        """One process of ours; its own figures are kept under *case*."""
        task = {
            "config": str(self.hosts.config), "hosts": names or self.hosts.names, "polls": polls, "one": one,
        }  # fmt: skip
        wall = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.fleet_client", json.dumps(task)],
            capture_output=True, timeout=170, check=False, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        wall = time.perf_counter() - wall
        if done.returncode:
            raise RuntimeError(f"our client failed: {done.stderr[-3000:].decode(errors='replace')}")
        found: dict[str, float] = json.loads(done.stdout)
        self.said.setdefault(case, []).append(found)
        return Cost(wall, found["whole_cpu"])

    def figure(self, case: str, name: str) -> float:
        """The median over the runs."""
        return statistics.median(found[name] for found in self.said[case])

    def worst(self, case: str, name: str) -> float:
        """The largest over the runs."""
        return max(found[name] for found in self.said[case])


def measure(hosts: Hosts, column: str, rounds: int) -> list[Goal]:
    """All figures of one column."""
    count = len(hosts.names)
    ssh = ["ssh", "-F", str(hosts.config)]
    everybody = "".join(f"{name}\n" for name in hosts.names).encode()
    ours = OurRuns(hosts)
    light = column == "light"
    ours.run("warm up")
    cases: dict[str, Callable[[], Cost]] = {
        "ours": lambda: ours.run("ours"),
        "clush": lambda: run_command(_clush(hosts, hosts.config), env=_plain()),
        "xargs": lambda: run_command(["xargs", f"-P{_FAN_OUT}", "-I{}", *ssh, "{}", hosts.command], stdin=everybody),
    }
    cold = {name: median(costs) for name, costs in alternate(cases, rounds).items()}

    some = hosts.names[: min(count, 11)]
    singles: list[float] = []
    for turn in range(2):
        ours.run("one", names=some, one=True)
        singles += [run_command([*ssh, name, hosts.command]).wall for name in (some if turn else reversed(some))]
    single = statistics.median(singles)

    for _ in range(2):
        ours.run("poll", polls=10)
    shared = _shared(hosts, rounds)

    goal_wall, goal_cpu = (0.2, 0.15) if light else (0.6, 0.25)
    wall, cpu = ours.figure("ours", "wall"), ours.figure("ours", "cpu") / count * 1000
    clush, xargs = cold["clush"].wall, cold["xargs"].cpu / count * 1000
    whole, whole_cpu = cold["ours"].wall, cold["ours"].cpu / count * 1000
    rows = [
        Goal("cold, all hosts, wall / clush: open program", wall, clush, goal_wall, f"{wall:.2f} / {clush:.2f} s"),
        Goal("  the same with Python's start", whole, clush, goal_wall, f"{whole:.2f} / {clush:.2f} s"),
        Goal("cold, client CPU a host / xargs ssh: open program", cpu, xargs, goal_cpu, f"{cpu:.2f} / {xargs:.2f} ms"),
        Goal("  the same with Python's start", whole_cpu, xargs, goal_cpu, f"{whole_cpu:.2f} / {xargs:.2f} ms"),
    ]
    if light:
        rows.append(Goal("  the same, open program, in ms", cpu, 0, 1.5))
    stalls = {
        "connecting": [1000 * ours.worst("ours", "cold_stall"), 1000 * ours.worst("ours", "cold_work")],
        "polling": [1000 * ours.worst("poll", "poll_stall"), 1000 * ours.worst("poll", "poll_work")],
    }
    one = ours.figure("one", "wall")
    poll_wall, poll_cpu = ours.figure("poll", "poll_wall"), ours.figure("poll", "poll_cpu")
    memory = ours.figure("ours", "memory") / 1e6
    rows += [
        Goal("one host, cold, wall / ssh", one, single, 0.5, f"{one * 1000:.0f} / {single * 1000:.0f} ms"),
        Goal("warm poll, all hosts, wall / clush shared", poll_wall, shared.wall, 0.1,
             f"{poll_wall * 1000:.0f} / {shared.wall * 1000:.0f} ms"),
        Goal("warm poll, client CPU / clush shared", poll_cpu, shared.cpu, 0.02,
             f"{poll_cpu / count * 1000:.2f} / {shared.cpu / count * 1000:.2f} ms a host"),
        *(
            # With real servers here, a tick also waits for a processor: only what we did ourselves is ours.
            Goal(f"longest stall while {when}, ms: worst run", stall if light else work, 0, 50,
                 f"tick late by {stall:.1f}, own work {work:.1f}")
            for when, (stall, work) in stalls.items()
        ),
        Goal("memory a host, MB", memory, 0, 0.1, f"ssh master {shared.master_mb:.2f}"),
    ]  # fmt: skip
    return rows


@dataclass(frozen=True, slots=True)
class Shared:
    """clush over connections that are open already."""

    wall: float
    cpu: float
    """With the masters' share."""
    master_mb: float


def _shared(hosts: Hosts, rounds: int) -> Shared:
    argv = _clush(hosts, hosts.shared_config)
    try:
        run_command(argv, env=_plain())
        masters = hosts.masters()
        if len(masters) != len(hosts.names):
            raise RuntimeError(f"{len(masters)} of {len(hosts.names)} shared connections are open")
        costs = []
        for _ in range(rounds):
            before = sum(map(_ticks, masters))
            cost = run_command(argv, env=_plain())
            busy = (sum(map(_ticks, masters)) - before) / os.sysconf("SC_CLK_TCK")
            costs.append(Cost(cost.wall, cost.cpu + busy))
        found = median(costs)
        return Shared(found.wall, found.cpu, sum(map(_proportional, masters)) / len(masters) / 1e6)
    finally:
        hosts.end_masters()


def _clush(hosts: Hosts, config: Path) -> list[str]:
    where = ",".join(hosts.names)
    return ["clush", "-q", "-S", f"-f{_FAN_OUT}", "-o", f"-F {config}", "-w", where, hosts.command]


def _plain() -> dict[str, str]:
    return {"CLUSTERSHELL_CFGDIR": "/nonexistent"}


def _ticks(pid: int) -> int:
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def _proportional(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Pss")


def main() -> None:
    """Print both columns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--column", choices=("light", "sshd", "both"), default="both")
    args = parser.parse_args()
    for column, opened in (("light", light_hosts), ("sshd", real_hosts)):
        if args.column in (column, "both"):
            with opened(args.hosts) as hosts:
                rows = measure(hosts, column, args.rounds)
            title = f"{args.hosts} hosts, {column} column, {args.rounds} rounds in turn, medians"
            title += f"; load of the machine {os.getloadavg()[0]:.1f}"
            table(title, ["what", "ours / peer", "ratio or figure", "goal", ""], [row.row() for row in rows])
    sweep_users()


if __name__ == "__main__":
    main()
