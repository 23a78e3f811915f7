"""The ``%`` tokens, ``~`` and ``${NAME}`` of ssh_config values, which ``ssh -G`` leaves as written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TokenContext", "expand", "expand_path", "split_paths"]

_TOKEN = re.compile(r"%(.)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class TokenContext:
    """What the tokens stand for, as ssh_config(5) has it."""

    original: str
    """%n: the name as given."""
    hostname: str
    port: int
    user: str
    home: str
    """%d: the local home directory."""
    local_user: str
    uid: int
    local_hostname: str
    jump: str = ""
    alias: str = ""

    def table(self) -> dict[str, str]:
        """Token letter to value."""
        # %C: OpenSSH's hash of %l%h%p%r%j.
        parts = f"{self.local_hostname}{self.hostname}{self.port}{self.user}{self.jump}"
        return {
            "%": "%",
            "h": self.hostname,
            "n": self.original,
            "p": str(self.port),
            "r": self.user,
            "d": self.home,
            "u": self.local_user,
            "i": str(self.uid),
            "l": self.local_hostname,
            "L": self.local_hostname.split(".", 1)[0],
            "j": self.jump,
            "k": self.alias or self.original,
            "C": hashlib.sha1(parts.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest(),
        }


def expand(value: str, context: TokenContext) -> str:
    """*value* with its tokens replaced; raises ValueError naming a token that does not exist."""
    if "%" not in value:
        return value
    table = context.table()

    def replace(match: re.Match[str]) -> str:
        if match[1] not in table:
            raise ValueError(f"unknown token %{match[1]} in {value!r}")
        return table[match[1]]

    if re.search(r"(?<!%)(?:%%)*%\Z", value):
        raise ValueError(f"a lone % at the end of {value!r}")
    return _TOKEN.sub(replace, value)


def expand_path(value: str, context: TokenContext, environment: Mapping[str, str]) -> str:
    """*value* as a path: tokens, ``${NAME}`` and a leading ``~`` or ``~user`` replaced. Raises ValueError."""

    def variable(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise ValueError(f"the environment variable {match[1]} of {value!r} is not set")
        return environment[match[1]]

    # The home directory first: it may itself hold a percent sign.
    expanded = _VARIABLE.sub(variable, expand(value, context))
    if expanded == "~" or expanded.startswith("~/"):
        return context.home + expanded[1:]
    if expanded.startswith("~"):
        try:
            return str(Path(expanded).expanduser())
        except RuntimeError as error:
            raise ValueError(f"no such user in {value!r}") from error
    return expanded


def split_paths(value: str) -> list[str]:
    """The paths of a value in which ``ssh -G`` joins them by blanks, unquoted.

    Blanks inside a path are kept where the joined path exists: this looks at the disk.
    """
    words = value.split(" ")
    found: list[str] = []
    start = 0
    while start < len(words):
        end = start + 1
        for stop in range(len(words), start + 1, -1):
            if _exists(" ".join(words[start:stop])):
                end = stop
                break
        joined = " ".join(words[start:end]).strip('"')
        if joined:
            found.append(joined)
        start = end
    return found


def _exists(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError):
        return False
