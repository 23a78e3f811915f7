"""All kinds of changes by what they are called."""

from __future__ import annotations

from collections.abc import Mapping

from tui.domain.changes import ChangeKind
from tui.services.changedesk import Kind
from tui.services.changing.anew import AnewKind
from tui.services.changing.common import World
from tui.services.changing.removing import PurgeKind, RemoveKind, RestoreKind
from tui.services.changing.tooling import ToolKind

__all__ = ["change_kinds"]


def change_kinds(world: World) -> Mapping[ChangeKind, Kind]:
    """What each kind looks at and runs."""
    tool = ToolKind(world)
    by_tool = (ChangeKind.CREATE, ChangeKind.CLONE, ChangeKind.INSTALL, ChangeKind.UPDATE, ChangeKind.UNINSTALL)
    return {
        **dict.fromkeys(by_tool, tool),
        **dict.fromkeys((ChangeKind.RENAME, ChangeKind.RECREATE), AnewKind(world)),
        ChangeKind.REMOVE: RemoveKind(world),
        ChangeKind.RESTORE: RestoreKind(world),
        ChangeKind.PURGE: PurgeKind(world),
    }
