"""The verbs that change environments, for every table with rows of such."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tui.domain.changes import Change, ChangeKind
from tui.domain.environments import Environment
from tui.domain.errors import HostFaultError
from tui.domain.exports import Form, render
from tui.domain.phrases import phrase
from tui.domain.targets import install_of
from tui.domain.tasks import Task
from tui.domain.text import printable
from tui.domain.trash import Aside
from tui.services.exporting import read_export
from tui.storage.exportfiles import write_export
from tui.ui.dialogs.asides import AsidesDialog
from tui.ui.dialogs.clone import CloneDialog
from tui.ui.dialogs.export import ExportDialog, ExportWish
from tui.ui.dialogs.message import MessageDialog
from tui.ui.dialogs.packages import PackagesDialog
from tui.ui.dialogs.remove import RemoveDialog
from tui.ui.dialogs.rename import RenameDialog
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Tone, cell
from tui.ui.present.lines import item, words
from tui.ui.screens.table import TableScreen
from tui.ui.screens.view import EnvKey, find_environment

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["ChangeVerbs"]


class ChangeVerbs(TableScreen):
    """A table of environments, known by (host, prefix), or of what lies beside them on the same hosts."""

    app: CondafleetApp

    def _chosen(self, keys: Sequence[Hashable]) -> list[Environment]:
        """The environments of *keys*; one that is gone is left out."""
        found = [env for key in keys if (env := find_environment(self.fleet, cast("EnvKey", key))) is not None]
        if not found:
            self.app.tell(tr("No environment is chosen"))
        return found

    def _one(self, keys: Sequence[Hashable]) -> Environment | None:
        found = self._chosen(keys)
        if len(found) > 1:
            self.app.tell(tr("That is done to one at a time; take the marks away with u"))
            return None
        return found[0] if found else None

    def _hidden(self, targets: Sequence[Environment]) -> set[Hashable]:
        shown = set(self.shown_keys())
        return {key for env in targets if (key := (env.host, env.prefix)) not in shown}

    def _unmark(self, tasks: Sequence[Task]) -> None:
        """What is under way needs no mark any more."""
        begun = {(task.host, task.target) for task in tasks}
        self.marks.drop([key for key in self.marks if key in begun])
        self.grid.refresh()
        self.show_around()

    # Copies

    def action_clone(self) -> None:
        """Copy the row's environment, here or elsewhere."""
        self.clone_rows(self.targets())

    def clone_rows(self, keys: Sequence[Hashable]) -> None:
        """Copy the one of *keys*."""
        if (env := self._one(keys)) is not None:
            self.app.changing.ask(CloneDialog(self.fleet, env))

    # Those that are there

    def action_remove(self) -> None:
        """Remove the marked environments, or the row's."""
        self.remove_rows(self.targets())

    def remove_rows(self, keys: Sequence[Hashable]) -> None:
        """Remove the environments of *keys*."""
        if targets := self._chosen(keys):
            hidden = self._hidden(targets)
            self.app.changing.ask(RemoveDialog(self.fleet, targets, hidden), hidden, self._unmark)

    def action_export(self) -> None:
        """Write a file to make the row's environment again from."""
        if (env := self._one(self.targets())) is not None:
            self.app.push_screen(ExportDialog(env), partial(self._export, env))

    def _export(self, env: Environment, wish: ExportWish | None) -> None:
        if wish is not None:
            self.app.launch(partial(self._write_export, env, *wish), phrase("export the environment"))

    async def _write_export(self, env: Environment, form: Form, path: Path) -> None:
        record = await read_export(self.fleet, env.host, env.prefix, env.name)
        if env.fault is not None and not (record.conda or record.pip):
            raise HostFaultError(env.fault)  # an empty file would be taken for an environment without packages
        export = render(record, form)
        await asyncio.to_thread(write_export, path, export.text)
        written = tr("Written: {path}", path=printable(str(path)))
        if not export.missing:
            self.app.warn(written)
            return
        title = tr("Not all of it can be made again from this, or not everywhere")
        dialog = MessageDialog(
            cell(title, Tone.WARN), (words(written), *(item(cell(said(each.text))) for each in export.missing))
        )
        dialog.deafen(self.app.deaf_s)
        self.app.push_screen(dialog)

    def action_rename(self) -> None:
        """Give the row's environment another name."""
        self.rename_rows(self.targets())

    def rename_rows(self, keys: Sequence[Hashable]) -> None:
        """Give the one of *keys* another name."""
        if (env := self._one(keys)) is not None:
            self.app.changing.ask(RenameDialog(self.fleet, env))

    def action_recreate(self) -> None:
        """Make the marked environments, or the row's, anew from what is recorded of them."""
        self.recreate_rows(self.targets())

    def recreate_rows(self, keys: Sequence[Hashable]) -> None:
        """Make the environments of *keys* anew."""
        if targets := self._chosen(keys):
            changes = tuple(self._recreation(env) for env in targets)
            self.app.changing.begin(changes, self._hidden(targets), self._unmark)

    def _recreation(self, env: Environment) -> Change:
        install = install_of(env, self.fleet.store.host(env.host).snapshot.installs.value or ())
        root = None if install is None else install.root
        return Change(ChangeKind.RECREATE, env.host, env.prefix, root, env.name)

    def action_install(self) -> None:
        """Install packages into the marked environments, or the row's."""
        self.install_rows(self.targets())

    def install_rows(self, keys: Sequence[Hashable]) -> None:
        """Install packages into the environments of *keys*."""
        self._packages(ChangeKind.INSTALL, keys)

    def action_update(self) -> None:
        """Update packages of the marked environments, or of the row's."""
        self.update_rows(self.targets())

    def update_rows(self, keys: Sequence[Hashable]) -> None:
        """Update packages of the environments of *keys*."""
        self._packages(ChangeKind.UPDATE, keys)

    def action_uninstall(self) -> None:
        """Take packages out of the marked environments, or of the row's."""
        self.uninstall_rows(self.targets())

    def uninstall_rows(self, keys: Sequence[Hashable]) -> None:
        """Take packages out of the environments of *keys*."""
        self._packages(ChangeKind.UNINSTALL, keys)

    def _packages(self, kind: ChangeKind, keys: Sequence[Hashable]) -> None:
        if targets := self._chosen(keys):
            hidden = self._hidden(targets)
            form = PackagesDialog(kind, self.fleet, self.app.packages, targets, hidden)
            self.app.changing.ask(form, hidden, self._unmark)

    # What was put aside

    def action_trash(self) -> None:
        """What was put aside on the hosts of the marked rows, or of the row."""
        self.trash_rows(self.targets())

    def trash_rows(self, keys: Sequence[Hashable]) -> None:
        """What was put aside on the hosts of *keys*."""
        hosts = self.hosts_of(keys)
        if hosts:
            self.app.tell(trn("Asking {n} host", "Asking {n} hosts", len(hosts)))
            self.app.launch(partial(self._see_trash, hosts), phrase("look at what was put aside"))

    async def _see_trash(self, hosts: Sequence[str]) -> None:
        answers = await asyncio.gather(*map(self._trash_of, hosts))
        if len(hosts) == 1 and isinstance(answers[0], HostFaultError):
            raise answers[0]
        asides: list[tuple[Aside, float]] = []
        faults = []
        for answer in answers:
            if isinstance(answer, HostFaultError):
                faults.append(said(answer.message))
            else:
                asides += answer
        if self.app.at_leisure:
            self.app.push_screen(AsidesDialog(asides, faults, readonly=self.app.readonly), self._aside_chosen)

    async def _trash_of(self, host: str) -> list[tuple[Aside, float]] | HostFaultError:
        try:
            seen = await self.fleet.changes.trash(host)
        except HostFaultError as error:
            return error
        return [(aside, seen.now) for aside in seen.asides]

    def _aside_chosen(self, change: Change | None) -> None:
        if change is not None:
            self.app.changing.begin((change,))
