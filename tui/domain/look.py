"""What a look at an environment found on its host, before it is changed. Pure.

The host says each concern as a word with figures; the sentences are made here, for the look before a change and for
what a task said when it refused, alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.domain.changes import Concern, ConcernKind
from tui.domain.phrases import Phrase, phrase, plural
from tui.domain.redact import redact
from tui.domain.text import printable

__all__ = ["Look", "Unowned", "concerns_said", "unowned_said"]

Said = Sequence[str]
"""``("concern", KIND, PLACE, DETAIL…)`` in raw text."""

MOST_DETAILS = 50
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Unowned:
    """Files that no package record and no RECORD of pip owns."""

    files: int
    bytes: int
    newest: float
    """Unix time, host's clock."""
    folders: tuple[tuple[str, int, int], ...] = ()
    """The largest: place below the prefix (raw text), files, bytes."""


@dataclass(frozen=True, slots=True)
class Look:
    """One environment as its host showed it now. Advice: the host looks again inside the task. Strings are raw text."""

    host: str
    prefix: str
    concerns: tuple[Concern, ...]
    real: str | None = None
    """The path without soft links; None, as all that follows, when it could not be opened."""
    device: int | None = None
    inode: int | None = None
    """With the device, what the task must find at that path again."""
    uid: int | None = None
    owner: str | None = None
    fs_type: str | None = None
    mount: str | None = None
    free_bytes: int | None = None
    free_inodes: int | None = None
    unowned: Unowned | None = None


def concerns_said(said: Iterable[Said]) -> tuple[Concern, ...]:
    """The concerns among what a host said, those of one kind together; what makes no sense is left out."""
    groups: dict[ConcernKind, list[Said]] = {}
    for words in said:
        if len(words) < 3 or words[0] != "concern":
            continue
        try:
            kind = ConcernKind(words[1])
        except ValueError:
            continue
        groups.setdefault(kind, []).append(words[2:])
    return tuple(Concern.of(kind, _sentence(kind, found), _details(kind, found)) for kind, found in groups.items())


def unowned_said(said: Iterable[Said]) -> Unowned | None:
    """The figures of files that nobody owns; None where there are none, or they could not be counted."""
    for words in said:
        if tuple(words[:2]) == ("concern", "unowned"):
            files, size, newest = (_number(word) for word in (*words[3:6], "", "", "")[:3])
            if files is None or size is None:
                continue
            folders = []
            for at in range(6, len(words) - 2, 3):
                count, held = _number(words[at + 1]), _number(words[at + 2])
                if count is not None and held is not None:
                    folders.append((words[at], count, held))
            return Unowned(files, size, float(newest or 0), tuple(folders[:20]))
    return None


def _sentence(kind: ConcernKind, found: list[Said]) -> Phrase:
    place = _shown(found[0][0])
    first = [_shown(word) for word in (*found[0][1:], "", "", "", "")]
    n = _number(found[0][1] if len(found[0]) > 1 else "")
    match kind:
        case ConcernKind.BASE:
            return phrase("{place} is the base of an install.", place=place)
        case ConcernKind.INSTALL_ROOT:
            return phrase("{place} is the root of an install, or holds one.", place=place)
        case ConcernKind.HOME:
            return phrase(
                "{place} is or holds {home}: a home or a directory of the system is no environment.",
                place=place,
                home=first[0],
            )
        case ConcernKind.MOUNT_POINT:
            return phrase("{place} is a mount point.", place=place)
        case ConcernKind.EXISTS:
            return phrase("There is something at {place} already.", place=place)
        case ConcernKind.MISSING:
            return phrase("There is no directory {place}.", place=place)
        case ConcernKind.NOT_AN_ENVIRONMENT:
            return phrase("{place} is no environment: it has no conda-meta/history.", place=place)
        case ConcernKind.INCOMPLETE:
            return phrase(
                "{place} has no conda-meta/history: it is what is left of an environment, or something else.",
                place=place,
            )
        case ConcernKind.SOFT_LINK:
            return phrase("{place} is a soft link to {target}: name that.", place=place, target=first[0])
        case ConcernKind.CHANGED:
            return phrase("{place} is not the directory that was looked at before.", place=place)
        case ConcernKind.READ_ONLY:
            return phrase("{place} is on a file system that is read-only.", place=place)
        case ConcernKind.FOREIGN_OWNER:
            return phrase("{place} belongs to another account ({owner}).", place=place, owner=first[0])
        case ConcernKind.NOT_WRITABLE:
            return _not_writable(place, first)
        case ConcernKind.IN_USE:
            return plural(
                "A process uses {place} now.", "{n} processes use {place} now.", _processes(found), place=place
            )
        case ConcernKind.USE_UNKNOWN:
            return _use_unknown(place, found)
        case ConcernKind.FROZEN:
            return phrase("{place} is frozen.", place=place)
        case ConcernKind.UNOWNED:
            return _unowned(place, found)
        case ConcernKind.EDITABLE:
            return phrase("{place} holds sources that are installed in place.", place=place)
        case ConcernKind.NESTED:
            return plural(
                "Another environment lies in {place}.", "{n} other environments lie in {place}.", n or 1, place=place
            )
        case ConcernKind.MOUNTED:
            return phrase("Another file system is mounted in {place}: nothing of it is removed.", place=place)
        case ConcernKind.LINKED_FROM:
            return plural(
                "A soft link elsewhere leads into {place}.",
                "{n} soft links elsewhere lead into {place}.",
                n or 1,
                place=place,
            )
        case _:
            return phrase("{place}: {words}", place=place, words=" ".join([kind.value, *filter(None, first)]))


