"""What conda itself would clean is in our categories, and where the figures differ it is known why.

The tree is like the one over which conda 26.7.1 was recorded: the same downloads, packages and index, with small files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.remote.shells import SHELLS, ShellConnection
from tests.remote.test_disk import LIMIT, env
from tui.domain.cacheusers import CacheUsers
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import DiskPlace, OwnerKind, PlaceKind
from tui.domain.diskreport import CacheUse, host_disk
from tui.domain.snapshot import HostSnapshot
from tui.remote.condasays.cleaning import CleanPart, read_cleaning
from tui.remote.disk import DiskMethod, ask_disk
from tui.remote.lane import Lane

RECORDING = Path(__file__).parent.parent / "data" / "conda-26.7.1" / "44-clean-dry-run-json.json"
METHODS = [*((DiskMethod.FIND, shell) for shell in SHELLS), (DiskMethod.PYTHON, "dash")]
SUFFIX = ".tar.bz2"
HALF = "torch-2.1-0"
"""A package that was fetched, and not extracted to its end."""


def recorded() -> dict[str, CleanPart]:
    """What conda said, by category."""
    return {part.what: part for part in read_cleaning(json.loads(RECORDING.read_text())["stdout"])}


def names(part: CleanPart) -> set[str]:
    assert part.entries is not None
    return {Path(entry.path).name for entry in part.entries}


class Tree:
    """A cache with what was recorded in it; the packages that conda calls unused are linked from nowhere."""

    def __init__(self, root: Path) -> None:
        said = recorded()
        self.unused = names(said["packages"])
        self.packages = {name.removesuffix(SUFFIX) for name in names(said["tarballs"])}
        self.cache, self.env = root / "pkgs", root / "envs" / "train"
        for name in sorted(self.packages):
            write(self.cache / (name + SUFFIX), 5000)
            write(self.cache / name / "info" / "index.json", 300)
            write(self.cache / name / "lib" / f"{name}.so", 9000)
            if name not in self.unused:
                target = self.env / "lib" / f"{name}.so"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.hardlink_to(self.cache / name / "lib" / f"{name}.so")
        write(self.cache / "cache" / "497deca9.json", 20_000)
        fetched = [*sorted(self.packages), HALF]
        (self.cache / "urls.txt").write_text("".join(f"https://a/noarch/{name}{SUFFIX}\n" for name in fetched))

    def conda(self) -> set[str]:
        """The packages that conda 26.7.1 would clean here: of none of their files is there another link."""
        found = set()
        for folder in self.cache.iterdir():
            if (folder / "info").is_dir() and all(
                path.stat().st_nlink == 1 for path in folder.rglob("*") if path.is_file()
            ):
                found.add(folder.name)
        return found


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)


def blocks(tops: Iterable[Path]) -> int:
    """What is on the disk below *tops*, themselves included; no file is there twice."""
    paths = [path for top in tops for path in (top, *top.rglob("*"))]
    return sum(os.lstat(path).st_blocks * 512 for path in paths)


def contents(tops: Iterable[Path]) -> int:
    """The sizes as conda adds them up."""
    return sum(path.stat().st_size for top in tops for path in (top, *top.rglob("*")) if path.is_file())


async def counted(tree: Tree, method: DiskMethod, shell: str, *more: Path) -> CacheUse:
    places = [DiskPlace(PlaceKind.CACHE, str(tree.cache)), env(tree.env), *map(env, more)]
    connection = ShellConnection(SHELLS[shell])
    try:
        lane = await Lane.open(connection, timeout=LIMIT)
        table = await ask_disk(lane, places, "gpu01", timeout=LIMIT, method=method)
    finally:
        await connection.close()
    (cache,) = host_disk(HostSnapshot("gpu01"), DiskCount(table, 1.0, (CacheUsers(str(tree.cache)),))).caches
    return cache


def freed(cache: CacheUse, kind: OwnerKind) -> int | None:
    part = cache.part(kind)
    assert part is not None
    return part.freed_bytes


ways = pytest.mark.parametrize(("method", "shell"), METHODS)


@ways
async def test_our_categories_hold_what_conda_would_clean_to_the_block(
    tmp_path: Path, method: DiskMethod, shell: str
) -> None:
    tree = Tree(tmp_path)
    assert tree.conda() == tree.unused  # the tree is like the recorded one
    cache = await counted(tree, method, shell)
    downloads = [tree.cache / (name + SUFFIX) for name in tree.packages]
    unused = [tree.cache / name for name in tree.unused]
    assert freed(cache, OwnerKind.TARBALLS) == blocks(downloads)
    assert freed(cache, OwnerKind.PACKAGES) == blocks(unused)
    assert freed(cache, OwnerKind.INDEX) == blocks([tree.cache / "cache"])
    # conda adds up what is in the files; the file system gives back whole blocks, and the directories, too.
    assert blocks(downloads) > contents(downloads)
    assert blocks(unused) > contents(unused)


@ways
async def test_a_package_that_an_environment_reaches_by_soft_links_is_condas_and_not_ours(
    tmp_path: Path, method: DiskMethod, shell: str
) -> None:
    tree = Tree(tmp_path)
    used = sorted(tree.unused)[0]
    soft = tmp_path / "envs" / "soft"
    (soft / "lib").mkdir(parents=True)
    (soft / "lib" / "x.so").symlink_to(tree.cache / used / "lib" / f"{used}.so")
    assert used in tree.conda()  # conda would break the environment: conda#16614
    cache = await counted(tree, method, shell, soft)
    assert freed(cache, OwnerKind.PACKAGES) == blocks(tree.cache / name for name in tree.unused - {used})


@ways
async def test_copies_and_links_within_the_cache_are_no_use(tmp_path: Path, method: DiskMethod, shell: str) -> None:
    tree = Tree(tmp_path)
    one, other = sorted(tree.unused)[:2]
    write(tree.env / "lib" / "copy.so", 9000)
    (tree.cache / other / "lib" / "again.so").hardlink_to(tree.cache / one / "lib" / f"{one}.so")
    # Two packages that share a file by a link are used by nobody; conda keeps both for ever.
    assert tree.conda() == tree.unused - {one, other}
    cache = await counted(tree, method, shell)
    twice = (tree.cache / one / "lib" / f"{one}.so").stat().st_blocks * 512
    assert freed(cache, OwnerKind.PACKAGES) == blocks(tree.cache / name for name in tree.unused) - twice


MADE: dict[str, tuple[OwnerKind, Callable[[Path], Path]]] = {
    "a download that did not end": (OwnerKind.PARTIAL, lambda cache: cache / f"{HALF}.conda.part"),
    "a download of a newer conda": (OwnerKind.PARTIAL, lambda cache: cache / f"{HALF}.conda.partial"),
    "a download that could not be removed": (OwnerKind.PARTIAL, lambda cache: cache / f"{HALF}{SUFFIX}.trash"),
    "the same of a newer conda": (OwnerKind.PARTIAL, lambda cache: cache / f"{HALF}{SUFFIX}.conda_trash_1"),
    "a download put aside for another": (OwnerKind.PARTIAL, lambda cache: cache / f"{HALF}.conda.c~"),
    "an extraction that did not end": (OwnerKind.PARTIAL, lambda cache: cache / HALF / "lib" / "x.so"),
    "an extraction put aside": (OwnerKind.PARTIAL, lambda cache: cache / f"{HALF}.c~" / "lib" / "x.so"),
    "what an old conda moved out of its way": (OwnerKind.PARTIAL, lambda cache: cache / ".trash" / "x"),
    "a log": (OwnerKind.LOGS, lambda cache: cache / ".logs" / "x.log"),
}
THEIRS = {
    "a directory with two dashes": "my-training-data/v1/x",
    "a directory called temporary": "tmpresults/x",
    "the same, hidden": ".tmp-own/x",
    "a backup of an editor": "main.c~",
    "an archive of somebody": "my-training-data.tar.bz2",
    "a file called temporary": "results.tmp",
    "trash of something else": "old.trash",
    "a download of something else": "weights.part",
    "an info that no package has": "my-training-set/info/notes",
}
"""What people keep in a cache. conda itself would take the backup, the archive, the trash and the last of them."""


@ways
async def test_what_conda_calls_temporary_or_a_log_is_so_here_and_more_that_it_leaves(
    tmp_path: Path, method: DiskMethod, shell: str
) -> None:
    tree = Tree(tmp_path)
    assert recorded()["temp"].count == recorded()["logs"].count == 0
    before = await counted(tree, method, shell)
    assert (freed(before, OwnerKind.PARTIAL), freed(before, OwnerKind.LOGS)) == (0, 0)
    tops: dict[OwnerKind, set[Path]] = {}
    for kind, place in MADE.values():
        path = place(tree.cache)
        write(path, 7000)
        tops.setdefault(kind, set()).add(tree.cache / path.relative_to(tree.cache).parts[0])
    cache = await counted(tree, method, shell)
    for kind, made in tops.items():
        assert freed(cache, kind) == blocks(made), kind
    assert freed(cache, OwnerKind.PACKAGES) == freed(before, OwnerKind.PACKAGES)


@ways
async def test_what_no_tool_is_known_to_have_left_is_the_rest(tmp_path: Path, method: DiskMethod, shell: str) -> None:
    tree = Tree(tmp_path)
    before = await counted(tree, method, shell)
    for path in THEIRS.values():
        write(tree.cache / path, 7000)
    cache = await counted(tree, method, shell)
    for kind in (OwnerKind.TARBALLS, OwnerKind.PACKAGES, OwnerKind.INDEX, OwnerKind.PARTIAL, OwnerKind.LOGS):
        assert freed(cache, kind) == freed(before, kind), kind
    added = {tree.cache / path.partition("/")[0] for path in THEIRS.values()}
    now, then = cache.part(OwnerKind.REST), before.part(OwnerKind.REST)
    assert now is not None and then is not None
    assert now.bytes - then.bytes >= blocks(added)
