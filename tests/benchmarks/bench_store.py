"""The store under a large fleet: hosts × environments × packages kept and updated.

    python tests/benchmarks/bench_store.py [--hosts 200] [--envs 40] [--packages 200] [--seconds 10]

Prints, for the filling of the store and for a while of updates (each host's status at its interval, one
host in ten with a changed inventory), the longest stall of the event loop, the most that it computed
without coming round, the CPU time, and the growth of resident memory. A fast fake stands for the probe:
what is measured is interning, watching and the store, with a subscriber that reads the joined lists
thirty times a second as a screen does. Inventories are built in slices of at most 8 ms for all hosts
together.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tui import runtime
from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace
from tui.domain.disktable import DiskTable
from tui.domain.environments import Environment, EnvKind, Install, Manager
from tui.domain.faults import Fault
from tui.domain.history import History
from tui.domain.hosts import HostSpec
from tui.domain.machine import Load, Machine, Mount
from tui.domain.packages import Package, PackageInterner, PackageManager
from tui.domain.settings import Intervals, Settings
from tui.domain.snapshot import PARTS, HostSnapshot, Part
from tui.ports import Connection, ConnectionFacts
from tui.remote.kept import KeptPass
from tui.remote.lane import Lane
from tui.remote.turns import next_slice, slice_over
from tui.services.engine import FleetService
from tui.services.events import Event
from tui.services.probing import Partial, ReadingLike

T = TypeVar("T")


class Reading:
    def __init__(self, due: bool = False, **parts: Any) -> None:
        now = time.time()
        self.parts = {name: Part(value, now) for name, value in parts.items()}
        self.inventory_due = due


class NoDisk:
    def load(self, hosts: Sequence[str]) -> dict[str, HostSnapshot]:
        return {}

    def save(self, snapshot: HostSnapshot) -> None:
        return

    def load_search(self, host: str) -> tuple[str, ...]:
        return ()

    def load_found(self, host: str) -> tuple[str, ...]:
        return ()

    def save_search(self, host: str, paths: Sequence[str], found: Sequence[str] = ()) -> None:
        return


class Link:
    facts = ConnectionFacts(address="192.0.2.1", port=22, user="ada")

    async def closed(self) -> Fault | None:
        await asyncio.Event().wait()
        return None

    async def close(self) -> None:
        return


class Fleet:
    """Connector and probes of hosts that answer at once."""

    def __init__(self, envs: int, packages: int) -> None:
        self.interner = PackageInterner()
        self.envs = envs
        self.packages = packages
        self.random = random.Random(7)
        # 4,000 distinct packages with 6 versions each; a fleet repeats itself.
        self.pool = [
            (f"package-{n}", f"{n % 7}.{v}.0", f"py311_{v}", "conda-forge") for n in range(4000) for v in range(6)
        ]
        self.recipes = [self.random.sample(self.pool, packages) for _ in range(envs * 12)]

    async def connect(
        self,
        spec: HostSpec,
        report: Callable[[str], None] | None = None,
        resolved: Callable[[ConnectionFacts], None] | None = None,
    ) -> Connection:
        if report is not None:
            for step in ("resolving", "connecting", "authenticating", "connected"):
                report(step)
        return Link()  # type: ignore[return-value]

    async def close(self) -> None:
        return

    def probe(self, connection: Connection, spec: HostSpec) -> Probe:
        return Probe(self, spec)


class Probe:
    def __init__(self, fleet: Fleet, spec: HostSpec) -> None:
        self.fleet = fleet
        self.host = spec.name
        self.asked = 0

    async def status(self) -> ReadingLike:
        self.asked += 1
        due = self.asked > 1 and self.fleet.random.random() < 0.1
        return Reading(
            due, machine=Machine(hostname=self.host), load=Load(load1=self.fleet.random.random()), sessions=()
        )

    async def mounts(self) -> ReadingLike:
        return Reading(
            mounts=tuple(Mount(f"/m{n}", f"/dev/sd{n}", "ext4", 10**12, 10**11, 9 * 10**11) for n in range(8))
        )

    async def gpus(self, force: bool = False) -> ReadingLike:
        return Reading(gpus=())

    async def inventory(self, on_partial: Partial | None = None) -> ReadingLike:
        envs: list[Environment] = []
        for number in range(self.fleet.envs):
            if slice_over():
                await next_slice()
            envs.append(self.environment(number))
        return Reading(installs=(Install("/opt/conda", Manager.CONDA, "26.7.1"),), environments=tuple(envs))

    def environment(self, number: int) -> Environment:
        rows: list[Package] = []
        for name, *rest in self.fleet.random.choice(self.fleet.recipes):
            # Fresh strings, as a parser makes them: what is not interned would stay in memory.
            version, build, channel = ("".join([*text]) for text in rest)
            rows.append(self.fleet.interner.package("".join([*name]), version, build, channel, PackageManager.CONDA))
        return Environment(
            self.host,
            f"/opt/conda/envs/e{number}",
            f"e{number}",
            EnvKind.NAMED,
            "/opt/conda",
            Manager.CONDA,
            self.fleet.interner.package_set(rows),
            True,
        )

    async def search(self, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        return ()

    async def put_question(self, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        raise AssertionError(f"nobody puts a question of {kind}")

    async def disk(
        self,
        places: Sequence[DiskPlace],
        progress: Callable[[int], None] | None = None,
        users: UsersSeen | None = None,
        kept: KeptPass | None = None,
    ) -> DiskTable:
        return DiskTable()

    async def history(self, prefix: str) -> History:
        return History()

    async def close(self) -> None:
        return


class Ticker:
    """The longest time for which the event loop did not come round: by the clock, and of its own computing."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.computed = 0.0

    def forget(self) -> None:
        self.longest = self.computed = 0.0

    async def run(self) -> None:
        last, computed = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            self.computed = max(self.computed, time.thread_time() - computed)
            if now - last < 0.001:
                await asyncio.sleep(0.001)
                now = time.perf_counter()
            last, computed = now, time.thread_time()


