"""View Compare: two environments, or all of one name against most of them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

from textual.binding import BindingType

from tui.domain.compare import Comparison, Majority, compare, majority
from tui.domain.environments import Environment
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.services.fleet import FleetApi
from tui.ui.catalog import COMMANDS, COMPARE
from tui.ui.commands import bindings
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, shown
from tui.ui.present.compare_rows import BY_ENVIRONMENT, columns, pair_rows, place_words, unknown_note
from tui.ui.present.table import Note, Row, natural_widths
from tui.ui.screens.listing import Gathered
from tui.ui.screens.view import EnvKey, ViewScreen, find_environment

__all__ = ["CompareNameScreen", "ComparePairScreen"]


class ComparePairScreen(ViewScreen):
    """What the right environment has otherwise than the left."""

    MODE = COMPARE
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, COMPARE)]
    COLUMNS = columns(phrase("Left"), phrase("Right"))
    FIELDS = phrase("words: a package, version, pip")

    def __init__(self, fleet: FleetApi, left: EnvKey, right: EnvKey) -> None:
        super().__init__(fleet)
        self._left, self._right = left, right
        self._comparison: Comparison | None = None
        self._made_of: tuple[Environment | None, Environment | None] = (None, None)
        one, other = find_environment(fleet, left), find_environment(fleet, right)
        if one is not None and other is not None:
            self.columns = columns(place_words(one), place_words(other))

    def counted(self, number: int) -> str:
        return trn("{n} difference", "{n} differences", number)

    def crumbs(self) -> Cell:
        return self.headline(tr("Environments"), tr("Compare"))

    async def gather(self) -> Gathered:
        left, right = find_environment(self.fleet, self._left), find_environment(self.fleet, self._right)
        if left is None or right is None:
            note = Note.of(tr("One of the two is gone"), tr("Esc goes back"), tone=Tone.WARN)
            return Gathered([], [0] * len(self.columns), note, None)
        if self._comparison is None or self._made_of != (left, right):
            self._comparison, self._made_of = compare(left, right), (left, right)
        rows = pair_rows(self._comparison)
        if self._comparison.known:
            note = Note.of(
                tr("They hold the same packages"),
                trn("all {n} package of them", "all {n} packages of them", len(left.packages.packages)),
            )
        else:
            note = unknown_note(self._comparison)
        return Gathered(rows, natural_widths(self.columns, rows), note, id(self._comparison))

    def status(self) -> Cell:
        if self._comparison is None:
            return ()
        left, right = self._comparison.left, self._comparison.right
        who = cell(tr("{right} against {left}:", right=place_words(right), left=place_words(left)), Tone.DIM)
        return join((who, cell(said(self._comparison.summary()), Tone.STRONG)), " ")

    def selector_of(self, key: Hashable) -> str:
        return shown(str(key[2])) if isinstance(key, tuple) else ""

    def sum_of(self, keys: list[Hashable]) -> str:  # type: ignore[override]  # the marks, always as a list
        return ""

    def action_detail(self) -> None:
        """Fold a group."""
        row = self.grid.cursor_item
        if row is not None and row.head:
            super().action_detail()


class CompareNameScreen(ComparePairScreen):
    """All environments of a name against most of them; those that differ stand under a head each."""

    COLUMNS = columns(phrase("Most have"), phrase("This has"))
    GROUPINGS = (BY_ENVIRONMENT,)

    def __init__(self, fleet: FleetApi, name: str) -> None:
        super().__init__(fleet, ("", ""), ("", ""))
        self.name_compared = name
        self.columns = self.COLUMNS
        self.grouping = BY_ENVIRONMENT
        self._majority: Majority | None = None
        self._members: tuple[Environment, ...] = ()

    def crumbs(self) -> Cell:
        return self.headline(
            tr("Environments"),
            tr("Compare"),
            tr("{name} on all hosts", name=shown(self.name_compared)),
        )

    async def gather(self) -> Gathered:
        members = tuple(env for env in self.fleet.store.environments() if env.name == self.name_compared)
        if self._majority is None or members != self._members:
            self._majority, self._members = majority(members), members
        rows: list[Row] = [row for each in self._majority.others for row in pair_rows(each)]
        summary = said(self._majority.summary())
        note = Note.of(summary[:1].upper() + summary[1:], *self._hosts())
        return Gathered(rows, natural_widths(self.columns, rows), note, id(self._majority))

    def _hosts(self) -> list[str]:
        return [", ".join(dict.fromkeys(env.host for env in self._members))] if self._members else []

    def status(self) -> Cell:
        if self._majority is None:
            return ()
        waiting = self.waiting()
        held = self._majority.groups[0].environments if self._majority.groups else ()
        return join(
            (
                cell(tr("{name}: {text}", name=shown(self.name_compared), text=self._majority.summary()), Tone.STRONG),
                cell(
                    tr("most: {hosts}", hosts=", ".join(printable(env.host) for env in held[:6])) if held else "",
                    Tone.DIM,
                ),
                cell(
                    trn("{n} host not known", "{n} hosts not known", len(waiting)) if waiting else "",
                    Tone.WARN,
                ),
            ),
            " · ",
        )
