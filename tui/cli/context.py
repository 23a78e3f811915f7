"""One headless run: hosts are tried, what they answer is gathered within limits, and Ctrl-C ends the waiting."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from tui.cli.backend import Backend
from tui.cli.diag import Diag, progress_text
from tui.cli.out import Out
from tui.cli.report import HostReport, judge
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import History
from tui.domain.hosts import HostState
from tui.domain.settings import Settings
from tui.ports import Prompter
from tui.services.events import Event, HostChanged, HostNoticed
from tui.services.fleet import FleetApi
from tui.services.schedule import asks_for
from tui.services.schedule import limit as question_limit
from tui.services.store import HostView
from tui.terminal.prompts import TtyPrompter

__all__ = ["Context", "Fleet", "Gathered", "RunInterruptedError"]

EACH_HOST_S = 0.1
"""What each host of a large fleet adds to the overall wait: handshakes are admitted a few at a time."""
SEARCH_S = 3600.0
"""How long a polite search of a large file system may take."""
SLICE_S = 1.0
NO_LIMIT = 1_000_000
T = TypeVar("T")


class RunInterruptedError(CondafleetError):
    """The person pressed Ctrl-C."""

    kind = "interrupted"
    exit_code = 130


@dataclass(frozen=True, slots=True)
class Gathered:
    """The end of a run's waiting."""

    reports: tuple[HostReport, ...]
    interrupted: bool = False

    @property
    def error(self) -> CondafleetError | None:
        """The interruption, in words; None when every host answered or failed."""
        if not self.interrupted:
            return None
        late = sum(not report.finished for report in self.reports)
        return RunInterruptedError(f"Interrupted; {late} of {len(self.reports)} hosts had not answered yet.")


@dataclass(frozen=True)
class Context:
    """What a command is given."""

    args: argparse.Namespace
    settings: Settings
    backend: Backend
    out: Out
    diag: Diag

    @asynccontextmanager
    async def fleet(self, prompter: Prompter | None = None) -> AsyncIterator[Fleet]:
        """The fleet for the time of a command; closed within a second afterwards, whatever hosts do."""
        asks = prompter or TtyPrompter(around=self.diag.progress.silenced)
        settings = self.settings
        if getattr(self.args, "detach", False):
            # What waits for room waits in this program, which is about to end: all of it is begun at once.
            settings = replace(settings, limits=replace(settings.limits, tasks=NO_LIMIT))
        api = self.backend.build(settings, asks)
        try:
            with _told_to_end(), _ctrl_c() as interrupted:
                yield Fleet(api, self.diag, interrupted)
        finally:
            self.diag.progress.hide()
            await api.close()