def _processes(found: list[Said]) -> int:
    return len({words[1] for words in found if len(words) > 1})


def _not_writable(place: str, first: list[str]) -> Phrase:
    why, where = first[0], first[2] or place
    if why == "parent":
        return phrase("This account may not write to {where}, which holds {place}.", where=where, place=place)
    if why == "sticky":
        return phrase("In {where} only the owner of {place} may remove it.", where=where, place=place)
    if why == "immutable":
        return phrase("Something in {place} is marked as immutable: {where}.", place=place, where=where)
    if why == "enter":
        return phrase("This account may not enter {place}.", place=place)
    return phrase("This account may not change all of {place}: {where}.", place=place, where=where)


def _use_unknown(place: str, found: list[Said]) -> Phrase:
    reasons = {words[1]: words[2] if len(words) > 2 else "" for words in found if len(words) > 1}
    if "network" in reasons:
        kind = _shown(reasons["network"])
        return phrase(
            "Other hosts may use {place}, which is on a network file system ({kind}).", place=place, kind=kind
        )
    unseen = _number(reasons.get("unseen", ""))
    if unseen:
        return plural(
            "Whether {place} is used cannot be known: a process of another account could not be looked at.",
            "Whether {place} is used cannot be known: {n} processes of other accounts could not be looked at.",
            unseen,
            place=place,
        )
    return phrase("Whether {place} is used cannot be known: not all processes can be seen there.", place=place)


def _unowned(place: str, found: list[Said]) -> Phrase:
    counted = unowned_said(("concern", "unowned", *words) for words in found)
    if counted is None:
        return phrase("What {place} holds could not be read to its end.", place=place)
    return plural(
        "{place} holds a file of no package ({bytes} bytes): no archive rebuilds it.",
        "{place} holds {n} files of no package ({bytes} bytes): no archive rebuilds them.",
        counted.files,
        place=place,
        bytes=f"{counted.bytes:,}",
    )


def _details(kind: ConcernKind, found: list[Said]) -> tuple[str, ...]:
    lines: list[str] = []
    for words in found:
        rest = words[1:]
        match kind:
            case ConcernKind.IN_USE if len(rest) >= 5:
                pid, user, ways, _, program = rest[:5]
                lines.append(f"{_shown(pid)} {_shown(user)} {_shown(redact(program))} ({_shown(ways)})")
            case ConcernKind.UNOWNED:
                lines += ["  ".join(map(_shown, rest[at : at + 3])) for at in range(3, len(rest) - 2, 3)]
            case ConcernKind.LINKED_FROM:
                lines += [f"{_shown(rest[at])} -> {_shown(rest[at + 1])}" for at in range(1, len(rest) - 1, 2)]
            case ConcernKind.NESTED:
                lines += [_shown(word) for word in rest[1:]]
            case ConcernKind.NOT_WRITABLE:
                lines += [_shown(word) for word in rest[2:]]
            case ConcernKind.EDITABLE | ConcernKind.MOUNTED | ConcernKind.FROZEN:
                lines += [_shown(word) for word in rest if word.strip()]
            case ConcernKind.USE_UNKNOWN:
                lines.append(" ".join(filter(None, map(_shown, rest))))
    return tuple(lines[:MOST_DETAILS])


def _shown(raw: str) -> str:
    return printable(raw)[:LONGEST]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
