"""Our client in a process of its own: connects to hosts, asks their status, and prints what it cost as JSON.

Run by bench_fleet.py as ``python -m tests.benchmarks.fleet_client`` with one JSON object as argument:
``config`` (ssh_config), ``hosts`` (names), ``polls`` (warm rounds over all hosts), ``one`` (true: the
hosts one after another, each with everything cold).
Seconds and bytes; all but ``whole_cpu`` begins after the imports, as in a program that is open already.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from tui import runtime
from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.domain.settings import Limits, Settings
from tui.fleet.connector import SshConnector
from tui.ports import Connection, HostKeyAnswer, HostKeyQuestion, SecretQuestion
from tui.services.probing import ProbeApi

_TICK_S = 0.005


class Nobody:
    """Nobody is there to be asked."""

    async def secret(self, question: SecretQuestion) -> str | None:
        """No answer."""
        return None

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        """No answer."""
        return None


class Ticker:
    """A tick every 5 ms, as a screen would have."""

    def __init__(self) -> None:
        self.longest = 0.0
        """The worst delay of a tick, in seconds."""
        self.work = 0.0
        """The most processor time that this thread used between two ticks: delays that are our own doing."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, used = loop.time() + _TICK_S, time.thread_time()
            await asyncio.sleep(_TICK_S)
            self.longest = max(self.longest, time.monotonic() - due)
            self.work = max(self.work, time.thread_time() - used)

    def stop(self, name: str) -> dict[str, float]:
        """End it; its figures under *name*."""
        self._task.cancel()
        return {f"{name}_stall": self.longest, f"{name}_work": self.work}


def cpu() -> float:
    """User and system seconds of this process and of its children that ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def resident() -> int:
    """Bytes in memory."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


class Client:
    """The real connector and probes, without services and screen."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.clock = runtime.SystemClock()
        self.specs = [HostSpec(name) for name in task["hosts"]]
        settings = Settings(hosts=tuple(self.specs), limits=Limits(connect=60.0, command=60.0))
        self.probe = runtime.probe_factory(settings, self.clock, PackageInterner())
        self.connector = SshConnector(
            {spec.name: spec for spec in self.specs}, Nobody(), self.clock, settings.limits,
            ssh_config=Path(task["config"]),
        )  # fmt: skip
        self.open: list[tuple[Connection, ProbeApi]] = []

    async def reach(self, spec: HostSpec) -> None:
        """Connect and ask the status."""
        connection = await self.connector.connect(spec)
        probe = self.probe(connection, spec)
        reading = await probe.status()
        assert reading.parts["load"].value is not None and reading.parts["load"].fault is None
        self.open.append((connection, probe))

    async def close(self) -> None:
        """Close all."""
        await asyncio.gather(*(probe.close() for _, probe in self.open))
        await asyncio.gather(*(connection.close() for connection, _ in self.open))
        await self.connector.close()


async def fleet(task: dict[str, Any]) -> dict[str, float]:
    """All hosts at once, then warm rounds."""
    before = resident()
    client = Client(task)
    gc.collect()
    runtime.settle()
    ticker = Ticker()
    wall, used = time.perf_counter(), cpu()
    await asyncio.gather(*map(client.reach, client.specs))
    found = {"wall": time.perf_counter() - wall, "cpu": cpu() - used, **ticker.stop("cold")}
    gc.collect()
    found["memory"] = (resident() - before) / len(client.specs)
    if task["polls"]:
        ticker = Ticker()
        walls, used = [], cpu()
        for _ in range(task["polls"]):
            wall = time.perf_counter()
            await asyncio.gather(*(probe.status() for _, probe in client.open))
            walls.append(time.perf_counter() - wall)
        found |= {"poll_wall": statistics.median(walls), "poll_cpu": (cpu() - used) / task["polls"]}
        found |= ticker.stop("poll")
    await client.close()
    return found


async def singly(task: dict[str, Any]) -> dict[str, float]:
    """Hosts one after another, each with a connector that knows nothing yet."""
    walls = []
    for name in task["hosts"]:
        wall = time.perf_counter()
        client = Client({**task, "hosts": [name]})
        await client.reach(client.specs[0])
        walls.append(time.perf_counter() - wall)
        await client.close()
    return {"wall": statistics.median(walls)}


def main() -> None:
    """Print the figures."""
    task = json.loads(sys.argv[1])
    found = runtime.run(singly(task) if task["one"] else fleet(task))
    found["whole_cpu"] = cpu()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
