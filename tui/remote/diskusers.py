"""Asking a host who may use its package caches, and for a stamp of what was counted."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.cacheusers import AccountsSeen, CacheAccess
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import records

__all__ = ["ask_stamp", "ask_users"]

MOST_HOMES = 100
MOST_LOOKED = 500
MOST_STAMPED = 4000


async def ask_users(
    lane: Lane, host: str, caches: Sequence[str], *, timeout: float, only: bool = False
) -> AccountsSeen:
    """Who gets into *caches* beside us, and whose environments are not looked at.

    *only*: the configuration names all places to look at; no home but ``$HOME`` is touched then.

    Raises HostFaultError: ``incomplete``, and as :meth:`Lane.ask`.
    """
    body = await lane.ask(script("disk_users"), (str(int(only)), *caches), timeout=timeout)
    uid: int | None = None
    login: int | None = None
    readable = everybody = whole = False
    homes: list[str] = []
    look: list[str] = []
    found: list[CacheAccess] = []
    for record in records(body):
        if record.tag == "me":
            uid, readable, login = record.integer(0), record.integer(1) == 1, record.integer(2)
        elif record.tag == "accounts":
            everybody = record.integer(0) == 1
        elif record.tag == "home" and len(homes) < MOST_HOMES:
            homes.append(record.text(0) or "/")
        elif record.tag == "look" and len(look) < MOST_LOOKED:
            look.append(record.text(0) or "/")
        elif record.tag == "cache":
            number = record.integer(0)
            if number is not None and 0 <= number < len(caches):
                found.append(
                    CacheAccess(caches[number], record.text(1), record.integer(2), record.text(3), record.text(4))
                )
        elif record.tag == "end":
            whole = True
    if not whole:
        message = phrase("{host} did not say who may use its package caches.", host=host)
        raise HostFaultError(Fault(FaultKind.INCOMPLETE, message, phrase("Try again.")))
    return AccountsSeen(uid, readable, everybody, tuple(homes), tuple(found), tuple(look), login)


async def ask_stamp(lane: Lane, places: Sequence[str], *, timeout: float) -> bytes:
    """A short text that is another one once something was installed into or removed from one of *places*.

    Files that are changed in place do not change it. A finer stamp would not prove more: a file that grows, or gains a
    link, changes neither its directory nor anything above, so that nothing less than asking every single entry for its
    time of change tells that all is as it was. That costs what ``du -s`` does, no less than to count again (the
    case "anything newer?" of ``python tests/benchmarks/bench_disk.py``); the times of all directories, which prove
    nothing, cost half of it already. So nothing is counted by halves: either this stamp is enough for who asks, and the
    count shows its age and since when nothing was installed, or all is counted anew.

    Raises HostFaultError as :meth:`Lane.ask`.
    """
    names = ("", "/conda-meta", "/conda-meta/history", "/cache", "/urls.txt")
    paths = [place + name for place in places for name in names]
    return await lane.ask(script("stamp"), tuple(paths[:MOST_STAMPED]), timeout=timeout)
