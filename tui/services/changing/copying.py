"""Copies: what an environment is made again from, on its own host or on another."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind
from tui.domain.cloning import CopyPlan, plan_copy
from tui.domain.losses import NEEDS_SOURCE, losses
from tui.domain.phrases import phrase
from tui.remote.exports import ask_export
from tui.services.changing.common import World

__all__ = ["with_source"]

EXPORT = "export"
PATIENCE = 4


async def with_source(world: World, change: Change) -> CopyPlan:
    """*change* and what speaks against it, with what its source is made again from: the very packages where their
    addresses are known, then pip's.

    On the same host the tool itself copies, and only what cannot be copied is named. Raises HostFaultError.
    """
    source = change.source
    if source is None or change.kind not in (ChangeKind.CLONE, ChangeKind.CREATE):
        return CopyPlan(change)
    limit = PATIENCE * world.settings.limits.command
    record = await world.put(
        source.host, EXPORT, lambda lane: ask_export(lane, source.host, source.prefix, timeout=limit)
    )
    plan = plan_copy(change, record)
    if source.host != change.host or change.kind is not ChangeKind.CLONE:
        return plan
    # pip's packages are asked for as well: not every tool copies them, and where one did there is nothing to do.
    missing = tuple(str(each.text) for each in losses(record) if each.reason in NEEDS_SOURCE)
    concerns: tuple[Concern, ...] = ()
    if missing:
        text = phrase("Not all of it can be made again: the copy will be told as failed, with this list.")
        concerns = (Concern.of(ConcernKind.NOT_REPRODUCED, text, missing),)
    return CopyPlan(replace(change, pip=plan.change.pip, missing=missing), concerns, plan.packages)
