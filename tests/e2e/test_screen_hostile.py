"""The screen over hostile hosts, in a real terminal: no byte of theirs gets through, no row loses its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from rich.cells import cell_len

from tests.e2e.condafleet_command import PROGRAM
from tests.e2e.hostile_fleet import Battlefield, battlefield
from tests.e2e.tmux_screen import TmuxScreen, stray

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((200, 50), id="200x50")]
HOSTS = (
    "escapes", "bidi", "longname", "quotes", "latin", "suffixed", "words", "longend", "far", "before",
    "goodbye", "ends", "goodbye-first", "web-server", "banner", "lines",
)  # fmt: skip
EDGE = "▏"


@pytest.fixture(scope="module")
def field_of_battle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Battlefield]:
    with battlefield(tmp_path_factory.mktemp("screen")) as field:
        yield field


def in_place(screen: TmuxScreen) -> None:
    """Top, bottom and the edge of the detail are where they belong."""
    columns, rows = screen.size
    picture = screen.picture()
    assert len(picture) == rows
    assert picture[0].startswith(" 1 Fleet"), picture[0]
    assert "? Keys  q Quit" in picture[-1], picture[-1]
    assert max(map(cell_len, picture)) <= columns
    if columns >= 120:
        edges = {cell_len(row.split(EDGE)[0]) for row in picture[3:-3]}
        assert len(edges) == 1 and picture[5].count(EDGE) == 1, "\n".join(picture)


def mode(screen: TmuxScreen, key: str, *words: str) -> None:
    """Press *key* until *words* are seen: one pressed while a view is still closing belongs to that view."""
    for _ in range(15):
        screen.keys(key)
        try:
            screen.wait(lambda text: all(word in text for word in words), 2)
            return
        except AssertionError:
            continue
    screen.wait(lambda text: all(word in text for word in words))


@pytest.mark.parametrize("size", SIZES)
def test_nothing_of_a_hostile_host_reaches_the_terminal(field_of_battle: Battlefield, size: tuple[int, int]) -> None:
    command = field_of_battle.command(HOSTS)
    with TmuxScreen(*size, command.env) as screen:
        screen.start([*PROGRAM, "--config", command.config])
        screen.wait(lambda text: re.search(r"good +● up", text) and re.search(r"escapes +● up", text))
        in_place(screen)
        screen.keys("G", *"kkkkkkkkkkkkk", "g", *"jjjjjjjjjjjjj")
        for key, words in (("2", ("  Environment ", "base")), ("4", ("  Session ", "Attached")), ("6", ("  Host ",))):
            mode(screen, key, *words)
            in_place(screen)
            screen.keys("G", *"kkkkk", "g", *"jjjjj")
        mode(screen, "1", "GPUs busy")
        in_place(screen)
        screen.keys("q")
        assert screen.ended(5) == 0
        screen.restored()
        raw = screen.raw
    assert b"PWN" in raw
    assert stray(raw) == set()
    for word in (b"\x1b]0;", b"\x1b]52;", b"\x1b[31mPWN", "\u009b".encode(), "\u202e".encode()):
        assert word not in raw


def test_a_hostile_question_is_shown_as_words(field_of_battle: Battlefield) -> None:
    command = field_of_battle.command(("questions",))
    with TmuxScreen(80, 24, command.env) as screen:
        screen.start([*PROGRAM, "--config", command.config])
        shown = screen.wait(lambda text: "PWN" in text and "takes keys in a moment" not in text)
        assert "[red]x[/y]" in shown or "\\x1b" in shown
        screen.keys("Escape")
        screen.wait(lambda text: "PWNED" not in text and "good" in text)
        screen.keys("q")
        assert screen.ended(5) == 0
        screen.restored()
        assert stray(screen.raw) == set()
