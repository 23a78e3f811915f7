"""Where a new environment goes, and which install changes an old one. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from tui.domain.environments import Environment, EnvKind, Install, Manager
from tui.domain.errors import UsageError
from tui.domain.globs import is_glob
from tui.domain.selectors import Selector
from tui.domain.text import parse_printed, printable

__all__ = ["NewPlace", "check_new", "install_of", "place_new"]

_TOOLS = (Manager.CONDA, Manager.MAMBA, Manager.MICROMAMBA)
NewPlace = tuple[Install, str, str | None]
"""The install whose tool makes it, its prefix, and its name where it has one."""


def check_new(selector: Selector) -> None:
    """Whether *selector* can name something new. Raises UsageError."""
    if selector.prefix is not None:
        return
    if selector.name is None:
        raise UsageError(
            f"{selector.text!r} means a whole host; the new environment needs a name.",
            f"Write {selector.text}:NAME or {selector.text}:/absolute/prefix.",
        )
    if is_glob(selector.name):
        raise UsageError(
            f"{selector.text!r} is a pattern; a new environment needs one name.",
            r"A name that really holds such a sign is written with \xNN; conda takes none of them.",
        )


def place_new(selector: Selector, host: str, installs: Sequence[Install], root: str | None = None) -> NewPlace:
    """Where on *host* the new environment goes that *selector* names; *root*: the install wanted (``--install``).

    Raises UsageError when no install fits, or several do.
    """
    check_new(selector)
    able = [each for each in installs if each.manager in _TOOLS and each.fault is None]
    if root is not None:
        wanted = root.rstrip("/") or "/"
        able = [each for each in able if each.root == wanted]
        if not able:
            raise UsageError(
                f"{host} has no install at {printable(wanted)}.", f"`condafleet probe {host}` lists its installs."
            )
    prefix = selector.prefix
    if prefix is not None and len(able) > 1:
        # An install in whose directory of environments the place lies is the one that is meant.
        above = [each for each in able if posixpath.dirname(prefix) in each.envs_dirs]
        able = above or able
    if len(able) > 1:
        able = [each for each in able if each.writable is not False] or able
    if not able:
        raise UsageError(
            f"{host} has no conda, mamba or micromamba that could make an environment.",
            "Install one there first, or choose another host.",
        )
    if len(able) > 1:
        lines = "\n".join(f"  {printable(each.root)} ({each.manager.value})" for each in able)
        raise UsageError(f"{host} has {len(able)} installs that could make it:\n{lines}", "Name one with --install.")
    (install,) = able
    if prefix is not None:
        return install, prefix, None
    name = parse_printed(selector.name or "")
    folder = next(iter(install.envs_dirs), posixpath.join(install.root, "envs"))
    return install, posixpath.join(folder, name), name


def install_of(env: Environment, installs: Sequence[Install]) -> Install | None:
    """The install whose tool changes *env*: its own, else the one that lists its directory, else the only one."""
    if env.kind is EnvKind.BASE:
        return next((each for each in installs if each.root == env.prefix), None)
    for each in installs:
        if each.root == env.install and each.manager in _TOOLS:
            return each
    folder = posixpath.dirname(env.prefix)
    above = [each for each in installs if folder in each.envs_dirs and each.manager in _TOOLS]
    able = above or [each for each in installs if each.manager in _TOOLS and each.fault is None]
    return able[0] if len(able) == 1 else None
