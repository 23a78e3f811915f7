"""Reading inventories of real trees, for tests."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.environments import Environment, Install
from tui.domain.hosts import SearchPlaces
from tui.domain.machine import Machine, Mount
from tui.domain.packages import PackageInterner
from tui.remote.inventory import Inventory
from tui.remote.lane import Lane

Shell = tuple[tuple[str, ...], dict[str, str]]

MACHINE = Machine(machine_id="m1")


class RealClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("the inventory does not sleep")

    def jitter(self) -> float:
        return 0.5


def inventory(*places: Path, only: bool = True, protect: tuple[str, ...] = ()) -> Inventory:
    search = SearchPlaces(tuple(map(str, places)), only=only)
    return Inventory("gpu01", search, protect, PackageInterner(), RealClock())


USERLANDS = ("dash", "bash", "busybox", "dash-busybox", "busybox-mawk", "dash-gawk")
NOBODY = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def make_shell(which: str, folder: Path) -> Shell:
    """(argv, environment): a shell with the GNU userland or busybox's, and an awk."""
    name, _, userland = which.partition("-")
    path = GNU_PATH
    if userland == "busybox" or name == "busybox":
        path = busybox_path(folder / "bb")
    if userland in ("mawk", "gawk"):
        awk = folder / "awk"
        awk.mkdir()
        (awk / "awk").symlink_to(f"/usr/bin/{userland}")
        path = f"{awk}:{path}"
    return SHELLS[name], {"PATH": path}


def open_to_others(folder: Path) -> None:
    """Let other users reach *folder*, which pytest shuts to them."""
    for above in (folder, *folder.parents):
        if str(above).startswith("/tmp/"):
            above.chmod(0o755)


@asynccontextmanager
async def lane(
    argv: tuple[str, ...] = SHELLS["dash"],
    env: dict[str, str] | None = None,
    wrap: tuple[str, ...] = (),
    cwd: Path | None = None,
) -> AsyncIterator[Lane]:
    connection = ShellConnection(argv, env=env or {"PATH": GNU_PATH}, wrap=wrap, cwd=cwd or Path("/"))
    opened = await Lane.open(connection, timeout=10, name="gpu01")
    try:
        yield opened
    finally:
        opened.close()
        await connection.close()


async def read(
    inv: Inventory,
    shell: Shell | None = None,
    mounts: tuple[Mount, ...] | None = None,
    **options: Any,
) -> tuple[dict[str, Install], dict[str, Environment]]:
    argv, env = shell or (SHELLS["dash"], {"PATH": GNU_PATH})
    async with lane(argv, env, **options) as opened:
        parts = await inv.read(opened, MACHINE, mounts)
        assert opened.stderr_tail() == b""
    assert parts["environments"].value is not None, parts["environments"].fault
    return (
        {install.root: install for install in parts["installs"].value or ()},
        {environment.prefix: environment for environment in parts["environments"].value},
    )
