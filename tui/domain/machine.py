"""What a machine is and how busy it is."""

from __future__ import annotations

from dataclasses import dataclass

from tui.domain.faults import Fault

__all__ = ["Load", "Machine", "Mount"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Facts that change with a reinstall or a reboot; unknown is None."""

    machine_id: str | None = None
    """Equal for two host names of one machine (``/etc/machine-id``)."""
    boot_id: str | None = None
    hostname: str | None = None
    os: str | None = None
    """As the distribution calls itself, e.g. ``Debian GNU/Linux 12 (bookworm)``."""
    kernel: str | None = None
    arch: str | None = None
    libc: str | None = None
    """e.g. ``glibc 2.36``, ``musl 1.2.4``."""
    cores: int | None = None
    user: str | None = None
    """The account that we are on the host."""
    uid: int | None = None
    home: str | None = None
    shell: str | None = None
    clock_offset_s: float | None = None
    """The host's clock minus ours, when the answer arrived, in seconds."""
    tools: frozenset[str] = frozenset()
    """Names of the optional tools found: tmux, nvidia-smi, python3, gzip, find-printf, sudo, …"""
    played: bool = False
    """True on a demo host: load, GPUs, the sizes of disks and what others hold there are played."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy the machine is now; sizes in bytes, unknown is None."""

    load1: float | None = None
    load5: float | None = None
    load15: float | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    uptime_s: float | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """One mounted file system; sizes in bytes, unknown (a hung mount) is None with its fault."""

    path: str
    source: str
    fs_type: str
    size_bytes: int | None = None
    used_bytes: int | None = None
    free_bytes: int | None = None
    """What a user without privileges can still write."""
    inodes: int | None = None
    inodes_free: int | None = None
    read_only: bool = False
    network: bool = False
    device: str | None = None
    """``major:minor`` as in mountinfo."""
    export_id: str | None = None
    """Equal wherever the same network export or cluster file system is mounted; None for local disks."""
    fault: Fault | None = None

    @property
    def used_fraction(self) -> float | None:
        """0 to 1 as ``df`` counts it (reserved blocks are not free); None when unknown."""
        if self.used_bytes is None or self.free_bytes is None:
            return None
        usable = self.used_bytes + self.free_bytes
        return self.used_bytes / usable if usable else None
