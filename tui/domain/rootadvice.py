"""What root's help would change about what speaks against something (``sudo: true`` of a host). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tui.domain.changes import Concern, ConcernKind
from tui.domain.phrases import Phrase, phrase
from tui.domain.text import printable

__all__ = ["advised"]


def advised(
    concerns: Iterable[Concern],
    *,
    sudo: bool,
    uid: int | None,
    owner_uid: int | None = None,
    owner: str | None = None,
) -> tuple[Concern, ...]:
    """*concerns*, each with what to do about it where that is root's to help with.

    *sudo*: it is configured for the host; *uid*: who we are there; *owner_uid*, *owner*: whose the thing is, where that
    is known, the name empty where no account has that number.
    """
    return tuple(
        replace(each, details=(*each.details, more))
        if (more := _advice(each, sudo=sudo, uid=uid, owner_uid=owner_uid, owner=owner)) is not None
        else each
        for each in concerns
    )


def _advice(each: Concern, *, sudo: bool, uid: int | None, owner_uid: int | None, owner: str | None) -> Phrase | None:
    foreign = owner_uid is not None and owner_uid != uid
    if each.kind is ConcernKind.USE_UNKNOWN and not sudo and uid not in (0, None):
        return phrase("With `sudo: true` for this host root looks at all processes, where sudo allows that.")
    if each.kind not in (ConcernKind.NOT_WRITABLE, ConcernKind.FOREIGN_OWNER):
        return None
    if foreign and not owner and (sudo or uid == 0):
        return phrase(
            "No account has the number {n} any more, so nobody can act as it: give it to an account (chown), or see "
            "to it as root by hand.",
            n=str(owner_uid),
        )
    if uid in (0, None) or (owner_uid is not None and not foreign):
        return None
    shown = printable(owner)[:100] if owner else phrase("another account")
    if sudo:
        return phrase("Owned by {owner}: root could not act as that account; the host's faults say why.", owner=shown)
    return phrase(
        "Owned by {owner}: set `sudo: true` for this host if sudo lets you act as that account there.", owner=shown
    )
