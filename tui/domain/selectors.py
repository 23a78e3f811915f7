r"""Selectors: how a person names hosts and environments on the command line.

=========================  ==========================================================
``HOST``                   every environment of the hosts that the glob fits
``@group``                 every environment of the hosts of a group
``HOST:NAME``              environments by name, globs in both parts (``@group:NAME`` too)
``HOST:/absolute/prefix``  the environment at exactly that place
=========================  ==========================================================

Split at the first ``:``. What is read is the printed form (see :mod:`tui.domain.text`), so whatever a table or
``--json`` showed can be given back as it stands: on each host a name that is *exactly* what was written
wins, and only without one is it read as a glob. ``gpu01:env[cu118]`` is therefore that environment where it
exists, and otherwise ``envc``, ``envu``, …; ``gpu01:env\x5bcu118\x5d`` is that environment and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from tui.domain.environments import Environment
from tui.domain.errors import NothingMatchedError, UsageError
from tui.domain.globs import Glob, is_glob
from tui.domain.hosts import HOST_NAME, HostSpec
from tui.domain.text import parse_printed, printable

__all__ = ["Selector", "parse_selector", "select_environments", "select_hosts", "select_one_environment"]

FORMS = "HOST, @GROUP, HOST:NAME or HOST:/absolute/prefix"
SHOWN = 12


@dataclass(frozen=True)
class Selector:
    """One selector, parsed. Exactly one of ``host`` and ``group`` is set, at most one of ``name`` and ``prefix``."""

    text: str
    """As the person wrote it."""
    host: str | None
    """A host's name or a glob over them."""
    group: str | None
    name: str | None = None
    """Printed form; may be a glob."""
    prefix: str | None = None
    """Raw (see :mod:`tui.domain.text`), absolute, without a slash at its end."""

    @cached_property
    def _name_glob(self) -> Glob:
        return Glob(self.name or "")

    def covers_host(self, spec: HostSpec) -> bool:
        """Whether the host part of the selector means *spec*."""
        if self.group is not None:
            return self.group in spec.groups
        return Glob(self.host or "").matches(spec.name)

    def pick(self, environments: Sequence[Environment]) -> list[Environment]:
        """Which of *environments*, all of one host that the selector covers, it means."""
        if self.prefix is not None:
            return [env for env in environments if (env.prefix.rstrip("/") or "/") == self.prefix]
        if self.name is None:
            return list(environments)
        exact = [env for env in environments if env.name is not None and self._name_glob.is_literal_for(env.name)]
        return exact or [env for env in environments if env.name is not None and self._name_glob.matches(env.name)]


def parse_selector(text: str) -> Selector:
    """The selector that *text* spells. Raises UsageError, which says what is wrong with it."""
    shown = _quote(text)
    if not text:
        raise UsageError("An empty selector names nothing.", f"Write {FORMS}.")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise UsageError(
            f"The selector {shown} holds a control character.",
            r"Write it as \xNN, the way tables and --json show it.",
        )
    host, colon, rest = text.partition(":")
    if colon and not rest:
        raise UsageError(f"The selector {shown} has no name after its colon.", f"Write {FORMS}.")
    group = host[1:] if host.startswith("@") else None
    if group is not None and not HOST_NAME.match(group):
        raise UsageError(f"The selector {shown} names no group after its @.", f"Write {FORMS}.")
    if group is None:
        _check_host(host, shown)
    chosen_host = host if group is None else None
    if not colon:
        return Selector(text, chosen_host, group)
    if rest.startswith("/"):
        prefix = parse_printed(rest).rstrip("/") or "/"
        return Selector(text, chosen_host, group, prefix=prefix)
    return Selector(text, chosen_host, group, name=rest)


def select_hosts(selectors: Iterable[Selector], specs: Sequence[HostSpec]) -> list[str]:
    """The hosts that the selectors mean, in the order of the configuration, each once; without selectors all.

    Raises UsageError for a host or group that the fleet does not have and for a glob that fits no host.
    """
    chosen: set[str] = set()
    some = False
    for selector in selectors:
        some = True
        covered = [spec.name for spec in specs if selector.covers_host(spec)]
        if not covered:
            raise _unknown(selector, specs)
        chosen.update(covered)
    return [spec.name for spec in specs if not some or spec.name in chosen]


def select_environments(
    selectors: Iterable[Selector], hosts: Sequence[HostSpec], environments: Iterable[Environment]
) -> list[Environment]:
    """Those of *environments* that at least one selector means, in their order, each once; without selectors all.

    *hosts* is the fleet: it says which hosts a group or a glob covers. Nothing matched is an empty list.
    """
    wanted = list(selectors)
    listed = list(environments)
    if not wanted:
        return listed
    by_host: dict[str, list[Environment]] = {}
    for env in listed:
        by_host.setdefault(env.host, []).append(env)
    chosen: set[int] = set()
    for selector in wanted:
        for spec in hosts:
            if spec.name in by_host and selector.covers_host(spec):
                chosen.update(map(id, selector.pick(by_host[spec.name])))
    return [env for env in listed if id(env) in chosen]


