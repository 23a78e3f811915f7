"""The screen under a large fleet: from a key to what the terminal is sent, while all hosts refresh.

    python -m tests.benchmarks.bench_screen [--hosts 200] [--envs 40] [--keys 60] [--idle]

The app runs on a terminal of 200×50 whose bytes are thrown away, over a fleet of fixed values. Meanwhile (not
with --idle) every host's load arrives anew every 5 s, ten connection logs grow and one inventory in 300 s a host,
as the default intervals have it. Each figure is the time from the key's arrival in the app to the end of the
first painting that shows what it did. Prints p50, p99 and the worst of each, and what of it the loop's thread
computed, which other programs of the machine don't change; the longest stall of the event loop, the first paint,
the time until 8,000 rows that arrive at once are there, and memory.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

from tests.ui.fake_fleet import NOW, FakeFleet, answer_all, large_fleet, up_snapshot
from tui.domain.snapshot import Part
from tui.runtime import _GC_THRESHOLD as GC_THRESHOLD
from tui.ui import app as app_module
from tui.ui.app import CondafleetApp
from tui.ui.screens.listing import ListingScreen

LIMIT_S = 20.0
WHOLE = 4000
"""A painting of the whole screen sends more characters than this."""

said: list[str] = []
"""What is printed at the end: a running app takes standard output for itself."""


def say(text: str) -> None:
    said.append(text)


class Sink(HeadlessDriver):
    """A terminal that takes everything."""

    sent = 0

    @property
    def is_headless(self) -> bool:
        return False

    def write(self, data: str) -> None:
        type(self).sent += len(data)


class Watched(CondafleetApp):
    """Says when a painting has ended."""

    CSS_PATH = [str(Path(app_module.__file__).parent / path) for path in CondafleetApp.CSS_PATH]  # noqa: RUF012

    painted: Callable[[], None] | None = None

    sent_then = 0

    def post_display_hook(self) -> None:
        if self.painted is not None and Sink.sent != self.sent_then:  # it is called for nothing painted, too
            self.painted()
        self.sent_then = Sink.sent


class Took(NamedTuple):
    """From a key to what it shows, in seconds."""

    wall: float
    computed: float


async def painted(app: Watched, key: events.Key, shows: Callable[[], bool]) -> Took:
    """From *key* to the end of the first painting after which *shows* holds."""
    done: asyncio.Future[Took] = asyncio.get_running_loop().create_future()

    def look() -> None:
        if not done.done() and shows():
            done.set_result(Took(time.perf_counter() - began, time.thread_time() - computed))

    app.painted = look
    began, computed = time.perf_counter(), time.thread_time()
    app.post_message(key)
    try:
        return await asyncio.wait_for(done, LIMIT_S)
    finally:
        app.painted = None


def key_event(key: str) -> events.Key:
    return events.Key(key, key if len(key) == 1 else None)


async def refreshing(fleet: FakeFleet) -> None:
    """What 200 watched hosts say: each its load every 5 s, a line of a log now and then, a whole inventory in 300 s."""
    views = fleet.store.hosts()
    number = 0
    while True:
        for _ in range(max(1, len(views) // 100)):  # 20 times a second: all of them in 5 s
            view = views[number % len(views)]
            load = up_snapshot(view.name, number % 3).load
            fleet.store.set_parts(view.name, {"load": replace(load, time=NOW + number)}, NOW)
            if number % 20 == 0:
                fleet.store.write_log(view.name, "still here", NOW)
            if number % 60 == 0:
                known = fleet.store.host(view.name).snapshot.environments
                fleet.store.set_parts(view.name, {"environments": Part(known.value, NOW + number)}, NOW)
            number += 1
        await asyncio.sleep(0.05)


async def stalls(longest: list[float]) -> None:
    """The longest time for which the loop did not come round: by the clock, and of its thread's own computing."""
    last, computed = time.perf_counter(), time.thread_time()
    while True:
        await asyncio.sleep(0.002)
        now, computing = time.perf_counter(), time.thread_time()
        longest[0] = max(longest[0], now - last - 0.002)
        longest[1] = max(longest[1], computing - computed)
        last, computed = now, computing


