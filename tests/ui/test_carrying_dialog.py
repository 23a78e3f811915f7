"""Packages that go to a host through this machine: shown before, followed, stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.ui.driving import running, until
from tests.ui.fake_changes import FakeChanges
from tests.ui.fake_fleet import FakeFleet, usual_fleet
from tests.ui.test_changing import at, opened, yes
from tests.ui.test_views import text
from tui.domain.carrying import Cargo, Carried, Load, Parcel
from tui.domain.changes import CarryMode, Change, ConcernKind, Prepared
from tui.domain.tasks import Task
from tui.services.changes import Told
from tui.ui.dialogs.carrying import CarryingDialog
from tui.ui.dialogs.clone import CloneDialog

PARCELS = tuple(
    Parcel(f"https://conda.example/x/{name}-1-0.conda", f"{name}-1-0.conda", "md5", "0" * 32) for name in "abc"
)
LOADS = tuple(Load(each, f"/opt/conda/pkgs/{each.file}", 2 << 20) for each in PARCELS[:2])


@dataclass
class Carrying(FakeChanges):
    """Each change has a cargo; it is carried until it is let go."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0

    async def prepare(self, change: Change) -> Prepared:
        cargo = Cargo("gpu01", change.host, "/opt/conda/pkgs", LOADS, PARCELS[2:], (), 9 << 30)
        return replace(await super().prepare(change), cargo=cargo)

    async def start(self, prepared: Prepared, accepted: Iterable[ConcernKind] = (), told: Told | None = None) -> Task:
        assert told is not None
        told(Carried("gpu01", prepared.change.host, 1, 2, 3 << 20, 4 << 20))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return await super().start(prepared, accepted)


def carrying() -> tuple[FakeFleet, Carrying]:
    made = usual_fleet()
    made.change_desk = desk = Carrying(made.task_desk)
    return made, desk


async def test_it_is_shown_followed_and_gone_when_all_is_there() -> None:
    made, desk = carrying()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CloneDialog, "C", *"copy", "enter", "ctrl+u", *"gpu02", "enter", "enter")
        await pilot.press("ctrl+u", *"sometimes")
        await until(pilot, lambda: app.screen.query_one("#go").disabled)
        await pilot.press("ctrl+u", *"always", "enter", "enter")
        await until(pilot, lambda: "2 packages" in text(app))
        assert "from gpu01 through this machine" in text(app)
        assert "lies ready there" in text(app)
        await yes(pilot, app)
        await until(pilot, lambda: isinstance(app.screen, CarryingDialog) and "1/2" in text(app).replace(" of ", "/"))
        assert not desk.started
        desk.go.set()
        await until(pilot, lambda: not isinstance(app.screen, CarryingDialog))
        await until(pilot, lambda: bool(desk.started))
        assert [each.carry for each in desk.started] == [CarryMode.ALWAYS]


async def test_stopped_nothing_is_started() -> None:
    made, desk = carrying()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CloneDialog, "C", *"copy", *["enter"] * 5)
        await yes(pilot, app)
        await until(pilot, lambda: isinstance(app.screen, CarryingDialog))
        await pilot.press("escape")
        await until(pilot, lambda: desk.stopped == 1)
        assert not desk.started
        assert not isinstance(app.screen, CarryingDialog)
