"""Rows of a comparison: two environments side by side, or many of one name against most of them."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.compare import Change, Comparison, Difference
from tui.domain.environments import Environment, EnvKind
from tui.domain.packages import Package, PackageManager
from tui.domain.phrases import phrase
from tui.ui.language import said, tr
from tui.ui.present.cell import BLANK, Cell, Tone, cell, join, plain, remote, shown
from tui.ui.present.environments import name_cell, state_words
from tui.ui.present.groups import Grouping, GroupKey
from tui.ui.present.table import Column, Note, Row

__all__ = ["BY_ENVIRONMENT", "columns", "pair_rows", "place_words", "unknown_note"]

WORDS: dict[Difference, tuple[str, Tone]] = {
    Difference.ADDED: (phrase("only right"), Tone.GOOD),
    Difference.MISSING: (phrase("only left"), Tone.WARN),
    Difference.MANAGER: (phrase("pip and conda"), Tone.BAD),
    Difference.VERSION: (phrase("version"), Tone.WARN),
    Difference.BUILD: (phrase("build"), Tone.DIM),
    Difference.CHANNEL: (phrase("channel"), Tone.DIM),
    Difference.CLOBBERED: (phrase("pip over conda"), Tone.BAD),
}
_ORDER = (
    Difference.MANAGER, Difference.VERSION, Difference.MISSING, Difference.ADDED, Difference.CLOBBERED,
    Difference.BUILD, Difference.CHANNEL,
)  # fmt: skip


def place_words(env: Environment) -> str:
    """``gpu01:llm``, in printed form."""
    if env.kind is EnvKind.BASE:
        return f"{env.host}:{plain(name_cell(env))}"
    return f"{env.host}:{shown(env.name or env.prefix)}"


def columns(left: str, right: str) -> tuple[Column, ...]:
    """The columns of a comparison; *left* and *right* say whose they are."""
    return (
        Column("name", phrase("Package"), 0, 18, 40, by=lambda pair: pair[1].name),
        Column("kind", phrase("Differs in"), 1, 14, 24, by=lambda pair: _ORDER.index(pair[1].kind)),
        Column("left", _cut(left), 2, 14, 46),
        Column("right", _cut(right), 3, 14, 46),
    )


def _cut(title: str) -> str:
    return title if len(title) <= 30 else f"…{title[-29:]}"


def unknown_note(comparison: Comparison) -> Note:
    """Why two environments cannot be compared."""
    lines = [
        f"{place_words(env)}: {plain(state_words(env)) if env.fault else tr('its packages were not read yet')}"
        for env in (comparison.left, comparison.right)
        if not env.packages_known
    ]
    return Note.of(tr("These two cannot be compared"), *lines, tone=Tone.WARN)


def pair_rows(comparison: Comparison) -> list[Row]:
    """A row for each difference; its item is (comparison, change)."""
    return [_row(comparison, change) for change in comparison.changes]


def _row(comparison: Comparison, change: Change) -> Row:
    word, tone = WORDS[change.kind]
    newer = "" if change.newer is None else tr(", right newer") if change.newer else tr(", left newer")
    right = comparison.right
    same = change.kind in (Difference.BUILD, Difference.CHANNEL)
    return Row(
        (right.host, right.prefix, change.name, change.kind, change.left, change.right),
        (
            remote(change.name, Tone.STRONG),
            join((cell(said(word), tone), cell(newer, Tone.DIM)), ""),
            _side(change.left, change.kind, change.left_clobbered, same),
            _side(change.right, change.kind, change.right_clobbered, same),
        ),
        item=(comparison, change),
    )


def _side(package: Package | None, kind: Difference, over: bool, same: bool) -> Cell:
    if package is None:
        return cell(tr("not there"), Tone.DIM)
    pip = package.manager is PackageManager.PIP
    origin: Cell = BLANK
    if kind is Difference.MANAGER or over:
        origin = cell(tr("pip over conda") if over else package.manager.value, Tone.ACCENT if pip else Tone.DIM)
    elif kind is Difference.BUILD:
        origin = remote(package.build)
    elif kind is Difference.CHANNEL:
        origin = remote(package.channel)
    elif pip:
        origin = cell("pip", Tone.ACCENT)
    return join((remote(package.version, Tone.DIM if same else Tone.PLAIN), origin))


def _title(key: GroupKey | None, items: Sequence[tuple[Comparison, Change]]) -> Cell:
    comparison = items[0][0]
    env = comparison.right
    return join((cell(place_words(env), Tone.STRONG), cell(said(comparison.summary()), Tone.WARN)))


BY_ENVIRONMENT = Grouping(
    "environment", phrase("environment"), lambda pair: (pair[0].right.host, pair[0].right.prefix), _title
)
