"""Filtering as one types: every key of a long filter over the environments of a large fleet.

    python tests/benchmarks/bench_filter.py [--hosts 200] [--envs 40] [--packages 200]

All package sets differ, which is the dearest case. Prints the time for each key (compile and apply), p50, p99 and
the longest; and what the index, the matrix, a search and a comparison cost.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tui.domain.compare import compare
from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.filterrows import EnvironmentRow
from tui.domain.filters import ENVIRONMENTS
from tui.domain.find import find
from tui.domain.keypackages import key_versions
from tui.domain.matrix import matrix
from tui.domain.packageindex import PackageIndex
from tui.domain.packages import PackageInterner, PackageManager
from tui.domain.packagespec import parse_package_spec
from tui.domain.query import compile_query

NOW = 2.0e9
TYPED = "host:gpu* python:3.10 torch<2.1 unused>90d -cv llm"
TORCH = (("pytorch", "2.0.1"), ("pytorch", "2.1.0"), ("torch", "2.2.0+cu118"), ("pytorch", "1.13.1"))


def fleet(hosts: int, envs: int, packages: int) -> list[Environment]:
    """Environments of which no two hold the same."""
    chance, interner = random.Random(1), PackageInterner()
    made = []
    for host in range(hosts):
        for at in range(envs):
            held = [
                interner.package(f"pkg-{number}", f"1.{chance.randrange(4)}", "h0", "conda-forge", PackageManager.CONDA)
                for number in chance.sample(range(packages * 3), packages - 1)
            ]
            name, version = chance.choice(TORCH)
            by = PackageManager.PIP if name == "torch" else PackageManager.CONDA
            held.append(interner.package(name, version, None, None, by))
            env = Environment(
                f"gpu{host:03}", f"/data/envs/{at}", f"{chance.choice(['llm', 'cv', 'glm'])}-{at}", EnvKind.NAMED,
                "/opt/conda", Manager.CONDA, packages=interner.package_set(held), packages_known=True,
                python=chance.choice(["3.10.4", "3.11.9", "3.1"]), last_used=NOW - chance.random() * 2e7,
            )  # fmt: skip
            made.append(env)
    return made


def fill(index: PackageIndex, environments: list[Environment]) -> None:
    for env in environments:
        index.add(env.packages)


def timed(what: str, run: Callable[[], object]) -> None:
    begun = time.perf_counter()
    run()
    print(f"{what:<44} {(time.perf_counter() - begun) * 1e3:9.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--envs", type=int, default=40)
    parser.add_argument("--packages", type=int, default=200)
    args = parser.parse_args()
    environments = fleet(args.hosts, args.envs, args.packages)
    gc.collect()
    gc.freeze()  # as the program does
    names = sorted({env.host for env in environments})
    index = PackageIndex()
    rows: list[EnvironmentRow] = []
    print(f"{len(environments)} environments, {len({env.packages.digest for env in environments})} different sets")
    timed("rows (once, as hosts answer)", lambda: rows.extend(map(EnvironmentRow, environments)))
    timed("index (once, as hosts answer)", lambda: fill(index, environments))
    timed("key packages (once)", lambda: [key_versions(env.packages) for env in environments])
    timed("matrix of names by hosts", lambda: matrix(environments, names, names))
    timed("compare two environments", lambda: compare(environments[0], environments[1]))
    timed("find torch<2.1, with the index", lambda: find(parse_package_spec("torch<2.1"), environments, index))
    timed("find torch<2.1, without", lambda: find(parse_package_spec("torch<2.1"), environments))
    spent = []
    for end in range(1, len(TYPED) + 1):
        begun = time.perf_counter()
        shown = compile_query(TYPED[:end], ENVIRONMENTS, index).select(rows, NOW)
        spent.append((time.perf_counter() - begun) * 1e3)
        print(f"{spent[-1]:7.2f} ms {len(shown):6}  {TYPED[:end]}")
    spent.sort()
    print(
        f"a key: p50 {spent[len(spent) // 2]:.1f} ms, p99 {spent[int(len(spent) * 0.99)]:.1f}, longest {spent[-1]:.1f}"
    )


if __name__ == "__main__":
    main()
