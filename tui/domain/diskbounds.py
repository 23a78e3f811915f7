"""How far a predicted number of bytes can be trusted, and why."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["Bound", "Reason", "bound_of", "filesystem_reasons", "interval", "together"]


class Bound(StrEnum):
    """Which way a number can be wrong; the value is what ``--json`` shows."""

    EXACT = "exact"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    BETWEEN = "between"
    """It can be wrong both ways."""


class Reason(StrEnum):
    """Why a number is not exact. A closed list."""

    UNREADABLE = "unreadable"
    """Directories that this account may not read."""
    METADATA = "metadata"
    """The file system gives back space of its own besides that of files."""
    REFLINKS = "reflinks"
    """Blocks may be shared by copies, and nobody looked."""
    COMPRESSION = "compression"
    SNAPSHOTS = "snapshots"
    """The file system may keep removed blocks for a snapshot."""
    OPEN_FILES = "open_files"
    """A running process keeps what it has open."""
    LOWER_LAYER = "lower_layer"
    """Files of an image below: removing them gives back nothing."""
    SERVER = "server"
    """A file server decides, and its numbers may be seconds old."""
    UNKNOWN_FILESYSTEM = "unknown_filesystem"
    LINKED_CACHES = "linked_caches"
    """Packages of a cache that goes whole are linked with those of another cache."""
    CHANGED = "changed"
    """Files appeared, changed or vanished while they were counted."""


_ONLY_MORE = frozenset({Reason.UNREADABLE, Reason.METADATA, Reason.LINKED_CACHES})
_MORE = _ONLY_MORE | {Reason.SERVER, Reason.UNKNOWN_FILESYSTEM, Reason.CHANGED}
"""With these, more may come back than was said."""
_LESS = frozenset(Reason) - _ONLY_MORE
"""With these, less may."""

_EXACT = frozenset({"ext2", "ext3", "ext4", "tmpfs"})
_KNOWN: dict[str, frozenset[Reason]] = {
    "xfs": frozenset({Reason.METADATA, Reason.REFLINKS}),
    "btrfs": frozenset({Reason.METADATA, Reason.REFLINKS, Reason.SNAPSHOTS}),
    "bcachefs": frozenset({Reason.METADATA, Reason.REFLINKS, Reason.SNAPSHOTS}),
    "zfs": frozenset({Reason.METADATA, Reason.REFLINKS, Reason.SNAPSHOTS, Reason.COMPRESSION}),
    "overlay": frozenset({Reason.LOWER_LAYER}),
    "aufs": frozenset({Reason.LOWER_LAYER}),
}
_SERVERS = ("nfs", "cifs", "smb", "lustre", "ceph", "beegfs", "gpfs", "gluster", "9p", "afs", "ocfs", "gfs", "weka")


def bound_of(reasons: Iterable[Reason]) -> Bound:
    """The bound of a number to which all of *reasons* apply."""
    held = frozenset(reasons)
    if not held & _LESS:
        return Bound.AT_LEAST if held else Bound.EXACT
    return Bound.BETWEEN if held & _MORE else Bound.AT_MOST


def together(bounds: Iterable[Bound]) -> Bound:
    """The bound of the sum of what several give back each alone: together they give back what they share, too."""
    held = list(bounds)
    if len(held) == 1:
        return held[0]
    return Bound.BETWEEN if {Bound.AT_MOST, Bound.BETWEEN} & set(held) else Bound.AT_LEAST


def filesystem_reasons(kind: str | None, options: Iterable[str] = ()) -> frozenset[Reason]:
    """What the file system alone makes uncertain; *kind* and *options* as in mountinfo, None when unknown."""
    if kind is None:
        return frozenset({Reason.UNKNOWN_FILESYSTEM})
    if kind in _EXACT:
        return frozenset()
    reasons = _KNOWN.get(kind)
    if reasons is None:
        server = kind.removeprefix("fuse.").startswith(_SERVERS)
        return frozenset({Reason.SERVER if server else Reason.UNKNOWN_FILESYSTEM})
    if any(option.startswith(("compress=", "compress-force=", "compression=")) for option in options):
        reasons |= {Reason.COMPRESSION}
    return reasons


_OWN_BOOKS = frozenset({Reason.METADATA, Reason.SERVER, Reason.UNKNOWN_FILESYSTEM})
_LINKED = frozenset({Reason.LINKED_CACHES, Reason.CHANGED})
SHARE = 20
"""A file system's own books give back at most the 20th part of what files do: XFS 0.4 to 0.9 %, btrfs up to 4.3 %."""
EACH_FILE = 2048
"""And this for each inode: XFS 512 bytes and its part of a chunk, btrfs some items in two copies."""
AT_ONCE = 1 << 20
"""And this in all, either way: they take and return whole chunks and nodes, also for what others do."""


def interval(size: int, files: int, reasons: Iterable[Reason], held: int | None = None) -> tuple[int, int | None]:
    """Between what an amount of *size* bytes and *files* inodes must lie, if nobody else changes anything.

    *held*: all that the things hold that go: more cannot come back by links that nobody counted together. The upper
    end is None where nothing bounds it: what may not be read may be of any size.
    """
    kept = frozenset(reasons)
    books = bool(kept & _OWN_BOOKS)
    least, most = size, size
    if kept & _LINKED:
        if held is None:
            return (0 if kept & _LESS else least), None
        most = max(most, held)
    if books:
        most += most // SHARE + files * EACH_FILE + AT_ONCE
        least = max(0, least - AT_ONCE)
    if kept & _LESS:
        # Any part of it may be shared, compressed, kept for a snapshot or held open.
        least = -AT_ONCE if books else 0
    return least, None if Reason.UNREADABLE in kept else most
