"""Other tools' caches on a host: what each holds, how long it rests, and how its own tool cleans it. Pure.

Bytes are blocks on the disk, a file with several names counts once. A file gives its space back when its last name
goes: what has names elsewhere (uv links its cache into environments) is held, but not freed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.phrases import Phrase, phrase

__all__ = ["CacheItem", "CacheKind", "Caches", "HubEntry", "HubRepo", "HubRevision", "cleaning", "hub_repo"]

BLOCK = 512


class CacheKind(StrEnum):
    """Whose cache it is."""

    PIP = "pip"
    UV = "uv"
    HUB = "hub"
    """Hugging Face's hub: repositories."""
    HF = "hf"
    """Of the rest of Hugging Face's directory what is fetched or made again: data sets, chunks, modules."""
    TORCH = "torch"
    TRITON = "triton"
    WANDB = "wandb"
    RUNS = "runs"
    """What wandb's runs left that is marked as uploaded."""
    OTHER = "other"
    CORE = "core"
    TRASH = "trash"
    KEPT = "kept"
    """In or beside one of these: logins, settings, runs that were not uploaded, whatever is not known to come back."""


@dataclass(frozen=True, slots=True)
class HubEntry:
    """One name in a repository of the hub."""

    path: str
    kind: str
    """find's letter: f, d, l, …"""
    inode: tuple[str, int]
    links: int
    blocks: int
    used: float
    target: str | None = None
    """Where a soft link says it leads."""


@dataclass(frozen=True, slots=True)
class HubRevision:
    """One snapshot: its size with everything it needs, and what removing it alone gives back."""

    commit: str
    bytes: int
    exclusive_bytes: int
    files: int
    last_used: float | None
    astray: int = 0
    """Soft links that lead to none of the repository's blobs: never followed."""

    @property
    def shared_bytes(self) -> int:
        """What stays when it alone goes."""
        return self.bytes - self.exclusive_bytes


@dataclass(frozen=True, slots=True)
class HubRepo:
    """One repository of the hub."""

    revisions: tuple[HubRevision, ...]
    dead_bytes: int
    """Of blobs that no revision needs, downloads that did not end apart."""
    incomplete_bytes: int


@dataclass(frozen=True, slots=True)
class CacheItem:
    """A part of a cache that can go by itself."""

    kind: CacheKind
    path: str
    owner: str | None = None
    bytes: int | None = None
    """None when it was not counted."""
    counted_bytes: int = 0
    """What no item before it holds: these add up."""
    freed_bytes: int = 0
    """What removing it alone gives back."""
    files: int = 0
    """Inodes, directories included."""
    last_used: float | None = None
    """Newest reading or writing of a file in it; reading may go unrecorded (``noatime``)."""
    unreadable: tuple[str, ...] = ()
    unreadable_count: int = 0
    repo: HubRepo | None = None

    def idle_days(self, now: float) -> int | None:
        """Whole days without use; None when nothing tells."""
        return None if self.last_used is None else max(0, int((now - self.last_used) // 86400))


@dataclass(frozen=True, slots=True)
class Caches:
    """What was found on a host, in the host's order."""

    items: tuple[CacheItem, ...]
    cut: bool = False
    """True when there is more than is told."""

    @property
    def bytes(self) -> int:
        """All of it, every file once."""
        return sum(item.counted_bytes for item in self.items)


_COMMANDS = {
    CacheKind.PIP: "pip cache purge",
    CacheKind.UV: "uv cache clean",
    CacheKind.WANDB: "wandb artifact cache cleanup 0GB",
}


_OTHERS = {
    "Cypress": "cypress cache clear",
    "ccache": "ccache --clear",
    "go-build": "go clean -cache",
    "ms-playwright": "playwright uninstall --all",
    "pdm": "pdm cache clear",
    "pipenv": "pipenv --clear",
    "pre-commit": "pre-commit clean",
    "pypoetry": "poetry cache clear --all .",
    "yarn": "yarn cache clean",
}
"""Of folders in ``~/.cache``, by their names."""


def cleaning(item: CacheItem) -> Phrase | None:
    """How its own tool cleans it, as advice; None where it has no way of its own."""
    command = _COMMANDS.get(item.kind)
    if item.kind is CacheKind.OTHER:
        command = _OTHERS.get(posixpath.basename(item.path))
    if item.kind is CacheKind.HUB:
        name = _repo_id(item.path)
        if name is None:
            return None
        return phrase(
            "As its owner: {command} (before huggingface_hub 1.0: {old})",
            command=f"hf cache rm {name}",
            old="huggingface-cli delete-cache",
        )
    return None if command is None else phrase("As its owner: {command}", command=command)


def _repo_id(path: str) -> str | None:
    """``model/owner/name`` of a repository's directory; None for names that are not plain."""
    kind, *names = posixpath.basename(path).split("--")
    plain = all(name and all(char.isascii() and (char.isalnum() or char in "._-") for char in name) for name in names)
    if kind not in ("models", "datasets", "spaces") or not names or not plain or len(names) > 2:
        return None
    return "/".join([kind[:-1], *names])


def hub_repo(entries: Iterable[HubEntry]) -> HubRepo:
    """What the revisions of one repository hold, alone and together, from all names in it."""
    entries = tuple(entries)
    by_path = {entry.path: entry for entry in entries}
    needed: dict[tuple[str, int], set[str]] = {}
    named: dict[tuple[str, int], list[HubEntry]] = {}
    last: dict[str, float] = {}
    astray: dict[str, int] = {}
    commits: set[str] = set()
    for entry in entries:
        named.setdefault(entry.inode, []).append(entry)
        top, _, rest = entry.path.partition("/")
        if top != "snapshots" or not rest:
            continue
        commit = rest.partition("/")[0]
        if entry.path == f"snapshots/{commit}" and entry.kind != "d":
            continue
        commits.add(commit)
        needed.setdefault(entry.inode, set()).add(commit)
        real = entry
        if entry.kind == "l":
            blob = by_path.get(posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.target or "")))
            if blob is None or blob.kind != "f" or not blob.path.startswith("blobs/"):
                astray[commit] = astray.get(commit, 0) + 1
                continue
            needed.setdefault(blob.inode, set()).add(commit)
            real = blob
        if real.kind == "f":
            last[commit] = max(last.get(commit, 0.0), real.used)
    held, alone, count = (dict.fromkeys(commits, 0) for _ in range(3))
    dead = incomplete = 0
    for inode, names in named.items():
        size = names[0].blocks * BLOCK
        whole = names[0].kind == "d" or len(names) >= names[0].links
        users = needed.get(inode, set())
        for commit in users:
            held[commit] += size
            count[commit] += names[0].kind == "f"
            alone[commit] += size if whole and len(users) == 1 else 0
        if not users and whole and names[0].kind == "f" and all(name.path.startswith("blobs/") for name in names):
            if any(name.path.endswith(".incomplete") for name in names):
                incomplete += size
            else:
                dead += size
    revisions = (
        HubRevision(commit, held[commit], alone[commit], count[commit], last.get(commit), astray.get(commit, 0))
        for commit in sorted(commits)
    )
    return HubRepo(tuple(revisions), dead, incomplete)
