"""The screen in Chinese, and what holds for it in every language: no word left over, nothing out of line."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import pytest
from rich.cells import cell_len

from tests.messages import ROOT
from tests.ui.driving import front, quiet, running
from tests.ui.fake_fleet import usual_fleet
from tests.ui.test_pictures import KEY, PASSWORD, SnapCompare, app, drawn
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.domain.languages import CHINESE, ENGLISH, LANGUAGES
from tui.domain.phrases import phrase
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.secret import SecretDialog
from tui.ui.language import speak, tr, use
from tui.ui.present.cell import cell, plain, shown, wrap
from tui.ui.present.disk_detail import SLICES
from tui.ui.present.lines import LABEL

SMALL, LARGE = (80, 24), (200, 50)
sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
MODES = {"fleet": ("1", "j"), "environments": ("2", "j"), "sessions": ("4", "j"), "hosts": ("6", "j")}
VIEWS = {
    "packages": ("2", "j", "p"),
    "find": ("f", *"torch"),
    "compare": ("2", "j", "c"),
    "matrix": ("m",),
    "grouped": ("2", "b", "b", "b"),
    "sort": ("2", "space", "space", "o"),
    "history": ("2", "j", "h", "j"),
    "broken host": ("6", *"jjjj", "enter"),
    "environment": ("2", "j", "enter"),
    "session": ("4", "j", "enter"),
    "no match": ("2", "slash", *"zzz"),
    "problem": ("1", "slash", *"load>x"),
    "keys": ("1", "question_mark"),
    "palette": ("1", "colon"),
}
EVERYWHERE = {**MODES, **VIEWS}


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use(ENGLISH)


# Pictures


@sizes
@pytest.mark.parametrize("mode", MODES)
def test_each_mode_looks_as_accepted_in_chinese(snap_compare: SnapCompare, mode: str, size: tuple[int, int]) -> None:
    use(CHINESE)
    assert snap_compare(app(), terminal_size=size, run_before=drawn(*MODES[mode]))


@pytest.mark.parametrize("view", ["compare", "matrix", "keys", "broken host", "environment"])
def test_views_look_as_accepted_in_chinese(snap_compare: SnapCompare, view: str) -> None:
    use(CHINESE)
    assert snap_compare(app(), terminal_size=SMALL, run_before=drawn(*VIEWS[view]))


def test_a_host_key_question_looks_as_accepted_in_chinese(snap_compare: SnapCompare) -> None:
    use(CHINESE)
    assert snap_compare(app(), terminal_size=SMALL, run_before=drawn(dialog=lambda: HostKeyDialog(KEY)))


# What holds in every language


def painted(app: CondafleetApp) -> list[str]:
    """The lines of the terminal."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


async def visits(size: tuple[int, int]) -> AsyncIterator[tuple[str, CondafleetApp]]:
    """Every screen after the other, over one fleet, drawn."""
    async with running(usual_fleet(), size) as (screen, pilot):
        for name, keys in EVERYWHERE.items():
            await pilot.press(*keys)
            await quiet(pilot)
            yield name, screen
            await pilot.press("escape", "escape", "escape", "1", "u")
            front(screen).grouping = None
            await quiet(pilot)
        for dialog in (HostKeyDialog(KEY), SecretDialog(PASSWORD)):
            screen.push_screen(dialog)
            await quiet(pilot)
            yield type(dialog).__name__, screen
            screen.pop_screen()


@pytest.mark.parametrize(
    ("language", "size"), [(ENGLISH, (60, 18)), (ENGLISH, SMALL), (CHINESE, SMALL), (CHINESE, LARGE)]
)
async def test_nothing_breaks_in_the_layout(language: str, size: tuple[int, int]) -> None:
    """Counted in the columns that a terminal gives each character, so that nothing is shifted or wraps round."""
    use(language)
    seen = set()
    async for name, screen in visits(size):
        seen.add(name)
        wrong = {line: cell_len(line) for line in painted(screen) if cell_len(line) != size[0]}
        assert not wrong, f"{name}: {wrong}"
        grid = front(screen).grid
        cut = [
            column.title
            for column, width in zip(grid.columns, grid.widths, strict=True)
            if 0 < width < cell_len(column.title)
        ]
        assert not cut, name
        if name in MODES and size[0] >= 80:
            assert tr("Keys") in painted(screen)[-1]
            assert tr("Quit") in painted(screen)[-1]
    assert len(seen) == len(EVERYWHERE) + 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_fit_into_their_column(language: str) -> None:
    use(language)
    labels = {
        str(node.args[0].value)
        for path in (ROOT / "tui" / "ui").rglob("*.py")
        for pair in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(pair, ast.Call) and ast.unparse(pair.func) == "pair"
        for node in ast.walk(pair.args[0])
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "tr" and isinstance(node.args[0], ast.Constant)
    }
    labels |= {word for word, _ in SLICES.values()}
    assert len(labels) > 40
    assert not [label for label in labels if cell_len(tr(label)) >= LABEL]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("无应答", ["bastion-lab"]),
        ("timeout", ["bastion-lab"]),
        ("主机密钥 state:down", ["oldkey"]),
    ],
)
async def test_rows_are_found_by_the_words_shown_and_by_the_fields_of_every_language(
    words: str, found: list[str]
) -> None:
    use(CHINESE)
    async with running(usual_fleet(), SMALL) as (screen, pilot):
        front(screen).filter_bar_set(words)
        await quiet(pilot)
        assert [row.key for row in front(screen).grid.rows] == found


