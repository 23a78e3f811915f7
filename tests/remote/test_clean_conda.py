"""What we clean against what conda said that it would clean, on a tree like the one that it was asked about."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.remote.cleanhost import clean, look
from tests.remote.recordings import CONDA, recordings
from tests.remote.taskhost import TaskHost
from tui.domain.planitems import PACKAGE_CACHE, ItemKind
from tui.domain.tasks import TaskState
from tui.remote.changes.clean import CleanRequest, Kept
from tui.remote.condasays.cleaning import CleanPart, read_cleaning

WORDS = {"tarballs": ItemKind.TARBALLS, "packages": ItemKind.PACKAGES, "index": ItemKind.INDEX}
SOFT = "absl-py-1.4.0-pyhd0"
LINKED = "python-3.11.7-0_cpython"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[TaskHost]:
    host = TaskHost(tmp_path / "home")
    yield host
    await host.close()


@pytest.fixture
def said() -> dict[str, CleanPart]:
    """What ``conda clean --all --dry-run --json`` said."""
    return {part.what: part for part in read_cleaning(recordings(CONDA)["44"].stdout)}


@pytest.fixture
def root(tmp_path: Path, said: dict[str, CleanPart]) -> Path:
    """An install with all that conda named, and one package in use. Sizes are conda's: those of the contents."""
    root = tmp_path / "miniconda3"
    fetched = []
    for entry in said["tarballs"].entries or ():
        file = place(root, entry.path)
        fetched.append(f"https://a/noarch/{file.name}\n")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as opened:
            opened.truncate(entry.size_bytes or 0)
    for entry in said["packages"].entries or ():
        package = place(root, entry.path)
        (package / "info").mkdir(parents=True)
        (package / "info" / "index.json").touch()
        with (package / "content").open("wb") as opened:
            opened.truncate(entry.size_bytes or 0)
    (root / "pkgs" / "cache").mkdir()
    (root / "pkgs" / "cache" / "497deca9.json").write_text("{}")
    (root / "pkgs" / "urls.txt").write_text("".join(fetched))
    (root / "pkgs" / LINKED / "info").mkdir(parents=True)
    (root / "pkgs" / LINKED / "info" / "index.json").touch()
    (root / "pkgs" / LINKED / "bin").touch()
    (root / "envs" / "train").mkdir(parents=True)
    (root / "envs" / "train" / "bin").hardlink_to(root / "pkgs" / LINKED / "bin")
    return root


def place(root: Path, recorded: str) -> Path:
    return root / recorded.removeprefix("/home/ada/miniconda3/")


def request(root: Path) -> CleanRequest:
    cache = str(root / "pkgs")
    return CleanRequest(tuple((kind, cache) for kind in sorted(PACKAGE_CACHE)), (cache,), (str(root),))


async def test_every_category_of_conda_is_one_of_ours_with_the_same_entries(
    host: TaskHost, root: Path, said: dict[str, CleanPart]
) -> None:
    ahead = {part.kind: part for part in (await look(host, request(root))).parts}
    for what, kind in WORDS.items():
        assert ahead[kind].units == said[what].count, what
        # conda adds up contents, we what the disk gives back: these files are holes.
        assert said[what].total_bytes != ahead[kind].bytes
    before = {path.name for path in (root / "pkgs").iterdir()}
    task, _ = await clean(host, request(root))
    assert task.state is TaskState.SUCCEEDED
    gone = before - {path.name for path in (root / "pkgs").iterdir()}
    assert gone == {Path(entry.path).name for part in said.values() for entry in part.entries or ()}


async def test_where_we_differ_from_conda_it_is_told_why(
    host: TaskHost, root: Path, said: dict[str, CleanPart]
) -> None:
    # conda does not see a soft link, and would break the environment.
    (root / "envs" / "train" / "absl").symlink_to(root / "pkgs" / SOFT / "content")
    # conda leaves downloads that were not finished.
    half = root / "pkgs" / "pytorch-2.1.2-py311_0.conda.part"
    half.write_bytes(b"x" * 5000)
    os.utime(half, (1e9, 1e9))
    found = await look(host, request(root))
    assert Kept("used", ItemKind.PACKAGES, str(root / "pkgs"), 2) in found.kept
    parts = {part.kind: part for part in found.parts}
    assert parts[ItemKind.PACKAGES].units == said["packages"].count - 1
    assert parts[ItemKind.TEMP].units == said["temp"].count + 1
    await clean(host, request(root))
    assert (root / "envs" / "train" / "absl").exists()
