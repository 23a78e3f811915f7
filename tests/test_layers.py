"""The structure holds when the program runs, not only on paper.

import-linter reads the static graph (``lint-imports``); these tests look at what a fresh
interpreter really loads, which also sees deferred imports that ran.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("textual", "asyncssh")
MAY_LOAD = {
    "domain": set(),
    "ports": set(),
    "config": set(),
    "storage": set(),
    "remote": set(),
    "terminal": set(),
    "services": set(),
    "runtime": {"asyncssh"},
    "cli": {"asyncssh"},
    "fleet": {"asyncssh"},
    "demo": {"asyncssh"},
    "ui": {"textual", "asyncssh"},
}
LONGEST = {"tui": 490, "tests": 600}
"""Lines: about 400, and more for a test file, which is a list of cases."""


def modules_of(part: str) -> list[str]:
    """Every module of one top-level part of the package."""
    base = ROOT / "tui" / part
    files = sorted(base.rglob("*.py")) if base.is_dir() else [base.with_suffix(".py")]
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files)
    return [name.removesuffix(".__init__") for name in names]


def run_python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_part_of_the_package_is_known_here() -> None:
    parts = {
        path.stem
        for path in (ROOT / "tui").iterdir()
        if path.name not in {"__init__.py", "__main__.py", "__pycache__", "py.typed"}
    }
    assert parts == set(MAY_LOAD)


@pytest.mark.parametrize("part", sorted(MAY_LOAD))
def test_a_part_loads_no_heavy_library_that_its_layer_forbids(part: str) -> None:
    imports = "; ".join(f"import {name}" for name in modules_of(part))
    loaded = run_python(f"import sys; {imports}; print(*(m for m in {HEAVY!r} if m in sys.modules))").split()
    assert set(loaded) <= MAY_LOAD[part]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["envs", "--help"]])
def test_help_and_version_load_neither_the_screen_nor_ssh(arguments: list[str]) -> None:
    code = f"""
import contextlib, io, sys
from tui.__main__ import main
sys.argv = ["condafleet", *{arguments!r}]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
print(*(m for m in ("textual", "asyncssh", "yaml", "rich") if m in sys.modules))
"""
    assert run_python(code) == ""


def test_no_file_grew_into_two() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for folder, limit in LONGEST.items()
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".sh", ".tcss"} and (lines := len(file.read_bytes().splitlines())) > limit
    }
    assert not long


def test_no_handler_of_a_base_class_is_called_twice() -> None:
    """Textual itself calls the handler of each class; a call by hand would mount, ask or draw a second time."""
    by_hand = re.compile(r"super\(\)\.(_?on_(?!event\b)\w+)\(")
    found = [
        f"{file.relative_to(ROOT)}: {called[1]}"
        for file in (ROOT / "tui/ui").rglob("*.py")
        for called in by_hand.finditer(file.read_text())
    ]
    assert not found
