from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.remote.answers import answer
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.faults import FaultKind
from tui.domain.machine import Mount
from tui.remote.lane import Lane
from tui.remote.mounts import export_id, parse_mountinfo, parse_sizes
from tui.remote.scripts import script
from tui.remote.wire import records

INFO = rb"""
24 30 0:22 / /proc rw - proc proc
25 30 0:23 / /sys rw - sysfs sysfs
30 1 254:0 / / rw,relatime - ext4 /dev/vda1
31 30 254:0 /srv/data /data rw,relatime - ext4 /dev/vda1
32 30 8:17 / /mnt/two\040words\012line\134x ro,relatime shared:1 - xfs /dev/sdb1
33 30 0:44 / /tmp rw - tmpfs tmpfs
34 30 0:45 / /run/user/1000 rw - tmpfs tmpfs
35 30 0:46 / /var/lib/docker/overlay2/x/merged rw - overlay overlay
36 30 0:47 / /home rw,relatime - nfs4 Filer.Example:/export/home/
37 30 0:47 /ada /srv/ada rw,relatime - nfs4 Filer.Example:/export/home/
38 30 0:48 / /mnt/ssh rw - fuse.sshfs ada@box:/data
39 30 0:49 / /snap/core ro - squashfs /dev/loop3
40 30 0:50 / /dev rw - devtmpfs devtmpfs
41 30 0:51 / /dev/shm rw - tmpfs tmpfs
42 30 8:33 / /old rw - ext4 /dev/sdc1
43 30 8:34 / /old rw - ext4 /dev/sdd1
44 30 254:0 /var/lib/docker/hosts /etc/hosts rw - ext4 /dev/vda1
45 30 0:60 / /mnt/auto rw - autofs systemd-1
47 41 8:49 / /dev/shm/zz rw - ext4 /dev/sde1
48 40 8:65 / /dev/other rw - ext4 /dev/sdf1
broken line
46 30 0:61 / /gone rw -
"""


def test_only_what_holds_data_is_listed_and_each_device_once() -> None:
    plan = parse_mountinfo(INFO)
    assert [mount.path for mount in plan.local] == [
        *("/", "/dev/shm", "/dev/shm/zz", "/mnt/two words\nline\\x", "/old", "/tmp"),
    ]
    assert [mount.path for mount in plan.remote] == ["/home", "/mnt/ssh", "/srv/ada"]
    assert plan.local[3] == Mount("/mnt/two words\nline\\x", "/dev/sdb1", "xfs", read_only=True, device="8:17")
    assert plan.local[4].source == "/dev/sdd1"
    assert [mount.network for mount in plan.remote] == [True, True, True]
    assert [mount.export_id for mount in plan.remote] == [
        "nfs:filer.example:/export/home",
        "sshfs:box:/data",
        "nfs:filer.example:/export/home/ada",
    ]