async def test_a_fault_below_the_screen_is_told_in_its_language(size: tuple[int, int] = SMALL) -> None:
    use(CHINESE)
    fleet = usual_fleet()
    told = phrase("The connection to {host} was lost.", host="gpu01")
    fleet.state("gpu01", HostState.WAITING, Fault(FaultKind.LOST, told, phrase("It is tried again.")))
    async with running(fleet, size) as (screen, pilot):
        assert "与 gpu01 的连接中断。  会自动重试。" in "\n".join(painted(screen))
        await pilot.press("enter")
        await quiet(pilot)
        assert "处理        会自动重试。" in "\n".join(painted(screen))


# Nothing is left untranslated


class Masked(gettext.NullTranslations):
    """A language of one letter: every word on the screen that is written otherwise was never translated."""

    def gettext(self, message: str) -> str:
        parts = re.split(r"(\{[a-z0-9_]+\})", message)
        return "".join(part if part.startswith("{") else re.sub("[A-Za-z]", "字", part) for part in parts)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)


TERMS = frozenset(
    (
        *("pip", "conda", "tmux", "GPU", "MIG", "exe", "condafleet", "ssh", "keygen", "etc", "host", "pub"),
        *(
            "PgUp",
            "PgDn",
            "Tab",
            "Esc",
            "Space",
            "torch",
            "cuda",
            "tensorflow",
            "python",
            "version",
            "import",
            "GiB",
            "MiB",
            "Del",
            "pid",
        ),
    )
)
"""Words that are the same in every language: programs, keys, what is typed, the labels of key packages."""


def words_of(thing: Any) -> Iterator[str]:
    """The words of everything that a value holds."""
    if isinstance(thing, Enum):
        yield from words_of(thing.value)
    elif isinstance(thing, str):
        yield from re.findall("[A-Za-z]{3,}", f"{thing} {shown(thing)}")
    elif is_dataclass(thing) and not isinstance(thing, type):
        for each in fields(thing):
            yield from words_of(getattr(thing, each.name))
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from words_of(key)
            yield from words_of(value)
    elif isinstance(thing, (tuple, list, set, frozenset)):
        for each in thing:
            yield from words_of(each)


async def test_every_word_on_the_screen_is_translated_or_data() -> None:
    fleet = usual_fleet()
    data = set(TERMS) | set(words_of(KEY)) | set(words_of(PASSWORD))
    for view in fleet.store.hosts():
        data |= set(words_of(view.snapshot)) | set(words_of(view.facts)) | set(words_of(view.spec))
        data |= set(words_of(view.fault)) | set(words_of(fleet.store.log(view.name)))
        for env in view.snapshot.environments.value or ():
            data |= {word for package in env.packages.packages for word in words_of(package)}
    speak(Masked())
    left: dict[str, set[str]] = {}
    async for name, screen in visits((230, 60)):
        seen = set(re.findall("[A-Za-z]{3,}", "\n".join(painted(screen))))
        typed = "".join(key for key in EVERYWHERE.get(name, ()) if len(key) == 1)
        # Of a name that was cut short the beginning is left.
        words = {word for word in seen - data if not any(known.startswith(word) for known in data)}
        words -= {word for word in words if word in typed}
        if words and name != "palette":  # which shows a command's English name beside the other
            left[name] = words
    assert left == {}


# Lines of Chinese


@pytest.mark.parametrize("columns", [2, 5, 8, 13, 24, 26, 33, 40, 59])
def test_lines_of_chinese_break_where_readers_expect_it(columns: int) -> None:
    text = "gpu01 的主机密钥无法保存到 /home/ada/known_hosts：已拒绝。下次（启动）会“再次”询问，深度学习-微调。"
    lines = [plain(line) for line in wrap(cell(text), columns)]
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line.rstrip(" ")) <= columns for line in lines)
    if columns > 23:  # else the path has to be broken, and what closes stands where it may
        assert not [line for line in lines if line[0] in "，。：）”"]
        assert not [line for line in lines if line.rstrip(" ")[-1] in "（“"]


def test_what_is_no_chinese_is_broken_at_blanks_as_before() -> None:
    assert [plain(line) for line in wrap(cell("run-👩‍🔬-🚀 is a name"), 13)] == ["run-👩‍🔬-🚀 is ", "a name"]
