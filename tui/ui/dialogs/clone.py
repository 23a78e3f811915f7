"""What a copy is to be called, and on which hosts it is to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tui.domain.changes import Change, ChangeKind, EnvRef
from tui.domain.environments import Environment
from tui.domain.offers import offer_word
from tui.domain.wishes import Recipe
from tui.services.fleet import FleetApi
from tui.ui.dialogs.form import Asked, FormDialog, Read
from tui.ui.language import tr
from tui.ui.newplaces import new_places, offered_hosts
from tui.ui.present.cell import Tone, around, remote, shown
from tui.ui.present.lines import pair

__all__ = ["CloneDialog"]


class CloneDialog(FormDialog[tuple[Change, ...]]):
    """Returns one change for each host; none where the name is taken."""

    def __init__(self, fleet: FleetApi, env: Environment) -> None:
        title = around(tr("Clone {name}"), "name", remote(env.label, Tone.ACCENT))
        super().__init__(title, (pair(tr("From"), remote(f"{env.host}:{env.prefix}")),), tr("Look at it"))
        self._fleet = fleet
        self._env = env

    def asked(self) -> Iterable[Asked]:
        name = shown(self._env.name) if self._env.name is not None else ""
        names = [f"{name}-copy", name]
        return (
            Asked("name", tr("New name"), hint=tr("a name, or an absolute path"),
                  complete=lambda text: offer_word(text, names)),
            Asked("hosts", tr("On"), self._env.host, tr("hosts, patterns like gpu*, @groups"),
                  lambda text: offer_word(text, offered_hosts(self._fleet), commas=True)),
            Asked("install", tr("Install"), hint=tr("only where a host has several")),
        )  # fmt: skip

    def read(self, values: Mapping[str, str]) -> Read[tuple[Change, ...]]:
        recipe = Recipe(source=EnvRef(self._env.host, self._env.prefix))
        found = new_places(self._fleet, ChangeKind.CLONE, values["name"], values["hosts"], recipe, values["install"])
        return Read(tuple(found.changes) or None, {"name": found.name, "hosts": found.hosts, "install": found.install})
