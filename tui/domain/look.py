"""What a look at an environment found on its host, before it is changed. Pure.

The host says each concern as a word with figures; the sentences are made here, for the look before a change and for
what a task said when it refused, alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.domain.amounts import bytes_text, moment_text
from tui.domain.changes import Concern, ConcernKind
from tui.domain.phrases import Phrase, joined, mark, phrase, plural
from tui.domain.redact import redact
from tui.domain.text import printable

__all__ = ["Look", "Records", "Unowned", "concerns_said", "stamp_of", "unowned_said"]

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
    cut: bool = False
    """There are too many to look at each: of bytes and folders there is at least this, and a newer one may be there."""


@dataclass(frozen=True, slots=True)
class Records:
    """What an environment says of its packages, by which it is known again."""

    digest: str
    """Of names, sizes and times of what ``conda-meta`` holds and of what pip keeps: hexadecimal."""
    packages: int
    """conda's records and what pip installed."""


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
    records: Records | None = None
    """Where its contents were looked at."""


def stamp_of(look: Look) -> str:
    """*look* in one word for the host: what must be as it was when something is lost by the change.

    ``DIGEST PACKAGES FILES BYTES NEWEST``, the last three of the files that nobody owns, and ``-`` where these could
    not be counted. Empty where the contents were not looked at: then nothing is compared.
    """
    if look.records is None:
        return ""
    blind = look.unowned is None and any(each.kind is ConcernKind.UNOWNED for each in look.concerns)
    mine = look.unowned or Unowned(0, 0, 0)
    own = ("-", "-", "-") if blind else (str(mine.files), str(mine.bytes), str(int(mine.newest)))
    return " ".join((look.records.digest, str(look.records.packages), *own))


_BAD_PLACES = {
    "install": mark("{place} would lie in the install {other}, outside its directories of environments."),
    "cache": mark("{place} would lie in the package cache {other}, which is cleaned."),
    "environment": mark("{place} would lie in the environment {other}, and go with it."),
    "device": mark("{place} is on another file system than {other}: a new name cannot be given there. Clone it."),
}


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
            count, *figures = (*words[3:6], "", "", "")[:3]
            files, (size, newest) = _number(count.removesuffix("+")), map(_number, figures)
            if files is None or size is None:
                continue
            folders = []
            for at in range(6, len(words) - 2, 3):
                some, held = _number(words[at + 1]), _number(words[at + 2])
                if some is not None and held is not None:
                    folders.append((words[at], some, held))
            return Unowned(files, size, float(newest or 0), tuple(folders[:20]), count.endswith("+"))
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
        case ConcernKind.BAD_PLACE:
            why = first[0] if first[0] in _BAD_PLACES else "install"
            return phrase(_BAD_PLACES[why], place=place, other=first[1])
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
        case ConcernKind.OUTDATED:
            return _outdated(place, found)
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
            return _linked(place, first[0])
        case ConcernKind.NO_TOOL:
            return phrase("There is no {place} {program} that could be run.", place=place, program=first[0])
        case _:
            return phrase("{place}: {words}", place=place, words=" ".join([kind.value, *filter(None, first)]))


def _linked(place: str, count: str) -> Phrase:
    n = _number(count.removesuffix("+"))
    if n is None:
        return phrase("Whether soft links elsewhere lead into {place} could not be found out in time.", place=place)
    if count.endswith("+"):
        return phrase(
            "At least {n} soft links elsewhere lead into {place}: not all places were looked at in time.",
            n=n,
            place=place,
        )
    return plural(
        "A soft link elsewhere leads into {place}.",
        "{n} soft links elsewhere lead into {place}.",
        n,
        place=place,
    )


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
    values = {"place": place, "size": bytes_text(counted.bytes), "newest": moment_text(counted.newest)}
    if counted.cut:
        return phrase(
            "{place} holds at least {n} files of no package (at least {size}, the newest of {newest} or later): "
            "no archive rebuilds them.",
            n=f"{counted.files:,}",
            **values,
        )
    return plural(
        "{place} holds a file of no package ({size}, of {newest}): no archive rebuilds it.",
        "{place} holds {n} files of no package ({size}, the newest of {newest}): no archive rebuilds them.",
        counted.files,
        **values,
    )


def _outdated(place: str, found: list[Said]) -> Phrase:
    """From ``PACKAGES PACKAGES FILES FILES BYTES BYTES NEWEST NEWEST``, each as it was and as it is."""
    numbers = [_number(word) for word in (*found[0][1:9], *[""] * 8)[:8]]
    pairs = [(was, now) for was, now in zip(numbers[::2], numbers[1::2], strict=True)]
    more = [0 if was is None or now is None else now - was for was, now in pairs]
    parts = []
    if more[0]:
        parts.append(
            plural("{n} package more", "{n} packages more", more[0])
            if more[0] > 0
            else plural("{n} package fewer", "{n} packages fewer", -more[0])
        )
    if more[2] > 0:
        parts.append(phrase("{size} more of its own files", size=bytes_text(more[2])))
    elif more[1] > 0:
        parts.append(plural("{n} file more of its own", "{n} files more of its own", more[1]))
    elif more[3] > 0:
        parts.append(phrase("its own files were written to"))
    what = joined("{before}, {next}", parts) or phrase("other records")
    return phrase(
        "{place} changed since it was looked at: {what}. Look again: what is there now is archived then, "
        "and asked about.",
        place=place,
        what=what,
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
                lines += _folders(unowned_said([("concern", "unowned", *words)]))
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


def _folders(counted: Unowned | None) -> list[str]:
    if counted is None:
        return []
    lines: list[str] = []
    for folder, files, size in counted.folders:
        values = {"folder": _shown(folder), "size": bytes_text(size)}
        if counted.cut:
            lines.append(phrase("{folder}: at least {n} files, {size}", n=f"{files:,}", **values))
        else:
            lines.append(plural("{folder}: {n} file, {size}", "{folder}: {n} files, {size}", files, **values))
    return lines


def _shown(raw: str) -> str:
    return printable(raw)[:LONGEST]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
