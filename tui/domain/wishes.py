"""What a person writes down to have an environment made or changed, read as it is typed. Pure.

Both front ends make their :class:`Change` objects here, from what is known of a host. A word that cannot mean anything
is told by name; nothing here asks a host.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui.domain.changes import CarryMode, Change, ChangeKind, EnvRef
from tui.domain.environments import Environment, Install
from tui.domain.errors import UsageError
from tui.domain.globs import is_glob
from tui.domain.hosts import HostSpec
from tui.domain.phrases import phrase
from tui.domain.selectors import Selector, parse_selector
from tui.domain.targets import install_of, place_new
from tui.domain.text import parse_printed
from tui.domain.toolwords import prefix_concern

__all__ = ["MeantHosts", "Recipe", "hosts_meant", "new_change", "place_problem", "renamed", "words_of"]


@dataclass(frozen=True)
class Recipe:
    """What a new environment is made of."""

    specs: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    explicit: tuple[str, ...] = ()
    source: EnvRef | None = None
    carry: CarryMode = CarryMode.AUTO
    left_out: tuple[str, ...] = ()
    """What a file holds and the new environment will not."""


@dataclass(frozen=True, slots=True)
class MeantHosts:
    """The hosts that some words mean, in the order of the configuration."""

    specs: tuple[HostSpec, ...]
    unknown: tuple[str, ...] = ()
    """Words that mean none, as they were written."""


def words_of(text: str) -> tuple[str, ...]:
    """The words of a field, as a shell would part them: quotes hold blanks together. Raises UsageError."""
    try:
        return tuple(shlex.split(text))
    except ValueError:
        raise UsageError(phrase("A quote is not closed.")) from None


def hosts_meant(text: str, specs: Sequence[HostSpec]) -> MeantHosts:
    """The hosts that the words of *text* mean: names, globs, and @groups, parted by blanks or commas."""
    chosen: set[str] = set()
    unknown = []
    for word in text.replace(",", " ").split():
        try:
            selector = parse_selector(word)
        except UsageError:
            unknown.append(word)
            continue
        covered = [spec.name for spec in specs if selector.covers_host(spec)]
        if not covered or selector.name is not None or selector.prefix is not None:
            unknown.append(word)
        else:
            chosen.update(covered)
    return MeantHosts(tuple(spec for spec in specs if spec.name in chosen), tuple(unknown))


def new_change(
    kind: ChangeKind,
    host: str,
    selector: Selector,
    installs: Sequence[Install],
    recipe: Recipe,
    root: str | None = None,
) -> Change:
    """The new environment that *selector* names, on *host*; *root*: the install wanted. Raises UsageError."""
    install, prefix, name = place_new(selector, host, installs, root)
    return Change(
        kind,
        host,
        prefix,
        install.root,
        name,
        source=recipe.source,
        specs=recipe.specs,
        pip=recipe.pip,
        channels=recipe.channels,
        explicit=recipe.explicit,
        carry=recipe.carry,
    )


def renamed(env: Environment, name: str, installs: Sequence[Install]) -> Change:
    """*env* under another *name* (printed form), beside where it is; an absolute path moves it there.

    Raises UsageError.
    """
    raw = parse_printed(name)
    if is_glob(name) or not raw or raw in (".", "..") or ("/" in raw and not raw.startswith("/")):
        raise UsageError(
            phrase("{name} can be no name of an environment.", name=repr(name)),
            phrase("Write a plain name, or an absolute prefix."),
        )
    prefix = raw.rstrip("/") if raw.startswith("/") else posixpath.join(posixpath.dirname(env.prefix), raw)
    install = install_of(env, installs)
    root = None if install is None else install.root
    return Change(ChangeKind.RENAME, env.host, env.prefix, root, env.name, new_prefix=prefix)


def place_problem(prefix: str, installs: Iterable[Install], environments: Iterable[Environment]) -> str | None:
    """Why nothing new can be at *prefix*, a phrase, by what is known of the host; None when nothing speaks against it.

    It is advice: what is at that place is looked at again before anything is done.
    """
    dirs = tuple(path for install in installs for path in install.envs_dirs)
    concern = prefix_concern(prefix, dirs, named=False)
    if concern is not None:
        return concern.text
    if any(env.prefix == prefix for env in environments):
        return phrase("is there already")
    return None
