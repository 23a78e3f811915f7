"""Asking a host what the other tools' caches of its accounts hold."""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from tui.domain.caches import BLOCK, CacheItem, CacheKind, Caches, HubEntry, hub_repo
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable
from tui.remote.kept import KeptPass, read_pass
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record

__all__ = ["ask_caches"]

SILENCE_S = 60.0
ANSWER_LIMIT = 128 << 20
MOST_ITEMS = 6000
MOST_NAMED = 20
MOST_PLACES = 2000


@dataclass
class _Seen:
    kind: CacheKind
    path: str
    owner: str | None
    hub: bytearray = field(default_factory=bytearray)
    sums: list[int] | None = None
    denied: list[str] = field(default_factory=list)
    denied_count: int = 0


async def ask_caches(
    lane: Lane,
    host: str,
    *,
    timeout: float,
    homes: Sequence[str] = (),
    package_caches: Sequence[str] = (),
    cores: bool = True,
    kept: KeptPass | None = None,
) -> Caches:
    """The caches of our own account, of the accounts with *homes*, and what lies in the trash of *package_caches*.

    *cores*: also core dumps where systemd keeps them, beside those in homes.
    For our own account the variables of the environment count that move a cache; others' cannot be known. The pass runs
    at the lowest priority, and ends within about a second when the lane is closed; with *kept* it outlives the lane.

    Raises HostFaultError: ``tool_missing``, ``incomplete``, ``protocol``, ``too_large``, and as :func:`read_pass`.
    """
    if len(homes) + len(package_caches) > MOST_PLACES:
        message = phrase("Caches of too many accounts were asked for on {host}.", host=host)
        raise HostFaultError(Fault(FaultKind.TOO_LARGE, message, phrase("Choose some of them.")))
    words = ["home", "", *(("cores", "/var/lib/systemd/coredump") if cores else ())]
    for kind, paths in (("home", homes), ("trash", package_caches)):
        words += [word for path in paths if path for word in (kind, path)]

    async def read(said: AsyncIterator[Record]) -> tuple[dict[int, _Seen], bool]:
        return await _read(said, host)

    program = script("cache_kinds") + script("caches")
    seen, cut = await read_pass(
        kept, lane, host, program, words, read, timeout=timeout, idle=SILENCE_S, limit=ANSWER_LIMIT
    )
    try:
        # Off the loop: a large hub costs no other host's turn.
        items = await asyncio.to_thread(lambda: tuple(_item(each) for each in seen.values()))
    except ValueError as error:
        raise HostFaultError(_senseless(host)) from error
    return Caches(items, cut)


async def _read(said: AsyncIterator[Record], host: str) -> tuple[dict[int, _Seen], bool]:
    """What was said of each cache, and whether there are more. Raises HostFaultError."""
    seen: dict[int, _Seen] = {}
    whole = cut = False
    async for record in said:
        if record.tag == "missing":
            tool = printable((record.text(0) or "find")[:40])
            message = phrase("{host} has no {tool}: caches cannot be counted there.", host=host, tool=tool)
            raise HostFaultError(Fault(FaultKind.TOOL_MISSING, message, phrase("Install findutils and awk there.")))
        if record.tag == "end":
            whole = True
        elif record.tag == "cut":
            cut = True
        elif not _take(record, seen):
            raise HostFaultError(_senseless(host))
    if not whole:
        message = phrase("Counting the caches of {host} ended before its time.", host=host)
        raise HostFaultError(Fault(FaultKind.INCOMPLETE, message, phrase("Try again; see who ended it on the host.")))
    return seen, cut


def _senseless(host: str) -> Fault:
    message = phrase("What {host} says of its caches makes no sense.", host=host)
    return Fault(FaultKind.PROTOCOL, message, phrase("Try again."))


def _take(record: Record, seen: dict[int, _Seen]) -> bool:
    """Learn from one record; False when it contradicts what was said. Unknown ones are for later versions."""
    if record.tag not in ("item", "hub", "denied", "sum"):
        return True
    number = record.integer(0)
    if number is None:
        return False
    if record.tag == "item":
        kind, path = record.text(1), record.text(2)
        if number in seen or len(seen) >= MOST_ITEMS or path is None or kind not in list(CacheKind):
            return False
        seen[number] = _Seen(CacheKind(kind), path, record.text(3))
        return True
    item = seen.get(number)
    if item is None:
        return False
    if record.tag == "hub" and len(record.fields) > 1:
        item.hub += record.fields[1]
    elif record.tag == "denied":
        item.denied_count += 1
        if len(item.denied) < MOST_NAMED:
            item.denied.append(record.text(1) or item.path)
    elif record.tag == "sum":
        sums = [value for at in range(1, 6) if (value := record.integer(at)) is not None and value >= 0]
        held_more = len(sums) == 5 and max(sums[1:3]) <= sums[0]
        if not held_more or item.sums is not None:
            return False
        item.sums = sums
    return True


def _item(seen: _Seen) -> CacheItem:
    named = (tuple(seen.denied), seen.denied_count)
    if seen.sums is None:
        return CacheItem(seen.kind, seen.path, seen.owner, unreadable=named[0], unreadable_count=named[1])
    held, counted, freed, files, used = seen.sums
    # The script lists every repository, an empty one too: without a word of it, what lists was killed.
    listed = seen.kind is CacheKind.HUB and "--" in seen.path.rpartition("/")[2]
    repo = hub_repo(_entries(bytes(seen.hub))) if seen.hub or listed else None
    sizes = (held * BLOCK, counted * BLOCK, freed * BLOCK)
    return CacheItem(seen.kind, seen.path, seen.owner, *sizes, files, used or None, *named, repo)


def _entries(raw: bytes) -> list[HubEntry]:
    """The names of one repository. Raises ValueError."""
    try:
        fields = binascii.unhexlify(raw).split(b"\0")
    except binascii.Error as error:
        raise ValueError("no hexadecimal digits") from error
    if fields[-3:] != [b"end", b"", b""]:
        raise ValueError("it is cut short")
    found = []
    for head, target in zip(fields[:-3:2], fields[1:-3:2], strict=True):
        words = head.split(b" ", 7)
        numbers = words[2:5]
        if len(words) != 8 or not all(word.isdigit() and len(word) <= 20 for word in numbers):
            raise ValueError("an entry is not whole")
        if len(words[5]) > 40 or words[5].strip(b"-0123456789.") != b"":
            raise ValueError("an entry has no time")
        inode, links, blocks = (int(word) for word in numbers)
        used = max(float(words[5]), 0.0)
        kind, device = decode(words[0]), decode(words[1])
        found.append(
            HubEntry(
                decode(words[7]), kind, (device, inode), links, blocks, used, decode(target) if kind == "l" else None
            )
        )
    return found
