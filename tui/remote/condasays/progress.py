"""How far a running command is, from what it draws on its terminal. Pure.

Only what is printed is told: figures are the tool's own, in its own rounding, and None where it prints none (or
``??.?MB``). The first figures of micromamba's bar are zero of zero: that is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from tui.remote.condasays.terminal import LONGEST_ESCAPE, OPEN_ESCAPE, segments

__all__ = ["Phase", "Progress", "ProgressReader"]

_LONGEST = 4096
"""A line that is longer is no progress."""

_CONDA_PHASE = re.compile(
    r"(?P<what>Collecting package metadata|Solving environment|Downloading and Extracting Packages"
    r"|Preparing transaction|Verifying transaction|Executing transaction|Installing pip dependencies)\b[^:]{0,60}:"
    r"(?P<done>.*\bdone\b)?"
)
_CONDA_BAR = re.compile(
    r"(?P<name>\S{1,200}) +\| (?P<size>[0-9.]+ [kKMGT]?B) +\| [ #0-9]* ?\| +(?P<percent>[0-9]{1,3})% "
)
_MAMBA_PHASE = re.compile(
    r"(?P<what>Fetch Shard Index|Using (?:Cached Shard Index|Flat Repodata)|Fetching and Parsing"
    r"|Parsing Packages' Records|Resolving Environment|Transaction starting|Transaction finished)\b"
)
_FIGURE = r"(?:[0-9.]+ ?[kKMGT]?B|\?\?\.\?MB)"
_MAMBA_BAR = re.compile(
    r"(?P<what>Downloading|Extracting)(?: +\([0-9]+\))?[ ╸━╺]+"
    rf"(?P<done>[0-9.]+(?: ?[kKMGT]?B)?) / +(?P<total>[0-9.]+(?: ?[kKMGT]?B)?)(?: @ +(?P<rate>{_FIGURE})/s)?"
    r"(?: +(?P<name>[^\s.][^\s]{0,199}))?? +[0-9.]\S*\Z"
)
_PIP = re.compile(r"(?:Collecting|Processing) (?P<name>[^\s;<>=!~\[(]{1,200})|Installing collected packages: ")
_STEP = re.compile(r"(?P<what>Linking|Unlinking) (?P<dist>\S{1,200})\Z")


class Phase(StrEnum):
    """What is going on, in the order in which it does."""

    METADATA = "metadata"
    SOLVING = "solving"
    DOWNLOADING = "downloading"
    EXTRACTING = "extracting"
    PREPARING = "preparing"
    VERIFYING = "verifying"
    CHANGING = "changing"
    PIP = "pip"
    FINISHED = "finished"


_PHASES = {
    "Collecting package metadata": Phase.METADATA,
    "Solving environment": Phase.SOLVING,
    "Downloading and Extracting Packages": Phase.DOWNLOADING,
    "Preparing transaction": Phase.PREPARING,
    "Verifying transaction": Phase.VERIFYING,
    "Executing transaction": Phase.CHANGING,
    "Installing pip dependencies": Phase.PIP,
    "Fetch Shard Index": Phase.METADATA,
    "Using Cached Shard Index": Phase.METADATA,
    "Using Flat Repodata": Phase.METADATA,
    "Fetching and Parsing": Phase.METADATA,
    "Parsing Packages' Records": Phase.METADATA,
    "Resolving Environment": Phase.SOLVING,
    "Transaction starting": Phase.PREPARING,
    "Transaction finished": Phase.FINISHED,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, as printed last. The package's name is the host's word."""

    phase: Phase
    package: str | None = None
    percent: int | None = None
    """Of *package*, where the tool prints one."""
    done: str | None = None
    """Of all, as printed: bytes while downloading, packages while extracting."""
    total: str | None = None
    """Of all where *done* is given, else the size of *package*."""
    rate: str | None = None
    """For each second, as printed."""


class ProgressReader:
    """Follows one output. However it is cut into pieces, the same is read from it."""

    def __init__(self) -> None:
        self._rest = ""
        self._whole: Progress | None = None

    @property
    def progress(self) -> Progress | None:
        """Where it is now; None before anything told."""
        ahead = segments(self._rest)[-1] if self._rest else ""
        # Of a line that goes on, the phase alone is sure: a figure may be cut in two.
        phase = _CONDA_PHASE.match(ahead)
        return self._whole if phase is None else Progress(_PHASES[phase["what"]])

    def feed(self, text: str) -> Progress | None:
        """Take the next piece of the output, and say where it is now. Never raises."""
        text = self._rest + text
        held = OPEN_ESCAPE.search(text, max(0, len(text) - LONGEST_ESCAPE))
        keep = held.start() if held else len(text)
        parts = segments(text[:keep])
        for part in parts[:-1]:
            self._take(part)
        # What follows the last move of the cursor is not yet whole; its colours are gone, which harms nothing.
        self._rest = parts[-1][: _LONGEST + 1] + text[keep:]
        return self.progress

    def _take(self, line: str) -> None:
        line = line.rstrip()
        if not line or len(line) > _LONGEST:
            return
        if bar := _MAMBA_BAR.match(line):
            self._bar(bar)
        elif bar := _CONDA_BAR.match(f"{line} "):
            percent = int(bar["percent"])
            self._whole = Progress(
                Phase.DOWNLOADING, bar["name"], percent if percent <= 100 else None, total=bar["size"]
            )
        elif (phase := _CONDA_PHASE.match(line)) or (phase := _MAMBA_PHASE.match(line)):
            self._whole = Progress(_PHASES[phase["what"]])
        elif step := _STEP.match(line):
            self._whole = Progress(Phase.CHANGING, step["dist"])
        elif pip := _PIP.match(line):
            self._whole = Progress(Phase.PIP, pip["name"].rpartition("/")[2] if pip["name"] else None)

    def _bar(self, bar: re.Match[str]) -> None:
        phase = Phase.DOWNLOADING if bar["what"] == "Downloading" else Phase.EXTRACTING
        nothing = not bar["total"].strip("0. B")
        rate = None if bar["rate"] is None or "?" in bar["rate"] else bar["rate"]
        found = Progress(
            phase,
            bar["name"],
            done=None if nothing else bar["done"],
            total=None if nothing else bar["total"],
            rate=rate,
        )
        if not self._tells_less(found):
            self._whole = found

    def _tells_less(self, found: Progress) -> bool:
        """Both bars are drawn one below the other, again and again: the one that moves is told."""
        before = self._whole
        if before is None:
            return False
        if found.phase is Phase.DOWNLOADING:
            return before.phase is Phase.EXTRACTING and (found.done is None or found.done == found.total)
        if before.phase is not Phase.DOWNLOADING:
            return False
        return before.done != before.total if before.done is not None else found.done in (None, "0")
