"""The Environments table: one row for each environment of the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tui.domain.environments import DiskSize, Environment, EnvKind, UsageSignal
from tui.domain.faults import FaultKind
from tui.domain.filterrows import EnvironmentRow
from tui.domain.keypackages import key_versions
from tui.domain.packages import PackageSet
from tui.domain.phrases import phrase
from tui.domain.versions import version_sort_key
from tui.services.store import HostView
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import BLANK, Cell, Live, Tone, cell, join, plain, remote
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.groups import Grouping, GroupKey
from tui.ui.present.table import Column, Row
from tui.ui.present.under_change import Doing, doing_cell
from tui.ui.present.words import BOUND_MARKS, UNKNOWN, age_cell, size, span

__all__ = ["COLUMNS", "GROUPINGS", "key_packages", "name_cell", "path_end", "rows", "state_words", "uses_cell"]

COLUMNS = (
    Column("name", phrase("Environment"), 0, 18, 40, by=lambda env: env.label.casefold()),
    Column("host", phrase("Host"), 1, 12, 20, by=lambda env: env.host),
    Column("state", phrase("State"), 3, 15, 30, by=lambda env: plain(state_words(env))),
    Column(
        "python",
        phrase("Python"),
        4,
        7,
        10,
        by=lambda env: version_sort_key(env.python) if env.python else None,
        falling=True,
    ),
    Column(
        "size",
        phrase("Size"),
        5,
        12,
        12,
        right=True,
        by=lambda env: None if env.size is None else env.size.exclusive_bytes,
        falling=True,
    ),
    Column("use", phrase("Used now"), 6, 9, 20, by=lambda env: _uses(env), falling=True),
    Column("age", phrase("Age"), 2, 7, 8, right=True, live=7, aged=True),
    Column("last", phrase("Last used"), 7, 13, 14, live=13, by=lambda env: env.last_used, falling=True),
    Column("key", phrase("Key packages"), 8, 24, 44, by=lambda env: _key_order(env)),
    Column("packages", phrase("Packages"), 9, 9, 12, right=True, by=lambda env: _package_count(env), falling=True),
    Column("owner", phrase("Owner"), 10, 8, 12, by=lambda env: env.owner),
    Column("prefix", phrase("Prefix"), 11, 24, 80, end=True, by=lambda env: env.prefix),
)
"""The age goes late: a narrow table, too, must say which of its rows are old."""

KEY_SHOWN = 3
"""Of the key packages so many are shown, the most telling first."""
NOT_SHOWN = frozenset({"python"})
"""Key packages that have a column of their own."""

SIGNAL_WORDS: dict[UsageSignal, tuple[str, str]] = {
    UsageSignal.PROCESS: (phrase("process"), phrase("a process runs from it")),
    UsageSignal.SESSION: (phrase("session"), phrase("a session uses it")),
    UsageSignal.KERNEL: (phrase("kernel"), phrase("a Jupyter kernel runs from it")),
    UsageSignal.ATIME: (phrase("read"), phrase("its Python was read")),
    UsageSignal.PYCACHE: (phrase("imported"), phrase("something was imported")),
    UsageSignal.HISTORY: (phrase("changed"), phrase("it was changed; nothing tells of its use")),
}
"""For a column, and for a sentence."""
MISSING = cell(UNKNOWN, Tone.DIM)


def rows(view: HostView, doing: Doing = ()) -> list[Row]:
    """The rows of one host's environments; a kept or failed answer shows its age. *doing*: what tasks do to them."""
    part = view.snapshot.environments
    stale = "environments" in view.stale_parts
    groups = view.spec.groups
    return [_row(env, groups, part.time, stale, doing_cell(env.prefix, doing)) for env in part.value or ()]


def _row(env: Environment, groups: tuple[str, ...], time: float | None, stale: bool, doing: Cell) -> Row:
    state = state_words(env, doing)
    said = " ".join((plain(state), "running" if env.in_use else "", "old" if stale else ""))
    return Row(
        (env.host, env.prefix),
        (
            name_cell(env),
            cell(env.host),
            state,
            remote(env.python) or MISSING,
            size_cell(env.size),
            uses_cell(env),
            age_cell(time, stale=stale),
            _last_used(env),
            key_packages(env.packages) if env.packages_known else MISSING,
            _packages(env),
            remote(env.owner, Tone.DIM) or MISSING,
            remote(env.prefix, Tone.DIM),
        ),
        item=env,
        time=time,
        facts=EnvironmentRow(env, groups, stale, said=said.strip()),
    )


def name_cell(env: Environment) -> Cell:
    """What the environment is called: a name, ``base`` with its install, or the end of a prefix without a name."""
    if env.kind is EnvKind.BASE:
        return join((remote(env.label, Tone.STRONG), path_end(env.prefix)), " ")
    return remote(env.name, Tone.STRONG) if env.name is not None else path_end(env.prefix, 2, Tone.PLAIN)


def path_end(path: str, parts: int = 1, tone: Tone = Tone.DIM) -> Cell:
    """The telling end of a path: ``…/miniforge3``; a short path whole."""
    pieces = path.rstrip("/").rsplit("/", parts)
    if len(pieces) <= parts or not pieces[0]:
        return remote(path, tone)
    return (("…/", Tone.DIM), *remote("/".join(pieces[1:]), tone))


def state_words(env: Environment, doing: Cell = BLANK) -> Cell:
    """What is special about it, in words; ``ok`` when nothing is. *doing*: what happens to it now."""
    return join((doing, _special(env)), tr(", ")) or cell(tr("ok"), Tone.DIM)


