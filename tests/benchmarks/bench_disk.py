"""The disk table of a large install against `du -s` and a bare `find` of the same tree, warm, in turn.

    python tests/benchmarks/bench_disk.py [--entries 1000000] [--envs 42] [--rounds 3] [--where /tmp]

Builds the tree first, and removes it in the end. Two further cases are what might spare a count: the times of all
directories, and whether any entry changed since the last count, for which every one of them has to be asked.

Prints wall clock and CPU, both also against `du -s`, the most memory that one process of each case took on the host (no
less than this program's own when it started it), and how large the table is on its way; then what a question to the
table costs. All cases run at the lowest priority, as the table always does. On a machine that others use as well, the
CPU is the better measure: a case of several processes finds no second core there.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.measure import ratio, table
from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace, PlaceKind
from tui.domain.disktable import DiskTable
from tui.remote.disk import _program
from tui.remote.diskanswer import DiskAnswer
from tui.remote.scripts import script
from tui.remote.wire import records

PACKAGES = 400
BYTES_EACH = 1500
"""Room on the disk for each entry, on an average: most are hard links."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost, in seconds and KiB."""

    wall: float
    cpu: float
    memory: int
    output: bytes


def build(root: Path, entries: int, envs: int, chance: random.Random) -> tuple[int, list[str]]:
    """A cache and environments in families; how many entries it has, and the words that ask for its table."""
    pkgs = root / "pkgs"
    cached = entries // 8
    sizes = [chance.lognormvariate(0, 1.2) for _ in range(PACKAGES)]
    scale = cached / sum(sizes)
    content = chance.randbytes(16384)
    packages: list[list[str]] = []
    made = 0
    for number, size in enumerate(sizes):
        base = pkgs / f"package{number}-1.{number % 7}-h{number:05}_0"
        (base / "info").mkdir(parents=True)
        (base / "info" / "index.json").write_bytes(content[:900])
        names = []
        for folder in range(int(size * scale) // 12 + 1):
            (base / f"lib/p{number}/d{folder}").mkdir(parents=True)
            for file in range(11):
                name = f"lib/p{number}/d{folder}/f{file}"
                (base / name).write_bytes(content[: chance.choice((300, 3000, 9000))])
                names.append(name)
        packages.append(names)
        (pkgs / f"{base.name}.conda").write_bytes(content)
        made += len(names) * 13 // 12 + 4
    each = (entries - made) // envs
    families = [chance.sample(range(PACKAGES), 60) for _ in range(6)]
    words = ["c", str(pkgs)]
    for env in range(envs):
        prefix = root / "envs" / f"env-{env}"
        (prefix / "conda-meta").mkdir(parents=True)
        words += ["e", str(prefix)]
        wanted = [*chance.choice(families), *chance.sample(range(PACKAGES), PACKAGES)]
        left = each
        for number in dict.fromkeys(wanted):
            if left < each * 0.25:
                break
            base = pkgs / f"package{number}-1.{number % 7}-h{number:05}_0"
            (prefix / "conda-meta" / f"{base.name}.json").write_bytes(content[:3000])
            for inner in sorted({name.rpartition("/")[0] for name in packages[number]}):
                (prefix / inner).mkdir(parents=True)
                left -= 1
            for at, name in enumerate(packages[number]):
                if at % 50 == 0:  # conda wrote the prefix into it
                    (prefix / name).write_bytes(content[:3000])
                else:
                    os.link(base / name, prefix / name)
            left -= len(packages[number]) + 1
        for at in range(left // 12):
            private = prefix / "lib/site-packages" / f"pip{at}"
            private.mkdir(parents=True)
            for module in range(11):
                (private / f"m{module}.pyc").write_bytes(content[: chance.choice((500, 2500))])
    words += ["o", str(root)]
    return sum(1 + len(files) for _, _, files in os.walk(root)), words


def run(argv: Sequence[str]) -> Run:
    """One command to its end, with what it and its children cost."""
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(argv, stdout=output, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        if process.returncode:
            raise RuntimeError(f"{argv[0]} ended with {process.returncode}")
        output.seek(0)
        return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss, output.read())


def compare(root: Path, words: list[str], rounds: int) -> None:
    """Run all cases in turn and print them."""
    shell = ["/bin/sh", "-c"]
    polite = ["nice", "-n", "19", "ionice", "-c", "3"]
    parts = ("disk_places", "disk_parts", "disk_find")
    cases = {
        "du -s": [*polite, "du", "-s", str(root)],
        "bare find": [*polite, "find", str(root), "-fprint", "/dev/null"],
        "directories alone": [*polite, "find", str(root), "-type", "d", "-fprintf", "/dev/null", "%C@"],
        "anything newer?": [*polite, "find", str(root), "-newerct", "tomorrow", "-print", "-quit"],
        "table, python3": [*shell, script("disk_python").decode(), "sh", "/usr/bin/python3", _program(), *words],
        "table, find and awk": [*shell, b"".join(map(script, parts)).decode(), "sh", *words],
    }
    runs: dict[str, list[Run]] = {name: [] for name in cases}
    run(cases["du -s"])
    for number in range(rounds):
        for name in list(cases) if number % 2 == 0 else reversed(list(cases)):
            runs[name].append(run(cases[name]))
    walls = {name: statistics.median(each.wall for each in done) for name, done in runs.items()}
    rows = []
    for name, done in runs.items():
        answer = done[0].output
        size = len(answer[answer.index(b"=table") :]) if b"=table" in answer else 0
        cpu = statistics.median(each.cpu for each in done)
        rows.append([name, f"{walls[name]:.2f}", f"{cpu:.2f}", ratio(walls[name], walls["du -s"]),
                     ratio(cpu, statistics.median(each.cpu for each in runs["du -s"])),
                     f"{max(each.memory for each in done) / 1024:.0f}", str(size or "-")])  # fmt: skip
    table(
        "Median of the runs",
        ["case", "wall s", "CPU s", "wall of du -s", "CPU of du -s", "MiB", "bytes of table"],
        rows,
    )
    tables = [read(words, done[0].output) for name, done in runs.items() if name.startswith("table")]
    du = int(runs["du -s"][0].output.split()[0]) * 1024
    total = sum(row.bytes for row in tables[0].rows)
    print(f"\nThe tables are {'equal' if tables[0] == tables[1] else 'NOT EQUAL'}; {len(tables[0].rows)} rows,")
    print(f"{total} bytes in all, {total - du:+} against du -s.")
    begun = time.perf_counter()
    for _ in range(1000):
        tables[0].freed((7, 9, 20))
    print(f"What three environments give back together: {(time.perf_counter() - begun) * 1000:.0f} µs.")


def read(words: list[str], output: bytes) -> DiskTable:
    """The table in what a case printed."""
    kinds = {kind.value[0]: kind for kind in PlaceKind}
    answer = DiskAnswer([DiskPlace(kinds[kind], path) for kind, path in zip(words[::2], words[1::2], strict=True)])
    for record in records(output):
        answer.take(record)
    return answer.table(UsersSeen())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--envs", type=int, default=42)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--where", type=Path, default=Path(tempfile.gettempdir()))
    args = parser.parse_args()
    disk = os.statvfs(args.where)
    if disk.f_favail < args.entries or disk.f_bavail * disk.f_frsize < args.entries * BYTES_EACH + (1 << 30):
        sys.exit(f"{args.where} has no room for {args.entries} entries: name another place with --where")
    root = Path(tempfile.mkdtemp(prefix="condafleet-bench-disk-", dir=args.where))
    try:
        entries, words = build(root, args.entries, args.envs, random.Random(1))
        os.sync()
        print(f"{entries} entries, {args.envs} environments, {PACKAGES} packages")
        compare(root, words, args.rounds)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
