"""A task's log as a terminal would have drawn it."""

from __future__ import annotations

import json
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.ui.present import logscreen
from tui.ui.present.logscreen import PLAIN, Ink, LogScreen

DATA = Path(__file__).resolve().parents[1] / "data"


def drawn(*parts: bytes) -> LogScreen:
    log = LogScreen()
    for part in parts:
        log.feed(part)
    return log


def lines(log: LogScreen) -> list[str]:
    return [log.text(index) for index in range(len(log))]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"one\r\ntwo\n", ["one", "two", ""]),
        (b" 10%\r 90%\r100%", ["100%"]),
        (b"a\nb\n\x1b[2A\x1b[KA\n", ["A", "b", ""]),
        (b"a\n\x1b[9999Ax", ["x", ""]),
        (b"long line\r\x1b[Kshort", ["short"]),
        (b"solving: |\b/\b-\bdone", ["solving: done"]),
        (b"a\tb", ["a       b"]),
        (b"one\ntwo\x1b[1A\x1b[0J", ["one"]),
        (b"abc\x1b[1Dx\x1b[3Gy", ["aby"]),
        (b"a\x1b[1Kb", [" b"]),
        (b"\x1b]0;title\x07text\x1b[?25l\x1b[2J\x1b[1;1Hon", ["texton"]),
        (b"\x1bPpayload\x1b\\x\x1b(By\x1bcz", ["xyz"]),
        ("深度\r学".encode(), ["学度"]),
        ("深度\rx".encode(), ["x 度"]),
        ("e\u0301x".encode(), ["e\u0301x"]),
        ("a\u202eb".encode(), [r"a\xe2\x80\xaeb"]),
        (b"bad \xff \\ \x07.", [r"bad \xff \ ."]),
        (b"\x9b31mred", [r"\x9b31mred"]),
    ],
)  # fmt: skip
def test_what_was_drawn_is_shown(raw: bytes, shown: list[str]) -> None:
    assert lines(drawn(raw)) == shown


def test_only_colours_are_kept_and_none_that_hides_text() -> None:
    log = drawn(b"\x1b[1;31mred\x1b[0m \x1b[38;5;208mo\x1b[38;2;1;2;3mrgb\x1b[7;8;5mx\x1b[mend")
    assert log.line(0) == [
        ("red", Ink(front=1, bold=True)), (" ", PLAIN), ("o", Ink(front=208)), ("rgb", Ink(front=(1, 2, 3))),
        ("x", Ink(front=(1, 2, 3), reverse=True)), ("end", PLAIN),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["conda-26.7.1/12-create-tty-progress", "micromamba-2.8.1/027-create-tty-progress"])
def test_the_bars_of_real_tools_end_where_they_do_on_a_terminal(name: str) -> None:
    raw = json.loads((DATA / f"{name}.json").read_text())["stdout"].encode()
    whole = lines(drawn(raw))
    assert whole == lines(drawn(*(raw[at : at + 7] for at in range(0, len(raw), 7)))), "in any pieces"
    assert "Executing transaction: done" in whole or "Transaction finished" in whole
    assert sum("%" in line for line in whole) == 0, "a bar that is over is gone"
    assert len(whole) < 80


control = st.sampled_from(
    ["\x1b[A", "\x1b[2K", "\r", "\n", "\x1b[31m", "\b", "\x1b[", "\x1b]0;", "\x07", "深", "\x1b[J", "e\u0301", "\u202e"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(control, st.text(max_size=8)), max_size=30), st.integers(1, 9), st.integers(2, 12))
def test_any_bytes_in_any_pieces_give_the_same_harmless_lines(parts: list[str], step: int, room: int) -> None:
    raw = "".join(parts).encode("utf-8", "surrogatepass")
    log, pieces = drawn(raw), drawn(*(raw[at : at + step] for at in range(0, len(raw), step)))
    assert lines(log) == lines(pieces)
    for index in range(len(log)):
        assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in log.text(index))
        starts = [*log.breaks(index, room), log.width(index)]
        assert all(0 <= stop - start <= room for start, stop in pairwise(starts))


def test_an_endless_log_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logscreen, "MOST_LINES", 100)
    log = drawn(b"".join(b"line %d\n" % number for number in range(1000)), b"x" * 5000)
    assert len(log) + log.forgotten == 1001
    assert len(log) < 111
    assert log.text(len(log) - 2) == "line 999"
    assert log.width(len(log) - 1) == logscreen.MOST_COLUMNS