def _special(env: Environment) -> Cell:
    """What keeps one's hands off it comes first: a narrow column cuts the rest."""
    parts: list[Cell] = []
    if env.fault is not None:
        gone = env.fault.kind is FaultKind.GHOST
        parts.append(cell(tr("listed but gone") if gone else fault_words(env.fault), fault_tone(env.fault)))
    if env.in_use:
        parts.append(cell(tr("in use"), Tone.GOOD))
    if env.frozen:
        parts.append(cell(tr("frozen"), Tone.ACCENT))
    if env.protected and env.kind is not EnvKind.BASE:
        parts.append(cell(tr("protected"), Tone.ACCENT))
    if env.linked_to:
        parts.append(cell(tr("soft link"), Tone.DIM))
    if env.writable is False:
        parts.append(cell(tr("read-only"), Tone.DIM))
    if env.clobbered:
        parts.append(cell(tr("pip over conda"), Tone.WARN))
    return join(parts, tr(", "))


def size_cell(known: DiskSize | None) -> Cell:
    """What removing it gives back, with the way that this can be wrong, of what it holds: ``≥1.2G/4.5G``."""
    if known is None:
        return MISSING
    frees = BOUND_MARKS[known.bound] + size(known.exclusive_bytes)
    return ((frees, Tone.PLAIN), (f"/{size(known.total_bytes)}", Tone.DIM))


def uses_cell(env: Environment) -> Cell:
    if env.in_use:
        return cell(trn("{n} running", "{n} running", len(env.in_use)), Tone.GOOD)
    if env.in_use_complete:
        return cell(tr("no"), Tone.DIM)
    return cell(tr("not known"), Tone.DIM) if env.in_use_complete is False else MISSING


def _last_used(env: Environment) -> Cell | Live:
    then, signal = env.last_used, env.last_used_signal
    if then is None:
        return MISSING
    word = f" {said(SIGNAL_WORDS[signal][0])}" if signal else ""
    return lambda now: ((span(now - then), Tone.PLAIN), (word, Tone.DIM))


def _packages(env: Environment) -> Cell:
    conda, pip = env.conda_packages, env.pip_packages
    if conda is None or pip is None:
        return MISSING
    return ((str(conda), Tone.PLAIN), (f"+{pip} pip" if pip else "", Tone.DIM))


def _uses(env: Environment) -> int | None:
    return len(env.in_use) if env.in_use or env.in_use_complete else None


def _python(env: Environment) -> Any:
    return version_sort_key(env.python) if env.python else None


def _package_count(env: Environment) -> int | None:
    return len(env.packages.packages) if env.packages_known else None


def _key_order(env: Environment) -> str | None:
    return plain(key_packages(env.packages)) or None if env.packages_known else None


@lru_cache(maxsize=16384)
def key_packages(packages: PackageSet) -> Cell:
    """The few packages that people know an environment by: ``torch 2.3.1  cuda 12.1``."""
    found = [pair for pair in key_versions(packages) if pair[0] not in NOT_SHOWN]
    return join(((label + " ", Tone.DIM), *remote(version)) for label, version in found[:KEY_SHOWN])


def _title_install(key: GroupKey | None, items: Sequence[Environment]) -> Cell:
    if key is None:
        return join((cell(tr("no install claims these"), Tone.STRONG), _how_many(items)))
    host, root = key
    return join((remote(root, Tone.STRONG), cell(tr("on {host}", host=host)), _how_many(items)))


def _title_owner(key: GroupKey | None, items: Sequence[Environment]) -> Cell:
    who = remote(key[0], Tone.STRONG) if key else cell(tr("owner not known"), Tone.STRONG)
    return join(
        (
            who,
            _how_many(items),
            cell(_on(items), Tone.DIM),
        )
    )


def _title_name(key: GroupKey | None, items: Sequence[Environment]) -> Cell:
    where = cell(_on(items), Tone.DIM)
    if key is None:
        return join((cell(tr("without a name"), Tone.STRONG), _how_many(items), where))
    return join((remote(key[0], Tone.STRONG), where, sameness(items)))


def sameness(items: Sequence[Environment]) -> Cell:
    """Whether environments of one name hold the same packages, in words."""
    known = {env.packages.digest for env in items if env.packages_known}
    unknown = sum(not env.packages_known for env in items)
    rest = cell(trn("{n} not known", "{n} not known", unknown), Tone.DIM) if unknown else BLANK
    if len(items) < 2 or not known:
        return rest if len(items) > 1 else BLANK
    if len(known) == 1:
        return join(
            (cell(tr("the same everywhere") if not unknown else tr("the same where known"), Tone.GOOD), rest), tr(", ")
        )
    return join(
        (cell(trn("{n} different set of packages", "{n} different sets of packages", len(known)), Tone.WARN), rest),
        ", ",
    )


def _on(items: Sequence[Environment]) -> str:
    return trn("on {n} host", "on {n} hosts", len({env.host for env in items}))


def _how_many(items: Sequence[Environment]) -> Cell:
    return cell(trn("{n} environment", "{n} environments", len(items)), Tone.DIM)


GROUPINGS = (
    Grouping(
        "install", phrase("install"), lambda env: (env.host, env.install) if env.install else None, _title_install
    ),
    Grouping("owner", phrase("owner"), lambda env: (env.owner,) if env.owner else None, _title_owner),
    Grouping(
        "name",
        phrase("name"),
        lambda env: (env.name,) if env.name else None,
        _title_name,
        phrase("names that occur once"),
    ),
)
