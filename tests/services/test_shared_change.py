"""That other hosts see the very environment is told before it is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.cli.fakechanges import FakeDesk, FakeTasks
from tests.domain.fleetvalues import environment
from tests.remote.taskhost import QuickClock
from tui.domain.changes import Change, ChangeKind, ConcernKind, Prepared, Severity
from tui.domain.hosts import HostSpec
from tui.domain.machine import Machine
from tui.domain.snapshot import Part
from tui.domain.tasks import Task
from tui.remote.changes.trash import TrashSeen
from tui.remote.jobs import Job
from tui.services.changedesk import ChangeDesk, Ground
from tui.services.events import Bus
from tui.services.store import Store


class Plain:
    """Nothing else speaks against it."""

    async def prepare(self, change: Change, ground: Ground) -> Prepared:
        return await FakeDesk(FakeTasks()).prepare(change)

    def job(self, prepared: Prepared, ground: Ground, task_id: str, operator: str) -> Job:
        raise AssertionError("nothing is started")


async def started(host: str, job: Job) -> Task:
    raise AssertionError("nothing is started")


async def trash(ground: Ground) -> TrashSeen:
    return TrashSeen((), 0.0)


def machine(number: int) -> Machine:
    return Machine(machine_id=f"m{number}", boot_id=f"b{number}", hostname=f"h{number}")


async def seen_by(*sightings: tuple[str, str, int]) -> list[tuple[Severity, tuple[str, ...]]]:
    """*sightings*: (host, fs_id, machine), of the first of which the environment is changed."""
    store = Store([HostSpec(host) for host, _, _ in sightings], Bus())
    for host, fs_id, number in sightings:
        env = replace(environment(host, "x"), fs_id=fs_id)
        parts: dict[str, Part[Any]] = {
            "machine": Part(machine(number), 1.0),
            "installs": Part((), 1.0),
            "environments": Part((env,), 1.0),
        }
        store.set_parts(host, parts, 1.0)
    desk = ChangeDesk(store, QuickClock(), lambda: {ChangeKind.REMOVE: Plain()}, started, "ada", trash)
    first = store.environments()[0]
    prepared = await desk.prepare(Change(ChangeKind.REMOVE, first.host, first.prefix))
    return [(each.severity, each.details) for each in prepared.concerns if each.kind is ConcernKind.SHARED]


async def test_other_machines_that_see_it_are_named() -> None:
    found = await seen_by(("a", "export:x", 1), ("b", "export:x", 2), ("c", "other:x", 3))
    assert found == [(Severity.WARNING, ("b",))]


async def test_another_name_of_the_same_machine_is_no_other_host() -> None:
    assert await seen_by(("a", "disk:x", 1), ("b", "disk:x", 1)) == []