def resident() -> float:
    """MiB of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def bench(hosts: int, envs: int, packages: int, seconds: float) -> None:
    fleet = Fleet(envs, packages)
    specs = tuple(HostSpec(f"gpu{n:03}") for n in range(hosts))
    settings = Settings(hosts=specs, intervals=Intervals(status=2, gpus=2, inventory=300))
    service = FleetService(settings, fleet, NoDisk(), runtime.SystemClock(), fleet.probe)
    events: list[Event] = []
    dirty = asyncio.Event()

    def note(event: Event) -> None:
        events.append(event)
        dirty.set()

    async def screen() -> None:
        while True:
            await dirty.wait()
            dirty.clear()
            len(service.store.environments())
            await asyncio.sleep(1 / 30)

    service.bus.subscribe(note)
    gc.collect()
    before, ticker = resident(), Ticker()
    tasks = [asyncio.create_task(ticker.run()), asyncio.create_task(screen())]
    wall, cpu = time.perf_counter(), time.process_time()

    def line(what: str) -> None:
        print(
            f"{what:<8} {time.perf_counter() - wall:6.2f} s  CPU {time.process_time() - cpu:6.2f} s  longest stall "
            f"{ticker.longest * 1000:6.1f} ms, of CPU {ticker.computed * 1000:5.1f} ms  "
            f"memory +{resident() - before:6.1f} MiB  {len(events)} events"
        )

    await service.start()
    await service.settled([spec.name for spec in specs], PARTS)
    line("fill")
    known = service.store.environments()
    print(
        f"         {len(known)} environments, {sum(env.conda_packages or 0 for env in known)} package rows, "
        f"{len({id(env.packages) for env in known})} distinct sets"
    )
    await asyncio.sleep(0.01)  # what was computed for these lines is no stall
    wall, cpu = time.perf_counter(), time.process_time()
    ticker.forget()
    events.clear()
    await asyncio.sleep(seconds)
    line("update")
    wall, cpu = time.perf_counter(), time.process_time()
    ticker.forget()
    await service.close()
    line("close")
    for task in tasks:
        task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--envs", type=int, default=40)
    parser.add_argument("--packages", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    runtime.settle()
    runtime.run(bench(args.hosts, args.envs, args.packages, args.seconds))


if __name__ == "__main__":
    main()
