from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.remote.wire import Record, WireError, records

FIELDS = st.lists(st.binary(max_size=12).map(lambda raw: raw.replace(b"\0", b"")), max_size=4)
TAGS = st.text("abc-", min_size=1, max_size=5)


def written(tag: str, fields: list[bytes]) -> bytes:
    return b"\0".join([f"={tag}".encode(), str(len(fields)).encode(), *fields, b""])


@given(st.lists(st.tuples(TAGS, FIELDS), max_size=5))
def test_what_was_written_is_read_back(items: list[tuple[str, list[bytes]]]) -> None:
    body = b"".join(written(tag, fields) for tag, fields in items)
    assert [(record.tag, list(record.fields)) for record in records(body)] == items


@given(st.lists(st.tuples(TAGS, FIELDS), min_size=1, max_size=4), st.data())
def test_a_truncated_answer_gives_the_records_before_the_cut(
    items: list[tuple[str, list[bytes]]], data: st.DataObject
) -> None:
    parts = [written(tag, fields) for tag, fields in items]
    body = b"".join(parts)
    cut = data.draw(st.integers(0, len(body)))
    whole = 0
    while whole < len(parts) and sum(map(len, parts[: whole + 1])) <= cut:
        whole += 1
    assert len(list(records(body[:cut]))) == whole


@given(st.binary(max_size=80))
@settings(max_examples=300)
def test_noise_is_records_or_an_error_and_nothing_else(body: bytes) -> None:
    try:
        found = list(records(body))
    except WireError:
        return
    assert all(isinstance(record, Record) for record in found)


@pytest.mark.parametrize(
    "body",
    [
        b"env\x000\x00",
        b"=env\x00x\x00",
        b"=env\x00-1\x00",
        b"=env\x0099999999\x00",
        b"=" + b"e" * 80 + b"\x000\x00",
        b"\0",
    ],
)
def test_what_is_no_record_is_an_error(body: bytes) -> None:
    with pytest.raises(WireError):
        list(records(body))


def test_nothing_is_no_record() -> None:
    assert list(records(b"")) == []
    assert list(records(b"=env")) == []


def test_numbers_are_read_strictly() -> None:
    record = Record("x", (b" 12 ", b"-3", b"1e9", b"", b"9" * 19, b"1.5", b"nan", b"1.2.3", "٣".encode(), b"--1"))
    assert [record.integer(at) for at in range(11)] == [12, -3, None, None, None, None, None, None, None, None, None]
    assert [record.number(at) for at in range(11)] == [
        12,
        -3,
        None,
        None,
        float("9" * 19),
        1.5,
        None,
        None,
        None,
        None,
        None,
    ]


def test_text_is_exact_and_empty_is_unknown() -> None:
    record = Record("x", (b"a\xff", b""))
    assert record.text(0) == "a\udcff"
    assert record.text(1) is None
    assert record.text(2) is None
