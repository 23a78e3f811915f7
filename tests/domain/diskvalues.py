"""A host's disk in a few numbers: a base, environments that share packages, a cache, something put aside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tui.domain.caches import CacheItem, CacheKind, Caches
from tui.domain.cacheusers import CacheUsers
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.disktable import OUTSIDE, Device, DiskTable, Owner, OwnerState, Row
from tui.domain.environments import Environment, EnvKind, Install, Manager, UsageSignal
from tui.domain.machine import Machine, Mount
from tui.domain.snapshot import HostSnapshot, Part

MIB = 1 << 20
DAY = 86400.0
NOW = 1000 * DAY
ROOT = "/opt/conda"
PKGS = f"{ROOT}/pkgs"
CACHE = {kind: number for number, kind in enumerate(CACHE_PARTS)}
BASE, OLD, BUSY, ASIDE = 6, 7, 8, 9
OWNERS = (
    *(Owner(kind, PKGS, device=0, within=BASE) for kind in CACHE_PARTS),
    Owner(OwnerKind.ENVIRONMENT, ROOT, device=0),
    Owner(OwnerKind.ENVIRONMENT, f"{ROOT}/envs/old", device=0, within=BASE),
    Owner(OwnerKind.ENVIRONMENT, f"{ROOT}/envs/busy", device=0, within=BASE),
    Owner(OwnerKind.ASIDE, f"{ROOT}/envs/.condafleet-trash/1", device=0, within=BASE),
    Owner(OwnerKind.ENVIRONMENT, f"{ROOT}/envs/gone", OwnerState.ABSENT),
)


def bits(*numbers: int) -> int:
    return sum(1 << (number + 1) for number in numbers)


PACKAGES = CACHE[OwnerKind.PACKAGES]
ROWS = (
    Row(bits(CACHE[OwnerKind.TARBALLS]), 0, 50 * MIB, 5),
    Row(bits(PACKAGES), 0, 30 * MIB, 40),  # nothing uses them
    Row(bits(PACKAGES), bits(BUSY), 4 * MIB, 3),  # by soft links
    Row(bits(PACKAGES) | OUTSIDE, 0, 2 * MIB, 1),  # linked from a place that nobody knows
    Row(bits(PACKAGES, OLD), bits(), 20 * MIB, 10),
    Row(bits(PACKAGES, OLD, BUSY), 0, 100 * MIB, 60),
    Row(bits(CACHE[OwnerKind.INDEX]), 0, 7 * MIB, 2),
    Row(bits(CACHE[OwnerKind.REST]), 0, 1 * MIB, 2),
    Row(bits(BASE), 0, 9 * MIB, 9),
    Row(bits(OLD), 0, 60 * MIB, 6),
    Row(bits(BUSY), 0, 80 * MIB, 8),
    Row(bits(ASIDE), 0, 12 * MIB, 4),
)
TABLE = DiskTable((Device("65024", "/", "ext4"),), OWNERS, ROWS)


def environment(name: str, **fields: Any) -> Environment:
    """An environment of the install that was looked at and is used by nobody; last used 212 days ago."""
    values: dict[str, Any] = {
        "in_use_complete": True,
        "frozen": False,
        "writable": True,
        "owner": "ada",
        "last_used": NOW - 212 * DAY,
        "last_used_signal": UsageSignal.PYCACHE,
        **fields,
    }
    return Environment("gpu01", f"{ROOT}/envs/{name}", name, EnvKind.NAMED, ROOT, Manager.CONDA, **values)


ENVIRONMENTS = (
    replace(environment("base"), prefix=ROOT, kind=EnvKind.BASE, protected=True),
    environment("old"),
    environment("busy", last_used=NOW),
    environment("gone"),
)
ITEMS = (
    CacheItem(CacheKind.PIP, "/home/ada/.cache/pip/http", "ada", 40 * MIB, 40 * MIB, 40 * MIB, 90, NOW - 100 * DAY),
    CacheItem(CacheKind.UV, "/home/ada/.cache/uv", "ada", 90 * MIB, 90 * MIB, 10 * MIB, 70, NOW - 2 * DAY),
    CacheItem(CacheKind.OTHER, "/home/ada/.cache/thing", "ada", 500 * MIB, 500 * MIB, 500 * MIB, 7, 0.5),
    CacheItem(CacheKind.TORCH, "/home/ada/.cache/torch/x", "ada", None),
)
COUNT = DiskCount(TABLE, NOW - 60, (CacheUsers(PKGS),), Caches(ITEMS), entries=1234)
SNAPSHOT = HostSnapshot(
    "gpu01",
    machine=Part(Machine(user="ada", uid=1000), NOW),
    mounts=Part((Mount("/", "/dev/sda1", "ext4", 4000 * MIB, 3000 * MIB, 900 * MIB, 1000, 400),), NOW),
    installs=Part((Install(ROOT, Manager.CONDA, "26.7.1", pkgs_dirs=(PKGS,), writable=True),), NOW),
    environments=Part(ENVIRONMENTS, NOW),
)
