"""What the arguments of a changing command mean on the hosts that answered: one change for each environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.cli.change import Found
from tui.domain.changes import Change, ChangeKind, EnvRef
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, NothingMatchedError, UsageError
from tui.domain.globs import is_glob
from tui.domain.hosts import HostSpec
from tui.domain.selectors import Selector, parse_selector, select_environments, select_one_environment
from tui.domain.targets import check_new, install_of
from tui.domain.text import parse_printed, printable
from tui.domain.wishes import Recipe, new_change

__all__ = ["chosen", "environment_selectors", "install_root", "new_ones", "one_source"]


def environment_selectors(texts: Iterable[str]) -> list[Selector]:
    """Selectors that name environments. Raises UsageError for one that means whole hosts."""
    selectors = [parse_selector(text) for text in texts]
    for selector in selectors:
        if selector.name is None and selector.prefix is None:
            raise UsageError(
                f"{selector.text!r} means a whole host; environments are named one by one or by a pattern.",
                f"Write {selector.text}:NAME or {selector.text}:/absolute/prefix.",
            )
    return selectors


def chosen(selectors: Sequence[Selector], specs: Sequence[HostSpec], found: Found) -> list[Environment]:
    """The environments that *selectors* mean, each once; a name without a pattern means one on each host.

    Raises UsageError for a name that fits several installs of a host, NothingMatchedError for a selector that fits
    nothing: a list of victims is not to be taken for more than it is.
    """
    environments = found.environments
    picked: dict[tuple[str, str], Environment] = {}
    for selector in selectors:
        fits = select_environments([selector], specs, environments)
        if not fits:
            hosts = [spec for spec in specs if selector.covers_host(spec)]
            if len(hosts) == 1:
                select_one_environment(selector, environments, specs)  # it knows what is near, and raises
            raise NothingMatchedError(f"No environment fits {selector.text!r}.", "`condafleet envs` lists them.")
        if selector.name is not None and not is_glob(selector.name):
            _unambiguous(selector, fits)
        picked.update({(env.host, env.prefix): env for env in fits})
    return list(picked.values())


def _unambiguous(selector: Selector, fits: Sequence[Environment]) -> None:
    by_host: dict[str, list[Environment]] = {}
    for env in fits:
        by_host.setdefault(env.host, []).append(env)
    for host, several in by_host.items():
        if len(several) > 1:
            lines = "\n".join(f"  {host}:{printable(env.prefix)}" for env in several[:12])
            raise UsageError(
                f"{selector.text!r} fits {len(several)} environments on {host}:\n{lines}",
                "Give the one you mean by its prefix, as listed.",
            )


def install_root(env: Environment, found: Found) -> str | None:
    """The root of the install that changes *env*."""
    install = install_of(env, found.installs(env.host))
    return None if install is None else install.root


def new_ones(
    kind: ChangeKind,
    selector: Selector,
    specs: Sequence[HostSpec],
    found: Found,
    recipe: Recipe,
    root: str | None = None,
) -> list[Change]:
    """The new environment that *selector* names, on each host that it covers and that answered.

    Where one cannot be, the others are made: it is in ``found.cannot``. Raises UsageError when it can be nowhere.
    """
    check_new(selector)
    answered = set(found.answered)
    changes = []
    cannot: list[tuple[Change, CondafleetError]] = []
    for spec in specs:
        if spec.name not in answered or not selector.covers_host(spec):
            continue
        try:
            changes.append(new_change(kind, spec.name, selector, found.installs(spec.name), recipe, root))
        except UsageError as problem:
            nowhere = Change(kind, spec.name, selector.prefix or "", name=parse_printed(selector.name or "") or None)
            cannot.append((nowhere, problem))
    if cannot and not changes:
        raise cannot[0][1]
    found.cannot.extend(cannot)
    return changes


def one_source(text: str, specs: Sequence[HostSpec], found: Found) -> EnvRef:
    """The one environment that *text* names, to be copied."""
    env = select_one_environment(parse_selector(text), found.environments, specs)
    return EnvRef(env.host, env.prefix)
