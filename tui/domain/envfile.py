"""What an operator's file asks of a new environment: ``environment.yml``, an explicit list, requirements. Pure.

An ``environment.yml`` is read in :mod:`tui.config.environment_file`; here are the forms of one word for each line.
Errors name file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tui.domain.errors import ConfigError, ConfigProblem, UsageError
from tui.domain.phrases import phrase, worded
from tui.domain.text import printable
from tui.domain.toolwords import check_archives, check_requirements, check_specs

__all__ = ["EnvFile", "is_explicit", "read_explicit", "read_requirements", "read_specs"]


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file asks for. Strings are raw text, each checked by :mod:`tui.domain.toolwords`."""

    name: str | None = None
    channels: tuple[str, ...] = ()
    """Those named and no others, first ones first; empty: as the host is configured."""
    specs: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    explicit: tuple[str, ...] = ()
    """Addresses, with hashes: then nothing is solved, and there are no specs."""
    left_out: tuple[str, ...] = ()
    """What the file holds and the new environment will not, phrases."""


def is_explicit(text: str) -> bool:
    """Whether *text* is an explicit list."""
    return any(line.strip() == "@EXPLICIT" for line in text.split("\n"))


def read_explicit(text: str, file: str) -> EnvFile:
    """An explicit list. Raises ConfigError."""
    words = [(at, line) for at, line in _lines(text) if line != "@EXPLICIT"]
    _check(file, words, check_archives, "the address of a conda package, with or without #HASH")
    if not words:
        raise ConfigError([ConfigProblem(file, None, "", "no address", "addresses of conda packages, one a line")])
    return EnvFile(explicit=tuple(line for _, line in words))


def read_requirements(text: str, file: str) -> EnvFile:
    """Requirements for pip. Raises ConfigError: options and files of other places cannot be taken along."""
    words = [(at, line.split(" #", 1)[0].rstrip()) for at, line in _lines(text)]
    _check(file, words, check_requirements, "a requirement by name, such as tqdm==4.66")
    return EnvFile(specs=("python", "pip"), pip=tuple(line for _, line in words))


def read_specs(text: str, file: str) -> EnvFile:
    """conda's own list: a spec a line, also as ``conda list --export`` writes it. Raises ConfigError."""
    words = [(at, line.split(" #", 1)[0].rstrip()) for at, line in _lines(text)]
    pip = tuple(f"{name}=={version}" for _, line in words for name, version in [_from_pypi(line)] if name)
    conda = [(at, line) for at, line in words if not _from_pypi(line)[0]]
    _check(file, conda, check_specs, "a package, such as numpy=1.26")
    return EnvFile(specs=tuple(line for _, line in conda), pip=pip)


def _from_pypi(line: str) -> tuple[str, str]:
    """``NAME=VERSION=pypi_0``, as conda lists what pip installed."""
    parts = line.split("=")
    return (parts[0], parts[1]) if len(parts) == 3 and parts[2].startswith("pypi_") else ("", "")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for at, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        bare = line.strip()
        if bare and not bare.startswith("#"):
            yield at, bare


def _check(file: str, words: Sequence[tuple[int, str]], check: Callable[[Sequence[str]], None], expected: str) -> None:
    problems = []
    for at, word in words:
        try:
            check((word,))
        except UsageError as error:
            problems.append(ConfigProblem(file, at, "", _found(word, error), expected))
    if problems:
        raise ConfigError(problems)


def _found(word: str, error: UsageError) -> str:
    # The word itself may be a secret; what was said of it is not.
    said = worded(error)
    return said.rstrip(".") if said else phrase("{word}", word=printable(word[:100]))
