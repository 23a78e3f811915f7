"""What was put aside on a host: listed, brought back, removed for good."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from tui.domain.changes import Change
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.tasks import TaskSpec, is_task_id
from tui.domain.text import decode, encode
from tui.domain.trash import Aside, AsideState
from tui.remote.changes.guard import guard_args, guarded
from tui.remote.jobs import Job
from tui.remote.jsontext import read_object
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record, WireError, records

__all__ = ["TrashSeen", "list_trash", "purge_job", "restore_job"]

ANSWER_LIMIT = 16 << 20
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class TrashSeen:
    """The trash of one host."""

    asides: tuple[Aside, ...]
    """The newest first."""
    now: float
    """The host's clock, by which they are due."""


async def list_trash(
    lane: Lane, host: str, *, roots: Sequence[str] = (), envs_dirs: Sequence[str] = (), timeout: float = 30.0
) -> TrashSeen:
    """What is put aside on *host*, of the account's own and in or above *roots* and *envs_dirs*.

    Raises HostFaultError as :meth:`Lane.ask` does, and ``incomplete``.
    """
    places = tuple(dict.fromkeys((*roots, *envs_dirs)))
    body = await lane.ask(script("trash_list"), places, timeout=timeout, limit=ANSWER_LIMIT)
    now, uid, whole = 0.0, -1, False
    found: list[Aside] = []
    with suppress(WireError):
        for record in records(body):
            if record.tag == "now":
                now, uid = record.number(0) or 0.0, record.integer(1) or 0
            elif record.tag == "aside":
                aside = _aside(host, record, uid)
                if aside is not None:
                    found.append(aside)
            whole = record.tag == "end"
    if not whole:
        raise HostFaultError(
            Fault(
                FaultKind.INCOMPLETE,
                phrase("{host} did not list all that was put aside.", host=host),
                phrase("Try again."),
            )
        )
    return TrashSeen(tuple(sorted(found, key=lambda each: each.id, reverse=True)), now)


def restore_job(
    change: Change,
    aside: Aside,
    *,
    task_id: str,
    operator: str,
    roots: Sequence[str] = (),
    envs_dirs: Sequence[str] = (),
    played: bool = False,
) -> Job:
    """Bring *aside* back; refused (3) where something stands at its place. Raises ValueError when that is unknown."""
    if aside.prefix is None:
        raise ValueError("nobody knows where it was")
    args = guard_args(aside.prefix, accepted=change.accepted, played=played, roots=roots, envs_dirs=envs_dirs)
    spec = TaskSpec(
        task_id,
        "restore",
        aside.prefix,
        ("condafleet", "trash", "restore", f"{aside.host}:{aside.id}"),
        operator,
        places=(posixpath.dirname(aside.prefix), _place(aside)),
        summary=f"bring back {posixpath.basename(aside.prefix)}",
    )
    return Job(spec, guarded("change_restore", "change_trash"), (*args, aside.id, aside.path), as_owner=True)


def purge_job(
    change: Change,
    asides: Sequence[Aside],
    *,
    task_id: str,
    operator: str,
    only_due: bool = False,
    played: bool = False,
) -> Job:
    """Remove *asides*, of one host, for good; *only_due*: the host looks at its clock again, and leaves the others.

    What a process still uses is left, unless that was accepted. The status is 3 when all was refused.
    """
    if not asides:
        raise ValueError("nothing to purge")
    items = [word for each in asides for word in (each.id, each.path, each.prefix or each.path)]
    accepted = " ".join(sorted(kind.value for kind in change.accepted))
    first = asides[0]
    spec = TaskSpec(
        task_id,
        "purge",
        first.prefix or first.path if len(asides) == 1 else f"{len(asides)} environments",
        ("condafleet", "trash", "purge", *(f"{each.host}:{each.id}" for each in asides)),
        operator,
        places=tuple(dict.fromkeys(map(_place, asides))),
        summary=f"remove {len(asides)} for good that {'was' if len(asides) == 1 else 'were'} put aside",
    )
    args = (accepted, "1" if played else "0", "due" if only_due else "any", *items)
    return Job(spec, guarded("change_purge", "change_trash"), args, as_owner=True)


def _place(aside: Aside) -> str:
    """The directory that holds the trash: it stays when that goes, with a lock in it."""
    return posixpath.dirname(posixpath.dirname(aside.path)) or "/"


def _aside(host: str, record: Record, uid: int) -> Aside | None:
    if len(record.fields) != 5:
        return None
    name, path, owner = record.text(0) or "", record.text(1) or "", record.integer(3)
    try:
        state = AsideState(record.text(2) or "")
    except ValueError:
        return None
    if not is_task_id(name) or not path.startswith("/") or not path.endswith(f"/.condafleet-trash/{name}"):
        return None
    # Root acts as the account that put it there.
    aside = Aside(name, host, path, state, uid in (owner, 0))
    head, _, rest = record.fields[4].partition(b"\n")
    words = rest.split(b"\n")[0].split()
    values = read_object(head)
    aside = replace(aside, prefix=_path(values.get("prefix")), operator=_word(values.get("operator")))
    if len(words) != 7 or not all(word.isdigit() and len(word) <= 18 for word in words[:4]):
        return aside
    since, until, size, listed = map(int, words[:4])
    return replace(aside, since=float(since), until=float(until) or None, bytes=size, listed=listed == 1)


def _word(value: object) -> str | None:
    """A text that stands for bytes, of a length that a person reads."""
    if not isinstance(value, str) or not value or len(value) > LONGEST:
        return None
    try:
        raw = encode(value)
    except UnicodeEncodeError:
        return None
    return None if b"\0" in raw else decode(raw)


def _path(value: object) -> str | None:
    text = _word(value)
    return text if text is not None and text.startswith("/") else None
