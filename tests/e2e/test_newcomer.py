"""A newcomer's first ten minutes: the demo fleet in a real terminal, from the first row to leaving."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.condafleet_command import PROGRAM, Command
from tests.e2e.tmux_screen import TmuxScreen, stray

SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((200, 50), id="200x50")]
UP = ("gpu01", "gpu02", "cpu01", "lab", "v100-old")
LOOK_S = 20.0
"""What a newcomer would wait for a picture before trying something else, on a machine with better things to do."""


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the demo may put its folder: a short path, because sockets lie below it."""
    folder = Path(tempfile.mkdtemp(prefix="cf-new-", dir="/tmp"))
    yield folder
    left = left_of(folder)  # after a failure the demo takes itself away first
    shutil.rmtree(folder, ignore_errors=True)
    assert not left


class Newcomer:
    """Somebody who presses keys and reads the screen."""

    def __init__(self, screen: TmuxScreen) -> None:
        self.screen = screen

    def press(self, *keys: str) -> None:
        """Press keys."""
        self.screen.keys(*keys)

    def sees(self, *wanted: str, without: str = "") -> str:
        """Wait until all patterns match the screen, line by line, and *without* does not; the screen."""
        return self.screen.wait(
            lambda text: (
                all(re.search(each, text, re.MULTILINE) for each in wanted)
                and not (without and re.search(without, text, re.MULTILINE))
            ),
            LOOK_S,
        )

    def filters(self, words: str, left: str) -> None:
        """Type a filter and read how many rows are left, while typing and in the table."""
        self.press("/")
        self.sees("^ ?/")
        self.screen.type(words)
        self.sees(rf"/{re.escape(words)}.* {left}")  # how it may go on is offered right behind the words
        self.press("Enter")
        self.sees("q Quit|\\? Keys")

    def looks_into(self, title: str) -> None:
        """Go into the detail of the row, which is about *title*, and come back to the table."""
        self.press("Enter")
        self.sees(rf"(^|▏|› ) ?{title} +on ")
        self.press("Escape")


def reads_the_fleet(person: Newcomer) -> None:
    person.sees("^ ?1 Fleet", *(rf"^ +{host} +● up" for host in UP), "5 of 6 up")
    person.sees("gpu01: ada@127.0.0.1")
    person.press("j")
    person.sees("gpu02: ada@127.0.0.1")
    person.press("G")
    person.sees("no answer", "gpu09 .* no SSH greeting")
    person.press("g")
    person.sees("gpu01: ada@127.0.0.1")
    person.press("Enter")
    person.sees("Ubuntu 22.04.5 LTS", "load, GPUs and what others hold on disks are played")
    person.press("Escape")
    person.sees(r"^ +v100-old +● up")


def filters_and_sorts(person: Newcomer) -> None:
    person.press("2")
    person.sees("36 environments on 5 hosts", "^ +cv-resnet50-exp1 +gpu01")
    person.filters("vision", r"\d of 36")
    person.sees("^ +vision +lab +in use", without="^ +serve-prod")
    person.press("Escape")
    person.sees("^ +serve-prod +gpu01")
    person.filters("host:gpu* python:3.11", "5 of 36")
    person.sees("^ +tf217 +gpu02 +ok +3.11", without="glm_finetune_gpu +gpu|cpu01")
    person.press("Escape")
    person.sees("^ +glm_finetune_gpu")
    sorts_by(person, "Python")
    falling = r"Python ?↓.*\n +base …/miniforge3 +gpu01 .* 3\.12"
    rising = r"Python ?↑.*\n +cv-resnet50-exp1 +gpu01 .*\n +py39-legacy +cpu01 "
    first, second = (falling, rising) if "↓" in person.sees(f"{falling}|{rising}") else (rising, falling)
    person.press("O")
    person.sees(second, without=first)
    sorts_by(person, "as configured")
    person.sees(r"Python .*\n +base .*\n +cv-resnet50-exp1 ", without="Python ?[↑↓]")


def sorts_by(person: Newcomer, column: str) -> None:
    """Choose a line of the dialog that asks for it."""
    person.press("o")
    shown = person.sees("Sort by", "as configured").split("\n")
    start = next(number for number, row in enumerate(shown) if "Sort by" in row) + 1
    choices = [found for row in shown[start:] if (found := re.search(r"│ +(\w[\w ]*?)( [↑↓] again.*?)? *│", row))]
    at = next((number for number, found in enumerate(choices) if found[2]), 0)
    to = [found[1] for found in choices].index(column)
    person.press(*["j"] * (to - at), *["k"] * (at - to), "Enter")
    person.sees("Environment", without="Sort by")


