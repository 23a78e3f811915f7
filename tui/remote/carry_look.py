"""What two hosts have of the packages that are to go from one to the other, and whether there is need: three questions.

Nothing is changed by them, but that on the target what was carried long ago and never used is cleared away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.carrying import Load, Parcel, Reach
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record, whole_answer

__all__ = ["TargetSeen", "ask_reach", "ask_source", "ask_target"]

ANSWER_LIMIT = 8 << 20
_REACH_S = 25.0


@dataclass(frozen=True, slots=True)
class TargetSeen:
    """What the host that is to get them has."""

    wanted: tuple[Parcel, ...] = ()
    """Neither in its caches nor waiting there."""
    arrived: tuple[Parcel, ...] = ()
    """Carried there before, whole, and not used yet."""
    clashing: tuple[Parcel, ...] = ()
    """Of which another package of the same name is unpacked in the cache: conda would look no further."""
    free_bytes: int | None = None
    refusal: str | None = None
    """Why nothing can be carried there, a phrase."""


async def ask_target(
    lane: Lane,
    host: str,
    caches: Sequence[str],
    parcels: Sequence[Parcel],
    *,
    mamba: bool,
    timeout: float,
    as_owner: bool = False,
) -> TargetSeen:
    """What *host* lacks; *caches*: its package caches, the one that is written first in front. Raises HostFaultError.

    *as_owner*: the task becomes the owner of what it changes (``sudo: true``), and would not get at what we put there.

    What is not unpacked there is read through, for its hash: for large packages that takes seconds.
    """
    words = [
        word
        for each in parcels
        for word in (each.algorithm, each.digest, each.url, each.staged, each.file, each.folder)
    ]
    args = ("mamba" if mamba else "conda", "1" if as_owner else "0", caches[0], str(len(caches)), *caches, *words)
    answer = await _ask(lane, host, "carry_look", args, timeout)
    how: dict[int, str | None] = {}
    free = None
    for record in answer:
        if record.tag == "no":
            return TargetSeen(refusal=_refusal(host, record.text(0) or "", record.text(1) or ""))
        if record.tag == "free":
            free = record.integer(0)
        number = record.integer(0)
        if record.tag == "has" and number is not None:
            how[number] = record.text(1)

    def chosen(word: str | None) -> tuple[Parcel, ...]:
        return tuple(each for number, each in enumerate(parcels) if how.get(number) == word)

    return TargetSeen(chosen(None), chosen("staged"), chosen("clash"), free)


async def ask_source(
    lane: Lane, host: str, caches: Sequence[str], parcels: Sequence[Parcel], *, timeout: float
) -> tuple[Load, ...]:
    """Those of *parcels* whose archives lie in *caches* of *host*, byte for byte. Raises HostFaultError."""
    words = [word for each in parcels for word in (each.algorithm, each.digest, each.file, each.folder)]
    found: dict[int, Load] = {}
    for record in await _ask(lane, host, "carry_find", (str(len(caches)), *caches, *words), timeout):
        number, size, path = record.integer(0), record.integer(1), record.text(2)
        if record.tag == "no":
            raise HostFaultError(_nothing(_refusal(host, record.text(0) or "", record.text(1) or "")))
        if record.tag != "found" or number is None or size is None or path is None:
            continue
        if size >= 0 and 0 <= number < len(parcels):
            found[number] = Load(parcels[number], path, size)
    return tuple(found[number] for number in sorted(found))


async def ask_reach(lane: Lane, host: str, root: str, addresses: Sequence[str]) -> Reach:
    """Whether the network of *host* reaches the servers of *addresses*, a few: no where it does not reach one of them.

    Within some seconds; it is asked with whatever of curl and Python is there, and unknown without, or where *root*'s
    configuration names a proxy. Raises HostFaultError.
    """
    answer = await _ask(lane, host, "carry_reach", (root, *addresses), _REACH_S)
    told = {record.integer(0): record.text(1) for record in answer if record.tag == "reach"}
    if "no" in told.values():
        return Reach.NO
    return (
        Reach.YES
        if [told.get(number) for number in range(len(addresses))] == ["yes"] * len(addresses)
        else Reach.UNKNOWN
    )


async def _ask(lane: Lane, host: str, name: str, args: Sequence[str], timeout: float) -> list[Record]:
    body = await lane.ask(script(name), args, timeout=timeout, limit=ANSWER_LIMIT)
    answer = whole_answer(body)
    if answer is None:
        raise HostFaultError(
            Fault(
                FaultKind.PROTOCOL,
                phrase("{host} gave an answer about its packages that makes no sense.", host=host),
                phrase("Try again."),
            )
        )
    return answer


def _nothing(message: str) -> Fault:
    return Fault(FaultKind.TOOL_MISSING, message, phrase("Nothing was carried, and nothing was started."))


def _refusal(host: str, why: str, what: str) -> str:
    if why == "missing":
        return phrase("{host} has no {program}, without which packages cannot be carried.", host=host, program=what)
    if why == "foreign":
        return phrase(
            "The package cache on {host} belongs to another account ({uid}): log in there as its owner to have "
            "packages carried.", host=host, uid=printable(what),
        )  # fmt: skip
    return phrase("Nothing can be carried to {host}: {place} is not ours to write.", host=host, place=printable(what))
