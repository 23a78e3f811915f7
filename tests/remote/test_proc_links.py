"""What the links of all processes say: the same by every userland, whatever those links are called."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote.shells import GNU_PATH, SHELLS, busybox_path
from tui.remote.scripts import script

ODD = (
    "plain",
    "two words\tand a tab",
    "new\nline",
    "it's",
    "x' -> 'y",
    os.fsdecode(b"\xff\xfe"),
    "x'\n'/proc/1/cwd' -> '/tmp",
    "ends'",
)


def links(shell: str, folder: Path, path: str = "") -> dict[str, str]:
    """What is said of the working directories."""
    path = path or (busybox_path(folder / "applets") if shell == "busybox" else GNU_PATH)
    done = subprocess.run(
        [*SHELLS[shell], "-c", script("proc_links").decode() + "pl_links cwd exe"],
        env={"PATH": path, "LC_ALL": "C"},
        capture_output=True,
        timeout=60,
        check=True,
    )
    lines = os.fsdecode(done.stdout).split("\n")
    assert lines.pop() == ""
    said = dict(line.split("\t", 1) for line in lines)
    assert len(said) == len(lines)
    assert {name.rpartition("/")[2] for name in said} == {"cwd", "exe"}
    return said


@pytest.fixture(params=[ODD[:1], ODD[:2] + ODD[3:6], ODD], ids=["plain", "odd", "ambiguous"])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[int, str]]:
    """Processes by where they are."""
    running: list[subprocess.Popen[bytes]] = []
    where: dict[int, str] = {}
    for number, name in enumerate(request.param):
        place = tmp_path / str(number) / name
        place.mkdir(parents=True)
        running.append(subprocess.Popen(["sleep", "1000"], cwd=place))
        where[running[-1].pid] = str(place)
    yield where
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.parametrize("shell", list(SHELLS))
def test_every_link_is_read_as_it_stands(shell: str, tmp_path: Path, at: dict[int, str]) -> None:
    said = links(shell, tmp_path)
    assert {pid: said[f"/proc/{pid}/cwd"].replace("\1", "\n") for pid in at} == at
    assert said[f"/proc/{os.getpid()}/cwd"] == str(Path.cwd())
    assert {said[f"/proc/{pid}/exe"] for pid in at} == {os.path.realpath("/usr/bin/sleep")}


def test_where_nothing_is_ambiguous_no_link_costs_a_process(tmp_path: Path) -> None:
    path = busybox_path(tmp_path / "applets")
    (tmp_path / "applets" / "applets" / "readlink").unlink()
    there = os.getpid()
    assert links("busybox", tmp_path, path)[f"/proc/{there}/cwd"] == str(Path.cwd())


def test_a_link_that_may_not_be_read_is_told_as_empty() -> None:
    with tempfile.TemporaryDirectory() as folder:  # below pytest's own, nobody else gets anywhere
        Path(folder).chmod(0o755)
        path = busybox_path(Path(folder) / "applets")
        body = script("proc_links").decode() + "pl_links exe"
        said = subprocess.run(
            ["/usr/bin/setpriv", "--reuid=65534", "--clear-groups", *SHELLS["busybox"], "-c", body],
            env={"PATH": path, "LC_ALL": "C"},
            capture_output=True,
            timeout=60,
            check=True,
        ).stdout.decode()
    assert f"/proc/{os.getpid()}/exe\t\n" in said
