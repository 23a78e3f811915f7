"""Which disks matter to conda on a host, and which are full whatever they hold. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.machine import Mount
from tui.domain.snapshot import HostSnapshot

__all__ = ["NEARLY_FULL", "conda_mounts", "full_mounts", "fullest"]

NEARLY_FULL = 0.9
"""From this share on a disk is told of, whether conda uses it or not: a full ``/`` stops every program."""


def conda_mounts(snapshot: HostSnapshot) -> tuple[Mount, ...] | None:
    """The mounts that hold installs, environments or package caches; none where there is no conda.

    None as long as that is not known: a figure must not change its meaning once the inventory is there.
    """
    if snapshot.mounts.value is None or not _inventory_known(snapshot):
        return None
    mounts = snapshot.mounts.value
    places = {
        path
        for install in snapshot.installs.value or ()
        for path in (install.root, *install.envs_dirs, *install.pkgs_dirs)
    }
    places |= {env.prefix for env in snapshot.environments.value or ()}
    ordered = sorted(mounts, key=lambda mount: len(mount.path), reverse=True)
    found: set[str] = set()
    for parent in {place.rpartition("/")[0] for place in places}:
        for mount in ordered:
            base = mount.path.rstrip("/")
            if parent == base or parent.startswith(base + "/"):
                found.add(mount.path)
                break
    return tuple(mount for mount in mounts if mount.path in found)


def _inventory_known(snapshot: HostSnapshot) -> bool:
    """Whether all that will be heard of the places was heard: of two parts one may have failed, not both."""
    parts = (snapshot.installs, snapshot.environments)
    return any(part.value is not None for part in parts) and all(
        part.value is not None or part.fault is not None for part in parts
    )


def full_mounts(snapshot: HostSnapshot) -> tuple[Mount, ...]:
    """All real disks that are nearly full, the fullest first. A disk that can't be written to is full by design."""
    full = [
        mount
        for mount in snapshot.mounts.value or ()
        if (mount.used_fraction or 0.0) >= NEARLY_FULL and not mount.read_only
    ]
    return tuple(sorted(full, key=lambda mount: (-(mount.used_fraction or 0.0), mount.path)))


def fullest(mounts: Sequence[Mount] | None) -> Mount | None:
    """The mount with the least room by share; None when no share is known."""
    known = [mount for mount in mounts or () if mount.used_fraction is not None]
    return max(known, key=lambda mount: mount.used_fraction or 0.0, default=None)