def compares_two(person: Newcomer) -> None:
    person.filters("name:llm-train", "3 of 36")
    person.press("g", "Space")
    person.sees("1 marked")
    person.press("Space")
    person.sees("2 marked, .*on 2 hosts")
    person.press("c")
    person.sees(
        "Environments › Compare", "gpu02:llm-train against gpu01:llm-train",
        r"^ +accelerate +version.* 1\.0\.1 .* 0\.31\.0",
        r"^ +flash-attn +only left",
    )  # fmt: skip
    person.press("Escape")
    person.sees("2 marked")
    person.press("u", "Escape", "g")
    person.sees("^ +serve-prod", without="marked")


def finds_a_package(person: Newcomer) -> None:
    person.press("f")
    person.sees("Find a package", "Type the name of a package")
    person.screen.type("pytorch<2.5")
    person.sees("3 versions in 9 environments on 4 hosts", r"^ +pytorch +1\.13\.1 +gpu01 +cv-resnet50-exp1")
    person.press("Enter", "j", "Enter")
    person.sees("2 Env(ironment)?s", "^ +serve-prod +gpu01")
    person.looks_into("glm_finetune_gpu")
    person.press("m")
    person.sees("Names by hosts", r"^ +llm-train +3 differ, 3 hosts +A +B", "A:? (what )?most")
    person.press("Escape")
    person.sees("^ ?1 Fleet", "^ +serve-prod +gpu01")


def visits_a_session(person: Newcomer) -> None:
    person.press("4")
    person.sees("6 sessions on 5 hosts", "^ +sweep +gpu02 .*ended", "^ +eval +gpu01")
    person.press("g", "j")
    person.looks_into("eval")
    person.press("a")
    person.sees(r"\[eval\]", without="1 Fleet")
    person.press("C-b", "d")
    person.sees("^ ?1 Fleet", "^ +train-llm +gpu01")
    person.looks_into("eval")
    person.press("s")
    person.sees(r"[$#]\s*\Z", without="1 Fleet")
    person.screen.type("pwd; echo $((40+2))runs")
    person.press("Enter")
    person.sees("/gpu01/home/ada$", "^42runs", without="1 Fleet")
    person.screen.type("exit")
    person.press("Enter")
    person.sees("^ ?1 Fleet", "^ +train-llm +gpu01")
    person.looks_into("eval")


def asks_for_help(person: Newcomer) -> None:
    person.sees("^ +train-llm +gpu01")
    person.press("?")
    person.sees("Keys of Sessions", "Attach to the tmux session")
    person.press("Escape")
    person.sees("^ +train-llm +gpu01", without="Keys of Sessions")
    person.press(":")
    person.sees("Attach +\\(a\\)")
    person.screen.type("hosts")
    person.sees("Hosts +\\(6\\)", without="Attach +\\(a\\)")
    person.press("Enter")
    person.sees("Reached as", "^ +gpu09")
    for number, words in {
        "1": "GPUs",
        "2": "36 environments",
        "4": "6 sessions",
        "6": "Reached as",
        "1 ": "GPUs",
    }.items():
        person.press(number.strip())
        person.sees(words, f"{number.strip()} [FESH]")


@pytest.mark.parametrize("size", SIZES)
def test_a_newcomer_finds_the_way_in_around_and_out(size: tuple[int, int], place: Path, tmp_path: Path) -> None:
    command = Command(tmp_path, {})
    with TmuxScreen(*size, {**command.env, "TMPDIR": str(place), "TMUX_TMPDIR": str(tmp_path)}) as screen:
        person = Newcomer(screen)
        screen.start([*PROGRAM, "demo"])
        reads_the_fleet(person)
        filters_and_sorts(person)
        compares_two(person)
        finds_a_package(person)
        visits_a_session(person)
        asks_for_help(person)
        person.press("q")
        assert screen.ended(20) == 0
        screen.restored()
        assert stray(screen.raw) <= {"\x1b", "\x07"}, "only what tmux itself writes"
        assert left_of(place, limit=2) == []
    assert not (tmp_path / "home" / ".config").exists()


def left_of(place: Path, limit: float = 30) -> list[Path]:
    """The processes and folders of a demo in *place* that are still there after *limit* seconds; none as a rule."""
    deadline = time.monotonic() + limit
    while left := [*place.iterdir(), *(pid for pid in Path("/proc").glob("[0-9]*") if belongs(pid, place))]:
        if time.monotonic() > deadline:
            return left
        time.sleep(0.05)
    return []


def belongs(pid: Path, place: Path) -> bool:
    """The process was started in *place*'s demo."""
    try:
        return b"CONDAFLEET_DEMO=" + os.fsencode(place) in (pid / "environ").read_bytes()
    except OSError:  # gone meanwhile
        return False
