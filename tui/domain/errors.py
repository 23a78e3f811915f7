"""The errors that this program raises on purpose.

::

    CondafleetError              title, message, remedy; never shown as a traceback
    ├── UsageError               wrong selector, unknown host, no answer possible   (exit 2)
    ├── ConfigError              every problem of the configuration at once         (exit 2)
    ├── RefusedError             refused for safety                                 (exit 3)
    ├── NothingMatchedError      a valid selector that nothing fits                 (exit 4)
    ├── StorageError             the operator's own files cannot be used            (exit 1)
    └── HostFaultError           a host, or something on it, failed; carries a Fault (exit 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tui.domain.faults import Fault

__all__ = [
    "CondafleetError",
    "ConfigError",
    "ConfigProblem",
    "HostFaultError",
    "NothingMatchedError",
    "RefusedError",
    "StorageError",
    "UsageError",
]


class CondafleetError(Exception):
    """Something a person must read: what happened and what to do next."""

    kind = "error"
    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(CondafleetError):
    """The request itself cannot be answered."""

    kind = "usage"
    exit_code = 2


class RefusedError(CondafleetError):
    """Refused for safety; nothing was changed."""

    kind = "refused"
    exit_code = 3


class NothingMatchedError(CondafleetError):
    """The selector is valid, its hosts are known, and nothing on them fits it."""

    kind = "no_match"
    exit_code = 4


class StorageError(CondafleetError):
    """A file or folder of the operator's own machine cannot be read, written or trusted."""

    kind = "storage"


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One thing wrong in a configuration file."""

    file: str
    line: int | None
    """1-based; None when the problem has no place (an unreadable file)."""
    key: str
    """Dotted path of the key, such as ``hosts.gpu02.port``; empty for the file as a whole."""
    found: str
    expected: str
    suggestion: str = ""
    """The nearest known key, when the key is unknown."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        hint = f" Did you mean {self.suggestion!r}?" if self.suggestion else ""
        return f"{place}: {key}found {self.found}, expected {self.expected}.{hint}"


class ConfigError(CondafleetError):
    """The configuration cannot be used; holds all its problems, in the order of the file."""

    kind = "config"
    exit_code = 2

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        placed = any(problem.line is not None for problem in self.problems)
        remedy = "Correct the lines named" if placed else "Make it such a file, or name another with --config"
        super().__init__("\n".join(map(str, self.problems)), f"{remedy}; nothing was changed.")


class HostFaultError(CondafleetError):
    """Raised across the ports when a host, or a thing on it, is not there."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message, fault.remedy)
        self.fault = fault

    @property
    def kind(self) -> str:  # type: ignore[override]  # the kind is the fault's own
        return self.fault.kind.value
