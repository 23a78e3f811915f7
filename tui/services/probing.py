"""What the watching asks of a probe; production's is :mod:`tui.remote.probe`, tests give their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace
from tui.domain.disktable import DiskTable
from tui.domain.history import History
from tui.domain.hosts import HostSpec
from tui.domain.snapshot import Part
from tui.ports import Connection
from tui.remote.kept import KeptPass
from tui.remote.lane import Lane

__all__ = ["Partial", "ProbeApi", "ProbeFactory", "ReadingLike"]

T = TypeVar("T")
Partial = Callable[[Mapping[str, Part[Any]]], None]


class ReadingLike(Protocol):
    """One answer of a host."""

    @property
    def parts(self) -> Mapping[str, Part[Any]]:
        """Parts by their names in :data:`tui.domain.snapshot.PARTS`; what did not change may be left out."""

    @property
    def inventory_due(self) -> bool:
        """True when something that the inventory holds has changed since it was taken."""


class ProbeApi(Protocol):
    """Asks one connected host. Each question may be under way while another is, but never twice at once.

    What a host cannot give is a fault inside its part. HostFaultError is raised only when the
    connection or the shell behind it is unusable.
    """

    async def status(self) -> ReadingLike:
        """machine, load, sessions."""

    async def mounts(self) -> ReadingLike:
        """mounts."""

    async def gpus(self, force: bool = False) -> ReadingLike:
        """gpus; *force* asks a driver again that was given up because it hung."""

    async def inventory(self, on_partial: Partial | None = None) -> ReadingLike:
        """installs and environments; *on_partial* gets them while they grow."""

    async def search(self, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        """The prefixes below *path*; later inventories look there too."""

    async def history(self, prefix: str) -> History:
        """What was asked of conda for the environment at *prefix*. Raises HostFaultError when it cannot be read."""

    async def disk(
        self,
        places: Sequence[DiskPlace],
        progress: Callable[[int], None] | None = None,
        users: UsersSeen | None = None,
        kept: KeptPass | None = None,
    ) -> DiskTable:
        """The disk table of *places*; *progress* gets the entries looked at so far. Raises HostFaultError.

        *users*: None where nothing is known of who else uses the caches. Cancelled, the count on the host ends, too,
        unless it is *kept*: then it outlives the connection, until it is stopped.
        """

    async def put_question(self, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False) -> T:
        """Put *question* over the lane for *kind*, which is closed afterwards unless it is to be kept.

        Raises HostFaultError, also for an answer that makes no sense.
        """

    async def close(self) -> None:
        """Give its channels up."""


ProbeFactory = Callable[[Connection, HostSpec], ProbeApi]
