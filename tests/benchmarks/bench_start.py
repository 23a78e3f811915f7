"""``--version`` and ``--help`` against a bare Python start (goal: at most 3 times).

Run: ``.venv/bin/python -m tests.benchmarks.bench_start``
"""

from __future__ import annotations

import sys

from tests.benchmarks.measure import alternate, median, ratio, run_command, table


def main() -> None:
    """Print the ratios."""
    python = sys.executable
    run = "import sys; from tui.__main__ import main; sys.argv = ['condafleet', *sys.argv[1:]]; sys.exit(main())"
    cases = {
        "python -c pass": lambda: run_command([python, "-c", "pass"]),
        "condafleet --version": lambda: run_command([python, "-c", run, "--version"]),
        "condafleet --help": lambda: run_command([python, "-c", run, "--help"]),
    }
    costs = {name: median(list_) for name, list_ in alternate(cases, 21).items()}
    bare = costs["python -c pass"]
    table(
        "Start, 21 runs in turn, medians",
        ["what", "wall ms", "times a bare start"],
        [[name, f"{cost.wall * 1000:.1f}", ratio(cost.wall, bare.wall)] for name, cost in costs.items()],
    )


if __name__ == "__main__":
    main()
