"""The room on a host's disks for what a change makes: where the environment is, and where packages are kept."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.beforehand import Need, copy_need, space_concerns
from tui.domain.changes import Change, ChangeKind, Concern
from tui.services.changedesk import Ground
from tui.services.changing.common import mount_at

__all__ = ["room_for"]


def room_for(change: Change, ground: Ground, caches: Sequence[str], need: Need | None = None) -> tuple[Concern, ...]:
    """What speaks against it by the free space and inodes as they were measured last.

    *need*: as the tool's dry run tells; None for a copy, of which is known what the copied one held.
    """
    place = change.new_prefix or change.prefix
    mount = mount_at(ground, place)
    cache = mount_at(ground, caches[0]) if caches else None
    if need is not None:
        return space_concerns(need, mount, cache)
    old = change.prefix
    if change.kind is ChangeKind.CLONE and change.source is not None:
        if change.source.host != change.host:
            return space_concerns(Need(), mount, cache)
        old = change.source.prefix
    known = ground.environment(old)
    linked = cache is None or mount is None or cache.path == mount.path
    return space_concerns(copy_need(None if known is None else known.size, linked), mount, mount)