class Fleet:
    """A started part of the fleet."""

    def __init__(self, api: FleetApi, diag: Diag, interrupted: asyncio.Event) -> None:
        self.api = api
        self.since = time.time()
        self.interrupted = interrupted
        self._diag = diag
        self._lost: dict[str, Fault] = {}

    async def gather(
        self,
        hosts: Sequence[str],
        parts: Sequence[str],
        *,
        search: str | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Gathered:
        """Try *hosts* and wait for *parts* of each: until all arrived or failed, the limit, or Ctrl-C.

        With *search*, environments are looked for below that path on each host first.
        *on_event* is called with each event of the fleet meanwhile.
        """
        limits = self.api.settings.limits
        # The services give up each question themselves and say why; this is for what they should miss.
        limit = limits.connect + max(question_limit(ask, limits) for ask in asks_for(parts)) + EACH_HOST_S * len(hosts)
        limit += SEARCH_S if search else 0
        stops = [self.api.bus.subscribe(lambda _: self._progress(hosts, parts)), self.api.bus.subscribe(self._note)]
        if on_event is not None:
            stops.append(self.api.bus.subscribe(on_event))
        failures: dict[str, HostFaultError] = {}
        try:
            self.api.set_visible(hosts, parts)
            await self.api.start(hosts)
            self._progress(hosts, parts, force=True)
            work = asyncio.ensure_future(self._work(hosts, parts, search, failures))
            await self._wait(work, hosts, limit)
        finally:
            for stop in stops:
                stop()
            self._diag.progress.hide()
        interrupted = self.interrupted.is_set()
        return Gathered(
            tuple(self._judge(name, parts, interrupted, limit, failures.get(name)) for name in hosts), interrupted
        )

    async def until(self, work: Coroutine[Any, Any, T], doing: str) -> T:
        """What *work* gives, with *doing* on the progress line. Raises what it raises, and Ctrl-C's error.

        Unlike the waiting for answers it has no limit of its own: whatever is asked of a host meanwhile has one.
        """
        running = asyncio.ensure_future(work)
        pressed = asyncio.ensure_future(self.interrupted.wait())
        self._diag.progress.show(doing, force=True)
        try:
            await asyncio.wait((running, pressed), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                return running.result()
            raise RunInterruptedError(f"Interrupted while {doing}.")
        finally:
            for task in (running, pressed):
                task.cancel()
            await asyncio.wait((running, pressed), timeout=SLICE_S)
            self._diag.progress.hide()

    async def history(self, env: Environment) -> History:
        """What was asked of conda for *env*, of a host that was gathered from. Raises HostFaultError, or Ctrl-C's."""
        limits = self.api.settings.limits
        limit = limits.connect + 2 * limits.command  # a shell of its own is opened for it first
        work = asyncio.ensure_future(self.api.history(env.host, env.prefix))
        self._diag.progress.show(f"{env.host}: reading the history")
        try:
            await self._wait(work, (env.host,), limit)
        finally:
            self._diag.progress.hide()
        if work.done() and not work.cancelled():
            return work.result()
        if self.interrupted.is_set():
            raise RunInterruptedError("Interrupted; the history was not read yet.")
        fault = Fault(FaultKind.TIMEOUT, f"{env.host} did not send the history within {limit:g} s.", "Try again.")
        raise HostFaultError(fault)

    async def _work(
        self, hosts: Sequence[str], parts: Sequence[str], search: str | None, failures: dict[str, HostFaultError]
    ) -> None:
        async def look(host: str, place: str) -> None:
            try:
                await self.api.search(host, place, lambda at: self._diag.progress.show(f"{host}: looking at {at}"))
            except HostFaultError as error:
                failures[host] = error

        if search is not None:
            await asyncio.gather(*(look(host, search) for host in hosts))
        await self.api.settled(hosts, parts)

    async def _wait(self, work: asyncio.Future[Any], hosts: Sequence[str], limit: float) -> None:
        """Until *work* ends, Ctrl-C, or *limit* seconds without counting those in which a person is asked."""
        pressed = asyncio.ensure_future(self.interrupted.wait())
        try:
            left = limit
            while left > 0:
                began = time.monotonic()
                done, _ = await asyncio.wait(
                    (work, pressed), timeout=min(SLICE_S, left), return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    break
                if not any(self.api.store.host(name).state is HostState.ASKING for name in hosts):
                    left -= time.monotonic() - began
            if work.done():
                work.result()
        finally:
            for task in (work, pressed):
                task.cancel()
            await asyncio.wait((work, pressed), timeout=SLICE_S)

    def _judge(
        self, name: str, parts: Sequence[str], interrupted: bool, limit: float, failure: HostFaultError | None
    ) -> HostReport:
        report = judge(
            self.api.store.host(name),
            parts,
            self.since,
            interrupted=interrupted,
            limit_s=limit,
            lost=self._lost.get(name),
        )
        if failure is None or report.fault is not None:
            return report
        return HostReport(
            report.view, report.since, None, (*report.part_faults, ("search", failure.fault)), report.finished
        )

    def _note(self, event: Event) -> None:
        """Remember how a host's connection failed: it may be up again, with nothing answered, when the run ends."""
        if isinstance(event, HostNoticed):
            self._diag.note(f"{event.host}: {event.text}")
        if isinstance(event, HostChanged):
            view = self.api.store.host(event.host)
            if view.fault is not None and view.state is HostState.WAITING:
                self._lost[event.host] = view.fault

    def _progress(self, hosts: Sequence[str], parts: Sequence[str], *, force: bool = False) -> None:
        if not (force or self._diag.progress.due):
            return
        waiting = [name for name in hosts if _waits(self.api.store.host(name), parts, self.since)]
        self._diag.progress.show(progress_text(len(hosts), waiting, _columns()), force=force)


def _waits(view: HostView, parts: Iterable[str], since: float) -> bool:
    if view.state is not HostState.UP and view.fault is not None:
        return False
    held = view.snapshot.parts()
    return any(held[name].fault is None and (held[name].time or 0) < since for name in parts)


def _columns() -> int:
    with contextlib.suppress(OSError):
        return os.get_terminal_size(2).columns or 80
    return 80


@contextmanager
def _ctrl_c() -> Iterator[asyncio.Event]:
    """The first Ctrl-C sets the event; the second ends the program as usual."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()
    before = signal.getsignal(signal.SIGINT)

    def first() -> None:
        pressed.set()
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        loop.add_signal_handler(signal.SIGINT, first)
    except (RuntimeError, ValueError):  # not the main thread: somebody else handles signals
        yield pressed
        return
    try:
        yield pressed
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        if before is not None:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM and SIGHUP cancel the command, so that a terminal in use for it is given back as it was."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    handled = []
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(RuntimeError, ValueError):  # not the main thread
            loop.add_signal_handler(number, task.cancel if task else lambda: None)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
