"""Removals, at once or put aside, and what was put aside: back again, or gone for good."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, Severity
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.domain.trash import Aside
from tui.remote.changes.remove import remove_job
from tui.remote.changes.trash import TrashSeen, list_trash, purge_job, restore_job
from tui.remote.jobs import Job
from tui.remote.lane import Lane
from tui.services.changedesk import Ground
from tui.services.changing.common import LANE, World, envs_dirs, look_at, played, protection, roots
from tui.services.changing.counting import counted_now

__all__ = ["PurgeKind", "RemoveKind", "RestoreKind", "see_trash"]

SHOWN = "00000000-000000-00000000"
"""Stands for the id of a task that there is not yet."""


class RemoveKind:
    """See :class:`tui.services.changedesk.Kind`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        """Look at what would go, and at all that speaks against it."""
        found = await look_at(self._world, ground, change.prefix)
        concerns = [*protection(self._world, change), *found.concerns]
        env = ground.environment(change.prefix)
        size, uncounted = None if env is None else env.size, ""
        if not any(each.severity is Severity.FORBIDDEN for each in concerns):
            size, uncounted = await counted_now(self._world, change, size)
        prepared = Prepared(
            change,
            (),
            self._world.clock.now(),
            tuple(concerns),
            size=size,
            uncounted=uncounted,
            free_bytes=found.free_bytes,
            free_inodes=found.free_inodes,
            look=found,
        )
        return replace(prepared, argv=self.job(prepared, ground, SHOWN, "").spec.argv)

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""
        change = prepared.change
        assert prepared.look is not None, "it was looked at"
        return remove_job(
            change,
            prepared.look,
            ground.environment(change.prefix),
            ground.install(change.install),
            task_id=task_id,
            operator=operator,
            roots=roots(ground),
            envs_dirs=envs_dirs(ground),
            played=played(ground),
        )


async def see_trash(world: World, ground: Ground) -> TrashSeen:
    """What is put aside on the host now. Raises HostFaultError."""
    host = ground.view.name
    limit = world.settings.limits.command

    async def ask(lane: Lane) -> TrashSeen:
        return await list_trash(lane, host, roots=roots(ground), envs_dirs=envs_dirs(ground), timeout=limit)

    return await world.put(host, LANE, ask)


class _AsideKind:
    """What is done with one thing that was put aside, by :attr:`Change.aside_id`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[tuple[str, str], Aside] = {}

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        """Look whether it is still there."""
        aside = await self._aside(change, ground)
        concerns = []
        if not aside.mine:
            text = phrase("Another account put {place} aside: only that one can touch it.", place=printable(aside.path))
            concerns.append(Concern.of(ConcernKind.FOREIGN_OWNER, text))
        elif change.kind is ChangeKind.RESTORE and not aside.restorable:
            text = phrase("{place} is the rest of a removal: it cannot come back.", place=printable(aside.path))
            concerns.append(Concern.of(ConcernKind.INCOMPLETE, text))
            concerns = [replace(each, severity=Severity.FORBIDDEN) for each in concerns]
        elif change.kind is ChangeKind.RESTORE and aside.prefix is not None:
            found = await look_at(self._world, ground, aside.prefix, ("place",))
            if not any(each.kind is ConcernKind.MISSING for each in found.concerns):
                text = phrase("There is something at {place} already.", place=printable(aside.prefix))
                concerns.append(Concern.of(ConcernKind.EXISTS, text))
        prepared = Prepared(change, (), self._world.clock.now(), tuple(concerns))
        if prepared.standing:
            return prepared
        return replace(prepared, argv=self.job(prepared, ground, SHOWN, "").spec.argv)

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""
        raise NotImplementedError

    async def _aside(self, change: Change, ground: Ground) -> Aside:
        seen = await see_trash(self._world, ground)
        for aside in seen.asides:
            if aside.id == change.aside_id:
                self._seen[change.host, aside.id] = aside
                return aside
        raise HostFaultError(
            Fault(
                FaultKind.GHOST,
                phrase("{host} has nothing put aside as {id}.", host=change.host, id=str(change.aside_id)),
                phrase("It was restored or purged meanwhile; look again."),
            )
        )

    def aside(self, prepared: Prepared) -> Aside:
        """What was looked at for *prepared*."""
        return self._seen[prepared.change.host, str(prepared.change.aside_id)]


class RestoreKind(_AsideKind):
    """Back to where it was."""

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""
        return restore_job(
            prepared.change,
            self.aside(prepared),
            task_id=task_id,
            operator=operator,
            roots=roots(ground),
            envs_dirs=envs_dirs(ground),
            played=played(ground),
        )


class PurgeKind(_AsideKind):
    """Gone for good."""

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""
        return purge_job(
            prepared.change, [self.aside(prepared)], task_id=task_id, operator=operator, played=played(ground)
        )
