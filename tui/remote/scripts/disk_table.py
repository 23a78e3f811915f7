# ruff: noqa: UP006, UP031, UP035, UP045, PTH123, B905  (this text runs on hosts with Python 3.6)
"""The disk table, computed on a host by its own Python: see disk_places.sh, which says what is asked and answered.

Words come from standard input, each ended by NUL. Sent as text after disk_walk.py, without the import of it, and run
with -I -S -c.
"""

import array
import base64
import marshal
import mmap
import os
import re
import signal
import struct
import sys
import time
import zlib
from types import FrameType
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

from tui.remote.scripts.disk_walk import (
    PARTS,
    Place,
    Sets,
    Walk,
    cache,
    count_owner,
)

MOST_WORKERS = 4
MOST_MOUNTS = 20
COARSE = 5  # Linux's CLOCK_REALTIME_COARSE, by which files are dated
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_."


def send(tag: str, *fields: object) -> None:
    """One record to the asker; the end of everything when nobody listens any more."""
    words = ["=" + tag, str(len(fields))] + [str(field) for field in fields]
    data = os.fsencode("\0".join(words) + "\0")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        os._exit(1)


def child(walk: Walk, places: List[Place], queue: int, out: int, parent: int) -> None:
    """Count what the queue hands out, then say all of it through the pipe *out*."""

    def watch(_signal: int, _frame: Optional[FrameType]) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGALRM, watch)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    mine = []
    while True:
        word = os.read(queue, 4)
        if len(word) < 4:
            break
        place = places[struct.unpack("I", word)[0]]
        count_owner(walk, place)
        mine.append(place)
    answer = (
        [(p.number, p.denied, p.changed, p.crossed) for p in mine],
        [(p.owner, walk.atoms[p.owner].size, walk.atoms[p.owner].files) for p in mine],
        (walk.sets.before, walk.sets.atoms),
        (walk.left.tobytes(), walk.of.tobytes(), walk.blocks.tobytes(), walk.links.tobytes()),
        walk.inodes[walk.base :],
        list(walk.soft),
    )
    with open(out, "wb") as pipe:
        marshal.dump(answer, pipe)
    os._exit(0)


class Total:
    """Sums for each set of atoms, and what follows for owners and users."""

    def __init__(self, owners: int, caches: Set[int], packages: Dict[int, int]) -> None:
        self.owners = owners
        self.caches = caches
        self.packages = packages
        self.sums: Dict[Tuple[bool, Tuple[int, ...]], List[int]] = {}

    def add(self, members: Iterable[int], outside: bool, blocks: int, files: int) -> None:
        """Files with links in each of *members*, and some *outside* of all."""
        sums = self.sums.setdefault((outside, tuple(sorted(members))), [0, 0])
        sums[0] += blocks
        sums[1] += files

    def rows(self, soft: Iterable[Tuple[int, int]]) -> List[Tuple[int, int, int, int]]:
        """(owners, further users, blocks, files); bit 0 stands for links outside, bit n for owner n."""
        users = dict.fromkeys(self.packages, 0)
        for owner, package in soft:
            users[package] |= 1 << owner
        for outside, members in self.sums:
            using = int(outside)
            for atom in members:
                if atom <= self.owners and atom not in self.caches:
                    using |= 1 << atom
            for atom in members:
                if atom > self.owners:
                    users[atom] |= using
        rows: Dict[Tuple[int, int], List[int]] = {}
        for (outside, members), sums in self.sums.items():
            held, using = int(outside), 0
            for atom in members:
                held |= 1 << self.packages.get(atom, atom)
                using |= users.get(atom, 0)
            row = rows.setdefault((held, using & ~held), [0, 0])
            row[0] += sums[0]
            row[1] += sums[1]
        return sorted((held, more, sums[0], sums[1]) for (held, more), sums in rows.items() if sums[1])


