"""Trees with every kind of link, and what removing things from them gives back, found the slow way.

A :class:`Tree` is made from one seed. :func:`removed_paths` and :func:`freed` know nothing of disk tables: they look at
every path there is, decide which of them go, and count the inodes that lose all their links.
"""

from __future__ import annotations

import os
import random
import shutil
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tui.domain.diskplaces import CACHE_PARTS, DiskPlace, OwnerKind, PlaceKind

SIZES = (0, 1, 700, 4096, 5000, 30_000, 120_000)
ODD = ("a b", "[x]*?", "new\nline", "-n", "back\\slash", "it's", "\udcff\udc80", "x" * 200, "=seen", "#c", "1 2 3")
HALF = ("half-1.0-0", "half-1.0-0.c~")
"""Extractions that did not end, of a package that was fetched."""
PARTIAL_NAMES = (
    "left-1-0.conda.part", "left-1-0.tar.bz2.partial", "left-1-0.conda.c~", "left-1-0.conda.conda_trash_2",
    ".trash", ".tmp-condafleet-aB3xY9", *HALF,
)  # fmt: skip
OWN_NAMES = ("my-training-data", "tmpresults", ".tmpdir", "notes.c~", "x.tmp", "my-old-data.tar.bz2", "a.conda")
"""What people put there themselves: no cleaning takes it."""
LONG_AGO = 1_600_000_000.0


