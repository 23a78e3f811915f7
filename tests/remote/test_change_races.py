"""Removals against hostile trees and hostile moments: never anything but what was looked at."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.condaroot import NUMPY, PYTHON
from tests.remote.changehost import ChangeHost, listing, mounted_at
from tests.remote.shells import GNU_PATH, SHELLS, busybox_path
from tui.domain.changes import ConcernKind
from tui.domain.look import concerns_said
from tui.domain.tasks import TaskState
from tui.remote.changes.guard import guard_args, guarded

K = ConcernKind
EVERYTHING = [K.UNOWNED, K.NESTED, K.LINKED_FROM, K.IN_USE, K.USE_UNKNOWN, K.EDITABLE, K.FROZEN]

# Lets somebody act between the last check and the rename.
MV = """#!/bin/sh
case "$*" in *"/envs/train "*.condafleet-trash/*) "$HOME/act" ;; esac
exec /usr/bin/mv "$@"
"""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ChangeHost]:
    host = ChangeHost(tmp_path)
    yield host
    await host.close()


def act(host: ChangeHost, folder: Path, script: str) -> None:
    """Let *script* run at the last moment."""
    (folder / "tools").mkdir()
    for path, text in ((folder / "tools" / "mv", MV), (host.home / "act", f"#!/bin/sh\ncd {host.envs}\n{script}")):
        path.write_text(text)
        path.chmod(0o755)
    host.connection.env["PATH"] = f"{folder}/tools:{GNU_PATH}"


@pytest.mark.parametrize("keep_s", (0, 60))
@pytest.mark.parametrize("by", ("ln -s other train", "/usr/bin/mv other train", "echo x >train", ":"))
async def test_what_takes_its_place_at_the_last_moment_is_put_back(
    host: ChangeHost, tmp_path: Path, by: str, keep_s: float
) -> None:
    prefix = host.root.named("train", (PYTHON, NUMPY))
    host.root.named("other", (PYTHON,))
    act(host, tmp_path, f"/usr/bin/mv train moved\n{by}\n")
    before = listing(prefix)
    others = listing(host.envs / "other")
    task = await host.remove(prefix, keep_s, EVERYTHING)
    assert task.exit_code == 3, task
    assert {concern.kind for concern in concerns_said(task.said)} <= {K.CHANGED}
    # Whoever moved it sees it where he moved it, and his own thing where he put that.
    moved = {path.replace(b"/envs/train", b"/envs/moved", 1): known for path, known in before.items()}
    assert listing(host.envs / "moved") == moved
    where = prefix if by.startswith("/usr/bin/mv") else host.envs / "other"
    assert set(listing(where).values()) == set(others.values())
    assert prefix.is_symlink() is by.startswith("ln") and prefix.is_file() is by.startswith("echo")
    assert not (host.root.root / ".condafleet-trash").exists()


async def test_where_the_kernel_renames_nothing_it_is_never_copied(host: ChangeHost, tmp_path: Path) -> None:
    """An environment of a lower layer: overlayfs refuses to rename such a directory, and mv would copy it."""
    root, lower, upper, work = (tmp_path / name for name in ("conda", "lower", "upper", "work"))
    prefix = host.root.named("train", (PYTHON, NUMPY))
    shutil.copytree(root, lower, symlinks=True)
    for place in (upper, work):
        place.mkdir()
    with mounted_at(root, "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={upper},workdir={work}"):
        before = listing(prefix)
        task = await host.remove(prefix, 60, [K.UNOWNED])
        assert task.exit_code == 3 and listing(prefix) == before
        assert not (root / ".condafleet-trash").exists()
        task = await host.remove(prefix, 0, [K.UNOWNED])
        assert task.state is TaskState.SUCCEEDED, task
        assert not prefix.exists() and {path.name for path in root.iterdir()} == {"envs", "pkgs"}


NAMES = st.binary(min_size=1, max_size=6).map(lambda raw: raw.replace(b"\0", b"\n").replace(b"/", b"-")).filter(
    lambda raw: raw not in (b".", b"..")
) | st.sampled_from([b"-rf", b"*", b"$(id)", b"a b", b"conda-meta", b"lib", b"\n", b" ", b"'", b'"', b"\\", b"--"])
KINDS = st.sampled_from(["file", "dir", "dir", "link", "hard in", "hard out", "fifo", "shut", "env"])
TREES = st.lists(st.tuples(KINDS, NAMES, st.integers(0, 50)), max_size=25)


def grow(prefix: Path, outside: Path, tree: list[tuple[str, bytes, int]]) -> None:
    """Things of all kinds below *prefix*; some of them are links of what is outside."""
    folders, files = [prefix], [outside / "precious"]
    for index, (kind, name, number) in enumerate(tree):
        path = folders[number % len(folders)] / os.fsdecode(name)
        if os.path.lexists(path):
            continue
        match kind:
            case "dir" | "shut" | "env":
                path.mkdir(0o700 if kind == "dir" else 0o500)
                folders.append(path)
                if kind == "env":
                    (path / "conda-meta").mkdir()
                    (path / "conda-meta" / "history").write_text("x")
            case "link":
                path.symlink_to(outside if number % 2 else files[number % len(files)])
            case "hard in":
                path.hardlink_to(files[number % len(files)])
            case "hard out":
                path.write_bytes(b"x" * number * 500)
                (outside / str(index)).hardlink_to(path)
            case "fifo":
                os.mkfifo(path)
            case _:
                path.write_bytes(b"x" * number * 500)
                files.append(path)


def outside_of(folder: Path, prefix: Path) -> dict[bytes, tuple[int, int, int]]:
    """Everything in *folder* but *prefix*: inode, mode, size."""
    found = {}
    top = os.fsencode(prefix)
    for path, (inode, mode) in listing(folder).items():
        if path != top and not path.startswith(top + b"/"):
            found[path] = (inode, mode, 0 if stat.S_ISDIR(mode) else os.lstat(path).st_size)
    return found


@pytest.mark.parametrize("shell", ("dash", "bash", "busybox"))
@given(tree=TREES, name=NAMES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_tree_it_is_that_goes_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, shell: str, tree: list[tuple[str, bytes, int]], name: bytes
) -> None:
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        envs, outside = folder / "conda" / "envs", folder / "outside"
        prefix = Path(os.fsdecode(os.fsencode(envs) + b"/" + name))
        for place in (prefix / "conda-meta", outside, folder / "home", folder / "played"):
            place.mkdir(parents=True)
        (prefix / "conda-meta" / "history").write_text("x")
        (outside / "precious").write_text("x")
        grow(prefix, outside, tree)
        before = outside_of(folder, prefix)
        path = busybox_path(tmp_path_factory.getbasetemp() / "busybox") if shell == "busybox" else GNU_PATH
        args = guard_args(str(prefix), accepted=EVERYTHING, played=True, envs_dirs=(str(envs),))
        done = subprocess.run(
            [*SHELLS[shell], "-s", *args, "20261121-101500-00000001", "{}", "0"],
            input=guarded("change_remove", "change_trash"),
            env={"PATH": path, "HOME": str(folder / "home"), "CONDAFLEET_PLAYED": str(folder / "played")},
            cwd="/",
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done
        assert not os.path.lexists(prefix)
        after = {each: known for each, known in outside_of(folder, prefix).items() if b"/home/.local" not in each}
        assert after == before
