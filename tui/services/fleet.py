"""The facade that both front ends use: hosts watched, refreshed, searched and attached to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tui.domain.history import History
from tui.domain.sessions import Session
from tui.domain.settings import Settings
from tui.ports import Channel, TermRequest
from tui.remote.lane import Lane
from tui.services.changes import ChangesApi
from tui.services.events import Bus
from tui.services.store import DiskCount, Store

if TYPE_CHECKING:  # whoever only looks at a fleet does not pay for what tasks are made of
    from tui.services.plans import PlanDesk
    from tui.services.tasks import TasksApi

__all__ = ["FleetApi", "TerminalPlan"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TerminalPlan:
    """A full-screen terminal wanted on a host: a session to attach to, or a login shell."""

    host: str
    session: Session | None
    """None: the account's login shell."""


class FleetApi(Protocol):
    """What a front end may ask of the running fleet. All methods belong to the event loop."""

    settings: Settings
    store: Store
    bus: Bus

    @property
    def changes(self) -> ChangesApi:
        """Changes: looked at, then started as tasks."""

    @property
    def tasks(self) -> TasksApi:
        """Tasks: what runs on the hosts, and what ran there."""

    @property
    def plans(self) -> PlanDesk:
        """Plans: made ready, and run on all their hosts."""

    async def start(self, hosts: Iterable[str] | None = None) -> None:
        """Show the last snapshots, then begin to connect and watch *hosts* (None: all). Returns at once."""

    async def close(self) -> None:
        """Stop everything within one second, whatever hosts do."""

    def refresh(
        self, hosts: Iterable[str] | None = None, parts: Iterable[str] | None = None, *, changed: bool = False
    ) -> None:
        """Ask again now; what is being asked already is not asked twice. A waiting host is tried at once.

        With *changed* (something was changed on the hosts) an answer under way may predate the change:
        it is then asked once more after it. Naming an idle host begins to watch it. A host that waits for a
        person is tried, and may ask, where it is named and everything is asked of it: nobody but a person does.
        """

    def set_visible(self, hosts: Sequence[str], parts: Iterable[str]) -> None:
        """What the person looks at: it is asked first and at the configured interval, the rest less often."""

    async def settled(self, hosts: Iterable[str], parts: Iterable[str]) -> None:
        """Wait until each of *parts* of each host arrived or failed, or the host is not up and waits."""

    def reconnect(self, host: str) -> None:
        """Drop the connection, if any, and try again now (after a person acted)."""

    def disconnect(self, host: str) -> None:
        """Let go of the connection, and leave the host alone until it is named again. What runs on it goes on."""

    async def search(self, host: str, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        """Look for environments below *path* on *host*, politely and on one device; remember the place.

        Returns the prefixes found; the environments appear in the store. Raises HostFaultError.
        """

    async def history(self, host: str, prefix: str) -> History:
        """What was asked of conda for an environment, and what came of it, read from the host now.

        Raises HostFaultError: the host is not up, or the environment has no history that can be read.
        """

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = True) -> DiskCount:
        """Count the disk of *host* now, at the lowest priority there, after looking which environments there are.

        The table is in the store when this returns, the sizes in its environments. Cancel the call to end the count.
        Counts of one host take turns. *progress* gets the entries looked at so far; after a lost connection the count
        begins again by itself, from none. Other tools' caches are counted beside it; why that failed is in the count.
        Packages count as used in the caches of which not all users can be seen. Not *fresh*: if nothing was installed
        or removed since the last count of this run, that one is the answer; a file changed in place is not seen so.
        Raises HostFaultError.
        """

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        """Put *question* to *host* over the lane for *kind*: closed afterwards unless it is to be kept for more.

        For services; front ends have a method of their own for what they want. Raises HostFaultError, also when the
        host is not up.
        """

    async def terminal(self, plan: TerminalPlan, term: TermRequest) -> Channel:
        """A pty channel for *plan* over the live connection. Raises HostFaultError."""
