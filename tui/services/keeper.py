"""Keeps the last snapshots on the operator's disk: off the event loop, seldom, and never at a host's cost."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Sequence

from tui.domain.snapshot import HostSnapshot
from tui.domain.text import printable
from tui.ports import Clock, SnapshotStore
from tui.services.store import HostView, Store

__all__ = ["SAVE_EVERY_S", "SnapshotKeeper"]

LOG = logging.getLogger(__name__)

SAVE_EVERY_S = 60.0
"""A host's snapshot is written at most once in so many seconds, except at the end."""
LOAD_AT_ONCE = 8

Searched = tuple[tuple[str, ...], tuple[str, ...]]
"""Places that were searched, and prefixes that were found there."""


class SnapshotKeeper:
    """Writes what changed and reads it back at the next start. A disk that fails is logged and costs nothing else."""

    def __init__(self, disk: SnapshotStore, store: Store, clock: Clock) -> None:
        self._disk = disk
        self._store = store
        self._clock = clock
        self._dirty: dict[str, None] = {}
        self._saved_at: dict[str, float] = {}
        self._saved: dict[str, HostSnapshot] = {}
        self._wake = asyncio.Event()

    async def load(self, hosts: Iterable[str]) -> None:
        """Put what was kept of *hosts* into the store, as stale, a few hosts at a time."""
        names = list(hosts)
        for at in range(0, len(names), LOAD_AT_ONCE):
            try:
                found = await asyncio.to_thread(self._disk.load, names[at : at + LOAD_AT_ONCE])
            except (OSError, ValueError):
                LOG.exception("the last snapshots could not be read")
                return
            for name, snapshot in found.items():
                if name in self._store:
                    self._store.set_parts(name, snapshot.parts(), self._clock.now(), stale=True)

    async def load_search(self, hosts: Iterable[str]) -> dict[str, Searched]:
        """What earlier searches left, for the hosts that were searched."""
        names = list(hosts)

        def read() -> dict[str, Searched]:
            searched = {name: (self._disk.load_search(name), self._disk.load_found(name)) for name in names}
            return {name: (places, found) for name, (places, found) in searched.items() if places or found}

        try:
            return await asyncio.to_thread(read)
        except (OSError, ValueError):
            LOG.exception("the remembered places to search could not be read")
            return {}

    async def add_search(self, host: str, path: str, found: Sequence[str]) -> str | None:
        """Remember *path* as a place to search on *host*, and what was *found* there, in place of what once was.

        The place alone is not enough: it is walked a few levels deep only, a search goes deeper. Returns why it
        could not be remembered, in printed form; None when it was.
        """

        def write() -> str | None:
            places = tuple(place for place in self._disk.load_search(host) if place != path)
            below = path.rstrip("/") + "/"
            others = (prefix for prefix in self._disk.load_found(host) if not (prefix + "/").startswith(below))
            return self._disk.save_search(host, (*places, path), (*found, *others))

        try:
            return await asyncio.to_thread(write)
        except (OSError, ValueError) as error:
            LOG.exception("the place to search on %s could not be remembered", host)
            return printable(str(error) or type(error).__name__)

    def mark(self, host: str) -> None:
        """*host* has something new that is worth keeping."""
        self._dirty[host] = None
        self._wake.set()

    async def run(self) -> None:
        """Save what is marked, one host at a time; endless."""
        while True:
            now = self._clock.monotonic()
            waits = {host: self._saved_at.get(host, now - SAVE_EVERY_S) + SAVE_EVERY_S - now for host in self._dirty}
            due = next((host for host, wait in waits.items() if wait <= 0), None)
            if due is not None:
                await self._save(due)
            elif waits:
                await self._clock.sleep(min(waits.values()))
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _save(self, host: str) -> None:
        del self._dirty[host]
        self._saved_at[host] = self._clock.monotonic()
        snapshot = self._store.host(host).snapshot
        try:
            await asyncio.to_thread(self._disk.save, snapshot)
        except (OSError, ValueError):
            LOG.exception("the snapshot of %s could not be kept", host)
        else:
            self._saved[host] = snapshot

    async def finish(self, seconds: float) -> None:
        """Save what changed since it was saved, marked hosts first, as far as *seconds* of real time reach."""
        changed = [
            view.snapshot
            for view in self._store.hosts()
            if self._saved.get(view.name) is not view.snapshot and _has_news(view)
        ]
        changed.sort(key=lambda snapshot: snapshot.host not in self._dirty)
        enough = threading.Event()

        def save() -> None:
            for snapshot in changed:
                if enough.is_set():
                    return
                try:
                    self._disk.save(snapshot)
                except (OSError, ValueError):
                    LOG.exception("the snapshot of %s could not be kept", snapshot.host)

        work = asyncio.ensure_future(asyncio.to_thread(save))
        await asyncio.wait((work,), timeout=seconds)
        enough.set()


def _has_news(view: HostView) -> bool:
    return any(part.time is not None and name not in view.stale_parts for name, part in view.snapshot.parts().items())
