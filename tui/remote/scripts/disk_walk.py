# ruff: noqa: UP006, UP031, UP035, UP045, PTH112, PTH113, PTH119, PTH123  (this text runs on hosts with Python 3.6)
"""Counting for the disk table on a host that has Python: the first half of the text sent; disk_table.py is the second.

Needs Python 3.6 and nothing but its own library. A directory's entries carry
their inode numbers, so a file with several links is looked at once: seen before, it needs no further question to
the kernel. Package caches are counted first, in this process; the rest is shared out to a few children, each of
which knows what the caches hold.
"""

import array
import errno
import mmap
import os
import re
import stat
import struct
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

DEEPEST = 400
PARTS = 6
TARBALLS, PACKAGES, INDEX, PARTIAL, LOGS, REST = range(PARTS)
SCHEMES = ("http", "https", "file", "ftp", "s3", "oci")
LEVELS = 8
OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
BY_FD = os.scandir in os.supports_fd
LINKED = re.compile(r"/.*-.*-", re.DOTALL)
PACKAGE = re.compile(r".+-.+-.+\Z", re.DOTALL)
PACKAGE_FILE = re.compile(r".+-.+-.+\.(conda|tar\.bz2)\Z", re.DOTALL)
UNFINISHED = re.compile(r"\.(part|partial|c~|trash|conda_trash|conda_trash_[0-9][^.]*)\Z", re.DOTALL)
OURS = re.compile(r"\.tmp-condafleet-.{6}\Z", re.DOTALL)
VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Place:
    """A directory asked for, and what was noticed in it."""

    def __init__(self, number: int, kind: str, path: str, owner: int) -> None:
        self.number = number
        self.kind = kind
        self.path = self.real = path
        self.owner = owner
        self.state = "n"
        self.same = ""
        self.device = 0
        self.denied = self.changed = self.crossed = 0
        self.mounts: List[str] = []

    def look(self, known: Dict[Tuple[int, int], int]) -> None:
        above, _, name = self.path.rpartition("/")
        if not self.path.startswith("/") or name in ("", ".", ".."):
            return
        try:
            self.real = os.path.realpath(above or "/").rstrip("/") + "/" + name
            found = os.lstat(self.real)
        except OSError as error:
            if error.errno not in VANISHED:
                self.state = "x"
            return
        if stat.S_ISLNK(found.st_mode):
            self.state = "l"
        elif stat.S_ISDIR(found.st_mode):
            self.device = found.st_dev
            first = known.setdefault((found.st_dev, found.st_ino), self.number)
            self.state, self.same = ("y", "") if first == self.number else ("s", str(first))


class Sets:
    """Sets of atoms (owners and packages): each is the set before it and the atom added."""

    def __init__(self) -> None:
        self.before = [0]
        self.atoms = [0]

    def add(self, given: int, atom: int, made: Dict[int, int]) -> int:
        """*given* with *atom*. Each atom has its own *made*, and comes once."""
        found = made.get(given)
        if found is None:
            found = made[given] = len(self.before)
            made[found] = found
            self.before.append(given)
            self.atoms.append(atom)
        return found

    def members(self, given: int) -> Iterator[int]:
        while given:
            yield self.atoms[given]
            given = self.before[given]


class Atom:
    """An owner or a package while it is counted."""

    def __init__(self, place: Place, number: int) -> None:
        self.place = place
        self.number = number
        self.size = 0
        self.files = 0
        self.made: Dict[int, int] = {}


