"""Standard error: progress, faults, errors and hints."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from tui.cli.once import once
from tui.cli.report import HostReport
from tui.cli.words import age, harmless, listed, one_line
from tui.domain.errors import CondafleetError
from tui.domain.faults import Fault
from tui.domain.redact import redact
from tui.domain.text import printable

__all__ = ["Diag", "Progress", "fault_line", "progress_text"]

REDRAW_S = 0.1
LONGEST_MESSAGE = 2000
MOST_LINES = 1000


class Diag:
    """Speaks to the person. A closed standard error is no error."""

    def __init__(self, stream: TextIO | None = None, color: bool | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self.is_terminal = self._stream is not None and not self._stream.closed and self._stream.isatty()
        self.color = (self.is_terminal and not os.environ.get("NO_COLOR")) if color is None else color
        self.progress = Progress(self)

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self.progress.hide()
        self.write(harmless(text) + "\n")

    def error(self, error: CondafleetError) -> None:
        """What went wrong and what to do next."""
        self.progress.hide()
        title = f"\x1b[1;31m{'condafleet'}\x1b[0m" if self.color else "condafleet"
        self.write(f"{title}: {_short_lines(redact(harmless(error.message)))}\n")
        if error.remedy:
            self.write(f"  → {_short(harmless(once(error.remedy)))}\n")

    def faults(self, reports: Iterable[HostReport], now: float) -> None:
        """One line for each host or part that is not there."""
        self.progress.hide()
        for report in reports:
            seen = report.view.snapshot.time
            if report.fault is not None:
                self.write(self._colored(fault_line(report.name, report.fault, now, seen)))
            for part, fault in report.part_faults:
                self.write(self._colored(fault_line(f"{report.name} {part}", fault, now)))

    def write(self, text: str) -> None:
        """Raw text."""
        try:
            self._stream.write(text.encode(self._stream.encoding or "utf-8", "backslashreplace").decode("utf-8"))
            self._stream.flush()
        except (OSError, ValueError, AttributeError):  # nobody listens
            return

    def _colored(self, line: str) -> str:
        return f"\x1b[33m{line[:-1]}\x1b[0m\n" if self.color else line


def fault_line(subject: str, fault: Fault, now: float, seen: float | None = None) -> str:
    """``gpu03: timeout: no answer … → remedy``, on one line; *seen* is when the host last answered."""
    text = f"{subject}: {fault.kind.value}: {_short(redact(one_line(fault.message)))}"
    if seen is not None:
        text += f" (last seen {age(now - seen)} ago)" if now - seen >= 1 else " (last seen just now)"
    if fault.remedy:
        text += f" → {_short(one_line(once(fault.remedy)))}"
    return text + "\n"


def _short_lines(text: str) -> str:
    """Each line shortened for itself: a configuration with many errors shows them all."""
    lines = text.split("\n")
    more = [f"and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return "\n".join([*map(_short, lines[:MOST_LINES]), *more])


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"


def progress_text(total: int, waiting: Sequence[str], columns: int) -> str:
    """``9 of 12 hosts answered; waiting for gpu03, gpu07 and 1 more``, at most *columns* wide."""
    text = f"{total - len(waiting)} of {total} hosts answered"
    if waiting:
        text += f"; waiting for {listed(waiting)}"
    return text if len(text) < columns else text[: max(0, columns - 2)] + "…"


class Progress:
    """One line that follows what is waited for, on a terminal only; gone before anything else is written."""

    def __init__(self, diag: Diag) -> None:
        self._diag = diag
        self._shown = False
        self._silent = 0
        self._last = 0.0

    @property
    def due(self) -> bool:
        """Whether :meth:`show` would draw now: it is worth making the text."""
        return self._possible and time.monotonic() - self._last >= REDRAW_S

    @property
    def _possible(self) -> bool:
        return self._diag.is_terminal and not self._silent and os.environ.get("TERM") != "dumb"

    def show(self, text: str, *, force: bool = False) -> None:
        """Replace the line; too frequent calls are dropped unless *force*."""
        if not (self.due or (force and self._possible)):
            return
        self._last = time.monotonic()
        self._shown = True
        self._diag.write(f"\r\x1b[K{printable(text)}")

    def hide(self) -> None:
        """Clear the line."""
        if self._shown:
            self._shown = False
            self._diag.write("\r\x1b[K")

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """No line while somebody else uses the terminal."""
        self.hide()
        self._silent += 1
        try:
            yield
        finally:
            self._silent -= 1
