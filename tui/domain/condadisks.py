"""Which disks matter to conda on a host. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.machine import Mount
from tui.domain.snapshot import HostSnapshot

__all__ = ["conda_mounts", "fullest"]


def conda_mounts(snapshot: HostSnapshot) -> tuple[Mount, ...]:
    """The mounts that hold installs, environments or package caches; all real ones while no install is known."""
    mounts = snapshot.mounts.value or ()
    places = {
        path
        for install in snapshot.installs.value or ()
        for path in (install.root, *install.envs_dirs, *install.pkgs_dirs)
    }
    places |= {env.prefix for env in snapshot.environments.value or ()}
    if not places:
        return tuple(mount for mount in mounts if mount.size_bytes)
    ordered = sorted(mounts, key=lambda mount: len(mount.path), reverse=True)
    found: set[str] = set()
    for parent in {place.rpartition("/")[0] for place in places}:
        for mount in ordered:
            base = mount.path.rstrip("/")
            if parent == base or parent.startswith(base + "/"):
                found.add(mount.path)
                break
    return tuple(mount for mount in mounts if mount.path in found)


def fullest(mounts: Sequence[Mount]) -> Mount | None:
    """The mount with the least room by share; None when no share is known."""
    known = [mount for mount in mounts if mount.used_fraction is not None]
    return max(known, key=lambda mount: mount.used_fraction or 0.0, default=None)
