"""GPUs and the processes on them. Unknown (``[N/A]``, ``ERR!``, MIG) is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Gpu", "GpuProcess", "MigDevice"]


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A compute process on a GPU, joined with its environment and session where that is known."""

    pid: int | None
    user: str | None = None
    command: str | None = None
    memory_bytes: int | None = None
    prefix: str | None = None
    session: str | None = None
    """Id of the tmux session that it runs in, e.g. ``$3``."""


@dataclass(frozen=True, slots=True)
class MigDevice:
    """A slice of a GPU in MIG mode."""

    index: int
    profile: str | None
    uuid: str | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as its driver showed it."""

    host: str
    index: int
    uuid: str | None = None
    name: str | None = None
    driver: str | None = None
    cuda_max: str | None = None
    """The highest CUDA version that the driver can run."""
    util_pct: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    mig: bool | None = None
    mig_devices: tuple[MigDevice, ...] = ()
    processes: tuple[GpuProcess, ...] = ()
    vendor: str = "nvidia"