def select_one_environment(
    selector: Selector, environments: Iterable[Environment], hosts: Sequence[HostSpec] = ()
) -> Environment:
    """The one environment that *selector* means.

    *hosts*, the fleet, is needed for ``@group:NAME`` only. Raises UsageError when the selector names no single
    environment or fits several (their prefixes are listed), NothingMatchedError when it fits none.
    """
    shown = _quote(selector.text)
    if selector.name is None and selector.prefix is None:
        raise UsageError(
            f"The selector {shown} means a whole host; one environment is needed.",
            f"Write {selector.text}:NAME or {selector.text}:/absolute/prefix.",
        )
    listed = list(environments)
    names = dict.fromkeys(env.host for env in listed)
    known = {spec.name: spec for spec in hosts}
    found = select_environments([selector], [known.get(name) or HostSpec(name) for name in names], listed)
    if len(found) == 1:
        return found[0]
    if found:
        lines = [f"  {_place(env)}" for env in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"  and {len(found) - SHOWN} more")
        raise UsageError(
            f"The selector {shown} fits {len(found)} environments:\n" + "\n".join(lines),
            "Give the one you mean by its prefix, as listed.",
        )
    raise NothingMatchedError(f"No environment fits {shown}.{_nearest_name(selector, listed)}", _see_all(selector))


def _check_host(host: str, shown: str) -> None:
    if not host:
        raise UsageError(f"The selector {shown} has no host before its colon.", f"Write {FORMS}.")
    if host.startswith("-"):
        raise UsageError(
            f"The selector {shown} begins with a dash, which no host name does.",
            "An option is spelled differently, or belongs before the selectors; see --help.",
        )
    # Inside a set anything may stand that a host name may hold, and the set's own signs.
    plain = host.translate({ord(char): "x" for char in "*?[]!"}) if is_glob(host) else host
    if not HOST_NAME.match(plain):
        raise UsageError(
            f"The selector {shown} begins with {_quote(host)}, which can be no host name.",
            f"Host names are made of letters, digits, dots, dashes and underscores. Write {FORMS}.",
        )


def _unknown(selector: Selector, specs: Sequence[HostSpec]) -> UsageError:
    hosts = [spec.name for spec in specs]
    groups = list(dict.fromkeys(group for spec in specs for group in spec.groups))
    if selector.group is not None:
        message = f"No host of the fleet is in a group {_quote(selector.group)}."
        hint = _did_you_mean(selector.group, groups, "@")
        known = f"The groups are {_listed(groups, '@')}." if groups else "No host has a group; `groups:` gives it one."
        return UsageError(message + hint, known)
    name = selector.host or ""
    if is_glob(name):
        message = f"No host of the fleet fits {_quote(name)}."
        hint = ""
    else:
        message = f"The fleet has no host {_quote(name)}."
        hint = _did_you_mean(name, hosts) or (f" Did you mean the group @{name}?" if name in groups else "")
    known = f"The hosts are {_listed(hosts)}." if hosts else "The fleet is empty; `condafleet hosts add` fills it."
    return UsageError(message + hint, known)


def _did_you_mean(word: str, known: Sequence[str], sign: str = "") -> str:
    lowered = {name.lower(): name for name in known}
    near = get_close_matches(word.lower()[:100], list(lowered), n=1, cutoff=0.6)
    return f" Did you mean {sign}{lowered[near[0]]}?" if near else ""


def _nearest_name(selector: Selector, environments: Sequence[Environment]) -> str:
    if selector.name is None or is_glob(selector.name) or selector.host is None:
        return ""
    host = Glob(selector.host)
    names = {printable(env.name): env for env in environments if env.name is not None and host.matches(env.host)}
    near = get_close_matches(selector.name[:100], [name for name in names if len(name) <= 200], n=1, cutoff=0.6)
    return f" Did you mean {names[near[0]].host}:{near[0]}?" if near else ""


def _see_all(selector: Selector) -> str:
    host = f"@{selector.group}" if selector.group is not None else selector.host
    return f"`condafleet envs {host}` lists what is there."


def _listed(names: Sequence[str], sign: str = "") -> str:
    shown = [f"{sign}{name}" for name in names[:SHOWN]]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(shown) + more


def _place(env: Environment) -> str:
    return f"{env.host}:{printable(env.prefix)}"


def _quote(text: str) -> str:
    shown = text if len(text) <= 200 else f"{text[:200]}…"
    # What the person typed is shown as it was typed; only what a terminal would obey is escaped.
    return "'" + "".join(char if char == "\\" else printable(char) for char in shown) + "'"
