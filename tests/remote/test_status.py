from __future__ import annotations

import os
import platform
import pwd
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.remote.answers import answer
from tests.remote.inventories import NOBODY
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.faults import FaultKind
from tui.domain.machine import Load
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.status import StatusAnswer, parse_cpu_list, parse_status
from tui.remote.wire import WireError

KIB = 1024


async def ask(lane: Lane, *args: str | bytes) -> StatusAnswer:
    full = [*args, *[""] * (5 - len(args))]
    full[2] = "nonce"
    return parse_status(await lane.ask(script("status"), full, timeout=20), time.time())


@pytest.fixture(params=[f"{shell} {userland}" for shell in SHELLS for userland in ("gnu", "busybox")])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    shell, userland = request.param.split()
    path = GNU_PATH if userland == "gnu" else busybox_path(tmp_path)
    return SHELLS[shell], {"PATH": path, "TMUX_TMPDIR": str(tmp_path)}


async def test_the_machine_is_what_it_is(where: tuple[tuple[str, ...], dict[str, str]]) -> None:
    shell, env = where
    connection = ShellConnection(shell, env=env)
    found = await ask(await Lane.open(connection, timeout=10))
    machine = found.machine
    assert machine is not None
    assert machine.boot_id == found.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()  # noqa: ASYNC240
    assert machine.hostname == platform.node()
    assert (machine.kernel, machine.arch) == (platform.release(), platform.machine())
    assert machine.os is not None
    assert machine.os == platform.freedesktop_os_release()["PRETTY_NAME"]
    assert machine.cores == os.sysconf("SC_NPROCESSORS_ONLN")
    assert (machine.uid, machine.played) == (os.getuid(), False)
    assert machine.home
    assert machine.shell
    assert machine.clock_offset_s is not None
    assert abs(machine.clock_offset_s) < 2
    if "applets" not in env["PATH"]:
        assert machine.libc == " ".join(platform.libc_ver())
        assert {"stat", "awk", "find-printf"} <= machine.tools
    else:
        assert {"stat", "awk"} <= machine.tools
        assert "find-printf" not in machine.tools
    assert found.load.load1 is not None
    assert found.load.uptime_s is not None
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert found.load.memory_total_bytes == total
    assert found.load.memory_available_bytes is not None
    assert 0 < found.load.memory_available_bytes <= total
    assert found.mountinfo is not None
    assert b" - proc " not in found.mountinfo
    assert b" / / " in found.mountinfo
    await connection.close()


async def test_what_did_not_change_is_not_sent_again(where: tuple[tuple[str, ...], dict[str, str]]) -> None:
    shell, env = where
    connection = ShellConnection(shell, env=env)
    lane = await Lane.open(connection, timeout=10)
    first = await ask(lane)
    assert first.boot_id is not None
    assert first.mounts_digest
    assert first.sessions_digest
    again = await ask(lane, first.boot_id, first.mounts_digest, "", first.sessions_digest)
    assert (again.machine, again.mountinfo, again.listings) == (None, None, None)
    assert again.load.load1 is not None
    assert len(connection.channels[0].sent[-1]) < 200
    rebooted = await ask(lane, "another-boot", first.mounts_digest, "", first.sessions_digest)
    assert rebooted.machine is not None
    await connection.close()


async def test_a_demo_device_plays_its_numbers(where: tuple[tuple[str, ...], dict[str, str]], tmp_path: Path) -> None:
    shell, env = where
    played = tmp_path / "played it"
    played.mkdir()
    files = {
        "loadavg": "9.5 8.25 7.0 3/900 4242\n",
        "uptime": "777.5 1.0\n",
        "meminfo": "MemTotal: 1000 kB\nMemAvailable: 400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
        "boot-id": "boot\n",
        "machine-id": "0123\n",
        "hostname": "gpu-demo\n",
        "os-release": "NAME=x\nPRETTY_NAME='Demo OS \\\\ 1'\n",
        "osrelease": "6.1-demo\n",
        "arch": "aarch64\n",
        "cores": "96\n",
        "mountinfo": "1 0 8:1 / / rw - ext4 /dev/demo rw\n2 1 0:5 / /proc rw - proc proc rw\n",
    }
    for name, text in files.items():
        (played / name).write_text(text)
    connection = ShellConnection(shell, env={**env, "CONDAFLEET_PLAYED": str(played)})
    found = await ask(await Lane.open(connection, timeout=10))
    machine = found.machine
    assert machine is not None
    assert machine.played
    assert (machine.machine_id, machine.boot_id, machine.hostname) == ("0123", "boot", "gpu-demo")
    assert (machine.os, machine.kernel, machine.arch, machine.cores) == ("Demo OS \\ 1", "6.1-demo", "aarch64", 96)
    assert found.load == Load(9.5, 8.25, 7.0, 1000 * KIB, 400 * KIB, 0, 0, 777.5)
    assert found.mountinfo == b"1 0 8:1 / / rw - ext4 /dev/demo"
    await connection.close()


