"""What a new environment is to be called, where it is to be, and what is to be in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from shlex import quote

from tui.domain.changes import Change, ChangeKind
from tui.domain.errors import CondafleetError
from tui.domain.offers import offer_spec, offer_word
from tui.domain.packageindex import PackageIndex
from tui.domain.text import printable
from tui.domain.toolwords import check_channels
from tui.domain.wishes import Recipe, words_of
from tui.services.fleet import FleetApi
from tui.ui.dialogs.form import Asked, FormDialog, Read, Remark
from tui.ui.language import said, tr
from tui.ui.localfiles import FileRead, LocalFiles
from tui.ui.matchspecs import spec_problem
from tui.ui.newplaces import new_places, offered_hosts
from tui.ui.present.cell import Tone, cell

__all__ = ["CHANNELS", "CreateDialog", "offer_channel", "read_channels", "read_specs"]

CHANNELS = ("conda-forge", "defaults", "bioconda", "nvidia", "pytorch")
"""Channels that everybody knows; those that the fleet has come first."""


def offer_channel(text: str, index: PackageIndex) -> str | None:
    """*text* with its last channel written on."""
    return offer_word(text, [*index.channels(), *CHANNELS])


def read_specs(text: str) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """The specs of a field, and what is wrong with them."""
    try:
        specs = words_of(text)
    except CondafleetError as error:
        return (), (Remark(said(error.message), Tone.BAD),)
    problem = spec_problem(specs)
    return specs, () if problem is None else (Remark(said(problem), Tone.BAD),)


def read_channels(text: str) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """The channels of a field, and what is wrong with them."""
    try:
        channels = words_of(text)
        check_channels(channels)
    except CondafleetError as error:
        return (), (Remark(said(error.message), Tone.BAD),)
    return channels, ()


class CreateDialog(FormDialog[tuple[Change, ...]]):
    """Returns one change for each host; none where the name is taken."""

    def __init__(self, fleet: FleetApi, index: PackageIndex, hosts: Sequence[str]) -> None:
        """*hosts*: those that stand in the field at first."""
        super().__init__(cell(tr("Create an environment")), (), tr("Look at it"))
        self._fleet = fleet
        self._index = index
        self._hosts = " ".join(hosts)
        self._files = LocalFiles(self._file_known)

    def asked(self) -> Iterable[Asked]:
        views = self._fleet.store.hosts()
        installs = [quote(printable(each.root)) for view in views for each in view.snapshot.installs.value or ()]
        names = [printable(env.name) for env in self._fleet.store.environments() if env.name is not None]
        return (
            Asked("name", tr("Name"), hint=tr("a name, or an absolute path"), complete=lambda t: offer_word(t, names)),
            Asked("hosts", tr("On"), self._hosts, tr("hosts, patterns like gpu*, @groups"),
                  lambda text: offer_word(text, offered_hosts(self._fleet), commas=True)),
            Asked("specs", tr("Packages"), complete=lambda t: offer_spec(t, self._index),
                  example="python=3.11 numpy"),
            Asked("channels", tr("Channels"), hint=tr("as the host has them; the first one counts most"),
                  complete=lambda text: offer_channel(text, self._index)),
            Asked("file", tr("From file"), complete=self._files.complete, example="~/project/environment.yml"),
            Asked("install", tr("Install"), hint=tr("only where a host has several"),
                  complete=lambda text: offer_word(text, installs)),
        )  # fmt: skip

    def read(self, values: Mapping[str, str]) -> Read[tuple[Change, ...]]:
        specs, wrong_specs = read_specs(values["specs"])
        channels, wrong_channels = read_channels(values["channels"])
        file = self._files.get(values["file"]) if values["file"].strip() else FileRead(Recipe())
        written = file.recipe or Recipe()
        if written.explicit and specs:
            wrong_specs = (Remark(tr("An explicit list takes no further packages."), Tone.BAD),)
        recipe = replace(written, specs=(*written.specs, *specs), channels=(*channels, *written.channels))
        found = new_places(self._fleet, ChangeKind.CREATE, values["name"], values["hosts"], recipe, values["install"])
        something = file.recipe is not None and bool(recipe.specs or recipe.explicit or recipe.pip)
        return Read(
            tuple(found.changes) if found.changes and something else None,
            {
                "name": found.name,
                "hosts": found.hosts,
                "install": found.install,
                "specs": wrong_specs,
                "channels": wrong_channels,
                "file": file.remarks,
            },
        )

    async def settle(self) -> None:
        if self.values["file"].strip():
            await self._files.settle(self.values["file"])

    def _file_known(self) -> None:
        if self.is_attached:
            self.judge()
