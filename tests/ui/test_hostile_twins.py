"""With every string of the hosts hostile, pictures stay the same, but for the very cells of the strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import Input

from tests.ui.driving import quiet, running
from tests.ui.hostile_twins import FILLER, Picture, Word, change, differences, hostile, picture, plain, twin
from tui.domain.text import printable
from tui.ports import HostKeyQuestion, SecretKind, SecretQuestion
from tui.ui.dialogs.change import ChangeDialog
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.message import failure
from tui.ui.dialogs.secret import SecretDialog

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
    ("sessions", ("escape", "4", "j")),
    ("the detail of a session", ("enter",)),
    ("tasks", ("escape", "5")),
    ("a task that waits", ("j",)),
    ("the detail of a task that was refused", ("j", "enter")),
    ("hosts", ("escape", "6", "j")),
    ("the log of a host", ("enter",)),
    ("a package on the fleet", ("escape", "f", *"pytorch")),
)
"""What is looked at, one after the other, and the keys that lead there."""

DIALOGS: dict[str, Callable[[Word], Any]] = {
    "a host key": lambda word: HostKeyDialog(
        HostKeyQuestion("alpha", word(0), 22, word(1), word(2), f"/home/ada/{word(3)}")
    ),
    "a secret": lambda word: SecretDialog(SecretQuestion("alpha", SecretKind.INTERACTIVE, word(4), word(5), attempt=2)),
    "a change": lambda word: ChangeDialog(change(word)),
    "a failure": lambda word: failure(f"Could not {printable(word(6))}", printable(word(7)), printable(word(8))),
}


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


def test_a_word_that_paints_moves_or_widens_would_be_found() -> None:
    def of(*lines: str, style: str = "bold") -> Picture:
        return Picture(tuple(map(tuple, lines)), tuple(tuple([style] * len(line)) for line in lines))

    assert not differences(of(f"a {FILLER} b"), of("a [ b"))
    assert differences(of(f"a {FILLER} b"), of("a [  "))
    assert differences(of(f"a {FILLER} b"), of("a [ b", style="red"))
    assert differences(of(f"a {FILLER} b"), of("a [ b "))
    assert differences(of("a"), of("a", "b"))