class Tree:
    """Caches, environments and things outside, below *root*; everything follows from *seed*."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)
        self.files: list[Path] = []
        self.packages: list[Path] = []
        self.outside = root / "outside"
        self.outside.mkdir(parents=True)
        self.caches = [root / "base" / "pkgs", root / "other pkgs"]
        self._cache(self.caches[0], self.caches[0])
        self._cache(self.caches[1], self.caches[1] / "https" / "conda.anaconda.org" / "conda-forge" / "linux-64")
        names = self.chance.sample(ODD, 4)
        self.envs = [root / "base" / "envs" / name for name in ("one", *names)]
        # One environment inside another.
        self.envs.append(self.envs[1] / "deep" / "inner")
        for env in self.envs:
            self._environment(env)
        self.base = root / "base"
        self._private(self.base / "lib", 3)
        for _ in range(self.chance.randrange(4)):
            self._link(self.chance.choice(self.files), self.outside)
        for _ in range(3):
            self._link(self.chance.choice(self.files), self.chance.choice(self.packages))
        self.places = (
            DiskPlace(PlaceKind.CACHE, str(self.caches[0])),
            *(DiskPlace(PlaceKind.ENVIRONMENT, str(env)) for env in self.envs),
            DiskPlace(PlaceKind.CACHE, str(self.caches[1])),
            DiskPlace(PlaceKind.OTHER, str(self.base)),
        )

    def owners(self) -> list[tuple[OwnerKind, Path]]:
        """The owners of :attr:`places`, in their order."""
        found: list[tuple[OwnerKind, Path]] = []
        for place in self.places:
            kinds = CACHE_PARTS if place.kind is PlaceKind.CACHE else (OwnerKind(place.kind.value),)
            found += ((kind, Path(place.path)) for kind in kinds)
        return found

    def _cache(self, cache: Path, folder: Path) -> None:
        for number in range(self.chance.randrange(3, 6)):
            package = folder / f"pkg{self.chance.randrange(100)}_{number}-1.{number}-h0_{number}"
            (package / "info").mkdir(parents=True)
            self._private(package / "info", 2)
            (package / "info" / self.chance.choice(("index.json", "repodata_record.json"))).write_text("{}")
            self._private(package / "lib", self.chance.randrange(1, 5))
            self.packages.append(package)
            self._file(folder / (package.name + self.chance.choice((".conda", ".tar.bz2"))))
        for name in ("cache", ".logs", "strange"):
            self._private(cache / name, 2)
        (cache / "urls.txt").write_text(f"https://conda.anaconda.org/conda-forge/noarch/{HALF[0]}.conda\n")
        for name in (*self.chance.sample(PARTIAL_NAMES, 4), *self.chance.sample(OWN_NAMES, 3)):
            if name.startswith((".t", "my-training", "tmp", *HALF)):
                self._private(cache / name, 2)
            else:
                self._file(cache / name)
            for path in every_path(cache / name):
                os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)

    def _environment(self, env: Path) -> None:
        (env / "conda-meta").mkdir(parents=True)
        self._file(env / "conda-meta" / "history")
        self._private(env / "lib", self.chance.randrange(1, 5))
        for package in self.chance.sample(self.packages, self.chance.randrange(1, 4)):
            way = self.chance.choice(("hard", "hard", "hard", "copy", "soft", "relative", "folder"))
            target = env / "lib" / package.name.partition("-")[0]
            if target.exists() or target.is_symlink():
                continue
            if way == "folder":
                target.symlink_to(package / "lib")
                continue
            target.mkdir(parents=True)
            for source in sorted((package / "lib").iterdir()):
                self._place(source, target / source.name, way)

    def _place(self, source: Path, target: Path, way: str) -> None:
        if not stat.S_ISREG(source.lstat().st_mode):
            return
        if way == "copy" or self.chance.random() < 0.1:
            shutil.copyfile(source, target)
        elif way == "soft":
            target.symlink_to(source)
        elif way == "relative":
            target.symlink_to(os.path.relpath(source, target.parent))
        else:
            target.hardlink_to(source)
            self.files.append(target)

    def _private(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            name = self.chance.choice(ODD)[:180] + str(number)
            path = folder / name
            what = self.chance.randrange(12)
            if what == 0:
                path.mkdir()
                self._file(path / name)
            elif what == 1:
                path.symlink_to(self.chance.choice(("/nowhere/" + "y" * 80, "../..", "sibling-of-1-2/x", "/etc")))
            elif what == 2:
                os.mkfifo(path)
            else:
                self._file(path)

    def _file(self, path: Path) -> None:
        with path.open("wb") as file:
            file.write(self.chance.randbytes(self.chance.choice(SIZES)))
            if self.chance.random() < 0.1:
                file.truncate(1 << 20)  # a hole behind what was written
        self.files.append(path)

    def _link(self, source: Path, folder: Path) -> None:
        target = folder / f"link {self.chance.randrange(10**9)}"
        target.hardlink_to(source)
        self.files.append(target)


def every_path(top: Path) -> list[str]:
    """*top* and all below it, soft links not followed."""
    found = [str(top)]
    for folder, folders, files in os.walk(top):
        found += (os.path.join(folder, name) for name in (*folders, *files))  # noqa: PTH118  # names of any bytes
    return found


def in_part(kind: OwnerKind, cache: Path, path: str, packages: Sequence[Path]) -> bool:
    """Whether *path* belongs to this part of the cache, by its name."""
    if path == str(cache) or not path.startswith(f"{cache}/"):
        return kind is OwnerKind.REST and path == str(cache)
    inner = path[len(str(cache)) + 1 :]
    first, last = inner.split("/")[0], inner.rsplit("/")[-1]
    if any((path + "/").startswith(f"{package}/") for package in packages):
        return kind is OwnerKind.PACKAGES
    if first == "cache":
        return kind is OwnerKind.INDEX
    if first == ".logs":
        return kind is OwnerKind.LOGS
    if first in PARTIAL_NAMES:
        return kind is OwnerKind.PARTIAL
    if last.endswith((".conda", ".tar.bz2")) and first not in OWN_NAMES:
        return kind is OwnerKind.TARBALLS
    return kind is OwnerKind.REST


def is_below(path: str, top: Path) -> bool:
    return (path + "/").startswith(f"{top}/")


class Slow:
    """What happens to a tree, by looking at each of its paths."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.paths = every_path(tree.root)
        self.stats = {path: os.lstat(path) for path in self.paths}

    def removed_paths(self, chosen: Iterable[tuple[OwnerKind, Path]]) -> set[str]:
        """The paths that go when *chosen* go, of packages those that nothing left uses."""
        tree = self.tree
        gone: set[str] = set()
        chosen = list(chosen)
        for kind, place in chosen:
            if kind not in CACHE_PARTS:
                gone.update(path for path in self.paths if is_below(path, place))
            elif kind is not OwnerKind.PACKAGES:
                gone.update(path for path in self.paths if in_part(kind, place, path, tree.packages))
        for package in tree.packages:
            cleaned = any(kind is OwnerKind.PACKAGES and is_below(str(package), place) for kind, place in chosen)
            if cleaned and not self._used(package, gone):
                gone.update(path for path in self.paths if is_below(path, package))
        return gone

    def _used(self, package: Path, gone: set[str]) -> bool:
        inodes = {self.stats[path].st_ino for path in self.paths if is_below(path, package) and not self._folder(path)}
        for path in self.paths:
            if path in gone or any(is_below(path, cache) for cache in self.tree.caches):
                continue
            if not self._folder(path) and self.stats[path].st_ino in inodes:
                return True
            if stat.S_ISLNK(self.stats[path].st_mode) and is_below(path, self.tree.base):
                target = os.readlink(path)  # noqa: PTH115  # names of any bytes
                if "/" in target and package.name in target.split("/"):
                    return True
        return False

    def _folder(self, path: str) -> bool:
        return stat.S_ISDIR(self.stats[path].st_mode)

    def freed(self, gone: set[str]) -> tuple[int, int]:
        """Bytes and inodes that come back when all of *gone* goes."""
        size = files = 0
        lost = Counter(self.stats[path].st_ino for path in gone if not self._folder(path))
        done: set[int] = set()
        for path in gone:
            found = self.stats[path]
            if self._folder(path) or (lost[found.st_ino] == found.st_nlink and found.st_ino not in done):
                done.add(found.st_ino)
                size += found.st_blocks * 512
                files += 1
        return size, files


def remove(gone: set[str]) -> None:
    """Remove these paths, the deepest first."""
    for path in sorted(gone, key=lambda path: path.count("/"), reverse=True):
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114  # names of any bytes
            os.rmdir(path)  # noqa: PTH106
        else:
            os.unlink(path)  # noqa: PTH108
