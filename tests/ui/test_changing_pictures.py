"""Pictures of the forms and of what comes behind them, hostile names included."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.ui.fake_changes import FakeChanges
from tests.ui.fake_fleet import FakeFleet, fault, usual_fleet
from tests.ui.test_changing import asides_seen
from tests.ui.test_pictures import SnapCompare, app, drawn
from tui.domain.changes import Change, ChangeKind
from tui.domain.environments import Environment
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.packageindex import PackageIndex
from tui.ui.dialogs.asides import AsidesDialog
from tui.ui.dialogs.clone import CloneDialog
from tui.ui.dialogs.create import CreateDialog
from tui.ui.dialogs.looking import LookingDialog
from tui.ui.dialogs.packages import PackagesDialog
from tui.ui.dialogs.remove import RemoveDialog
from tui.ui.dialogs.rename import RenameDialog

sizes = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def environments(fleet: FakeFleet, *hosts: str) -> list[Environment]:
    return [env for env in fleet.store.environments() if env.host in hosts]


@sizes
@pytest.mark.parametrize("form", ["create", "clone", "rename", "install", "uninstall", "remove", "asides", "looking"])
def test_each_dialog_looks_as_accepted(snap_compare: SnapCompare, form: str, size: tuple[int, int]) -> None:
    fleet = usual_fleet()
    odd = environments(fleet, "hostile")
    usual = environments(fleet, "gpu01", "gpu02")
    index = PackageIndex()
    hidden = {(odd[2].host, odd[2].prefix)}
    gone = HostFaultError(fault(FaultKind.LOST, "The connection to gpu02 is gone.", "Try again."))
    changes = [
        Change(ChangeKind.REMOVE, env.host, env.prefix, name=env.name) for env in (*usual[1:3], *odd[2:4], usual[6])
    ]
    desk = FakeChanges(fleet.task_desk, unlooked={"gpu02": gone})
    made: dict[str, Any] = {
        "create": lambda: CreateDialog(fleet, index, ["gpu01", "gpu02", "attic"]),
        "clone": lambda: CloneDialog(fleet, odd[3]),
        "rename": lambda: RenameDialog(fleet, odd[5]),
        "install": lambda: PackagesDialog(ChangeKind.INSTALL, fleet, index, usual[1:2]),
        "uninstall": lambda: PackagesDialog(ChangeKind.UNINSTALL, fleet, index, [*usual, *odd], hidden),
        "remove": lambda: RemoveDialog(fleet, [usual[1], *odd[:4]], hidden),
        "asides": lambda: AsidesDialog([(each, asides_seen().now) for each in asides_seen().asides]),
        "looking": lambda: LookingDialog(changes, desk.prepare),
    }
    assert snap_compare(app(fleet), terminal_size=size, run_before=drawn("2", dialog=made[form]))


@pytest.fixture(autouse=True)
def no_loop_left() -> Any:
    """snap_compare runs the app in a loop of its own and leaves none behind."""
    yield
    asyncio.set_event_loop(None)
