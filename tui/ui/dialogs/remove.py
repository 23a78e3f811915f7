"""Whether an environment goes at once, or is put aside for a while first."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from tui.domain.changes import Change, ChangeKind
from tui.domain.durations import parse_duration
from tui.domain.environments import Environment
from tui.domain.offers import offer_word
from tui.domain.targets import install_of
from tui.services.fleet import FleetApi
from tui.ui.dialogs.form import Asked, FormDialog, Read, Remark
from tui.ui.language import tr, trn
from tui.ui.present.cell import Cell, Tone, around, cell, remote
from tui.ui.present.victims import victims
from tui.ui.present.words import span

__all__ = ["RemoveDialog", "removals"]

COMMON = ("1d", "7d", "30d")


def removals(fleet: FleetApi, targets: Sequence[Environment]) -> tuple[Change, ...]:
    """The removal of each of *targets*, at once."""
    changes = []
    for env in targets:
        install = install_of(env, fleet.store.host(env.host).snapshot.installs.value or ())
        root = None if install is None else install.root
        changes.append(Change(ChangeKind.REMOVE, env.host, env.prefix, root, env.name))
    return tuple(changes)


class RemoveDialog(FormDialog[tuple[Change, ...]]):
    """Returns the removals, each with the time for which it is put aside."""

    def __init__(self, fleet: FleetApi, targets: Sequence[Environment], hidden: Collection[Hashable] = ()) -> None:
        super().__init__(self._title(targets), victims(targets, hidden), tr("Look at it"))
        self._fleet = fleet
        self._targets = tuple(targets)

    @staticmethod
    def _title(targets: Sequence[Environment]) -> Cell:
        if len(targets) == 1:
            return around(tr("Remove {name}"), "name", remote(targets[0].label, Tone.ACCENT))
        return cell(trn("Remove {n} environment", "Remove {n} environments", len(targets)))

    def asked(self) -> Iterable[Asked]:
        keep = int(self._fleet.settings.removal_keep)
        yield Asked("keep", tr("Put aside"), f"{keep}s" if keep else "", tr("empty: freed at once; or for 7d, 12h …"),
                    lambda text: offer_word(text, COMMON))  # fmt: skip

    def read(self, values: Mapping[str, str]) -> Read[tuple[Change, ...]]:
        text = values["keep"].strip()
        try:
            keep = parse_duration(text) if text else 0.0
        except ValueError:
            return Read(None, {"keep": [Remark(tr("Write a duration such as 7d, 12h or 30m."), Tone.BAD)]})
        if keep > 0:
            words = tr("It can be brought back for {time}; nothing is freed before that.", time=span(keep))
        else:
            words = tr("Freed at once. What is needed to make it again is kept on this machine.")
        changes = tuple(replace(each, keep_s=keep) for each in removals(self._fleet, self._targets))
        return Read(changes, {"keep": [Remark(words)]})
