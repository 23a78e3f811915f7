"""The composition root: which real part stands behind each port. Front ends call :func:`build` and :func:`run`."""

from __future__ import annotations

import asyncio
import gc
import getpass
import os
import random
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.domain.settings import Settings
from tui.ports import Clock, Connection, Prompter, TaskHistoryStore, TrustedKey
from tui.services.asking import AskingPrompter
from tui.services.engine import FleetService
from tui.services.probing import ProbeApi, ProbeFactory

__all__ = ["SystemClock", "build", "loop_factory", "operator_name", "probe_factory", "run", "settle"]

T = TypeVar("T")

_GC_THRESHOLD = (20_000, 4, 150)
"""The middle round is kept small: with 25 for it, it stalls for 30 to 60 ms what the first takes 3 ms for."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """See :class:`tui.ports.Clock`."""
        return time.time()

    def monotonic(self) -> float:
        """See :class:`tui.ports.Clock`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See :class:`tui.ports.Clock`."""
        await asyncio.sleep(seconds)

    def jitter(self) -> float:
        """See :class:`tui.ports.Clock`."""
        return random.random()


def build(
    settings: Settings,
    prompter: Prompter,
    *,
    state_dir: Path | None = None,
    ssh_config: Path | None = None,
    clock: Clock | None = None,
    watch_tasks: bool = False,
    purge_due: bool = False,
) -> FleetService:
    """The fleet of *settings*, not started. To be called inside the event loop that it will live in.

    *state_dir*: where snapshots are kept; default: the user's (``CONDAFLEET_STATE_DIR`` names another).
    *ssh_config*: read in place of the user's ssh configuration; default: ``CONDAFLEET_SSH_CONFIG``, if set.
    *watch_tasks*: look at the tasks of all hosts as long as the fleet runs. *purge_due*: free what was put aside on
    them once its time has come.
    """
    # Imported here: --help and --version must not pay for SSH.
    from tui.fleet.connector import SshConnector
    from tui.storage.archives import Archives
    from tui.storage.snapshots import Snapshots

    clock = clock or SystemClock()
    interner = PackageInterner()
    asking = AskingPrompter(prompter)
    hosts = {spec.name: spec for spec in settings.hosts}
    connector = SshConnector(hosts, asking, clock, settings.limits, ssh_config=ssh_config or _ssh_config())

    probe = probe_factory(settings, clock, interner)
    snapshots = Snapshots(state_dir, interner)

    def history() -> TaskHistoryStore:
        from tui.storage.taskhistory import TaskHistory

        return TaskHistory(state_dir)

    fleet = FleetService(
        settings,
        connector,
        snapshots,
        clock,
        probe,
        asking=asking,
        operator=operator_name(),
        history=history,
        archives=Archives(state_dir),
        watch_tasks=watch_tasks,
        purge_due=purge_due,
    )
    settle()
    return fleet


def settle() -> None:
    """To be called once, when all is imported and before the fleet is started."""
    # Whatever was imported lives until the end: the collector need not look at it again. With Python's own
    # thresholds its full rounds stall a screen of 8,000 rows for 90 to 180 ms.
    gc.set_threshold(*_GC_THRESHOLD)
    gc.freeze()


def operator_name() -> str:
    """Who sits here, as others on a host are to see it: ``ada@laptop``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


async def trust(settings: Settings, host: str, fingerprint: str, prompter: Prompter) -> TrustedKey:
    """Save the key of *host* whose fingerprint (``SHA256:…``) is *fingerprint*, without logging in there.

    *prompter* is asked what jump hosts on the way want. Raises HostFaultError: ``host_key_unknown`` when no
    key of the host has that fingerprint, ``host_key_changed``, ``host_key_revoked``, or why it was not reached.
    """
    from tui.fleet.connector import SshConnector

    hosts = {spec.name: spec for spec in settings.hosts}
    connector = SshConnector(hosts, prompter, SystemClock(), settings.limits, ssh_config=_ssh_config())
    try:
        return await connector.trust(hosts[host], fingerprint)
    finally:
        await connector.close()


def aliases(settings: Settings) -> tuple[str, ...]:
    """The hosts that ssh_config names and the fleet has not. Nothing is connected."""
    from tui.fleet.aliases import list_aliases

    known = {spec.name for spec in settings.hosts}
    return tuple(name for name in list_aliases(_ssh_config()) if name not in known)


def _ssh_config() -> Path | None:
    named = os.environ.get("CONDAFLEET_SSH_CONFIG")
    return Path(named) if named else None


def probe_factory(settings: Settings, clock: Clock, interner: PackageInterner) -> ProbeFactory:
    """Makes the probes of a fleet: what they remember of a host outlives its connections."""
    from tui.remote.inventory import Inventory
    from tui.remote.probe import HostProbe, ProbeMemory

    memories: dict[str, tuple[ProbeMemory, Inventory]] = {}

    def make(connection: Connection, spec: HostSpec) -> ProbeApi:
        if spec.name not in memories:
            inventory = Inventory(spec.name, spec.search, settings.protect, interner, clock)
            memories[spec.name] = (ProbeMemory(), inventory)
        memory, inventory = memories[spec.name]
        return HostProbe(
            connection,
            spec,
            clock,
            command_limit=settings.limits.command,
            interner=interner,
            protect=settings.protect,
            memory=memory,
            inventory=inventory,
        )

    return make


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* in a fresh event loop, uvloop's where it is available. Ctrl-C cancels *main* once."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """How event loops are made: uvloop's way where it is available; None: asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
