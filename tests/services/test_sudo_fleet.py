"""`sudo: true` over a real sshd and a real sudo: other accounts' things are seen, and changed as their owner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.sudoing import OPEN_PROC, Admin, Owner, environment, running_as
from tests.sshd import SshServer
from tests.sudoers import allowed
from tui.domain.faults import FaultKind
from tui.services.schedule import Ask

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=OPEN_PROC) as server:
        yield server


async def test_the_inventory_reads_what_the_account_may_not(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    admin = Admin(server, tmp_path, bob.user.home)
    train = bob.envs / "train"
    with allowed(admin.user.name), running_as(bob.user.uid, "/bin/sh", "-c", f"cd {train} && exec sleep 1000") as pid:
        async with admin.fleet() as fleet:
            snapshot = fleet.store.host("gpu01").snapshot
            assert snapshot.environments.fault is None
            env = environment(fleet, train)
            assert env.packages is not None
            assert env.packages.find("numpy") is not None
            assert env.owner == bob.user.name and env.writable and env.in_use_complete
            assert [(use.pid, use.user) for use in env.in_use or ()] == [(pid, bob.user.name)]
            assert snapshot.machine.value is not None and snapshot.machine.value.uid == admin.user.uid


async def test_without_it_the_same_account_sees_nothing_of_it(server: SshServer, tmp_path: Path) -> None:
    bob = Owner(server)
    admin = Admin(server, tmp_path, bob.user.home)
    async with admin.fleet() as fleet:
        part = fleet.store.host("gpu01").snapshot.environments
        assert fleet.store.host("gpu01").snapshot.installs.fault == part.fault
        assert part.value == () and part.fault is not None
        assert part.fault.kind is FaultKind.PERMISSION and "password" in part.fault.message
        assert f"{admin.user.name} ALL=(root) NOPASSWD: /bin/sh" in part.fault.remedy


@pytest.mark.parametrize("channels", [1, 2, 3])
async def test_a_host_with_few_channels_is_looked_at_all_the_same(tmp_path: Path, channels: int) -> None:
    with SshServer(wrapper=OPEN_PROC, options=[f"MaxSessions {channels}"]) as server:
        bob = Owner(server)
        admin = Admin(server, tmp_path, bob.user.home)
        with allowed(admin.user.name):
            async with admin.fleet() as fleet:
                part = fleet.store.host("gpu01").snapshot.environments
                while channels > 1 and part.fault is not None:
                    # A channel that has just ended may still be counted there.
                    await fleet._watch("gpu01").renewed(Ask.INVENTORY)
                    part = fleet.store.host("gpu01").snapshot.environments
        assert part.value is not None and len(part.value) == (2 if channels > 1 else 0)
        if channels == 1:
            assert part.fault is not None and part.fault.kind is FaultKind.SESSIONS_EXHAUSTED
