"""Copies: what an environment is made again from, on its own host or on another."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.changes import Change, ChangeKind
from tui.domain.cloning import plan_copy
from tui.domain.losses import NEEDS_SOURCE, losses
from tui.remote.exports import ask_export
from tui.services.changing.common import World

__all__ = ["with_source"]

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
    plan = plan_copy(change, record).change
    if source.host != change.host or change.kind is not ChangeKind.CLONE:
        return plan
    # pip's packages are asked for as well: not every tool copies them, and where one did there is nothing to do.
    missing = tuple(str(each.text) for each in losses(record) if each.reason in NEEDS_SOURCE)
    return replace(change, pip=plan.pip, missing=missing)
