"""What can be chosen to go: environments, parts of package caches, other tools' caches, what was put aside. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from tui.domain.assemble import mount_of
from tui.domain.caches import CacheItem, CacheKind
from tui.domain.diskplaces import OwnerKind
from tui.domain.disktable import DiskTable, Owner
from tui.domain.environments import Environment
from tui.domain.machine import Mount

__all__ = ["DEFAULT_KINDS", "ENVIRONMENTS", "PACKAGE_CACHE", "TOOL_CACHES", "HostTables", "Item", "ItemKind"]


class ItemKind(StrEnum):
    """What an item is; the values are the words of ``--what``, of ``--json`` and of plan files."""

    ENVIRONMENT = "environment"
    ASIDE = "aside"
    TARBALLS = "tarballs"
    PACKAGES = "packages"
    """The extracted packages that nothing uses."""
    INDEX = "index"
    TEMP = "temp"
    LOGS = "logs"
    PIP = "pip"
    UV = "uv"
    HUB = "hub"
    HF = "hf"
    TORCH = "torch"
    TRITON = "triton"
    WANDB = "wandb"
    RUNS = "runs"
    """What wandb's runs left: it may not be uploaded yet."""
    OTHER = "other"
    """A folder or file of ``~/.cache`` whose program is none of these: it goes by its name typed, never by a list."""
    CORE = "core"
    TRASH = "trash"

    @property
    def owner(self) -> OwnerKind:
        """The kind of owner that it is in a disk table. What other tools keep is counted there as a directory."""
        return _OWNERS.get(self, OwnerKind.OTHER)

    @property
    def cache(self) -> CacheKind | None:
        """Whose cache it is; None for conda's own."""
        return CacheKind(self.value) if self in TOOL_CACHES else None


_OWNERS = {
    ItemKind.ENVIRONMENT: OwnerKind.ENVIRONMENT,
    ItemKind.ASIDE: OwnerKind.ASIDE,
    ItemKind.TARBALLS: OwnerKind.TARBALLS,
    ItemKind.PACKAGES: OwnerKind.PACKAGES,
    ItemKind.INDEX: OwnerKind.INDEX,
    ItemKind.TEMP: OwnerKind.PARTIAL,
    ItemKind.LOGS: OwnerKind.LOGS,
}
ENVIRONMENTS = frozenset({ItemKind.ENVIRONMENT, ItemKind.ASIDE})
PACKAGE_CACHE = frozenset(_OWNERS) - ENVIRONMENTS
"""The parts of a package cache, all with the path of the cache."""
TOOL_CACHES = frozenset(ItemKind) - frozenset(_OWNERS)
DEFAULT_KINDS = (ItemKind.TARBALLS, ItemKind.INDEX, ItemKind.LOGS, ItemKind.TEMP)
"""What ``clean`` removes unless it is told otherwise: nothing that an environment needs."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that is to go, as it was counted when it was chosen. Strings are raw text; unknown is None."""

    host: str
    kind: ItemKind
    path: str
    name: str | None = None
    """What a person calls an environment, or a folder of ``~/.cache``."""
    bytes: int | None = None
    """What it holds."""
    exclusive_bytes: int | None = None
    """What removing it alone gives back."""
    files: int | None = None
    fs_id: str | None = None
    """Equal for the same thing seen from several hosts, and another once another directory stands there."""
    in_use: bool = False
    last_used: float | None = None
    """Unix time, the host's clock, as far as was known when it was chosen."""
    last_used_signal: str | None = None
    """What told it: of an environment :class:`UsageSignal`'s word, of another tool's cache ``files``."""

    @property
    def key(self) -> tuple[str, ItemKind, str]:
        """What tells items apart."""
        return self.host, self.kind, self.path

    @property
    def label(self) -> str:
        """What the person types to confirm it."""
        return self.path if self.name is None else self.name


