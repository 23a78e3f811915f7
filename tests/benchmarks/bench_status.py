"""What our questions cost on a host with 42 environments of 200 packages: processor, programs started, bytes.

Run: ``.venv/bin/python -m tests.benchmarks.bench_status [--envs 42] [--packages 200] [--rounds 20]``

The questions are the real ones, over a resident ``sh`` of this machine as ``local`` runs it; every byte of
both directions is counted, and the processor time of the shell and all that it starts. One tmux session runs; as
root the shell gets a process list of its own, so that what else runs here is not counted (that costs before the
first question, and is taken off). Programs started are counted by strace.
The naive peer asks what a person would type, one program for each question, and looks at every environment
(``stat``, ``ls``), without ssh's own cost, which would flatter us.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_fleet import Goal
from tests.benchmarks.measure import table
from tests.benchmarks.scratch import scratch
from tests.condaroot import CondaRoot, Pkg
from tui import runtime
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.packages import PackageInterner
from tui.domain.settings import Settings
from tui.ports import Channel, ConnectionFacts

_NAIVE = r"""
uname -n; uname -r; cat /proc/loadavg; cat /proc/meminfo | head -5; uptime; nproc; df -P >/dev/null
tmux ls 2>/dev/null; cat /etc/os-release | grep PRETTY
for e in "$1"/envs/*; do stat -c %Y "$e/conda-meta/history"; ls "$e/conda-meta" | wc -l; [ -e "$e/bin/python" ]; done
"""


_APART = ["unshare", "-m", "-p", "-f", "--mount-proc"] if os.geteuid() == 0 else []


class Shell:
    """The channel port over a child of this process, with every byte counted."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.received = 0
        self.sent = 0

    async def read(self, limit: int = 65536) -> bytes:
        """See the port."""
        assert self.process.stdout is not None
        data = await self.process.stdout.read(limit)
        self.received += len(data)
        return data

    async def write(self, data: bytes) -> None:
        """See the port."""
        assert self.process.stdin is not None
        self.sent += len(data)
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def write_eof(self) -> None:
        """See the port."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def stderr_tail(self) -> bytes:
        """Nothing is kept."""
        return b""

    def resize(self, columns: int, rows: int) -> None:
        """No terminal."""

    def pause_reading(self) -> None:
        """Not needed."""

    def resume_reading(self) -> None:
        """Not needed."""

    async def wait(self) -> int | None:
        """See the port."""
        return await self.process.wait()

    def close(self) -> None:
        """The shell ends with its input, so that its processor time can be collected."""
        if self.process.stdin is not None:
            self.process.stdin.close()


def environment(home: Path) -> dict[str, str]:
    """A login of its own with `base` active, and a tmux of its own."""
    path = "/usr/local/bin:/usr/bin:/bin"
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TMUX_TMPDIR": str(home), "CONDA_PREFIX": "/opt/conda"}


class Machine:
    """The connection port to this machine, as ``local``; *prefix* goes before the shell's command."""

    def __init__(self, home: Path, prefix: tuple[str, ...] = ()) -> None:
        self.facts = ConnectionFacts()
        self.shells: list[Shell] = []
        self._prefix = prefix
        self._home = home

    async def open(self, command: str, **_: Any) -> Channel:
        """See the port."""
        process = await asyncio.create_subprocess_exec(
            *self._prefix, *_APART, "/bin/sh",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=environment(self._home),
        )  # fmt: skip
        self.shells.append(Shell(process))
        return self.shells[-1]

    async def closed(self) -> None:
        """Never."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """End the shells and wait for them."""
        for shell in self.shells:
            shell.close()
            await shell.process.wait()

    @property
    def received(self) -> int:
        """Bytes from all shells."""
        return sum(shell.received for shell in self.shells)


def children_cpu() -> float:
    """Seconds of all children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True, slots=True)
class Asked:
    """What some questions cost."""

    cpu_ms: float
    first_bytes: int
    again_bytes: int
    wall_ms: float


class Host:
    """The machine with its environments, asked in the real way."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self.home = home
        self.spec = HostSpec("local", search=SearchPlaces((str(root),), only=True))
        self.settings = Settings(hosts=(self.spec,))

    async def start(self) -> float:
        """Milliseconds of processor time of a shell that is asked nothing."""
        before = children_cpu()
        machine = Machine(self.home)
        await machine.open("")
        await machine.close()
        return (children_cpu() - before) * 1000

    async def status(self, first: int, again: int, prefix: tuple[str, ...] = ()) -> Asked:
        """*first* times by a probe that knows nothing, and then *again* times by one that knows."""
        clock = runtime.SystemClock()
        before, walls, first_bytes, again_bytes = children_cpu(), [], 0, 0
        for _ in range(first):
            make = runtime.probe_factory(self.settings, clock, PackageInterner())
            machine = Machine(self.home, prefix)
            probe = make(machine, self.spec)
            await probe.status()
            first_bytes = machine.received
            for _ in range(again):
                mark, begun = machine.received, time.perf_counter()
                await probe.status()
                walls.append(time.perf_counter() - begun)
                again_bytes = machine.received - mark
            await machine.close()
            await probe.close()
        wall = statistics.median(walls) * 1000 if walls else 0.0
        return Asked((children_cpu() - before) * 1000, first_bytes, again_bytes, wall)

    async def inventory(self) -> tuple[float, float, int, int]:
        """Wall and host's processor in seconds, bytes received, environments found."""
        clock = runtime.SystemClock()
        machine = Machine(self.home)
        probe = runtime.probe_factory(self.settings, clock, PackageInterner())(machine, self.spec)
        await probe.status()
        mark, before = machine.received, children_cpu()
        begun = time.perf_counter()
        reading = await probe.inventory()
        wall = time.perf_counter() - begun
        received = machine.received - mark
        await machine.close()
        await probe.close()
        part = reading.parts["environments"]
        if part.value is None or part.fault is not None:
            raise RuntimeError(f"no inventory: {part.fault}")
        return wall, children_cpu() - before, received, len(part.value)


def build(root: Path, envs: int, packages: int) -> None:
    """An install with *envs* environments: most packages are common to several, as in life."""
    conda = CondaRoot(root)
    conda.base()
    pool = [
        Pkg(f"library-{n}", f"{n % 9}.{v}.1", f"py311h{n * 7919 + v:07x}_{v}", files=1, bulk=40)
        for n in range(packages)
        for v in range(3)
    ]
    for number in range(envs - 1):
        chosen = [pool[3 * n + (number * (n % 5) // 7) % 3] for n in range(packages)]
        conda.named(f"cv-resnet50-exp{number}", chosen)


def execs(work: Callable[[], Coroutine[Any, Any, Any]], log: Path) -> int:
    """Programs that one shell started while *work* ran it under strace, the shell itself not counted."""
    asyncio.run(work())
    lines = re.findall(r"execve\((.*)", log.read_text(errors="replace"))
    return sum(1 for line in lines if line.rstrip().endswith("= 0") or "resumed" in line) - (2 if _APART else 1)


async def measure(root: Path, home: Path, rounds: int) -> list[Goal]:
    """All figures."""
    host = Host(root, home)
    await host.status(1, 1)
    polls = 20
    first_only, with_polls = [], []
    naive_cpu, naive_wall, starts = [], [], []
    for _ in range(rounds):
        starts.append(await host.start())
        first_only.append(await host.status(1, 0))
        with_polls.append(await host.status(1, polls))
        before, begun = children_cpu(), time.perf_counter()
        for _ in range(2):
            await (await asyncio.create_subprocess_exec(
                *_APART, "/bin/sh", "-c", _NAIVE, "sh", str(root), stdout=subprocess.DEVNULL, env=environment(home)
            )).wait()  # fmt: skip
        naive_cpu.append((children_cpu() - before) / 2 * 1000)
        naive_wall.append((time.perf_counter() - begun) / 2 * 1000)
    first = statistics.median(asked.cpu_ms for asked in first_only)
    again = (statistics.median(asked.cpu_ms for asked in with_polls) - first) / polls
    start = statistics.median(starts)
    first -= start
    wall = statistics.median(asked.wall_ms for asked in with_polls)
    naive = statistics.median(naive_cpu) - start
    inventory = [await host.inventory() for _ in range(3)]
    inv_wall, inv_cpu = (statistics.median(row[index] for row in inventory) for index in (0, 1))
    inv_bytes, found = inventory[0][2], inventory[0][3]
    asked = with_polls[-1]
    return [
        Goal("status, host CPU: first, ms", first, 0, 15, f"naive {naive:.0f} ms, an idle shell {start:.1f} ms"),
        Goal("status, host CPU: unchanged, ms", again, 0, 7.5,
             f"wall {wall:.1f}, naive {statistics.median(naive_wall):.0f} ms"),
        Goal("status, host CPU: first / naive", first, naive, 0.1, f"{first:.1f} / {naive:.0f} ms"),
        Goal("status, bytes: first", asked.first_bytes, 0, 4096),
        Goal("status, bytes: unchanged / first", asked.again_bytes, asked.first_bytes, 0.5,
             f"{asked.again_bytes} / {asked.first_bytes}"),
        Goal(f"inventory, bytes on the wire, {found} environments", inv_bytes, 0, 65536,
             f"wall {inv_wall:.2f} s, host CPU {inv_cpu:.2f} s"),
    ]  # fmt: skip


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=int, default=42)
    parser.add_argument("--packages", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    with scratch() as directory:
        home = directory / "home"
        home.mkdir()
        build(directory / "conda", args.envs, args.packages)
        try:
            subprocess.run(["tmux", "-f", "/dev/null", "new-session", "-d", "-s", "train", "sleep 600"],
                           env=environment(home), check=True, timeout=30)  # fmt: skip
            rows = asyncio.run(measure(directory / "conda", home, args.rounds))
            host, log = Host(directory / "conda", home), directory / "strace"
            traced = ("strace", "-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", str(log))
            first = execs(lambda: host.status(1, 0, traced), log)
            both = execs(lambda: host.status(1, 1, traced), log)
        finally:
            subprocess.run(["tmux", "kill-server"], env=environment(home), stderr=subprocess.DEVNULL,
                           check=False, timeout=30)  # fmt: skip
    rows += [Goal("status, programs started: first", first, 0, 5),
             Goal("status, programs started: unchanged", both - first, 0, 5)]  # fmt: skip
    table(
        f"One host, {args.envs} environments of {args.packages} packages; load of the machine {os.getloadavg()[0]:.1f}",
        ["what", "detail", "ratio or figure", "goal", ""],
        [row.row() for row in rows],
    )


if __name__ == "__main__":
    main()
