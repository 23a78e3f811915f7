"""What a copy is to be called, and on which hosts it is to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tui.domain.changes import CarryMode, Change, ChangeKind, EnvRef
from tui.domain.environments import Environment
from tui.domain.offers import offer_word
from tui.domain.phrases import mark
from tui.domain.wishes import Recipe
from tui.services.fleet import FleetApi
from tui.ui.dialogs.form import Asked, FormDialog, Read, Remark
from tui.ui.language import tr
from tui.ui.newplaces import new_places, offered_hosts
from tui.ui.present.cell import Tone, around, remote, shown
from tui.ui.present.lines import pair

__all__ = ["CloneDialog"]

MODES: dict[CarryMode, str] = {
    CarryMode.AUTO: mark("Where a host does not reach their servers, packages go there through this machine."),
    CarryMode.ALWAYS: mark("All packages that it lacks go there through this machine."),
    CarryMode.NEVER: mark("Each host fetches its packages itself."),
}


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
            Asked("carry", tr("Carry"), CarryMode.AUTO.value, tr("auto, always or never"),
                  lambda text: offer_word(text, [mode.value for mode in CarryMode])),
        )  # fmt: skip

    def read(self, values: Mapping[str, str]) -> Read[tuple[Change, ...]]:
        word = values["carry"].strip() or CarryMode.AUTO.value
        known = word in set(CarryMode)
        mode = CarryMode(word) if known else CarryMode.AUTO
        recipe = Recipe(source=EnvRef(self._env.host, self._env.prefix), carry=mode)
        found = new_places(self._fleet, ChangeKind.CLONE, values["name"], values["hosts"], recipe, values["install"])
        said = Remark(tr(MODES[mode])) if known else Remark(tr("auto, always or never"), Tone.BAD)
        remarks = {"name": found.name, "hosts": found.hosts, "install": found.install, "carry": (said,)}
        return Read(tuple(found.changes) or None, remarks)
