"""Changes that a package manager makes: create, clone, install, update, uninstall."""

from __future__ import annotations

from collections.abc import Iterator

from tui.domain.beforehand import (
    base_concern,
    channels_concern,
    driver_concern,
    lessened,
    naming_concern,
    need_of,
    parted,
    pip_concern,
    python_concern,
    removes_concern,
)
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, Severity
from tui.domain.environments import Environment, Install
from tui.domain.errors import CondafleetError
from tui.domain.look import Look
from tui.domain.phrases import phrase
from tui.domain.planned import PackagePlan
from tui.domain.text import printable
from tui.domain.toolargs import Tool, Toolbox, choose_tool, shown_argv
from tui.domain.toolwords import prefix_concern
from tui.remote.changes.dryrun import DryRun, dry_run
from tui.remote.changes.tool import Means, check_words, tool_job
from tui.remote.changes.tools import ask_tools
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict
from tui.remote.jobs import Job
from tui.services.changedesk import Ground
from tui.services.changing.carrying import CarryPlan
from tui.services.changing.common import LANE, World, advice, envs_dirs, look_at, mount_at, played, protection, roots
from tui.services.changing.copying import with_source
from tui.services.changing.room import room_for

__all__ = ["ToolKind"]

_NEW = frozenset({ChangeKind.CREATE, ChangeKind.CLONE})
_STANDING_CHECKS = ("place", "frozen", "use")


_CERTAIN = frozenset({Kind.UNSATISFIABLE, Kind.PACKAGE_NOT_FOUND, Kind.INVALID_SPEC, Kind.CHANNEL_MISSING})
"""How a dry run fails as the run itself would: it is not begun."""
_MOST_LINES = 12


class ToolKind:
    """See :class:`tui.services.changedesk.Kind`."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        """Look at the place, the tool, and what the tool itself says that it would do."""
        env = ground.environment(change.prefix)
        copied = await with_source(self._world, change)
        change = parted(copied.change, env)
        check_words(change)
        install = ground.install(change.install)
        concerns = [*protection(self._world, change), *copied.concerns]
        if install is None:
            return Prepared(change, (), self._world.clock.now(), (*concerns, _no_install(change)))
        box = await self._box(change.host, install)
        tool = choose_tool(box, change.kind)
        found = await self._place(change, ground, concerns)
        if isinstance(tool, Concern):
            concerns += advice(ground, (tool,))
            return Prepared(change, (), self._world.clock.now(), tuple(concerns), look=found)
        told = await self._dry_run(change, tool, concerns)
        concerns += told.concerns
        carried = await self._cargo(change, tool, box, concerns)
        concerns += carried.concerns
        mount = mount_at(ground, change.prefix)
        need = None if told.plan is None else need_of(told.plan)
        packages = copied.packages if told.plan is None else told.plan
        concerns += filter(None, _beforehand(self._world, change, ground, env, packages))
        if need is not None or change.source is not None:
            concerns += room_for(change, ground, box.caches, need)
        return Prepared(
            change,
            shown_argv(tool, change),
            self._world.clock.now(),
            tuple(concerns),
            packages,
            needed_bytes=None if need is None else need.total_bytes,
            free_bytes=None if mount is None else mount.free_bytes,
            free_inodes=None if mount is None else mount.inodes_free,
            look=found,
            tool=tool,
            caches=box.caches,
            cargo=carried.cargo,
        )

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        """What is started for it."""
        change = prepared.change
        install = ground.install(change.install)
        assert install is not None, "without an install it is refused"
        box = Toolbox(install.root, () if prepared.tool is None else (prepared.tool,), prepared.caches)
        new = change.kind in _NEW or prepared.look is None
        means = Means(
            install,
            box,
            prepared.tool,
            roots(ground),
            envs_dirs(ground),
            None if new or prepared.look is None else prepared.look.device,
            None if new or prepared.look is None else prepared.look.inode,
            played(ground),
            prepared.cargo,
            plan=None if change.source is not None else prepared.packages,
        )
        return tool_job(change, means, task_id, operator)

    async def _cargo(self, change: Change, tool: Tool, box: Toolbox, concerns: list[Concern]) -> CarryPlan:
        """What the host cannot get by itself; not asked where the change is refused in any case."""
        carrier = self._world.carrier
        if carrier is None or any(each.severity is Severity.FORBIDDEN for each in concerns):
            return CarryPlan()
        return await carrier.plan(change, tool, box)

    async def _box(self, host: str, install: Install) -> Toolbox:
        limit = self._world.settings.limits.command
        return await self._world.put(host, LANE, lambda lane: ask_tools(lane, host, install, timeout=limit))

    async def _place(self, change: Change, ground: Ground, concerns: list[Concern]) -> Look | None:
        """What stands at its place: of something new nothing, of something old nothing that speaks against it."""
        if change.kind not in _NEW:
            found = await look_at(self._world, ground, change.prefix, _STANDING_CHECKS)
            concerns += (each for each in lessened(change.kind, found.concerns) if each.kind not in _SAID_ELSEWHERE)
            return found
        bad = prefix_concern(change.prefix, envs_dirs(ground), named=change.name is not None)
        if bad is not None:
            concerns.append(bad)
            return None
        found = await look_at(self._world, ground, change.prefix, ("place", "new"))
        concerns += (each for each in found.concerns if each.kind is ConcernKind.BAD_PLACE)
        if not any(each.kind is ConcernKind.MISSING for each in found.concerns):
            text = phrase("There is something at {place} already.", place=printable(change.prefix))
            concerns.append(Concern.of(ConcernKind.EXISTS, text))
        return None

    async def _dry_run(self, change: Change, tool: Tool, concerns: list[Concern]) -> DryRun:
        """The tool's own word; not asked where the change is refused in any case.

        Raises CondafleetError where it proves that the run itself would fail.
        """
        if any(each.severity is Severity.FORBIDDEN for each in concerns):
            return DryRun(())
        told = await self._world.put(change.host, LANE, lambda lane: dry_run(lane, change.host, tool, change))
        outcome = told.outcome
        if outcome is not None and outcome.verdict is Verdict.FAILED and outcome.kind in _CERTAIN:
            lines = "".join(f"\n  {line}" for line in outcome.lines[-_MOST_LINES:])
            raise CondafleetError(
                phrase(
                    "{place}: the dry run failed, and nothing was started. {reason}{lines}",
                    place=f"{change.host}:{printable(change.label)}",
                    reason=outcome.explanation,
                    lines=lines,
                ),
                outcome.remedy,
            )
        return told


def _no_install(change: Change) -> Concern:
    text = phrase("No install of {host} is known to change {place}.", host=change.host, place=printable(change.prefix))
    return Concern.of(ConcernKind.NO_TOOL, text)


_SAID_ELSEWHERE = frozenset({ConcernKind.BASE_TARGET})
"""By :func:`base_concern`, from what is known of the environment."""


def _beforehand(
    world: World, change: Change, ground: Ground, env: Environment | None, plan: PackagePlan | None
) -> Iterator[Concern | None]:
    if change.kind in _NEW:
        yield naming_concern(change.name, world.settings.naming)
    else:
        yield base_concern(env)
        yield python_concern(change, env, plan)
    yield pip_concern(change, env, plan)
    yield removes_concern(change, plan)
    yield channels_concern(plan, env)
    yield driver_concern(change, plan, ground.view.snapshot.gpus.value)
