"""What a command line asked conda or micromamba for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CREATING", "Asked", "read_argv"]

_TOOLS = frozenset({"conda", "mamba", "micromamba"})
_TAKES_VALUE = {
    *("-n", "--name", "-p", "--prefix", "-r", "--root-prefix", "--clone", "-f", "--file"),
    *("-c", "--channel", "--channel-priority", "--platform", "--subdir", "--repodata-fn"),
    *("--solver", "--experimental-solver", "--rc-file", "--console", "--cwd", "--log-level"),
    *("--download-threads", "--extract-threads"),
}
_NAMES_A_USER = frozenset({"-u", "-g", "--user", "--group"})
"""Before a word that is no tool, be it called ``conda``."""
_PARTED = frozenset({"env", "config", "repoquery"})
"""Commands whose next word says what to do."""

CREATING = frozenset({"create", "env create"})
_CHANGING = CREATING | {
    *("install", "update", "upgrade", "remove", "uninstall", "clean", "rename"),
    *("env update", "env remove"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A command line, taken apart."""

    tool: str
    """``conda``, ``mamba`` or ``micromamba``; empty for anything else."""
    command: str
    """One word, or two: ``env remove``."""
    words: tuple[str, ...] = ()
    """What is no option: specs, mostly."""
    yes: bool = False
    dry_run: bool = False

    @property
    def creates(self) -> bool:
        """True for a command that makes a new environment, and so may replace one."""
        return self.command in CREATING

    @property
    def changes(self) -> bool:
        """True for a command of whose end more is wanted than a code."""
        return self.command in _CHANGING

    @property
    def is_mamba(self) -> bool:
        """True for the tools that judge by libmamba; mamba itself has been one of them since 2.0."""
        return self.tool in ("mamba", "micromamba")


def read_argv(argv: Sequence[str]) -> Asked:
    """What *argv* asks for. Never raises; wrappers before the tool (``env``, ``nice``) are passed over."""
    start = next((at for at, word in enumerate(argv[:16]) if _tool(word) and argv[at - 1] not in _NAMES_A_USER), None)
    if start is None:
        return Asked("", "")
    words: list[str] = []
    options: set[str] = set()
    rest = iter(argv[start + 1 :])
    for word in rest:
        if not word.startswith("-") or word == "-":
            words.append(word)
            if words[0] == "run" and len(words) == 2:
                break  # what follows belongs to the program that is run
        elif word in _TAKES_VALUE:
            next(rest, None)
        else:
            options.add(word.partition("=")[0])
    command = words[0] if words else ""
    taken = 1
    if command in _PARTED and len(words) > 1:
        command, taken = f"{command} {words[1]}", 2
    return Asked(
        _tool(argv[start]),
        command,
        tuple(words[taken:]),
        yes=bool(options & {"-y", "--yes", "-qy", "-yq"}),
        dry_run=bool(options & {"--dry-run", "-d"}),
    )


def _tool(word: str) -> str:
    name = word.rpartition("/")[2].removesuffix(".exe")
    return name if name in _TOOLS else ""
