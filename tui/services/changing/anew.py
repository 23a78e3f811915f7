"""Renaming an environment, and making one anew in its place: both end with the old one gone, so both look as a removal
does."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.beforehand import naming_concern
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, Severity
from tui.domain.cloning import plan_copy
from tui.domain.look import stamp_of
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.domain.toolargs import Toolbox, choose_tool, shown_argv
from tui.domain.toolwords import prefix_concern
from tui.remote.changes.tool import Means, check_words, tool_job
from tui.remote.changes.tools import ask_tools
from tui.remote.exports import ask_export
from tui.remote.jobs import Job
from tui.services.changedesk import Ground
from tui.services.changing.common import LANE, World, envs_dirs, look_at, played, protection, roots
from tui.services.changing.copying import EXPORT, PATIENCE
from tui.services.changing.room import room_for

__all__ = ["AnewKind"]

KEPT_S = 7 * 24 * 3600.0
"""For so long stays aside what could not all be made anew."""


class AnewKind:
    """See :class:`tui.services.changedesk.Kind`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        """Look at what is there, at where it goes, and at what it is made from."""
        world, install = self._world, ground.install(change.install)
        found = await look_at(world, ground, change.prefix)
        concerns = [*protection(world, change), *found.concerns]
        if change.kind is ChangeKind.RENAME:
            # What lies in it beside its own is no part of it that a copy could have.
            concerns = [_forbidden(each) if each.kind in _NO_COPY else each for each in concerns]
            concerns += await self._new_place(change, ground)
        if install is None:
            place = printable(change.prefix)
            text = phrase("No install of {host} is known to change {place}.", host=change.host, place=place)
            concerns.append(Concern.of(ConcernKind.NO_TOOL, text))
        if install is None or any(each.severity is Severity.FORBIDDEN for each in concerns):
            return Prepared(change, (), world.clock.now(), tuple(concerns), look=found)
        limit = world.settings.limits.command
        box = await world.put(change.host, LANE, lambda lane: ask_tools(lane, change.host, install, timeout=limit))
        record = await world.put(
            change.host, EXPORT, lambda lane: ask_export(lane, change.host, change.prefix, timeout=PATIENCE * limit)
        )
        plan = plan_copy(change, record)
        tool = choose_tool(box, change.kind)
        if isinstance(tool, Concern):
            return Prepared(change, (), world.clock.now(), (*concerns, tool), look=found)
        if change.kind is ChangeKind.RENAME:
            # Whatever the tool copies: the task compares all files, pip's too, and brings what is lacking.
            change = replace(change, pip=())
        else:
            concerns += plan.concerns
            change = plan.change
            unowned = [each for each in found.concerns if each.kind in _STAYS_ASIDE]
            if unowned:
                text = phrase(
                    "What no package owns is not in the new one. The old one stays aside for 7 days, as it was."
                )
                concerns.append(Concern(ConcernKind.NOT_REPRODUCED, text, Severity.WARNING))
            if unowned or change.missing:
                change = replace(change, keep_s=max(change.keep_s, KEPT_S))
        change = replace(change, keep_s=max(change.keep_s, world.settings.removal_keep))
        check_words(change)
        concerns += room_for(change, ground, box.caches)
        return Prepared(
            change,
            shown_argv(tool, change),
            world.clock.now(),
            tuple(concerns),
            plan.packages if change.kind is ChangeKind.RECREATE else None,
            free_bytes=found.free_bytes,
            free_inodes=found.free_inodes,
            look=found,
            tool=tool,
            caches=box.caches,
        )

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""
        install = ground.install(prepared.change.install)
        assert install is not None, "without an install it is refused"
        assert prepared.look is not None, "it was looked at"
        box = Toolbox(install.root, () if prepared.tool is None else (prepared.tool,), prepared.caches)
        means = Means(
            install,
            box,
            prepared.tool,
            roots(ground),
            envs_dirs(ground),
            prepared.look.device,
            prepared.look.inode,
            played(ground),
            stamp=stamp_of(prepared.look),
        )
        return tool_job(prepared.change, means, task_id, operator)

    async def _new_place(self, change: Change, ground: Ground) -> list[Concern]:
        new = change.new_prefix or ""
        bad = prefix_concern(new, envs_dirs(ground), named=False)
        if bad is not None:
            return [bad]
        concerns = [*protection(self._world, replace(change, prefix=new, name=new.rpartition("/")[2]))]
        found = await look_at(self._world, ground, new, ("place", "new"))
        concerns += (each for each in found.concerns if each.kind is ConcernKind.BAD_PLACE)
        if not any(each.kind is ConcernKind.MISSING for each in found.concerns):
            text = phrase("There is something at {place} already.", place=printable(new))
            concerns.append(Concern.of(ConcernKind.EXISTS, text))
        odd = naming_concern(new.rpartition("/")[2], self._world.settings.naming)
        return [*concerns, *([odd] if odd is not None else [])]


_NO_COPY = frozenset({ConcernKind.NESTED, ConcernKind.MOUNTED})
_STAYS_ASIDE = frozenset({ConcernKind.UNOWNED, ConcernKind.EDITABLE, ConcernKind.NESTED})


def _forbidden(concern: Concern) -> Concern:
    return replace(concern, severity=Severity.FORBIDDEN)
