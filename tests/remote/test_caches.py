"""What the other tools' caches of accounts hold, on real trees laid out as those tools write them."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.caches import CacheItem, CacheKind, Caches, cleaning
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.remote import caches
from tui.remote.caches import _item, _Seen, ask_caches
from tui.remote.lane import Lane
from tui.remote.wire import Record

LIMIT = 60.0
NOBODY = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
REPO = "models--org--name"
KEY = "k" * 52
"""How Triton calls a kernel's directory: a hash."""
ELF = {
    "little": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x04\x00" + bytes(46),
    "big": b"\x7fELF\x01\x02\x01" + bytes(9) + b"\x00\x04" + bytes(34),
    "program": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + bytes(46),
}
"""Headers of two core dumps and of a program."""


def write(path: Path, size: int, used: float = 1_700_000_000.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    os.utime(path, (used, used))
    return path


async def ask(
    home: Path,
    shell: str = "dash",
    *,
    path: str = GNU_PATH,
    trash: tuple[str, ...] = (),
    wrap: tuple[str, ...] = (),
    set_to: Mapping[str, str] | None = None,
    **variables: str,
) -> Caches:
    variables |= set_to or {}
    connection = ShellConnection(SHELLS[shell], env={"PATH": path, "HOME": str(home), **variables}, wrap=wrap)
    try:
        lane = await Lane.open(connection, timeout=LIMIT)
        return await ask_caches(lane, "gpu01", timeout=LIMIT, package_caches=trash)
    finally:
        await connection.close()


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def at(found: Caches, path: Path) -> CacheItem:
    return next(item for item in found.items if item.path == str(path))


def brute(*tops: Path) -> int:
    """Blocks of all below *tops*, every inode once."""
    inodes = {}
    for top in tops:
        for one in [top, *top.rglob("*")]:
            stat = one.lstat()
            inodes[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
    return sum(inodes.values())


def a_home(home: Path) -> Path:
    cache = home / ".cache"
    write(cache / "pip/http-v2/a/b/c/d/e/abcde.body", 9000)
    write(cache / "pip/wheels/aa/bb/x-1.0-py3-none-any.whl", 5000)
    linked = write(cache / "uv/archive-v0/q/x.so", 20000)
    (home / "env").mkdir()
    (home / "env/x.so").hardlink_to(linked)
    write(cache / "uv/wheels-v5/index", 100, 1_600_000_000.0)
    write(cache / "torch/hub/checkpoints/resnet50.pth", 40000)
    write(home / f".triton/cache/{KEY}/kernel.cubin", 3000)
    write(cache / "wandb/artifacts/obj/md5/aa/x", 7000)
    write(cache / "a\nname \x1b[31m'\"$(x)*[a]\\/file", 6000)
    dump = write(home / "core.123", 8000)
    dump.write_bytes(ELF["little"] + bytes(8000))
    os.utime(dump, (1_700_000_000.0,) * 2)
    repo = cache / "huggingface/hub" / REPO
    for name, size in (("both", 50000), ("one", 30000), ("two", 10000), ("dead", 12000), ("y.incomplete", 16000)):
        write(repo / "blobs" / name, size, 1_650_000_000.0 if name == "one" else 1_640_000_000.0)
    for commit, names in (("c1", ("both", "one")), ("c2", ("both", "two"))):
        (repo / "snapshots" / commit / "sub").mkdir(parents=True)
        for name in names:
            (repo / "snapshots" / commit / "sub" / name).symlink_to(f"../../../blobs/{name}")
    (repo / "snapshots/c2/out").symlink_to("/etc/passwd")
    write(repo / "refs/main", 40)
    (cache / "loop").symlink_to("..")
    return cache


@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_every_cache_is_counted_as_brute_force_counts_it(shell: str, tmp_path: Path) -> None:
    cache = a_home(tmp_path)
    write(tmp_path / "pkgs/.trash/old.so", 4000)
    (tmp_path / "pkgs/urls.txt").touch()
    found = await ask(tmp_path, shell, trash=(str(tmp_path / "pkgs"),))
    kinds = {
        cache / "pip/http-v2": CacheKind.PIP,
        cache / "pip/wheels": CacheKind.PIP,
        cache / "uv": CacheKind.UV,
        cache / "torch/hub": CacheKind.TORCH,
        tmp_path / ".triton/cache": CacheKind.TRITON,
        cache / "wandb/artifacts": CacheKind.WANDB,
        cache / "a\nname \x1b[31m'\"$(x)*[a]\\": CacheKind.OTHER,
        cache / "huggingface/hub" / REPO: CacheKind.HUB,
        tmp_path / "core.123": CacheKind.CORE,
        tmp_path / "pkgs/.trash": CacheKind.TRASH,
    }
    for path, kind in kinds.items():
        item = at(found, path)
        assert (item.kind, item.bytes, item.owner) == (kind, brute(path), path.owner()), path
    uv = at(found, cache / "uv")
    assert uv.bytes is not None
    assert uv.bytes - uv.freed_bytes == (tmp_path / "env/x.so").stat().st_blocks * 512
    assert uv.idle_days(1_700_000_000.0 + 86400 * 3) == 3
    assert at(found, cache / "loop").bytes == (cache / "loop").lstat().st_blocks * 512
    assert not found.cut


async def test_revisions_hold_their_blobs_alone_and_together(tmp_path: Path) -> None:
    repo = a_home(tmp_path) / "huggingface/hub" / REPO
    item = at(await ask(tmp_path), repo)
    assert item.repo is not None
    one, two = item.repo.revisions
    blob = {path.name: path.stat().st_blocks * 512 for path in (repo / "blobs").iterdir()}
    assert one.exclusive_bytes == brute(repo / "snapshots/c1") + blob["one"]
    assert one.shared_bytes == two.shared_bytes == blob["both"]
    assert (one.last_used, two.last_used) == (1_650_000_000.0, 1_640_000_000.0)
    assert (one.astray, two.astray) == (0, 1)
    assert item.repo.dead_bytes == blob["dead"]
    assert item.repo.incomplete_bytes == blob["y.incomplete"]
    assert "hf cache rm model/org/name " in str(cleaning(item))


async def test_variables_move_caches_and_one_directory_counts_once(tmp_path: Path) -> None:
    there = tmp_path / "data"
    write(there / "p/wheels/aa/x.whl", 5000)
    write(there / "h/hub" / REPO / "blobs/x", 5000)
    (tmp_path / "home/.cache").mkdir(parents=True)
    (tmp_path / "home/.cache/pip").symlink_to(there / "p")
    found = await ask(tmp_path / "home", PIP_CACHE_DIR=f"{there}/p", UV_CACHE_DIR=f"{there}/p", HF_HOME=f"{there}/h")
    ours = [item for item in found.items if item.path.startswith(str(there))]
    assert [(item.kind, item.path) for item in ours] == [
        (CacheKind.PIP, f"{there}/p/wheels"),
        (CacheKind.HUB, f"{there}/h/hub/{REPO}"),
    ]


def kinds(found: Caches, below: Path) -> dict[str, CacheKind]:
    return {item.path[len(str(below)) + 1 :]: item.kind for item in found.items if item.path.startswith(f"{below}/")}


@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_of_hugging_face_only_what_can_be_fetched_again_is_a_cache(shell: str, tmp_path: Path) -> None:
    face = tmp_path / ".cache/huggingface"
    for name in ("token", "stored_tokens"):
        write(face / name, 40)
    write(face / "accelerate/default_config.yaml", 200)
    write(face / "something new/file", 200)
    write(face / "hub/models--a--b/refs/main", 40)
    write(face / "hub/models--mine/weights.bin", 400)
    write(face / "hub/version.txt", 1)
    write(face / "datasets/glue/sst2/0.0.0/bcdcba79/dataset_info.json", 400)
    write(face / f"datasets/downloads/{'ab' * 32}", 400)
    write(face / "datasets/my results/dataset_info.json", 400)
    write(face / "datasets/my results/state.json", 400)
    write(face / "datasets/my csv/train.csv", 400)
    write(face / "xet/https___cas_serv-x/chunk-cache/x", 400)
    write(face / "modules/datasets_modules/x.py", 400)
    write(face / "assets/lib/x", 400)
    found = kinds(await ask(tmp_path, shell), face)
    assert found == {
        "hub/models--a--b": CacheKind.HUB,
        "datasets/glue": CacheKind.HF,
        "datasets/downloads": CacheKind.HF,
        "xet": CacheKind.HF,
        "modules": CacheKind.HF,
        "assets": CacheKind.HF,
        **dict.fromkeys(
            ("accelerate", "something new", "hub/models--mine", "datasets/my results", "datasets/my csv"),
            CacheKind.KEPT,
        ),
    }


async def test_a_directory_with_work_in_it_is_no_cache_because_a_variable_says_so(tmp_path: Path) -> None:
    work = tmp_path / "data"
    for name in ("wheels/mine.whl", "hub/weights.pt", "kernels/mul.cu", "datasets/x/y/z/train.csv", "assets/logo.svg",
                 "modules/net.py", "archive-v0/x", "obj/x", "artifacts/model.pt", "http/notes"):  # fmt: skip
        write(work / name, 400)
    names = ("PIP_CACHE_DIR", "UV_CACHE_DIR", "HF_HOME", "TORCH_HOME", "TRITON_CACHE_DIR", "WANDB_CACHE_DIR")
    for name in names:
        assert kinds(await ask(tmp_path, set_to={name: str(work)}), work) == {}, name
    assert kinds(await ask(tmp_path, HF_HUB_CACHE=f"{work}/hub"), work) == {}


async def test_other_tools_caches_are_known_by_what_they_hold(tmp_path: Path) -> None:
    cache = tmp_path / ".cache"
    write(cache / "pip/http-v2/a/b", 400)
    write(cache / "pip/wheels/aa/x.whl", 400)
    write(cache / "pip/notes/x", 400)
    write(cache / "uv/simple-v15/x", 400)
    write(cache / "torch/hub/checkpoints/x.pth", 400)
    write(cache / "torch/hub/facebookresearch_dinov2_main/hubconf.py", 400)
    write(cache / "torch/kernels/add_1", 400)
    write(cache / "torch/my runs/x", 400)
    write(cache / "wandb/artifacts/obj/md5/aa/x", 400)
    write(cache / "wandb/mine/x", 400)
    assert kinds(await ask(tmp_path), cache) == {
        "pip/http-v2": CacheKind.PIP, "pip/wheels": CacheKind.PIP, "pip/notes": CacheKind.KEPT, "uv": CacheKind.UV,
        "torch/hub": CacheKind.TORCH, "torch/kernels": CacheKind.TORCH, "torch/my runs": CacheKind.KEPT,
        "wandb/artifacts": CacheKind.WANDB, "wandb/mine": CacheKind.KEPT,
    }  # fmt: skip
    write(cache / "uv/notes", 400)
    write(cache / "torch/hub/mine/train.py", 400)
    write(cache / "pip/wheels/mine.whl", 400)
    found = kinds(await ask(tmp_path), cache)
    assert {found[name] for name in ("uv", "torch/hub", "pip/wheels")} == {CacheKind.KEPT}


async def test_runs_that_were_not_uploaded_are_no_cache(tmp_path: Path) -> None:
    runs = tmp_path / "work/wandb"
    for name in ("offline-run-1-aa/run-aa.wandb", "run-2-bb/run-bb.wandb", "run-3-cc/run-cc.wandb", "run-4-dd/log"):
        write(runs / name, 400)
    for name in ("run-3-cc/run-cc.wandb.synced", "run-4-dd/x.synced"):
        write(runs / name, 0)
    assert kinds(await ask(tmp_path, WANDB_DIR=str(tmp_path / "work")), runs) == {"run-3-cc": CacheKind.RUNS}


@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_a_core_dump_is_one_by_its_content(shell: str, tmp_path: Path) -> None:
    for number, content in enumerate((ELF["little"], ELF["big"], ELF["program"], b"notes on the core", b"\x7fELF")):
        file = write(tmp_path / f"core.{number}", 1)
        file.write_bytes(content)
        os.utime(file, (1_700_000_000.0,) * 2)
    for name in ("core.10", "core.11", "core.12"):
        shutil.copyfile(tmp_path / "core.0", tmp_path / name)
        os.utime(tmp_path / name, (1_700_000_000.0,) * 2)
    os.chown(tmp_path / "core.10", 4321, 4321)
    (tmp_path / "core").symlink_to(tmp_path / "core.0")
    (tmp_path / "core.13").write_bytes(ELF["little"])  # written right now
    os.mkfifo(tmp_path / "core.14")
    with (tmp_path / "core.11").open("rb"):
        found = await ask(tmp_path, shell)
    assert sorted(item.path for item in found.items if item.kind is CacheKind.CORE) == [
        str(tmp_path / name) for name in ("core.0", "core.1", "core.12")
    ]


async def test_files_linked_between_items_add_up_once(tmp_path: Path) -> None:
    first = write(tmp_path / ".cache/a/x", 9000)
    (tmp_path / ".cache/b").mkdir()
    (tmp_path / ".cache/b/x").hardlink_to(first)
    found = await ask(tmp_path)
    ours = [item for item in found.items if item.path.startswith(str(tmp_path))]
    assert sum(item.counted_bytes for item in ours) == brute(tmp_path / ".cache/a", tmp_path / ".cache/b")
    assert all(item.freed_bytes < (item.bytes or 0) for item in ours)


async def test_what_cannot_be_read_is_named() -> None:
    with tempfile.TemporaryDirectory(prefix="condafleet-caches-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # noqa: ASYNC240  # quick
        write(home / ".cache/uv/archive-v0/open/x", 5000)
        write(home / ".cache/uv/archive-v0/shut\nhere/x", 5000)
        write(home / ".cache/torch/x", 5000)
        shut = home / ".cache/uv/archive-v0/shut\nhere"
        shut.chmod(0o700)
        (home / ".cache/torch").chmod(0o700)
        found = await ask(home, wrap=NOBODY)
        uv, torch = at(found, home / ".cache/uv"), at(found, home / ".cache/torch")
        assert (uv.unreadable, uv.unreadable_count) == ((str(shut),), 1)
        assert uv.bytes == brute(home / ".cache/uv") - (shut / "x").stat().st_blocks * 512
        assert (torch.bytes, torch.unreadable) == (None, (torch.path,))


@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_nothing_is_left_when_the_connection_goes(shell: str, tmp_path: Path) -> None:
    write(tmp_path / ".cache/uv/archive-v0/x", 5000)
    (tmp_path / "bin").mkdir()
    slow, said = tmp_path / "bin/find", tmp_path / "pid"
    slow.write_text(
        "#!/bin/sh\n"
        f'case $1 in / | */.) exec {shutil.which("find")} "$@" ;; esac\n'
        'case "$*" in *-samefile* | *-xdev*) ;; *) exit 0 ;; esac\n'
        f"echo $$ >{said}.new && mv {said}.new {said}\n"
        "exec sleep 600\n"
    )
    slow.chmod(0o755)
    connection = ShellConnection(SHELLS[shell], env={"PATH": f"{tmp_path}/bin:{GNU_PATH}", "HOME": str(tmp_path)})
    try:
        lane = await Lane.open(connection, timeout=LIMIT)
        asked = asyncio.create_task(ask_caches(lane, "gpu01", timeout=LIMIT))
        async with asyncio.timeout(30):
            await eventually(said.exists)
            asked.cancel()
            lane.close()
            with pytest.raises(asyncio.CancelledError):
                await asked
            # Only the script's own watch can end it here: the test has killed nothing.
            await eventually(lambda: gone(int(said.read_text())))
    finally:
        await connection.close()


async def test_without_gnu_find_it_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(HostFaultError) as caught:
        await ask(tmp_path, "busybox", path=busybox_path(tmp_path))
    assert caught.value.fault.kind is FaultKind.TOOL_MISSING


@pytest.mark.parametrize(
    ("tag", "fields"),
    [
        ("item", (b"1", b"nonsense", b"/x", b"")),
        ("item", (b"x", b"pip", b"/x", b"")),
        ("sum", (b"7", b"1", b"1", b"1", b"1", b"1")),
        ("sum", (b"0", b"1", b"2", b"1", b"1", b"1")),
        ("sum", (b"0", b"-1", b"0", b"0", b"0", b"0")),
    ],
)
def test_what_makes_no_sense_is_not_taken(tag: str, fields: tuple[bytes, ...]) -> None:
    seen = {0: caches._Seen(CacheKind.PIP, "/c", None)}
    assert not caches._take(Record(tag, fields), seen)


@pytest.mark.parametrize(
    "raw",
    [
        b"zz",
        b"6",
        b"f 1 2 3 4 nan 1 x\0\0end\0\0".hex().encode(),
        b"f 1\0\0end\0\0".hex().encode(),
        b"f 1 2 3 4 5 1 x\0\0".hex().encode(),
    ],
)
def test_a_senseless_listing_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        caches._entries(raw)


def test_a_repository_of_which_nothing_was_listed_is_no_repository_without_revisions() -> None:
    """What lists it was killed before its first word: the sums alone would look whole."""
    seen = _Seen(CacheKind.HUB, "/home/ada/.cache/huggingface/hub/models--a--b", "ada", sums=[8, 8, 8, 1, 0])
    with pytest.raises(ValueError, match="cut short"):
        _item(seen)
    seen.path = "/home/ada/.cache/huggingface/hub/.locks"
    assert _item(seen).repo is None