def test_an_overlay_root_is_listed() -> None:
    plan = parse_mountinfo(b"1 0 0:30 / / rw - overlay overlay")
    assert [(mount.path, mount.fs_type) for mount in plan.local] == [("/", "overlay")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("nfs", "filer:/a/b", "/"), ("nfs4", "FILER:/a/b/", "/")),
        (("nfs4", "filer:/a", "/b"), ("nfs4", "filer:/a/b", "/")),
        (("nfs4", "[FD00::1]:/a", "/"), ("nfs4", "fd00::1:/a", "/")),
        (("cifs", "//NAS/Share", "/x"), ("smb3", "\\\\nas\\share", "/x")),
        (("lustre", "10.0.0.2@tcp:10.0.0.1@tcp:/work", "/"), ("lustre", "10.0.0.1@TCP:10.0.0.2@tcp:/work", "/")),
        (("ceph", "m2:6789,m1:6789:/vol", "/"), ("ceph", "m1:6789,m2:6789:/vol", "/")),
        (("ceph", "ada@abc.fs=/vol", "/"), ("ceph", "bob@ABC.fs=/vol", "/")),
        (("gpfs", "/dev/gpfs0", "/a"), ("gpfs", "gpfs0", "/a")),
        (("fuse.sshfs", "ada@box:/data", "/"), ("fuse.sshfs", "bob@BOX:/data", "/")),
    ],
)
def test_one_export_has_one_name_wherever_it_is_mounted(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    if one[1].startswith("["):  # without brackets the address cannot be told from its port
        assert export_id(*one) == "nfs:fd00::1:/a"
    else:
        assert export_id(*one) == export_id(*other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("nfs", "filer:/a", "/"), ("nfs", "filer:/a", "/b")),
        (("nfs", "filer:/a", "/"), ("nfs", "filer2:/a", "/")),
        (("cifs", "//nas/a", "/"), ("nfs", "nas:/a", "/")),
        (("lustre", "10.0.0.1@tcp:/work", "/"), ("lustre", "10.9.0.1@tcp:/work", "/")),
        (("fuse.sshfs", "ada@box:", "/"), ("fuse.sshfs", "bob@box:", "/")),
    ],
)
def test_different_exports_are_never_taken_for_one(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert export_id(*one) != export_id(*other)


@pytest.mark.parametrize(
    ("fs_type", "source"),
    [("ext4", "/dev/sda1"), ("nfs", "localhost:/a"), ("nfs4", "127.0.0.1:/a"), ("beegfs", "beegfs_nodev"), ("nfs", "")],
)
def test_what_is_each_machines_own_has_no_export(fs_type: str, source: str) -> None:
    assert export_id(fs_type, source) is None


async def sizes(connection: ShellConnection, local: list[str], remote: list[str]) -> dict[str, Mount]:
    lane = await Lane.open(connection, timeout=10)
    asked = [Mount(path, "x", "ext4") for path in local + remote]
    found: dict[str, Mount] = {}
    async with aclosing(lane.stream(script("mounts"), [str(len(local)), *local, *remote], timeout=20)) as stream:
        async for record in stream:
            for size in parse_sizes(record, asked, len(local), "h"):
                found[size.mount.path] = size.mount
    return found


@pytest.mark.parametrize("userland", ["gnu", "busybox", "no statfs"])
@pytest.mark.parametrize("shell", SHELLS)
async def test_sizes_are_those_of_the_file_system(shell: str, userland: str, tmp_path: Path) -> None:
    import os

    path = busybox_path(tmp_path) if userland == "busybox" else GNU_PATH
    if userland == "no statfs":
        bare = tmp_path / "bare"
        bare.mkdir()
        (bare / "stat").write_text("#!/bin/sh\necho \"stat: invalid option -- 'f'\" >&2; exit 1\n")
        (bare / "stat").chmod(0o755)
        path = f"{bare}:{GNU_PATH}"
    odd = tmp_path / "odd\nname 5 6% x"
    odd.mkdir()
    gone = str(tmp_path / "gone")
    connection = ShellConnection(SHELLS[shell], env={"PATH": path})
    found = await sizes(connection, ["/", str(odd), gone], ["/dev/shm", gone + "-too"])
    for name in ("/", str(odd), "/dev/shm"):
        truth = os.statvfs(name)
        mount = found[name]
        assert mount.size_bytes == truth.f_blocks * truth.f_frsize
        assert mount.used_bytes is not None
        assert mount.free_bytes is not None
        # The disk is in use by others meanwhile.
        assert abs(mount.free_bytes - truth.f_bavail * truth.f_frsize) < 1 << 28
        assert abs(mount.used_bytes - (truth.f_blocks - truth.f_bfree) * truth.f_frsize) < 1 << 28
        assert mount.inodes == truth.f_files
        assert mount.fault is None
    for name in (gone, gone + "-too"):
        fault = found[name].fault
        assert fault is not None
        assert "No such file" in fault.message
        assert found[name].size_bytes is None
    await connection.close()


def test_a_file_system_without_numbers_is_unknown_and_not_empty() -> None:
    mount = Mount("/x", "x", "fuse.odd")
    record = next(records(answer(("df", 0, "4096 0 0 0 0 0"))))
    assert parse_sizes(record, [mount], 0, "h")[0].mount == mount


def test_permission_and_dead_mounts_are_told_apart() -> None:
    mount = Mount("/x", "x", "nfs")
    kinds = []
    for said in (
        "stat: cannot read file system information for '/x': Permission denied",
        "stat: '/x': Stale file handle",
    ):
        record = next(records(answer(("df", 0, said))))
        fault = parse_sizes(record, [mount], 0, "h")[0].mount.fault
        assert fault is not None
        kinds.append(fault.kind)
    assert kinds == [FaultKind.PERMISSION, FaultKind.INCOMPLETE]


@given(st.binary(max_size=300), st.sampled_from(["df", "local", "plain", "job", "x"]))
@settings(max_examples=200, deadline=None)
def test_noise_never_raises(noise: bytes, tag: str) -> None:
    parse_mountinfo(noise)
    fields = noise.split(b"\0")
    record = next(records(answer((tag, 0, *fields))))
    parse_sizes(record, [Mount("/x", "x", "nfs")], 1, "h")
