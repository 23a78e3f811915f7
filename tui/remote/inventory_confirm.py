"""Asking an install's own tool for its directories: the one program of an install that an inventory may run."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tui.domain.environments import Install
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.text import decode, encode
from tui.remote.installs import LONGEST_PATH, clean
from tui.remote.lane import Lane
from tui.remote.scripts import script

__all__ = ["Confirmed", "NamedDirs", "confirm_install", "with_confirmed"]

CONFIRM_S = 40.0
LIMIT = 1 << 20
MOST_DIRS = 200
MOST_CUT_SHORT = 3
_ITS_OWN_DOING = frozenset({FaultKind.TOOL_HUNG, FaultKind.TOO_LARGE, FaultKind.PROTOCOL})
"""Faults of which the tool is the cause, and not the connection."""


@dataclass(frozen=True, slots=True)
class NamedDirs:
    """What a tool itself names, absolute and clean, in its order."""

    envs_dirs: tuple[str, ...]
    pkgs_dirs: tuple[str, ...]


class Confirmed:
    """What the tools of one host's installs said, each asked once; one that was interrupted, a few times."""

    def __init__(self) -> None:
        self._said: dict[str, NamedDirs | None] = {}
        """By root; None: asked, and it did not say."""
        self._cut_short: Counter[str] = Counter()
        self.due = False
        """True from an answer until it is taken."""

    def take(self) -> dict[str, NamedDirs]:
        """All that was said, by root; what is said later is for the next time."""
        self.due = False
        return {root: named for root, named in self._said.items() if named is not None}

    def left(self, installs: Iterable[Install]) -> list[str]:
        """The roots still to be asked."""
        return [
            install.root
            for install in installs
            if install.root not in self._said and any(tool in ("conda", "mamba") for tool, _ in install.tools)
        ]

    async def ask(self, lane: Lane, installs: Iterable[Install]) -> bool:
        """Ask those that are left; True when one said something. Raises HostFaultError as :meth:`Lane.ask` does."""
        changed = False
        for root in self.left(installs):
            self._said[root] = None
            try:
                named = await confirm_install(lane, root)
            except asyncio.CancelledError:
                del self._said[root]
                raise
            except HostFaultError as error:
                self._cut_short[root] += 1
                if error.fault.kind not in _ITS_OWN_DOING and self._cut_short[root] < MOST_CUT_SHORT:
                    del self._said[root]
                raise
            if named is not None:
                self._said[root] = named
                self.due = changed = True
        return changed


def with_confirmed(install: Install, named: NamedDirs | None) -> Install:
    """*install* with what its tool named, if it did."""
    if named is None:
        return install
    return replace(install, envs_dirs=named.envs_dirs, pkgs_dirs=named.pkgs_dirs, dirs_confirmed=True)


async def confirm_install(lane: Lane, root: str) -> NamedDirs | None:
    """What ``conda info --json`` of the install at *root* names; None when it may not be run or does not say.

    The script runs it only if root or the account that runs it owns the root and the tool.
    Raises HostFaultError as :meth:`Lane.ask` does.
    """
    body = await lane.ask(script("inventory_confirm"), (root,), timeout=CONFIRM_S, limit=LIMIT)
    text = decode(body)
    start = text.find("{")
    if start < 0:
        return None
    try:
        # Tools print warnings before and after the document.
        said, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    envs, pkgs = _dirs(said, "envs_dirs"), _dirs(said, "pkgs_dirs")
    return NamedDirs(envs, pkgs) if envs and pkgs else None


def _dirs(said: Any, key: str) -> tuple[str, ...]:
    listed = said.get(key) if isinstance(said, dict) else None
    if not isinstance(listed, list):
        return ()
    paths = [
        clean(path) for path in listed if isinstance(path, str) and path.startswith("/") and len(path) <= LONGEST_PATH
    ]
    return tuple(dict.fromkeys(path for path in paths if _is_name(path)))[:MOST_DIRS]


def _is_name(path: str) -> bool:
    """False for what no file is called: JSON can spell characters that have no bytes."""
    try:
        return b"\0" not in encode(path)
    except UnicodeEncodeError:
        return False
