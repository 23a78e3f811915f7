"""A demo host's disks are told of alike by whoever asks, and move by what is made and removed there."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.demo.reach import run_ssh
from tests.demo.test_demo_clean import on_demo
from tui.demo.fleet import DemoFleet
from tui.demo.layouts import layout

Ssh = Callable[..., subprocess.CompletedProcess[bytes]]
MIB = 1 << 20


def blocks_and_files(folder: Path, *without: Path) -> tuple[int, int]:
    """What really lies below *folder*."""
    seen: dict[int, int] = {}
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(at, name) not in without]
        for path in (at, *(f"{at}/{name}" for name in files), *(f"{at}/{n}" for n in folders)):
            facts = os.lstat(path)
            seen[facts.st_ino] = facts.st_blocks
    return sum(seen.values()), len(seen)


@pytest.mark.parametrize(("host", "number"), [("gpu01", 1), ("v100-old", 0)])
def test_what_is_free_is_what_others_and_the_hosts_own_files_leave(fleet: DemoFleet, host: str, number: int) -> None:
    at = fleet.host(host)
    plan = layout("gpu01" if host == "gpu01" else "old").mounts[number]
    own, files = blocks_and_files(at.root / plan.path[1:], at.played, at.root / "datasets")
    done = run_ssh(fleet, host, "stat -f -c '%S %b %f %a %c %d %n' ~")
    size, blocks, free, available, inodes, left = map(int, done.stdout.split()[:6])
    assert done.stdout.decode().rstrip("\n").endswith(f" {at.home}")
    assert (size, blocks) == (512, plan.size * MIB // 512)
    assert free == available == blocks - plan.others * MIB // 512 - own
    assert inodes - left == plan.others * MIB // 512 // 240 + files


def test_df_stat_and_the_kind_of_a_file_system_answer_on_the_host(fleet: DemoFleet, ssh: Ssh) -> None:
    home = str(fleet.host("gpu01").root / "home")
    table = ssh("gpu01", "df").stdout.decode().splitlines()
    assert [line.split()[-1] for line in table[1:]] == [home, home[:-5] + "/datasets", home[:-5]]
    (line,) = ssh("gpu01", "df -kP -- ~").stdout.decode().splitlines()[1:]
    source, size, used, free, share, at = line.split()
    assert (source, size, at) == ("/dev/nvme1n1", str(143 * 1024), home)
    assert int(used) + int(free) == int(size) and abs(int(share[:-1]) - 100 * int(used) / int(size)) <= 1
    assert re.search(r" 143M +\d+M +[\d.]+M ", ssh("gpu01", "df -h ~").stdout.decode())
    assert ssh("lab", "df -i ~").stdout.split()[-2] == b"-", "btrfs has no number of inodes"
    real = subprocess.run(["stat", "-f", "-c", "%T", home], capture_output=True, check=True).stdout
    assert ssh("gpu01", "stat -f -c %T ~").stdout == real, "what decides about safety is not played"
    gone = ssh("gpu01", "stat -f -c '%f %S' ~/gone")
    assert gone.returncode and b"No such file" in gone.stderr


@pytest.mark.timeout(300)
def test_fleet_disk_and_the_report_of_a_clean_tell_of_the_same_disk(tmp_path: Path) -> None:
    steps: list[Any] = on_demo(
        """
        probe gpu01
        disk gpu01
        clean gpu01 --what packages,index --yes
        probe gpu01
        disk gpu01
        """,
        tmp_path,
    )
    assert [step["code"] for step in steps] == [0] * 5
    fleet, disk, cleaned, fleet_after, disk_after = steps
    (place,) = cleaned["plans"][0]["mounts"]

    def free(answer: Any) -> int:
        return next(int(each["free_bytes"]) for each in answer["mounts"] if each["path"] == place["mount"])

    assert place["mount"].endswith("/gpu01/home")
    assert free(fleet) == free(disk)
    assert free(fleet_after) == free(disk_after) == free(fleet) + place["actual_bytes"]
    # The folders of the tasks lie on the same disk.
    assert 0 <= place["freed_bytes"] - place["actual_bytes"] < 200_000
    held = [next(each for each in answer["mounts"] if each["path"] == place["mount"]) for answer in (disk, disk_after)]
    assert held[0]["size_bytes"] == held[1]["size_bytes"] == 143 * MIB
