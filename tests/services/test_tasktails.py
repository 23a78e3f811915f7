"""Progress from logs that are read in pieces, by several readers; and room for so many tasks at once."""

from __future__ import annotations

import asyncio
import itertools

from hypothesis import given
from hypothesis import strategies as st

from tests.remote.recordings import recordings
from tui.remote.condasays.progress import Phase, ProgressReader
from tui.remote.task_log import LogPart
from tui.services.taskroom import Room
from tui.services.tasktails import TAIL_BYTES, Tails

KEY = ("gpu01", "20261121-101500-00000001")
LOG = recordings("conda-26.7.1")["12"].stdout.encode()


def part(log: bytes, begin: int, end: int) -> LogPart:
    return LogPart(begin, log[begin:end], len(log), over=False)


@given(st.lists(st.tuples(st.integers(0, len(LOG)), st.integers(1, 400)), max_size=12), st.integers(1, 700))
def test_however_a_log_is_read_the_same_progress_is_seen(seen_again: list[tuple[int, int]], step: int) -> None:
    tails, reader = Tails(), ProgressReader()
    for begin in range(0, len(LOG), step):
        told = tails.feed(KEY, part(LOG, begin, begin + step))
        before = reader.progress
        assert tails.progress(KEY) == reader.feed(LOG[begin : begin + step].decode())
        assert told == (before != reader.progress)
        for at, length in seen_again:
            if at + length <= begin + step:
                assert not tails.feed(KEY, part(LOG, at, at + length))
    assert tails.wanted(KEY, len(LOG)) is None
    tails.forget(KEY)
    assert tails.progress(KEY) is None


def test_of_a_long_log_the_end_is_enough() -> None:
    tails = Tails()
    log = b"x" * (1 << 20) + b"\nSolving environment: done\nPreparing transaction: "
    assert tails.wanted(KEY, 0) is None
    at = tails.wanted(KEY, len(log))
    assert at == len(log) - TAIL_BYTES
    tails.feed(KEY, part(log, at, len(log)))
    progress = tails.progress(KEY)
    assert progress is not None and progress.phase is Phase.PREPARING
    assert tails.wanted(KEY, len(log) + 10) == len(log)
    # Nobody read for a long time: what lies between is passed over.
    assert tails.wanted(KEY, len(log) + (1 << 20)) == len(log) + (1 << 20) - TAIL_BYTES


@given(st.integers(-1, 4), st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=40))
def test_never_more_than_there_is_room_for_and_nobody_waits_for_nothing(
    most: int, steps: list[tuple[bool, int]]
) -> None:
    async def play() -> None:
        room = Room(most)
        inside: set[int] = set()
        waiting: dict[int, asyncio.Task[None]] = {}
        numbers = itertools.count()
        for enters, which in steps:
            if enters:
                number = next(numbers)
                key = ("gpu01", str(number))
                if room.enter(key):
                    inside.add(number)
                else:
                    assert room.waits(key)
                    waiting[number] = asyncio.create_task(room.admitted(key))
            elif inside or waiting:
                known = sorted(inside | waiting.keys())
                gone = known[which % len(known)]
                room.leave(("gpu01", str(gone)))
                inside.discard(gone)
                if gone in waiting:
                    waiting.pop(gone).cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            admitted = [number for number, task in waiting.items() if task.done()]
            assert admitted == sorted(admitted)
            for number in admitted:
                waiting.pop(number).result()
                inside.add(number)
            assert len(inside) <= max(1, most)
            assert not waiting or len(inside) == max(1, most)
        for task in waiting.values():
            task.cancel()
        await asyncio.gather(*waiting.values(), return_exceptions=True)

    asyncio.run(play())
