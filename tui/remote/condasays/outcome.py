"""How a command of conda, mamba or micromamba ended: by all that it said, never by its exit code alone. Pure.

Exit codes lie both ways: conda replaces an existing environment and ends with 0, and ends a failed solve by a
signal; micromamba ends with 0 after an interrupt, after removing a package that was not there, and after skipping
a configuration that it could not read. What is decided here is what the *words* prove. Whether the environment is
as wanted is to be read from the disk afterwards, whatever the verdict.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tui.remote.condasays.asked import Asked, read_argv
from tui.remote.condasays.document import document, text_of
from tui.remote.condasays.explain import explanation, remedy
from tui.remote.condasays.kinds import Kind, kind_in
from tui.remote.condasays.matters import fault_lines, json_fault, noiseless, shown
from tui.remote.condasays.terminal import plain_lines

__all__ = ["Outcome", "Verdict", "read_outcome"]

_TAIL = 64
"""Lines at the end of an output that are looked at when no line reports the fault as such."""

_FINISHED = re.compile(
    r"Transaction finished|Environment removed at prefix: |Empty environment created at prefix: "
    r"|Collect information\.\.|Dry run\. Not executing|DryRunExit: |Executing transaction: .*done"
    r"|# To activate this environment, use|Will remove [0-9]|\s*Total size: "
)
_NOTHING = re.compile(r"\s*(?:# )?(?:All requested packages already installed|Nothing to do\.|There are no )")
_STOPPED = re.compile(r"Interrupted by user|(?:critical +libmamba )?Thread interrupted")
_EXCEPTION_LINE = re.compile(r"[A-Z]\w{2,60}(?:Error|NotFound|Exit|Interrupt): ")
_CRITICAL = re.compile("critical +libmamba")
_UNHEALTHY = re.compile("[❌✗]")
_MISREAD = re.compile(r"[^<>=!~]=[<>]")
_EMPTY_EXPORT = re.compile(r"dependencies:\s*(?:\[\]\s*)?\Z")
_ASKS = re.compile(r"\[(?:Y/n|y/N)\]:? ?")
_ASKED_TO_STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})


class Verdict(StrEnum):
    """What the words prove."""

    SUCCEEDED = "succeeded"
    NOTHING = "nothing"
    """There was nothing to do, which is a success."""
    DOUBTFUL = "doubtful"
    """It may be done, but not as it was asked, or nothing proves it: the disk is to be read."""
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, for people and for programs."""

    verdict: Verdict
    kind: Kind | None
    """None for a success alone."""
    lines: tuple[str, ...] = ()
    """What it said about it: printed form, without secrets, bounded. Empty for a success."""
    explanation: str = ""
    """What that means, a :class:`tui.domain.phrases.Phrase`."""
    remedy: str = ""
    """The next step, a phrase too."""
    replaced: bool = False
    """True where an environment that stood there before is gone, or may be."""

    @property
    def is_success(self) -> bool:
        """True when the words prove that what was asked for is there."""
        return self.verdict in (Verdict.SUCCEEDED, Verdict.NOTHING)


def read_outcome(
    argv: Sequence[str],
    exit_code: int | None,
    stdout: str,
    stderr: str = "",
    *,
    existed: bool | None = None,
) -> Outcome:
    """How ``argv`` ended. Never raises.

    *exit_code*: below zero, or 128 and more from a shell, a signal; None when nobody knows it. A log of a terminal
    holds both streams: it is *stdout*. *existed*: whether the environment was there before the command, as seen on
    the disk: None, unknown, leaves a creation that could have replaced one in doubt.
    """
    return _Reading(read_argv(argv), exit_code, stdout, stderr, existed).outcome()


