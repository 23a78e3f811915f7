"""Mounted file systems: which of them matter, how full they are, and which are one export.

The list comes from ``/proc/self/mountinfo`` (which never blocks); the sizes from ``scripts/mounts.sh``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Mount
from tui.domain.phrases import phrase
from tui.domain.text import decode, encode, printable
from tui.remote.wire import Record

__all__ = ["MountPlan", "SizeAnswer", "export_id", "parse_mountinfo", "parse_sizes", "plan_mounts"]

MAX_MOUNTS = 200
_NETWORK = """
    nfs nfs4 cifs smb3 smbfs lustre ceph fuse.ceph fuse.ceph-fuse beegfs gpfs glusterfs fuse.glusterfs fuse.sshfs 9p afs
    pvfs2 orangefs wekafs panfs fuse.juicefs fuse.s3fs fuse.rclone fuse.goofys fuse.gcsfuse fuse.moosefs fuse.mfs
    fuse.seaweedfs fuse.dfuse fuse.cvmfs2 vboxsf fuse.vmhgfs-fuse
"""
_PSEUDO = """
    proc sysfs cgroup cgroup2 devpts devtmpfs mqueue debugfs tracefs securityfs pstore bpf configfs fusectl hugetlbfs
    efivarfs binfmt_misc autofs nsfs rpc_pipefs nfsd ramfs selinuxfs squashfs fuse.lxcfs fuse.portal fuse.snapfuse
    fuse.gvfsd-fuse fuse.squashfuse fuse.archivemount iso9660 rootfs erofs
