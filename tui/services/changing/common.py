"""What all kinds of changes look at: the place, the configuration's rules, the room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from tui.domain.assemble import mount_of
from tui.domain.changes import Change, Concern, ConcernKind
from tui.domain.look import Look
from tui.domain.machine import Mount
from tui.domain.phrases import phrase
from tui.domain.protect import is_protected
from tui.domain.rootadvice import advised
from tui.domain.settings import Settings
from tui.domain.text import printable
from tui.ports import Clock
from tui.remote.changes.look import ALL_CHECKS, look
from tui.remote.lane import Lane
from tui.services.changedesk import Ground
from tui.services.changing.carrying import Carrier

__all__ = ["PutQuestion", "World", "advice", "envs_dirs", "look_at", "mount_at", "played", "protection", "roots"]

T = TypeVar("T")
LANE = "changes"


class PutQuestion(Protocol):
    """As :meth:`tui.services.fleet.FleetApi.put_question`."""

    def __call__(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> Awaitable[T]: ...


@dataclass(frozen=True)
class World:
    """What kinds of changes are given."""

    settings: Settings
    clock: Clock
    put: PutQuestion
    carrier: Carrier | None = None
    """None where nothing can be carried from one host to another."""


def roots(ground: Ground) -> tuple[str, ...]:
    """All installs of the host."""
    return tuple(install.root for install in ground.installs)


def envs_dirs(ground: Ground) -> tuple[str, ...]:
    """All its directories of environments."""
    return tuple(dict.fromkeys(path for install in ground.installs for path in install.envs_dirs))


def played(ground: Ground) -> bool:
    """Whether the host is one of a demo."""
    machine = ground.view.snapshot.machine.value
    # An account's own word alone would hide processes that could not be seen: its operator must have named all places.
    return machine is not None and machine.played and ground.view.spec.search.only


def mount_at(ground: Ground, path: str) -> Mount | None:
    """The file system that *path* is on, as it was measured last."""
    return mount_of(path, ground.view.snapshot.mounts.value or ())


async def look_at(world: World, ground: Ground, prefix: str, checks: Sequence[str] = ALL_CHECKS) -> Look:
    """What stands at *prefix* now. Raises HostFaultError."""
    host = ground.view.name
    limit = 4 * world.settings.limits.command

    async def ask(lane: Lane) -> Look:
        return await look(
            lane,
            host,
            prefix,
            envs_dirs=envs_dirs(ground),
            roots=roots(ground),
            played=played(ground),
            checks=checks,
            timeout=limit,
        )

    return with_advice(ground, await world.put(host, LANE, ask))


def with_advice(ground: Ground, found: Look) -> Look:
    """*found*, with what root's help would change about it."""
    return replace(found, concerns=advice(ground, found.concerns, found))


def advice(ground: Ground, concerns: Iterable[Concern], found: Look | None = None) -> tuple[Concern, ...]:
    """*concerns*, with what root's help would change about them; *found*: the look at whose thing it is."""
    machine = ground.view.snapshot.machine.value
    return advised(
        concerns,
        sudo=ground.view.spec.sudo,
        uid=None if machine is None else machine.uid,
        owner_uid=None if found is None else found.uid,
        owner=None if found is None else found.owner,
    )


def protection(world: World, change: Change) -> Iterator[Concern]:
    """The configuration's ``protect:``, by name and by place."""
    if is_protected(change.host, change.name, change.prefix, world.settings.protect):
        place = f"{change.host}:{printable(change.label)}"
        text = phrase("The configuration protects {place}: it is never removed or changed.", place=place)
        yield Concern.of(ConcernKind.PROTECTED, text)
