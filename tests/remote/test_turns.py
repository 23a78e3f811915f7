"""Many hosts' answers share one slice in each round of the event loop."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import aclosing

from tests.remote.answers import answer
from tui.ports import Channel, ConnectionFacts, TermRequest
from tui.remote.lane import Lane
from tui.remote.turns import SLICE_S, next_slice, slice_over


def work(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def rounds(done: asyncio.Event) -> list[float]:
    """How much work each round of the loop was, until *done*: what others do on a busy machine is not counted."""
    took, last = [], time.thread_time()
    while not done.is_set():
        await asyncio.sleep(0)
        now = time.thread_time()
        took.append(now - last)
        last = now
    return took


async def test_many_small_answers_at_once_do_not_add_up_in_one_round() -> None:
    async def small() -> None:
        if slice_over():
            await next_slice()
        work(0.002)

    done = asyncio.Event()
    watch = asyncio.create_task(rounds(done))
    await asyncio.gather(*(small() for _ in range(60)))
    done.set()
    # 120 ms of work: in one round without the shared slice.
    assert max(await watch) < 0.03


class Prompt:
    """A shell that has each answer ready at once."""

    def __init__(self, body: bytes) -> None:
        self._bodies = [b"7 7 ", body]
        self._ready = b""

    async def write(self, data: bytes) -> None:
        nonce = re.findall(rb"R ([0-9a-f]{16}) ", data)[-1]
        self._ready = b"\n@" + nonce + b"{" + self._bodies.pop(0) + b"\n@" + nonce + b"}0\n"

    async def read(self, limit: int = 65536) -> bytes:
        ready, self._ready = self._ready, b""
        return ready

    async def write_eof(self) -> None: ...

    def stderr_tail(self) -> bytes:
        return b""

    def resize(self, columns: int, rows: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    async def wait(self) -> int | None:
        return 0

    def close(self) -> None: ...


class Prompts:
    """A connection to such shells."""

    facts = ConnectionFacts()

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        return Prompt(self._body)

    async def closed(self) -> None: ...

    async def close(self) -> None: ...


async def test_the_records_of_many_lanes_are_read_in_one_shared_slice() -> None:
    async def one(lane: Lane) -> int:
        count = 0
        async with aclosing(lane.stream(b"echo", timeout=60)) as records:
            async for _ in records:
                work(0.001)
                count += 1
        return count

    body = answer(("x", 1), ("x", 2), ("x", 3))
    lanes = [await Lane.open(Prompts(body), timeout=60) for _ in range(40)]
    done = asyncio.Event()
    watch = asyncio.create_task(rounds(done))
    assert await asyncio.gather(*map(one, lanes)) == [3] * 40
    done.set()
    # 120 ms of work, all of it there at once.
    assert max(await watch) < 0.03


async def test_large_answers_are_read_in_turn_and_none_waits_for_anothers_end() -> None:
    order: list[str] = []

    async def large(name: str) -> None:
        for _ in range(5):
            if slice_over():
                await next_slice()
            order.append(name)
            work(SLICE_S * 1.2)

    await asyncio.gather(large("a"), large("b"))
    assert set(order[:3]) == set(order[-5:]) == {"a", "b"}


def test_a_slice_belongs_to_its_loop() -> None:
    async def over() -> bool:
        before = slice_over()
        work(SLICE_S * 1.5)
        return not before and slice_over()

    assert asyncio.run(over())
    assert asyncio.run(over()), "a new loop begins with a whole slice"
