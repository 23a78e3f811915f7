"""What real conda and micromamba printed, from ``tests/data``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tui.remote.condasays.outcome import Outcome, read_outcome

DATA = Path(__file__).resolve().parent.parent / "data"
CONDA = "conda-26.7.1"
MICROMAMBA = "micromamba-2.8.1"


@dataclass(frozen=True, slots=True)
class Recording:
    """One command, as it ran."""

    name: str
    argv: tuple[str, ...]
    tty: bool
    exit_code: int
    stdout: str
    stderr: str

    def outcome(self, existed: bool | None = None) -> Outcome:
        """How its words are read."""
        return read_outcome(self.argv, self.exit_code, self.stdout, self.stderr, existed=existed)


@cache
def recordings(folder: str) -> dict[str, Recording]:
    """All recordings of one program by their number."""
    found = {}
    for path in sorted((DATA / folder).glob("*.json")):
        said = json.loads(path.read_text("utf-8"))
        found[path.stem.partition("-")[0]] = Recording(
            path.stem, tuple(said["argv"]), said["tty"], said["exit_code"], said["stdout"], said["stderr"]
        )
    return found


def everything() -> list[Recording]:
    """All recordings of all programs."""
    return [each for folder in (CONDA, MICROMAMBA) for each in recordings(folder).values()]
