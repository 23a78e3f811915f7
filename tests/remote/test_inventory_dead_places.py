"""A place that hangs costs what lies there, and never the whole list."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.condaroot import PYTHON, CondaRoot
from tests.fakes import FakeClock
from tests.remote.shells import GNU_PATH, ShellConnection
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.packages import PackageInterner
from tui.remote import inventory
from tui.remote.probe import HostProbe

HANGS = """#!/bin/sh
case "$*" in *{where}*) read -r x <{fifo} ;; esac
exec /usr/bin/{tool} "$@"
"""


@pytest.fixture
def fifo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(inventory, "SILENCE_S", 1.5)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "bin").mkdir()
    return tmp_path / "fifo"


@pytest.fixture
async def connection(tmp_path: Path, fifo: Path) -> AsyncIterator[ShellConnection]:
    path = f"{tmp_path}/bin:{GNU_PATH}"
    made = ShellConnection(env={"PATH": path, "TMUX_TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home")})
    yield made
    await made.close()


def hang(tmp_path: Path, tool: str, where: str) -> None:
    """Let *tool* never come back from an argument that holds *where*."""
    (tmp_path / "bin" / tool).write_text(HANGS.format(tool=tool, where=where, fifo=tmp_path / "fifo"))
    (tmp_path / "bin" / tool).chmod(0o755)


async def listed(connection: ShellConnection, search: SearchPlaces) -> tuple[set[str], Fault | None]:
    probe = HostProbe(
        connection, HostSpec("gpu01", search=search), FakeClock(),
        command_limit=10.0, interner=PackageInterner(), protect=(),
    )  # fmt: skip
    part = (await probe.inventory()).parts["environments"]
    await probe.close()
    return {environment.prefix for environment in part.value or ()}, part.fault


async def test_what_lies_before_and_behind_a_place_that_hangs_is_listed(
    connection: ShellConnection, tmp_path: Path
) -> None:
    wanted = set()
    for name in ("a", "dead", "z"):
        env = CondaRoot(tmp_path / name).env(tmp_path / name / "train", (PYTHON,))
        (tmp_path / name / ".condarc").write_text("channels: []\n")
        wanted |= {str(env)} if name != "dead" else set()
    hang(tmp_path, "head", "/dead/")
    places = SearchPlaces(tuple(str(tmp_path / name) for name in ("a", "dead", "z")), only=True)
    found, fault = await listed(connection, places)
    assert found == wanted
    assert fault is not None and fault.kind is FaultKind.TOOL_HUNG
    assert str(tmp_path / "dead") in fault.message


async def test_processes_that_cannot_be_looked_at_cost_no_environment(
    connection: ShellConnection, tmp_path: Path
) -> None:
    root = CondaRoot(tmp_path / "home" / "miniconda3")
    root.base()
    env = root.named("train", (PYTHON,))
    away = CondaRoot(tmp_path / "away").env(tmp_path / "away" / "x", (PYTHON,))
    hang(tmp_path, "find", "/exe -maxdepth")
    found, _ = await listed(connection, SearchPlaces((str(away.parent),)))
    assert {str(root.root), str(env), str(away)} <= found
