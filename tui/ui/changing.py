"""From a wish to tasks: looked at on the hosts, shown, agreed to, started. The person stays where they were."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from tui.domain.changes import Change, Prepared
from tui.domain.errors import CondafleetError
from tui.domain.phrases import phrase
from tui.domain.tasks import Task
from tui.domain.text import printable
from tui.services.changes import Told
from tui.ui.catalog import TASKS
from tui.ui.dialogs.carrying import CarryingDialog
from tui.ui.dialogs.change import Accepted, ChangeDialog
from tui.ui.dialogs.create import CreateDialog
from tui.ui.dialogs.form import FormDialog
from tui.ui.dialogs.looking import LookingDialog
from tui.ui.dialogs.message import MessageDialog
from tui.ui.language import said, tr, trn
from tui.ui.matchspecs import warm
from tui.ui.newplaces import read_all_packages
from tui.ui.present.cell import Tone, cell, join, remote
from tui.ui.present.lines import item, pair
from tui.ui.slices import in_slices

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["Changing"]

Changes = tuple[Change, ...]
Begun = Callable[[Sequence[Task]], None]


class Changing:
    """The way of every change of the screen."""

    def __init__(self, app: CondafleetApp) -> None:
        self._app = app

    def create(self, hosts: Sequence[str]) -> None:
        """Have a new environment made; *hosts* stand in the form."""
        self.ask(CreateDialog(self._app.fleet, self._app.packages, hosts))

    def ask(self, form: FormDialog[Changes], hidden: Collection[Hashable] = (), begun: Begun | None = None) -> None:
        """Have *form* filled in, and go on with what it returns; see :meth:`begin`."""
        self._app.launch(self._prime, phrase("read what fields offer"))

        def answered(changes: Changes | None) -> None:
            if changes:
                self.begin(changes, hidden, begun)

        self._app.push_screen(form, answered)

    async def _prime(self) -> None:
        """What fields offer and are judged by, read while the person begins to type."""
        await asyncio.to_thread(warm)
        await in_slices(read_all_packages(self._app.fleet, self._app.packages.add), lambda: True)

    def begin(self, changes: Changes, hidden: Collection[Hashable] = (), begun: Begun | None = None) -> None:
        """Look at *changes*, ask, start. *hidden*: rows that a filter hides; *begun* gets the tasks that were started.

        Esc anywhere on the way leaves nothing.
        """
        looking = LookingDialog(changes, self._app.fleet.changes.prepare)
        self._app.push_screen(looking, partial(self._looked, hidden, begun))

    def _looked(self, hidden: Collection[Hashable], begun: Begun | None, prepared: tuple[Prepared, ...] | None) -> None:
        if prepared:
            self._app.push_screen(ChangeDialog(prepared, hidden), partial(self._accepted, begun))

    def _accepted(self, begun: Begun | None, accepted: Accepted | None) -> None:
        if not accepted:
            return
        dialog: CarryingDialog | None = None
        if any(prepared.cargo is not None for prepared, _ in accepted):
            dialog = CarryingDialog([prepared for prepared, _ in accepted], lambda: work.cancel())
        work = self._app.launch(partial(self._start, accepted, begun, dialog), phrase("start it"))
        if dialog is not None:
            self._app.push_screen(dialog)

    async def _start(self, accepted: Accepted, begun: Begun | None, dialog: CarryingDialog | None) -> None:
        def told(prepared: Prepared) -> Told | None:
            return None if dialog is None else partial(dialog.hear, prepared)

        try:
            ends = await asyncio.gather(
                *(self._app.fleet.changes.start(prepared, kinds, told(prepared)) for prepared, kinds in accepted),
                return_exceptions=True,
            )
        finally:
            if dialog is not None:
                dialog.finish()
        tasks = [end for end in ends if isinstance(end, Task)]
        if tasks:
            self._app.attention.expect(tasks)
            if begun is not None:
                begun(tasks)
            key = self._app.key_of(TASKS)
            words = trn("{n} task started; {key} shows it", "{n} tasks started; {key} shows them", len(tasks), key=key)
            self._app.tell(words, timeout=6)
        failed = [
            (each.change, end) for (each, _), end in zip(accepted, ends, strict=True) if isinstance(end, BaseException)
        ]
        if len(accepted) == 1 and failed:
            raise failed[0][1]  # the funnel tells it as any failure
        if failed:
            self._tell_failed(failed, len(accepted))

    def _tell_failed(self, failed: Sequence[tuple[Change, BaseException]], of: int) -> None:
        title = trn("{n} of {all} was not started", "{n} of {all} were not started", len(failed), all=of)
        lines = []
        for change, error in failed:
            words = said(error.message) if isinstance(error, CondafleetError) else printable(repr(error))
            lines.append(item(join((cell(change.host, Tone.STRONG), remote(change.label), cell(words)))))
            if isinstance(error, CondafleetError) and error.remedy:
                lines.append(pair(tr("To do"), cell(said(error.remedy))))
        dialog = MessageDialog(cell(title, Tone.BAD), lines)
        dialog.deafen(self._app.deaf_s)
        self._app.push_screen(dialog)
