"""Looking at an environment before it is changed: read-only, at low priority, bounded by its time limit."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.look import Look, Records, concerns_said, unowned_said
from tui.domain.phrases import phrase
from tui.remote.changes.guard import guard_args, guarded
from tui.remote.lane import Lane
from tui.remote.wire import Record, WireError, records

__all__ = ["ALL_CHECKS", "look", "said_of"]

ALL_CHECKS = ("place", "frozen", "removable", "use", "contents", "links")
"""What a removal looks at; other changes leave some of it out, and say ``writable``: only a removal acts as the owner
where root asks for it."""
ANSWER_LIMIT = 4 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def said_of(record: Record) -> tuple[str, ...]:
    """What a ``=said`` record says, as raw text; empty for other records."""
    if record.tag != "said":
        return ()
    return tuple(record.text(at) or "" for at in range(len(record.fields)))


async def look(
    lane: Lane,
    host: str,
    prefix: str,
    *,
    envs_dirs: Sequence[str] = (),
    roots: Sequence[str] = (),
    played: bool = False,
    checks: Sequence[str] = ALL_CHECKS,
    timeout: float = 120.0,
) -> Look:
    """What *prefix* (absolute) is now, and what speaks against changing it.

    *roots*: the host's installs; *envs_dirs*: its directories of environments. The answer is advice: the same is
    found again inside the task. Raises HostFaultError as :meth:`Lane.ask` does, and ``incomplete``, ``protocol``.
    """
    args = (*guard_args(prefix, played=played, roots=roots, envs_dirs=envs_dirs), *checks)
    body = await lane.ask(guarded("change_look", "change_newplace"), args, timeout=timeout, limit=ANSWER_LIMIT)
    try:
        answer = list(records(body))
    except WireError as error:
        raise HostFaultError(
            Fault(
                FaultKind.PROTOCOL,
                phrase("{host} gave an answer about an environment that makes no sense.", host=host),
                phrase("Try again."),
            )
        ) from error
    if not answer or answer[-1].tag != "end":
        raise HostFaultError(
            Fault(
                FaultKind.INCOMPLETE,
                phrase("{host} did not look at the whole environment.", host=host),
                phrase("Try again; see who ended it on the host."),
            )
        )
    said = [words for record in answer if (words := said_of(record))]
    known = next((made for record in answer if (made := _records(record)) is not None), None)
    found = Look(host, prefix, concerns_said(said), unowned=unowned_said(said), records=known)
    return next((_opened(found, record) for record in answer if record.tag == "opened"), found)


def _records(record: Record) -> Records | None:
    digest, packages = record.text(0), record.integer(1)
    if record.tag != "records" or digest is None or packages is None or not _DIGEST.fullmatch(digest):
        return None
    return Records(digest, packages)


def _opened(found: Look, record: Record) -> Look:
    free, _, inodes = (record.text(7) or "").partition(" ")
    return Look(
        found.host,
        found.prefix,
        found.concerns,
        real=record.text(0),
        device=record.integer(1),
        inode=record.integer(2),
        uid=record.integer(3),
        owner=record.text(4),
        fs_type=record.text(5),
        mount=record.text(6),
        free_bytes=int(free) if free.isdigit() and len(free) <= 18 else None,
        free_inodes=int(inodes) if inodes.isdigit() and len(inodes) <= 18 else None,
        unowned=found.unowned,
        records=found.records,
    )
