"""What an environment is to be called from now on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tui.domain.beforehand import naming_concern
from tui.domain.changes import Change
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError
from tui.domain.text import parse_printed
from tui.domain.toolwords import name_problem
from tui.domain.wishes import place_problem, renamed
from tui.services.fleet import FleetApi
from tui.ui.dialogs.form import Asked, FormDialog, Read, Remark
from tui.ui.language import said, tr
from tui.ui.newplaces import known_now
from tui.ui.present.cell import Tone, around, remote, shown
from tui.ui.present.lines import pair

__all__ = ["RenameDialog"]


class RenameDialog(FormDialog[tuple[Change, ...]]):
    """Returns the change."""

    def __init__(self, fleet: FleetApi, env: Environment) -> None:
        title = around(tr("Rename {name}"), "name", remote(env.label, Tone.ACCENT))
        super().__init__(title, (pair(tr("Place"), remote(f"{env.host}:{env.prefix}")),), tr("Look at it"))
        self._fleet = fleet
        self._env = env

    def asked(self) -> Iterable[Asked]:
        name = shown(self._env.name) if self._env.name is not None else ""
        return (Asked("name", tr("New name"), name, tr("a name, or an absolute path")),)

    def read(self, values: Mapping[str, str]) -> Read[tuple[Change, ...]]:
        name = values["name"].strip()
        known = known_now(self._fleet.store.host(self._env.host))
        if known is None:
            words = tr("Nothing is known of {host} now.", host=self._env.host)
            return Read(None, {"name": [Remark(words, Tone.BAD)]})
        raw = parse_printed(name)
        if not name or raw == self._env.name:
            return Read(None)
        problem = None if raw.startswith("/") else name_problem(raw)
        remarks = []
        try:
            change = renamed(self._env, name, known[0])
            problem = problem or place_problem(change.new_prefix or "", *known)
        except CondafleetError as error:
            return Read(None, {"name": [Remark(said(error.message), Tone.BAD)]})
        if problem is not None:
            return Read(None, {"name": [Remark(said(problem), Tone.BAD)]})
        odd = None if raw.startswith("/") else naming_concern(raw, self._fleet.settings.naming)
        if odd is not None:
            remarks.append(Remark(said(odd.text), Tone.WARN))
        return Read((change,), {"name": remarks})
