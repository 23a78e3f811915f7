"""What a probe gives, what it remembers, and what it needs of the inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Machine, Mount
from tui.domain.snapshot import Part
from tui.remote.lane import Lane, ShellProcess

__all__ = ["HANGS", "InventoryReader", "OnPartial", "Parts", "ProbeMemory", "Reading"]

Parts = Mapping[str, Part[Any]]
OnPartial = Callable[[Parts], None]
HANGS = frozenset({FaultKind.TOOL_HUNG, FaultKind.TIMEOUT})
"""What a question meets that something on the host holds up."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer: parts by their names in :data:`tui.domain.snapshot.PARTS`."""

    parts: Parts
    inventory_due: bool = False
    """True when a place that the inventory looked at has changed since, or more places are known."""


class InventoryReader(Protocol):
    """Installs and environments of a host; :class:`tui.remote.inventory.Inventory` is the real one."""

    async def read(
        self, lane: Lane, machine: Machine | None, mounts: tuple[Mount, ...] | None, on_partial: OnPartial | None
    ) -> Parts:
        """The parts ``installs`` and ``environments``."""

    def stamp_paths(self) -> tuple[str, ...]:
        """The places whose change makes a new inventory due; known after the first one."""

    @property
    def due(self) -> bool:
        """True when more places are known than the last reading looked at."""

    @property
    def cut_short(self) -> bool:
        """True when the last reading ended at a place that hangs; another one, over another lane, leaves it out."""

    @property
    def unconfirmed(self) -> bool:
        """True while there are installs whose own tools were not asked for their directories."""

    async def confirm_dirs(self, lane: Lane) -> bool:
        """Ask those tools; each once. True when :attr:`due` is."""

    async def search(self, lane: Lane, path: str, progress: Callable[[str], None] | None) -> tuple[str, ...]:
        """The prefixes below *path*; later inventories look there too."""


@dataclass(slots=True)
class ProbeMemory:
    """What is remembered of a host over its connections. Give the same one to each probe of a host."""

    parts: dict[str, Part[Any]] = field(default_factory=dict)
    cuda: dict[str, str] = field(default_factory=dict)
    """Highest CUDA version by driver version."""
    hung_mounts: dict[str, ShellProcess] = field(default_factory=dict)
    hung_disks: ShellProcess | None = None
    hung_gpus: ShellProcess | None = None
    hung_inventory: ShellProcess | None = None
    gpu_hangs: int = 0
    gpu_fault: Fault | None = None
    boot_id: str | None = None
    stamp: bytes | None = None
    """Of the places that the inventory looked at, as they were when it was taken."""

    def old(self, name: str) -> Part[Any]:
        """The part as it was last; one without a value before."""
        return self.parts.get(name, Part())

    def rebooted(self, boot_id: str | None) -> None:
        """Forget what hung before a reboot."""
        if boot_id != self.boot_id:
            self.boot_id = boot_id
            self.hung_mounts.clear()
            self.hung_disks = self.hung_gpus = self.hung_inventory = None
            self.gpu_hangs = 0
            self.gpu_fault = None