def share_out(walk: Walk, places: List[Place], chosen: List[Place], ticker: "Ticker") -> List[Any]:
    """Let children count the *chosen* places; what each of them says."""
    workers = min(MOST_WORKERS, os.cpu_count() or 1, len(chosen))
    walk.base = len(walk.left)
    walk.counter = ticker.counters(workers, walk.seen)
    walk.seen = 0
    queue, fill = os.pipe()
    os.write(fill, b"".join(struct.pack("I", place.number) for place in chosen))
    os.close(fill)
    me = os.getpid()
    pipes = []
    for number in range(workers):
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                walk.slot = number + 1
                child(walk, places, queue, theirs, me)
            finally:
                os._exit(1)
        os.close(theirs)
        pipes.append((pid, ours))
    os.close(queue)
    answers = []
    for pid, pipe in pipes:
        with open(pipe, "rb") as reader:
            answers.append(marshal.load(reader))
        os.waitpid(pid, 0)
    return answers


def merge(walk: Walk, places: List[Place], answers: List[Any], total: Total) -> None:
    """Put together what this process and its children counted."""
    for atom in walk.atoms.values():
        total.add([atom.number], False, atom.size, atom.files)
    chains = [walk.sets]
    lefts, ofs = [walk.left], [walk.of]
    base = len(walk.left)
    extra: Dict[Tuple[int, int], List[Any]] = {}
    if answers:
        chains, lefts, ofs = [], [], []
    for noticed, sums, chain, raw, inodes, soft in answers:
        for number, denied, changed, crossed in noticed:
            place = places[number]
            place.denied, place.changed, place.crossed = denied, changed, crossed
        for owner, size, files in sums:
            total.add([owner], False, size, files)
        walk.soft.update(soft)
        sets = Sets()
        sets.before, sets.atoms = chain
        left, of, blocks, links = (array.array("q", part) for part in raw)
        for at, inode in enumerate(inodes, base):
            # The links of one file may be shared out among several children.
            found = extra.setdefault(tuple(inode), [links[at], blocks[at], set()])
            found[0] -= links[at] - left[at]
            found[2].update(sets.members(of[at]))
        chains.append(sets)
        lefts.append(left[:base])
        ofs.append(of[:base])
    groups: Dict[Tuple[bool, Tuple[int, ...]], List[int]] = {}
    rest = len(lefts) - 1
    for of_each, left_each, first, size in zip(zip(*ofs), zip(*lefts), walk.left, walk.blocks):
        group = groups.setdefault((sum(left_each) - rest * first > 0, of_each), [0, 0])
        group[0] += size
        group[1] += 1
    for (outside, of_each), (size, files) in groups.items():
        members: Set[int] = set()
        for sets, given in zip(chains, of_each):
            members.update(sets.members(given))
        total.add(members, outside, size, files)
    for unseen, size, members in extra.values():
        total.add(members, unseen > 0, size, 1)


class Ticker:
    """Says every second how many entries were looked at. Nobody there to hear it: everything ends."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.shared: Optional[mmap.mmap] = None
        self.slots = 0
        signal.signal(signal.SIGALRM, self.tick)
        signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)

    def counters(self, workers: int, seen: int) -> mmap.mmap:
        """Room for the children's counts beside ours."""
        shared = mmap.mmap(-1, 8 * (workers + 1))
        struct.pack_into("q", shared, 0, seen)
        self.shared, self.slots = shared, workers + 1
        return shared

    def tick(self, _signal: int, _frame: Optional[FrameType]) -> None:
        """Say it now."""
        seen = self.walk.seen
        if self.shared is not None:
            seen = sum(struct.unpack_from("%dq" % self.slots, self.shared, 0))
        send("seen", seen)

    def stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def read_mounts() -> Dict[str, Tuple[str, str]]:
    """Mount point -> kind of file system, and those of its options that matter."""
    found: Dict[str, Tuple[str, str]] = {}
    lines: List[bytes] = []
    # A demo device: where this names a readable directory, a file mountinfo in it is read instead.
    for folder in filter(None, (os.environ.get("CONDAFLEET_PLAYED"), "/proc/self")):
        try:
            with open(folder + "/mountinfo", "rb") as file:
                lines = file.read().split(b"\n")
            break
        except OSError:
            pass
    for line in lines:
        words = line.split(b" ")
        if len(words) < 10 or b"-" not in words:
            continue
        point = re.sub(rb"\\([0-7]{3})", lambda match: bytes((int(match.group(1), 8) & 255,)), words[4])
        dash = words.index(b"-")
        options = [word for word in words[-1].split(b",") if word.startswith(b"compress")]
        found[os.fsdecode(point)] = (os.fsdecode(words[dash + 1]), os.fsdecode(b",".join(options)))
    return found