@dataclass(frozen=True)
class HostTables:
    """What a plan stands on for one host: one count of its disk, and what was known of it at that time."""

    host: str
    table: DiskTable
    counted: float
    """Unix time, operator's clock."""
    environments: tuple[Environment, ...] = ()
    roots: frozenset[str] = frozenset()
    """Of installs."""
    caches: tuple[CacheItem, ...] | None = None
    """Other tools' caches; None while nobody counted them."""
    mounts: tuple[Mount, ...] | None = None
    account: str | None = None
    """Who we are on the host."""
    machine_id: str | None = None
    home: str | None = None
    """The account's."""

    @cached_property
    def _owners(self) -> Mapping[tuple[OwnerKind, str], int]:
        found: dict[tuple[OwnerKind, str], int] = {}
        for number, owner in enumerate(self.table.owners):
            found.setdefault((owner.kind, owner.path), number)
        return found

    @cached_property
    def _environments(self) -> Mapping[str, Environment]:
        return {env.prefix: env for env in self.environments}

    @cached_property
    def _caches(self) -> Mapping[tuple[CacheKind, str], CacheItem]:
        return {(each.kind, each.path): each for each in self.caches or ()}

    def owner(self, kind: ItemKind, path: str) -> int | None:
        """Its number in the disk table; None when it was not counted there."""
        return self._owners.get((kind.owner, path))

    def environment(self, prefix: str) -> Environment | None:
        """The environment at *prefix*."""
        return self._environments.get(prefix)

    def cache(self, kind: ItemKind, path: str) -> CacheItem | None:
        """That part of another tool's cache."""
        whose = kind.cache
        return None if whose is None else self._caches.get((whose, path))

    def item(self, kind: ItemKind, path: str) -> Item | None:
        """It as an item of a plan, with its figures; None when nothing is known of it."""
        number, cache = self.owner(kind, path), self.cache(kind, path)
        called = posixpath.basename(path) if kind is ItemKind.OTHER else None
        if number is not None:
            held = self.table.holding(number)
            size, alone, files = held.bytes, held.exclusive_bytes, held.files
        elif cache is not None and cache.bytes is not None:
            size, alone, files = cache.bytes, cache.freed_bytes, cache.files
        elif cache is None:
            return None
        else:
            return Item(self.host, kind, path, called)
        identity = self.identity(kind, path)
        env = self.environment(path) if kind is ItemKind.ENVIRONMENT else None
        if env is None:
            # Of a core dump its reading says nothing: to see that it is one it is read.
            used = None if cache is None or kind is ItemKind.CORE else cache.last_used
            signal = None if used is None else "files"
            return Item(self.host, kind, path, called, size, alone, files, identity, False, used, signal)
        signal = None if env.last_used_signal is None else env.last_used_signal.value
        return Item(
            self.host, kind, path, env.name, size, alone, files, identity, bool(env.in_use), env.last_used, signal
        )

    def items(self, kinds: Iterable[ItemKind] = DEFAULT_KINDS) -> list[Item]:
        """Everything of these *kinds* that holds something: kind by kind, each in the order of the count."""
        chosen = frozenset(kinds)
        wanted = [kind for kind in ItemKind if kind in chosen]
        places = dict.fromkeys((owner.path for owner in self.table.owners if _counted(owner)), None)
        found = []
        for kind in wanted:
            if kind in TOOL_CACHES:
                paths = [each.path for each in self.caches or () if each.kind is kind.cache]
            else:
                paths = [path for path in places if self.owner(kind, path) is not None]
            items = (self.item(kind, path) for path in paths)
            found += [item for item in items if item is not None and item.files != 0]
        return found

    def identity(self, kind: ItemKind, path: str) -> str | None:
        """What is equal for the same thing seen from several hosts; of a cache without the inode, which nobody saw."""
        if kind is ItemKind.ENVIRONMENT:
            env = self.environment(path)
            return None if env is None else env.fs_id
        mount = mount_of(path, self.mounts or ())
        if mount is not None and mount.export_id is not None:
            return f"{mount.export_id}:/{path[len(mount.path.rstrip('/')) :].lstrip('/')}"
        return None if self.machine_id is None else f"{self.machine_id}:{path}"


def _counted(owner: Owner) -> bool:
    return owner.same_as is None and owner.device is not None
