"""With every string of the hosts hostile, pictures stay the same, but for the very cells of the strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Input

from tests.ui.driving import front, quiet, running
from tests.ui.fake_fleet import fault
from tests.ui.hostile_disks import Word, asides, ready, report
from tests.ui.hostile_twins import FILLER, Picture, change, differences, hostile, picture, plain, twin
from tui.domain.changes import Change, ChangeKind, Prepared
from tui.domain.environments import Environment
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.packageindex import PackageIndex
from tui.domain.text import printable
from tui.ports import HostKeyQuestion, SecretKind, SecretQuestion
from tui.ui.dialogs.asides import AsidesDialog
from tui.ui.dialogs.change import ChangeDialog
from tui.ui.dialogs.clone import CloneDialog
from tui.ui.dialogs.export import ExportDialog
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.looking import LookingDialog
from tui.ui.dialogs.message import failure
from tui.ui.dialogs.packages import PackagesDialog
from tui.ui.dialogs.plan import PlanDialog
from tui.ui.dialogs.remove import RemoveDialog
from tui.ui.dialogs.rename import RenameDialog
from tui.ui.dialogs.report import ReportDialog
from tui.ui.dialogs.secret import SecretDialog
from tui.ui.widgets.entry import Entry

WALK: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("the fleet", ("1", "j")),
    ("a host that waits for a person", ("G",)),
    ("the detail of a host", ("g", "enter")),
    ("environments", ("escape", "2", "j")),
    ("the detail of an environment", ("enter",)),
    ("an environment that is gone", ("escape", "G")),
    ("packages", ("g", "p", "j")),
    ("a history", ("h",)),
    ("the detail of a change", ("enter",)),
    ("one name on all hosts", ("escape", "escape", "escape", "c")),
    ("two environments side by side", ("escape", "space", "c")),
    ("names by hosts", ("escape", "u", "m")),
    ("environments by install", ("escape", "b")),
    ("environments by owner", ("b",)),
    ("environments by name", ("b",)),
    ("environments in another order, marked", ("b", "O", "g", "space", "space")),
    ("a name that was copied", ("u", "y")),
    ("a filter", ("slash", *"listed")),
    ("disks", ("escape", "3")),
    ("an environment on a disk", ("g", "j")),
    ("the detail of an environment on a disk", ("enter",)),
    ("what other tools keep", ("escape", "slash", *"what:other", "enter")),
    ("why it does not go", ("enter",)),
    ("disks by file system", ("escape", "escape", "b")),
    ("disks by kind", ("b",)),
    ("a disk whose other caches are not known", ("b", "slash", *"host:beta", "enter", "enter")),
    ("all of it marked", ("escape", "escape", "asterisk")),
    ("sessions", ("u", "4", "j")),
    ("the detail of a session", ("enter",)),
    ("tasks", ("escape", "5")),
    ("a task that waits", ("j",)),
    ("the detail of a task that was refused", ("j", "enter")),
    ("the log of a task", ("l",)),
    ("what this machine remembers", ("escape", "escape", "h", "j")),
    ("the detail of a memory", ("enter",)),
    ("hosts", ("escape", "escape", "6", "j")),
    ("the log of a host", ("enter",)),
    ("a package on the fleet", ("escape", "f", *"pytorch")),
    ("a form", ("escape", "escape", "2", "g", "plus")),
    ("a name that a form offers", tuple("04")),
    ("a package that a form offers", ("ctrl+u", "enter", "enter", *"05")),
    ("commands for a row", ("escape", "colon", *"copy")),
)
"""What is looked at, one after the other, and the keys that lead there."""

DIALOGS: dict[str, Callable[[Word], Any]] = {
    "a host key": lambda word: HostKeyDialog(
        HostKeyQuestion("alpha", word(0), 22, word(1), word(2), f"/home/ada/{word(3)}")
    ),
    "a secret": lambda word: SecretDialog(SecretQuestion("alpha", SecretKind.INTERACTIVE, word(4), word(5), attempt=2)),
    "a change": lambda word: ChangeDialog(change(word)),
    "a plan": lambda word: PlanDialog(ready(twin(word), word), set()),
    "what became of a plan": lambda word: ReportDialog(report(twin(word), word)),
    "what was put aside": lambda word: AsidesDialog(asides(word), [printable(word(7))]),
    "packages to be installed": lambda word: PackagesDialog(
        ChangeKind.INSTALL, twin(word), PackageIndex(), envs(word)[:1]
    ),
    "packages to be uninstalled": lambda word: PackagesDialog(
        ChangeKind.UNINSTALL,
        twin(word),
        PackageIndex(),
        envs(word),
        {(env.host, env.prefix) for env in envs(word)[2:4]},
    ),
    "a removal": lambda word: RemoveDialog(twin(word), envs(word)),
    "a copy": lambda word: CloneDialog(twin(word), envs(word)[0]),
    "a file to be made again from": lambda word: ExportDialog(envs(word)[1]),
    "another name": lambda word: RenameDialog(twin(word), envs(word)[1]),
    "what is being looked at": lambda word: LookingDialog(
        [Change(ChangeKind.REMOVE, env.host, env.prefix, name=env.name) for env in envs(word)[:4]],
        lambda change: unlooked(change, word),
    ),
    "a failure": lambda word: failure(f"Could not {printable(word(6))}", printable(word(7)), printable(word(8))),
}


def envs(word: Word) -> list[Environment]:
    """The environments of a host."""
    return [env for env in twin(word).store.environments() if env.host == "alpha"]


async def unlooked(change: Change, word: Word) -> Prepared:
    """The look at it fails."""
    raise HostFaultError(fault(FaultKind.LOST, printable(word(8)), printable(word(9))))


async def album(word: Word, size: tuple[int, int]) -> dict[str, Picture]:
    """A picture of everything."""
    pictures = {}
    async with running(twin(word), size) as (app, pilot):
        for name, keys in WALK:
            await pilot.press(*keys)
            await quiet(pilot)
            for field in app.screen.query(Input):
                field.cursor_blink = False
            pictures[name] = picture(app)
        for name, dialog in DIALOGS.items():
            app.push_screen(dialog(word))
            await quiet(pilot)
            for field in app.screen.query(Input):
                field.cursor_blink = False
            pictures[name] = picture(app)
            app.pop_screen()
    return pictures


@pytest.mark.timeout(400)
@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
async def test_hostile_hosts_change_nothing_but_the_cells_of_their_words(size: tuple[int, int]) -> None:
    harmless, harmful = await album(plain, size), await album(hostile, size)
    for name in harmless:
        assert FILLER in harmless[name].text, f"{name}: nothing of the hosts is in it"
    assert not {name: found for name in harmless if (found := differences(harmless[name], harmful[name]))}


async def test_a_package_is_offered_by_what_can_be_its_name_alone() -> None:
    async with running(twin(hostile), (120, 40)) as (app, pilot):
        await pilot.press("f", *"05")
        await quiet(pilot)
        assert front(app).completion("05") is None
        field = app.screen.query_one(Input)
        assert field.suggester is not None
        for words in ("\x1b[2J", "\u202e", "050left\u202eright"):
            offers = Entry.Offers(lambda _, words=words: words)  # type: ignore[misc]  # bound now
            assert await offers.get_suggestion("0") is None
        assert await Entry.Offers(lambda _: "\\xff 深度学习").get_suggestion("0") == "\\xff 深度学习"


def test_a_word_that_paints_moves_or_widens_would_be_found() -> None:
    def of(*lines: str, style: str = "bold") -> Picture:
        return Picture(tuple(map(tuple, lines)), tuple(tuple([style] * len(line)) for line in lines))

    assert not differences(of(f"a {FILLER} b"), of("a [ b"))
    assert differences(of(f"a {FILLER} b"), of("a [  "))
    assert differences(of(f"a {FILLER} b"), of("a [ b", style="red"))
    assert differences(of(f"a {FILLER} b"), of("a [ b "))
    assert differences(of("a"), of("a", "b"))