def figures(seconds: Iterable[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {p50 * 1e3:6.1f}  p99 {p99 * 1e3:6.1f}  worst {ordered[-1] * 1e3:6.1f} ms"


def line(name: str, took: list[Took]) -> None:
    say(f"{name:<34} {figures(each.wall for each in took)}   of CPU {figures(each.computed for each in took)}")


async def typed(app: Watched, screen: ListingScreen, words: str) -> list[Took]:
    """Each letter of *words* in the filter, until the rows for it are painted."""
    took = []
    screen.action_filter()
    await asyncio.sleep(0.2)
    for place, letter in enumerate(words, 1):
        wanted = words[:place]
        took.append(
            await painted(app, key_event(letter), lambda wanted=wanted: screen.drawn_for == wanted)  # type: ignore[misc]
        )
        await asyncio.sleep(0.05)
    screen.filter_bar_set("")
    await asyncio.sleep(0.3)
    return took


async def measure(hosts: int, envs: int, keys: int, idle: bool) -> None:
    fleet = large_fleet(hosts)
    app = Watched(fleet, now=lambda: NOW)
    app.driver_class = Sink
    began = time.perf_counter()
    first: list[float] = []
    app.painted = lambda: first.append(time.perf_counter() - began)
    async with app.run_test(size=(200, 50), headless=False) as pilot:
        while not first:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        app.painted = None
        say(f"{'first paint, from the start':<34} {first[0] * 1e3:11.1f} ms")
        await work(app, pilot, fleet, envs, keys, idle)


async def work(app: Watched, pilot: Pilot[Any], fleet: FakeFleet, envs: int, keys: int, idle: bool) -> None:
    await pilot.press("2")
    await pilot.pause()
    screen = app.front()
    assert screen is not None
    longest = [0.0, 0.0]
    watching = asyncio.create_task(stalls(longest))
    answer_all(fleet, envs)
    began = time.perf_counter()
    want = len(fleet.store.hosts()) * envs
    while len(screen.grid.rows) < want:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    say(f"{f'{want:,} rows that arrive at once':<34} {(time.perf_counter() - began) * 1e3:11.1f} ms"
          f"   longest stall {longest[0] * 1e3:5.1f} ms")  # fmt: skip
    gc.collect()
    gc.freeze()
    await asyncio.sleep(0.01)
    longest[:] = [0.0, 0.0]
    talk = None if idle else asyncio.create_task(refreshing(fleet))
    await asyncio.sleep(0.5)
    grid = screen.grid

    async def moves(key: str, number: int) -> list[Took]:
        took = []
        for _ in range(number):
            row = grid.cursor_row
            took.append(await painted(app, key_event(key), lambda row=row: grid.cursor_row != row))  # type: ignore[misc]
            await asyncio.sleep(0.01)
        return took

    line("cursor down (j)", await moves("j", keys))
    line("page down", await moves("pagedown", min(keys, 15)) + await moves("pageup", min(keys, 15)))
    sorts = []
    for number in range(max(6, keys // 3)):
        before = screen.drawn_sort
        if number % 4 == 0:
            screen.sort = None
            screen.sort_by("name" if number % 8 else "last")
            await asyncio.sleep(0.3)
            before = screen.drawn_sort
        sorts.append(await painted(app, key_event("O"), lambda before=before: screen.drawn_sort != before))  # type: ignore[misc]
        await asyncio.sleep(0.05)
    line("sort (O)", sorts)
    letters: list[Took] = []
    for words in ("env1", "host:node1*", "torch<2.1 python:3.11", "unused>90d", "is:inuse"):
        letters += await typed(app, screen, words)
    line("filter, each letter", letters)
    groups = []
    for _ in range(8):
        before_group = screen.drawn_group
        groups.append(await painted(app, key_event("b"), lambda g=before_group: screen.drawn_group != g))  # type: ignore[misc]
        await asyncio.sleep(0.05)
    line("group (b)", groups)
    modes = []
    for key, mode in (("1", "fleet"), ("2", "environments")) * 6:
        enough = Sink.sent + WHOLE
        shows = lambda mode=mode, enough=enough: app.current_mode == mode and Sink.sent > enough  # noqa: E731
        modes.append(await painted(app, key_event(key), shows))
        await asyncio.sleep(0.2)
    line("other mode (1, 2)", modes)
    say(f"{'longest stall of the loop meanwhile':<34} {longest[0] * 1e3:11.1f} ms   of CPU {longest[1] * 1e3:7.1f} ms")
    say(f"{'memory, resident':<34} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:11.0f} MiB")
    for task in (watching, talk):
        if task is not None:
            task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--envs", type=int, default=40)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--idle", action="store_true", help="hosts say nothing meanwhile")
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLD)
    gc.freeze()
    try:
        asyncio.run(measure(options.hosts, options.envs, options.keys, options.idle))
    finally:
        print("\n".join(said))


if __name__ == "__main__":
    main()