@pytest.mark.parametrize("many", [0, 40, 400])
async def test_file_systems_are_told_apart_however_many_there_are(
    where: tuple[tuple[str, ...], dict[str, str]], tmp_path: Path, many: int
) -> None:
    shell, env = where
    lines = [
        r"21 1 8:1 / /a\040-\040b\134 rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw,errors=remount-ro",
        "22 1 0:5 / /proc rw - proc proc rw",
        "23 1 0:6 / /mnt/cgroup2 rw - cgroup2 none rw",
        "24 1 0:7 / /proc/sys rw - tmpfs tmpfs rw",
        "25 1 0:8 / /empty rw - tmpfs  rw",
        "26 1 0:9 / /lx rw - fuse.lxcfs lxcfs rw",
        "27 1 0:10 / /remote rw - fuse.sshfs ada@host:/训练 rw",
        "no mount at all",
        *(f"{100 + n} 1 0:{n} / /var/lib/docker/{n} rw - overlay overlay rw,lowerdir=/l/{n}" for n in range(many)),
        "28 1 0:11 / /end rw - nfs4 host:/export rw",
    ]
    (tmp_path / "mountinfo").write_text("\n".join(lines))
    connection = ShellConnection(shell, env={**env, "CONDAFLEET_PLAYED": str(tmp_path)})
    found = await ask(await Lane.open(connection, timeout=10))
    assert found.mountinfo is not None
    assert found.mountinfo.decode().split("\n") == [
        r"21 1 8:1 / /a\040-\040b\134 rw,noatime shared:1 master:2 - ext4 /dev/sda1",
        "24 1 0:7 / /proc/sys rw - tmpfs tmpfs",
        "25 1 0:8 / /empty rw - tmpfs ",
        "27 1 0:10 / /remote rw - fuse.sshfs ada@host:/训练",
        *(f"{100 + n} 1 0:{n} / /var/lib/docker/{n} rw - overlay overlay" for n in range(many)),
        "28 1 0:11 / /end rw - nfs4 host:/export",
    ]
    await connection.close()


async def test_who_asks_once_costs_the_host_no_digests() -> None:
    connection = ShellConnection()
    lane = await Lane.open(connection, timeout=10)
    first = await ask(lane, "", "-", "", "-")
    assert (first.mounts_digest, first.sessions_digest) == (b"", b"")
    assert first.mountinfo is not None and first.listings is not None
    second = await ask(lane, "", first.mounts_digest, "", first.sessions_digest)
    assert second.mounts_digest and second.sessions_digest
    assert (second.mountinfo, second.listings) == (first.mountinfo, first.listings)
    await connection.close()


async def test_neither_a_home_nor_an_environment_is_needed() -> None:
    for shell in SHELLS.values():
        connection = ShellConnection(shell, env={})
        found = await ask(await Lane.open(connection, timeout=10))
        assert found.machine is not None
        assert found.machine.home == pwd.getpwuid(os.getuid()).pw_dir
        await connection.close()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b"0-63", 64),
        (b"0-1,8-11,16", 7),
        (b"0", 1),
        (b"96", 96),
        (b"", None),
        (b"x", None),
        (b"3-1", None),
        (b"1-", None),
    ],
)
def test_processors_are_counted(text: bytes, count: int | None) -> None:
    assert parse_cpu_list(text) == count


