"""The look before a change: what speaks against it, found on real trees, in the three shells."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, PYTHON, SITE, CondaRoot, Pkg
from tests.remote.changehost import mounted_at, running
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tests.standin import StandinInstall
from tui.domain.changes import Concern, ConcernKind
from tui.domain.look import Look
from tui.remote.changes.look import look
from tui.remote.lane import Lane

K = ConcernKind
ODD = (
    "plain",
    "two words",
    "-rf",
    "$(touch x)`id`",
    "a'b\"c",
    "new\nline",
    "\u7814\u7a76",
    os.fsdecode(b"\xff\xfe"),
    "[a-z]*?",
)


@pytest.fixture(params=("dash", "bash", "busybox"))
async def lane(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lane]:
    (tmp_path / "home").mkdir()
    path = busybox_path(tmp_path) if request.param == "busybox" else GNU_PATH
    # As a demo's host: processes that this machine hides, even from root, do not count.
    (tmp_path / "played").mkdir()
    env = {"PATH": path, "HOME": str(tmp_path / "home"), "CONDAFLEET_PLAYED": str(tmp_path / "played")}
    connection = ShellConnection(SHELLS[request.param], env=env)
    yield await Lane.open(connection, timeout=30)
    await connection.close()


@pytest.fixture
def root(tmp_path: Path) -> CondaRoot:
    return CondaRoot(tmp_path / "conda")


async def seen(lane: Lane, root: CondaRoot, prefix: Path | str, **more: object) -> Look:
    options = {
        "envs_dirs": (str(root.root / "envs"),),
        "roots": (str(root.root),),
        "timeout": 60.0,
        "played": True,
    } | more
    return await look(lane, "gpu01", str(prefix), **options)  # type: ignore[arg-type]  # by name


def kinds(found: Look) -> set[ConcernKind]:
    return {concern.kind for concern in found.concerns}


def of(found: Look, kind: ConcernKind) -> Concern:
    (concern,) = [concern for concern in found.concerns if concern.kind is kind]
    return concern


@pytest.mark.parametrize("name", ODD)
async def test_nothing_speaks_against_an_environment_of_packages_alone(lane: Lane, root: CondaRoot, name: str) -> None:
    root.base()
    prefix = root.named(name)
    found = await seen(lane, root, prefix)
    assert found.concerns == ()
    status = prefix.stat()
    assert (found.device, found.inode, found.uid) == (status.st_dev, status.st_ino, status.st_uid)
    assert found.real == str(prefix) and found.owner == "root" and found.fs_type and found.mount
    assert found.free_bytes and found.free_inodes and found.unowned is None


async def test_what_is_never_an_environment_is_told_by_its_place(lane: Lane, root: CondaRoot, tmp_path: Path) -> None:
    base = root.base()
    assert kinds(await seen(lane, root, base)) == {K.BASE}
    unnamed = CondaRoot(tmp_path / "other")
    unnamed.base()
    assert kinds(await seen(lane, root, unnamed.root)) >= {K.BASE}
    micromamba = CondaRoot(tmp_path / "mamba", micromamba=True)
    assert K.INSTALL_ROOT in kinds(await seen(lane, micromamba, micromamba.root))
    assert K.INSTALL_ROOT in kinds(await seen(lane, root, tmp_path))
    assert K.HOME in kinds(await seen(lane, root, tmp_path / "home"))
    assert K.HOME in kinds(await seen(lane, root, "/"))
    assert K.HOME in kinds(await seen(lane, root, "/usr", checks=("place",)))
    assert kinds(await seen(lane, root, root.root / "envs" / "gone")) == {K.MISSING}
    assert kinds(await seen(lane, root, "relative/path")) == {K.MISSING}
    assert kinds(await seen(lane, root, f"{root.root}/envs/../envs")) == {K.MISSING}
    (tmp_path / "file").write_text("")
    assert kinds(await seen(lane, root, tmp_path / "file")) == {K.NOT_AN_ENVIRONMENT}
    (tmp_path / "data").mkdir()
    assert kinds(await seen(lane, root, tmp_path / "data")) == {K.NOT_AN_ENVIRONMENT}
    (root.root / "envs" / "half" / "bin").mkdir(parents=True)
    assert kinds(await seen(lane, root, root.root / "envs" / "half")) == {K.INCOMPLETE}


async def test_a_soft_link_is_not_followed(lane: Lane, root: CondaRoot) -> None:
    prefix = root.named("train")
    (root.root / "envs" / "alias").symlink_to("train")
    found = await seen(lane, root, root.root / "envs" / "alias")
    assert kinds(found) == {K.SOFT_LINK} and found.inode is None
    # A soft link above it is another name of the same place.
    (root.root / "other").symlink_to("envs")
    found = await seen(lane, root, root.root / "other" / "train")
    assert found.real == str(prefix) and kinds(found) == {K.LINKED_FROM}
    assert of(found, K.LINKED_FROM).details == (f"{root.root}/envs/alias -> {prefix}",)


async def test_programs_of_others_that_lead_into_it_are_found(lane: Lane, root: CondaRoot) -> None:
    prefix = root.named("train")
    other = root.named("venv", (NUMPY,))
    (other / "bin").mkdir()
    (other / "bin" / "python").symlink_to(prefix / "bin" / "python3.11")
    (other / "bin" / "mine").symlink_to("../lib/train")
    found = await seen(lane, root, prefix)
    assert kinds(found) == {K.LINKED_FROM}
    assert of(found, K.LINKED_FROM).details == (f"{other}/bin/python -> {prefix}/bin/python3.11",)


async def test_files_that_nobody_owns_are_counted(lane: Lane, root: CondaRoot) -> None:
    prefix = root.named("train", (PYTHON, NUMPY))
    site = prefix / SITE
    condaroot.pip_install(prefix, "mine", "0.1")
    # The bytes that Python makes of what a package owns are no loss.
    for folder, name in ((site, "numpy.cpython-311.pyc"), (site, "numpy.cpython-311.opt-1.pyc")):
        (folder / "__pycache__").mkdir(exist_ok=True)
        (folder / "__pycache__" / name).write_text("x")
    assert (await seen(lane, root, prefix)).concerns == ()
    (prefix / "notes").mkdir()
    for number in range(3):
        (prefix / "notes" / f"day {number}\n").write_bytes(b"x" * 5000)
    (site / "scratch.py").write_text("x")
    (site / "__pycache__" / "scratch.cpython-311.pyc").write_text("x")
    os.utime(prefix / "notes" / "day 1\n", (2e9, 2e9))
    (prefix / "model.bin").symlink_to("/data/model.bin")
    found = await seen(lane, root, prefix)
    assert kinds(found) == {K.UNOWNED}
    unowned = found.unowned
    assert unowned is not None
    lost = [prefix / "model.bin", site / "scratch.py", site / "__pycache__" / "scratch.cpython-311.pyc"]
    lost += (prefix / "notes").iterdir()
    assert (unowned.files, unowned.bytes) == (6, sum(path.lstat().st_blocks for path in lost) * 512)
    assert unowned.newest == 2e9
    folders = {place: files for place, files, _ in unowned.folders}
    assert folders == {"notes": 3, f"{SITE}/scratch.py": 1, f"{SITE}/__pycache__": 1, "model.bin": 1}
    assert "6 files" in of(found, K.UNOWNED).text and "the newest of 2033-05-18 03:33 UTC" in of(found, K.UNOWNED).text
    assert f"{SITE}/scratch.py: 1 file, 4.0 KiB" in of(found, K.UNOWNED).details


MANY = """#!/bin/sh
case "$*" in *'-path ./conda-meta -prune'*)
  if [ -e "$HOME/many" ]; then
    yes ./set/file | head -n 300400 | tr '\\n' '\\000'
    exec printf './set/inner/conda-meta/history\\000'
  fi
  ;;
