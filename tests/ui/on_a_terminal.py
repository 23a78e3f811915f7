"""Run by a test inside a pty: the screen over a fake fleet whose hosts never stop talking.

Its terminals say REMOTE, live for half a second and then lose their connection.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from typing import cast

from tests.ui.fake_fleet import NOW, FakeFleet, fault, usual_fleet
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostState
from tui.ports import Channel, Prompter, TermRequest
from tui.services.fleet import TerminalPlan
from tui.ui.run import run_screen


class DyingChannel:
    """A channel that is lost while it is looked at."""

    def __init__(self) -> None:
        self.said = False

    async def read(self, limit: int = 65536) -> bytes:
        if not self.said:
            self.said = True
            return b"\x1b[?1049h\x1b[?1000hREMOTE"
        await asyncio.sleep(0.5)
        raise HostFaultError(fault(FaultKind.LOST, "The connection was lost."))

    async def write(self, data: bytes) -> None: ...

    async def write_eof(self) -> None: ...

    async def wait(self) -> int | None:
        return None

    def stderr_tail(self) -> bytes:
        return b""

    def resize(self, columns: int, rows: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...


class TalkingFleet(FakeFleet):
    """Changes a host 200 times a second: a repaint each 100 ms, and far more than 30 while somebody is attached."""

    talk: asyncio.Task[None] | None = None

    async def start(self, hosts: Iterable[str] | None = None) -> None:
        self.talk = asyncio.create_task(self._talk())

    async def _talk(self) -> None:
        for number in range(100_000):
            self.state("newbox", HostState.UP if number % 2 else HostState.CONNECTING)
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        if self.talk is not None:
            self.talk.cancel()

    async def terminal(self, plan: TerminalPlan, term: TermRequest) -> Channel:
        return cast("Channel", DyingChannel())


def make(prompter: Prompter) -> FakeFleet:
    """The usual fleet, talking."""
    usual = usual_fleet()
    fleet = TalkingFleet(view.spec for view in usual.store.hosts())
    fleet.store, fleet.bus = usual.store, usual.bus
    fleet.store.write_log("newbox", "ready", NOW)
    return fleet


if __name__ == "__main__":
    sys.exit(run_screen(make))
