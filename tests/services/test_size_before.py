"""The size that a removal shows is counted for it, within a limit; else the old one stands with its own time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from tests.condaroot import NUMPY, PYTHON
from tests.remote.changehost import ChangeHost
from tests.remote.taskhost import QuickClock
from tui.domain.changes import Change, ChangeKind
from tui.domain.diskbounds import Bound
from tui.domain.environments import DiskSize
from tui.domain.settings import Settings
from tui.remote.lane import Lane
from tui.services.changing import counting
from tui.services.changing.common import World
from tui.services.changing.counting import counted_now

T = TypeVar("T")
OLD = DiskSize(1, 1, 0, 1, 1000.0)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ChangeHost]:
    host = ChangeHost(tmp_path)
    yield host
    await host.close()


def world(here: ChangeHost, *, hangs: bool = False) -> World:
    async def put(host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        if hangs:
            await asyncio.Event().wait()
        return await question(await here.lane())

    return World(Settings(), QuickClock(), put)


def removal(prefix: Path) -> Change:
    return Change(ChangeKind.REMOVE, "gpu01", str(prefix))


async def test_it_is_true_now(host: ChangeHost) -> None:
    prefix = host.root.named("train", (PYTHON, NUMPY))
    before, why = await counted_now(world(host), removal(prefix), OLD)
    assert before is not None and why == "" and before.bound is Bound.EXACT
    (prefix / "results").write_bytes(b"x" * (1 << 20))
    after, _ = await counted_now(world(host), removal(prefix), OLD)
    assert after is not None and after.exclusive_bytes - before.exclusive_bytes == 1 << 20
    # What the package cache links as well does not come free.
    assert after.shared_bytes > 0 and after.total_bytes == after.exclusive_bytes + after.shared_bytes
    # What was counted a moment ago is as good.
    assert await counted_now(world(host), removal(prefix), after) == (after, "")
    stale = replace(after, time=after.time - 60)
    assert (await counted_now(world(host), removal(prefix), stale))[0] not in (stale, None)


async def test_after_its_limit_it_says_so(host: ChangeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "LIMIT_S", 0.05)
    prefix = host.root.named("train", (PYTHON,))
    assert await counted_now(world(host, hangs=True), removal(prefix), OLD) == (OLD, "not counted in time")
    assert await counted_now(world(host, hangs=True), removal(prefix), None) == (None, "not counted in time")