class Walk:
    """Everything that was counted so far; of files, only those with several links are remembered."""

    def __init__(self, places: List[Place], mounts: Set[str], start: int) -> None:
        self.mounts = mounts
        self.start = start
        self.special = mounts | {place.real for place in places if place.state == "y"}
        self.sets = Sets()
        self.known: Dict[int, Dict[int, int]] = {}
        self.inodes: List[Tuple[int, int]] = []
        self.left = array.array("q")
        self.links = array.array("q")
        self.blocks = array.array("q")
        self.of = array.array("q")
        self.atoms: Dict[int, Atom] = {}
        self.names: Dict[str, List[int]] = {}
        self.soft: Set[Tuple[int, int]] = set()
        self.trust: Dict[int, bool] = {}
        self.seen = 0
        self.base = 0
        self.counter: Optional[mmap.mmap] = None
        self.slot = 0

    def count(self, place: Place, number: int, tops: Iterable[str], deep: bool = True) -> None:
        """Count *tops* (paths), and unless not *deep* all below them, for the owner or package *number*."""
        atom = self.atoms.setdefault(number, Atom(place, number))
        for top in tops:
            try:
                found = os.lstat(top)
            except OSError as error:
                self.failed(place, error)
                continue
            if top in self.mounts:
                continue
            if not stat.S_ISDIR(found.st_mode):
                self.file(atom, found)
            elif deep:
                self.tree(atom, top)
            elif found.st_dev == place.device:
                self.directory(atom, found)
            else:
                place.crossed += 1

    def failed(self, place: Place, error: OSError) -> None:
        if error.errno in VANISHED:
            place.changed += 1
        else:
            place.denied += 1

    def directory(self, atom: Atom, found: os.stat_result) -> None:
        atom.size += found.st_blocks
        atom.files += 1
        if found.st_ctime_ns >= self.start:
            atom.place.changed += 1

    def file(self, atom: Atom, found: os.stat_result) -> None:
        if found.st_ctime_ns >= self.start:
            atom.place.changed += 1
        if found.st_nlink < 2:
            atom.size += found.st_blocks
            atom.files += 1
            return
        known = self.known.setdefault(found.st_dev, {})
        at = known.get(found.st_ino)
        if at is None:
            at = known[found.st_ino] = len(self.left)
            self.inodes.append((found.st_dev, found.st_ino))
            self.left.append(found.st_nlink)
            self.links.append(found.st_nlink)
            self.blocks.append(found.st_blocks)
            self.of.append(0)
        self.left[at] -= 1
        self.of[at] = self.sets.add(self.of[at], atom.number, atom.made)

    def tree(self, atom: Atom, top: str) -> None:
        opened = self.enter(atom, top, None)
        stack = [] if opened is None else [(opened, top, self.entries(atom, opened, top))]
        while stack:
            above, path, names = stack[-1]
            if not names:
                os.close(above)
                stack.pop()
                continue
            name = names.pop()
            inner = path + "/" + name
            if inner in self.special:
                continue
            opened = self.enter(atom, name, above)
            if opened is None:
                continue
            if len(stack) >= DEEPEST:
                os.close(opened)
                atom.place.denied += 1
                continue
            stack.append((opened, inner, self.entries(atom, opened, inner)))

    def enter(self, atom: Atom, name: str, above: Optional[int]) -> Optional[int]:
        place = atom.place
        try:
            opened = os.open(name, OPEN, dir_fd=above)
        except OSError as error:
            try:
                found = os.stat(name, dir_fd=above, follow_symlinks=False)
            except OSError as gone:
                self.failed(place, gone)
                return None
            if found.st_dev == place.device and stat.S_ISDIR(found.st_mode):
                self.directory(atom, found)
            self.failed(place, error)
            return None
        found = os.fstat(opened)
        if found.st_dev != place.device:
            place.crossed += 1
            os.close(opened)
            return None
        self.directory(atom, found)
        return opened

    def entries(self, atom: Atom, opened: int, path: str) -> List[str]:
        """Count the files of an open directory; the names of the directories in it."""
        place, number, made = atom.place, atom.number, atom.made
        left, of, start, sets = self.left, self.of, self.start, self.sets
        trusted = self.trust.get(place.device)
        known = {} if trusted is None or not trusted else self.known.setdefault(place.device, {})
        soft = bool(self.names) and place.kind != "c"
        inner: List[str] = []
        size = files = seen = 0
        try:
            with os.scandir(opened if BY_FD else "/proc/self/fd/%d" % opened) as listing:
                for entry in listing:
                    seen += 1
                    at = known.get(entry.inode())
                    if at is not None:
                        left[at] -= 1
                        before = of[at]
                        after = made.get(before)
                        of[at] = sets.add(before, number, made) if after is None else after
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(entry.name)
                        continue
                    try:
                        found = os.stat(entry.name, dir_fd=opened, follow_symlinks=False)
                    except OSError as error:
                        self.failed(place, error)
                        continue
                    if trusted is None:
                        # Where directories say other numbers than files have (overlayfs), every file is asked.
                        trusted = self.trust[place.device] = found.st_ino == entry.inode()
                    if place.mounts and path + "/" + entry.name in self.mounts:
                        continue
                    if soft and stat.S_ISLNK(found.st_mode):
                        self.follow(place, entry.name, opened)
                    if found.st_nlink == 1 and found.st_ctime_ns < start:
                        size += found.st_blocks
                        files += 1
                    else:
                        self.file(atom, found)
        except OSError as error:
            self.failed(place, error)
        atom.size += size
        atom.files += files
        self.seen += seen
        if self.counter is not None:
            struct.pack_into("q", self.counter, 8 * self.slot, self.seen)
        return inner

    def follow(self, place: Place, name: str, above: int) -> None:
        """Who has a soft link that names a package uses it."""
        try:
            target = os.readlink(name, dir_fd=above)
        except OSError:
            return
        if LINKED.search(target):
            for word in target.split("/"):
                for package in self.names.get(word, ()):
                    self.soft.add((place.owner, package))


