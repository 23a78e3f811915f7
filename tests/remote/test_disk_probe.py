"""A probe counts a disk over a shell of its own, which is gone afterwards, whatever came of the count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.fakes import FakeClock, eventually
from tests.remote.inventories import inventory
from tests.remote.shells import GNU_PATH, ShellConnection
from tests.remote.test_disk import HANG, played_program, session
from tui.domain.diskplaces import DiskPlace, OwnerKind, PlaceKind
from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.remote import disk
from tui.remote.probe import HostProbe


def made(tmp_path: Path) -> tuple[ShellConnection, HostProbe, tuple[DiskPlace, ...]]:
    root = CondaRoot(tmp_path / "c")
    places = tuple(DiskPlace(PlaceKind.ENVIRONMENT, str(root.named(name))) for name in "ab")
    connection = ShellConnection(env={"PATH": GNU_PATH, "TMUX_TMPDIR": str(tmp_path)})
    probe = HostProbe(
        connection,
        HostSpec("gpu01"),
        FakeClock(),
        command_limit=30.0,
        interner=PackageInterner(),
        protect=(),
        inventory=inventory(tmp_path),
    )
    return connection, probe, places


async def closing(connection: ShellConnection, probe: HostProbe) -> None:
    await probe.close()
    await connection.close()


async def test_it_counts_over_a_shell_of_its_own_and_closes_it(tmp_path: Path) -> None:
    connection, probe, places = made(tmp_path)
    try:
        await probe.status()
        before = len(connection.channels)
        table = await probe.disk((*places, DiskPlace(PlaceKind.CACHE, str(tmp_path / "c" / "pkgs"))))
        assert [owner.path for owner in table.owners if owner.kind is OwnerKind.ENVIRONMENT] == [
            place.path for place in places
        ]
        assert table.holding(0).bytes > 0
        assert not table.all_users_seen
        assert len(connection.channels) == before + 1
        assert await asyncio.wait_for(connection.channels[-1].wait(), 30) is not None
    finally:
        await closing(connection, probe)


async def test_cancelled_it_ends_on_the_host_and_other_questions_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_program", played_program(HANG))
    connection, probe, places = made(tmp_path)
    try:
        await probe.status()
        before = len(connection.channels)
        asked = asyncio.create_task(probe.disk(places))
        await eventually(_counts(connection, before))
        assert (await probe.status()).parts["load"].value is not None
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await eventually(lambda: not session(connection.channels[before].pid))
        assert (await probe.status()).parts["load"].value is not None
    finally:
        await closing(connection, probe)


def _counts(connection: ShellConnection, at: int) -> Callable[[], bool]:
    def there() -> bool:
        return len(connection.channels) > at and any(
            "python3" in command for command in session(connection.channels[at].pid)
        )

    return there
