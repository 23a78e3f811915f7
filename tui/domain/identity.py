"""What is one thing seen twice: machines, exports and environments that several hosts show."""

from __future__ import annotations

from collections.abc import Iterable

from tui.domain.environments import Environment
from tui.domain.machine import Machine, Mount
from tui.domain.snapshot import HostSnapshot

__all__ = ["machine_key", "same_environments", "same_exports", "same_machines"]


def machine_key(machine: Machine | None) -> str | None:
    """Equal for two host names of one running machine; None when that cannot be known.

    The machine-id alone does not tell: machines cloned from one image share it. The boot id alone
    does not either: containers share their machine's. The host name parts containers of one image.
    """
    if machine is None or machine.machine_id is None or machine.boot_id is None:
        return None
    return "\0".join((machine.machine_id, machine.boot_id, machine.hostname or ""))


def same_machines(snapshots: Iterable[HostSnapshot]) -> dict[str, tuple[str, ...]]:
    """For each host that shares its machine with others: all their names, its own too, in the order given."""
    groups: dict[str, list[str]] = {}
    for snapshot in snapshots:
        key = machine_key(snapshot.machine.value)
        if key is not None:
            groups.setdefault(key, []).append(snapshot.host)
    return {host: tuple(group) for group in groups.values() if len(group) > 1 for host in group}


def same_exports(snapshots: Iterable[HostSnapshot]) -> dict[str, tuple[tuple[str, Mount], ...]]:
    """For each export that is mounted on several hosts: (host, mount) wherever it is, by its ``export_id``.

    Two mounts of an export on one host alone are no sharing between hosts and are left out.
    """
    seen: dict[str, list[tuple[str, Mount]]] = {}
    for snapshot in snapshots:
        for mount in snapshot.mounts.value or ():
            if mount.export_id is not None:
                seen.setdefault(mount.export_id, []).append((snapshot.host, mount))
    return {export: tuple(places) for export, places in seen.items() if len({host for host, _ in places}) > 1}


def same_environments(environments: Iterable[Environment]) -> dict[str, tuple[Environment, ...]]:
    """For each environment that is seen more than once (from several hosts, or by two host names of
    one machine): all its sightings in the order given, by their ``fs_id``."""
    seen: dict[str, list[Environment]] = {}
    for environment in environments:
        if environment.fs_id is not None:
            seen.setdefault(environment.fs_id, []).append(environment)
    return {fs_id: tuple(group) for fs_id, group in seen.items() if len(group) > 1}
