"""Mode Disk: what could go, on all hosts, and what it gives back alone and together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, cast

from textual.binding import BindingType

from tui.domain.changes import ConcernKind, Severity
from tui.domain.filters_disk import DISK, DiskRow
from tui.domain.phrases import phrase
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.planmissed import Missed, missed_hosts
from tui.domain.plans import Plan
from tui.domain.text import printable
from tui.services.fleet import FleetApi
from tui.services.plans import ReadyPlan
from tui.services.store import HostView
from tui.storage.planfiles import write_plan
from tui.ui.catalog import COMMANDS
from tui.ui.catalog import DISK as MODE
from tui.ui.commands import bindings
from tui.ui.dialogs.message import MessageDialog
from tui.ui.dialogs.plan import PlanDialog
from tui.ui.dialogs.report import ReportDialog
from tui.ui.language import said, tr, trn
from tui.ui.present import disk, disk_detail, plan_lines
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.lines import Line
from tui.ui.present.notes import empty_note
from tui.ui.present.table import Note, Row, Sort
from tui.ui.present.words import size
from tui.ui.screens.change_verbs import ChangeVerbs

__all__ = ["DiskScreen"]

Key = tuple[str, ItemKind, str]


class DiskScreen(ChangeVerbs):
    """A row is known by its host, kind and path; a host that was never counted has one row of its own."""

    MODE = MODE
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, MODE)]
    COLUMNS = disk.COLUMNS
    SCHEMA = DISK
    PARTS = ("mounts", "installs", "environments")
    GROUPINGS = disk.GROUPINGS
    FIELDS = phrase("words, or fields: host:gpu* what:tarballs frees>1G unused>90 is:suggested")

    def __init__(self, fleet: FleetApi) -> None:
        super().__init__(fleet)
        self.sort = Sort("frees", True)
        self._letting_go = False

    def counted(self, number: int) -> str:
        return trn("{n} thing", "{n} things", number)

    def made_of(self, view: HostView) -> tuple[object, ...]:
        disks = self.app.disks
        return (disks.get(view), disks.counting.get(view.name), disks.faults.get(view.name), view.snapshot.mounts)

    def rows_of(self, view: HostView) -> list[Row]:
        disks = self.app.disks
        return disk.rows(view, disks.get(view), disks.counting.get(view.name), disks.faults.get(view.name))

    def note(self, views: Sequence[HostView]) -> Note:
        return empty_note(views, "environments", tr("environments"), self.app.now())

    def host_of(self, key: Hashable) -> str:
        return cast("tuple[str, ...]", key)[0]

    def selector_of(self, key: Hashable) -> str:
        host, *rest = cast("tuple[str, ...]", key)
        return f"{host}:{shown(rest[1])}" if rest else host

    def detail_of(self, key: Hashable) -> tuple[Cell, list[Line]] | None:
        name = self.host_of(key)
        if name not in self.fleet.store:
            return None
        view = self.fleet.store.host(name)
        told = self.app.disks.get(view)
        row = self._row_of(key)
        if told is None or row is None:
            seen, fault = self.app.disks.counting.get(name), self.app.disks.faults.get(name)
            return cell(name, Tone.STRONG), disk_detail.uncounted(view, seen, fault)
        what = cell(said(disk.WHAT[row.item.kind]), Tone.DIM)
        title = join((remote(row.item.label, Tone.STRONG), what, cell(tr("on {host}", host=name), Tone.DIM)))
        return title, disk_detail.about(row, told, self.app.now())

    def group_detail(self, keys: Sequence[Hashable]) -> list[Line]:
        lines: list[Line] = []
        for host in self.hosts_of(keys)[:8]:
            told = self.app.disks.get(self.fleet.store.host(host))
            if told is not None:
                lines += disk_detail.host_map(told.disk)
        return lines

    def sum_of(self, keys: Sequence[Hashable]) -> str:
        return disk.joint(self._items(keys), self._tables(keys))

    def status(self) -> Cell:
        disks, views = self.app.disks, self.fleet.store.hosts()
        told = [each for view in views if (each := disks.get(view)) is not None]
        if disks.counting:
            seen = sum(disks.counting.values())
            words = trn("counting {n} host", "counting {n} hosts", len(disks.counting))
            return join((cell(words, Tone.ACCENT), cell(tr("{n} files so far", n=f"{seen:,}"), Tone.DIM)), " · ")
        if not told:
            return cell(tr("n counts the disk of this host; mark several with Space, or all with *"), Tone.DIM)
        worth = sum(row.frees or 0 for each in told for row in each.suggested)
        on = trn("on {n} host", "on {n} hosts", len(told))
        if not worth:
            return cell(tr("nothing worth letting go {where}", where=on), Tone.DIM)
        return cell(tr("≥{size} worth letting go {where}; i marks it", size=size(worth), where=on), Tone.DIM)

    # Marks

    def _row_of(self, key: Hashable) -> DiskRow | None:
        told = self.app.disks.get(self.fleet.store.host(self.host_of(key)))
        return None if told is None else next((row for row in told.rows if row.item.key == key), None)

    def _items(self, keys: Sequence[Hashable]) -> list[Item]:
        wanted = {key for key in keys if disk.is_thing(key)}
        found = []
        for host in self.hosts_of([key for key in keys if disk.is_thing(key)]):
            told = self.app.disks.get(self.fleet.store.host(host))
            found += [row.item for row in (told.rows if told is not None else ()) if row.item.key in wanted]
        return found

    def _tables(self, keys: Sequence[Hashable]) -> dict[str, HostTables]:
        views = (self.fleet.store.host(host) for host in self.hosts_of(keys))
        return {view.name: told.tables for view in views if (told := self.app.disks.get(view)) is not None}

    def _missed(self) -> tuple[Missed, ...]:
        """The hosts of the fleet that nothing is known of here."""
        views = self.fleet.store.hosts()
        counted = [view.name for view in views if view.disk is not None]
        faults = {view.name: view.fault or self.app.disks.faults.get(view.name) for view in views}
        return missed_hosts((view.name for view in views), counted, faults)

    def action_mark_suggested(self) -> None:
        """Mark what every counted host could let go without much thought."""
        views = self.fleet.store.hosts()
        rows = [row for view in views if (told := self.app.disks.get(view)) is not None for row in told.suggested]
        if not rows:
            self.app.tell(tr("Nothing is suggested; n counts the disk of a host"))
            return
        self.marks.add([row.item.key for row in rows])
        self.grid.refresh()
        self.show_around()

    # Letting go

    def action_let_go(self) -> None:
        """Let the marked things go, or the row's."""
        self.let_go_rows(self.targets())

    def let_go_rows(self, keys: Sequence[Hashable]) -> None:
        """Count the hosts of *keys* again, show what would go, and do it if the person says so."""
        items = self._items(keys)
        if not items:
            self.app.tell(tr("Nothing here that could go; n counts the disk of a host"))
        elif self._letting_go:
            self.app.tell(tr("Another plan is being looked at"))
        else:
            self._letting_go = True
            self.app.launch(partial(self._let_go, items), phrase("let things go"))

    async def _let_go(self, items: list[Item]) -> None:
        plan = Plan(tuple(items), self.app.now(), missed=self._missed())
        shown = set(self.shown_keys())
        try:
            self.app.tell(trn("Counting {n} host again first", "Counting {n} hosts again first", len(plan.hosts)))
            ready = await self._agreed(plan, {item.key for item in items} - shown)
            if ready is None:
                return
            self.app.tell(tr("Letting it go; Tasks shows how far it is"), timeout=5)
            self.marks.drop(item.key for item in ready.outlook.items)
            done = await self.fleet.plans.run(ready)
        finally:
            self._letting_go = False
        self.app.push_screen(ReportDialog(done))
        self.app.disks.count([each.host for each in done.hosts if each.removed])

    async def _agreed(self, plan: Plan, hidden: Collection[Key]) -> ReadyPlan | None:
        """The plan as the person wants it run; None when nothing of it is to go, or can."""
        ready = await self.fleet.plans.ready(plan)
        accepted: dict[Key, Collection[ConcernKind]] = {}
        while True:
            if not ready.outlook.items and all(each.severity is Severity.FORBIDDEN for each in ready.outlook.refused):
                lines = plan_lines.before(ready.report, hidden)
                self.app.push_screen(MessageDialog(cell(tr("Nothing of it can go"), Tone.WARN), lines))
                return None
            answer = await self.app.push_screen_wait(PlanDialog(ready, hidden))
            if not answer:
                return None if answer is None else ready
            accepted |= answer
            # What was accepted by name is looked at like all else; what that finds is shown before anything is done.
            uncounted = {host: error for host, error in ready.faults.items() if host not in ready.tables}
            ready = await self.fleet.plans.ready(plan, accepted=accepted, counted=(dict(ready.tables), uncounted))
            if answer.keys() <= {item.key for item in ready.outlook.items}:
                return ready

    def action_save_plan(self) -> None:
        """Save the marked things as a plan."""
        items = self._items(self.targets())
        if not items:
            self.app.tell(tr("Nothing is marked that could go"))
            return
        tables = self._tables(self.targets())
        counted = tuple((host, known.counted) for host, known in tables.items())
        plan = Plan(tuple(items), self.app.now(), counted=counted, missed=self._missed())
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.app.now()))
        path = Path.cwd() / f"condafleet-plan-{stamp}.yaml"
        self.app.launch(partial(self._save, path, plan), phrase("save the plan"))

    async def _save(self, path: Path, plan: Plan) -> None:
        await asyncio.to_thread(write_plan, path, plan)
        self.app.warn(tr("Saved; `condafleet plan run {path}` runs it", path=printable(str(path))))

    # Counting

    def action_count(self) -> None:
        """Count the disks of the marked rows' hosts, or of the row's."""
        self.count_rows(self.targets())

    def count_rows(self, keys: Sequence[Hashable]) -> None:
        """Count the disks of the hosts of *keys*."""
        begun = self.app.disks.count(self.hosts_of(keys))
        # The mark of a host that was not counted has done its duty: what is marked from now on are things.
        self.marks.drop([key for key in keys if not disk.is_thing(key)])
        if len(begun) == 1:
            self.app.tell(tr("Counting the disk of {host}", host=begun[0]))
        elif begun:
            self.app.tell(trn("Counting {n} host", "Counting {n} hosts", len(begun)))

    def refresh_rows(self, keys: Sequence[Hashable]) -> None:
        """Count anew: that is what is shown here."""
        self.count_rows(keys)