class _Reading:
    def __init__(self, asked: Asked, exit_code: int | None, stdout: str, stderr: str, existed: bool | None) -> None:
        self.asked = asked
        self.code = exit_code
        self.existed = existed
        self.out = noiseless(plain_lines(stdout))
        self.err = noiseless(plain_lines(stderr))
        self.json: Mapping[str, Any] | None = document(stdout) if "{" in stdout else None
        told = json_fault(self.json) if self.json is not None else None
        self.dry_run_only = told is not None and "DryRunExit" in told
        self.faults = [] if told is None or self.dry_run_only else told.split("\n")
        self.faults = self.faults or fault_lines(self.err) or fault_lines(self.out)

    def outcome(self) -> Outcome:
        stopped = self._signal()
        if stopped in _ASKED_TO_STOP or (self.asked.command != "run" and self._any(_STOPPED)):
            return self._made(Verdict.CANCELLED, Kind.CANCELLED)
        if stopped == signal.SIGKILL:
            return self._made(Verdict.FAILED, Kind.KILLED)
        if self.code is None:
            return self._made(Verdict.DOUBTFUL, Kind.UNKNOWN)
        if self.asked.command == "run":
            return self._of_a_run()
        if self.code:
            return self._failed(Kind.CRASHED if stopped else Kind.TOOL_MISSING if self.code in (126, 127) else None)
        return self._of_zero()

    # Failures

    def _failed(self, otherwise: Kind | None = None) -> Outcome:
        kind = kind_in("\n".join(self.faults))
        if kind is None:
            tail = self._tail()
            kind = kind_in("\n".join(tail))
            if kind is not None:
                telling = [line for line in tail if kind_in(line) is kind]
                self.faults = list(dict.fromkeys((*telling, *self.faults)))
        if kind is Kind.CANCELLED:
            return self._made(Verdict.CANCELLED, kind)
        if kind is None and otherwise is None and self._declined():
            return self._made(Verdict.CANCELLED, Kind.DECLINED)
        return self._made(Verdict.FAILED, kind or otherwise or Kind.UNKNOWN)

    def _of_a_run(self) -> Outcome:
        """Of a program that conda ran for somebody the words are its own; only its code counts."""
        if not self.code:
            return Outcome(Verdict.SUCCEEDED, None)
        kind = kind_in("\n".join(fault_lines(self.err)))
        known = kind if kind in (Kind.ENVIRONMENT_MISSING, Kind.CONFIG, Kind.NO_PERMISSION) else Kind.COMMAND_FAILED
        return self._made(Verdict.FAILED, known)

    def _declined(self) -> bool:
        return any("CondaSystemExit" in line or line.endswith("Aborted.") for line in self._tail())

    # Exit code 0

    def _of_zero(self) -> Outcome:
        said = self.json or {}
        reported = bool(said.get("exception_name") or said.get("error")) and not self.dry_run_only
        if said.get("success") is False or reported or "solver_problems" in said:
            return self._failed()
        if self._any(_CRITICAL) or self._no_such_entry() or (self.asked.command == "doctor" and self._any(_UNHEALTHY)):
            return self._failed()
        if self._declined():
            return self._failed()
        lines = (*self.err, *self.out) if self.asked.changes else self.err
        if any(_EXCEPTION_LINE.match(line) and not line.startswith("DryRunExit") for line in lines):
            return self._failed() if not self._finished() else self._doubt(kind_in("\n".join(self.faults)))
        if kind_in("\n".join(self.faults or self.err)) is Kind.CONFIG:
            return self._made(Verdict.DOUBTFUL, Kind.CONFIG)
        if self.asked.command.startswith("config ") and kind_in("\n".join(self.out)) is Kind.CONFIG:
            return self._made(Verdict.FAILED, Kind.CONFIG)
        if self.asked.command in ("env export", "export") and not self.existed and self._exported_nothing():
            return self._made(Verdict.DOUBTFUL if self.existed is None else Verdict.FAILED, Kind.ENVIRONMENT_MISSING)
        return self._of_a_change() if self.asked.changes else Outcome(Verdict.SUCCEEDED, None)

    def _of_a_change(self) -> Outcome:
        asked = self.asked
        if self._says_nothing_to_do():
            return self._of_nothing()
        if not self._finished():
            return self._doubt(None)
        if asked.is_mamba and not asked.yes and not asked.dry_run and self._unanswered():
            return self._doubt(Kind.UNANSWERED)
        if asked.creates and asked.dry_run and self.existed:
            return self._made(Verdict.FAILED, Kind.ENVIRONMENT_EXISTS)  # no dry run says that it would be deleted
        if asked.creates and not asked.dry_run:
            if self.existed:
                return self._made(Verdict.FAILED, Kind.OVERWRITTEN)
            if self.existed is None and (asked.yes or asked.command == "env create"):
                return self._doubt(Kind.OVERWRITTEN)
        if any(_MISREAD.search(word) for word in asked.words):
            return self._doubt(Kind.INVALID_SPEC)
        return Outcome(Verdict.SUCCEEDED, None)

    def _of_nothing(self) -> Outcome:
        asked = self.asked
        if asked.is_mamba and asked.creates:
            return self._made(Verdict.FAILED, Kind.ENVIRONMENT_EXISTS)  # a new environment lacks all of its packages
        if asked.is_mamba and asked.words and asked.command in ("remove", "uninstall"):
            return self._made(Verdict.FAILED, Kind.PACKAGE_NOT_FOUND)
        if asked.is_mamba and asked.words and asked.command in ("update", "upgrade"):
            return self._doubt(Kind.UNPROVEN)  # it says the same of a package that is not there
        if not self._finished() and any(_MISREAD.search(word) for word in asked.words):
            return self._doubt(Kind.INVALID_SPEC)
        return Outcome(Verdict.NOTHING, None)

    # What was said

    def _finished(self) -> bool:
        return bool(self.json and self.json.get("success") is True) or self._any(_FINISHED)

    def _says_nothing_to_do(self) -> bool:
        told = self.json.get("message") if self.json else None
        if isinstance(told, str):
            return bool(_NOTHING.match(told))
        if any(line.startswith(("Will remove ", "Environment removed at prefix")) for line in self.out):
            return False
        return any(_NOTHING.match(line) for line in self.out)

    def _unanswered(self) -> bool:
        """A question that got no visible answer: these tools take the end of their input for a yes."""
        for line in self.out:
            asks = _ASKS.search(line)
            if asks and line[asks.end() :].strip().lower() not in ("y", "yes"):
                return True
        return False

    def _exported_nothing(self) -> bool:
        if self.json is not None:
            return self.json.get("dependencies") == []
        lines = [line for line in self.out if not line.startswith("prefix:")]
        return bool(lines) and bool(_EMPTY_EXPORT.match(lines[-1]))

    def _no_such_entry(self) -> bool:
        result = (self.json or {}).get("result")
        return isinstance(result, dict) and str(result.get("msg", "")).startswith("No entries matching")

    def _any(self, pattern: re.Pattern[str]) -> bool:
        return any(pattern.match(line) for lines in (self.out, self.err) for line in lines)

    def _signal(self) -> int | None:
        if self.code is None:
            return None
        number = -self.code if self.code < 0 else self.code - 128
        return number if 0 < number < 65 else None

    def _tail(self) -> list[str]:
        said = self.json or {}
        result = said.get("result")
        told = text_of(said.get("message")) or (text_of(result.get("msg")) if isinstance(result, dict) else None)
        return [told, *self.err[-_TAIL:]] if told else [*self.out[-_TAIL:], *self.err[-_TAIL:]]

    # Answers

    def _doubt(self, kind: Kind | None) -> Outcome:
        return self._made(Verdict.DOUBTFUL, kind or Kind.UNPROVEN)

    def _made(self, verdict: Verdict, kind: Kind) -> Outcome:
        lines = self.faults or (self._tail()[-4:] if verdict is not Verdict.DOUBTFUL else [])
        # All of them delete what is there before they solve.
        replaced = self.asked.creates and not self.asked.dry_run and self.existed is not False
        replaced = replaced and (kind is Kind.OVERWRITTEN or (bool(self.existed) and kind not in _REFUSED))
        return Outcome(verdict, kind, shown(lines), explanation(kind, verdict.value), remedy(kind), replaced)


_REFUSED = frozenset(
    {
        *(Kind.ENVIRONMENT_EXISTS, Kind.NOT_AN_ENVIRONMENT, Kind.PROTECTED, Kind.DECLINED),
        *(Kind.USAGE, Kind.INVALID_NAME, Kind.FILE_MISSING, Kind.TOOL_MISSING),
    }
)
"""Ends that come before anything is touched."""
