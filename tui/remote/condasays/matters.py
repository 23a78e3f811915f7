"""The lines of an output that say what went wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tui.domain.redact import redact
from tui.domain.text import printable
from tui.remote.condasays.document import strings, text_of

__all__ = ["MOST_LINES", "fault_lines", "json_fault", "noiseless", "shown"]

MOST_LINES = 12
LONGEST_LINE = 300
_MOST_LOOKED_AT = 400

_MAMBA = re.compile(r"(trace|debug|info|warning|error|critical) +libmamba ?(.*)", re.DOTALL)
_EXCEPTION = re.compile(
    r"[A-Za-z]\w{2,60}(?:Error|NotFound|Exit|Interrupt|Invalid|Empty|Mismatch|Denied)(?:\(\w*\))?: "
)
_CRASH = re.compile(r"Fatal Python error|Traceback \(most recent|Thread 0x|Extension modules: |Python runtime state: ")
_ADVICE = re.compile(
    r"\s*(?:If you run into this error repeatedly|Please try running `|If you still are having issues"
    r"|https://github\.com/mamba-org/|To search for alternate channels|looking for, navigate to|https://anaconda\.org$"
    r"|and use the search bar|Run with --help for more)"
)
_OTHERS = re.compile(r"ERROR: |error: |ERROR conda|[❌✗]|usage: |The following arguments? ")


def noiseless(lines: Iterable[str]) -> list[str]:
    """*lines* without libmamba's trace of what it did before a failure; its messages begin lines of their own."""
    kept: list[str] = []
    skipping = False
    for line in lines:
        level = _MAMBA.search(line)
        if level is None:
            if not skipping or line[:1] not in " \t":
                skipping = False
                kept.append(line)
        elif level[1] in ("trace", "debug", "info"):
            skipping = True
        else:
            skipping = False
            kept.append(line[level.start() :])
    return kept


def fault_lines(lines: Sequence[str]) -> list[str]:
    """The lines among noiseless *lines* that report a fault; empty where none does."""
    found = _mamba_faults(lines)
    if not found:
        found = _conda_fault(lines) or [line for line in lines if _OTHERS.match(line)]
    return list(dict.fromkeys(line for line in found if not _ADVICE.match(line)))


def _mamba_faults(lines: Sequence[str]) -> list[str]:
    found: list[str] = []
    inside = False
    for line in lines[-_MOST_LOOKED_AT:]:
        level = _MAMBA.match(line)
        if level is not None:
            inside = level[1] in ("error", "critical")
            if inside:
                found.append(level[2])
        elif line[:1] not in " \t":
            inside = False
        elif inside:
            found.append(line)
    return found


def _conda_fault(lines: Sequence[str]) -> list[str]:
    """conda reports one exception, at its end; what the interpreter adds while it dies is no part of it."""
    start = next((at for at, line in enumerate(lines) if _EXCEPTION.match(line)), None)
    if start is None:
        return []
    crash = next((at for at in range(start, len(lines)) if _CRASH.match(lines[at])), len(lines))
    return list(lines[start:crash])


def json_fault(said: Mapping[str, Any]) -> str | None:
    """What a JSON answer reports as its fault; None where it reports none."""
    problems = strings(said.get("solver_problems"))
    if problems:
        return "\n".join(problems)
    name, message = text_of(said.get("exception_name")), text_of(said.get("message"))
    error = text_of(said.get("error"))
    if name is None and error is None:
        return None
    return error or f"{name}: {message or ''}"


def shown(lines: Iterable[str]) -> tuple[str, ...]:
    """*lines* for a person: without secrets and without control characters, few and short."""
    few: list[str] = []
    for line in lines:
        if line.strip():
            few.append(line[: LONGEST_LINE * 4])
        if len(few) > MOST_LINES:
            break
    text = redact("\n".join(few))  # as one text: a secret may go on in the next line
    out = [_cut(printable(line.expandtabs(4).rstrip())) for line in text.split("\n") if line.strip()]
    return (*out[: MOST_LINES - 1], "…") if len(out) > MOST_LINES else tuple(out)


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