class Fetched:
    """The lists (``urls.txt``) of what was fetched into a package cache, read when one is asked for."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.lists: Dict[str, bytes] = {}

    def has(self, folder: str, name: str) -> bool:
        """Whether a package of that name was fetched."""
        if "\n" in name:
            return False
        if os.path.isfile(folder + "/" + name + ".conda"):
            return True
        wanted = b"/" + os.fsencode(name)
        lists = (self.read(self.root), self.read(folder))
        return any(wanted + end in text for text in lists for end in (b".conda", b".tar.bz2"))

    def read(self, folder: str) -> bytes:
        text = self.lists.get(folder)
        if text is None:
            text, path = b"", folder + "/urls.txt"
            try:
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        text = file.read()
            except OSError:
                pass
            self.lists[folder] = text
        return text


def extracted(path: str) -> bool:
    return os.path.isfile(path + "/info/index.json") or os.path.isfile(path + "/info/repodata_record.json")


def part_of(folder: str, entry: "os.DirEntry[str]", level: int, fetched: Fetched) -> Tuple[int, bool]:
    """Which part of a package cache an entry belongs to, and whether packages may lie below it.

    disk_parts.sh says the same, and why.
    """
    name = entry.name
    path = folder + "/" + name
    if not entry.is_dir(follow_symlinks=False):
        whole = UNFINISHED.sub("", name)
        part = TARBALLS if whole == name else PARTIAL
        if not PACKAGE_FILE.match(whole):
            return REST, False
        if whole.endswith(".conda") or part == PARTIAL:
            return part, False
        stem = whole[: -len(".tar.bz2")]
        return (part if extracted(folder + "/" + stem) or fetched.has(folder, stem) else REST), False
    if not os.access(path, os.R_OK | os.X_OK):
        return REST, False
    if PACKAGE.match(name):
        stem = name[:-3] if name.endswith(".c~") else name
        if extracted(path) or fetched.has(folder, stem):
            return (PACKAGES if stem == name and os.path.isdir(path + "/info") else PARTIAL), False
    if level == 0 and name in ("cache", ".logs"):
        return (INDEX if name == "cache" else LOGS), False
    if level == 0 and (name == ".trash" or OURS.match(name)):
        return PARTIAL, False
    return REST, level < LEVELS and (level > 0 or name in SCHEMES)


def cache(walk: Walk, place: Place, packages: List[Tuple[int, int]], atoms: int) -> None:
    """Count a package cache; *packages* (atom, owner) grows by those found in it, from number *atoms* on."""
    units: List[List[str]] = [[] for _ in range(PARTS)]
    folders = [(place.real, 0)]
    fetched = Fetched(place.real)
    for folder, level in folders:
        walk.count(place, place.owner + REST, [folder], deep=False)
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            walk.failed(place, error)
            continue
        for entry in entries:
            path = folder + "/" + entry.name
            if path in walk.special:
                continue
            part, below = part_of(folder, entry, level, fetched)
            if below:
                folders.append((path, level + 1))
            else:
                units[part].append(path)
    for part, paths in enumerate(units):
        if part != PACKAGES:
            walk.count(place, place.owner + part, paths)
            continue
        for path in paths:
            number = atoms + len(packages)
            packages.append((number, place.owner + PACKAGES))
            walk.names.setdefault(os.path.basename(path), []).append(number)
            walk.count(place, number, [path])


def count_owner(walk: Walk, place: Place) -> None:
    walk.count(place, place.owner, [place.real])
