"""What demo hosts say of their load, memory and mounts: played, never measured.

Files below a host's ``played/`` folder stand for /proc and /etc; the probe reads them where ``CONDAFLEET_PLAYED`` names
the folder. They change with the time, by formula: the same tick, the same numbers. Of a file system, its size and what
other people hold on it are played; what the host's own files take there is counted when somebody asks
(``standins/played-disks.sh``), so that Fleet, a count of the disk and the report of a plan tell of the same disks.
"""

from __future__ import annotations

import hashlib
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tui.demo.plan import Layout, MountPlan

__all__ = ["NAMESPACE", "machine_files", "moving_files", "put"]

NAMESPACE = uuid.UUID("6f1c1a4e-3f0e-4a63-9d5a-1f2f6b0e7a11")
"""Played identities come from names below it, so that a host is the same machine in every demo."""


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Write each file whole or not at all: a reader never sees half of one."""
    for name, text in files.items():
        new = folder / f".{name}.new"
        new.write_text(text, encoding="utf-8")
        new.replace(folder / name)


def machine_files(host: str, plan: Layout, root: Path) -> dict[str, str]:
    """What stays as it is until the host is gone. *root*: the folder that holds all of the host's files."""
    identity = uuid.uuid5(NAMESPACE, host)
    mounts = [_placed(mount, root) for mount in plan.mounts]
    name, _, code = plan.os.partition(" (")
    return {
        "os-release": f'PRETTY_NAME="{plan.os}"\nNAME="{name}"\nVERSION_ID="{plan.version}"\n'
        f"ID={'ubuntu' if 'Ubuntu' in name else 'debian'}\n{f'VERSION_CODENAME={code[:-1]}' if code else ''}\n",
        "machine-id": f"{identity.hex}\n",
        "boot-id": f"{uuid.uuid5(identity, 'boot')}\n",
        "hostname": f"{host}\n",
        "osrelease": f"{plan.kernel}\n",
        "arch": "x86_64\n",
        "cores": f"{plan.cores}\n",
        "mountinfo": "".join(_mountinfo(number, mount) for number, mount in enumerate(mounts)),
        "disks": "".join(map(_disk, sorted(mounts, key=lambda mount: mount.path, reverse=True))),
    }


def _placed(mount: MountPlan, root: Path) -> MountPlan:
    """*mount* where the host's files really lie, so that its environments are on the disk that is played."""
    return replace(mount, path=f"{root}{mount.path}".rstrip("/"))


def _disk(mount: MountPlan) -> str:
    """Where it is, blocks of 512 bytes, those that others hold, inodes, those that others hold, kind, source."""
    size, others = mount.size << 11, mount.others << 11
    inodes, taken = (0, 0) if mount.fs_type == "btrfs" else (size // 8, others // 240)
    return f"{mount.path}\t{size}\t{others}\t{inodes}\t{taken}\t{mount.fs_type}\t{mount.source}\n"


def _mountinfo(number: int, mount: MountPlan) -> str:
    device = f"0:{52 + number}" if mount.fs_type in ("nfs4", "btrfs") else f"259:{2 + number * 3}"
    options = "vers=4.2,rsize=1048576,hard,proto=tcp,addr=192.0.2.40" if mount.fs_type == "nfs4" else "rw"
    path = re.sub(r"[ \t\n\\]", lambda match: f"\\{ord(match[0]):03o}", mount.path)
    return (
        f"{30 + number} {30 if number else 1} {device} / {path} rw,relatime "
        f"shared:{number + 1} - {mount.fs_type} {mount.source} rw,{options}\n"
    )


def moving_files(host: str, plan: Layout, tick: float) -> dict[str, str]:
    """What changes, *tick* seconds after the fleet began."""
    phase = int.from_bytes(hashlib.sha256(host.encode()).digest()[:2], "big") / 1000
    loads = [plan.load * (1 + 0.12 * math.sin(tick / span + phase)) for span in (25, 90, 300)]
    total = plan.memory_gib << 20
    used = min(0.92, 0.25 + 0.6 * plan.load / (plan.cores + 1) + 0.04 * math.sin(tick / 40 + phase))
    available = int(total * (1 - used))
    uptime = 3_000_000 + phase * 10_000 + tick
    memory = {
        "MemTotal": total,
        "MemFree": available // 3,
        "MemAvailable": available,
        "Buffers": total // 90,
        "Cached": available // 2,
        "SwapTotal": 8 << 20,
        "SwapFree": (8 << 20) - total // 200,
    }
    return {
        "loadavg": f"{loads[0]:.2f} {loads[1]:.2f} {loads[2]:.2f} {math.ceil(loads[0])}/{1400 + plan.cores} 48213\n",
        "uptime": f"{uptime:.2f} {uptime * plan.cores * 0.8:.2f}\n",
        "meminfo": "".join(f"{key + ':':<15} {value:>10} kB\n" for key, value in memory.items()),
    }