def status(*machine: str, meminfo: str = "") -> StatusAnswer:
    return parse_status(answer(("load", "b", "", "", meminfo), ("machine", *machine), ("end",)), 100.0)


@pytest.mark.parametrize(
    ("said", "libc"),
    [
        ("glibc 2.36", "glibc 2.36"),
        ("musl libc (x86_64)\nVersion 1.2.4\nDynamic Program Loader", "musl 1.2.4"),
        ("ldd (Debian GLIBC 2.31-13) 2.31\nCopyright", "glibc 2.31"),
        ("sh: ldd: not found", None),
        ("", None),
        ("\n", None),
    ],
)
def test_the_c_library_is_recognised(said: str, libc: str | None) -> None:
    machine = status("", "", "", "", "", "", said).machine
    assert machine is not None
    assert machine.libc == libc


def test_what_is_not_known_is_none_and_never_zero() -> None:
    found = status()
    assert found.machine is not None
    assert (found.machine.cores, found.machine.uid, found.machine.clock_offset_s) == (None, None, None)
    assert found.load == Load()


def test_old_kernels_do_not_say_what_is_available() -> None:
    found = status(meminfo="MemTotal:100 MemFree:10 Buffers:5 Cached:20 ")
    assert found.load.memory_available_bytes == 35 * KIB


def test_a_last_record_may_hold_all_that_follows() -> None:
    told = answer(("load", "b", "", "", ""), ("end",))
    assert parse_status(told, 0.0).environ is None
    assert parse_status(told + b"=environ\0*\0", 0.0).environ == ()
    assert parse_status(told + b"=environ\0*\0a=1\0=end\0cut off", 0.0).environ == (b"a=1", b"=end")


@given(st.lists(st.tuples(st.sampled_from(["load", "machine", "mounts", "sessions", "same", "environ"]), st.binary())))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused_or_unknown(items: list[tuple[str, bytes]]) -> None:
    listed: list[list[str | bytes | int]] = [[tag, *noise.split(b"\0")] for tag, noise in items]
    try:
        parse_status(answer(*listed, ("end",)), 0.0)
    except WireError:
        assert "load" not in [tag for tag, _ in items]


def without_proc(options: str, *user: str) -> tuple[str, ...]:
    """A command that starts a shell which sees an empty directory in place of /proc."""
    return ("/usr/bin/unshare", "-m", "/bin/sh", "-c", f'mount -t tmpfs {options} none /proc && exec "$@"', "sh", *user)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("options", "user", "kind", "words"),
    [
        ("", (), FaultKind.TOOL_MISSING, "Mount /proc"),
        ("-o mode=0700", NOBODY, FaultKind.PERMISSION, "Allow this account"),
    ],
)
async def test_a_host_without_a_readable_proc_says_what_is_unknown(
    shell: str, options: str, user: tuple[str, ...], kind: FaultKind, words: str
) -> None:
    connection = ShellConnection(SHELLS[shell], wrap=without_proc(options, *user), cwd=Path("/"))
    lane = await Lane.open(connection, timeout=10)
    found = await ask(lane)
    assert lane.stderr_tail() == b""
    assert found.load == Load() and found.boot_id is None
    fault = found.load_fault("gpu01")
    assert fault is not None and fault.kind is kind and words in fault.remedy
    for word in ("gpu01", "/proc/loadavg", "/proc/meminfo", "memory"):
        assert word in fault.message
    machine = found.machine
    assert machine is not None
    assert (machine.hostname, machine.kernel) == (platform.node(), platform.release())
    assert (machine.arch, machine.cores) == (platform.machine(), os.sysconf("SC_NPROCESSORS_ONLN"))
    await connection.close()


def test_what_alone_is_missing_is_named_alone() -> None:
    body = answer(("load", "b", "1 2 3", "9 9", ""), ("lacks", "x", "/proc/meminfo"), ("end",))
    fault = parse_status(body, 0.0).load_fault("gpu01")
    assert fault is not None
    assert fault.message == "This account may not read /proc/meminfo on gpu01: memory unknown."
    assert parse_status(answer(("load", "b", "1", "2", "3"), ("end",)), 0.0).load_fault("gpu01") is None
