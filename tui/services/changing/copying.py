"""Copies: what an environment is made again from, on its own host or on another."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.changes import Change, ChangeKind
from tui.domain.losses import Reason, losses
from tui.domain.remake import remake
from tui.remote.exports import ask_export
from tui.services.changing.common import World

__all__ = ["with_source"]

_NO_COPY = frozenset(
    {
        Reason.EDITABLE, Reason.LOCAL, Reason.DIRECT_URL, Reason.NO_VERSION, Reason.ODD_NAME, Reason.NO_ADDRESS,
        Reason.BROKEN_RECORD, Reason.NOT_READ,
    }
)  # fmt: skip
"""What keeps a copy on another host from being one."""
_NO_COPY_HERE = frozenset({Reason.EDITABLE, Reason.LOCAL, Reason.DIRECT_URL})
"""What a copy on the same host shares with its source instead of having it, or was never to be had again."""
EXPORT = "export"
PATIENCE = 4


async def with_source(world: World, change: Change) -> Change:
    """*change*, with what its source is made again from: the very packages where their addresses are known, then pip's.

    On the same host the tool itself copies, and only what cannot be copied is named. Raises HostFaultError.
    """
    source = change.source
    if source is None or change.kind not in (ChangeKind.CLONE, ChangeKind.CREATE):
        return change
    limit = PATIENCE * world.settings.limits.command
    record = await world.put(
        source.host, EXPORT, lambda lane: ask_export(lane, source.host, source.prefix, timeout=limit)
    )
    here = source.host == change.host and change.kind is ChangeKind.CLONE
    wanted = _NO_COPY_HERE if here else _NO_COPY
    missing = tuple(str(each.text) for each in losses(record) if each.reason in wanted)
    if here:
        return replace(change, missing=missing)
    wish = remake(record)
    return replace(
        change, explicit=wish.explicit, specs=wish.specs, channels=wish.channels, pip=wish.pip, missing=missing
    )
