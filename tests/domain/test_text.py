from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.text import decode, encode, parse_printed, printable


@given(st.binary(max_size=60))
def test_bytes_come_back_as_they_were(raw: bytes) -> None:
    assert encode(decode(raw)) == raw


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_the_form_printed_is_the_form_read_back(raw: bytes) -> None:
    assert encode(parse_printed(printable(decode(raw)))) == raw


@given(st.binary(max_size=60).map(decode) | st.text(st.characters(), max_size=40))
def test_nothing_printed_is_obeyed_by_a_terminal(text: str) -> None:
    for char in printable(text):
        assert char in "\u200c\u200d" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet="\\x0aAfz41", max_size=20))
def test_any_words_of_a_person_are_read_without_an_error(text: str) -> None:
    assert parse_printed(printable(parse_printed(text))) == parse_printed(text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain name", "plain name"),
        (b"a\\b", "a\\\\b"),
        (b"a\nb", "a\\x0ab"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("环境 é".encode(), "环境 é"),
        ("a\u202eb".encode(), "a\\xe2\\x80\\xaeb"),
        (b"\x1b]52;c;x\x07", "\\x1b]52;c;x\\x07"),
        (b"\\x41", "\\\\x41"),
    ],
)
def test_printed_forms(raw: bytes, shown: str) -> None:
    assert printable(decode(raw)) == shown


def test_a_lone_backslash_stands_for_itself() -> None:
    assert parse_printed("a\\b\\") == "a\\b\\"
    assert parse_printed("\\xg0") == "\\xg0"
    assert parse_printed("\\xc3\\xa9") == "é"


def test_lone_surrogates_that_are_no_bytes_are_shown_too() -> None:
    assert printable("\ud800") == "\\xed\\xa0\\x80"
