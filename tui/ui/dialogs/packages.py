"""Which packages are to be installed into environments, updated in them, or taken out of them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

from tui.domain.changes import Change, ChangeKind
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError
from tui.domain.offers import offer_spec, offer_word
from tui.domain.packageindex import NAME, PackageIndex
from tui.domain.packages import PackageManager, canonical_name
from tui.domain.phrases import phrase
from tui.domain.targets import install_of
from tui.domain.text import printable
from tui.domain.toolwords import check_requirements, requirement_name, spec_name
from tui.domain.wishes import words_of
from tui.services.fleet import FleetApi
from tui.ui.dialogs.create import offer_channel, read_channels, read_specs
from tui.ui.dialogs.form import Asked, FormDialog, Read, Remark
from tui.ui.language import said, tr, trn
from tui.ui.newplaces import listed
from tui.ui.present.cell import Cell, Tone, around, cell, remote
from tui.ui.present.victims import victims

__all__ = ["PackagesDialog"]

ONE: dict[ChangeKind, str] = {
    ChangeKind.INSTALL: phrase("Install packages into {name}"),
    ChangeKind.UPDATE: phrase("Update packages of {name}"),
    ChangeKind.UNINSTALL: phrase("Uninstall packages from {name}"),
}


def _several(kind: ChangeKind, n: int) -> str:
    if kind is ChangeKind.INSTALL:
        return trn("Install packages into {n} environment", "Install packages into {n} environments", n)
    if kind is ChangeKind.UPDATE:
        return trn("Update packages of {n} environment", "Update packages of {n} environments", n)
    return trn("Uninstall packages from {n} environment", "Uninstall packages from {n} environments", n)


class PackagesDialog(FormDialog[tuple[Change, ...]]):
    """Returns one change for each environment."""

    def __init__(
        self,
        kind: ChangeKind,
        fleet: FleetApi,
        index: PackageIndex,
        targets: Sequence[Environment],
        hidden: Collection[Hashable] = (),
    ) -> None:
        """*hidden*: the keys of targets that a filter hides, as (host, prefix)."""
        super().__init__(self._title(kind, targets), victims(targets, hidden), tr("Look at it"))
        self._kind = kind
        self._fleet = fleet
        self._index = index
        self._targets = tuple(targets)
        self._there = {
            manager: {
                canonical_name(package.name)
                for env in targets
                for package in env.packages.packages
                if package.manager is manager
            }
            for manager in PackageManager
        }
        self._all_known = all(env.packages_known for env in targets)

    @staticmethod
    def _title(kind: ChangeKind, targets: Sequence[Environment]) -> Cell:
        if len(targets) == 1:
            return around(said(ONE[kind]), "name", remote(targets[0].label, Tone.ACCENT))
        return cell(_several(kind, len(targets)))

    def asked(self) -> Iterable[Asked]:
        new = self._kind is ChangeKind.INSTALL
        conda, pip = (None if new else sorted(filter(NAME.match, self._there[each])) for each in PackageManager)
        hints = {
            ChangeKind.UPDATE: tr("empty: all that can be updated"),
            ChangeKind.UNINSTALL: tr("what is to go; what needs it goes too, and is shown"),
        }
        yield Asked("specs", tr("Packages"), hint=hints.get(self._kind, ""),
                    complete=lambda text: offer_spec(text, self._index, conda),
                    example="numpy=1.26 conda-forge::scipy" if new else "")  # fmt: skip
        yield Asked("pip", tr("By pip"), hint=tr("only what no channel has") if new else "",
                    complete=None if pip is None else lambda text: offer_word(text, pip))  # fmt: skip
        if self._kind is not ChangeKind.UNINSTALL:
            yield Asked("channels", tr("Channels"), hint=tr("as the host has them; the first one counts most"),
                        complete=lambda text: offer_channel(text, self._index))  # fmt: skip

    def read(self, values: Mapping[str, str]) -> Read[tuple[Change, ...]]:
        specs, wrong_specs = read_specs(values["specs"])
        channels, wrong_channels = read_channels(values.get("channels", ""))
        pip, wrong_pip = self._read_pip(values["pip"])
        if self._kind is not ChangeKind.INSTALL and self._all_known:
            wrong_specs += self._not_there(PackageManager.CONDA, [spec_name(each) or "" for each in specs])
            wrong_pip += self._not_there(PackageManager.PIP, [requirement_name(each) or "" for each in pip])
        remarks = {"specs": wrong_specs, "pip": wrong_pip, "channels": wrong_channels}
        if not (specs or pip) and self._kind is not ChangeKind.UPDATE:
            return Read(None, remarks)
        return Read(tuple(self._change(env, specs, pip, channels) for env in self._targets), remarks)

    def _change(
        self, env: Environment, specs: tuple[str, ...], pip: tuple[str, ...], channels: tuple[str, ...]
    ) -> Change:
        install = install_of(env, self._fleet.store.host(env.host).snapshot.installs.value or ())
        root = None if install is None else install.root
        return Change(self._kind, env.host, env.prefix, root, env.name, specs=specs, pip=pip, channels=channels)

    def _read_pip(self, text: str) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
        try:
            wanted = words_of(text)
            check_requirements(wanted)
        except CondafleetError as error:
            return (), (Remark(said(error.message), Tone.BAD),)
        return wanted, ()

    def _not_there(self, manager: PackageManager, names: Iterable[str]) -> tuple[Remark, ...]:
        gone = [printable(name) for name in names if name and canonical_name(name) not in self._there[manager]]
        if not gone:
            return ()
        one = len(self._targets) == 1
        names = listed(gone)
        words = tr("Not in it: {names}", names=names) if one else tr("In none of them: {names}", names=names)
        return (Remark(words, Tone.WARN),)  # as it was read last: the tool itself knows better