"""
NETWORK_TYPES = frozenset(_NETWORK.split())
PSEUDO_TYPES = frozenset(_PSEUDO.split())
_PRIVATE_FILES = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
_OCTAL = re.compile(rb"\\([0-7]{3})")
_COUNTS = re.compile(rb"(\d{1,10}) (\d{1,20}) (\d{1,20}) (-?\d{1,20}) (-?\d{1,20}) (-?\d{1,20})")


@dataclass(frozen=True, slots=True)
class MountPlan:
    """The mounts that matter, without sizes: those asked together, and those that may hang."""

    local: tuple[Mount, ...]
    remote: tuple[Mount, ...]
    """Network and FUSE mounts: whoever asks them may never come back."""


@dataclass(frozen=True, slots=True)
class _Line:
    device: str
    root: str
    path: str
    options: str
    fs_type: str
    source: str


def parse_mountinfo(text: bytes) -> MountPlan:
    """The mounts of *text* that hold data, each device once; malformed lines are passed over."""
    lines: dict[str, _Line] = {}
    for raw in text.split(b"\n"):
        line = _parse_line(raw)
        if line is not None:
            lines[line.path] = line  # what is mounted later at the same path hides the earlier
    kept: dict[tuple[str, str], _Line] = {}
    for line in lines.values():
        if not _matters(line):
            continue
        network = line.fs_type in NETWORK_TYPES
        key = (line.device, line.root if network else "")
        if key not in kept or _rank(line) < _rank(kept[key]):
            kept[key] = line
    chosen = sorted(kept.values(), key=lambda line: line.path)[:MAX_MOUNTS]
    local = tuple(_mount(line) for line in chosen if not _may_hang(line.fs_type))
    remote = tuple(_mount(line) for line in chosen if _may_hang(line.fs_type))
    return MountPlan(local, remote)


def plan_mounts(mounts: Iterable[Mount]) -> MountPlan:
    """*mounts* parted into those asked together and those that may hang."""
    mounts = tuple(mounts)
    return MountPlan(
        tuple(mount for mount in mounts if not _may_hang(mount.fs_type)),
        tuple(mount for mount in mounts if _may_hang(mount.fs_type)),
    )


def _parse_line(raw: bytes) -> _Line | None:
    before, dash, after = raw.partition(b" - ")
    fields = before.split(b" ")
    rest = after.split(b" ")
    if not dash or len(fields) < 6 or not rest[0]:
        return None
    device, root, path, options = (decode(_OCTAL.sub(_unescape, field)) for field in fields[2:6])
    source = decode(_OCTAL.sub(_unescape, rest[1])) if len(rest) > 1 else ""
    return _Line(device, root, path, options, decode(rest[0]), source)


def _unescape(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 8) & 0xFF,))


def _matters(line: _Line) -> bool:
    if line.fs_type in PSEUDO_TYPES or line.path in _PRIVATE_FILES or not line.path.startswith("/"):
        return False
    if line.fs_type == "tmpfs":
        return line.path in ("/tmp", "/dev/shm")
    if line.fs_type == "overlay":
        return line.path == "/"
    return not line.path.startswith(("/proc/", "/sys/", "/dev/", "/snap/")) or f"{line.path}/".startswith("/dev/shm/")


def _rank(line: _Line) -> tuple[bool, bool, int, str]:
    """The best face of a device that is mounted several times: its root, at ``/``, at a short path."""
    return line.root != "/", line.path != "/", len(line.path), line.path


def _may_hang(fs_type: str) -> bool:
    return fs_type in NETWORK_TYPES or fs_type.startswith("fuse")


def _mount(line: _Line) -> Mount:
    return Mount(
        path=line.path,
        source=line.source,
        fs_type=line.fs_type,
        read_only="ro" in line.options.split(","),
        network=line.fs_type in NETWORK_TYPES,
        device=line.device,
        export_id=export_id(line.fs_type, line.source, line.root),
    )


def export_id(fs_type: str, source: str, root: str = "/") -> str | None:
    """The same text wherever the same export is mounted; None for local disks and where that can't be told.

    *root* is the directory within the export that is mounted (mountinfo's fourth field). Server names
    are compared without case; two names of one server stay two exports, because taking two for one
    would be the worse error.
    """
    if fs_type in ("nfs", "nfs4"):
        server, path = _split_server(source)
        return _joined("nfs", server, path, root)
    if fs_type in ("cifs", "smb3", "smbfs"):
        server, _, share = source.replace("\\", "/").lstrip("/").partition("/")
        return _joined("cifs", server, "/" + share.lower(), root) if share else None
    if fs_type == "lustre":
        nids, marker, name = source.partition(":/")
        return f"lustre:{','.join(sorted(nids.lower().split(':')))}:{_path(name, root)}" if marker else None
    if fs_type in ("ceph", "fuse.ceph", "fuse.ceph-fuse"):
        return _ceph(source, root)
    if fs_type == "gpfs":
        name = source.rsplit("/", 1)[-1].lower()
        return f"gpfs:{name}:{_path('', root)}" if name else None
    if fs_type == "beegfs":
        # The usual source, "beegfs_nodev", names no file system.
        return None if not source or "nodev" in source else f"beegfs:{source}:{_path('', root)}"
    if fs_type == "fuse.sshfs":
        server, path = _split_server(source)
        user, at, name = server.rpartition("@")
        # A relative path begins at the home of that user.
        return _joined("sshfs", name if path.startswith("/") else f"{user}{at}{name}", path, root)
    return None


def _split_server(source: str) -> tuple[str, str]:
    end = source.find("]:") + 1 if "[" in source else source.find(":")
    return (source[:end], source[end + 1 :]) if end > 0 else (source, "")


def _joined(family: str, server: str, path: str, root: str) -> str | None:
    server = server.lower().replace("[", "").replace("]", "").rstrip(".")
    name = server.rpartition("@")[2].partition("%")[0]
    if not name or name == "localhost" or name.startswith("127.") or name == "::1":
        return None  # each machine's own
    return f"{family}:{server}:{_path(path, root)}"


def _ceph(source: str, root: str) -> str | None:
    if "=" in source:  # user@fsid.name=/path
        cluster, _, path = source.partition("=")
        return f"ceph:{cluster.rpartition('@')[2].lower()}:{_path(path, root)}"
    monitors, marker, path = source.rpartition(":/")
    if not marker or not monitors:
        return None
    return f"ceph:{','.join(sorted(monitors.lower().split(',')))}:{_path('/' + path, root)}"


def _path(path: str, root: str) -> str:
    parts = [part for part in f"{path}/{root}".split("/") if part]
    relative = not path.startswith("/") and path != ""
    return ("" if relative else "/") + "/".join(parts)


@dataclass(frozen=True, slots=True)
class SizeAnswer:
    """What one record of ``mounts.sh`` said: sizes or a fault for the mount at *index*."""

    index: int
    mount: Mount


def parse_sizes(record: Record, asked: Sequence[Mount], local: int, host: str) -> tuple[SizeAnswer, ...]:
    """The mounts that *record* is about, with their sizes or their faults.

    *asked* are the mounts in the order in which the script was given their paths, the first *local* of
    them together. Records of other kinds, and indexes out of range, give nothing.
    """
    if record.tag == "local" and record.fields:
        return tuple(
            SizeAnswer(index, _sized_by_name(mount, record.fields[0], host))
            for index, mount in enumerate(asked[:local] if local else asked)
        )
    index = record.integer(0)
    if index is None or not 0 <= index < len(asked) or len(record.fields) < 2:
        return ()
    if record.tag == "df":
        match = _COUNTS.fullmatch(record.fields[1].strip())
        mount = asked[index]
        return (SizeAnswer(index, _sized(mount, match) if match else _failed(mount, record.fields[1], host)),)
    if record.tag == "plain" and len(record.fields) > 2:
        return (SizeAnswer(index, _plain(asked[index], record.fields[1], record.fields[2], host)),)
    return ()


def _sized_by_name(mount: Mount, lines: bytes, host: str) -> Mount:
    pattern = rb"(?:\A|\n)" + _COUNTS.pattern + rb" " + re.escape(encode(mount.path)) + rb"(?=\n|\Z)"
    match = re.search(pattern, lines)
    if match:
        return _sized(mount, match)
    said = [line for line in lines.split(b"\n") if not _COUNTS.match(line) and encode(mount.path) in line]
    return _failed(mount, said[0] if said else b"no answer", host)


def _sized(mount: Mount, match: re.Match[bytes]) -> Mount:
    unit, blocks, free, available, inodes, inodes_free = map(int, match.groups()[:6])
    if blocks <= 0:
        return mount  # some FUSE and cluster file systems give no numbers: unknown, not empty
    return replace(
        mount,
        size_bytes=blocks * unit,
        used_bytes=max(0, blocks - free) * unit,
        free_bytes=max(0, available) * unit,
        inodes=inodes if inodes > 0 else None,
        inodes_free=inodes_free if inodes > 0 and inodes_free >= 0 else None,
        fault=None,
    )


_DF = re.compile(rb"(\d{1,20}) +(\d{1,20}) +(-?\d{1,20}) +(?:\d+%|-)")


def _plain(mount: Mount, blocks: bytes, inodes: bytes, host: str) -> Mount:
    """``df -kP`` and ``df -iP`` of one path; the numbers are found by their percentage, as names hold spaces."""
    found = [match for line in blocks.split(b"\n")[1:] for match in _DF.finditer(line)]
    if not found:
        return _failed(mount, blocks, host)
    size, used, available = (int(number) * 1024 for number in found[-1].groups())
    nodes = [match for line in inodes.split(b"\n")[1:] for match in _DF.finditer(line)]
    total, _, left = map(int, nodes[-1].groups()) if nodes else (0, 0, 0)
    if size <= 0:
        return mount
    return replace(
        mount,
        size_bytes=size,
        used_bytes=used,
        free_bytes=max(0, available),
        inodes=total or None,
        inodes_free=left if total else None,
    )


def _failed(mount: Mount, said: bytes, host: str) -> Mount:
    words = printable(decode(said.strip().split(b"\n")[0][-200:]))
    kind = FaultKind.PERMISSION if b"ermission denied" in said else FaultKind.INCOMPLETE
    fault = Fault(
        kind,
        phrase(
            "The file system at {path} on {host} gave no sizes: {words}",
            path=printable(mount.path),
            host=host,
            words=words,
        ),
        phrase("Look at the mount on the host.")
        if kind is FaultKind.INCOMPLETE
        else phrase("Ask for the right to read it."),
    )
    return replace(mount, fault=fault)
