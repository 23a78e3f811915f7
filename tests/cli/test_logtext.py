"""A log as plain lines: what its terminal showed, harmless, however it is cut into pieces."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.remote.recordings import recordings
from tui.cli.logtext import HELD, LogText
from tui.domain.redact import PLACEHOLDER


def lines(*pieces: bytes) -> list[str]:
    text = LogText()
    found = [line for piece in pieces for line in text.feed(piece)]
    return [*found, *text.finish()]


@pytest.mark.parametrize(
    ("log", "wanted"),
    [
        (b"", []),
        (b"one\r\ntwo\n\nlast", ["one", "two", "", "last"]),
        (b"  1%\r 50%\r100%\r\ndone\r\n", ["100%", "done"]),
        (b"longer\rab\n", ["abnger"]),
        (b"longer\r\x1b[Kab\n", ["ab"]),
        (b"Solving: |\b/\b-\b\\\bdone\n", ["Solving: done"]),
        (b"\x1b[31mred\x1b[0m\n", ["red"]),
        (b"\x1b]0;owned\x07x\x1b]8;;http://h\x1b\\y\n", ["xy"]),
        (b"a 1\nb 1\n\x1b[2Aa 2\nb 2\n", ["a 1", "b 1", "a 2", "b 2"]),
        (b"x\n\x1b[1Aa 1\nb 1\n\x1b[2A\x1b[2Ka 2\nb 2\n", ["x", "a 2", "b 2"]),
        (b"tab\there \x00\xff\xc3\xa9\n", ["tab     here \\x00\\xffé"]),
        (b"https://ada:hunter22@h/x\n", [f"https://{PLACEHOLDER}@h/x"]),
        (b"\x1b[99999999999Cx\x1b[5000Cy\n", None),
    ],
)
def test_what_is_left_is_what_stood_there(log: bytes, wanted: list[str] | None) -> None:
    found = lines(log)
    assert wanted is None or found == wanted


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [b"\x1b[", b"2A", b"K", b"\n", b"\r", b"\b", b"\x1b]0;", b"\x07", b"text", b"\xe8\xae", b"\xad"]
        ),
    ),
    max_size=40,
)


@given(PIECES)
def test_nothing_of_it_harms_and_the_cuts_change_nothing(pieces: list[bytes]) -> None:
    found = lines(*pieces)
    assert found == lines(b"".join(pieces))
    for line in found:
        # Joiners make one glyph out of several, and what is private or unassigned a terminal does not obey.
        obeyed = (char for char in line if char not in "\u200c\u200d")
        assert not {unicodedata.category(char) for char in obeyed} & {"Cc", "Cf", "Cs"}, line


def test_what_waits_to_be_drawn_over_is_bounded() -> None:
    text = LogText()
    assert text.feed(b"\x1b[1A" + b"x\n" * 1000) == ["x"] * (1001 - HELD)
    assert text.feed(b"y" * 10_000_000)[:1] == ["x"]


def test_bars_of_real_tools_become_few_lines() -> None:
    create = recordings("conda-26.7.1")["12"]
    found = lines(create.stdout.encode())
    assert sum("Downloading" in line for line in found) == 1
    assert "Executing transaction: done" in found and len(found) < 80
