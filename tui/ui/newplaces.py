"""Where new environments are to be, as a form says it: the hosts meant, the place on each, what speaks against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tui.domain.beforehand import naming_concern
from tui.domain.changes import Change, ChangeKind
from tui.domain.environments import Environment, Install
from tui.domain.errors import CondafleetError
from tui.domain.globs import is_glob
from tui.domain.packages import PackageSet
from tui.domain.selectors import Selector
from tui.domain.steps import Steps
from tui.domain.text import parse_printed, printable
from tui.domain.toolwords import name_problem
from tui.domain.wishes import Recipe, hosts_meant, new_change, place_problem, words_of
from tui.services.fleet import FleetApi
from tui.services.store import HostView
from tui.ui.dialogs.form import Remark
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Tone

__all__ = ["NewPlaces", "known_now", "listed", "new_places", "offered_hosts", "read_all_packages"]

LISTED = 6


@dataclass
class NewPlaces:
    """What the fields of a place come to."""

    changes: list[Change] = field(default_factory=list)
    name: list[Remark] = field(default_factory=list)
    hosts: list[Remark] = field(default_factory=list)
    install: list[Remark] = field(default_factory=list)


def listed(names: Sequence[str]) -> str:
    """A few of *names* (printed form), and how many more."""
    shown = ", ".join(names[:LISTED])
    more = len(names) - LISTED
    return tr("{names} and {n} more", names=shown, n=more) if more > 0 else shown


def known_now(view: HostView) -> tuple[Sequence[Install], Sequence[Environment]] | None:
    """What a change on a host stands on; None where it was not read in this run."""
    installs, environments = view.snapshot.installs.value, view.snapshot.environments.value
    if installs is None or environments is None or view.stale_parts & {"installs", "environments"}:
        return None
    return installs, environments


def offered_hosts(fleet: FleetApi) -> list[str]:
    """What may be written for hosts: their names, and the groups."""
    specs = [view.spec for view in fleet.store.hosts()]
    return [*(spec.name for spec in specs), *sorted({f"@{group}" for spec in specs for group in spec.groups})]


def new_places(
    fleet: FleetApi, kind: ChangeKind, name: str, hosts: str, recipe: Recipe, install: str = ""
) -> NewPlaces:
    """One change for each host meant on which the name has a place; the rest is said.

    *name* and *install* in printed form; an absolute path as a name is a prefix. *install*: the roots that are taken
    on hosts where several could do it.
    """
    found = NewPlaces()
    name = name.strip()
    meant = hosts_meant(hosts, [view.spec for view in fleet.store.hosts()])
    if meant.unknown:
        words = printable(" ".join(meant.unknown))
        found.hosts.append(Remark(tr("No host and no group of the fleet: {words}", words=words), Tone.BAD))
    views = [fleet.store.host(spec.name) for spec in meant.specs]
    ready = [view for view in views if known_now(view) is not None]
    if ready:
        names = listed([view.name for view in ready])
        found.hosts.append(Remark(trn("{n} host: {names}", "{n} hosts: {names}", len(ready), names=names)))
    if left := [view.name for view in views if known_now(view) is None]:
        words = tr("Left out, because nothing is known of it now: {names}", names=listed(left))
        found.hosts.append(Remark(words, Tone.WARN))
    if not name:
        return found
    problem = _name_problem(name)
    if problem is not None:
        found.name.append(Remark(problem, Tone.BAD))
        return found
    raw = parse_printed(name)
    if not raw.startswith("/") and (odd := naming_concern(raw, fleet.settings.naming)) is not None:
        found.name.append(Remark(said(odd.text), Tone.WARN))
    _place_all(found, ready, kind, name, recipe, install)
    return found


def _name_problem(name: str) -> str | None:
    if is_glob(name):
        return tr("{name} is a pattern; a new environment needs one name.", name=printable(name))
    raw = parse_printed(name)
    if raw.startswith("/"):
        return None  # judged as a place, host by host
    problem = name_problem(raw)
    return None if problem is None else said(problem)


def _place_all(
    found: NewPlaces, ready: Sequence[HostView], kind: ChangeKind, name: str, recipe: Recipe, install: str
) -> None:
    roots = _roots(found, install, ready)
    unfit: dict[str, list[str]] = {}
    against: dict[str, list[str]] = {}
    for view in ready:
        installs, environments = known_now(view) or ((), ())
        selector = _selector(view.name, name)
        try:
            change = _change(kind, view.name, selector, installs, recipe, roots)
        except CondafleetError as error:
            # The host stands before it, with all others of which the same is said.
            words = said(error.message).split("\n")[0].rstrip(":").removeprefix(f"{view.name} ")
            unfit.setdefault(words, []).append(view.name)
            continue
        problem = place_problem(change.prefix, installs, environments)
        if problem is not None:
            against.setdefault(said(problem), []).append(view.name)
        else:
            found.changes.append(change)
    tone = Tone.WARN if found.changes else Tone.BAD
    for words, where in unfit.items():
        found.hosts.append(Remark(tr("{hosts}: {problem}; left out", hosts=listed(where), problem=words), tone))
    for words, where in against.items():
        there = tr("{hosts}: {problem}; left out", hosts=listed(where), problem=words)
        found.name.append(Remark(there, tone))


def _roots(found: NewPlaces, install: str, ready: Sequence[HostView]) -> list[str]:
    """The roots that are written; one that no host has is told."""
    try:
        roots = [parse_printed(word).rstrip("/") or "/" for word in words_of(install)]
    except CondafleetError as error:
        found.install.append(Remark(said(error.message), Tone.BAD))
        return []
    there = {each.root for view in ready for each in view.snapshot.installs.value or ()}
    if gone := [printable(root) for root in roots if root not in there]:
        found.install.append(Remark(tr("No install of these hosts: {names}", names=listed(gone)), Tone.BAD))
    return roots


def _change(
    kind: ChangeKind, host: str, selector: Selector, installs: Sequence[Install], recipe: Recipe, roots: Sequence[str]
) -> Change:
    """The change on one host, with the first of *roots* that it has. Raises UsageError."""
    here = next((root for root in roots if any(each.root == root for each in installs)), None)
    return new_change(kind, host, selector, installs, recipe, here)


def _selector(host: str, name: str) -> Selector:
    raw = parse_printed(name)
    if raw.startswith("/"):
        return Selector(f"{host}:{name}", host, None, prefix=raw.rstrip("/") or "/")
    return Selector(f"{host}:{name}", host, None, name)


def read_all_packages(fleet: FleetApi, add: Callable[[PackageSet], None]) -> Steps[None]:
    """Take the packages of the whole fleet into an index, a set at a time: for what fields offer."""
    for env in fleet.store.environments():
        add(env.packages)
        yield
