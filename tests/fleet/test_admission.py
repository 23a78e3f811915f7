"""How many handshakes run at once, and limits that stand still while a person is asked."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fakes import FakeClock, eventually
from tui.fleet.admission import Admission
from tui.fleet.deadline import Deadline
from tui.fleet.inbox import Inbox
from tui.fleet.prompts import Prompts


async def test_a_fixed_bound_is_kept() -> None:
    admission = Admission(2)
    inside = most = 0

    async def shake() -> None:
        nonlocal inside, most
        place = await admission.enter()
        place.watch(lambda: False)
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        place.leave()
        place.leave()

    await asyncio.gather(*(shake() for _ in range(20)))
    assert most == 2 and admission.inside == 0


async def test_a_silent_host_gives_its_place_on() -> None:
    admission = Admission(1)
    silent = await admission.enter()
    second = await asyncio.wait_for(admission.enter(), 30)
    silent.leave()
    second.leave()
    assert admission.inside == 0


async def test_a_cancelled_waiter_takes_no_place_with_it() -> None:
    admission = Admission(1)
    place = await admission.enter()
    waiter = asyncio.create_task(admission.enter())
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    late = asyncio.create_task(admission.enter())
    await asyncio.sleep(0)
    place.leave()
    late.cancel()  # at the very moment at which it was let in
    await asyncio.gather(late, return_exceptions=True)
    assert admission.inside == 0
    (await asyncio.wait_for(admission.enter(), 30)).leave()


async def test_the_bound_shrinks_under_lag_and_grows_without() -> None:
    admission = Admission()
    start = admission.window
    stop = False

    async def shake(busy: float) -> None:
        while not stop:
            place = await admission.enter()
            time.sleep(busy)  # noqa: ASYNC251 - this is the lag
            await asyncio.sleep(0.002)
            place.leave()

    tasks = [asyncio.create_task(shake(0.004)) for _ in range(20)]
    await eventually(lambda: admission.window < start / 2)
    stop = True
    await asyncio.gather(*tasks)
    low, stop = admission.window, False
    tasks = [asyncio.create_task(shake(0)) for _ in range(40)]
    await eventually(lambda: admission.window > low + 3)
    stop = True
    await asyncio.gather(*tasks)
    assert admission.inside == 0


async def test_nothing_ticks_while_nothing_happens() -> None:
    admission = Admission()
    (await admission.enter()).leave()
    await asyncio.sleep(0.03)
    assert admission._ticker is None


async def test_a_limit_stands_still_while_a_person_is_asked() -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        async with Deadline(0.2) as deadline:
            with deadline.paused():
                await asyncio.sleep(0.3)
                with deadline.paused():
                    await asyncio.sleep(0.1)
            await asyncio.sleep(600)
    assert time.monotonic() - start > 0.55


async def test_a_limit_that_is_not_reached_is_no_matter() -> None:
    async with Deadline(5) as deadline:
        with deadline.paused():
            pass
    with deadline.paused():
        pass


async def test_a_refusal_holds_for_those_who_come_a_moment_later() -> None:
    class Nobody:
        async def secret(self, question: object) -> str | None:
            return None

        async def host_key(self, question: object) -> None:
            return None

    clock = FakeClock()
    prompts = Prompts(Nobody(), clock)
    asked = 0

    async def ask() -> str | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return None

    assert await asyncio.gather(*(prompts.shared("key", ask) for _ in range(5))) == [None] * 5
    assert await prompts.shared("key", ask) is None and asked == 1
    await clock.advance(11)
    await prompts.shared("key", ask)
    assert asked == 2


async def test_an_inbox_stops_its_source_above_the_mark_and_starts_it_again_below() -> None:
    flow: list[bool] = []
    inbox = Inbox(100, flow.append)
    inbox.feed(b"a" * 60)
    assert flow == []
    inbox.feed(b"b" * 60)
    assert flow == [True]
    assert await inbox.read(90) == b"a" * 60 + b"b" * 30
    assert flow == [True]
    assert await inbox.read(20) == b"b" * 20 and flow == [True, False]
    inbox.end()
    assert (await inbox.read(100), await inbox.read(100)) == (b"b" * 10, b"")