def mount_of(path: str, mounts: Dict[str, Tuple[str, str]]) -> str:
    """The mount point that *path* lies on; empty when the mounts are not known."""
    while path:
        if path in mounts:
            return path
        path = path.rpartition("/")[0]
    return "/" if "/" in mounts else ""


def bits(given: int) -> str:
    """A set as digits of six bits each, lowest first."""
    text = ""
    while given:
        text += DIGITS[given & 63]
        given >>= 6
    return text or "-"


def table(total: Total, soft: Iterable[Tuple[int, int]]) -> str:
    """The rows as text."""
    rows = total.rows(soft)
    unit = 1 if any(row[2] % 8 for row in rows) else 8
    lines = ["%d %d" % (total.owners, unit)]
    lines += ["%s %s %d %d" % (bits(row[0]), bits(row[1]), row[2] // unit, row[3]) for row in rows]
    return "\n".join(lines)


def main() -> None:
    words = [os.fsdecode(word) for word in sys.stdin.buffer.read().split(b"\0")]
    start = int(time.clock_gettime(COARSE) * 1e9) - 1000  # a float is that coarse, too
    mounts = read_mounts()
    places, known, owner = [], {}, 1  # type: Tuple[List[Place], Dict[Tuple[int, int], int], int]
    for number, (kind, path) in enumerate(zip(words[0:-1:2], words[1::2])):
        place = Place(number, kind, path, owner)
        place.look(known)
        places.append(place)
        owner += PARTS if kind == "c" else 1
    counted = [place for place in places if place.state == "y"]
    for place in counted:
        inner = tuple(each.real + "/" for each in counted if each.real.startswith(place.real + "/"))
        place.mounts = [
            point for point in mounts if point.startswith(place.real + "/") and not (point + "/").startswith(inner)
        ]
        place.crossed = len(place.mounts)
    walk = Walk(places, set(mounts), start)
    ticker = Ticker(walk)
    packages: List[Tuple[int, int]] = []
    for place in counted:
        if place.kind == "c":
            cache(walk, place, packages, owner)
    others = [place for place in counted if place.kind != "c"]
    answers = share_out(walk, places, others, ticker) if others else []
    parts = {place.owner + part for place in places if place.kind == "c" for part in range(PARTS)}
    total = Total(owner - 1, parts, dict(packages))
    merge(walk, places, answers, total)
    for place in others:
        try:
            # conda touches this directory in every change that it makes.
            if place.kind == "e" and os.lstat(place.real + "/conda-meta").st_ctime_ns >= start:
                place.changed += 1
        except OSError:
            pass
    text = table(total, walk.soft)
    ticker.stop()
    devices: Dict[int, str] = {}
    for place in places:
        if place.state == "y":
            devices.setdefault(place.device, mount_of(place.real, mounts))
        real = "" if place.real == place.path else place.real
        device = place.device if place.state == "y" else ""
        send("place", place.number, place.state, place.same, device, real)
        if place.denied or place.changed or place.crossed:
            send("noticed", place.number, place.denied, place.changed, place.crossed)
        for point in place.mounts[:MOST_MOUNTS]:
            send("mounted", place.number, point)
    for device, point in devices.items():
        kind, options = mounts.get(point, ("", ""))
        send("device", device, point, kind, options)
    send("table", "z", base64.b64encode(zlib.compress(text.encode("ascii"), 9)).decode("ascii"))
    send("end")


if __name__ == "__main__":
    main()
