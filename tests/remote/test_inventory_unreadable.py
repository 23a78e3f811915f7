"""A place that cannot be read, or is not there, is never taken for an empty one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.condaroot import PYTHON, CondaRoot
from tests.remote.inventories import MACHINE, NOBODY, RealClock, Shell, inventory, lane, make_shell, open_to_others
from tests.remote.shells import GNU_PATH, SHELLS
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import SearchPlaces
from tui.domain.packages import PackageInterner
from tui.remote.inventory import Inventory


@pytest.fixture(params=["dash", "bash", "busybox"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return make_shell(str(request.param), tmp_path)


def everywhere(*places: str) -> Inventory:
    """Looks at the usual places, too."""
    return Inventory("gpu01", SearchPlaces(places), (), PackageInterner(), RealClock())


async def listed(inv: Inventory, shell: Shell, home: Path) -> tuple[set[str], Fault | None]:
    argv, env = shell
    async with lane(argv, {**env, "HOME": str(home)}, wrap=NOBODY) as opened:
        part = (await inv.read(opened, MACHINE, None))["environments"]
        assert opened.stderr_tail() == b""
    assert part.value is not None
    return {environment.prefix for environment in part.value}, part.fault


async def test_a_home_that_cannot_be_entered_is_named(shell: Shell, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    home = tmp_path / "ada"
    CondaRoot(home / "miniconda3").base()
    home.chmod(0)
    _, fault = await listed(everywhere(), shell, home)
    assert fault is not None and fault.kind is FaultKind.PERMISSION
    assert str(home) in fault.message and "gpu01" in fault.message and fault.remedy


async def test_a_home_below_what_cannot_be_entered_is_named(shell: Shell, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    home = tmp_path / "homes" / "ada"
    home.mkdir(parents=True)
    home.parent.chmod(0o700)
    _, fault = await listed(everywhere(), shell, home)
    assert fault is not None and fault.kind is FaultKind.PERMISSION
    assert str(home) in fault.message


async def test_an_install_of_the_home_that_cannot_be_entered_is_named(shell: Shell, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    home = tmp_path / "ada"
    CondaRoot(home / "miniconda3").base()
    (home / "miniconda3").chmod(0o700)
    _, fault = await listed(everywhere(), shell, home)
    assert fault is not None and fault.kind is FaultKind.PERMISSION
    assert str(home / "miniconda3") in fault.message


async def test_homes_that_are_not_there_or_hold_nothing_are_no_fault(shell: Shell, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    (tmp_path / "empty").mkdir()
    assert (await listed(everywhere(), shell, tmp_path / "empty"))[1] is None
    assert (await listed(everywhere(), shell, Path("/nonexistent")))[1] is None


async def test_configured_places_that_are_missing_or_shut_are_named_beside_what_was_found(
    shell: Shell, tmp_path: Path
) -> None:
    open_to_others(tmp_path)
    good = CondaRoot(tmp_path / "good").env(tmp_path / "good" / "train", (PYTHON,))
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    for inv in (everywhere, lambda *places: inventory(*map(Path, places))):
        found, fault = await listed(inv("/nonexistent", str(shut), str(good.parent)), shell, tmp_path)
        assert str(good) in found
        assert fault is not None and fault.kind is FaultKind.PERMISSION
        assert str(shut) in fault.message and "/nonexistent" in fault.message
        found, fault = await listed(inv("/nonexistent", str(good.parent)), shell, tmp_path)
        assert str(good) in found
        assert fault is not None and fault.kind is FaultKind.INCOMPLETE
        assert "/nonexistent" in fault.message and "not there" in fault.message
        _, fault = await listed(inv(str(shut / "below")), shell, tmp_path)
        assert fault is not None and fault.kind is FaultKind.PERMISSION


async def test_only_configured_places_count_where_nothing_else_is_looked_at(tmp_path: Path) -> None:
    open_to_others(tmp_path)
    home = tmp_path / "ada"
    home.mkdir(mode=0o700)
    (tmp_path / "place").mkdir()
    shell = (SHELLS["dash"], {"PATH": GNU_PATH})
    assert await listed(inventory(tmp_path / "place"), shell, home) == (set(), None)


async def test_a_place_remembered_from_a_search_may_be_gone(tmp_path: Path) -> None:
    open_to_others(tmp_path)
    gone = (str(tmp_path / "gone"), "~/gone/")
    places = SearchPlaces((*gone, str(tmp_path)), remembered=frozenset(gone))
    inv = Inventory("gpu01", places, (), PackageInterner(), RealClock())
    assert (await listed(inv, (SHELLS["dash"], {"PATH": GNU_PATH}), tmp_path))[1] is None