esac
exec /usr/bin/find "$@"
"""


async def test_more_than_can_be_looked_at_is_told_as_at_least_so_much(root: CondaRoot, tmp_path: Path) -> None:
    """What lies behind the cut is counted, and another environment there is seen."""
    for folder in ("tools", "home"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tools" / "find").write_text(MANY)
    (tmp_path / "tools" / "find").chmod(0o755)
    (tmp_path / "home" / "many").touch()
    env = {"PATH": f"{tmp_path}/tools:{GNU_PATH}", "HOME": f"{tmp_path}/home"}
    connection = ShellConnection(SHELLS["dash"], env=env)
    lane = await Lane.open(connection, timeout=30)
    prefix = root.named("train", (PYTHON,))
    root.env(prefix / "set" / "inner", (), history=True)
    (prefix / "set" / "file").write_text("x")
    found = await seen(lane, root, prefix, checks=("contents",), timeout=100.0)
    assert found.unowned is not None and found.unowned.cut and found.unowned.files == 300_401
    assert kinds(found) == {K.UNOWNED, K.NESTED} and "at least 300,401 files" in of(found, K.UNOWNED).text
    assert all("at least" in detail for detail in of(found, K.UNOWNED).details)
    # Far from the cut the figures are exact.
    (tmp_path / "home" / "many").unlink()
    for number in range(400):
        os.link(prefix / "set" / "file", prefix / f"more-{number}")
    found = await seen(lane, root, prefix, checks=("contents",))
    assert found.unowned is not None and (found.unowned.files, found.unowned.cut) == (402, False)
    await connection.close()


@pytest.mark.parametrize("form", ("pretty", "one line", "no spaces", "micromamba"))
async def test_records_of_every_form_own_their_files(lane: Lane, root: CondaRoot, form: str) -> None:
    prefix = root.named("train", (PYTHON,))
    names = ["share/a b", 'share/quo"te', "share/back\\slash", "share/caf\u00e9", "share/\U0001f40d", "share/com, ma"]
    names += ["share/new\nline", "share/last]", 'share/"files": [']
    for name in names:
        (prefix / name).parent.mkdir(exist_ok=True)
        (prefix / name).write_text("x")
    record = condaroot.write_record(prefix, Pkg("odd"), names, root.pkgs / "odd")
    values = json.loads(record.read_text())
    if form == "one line":
        record.write_text(json.dumps(values))
    elif form == "no spaces":
        record.write_text(json.dumps(values, separators=(",", ":"), ensure_ascii=False))
    elif form == "micromamba":
        record.write_text(json.dumps(values, indent=4, ensure_ascii=False) + "\n")
    found = await seen(lane, root, prefix)
    # Names that hold a quote may be taken for nobody's where a record is one line: that way nothing is lost.
    spared = 2 if form in ("one line", "no spaces") else 0
    assert (found.unowned.files if found.unowned else 0) <= spared
    (prefix / "share" / "more").write_text("x")
    found = await seen(lane, root, prefix)
    assert found.unowned is not None and found.unowned.files <= spared + 1


async def test_what_pip_lists_is_owned_wherever_it_lies(lane: Lane, root: CondaRoot) -> None:
    prefix = root.named("train", (PYTHON,))
    info = condaroot.pip_install(prefix, "tool", "1.0")
    for name in ("bin/tool", "share/tool/a,b", f"{SITE}/tool/__init__.py"):
        (prefix / name).parent.mkdir(parents=True, exist_ok=True)
        (prefix / name).write_text("x")
    lines = [
        "../../../bin/tool,sha256=x,1",
        '"../../../share/tool/a,b",sha256=x,1',
        f"{prefix}/{SITE}/tool/__init__.py,,",
    ]
    (info / "RECORD").write_text("\n".join(lines) + "\n")
    assert (await seen(lane, root, prefix)).concerns == ()


async def test_frozen_nested_editable_are_named(lane: Lane, root: CondaRoot, tmp_path: Path) -> None:
    prefix = root.named("train", (PYTHON,))
    condaroot.freeze(prefix, "Made by\nus.")
    root.env(prefix / "sub" / "inner", (PYTHON,))
    condaroot.pip_install(prefix, "here", "1.0", editable=f"{prefix}/src/with%20space")
    condaroot.pip_install(prefix, "there", "1.0", editable=str(tmp_path / "elsewhere"))
    condaroot.egg_link(prefix, "old", prefix / "src" / "old")
    found = await seen(lane, root, prefix)
    assert kinds(found) == {K.FROZEN, K.NESTED, K.EDITABLE, K.UNOWNED}
    assert of(found, K.NESTED).details == (f"{prefix}/sub/inner",)
    assert set(of(found, K.EDITABLE).details) == {f"{prefix}/src/with space", f"{prefix}/src/old"}


@pytest.fixture
def mounted(root: CondaRoot, tmp_path: Path) -> Iterator[Path]:
    """A directory of this very file system, mounted in an environment a second time."""
    (tmp_path / "treasure").mkdir()
    (tmp_path / "treasure" / "file").write_text("x")
    place = root.named("train", (PYTHON,)) / "data set"
    place.mkdir()
    with mounted_at(place, "--bind", tmp_path / "treasure"):
        yield place


async def test_a_mount_is_seen_though_it_has_the_same_device(lane: Lane, root: CondaRoot, mounted: Path) -> None:
    found = await seen(lane, root, mounted.parent)
    assert kinds(found) == {K.MOUNTED} and of(found, K.MOUNTED).details == (str(mounted),)
    assert K.MOUNT_POINT in kinds(await seen(lane, root, mounted))


async def test_a_process_is_found_by_its_program_and_its_directory(lane: Lane, root: CondaRoot) -> None:
    prefix = root.named("train", (PYTHON,))
    program = prefix / "bin" / "python3.11"
    program.unlink()
    shutil.copy("/usr/bin/sleep", program)
    with running(program, "1000", cwd=prefix) as pid:
        found = await seen(lane, root, prefix)
        assert kinds(found) == {K.IN_USE}
        (line,) = of(found, K.IN_USE).details
        assert line.startswith(f"{pid} root {program} 1000 (") and "exe" in line and "cwd" in line
    activated = {"CONDA_PREFIX": str(prefix), "PATH": GNU_PATH}
    # A child of a child: those of the connection's own parent use nothing.
    with running("sh", "-c", "tail -f /dev/null TOKEN=hush; :", env=activated):
        (line,) = of(await seen(lane, root, prefix), K.IN_USE).details
        assert line.endswith(" root tail (CONDA_PREFIX)")
    assert (await seen(lane, root, prefix)).concerns == ()


async def test_what_cannot_be_seen_of_processes_is_said(lane: Lane, root: CondaRoot) -> None:
    # Whoever is not told to play a host sees that this shell may not look at everything, or that it may.
    found = await seen(lane, root, root.named("train", (PYTHON,)), played=False)
    assert kinds(found) <= {K.USE_UNKNOWN}


async def test_all_that_a_package_manager_and_pip_made_is_owned(lane: Lane, tmp_path: Path) -> None:
    install = StandinInstall(tmp_path / "mini conda's", tmp_path / "home")
    prefix = install.create("env", "python=3.11", "relocated", "toolbox", "pytorch=2.0")
    install.run("run", "-n", "env", "python", "-m", "pip", "install", "--no-deps", "transformers==4.45.2")
    found = await seen(lane, CondaRoot(install.root), prefix)
    assert found.concerns == ()
    (prefix / "lib" / "mine").write_text("x")
    found = await seen(lane, CondaRoot(install.root), prefix)
    assert found.unowned is not None and found.unowned.files == 1


BROKEN = {
    # Each fails in one place and does its work elsewhere.
    "awk of owned files": ("awk", 'case "$*" in *installed-files*) exit 2 ;; esac', K.UNOWNED),
    "awk of sums": ("awk", 'case "$*" in *newest*) exit 2 ;; esac', K.UNOWNED),
    "awk of uses": ("awk", 'case "$*" in *CHAIN*) exit 2 ;; esac', K.USE_UNKNOWN),
    "awk of processes": ("awk", 'case "$*" in *deleted*) exit 2 ;; esac', K.USE_UNKNOWN),
    "awk of mounts": ("awk", 'case "$*" in */proc/self/mountinfo) exit 2 ;; esac', K.NO_TOOL),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_tool_that_fails_is_not_taken_for_an_answer(root: CondaRoot, tmp_path: Path, what: str) -> None:
    name, text, expected = BROKEN[what]
    for folder in ("tools", "home", "played"):
        (tmp_path / folder).mkdir()
    (tmp_path / "tools" / name).write_text(f'#!/bin/sh\n{text}\nexec /usr/bin/{name} "$@"\n')
    (tmp_path / "tools" / name).chmod(0o755)
    env = {
        "PATH": f"{tmp_path}/tools:{GNU_PATH}",
        "HOME": f"{tmp_path}/home",
        "CONDAFLEET_PLAYED": f"{tmp_path}/played",
    }
    connection = ShellConnection(SHELLS["dash"], env=env)
    lane = await Lane.open(connection, timeout=30)
    assert kinds(await seen(lane, root, root.named("train", (PYTHON,)))) == {expected}
    await connection.close()


@pytest.mark.parametrize("found_some", (False, True))
async def test_links_that_were_not_all_looked_for_in_time_are_not_taken_for_none(
    root: CondaRoot, tmp_path: Path, found_some: bool
) -> None:
    for folder in ("tools", "home", "played"):
        (tmp_path / folder).mkdir()
    prefix = root.named("train", (PYTHON,))
    if found_some:
        (root.root / "envs" / "alias").symlink_to("train")
    text = '#!/bin/sh\ncase "$*" in *find*) shift; "$@"; exit 124 ;; esac\nexec /usr/bin/timeout "$@"\n'
    (tmp_path / "tools" / "timeout").write_text(text)
    (tmp_path / "tools" / "timeout").chmod(0o755)
    env = {
        "PATH": f"{tmp_path}/tools:{GNU_PATH}",
        "HOME": f"{tmp_path}/home",
        "CONDAFLEET_PLAYED": f"{tmp_path}/played",
    }
    connection = ShellConnection(SHELLS["dash"], env=env)
    found = await seen(await Lane.open(connection, timeout=30), root, prefix)
    await connection.close()
    assert kinds(found) == {K.LINKED_FROM}
    assert ("At least 1 soft links" if found_some else "could not be found out in time") in of(
        found, K.LINKED_FROM
    ).text


async def test_without_its_tools_it_says_so(root: CondaRoot, tmp_path: Path) -> None:
    # The script adds the usual places to its PATH: what is missing there is missing.
    (tmp_path / "home").mkdir()
    (tmp_path / "nothing").write_text("")
    mount = 'mount --bind "$0" /usr/bin/xargs && exec "$@"'
    wrap = ("unshare", "-m", "/bin/sh", "-c", mount, str(tmp_path / "nothing"))
    connection = ShellConnection(SHELLS["dash"], env={"PATH": "/usr/bin", "HOME": f"{tmp_path}/home"}, wrap=wrap)
    lane = await Lane.open(connection, timeout=30)
    assert kinds(await seen(lane, root, root.named("train", (PYTHON,)))) == {K.NO_TOOL}
    await connection.close()
