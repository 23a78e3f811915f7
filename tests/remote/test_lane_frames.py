from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.remote.answers import answer
from tui.remote.lane_frames import FrameError, FrameReader, RecordReader
from tui.remote.wire import Record, WireError, records

NONCE = b"0011aa"
BITS = st.lists(
    st.sampled_from([b"\n", b"@", b"{", b"}", NONCE, b"\n@", b"\n@00", b"0\n", b"x", b"\n@0011ab}7\n"]), max_size=12
).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@given(noise=BITS, body=BITS, places=st.lists(st.integers(min_value=0), max_size=8), status=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_an_answer_is_found_however_it_is_cut(noise: bytes, body: bytes, places: list[int], status: int) -> None:
    begin, end = b"\n@" + NONCE + b"{", b"\n@" + NONCE + b"}"
    if begin in noise or end in body + end[:-1]:
        return
    frame = FrameReader(NONCE, 1000)
    out = b"".join(frame.feed(part) for part in cut(noise + begin + body + end + b"%d\n" % status, places))
    assert (out, frame.status) == (body, status)


def test_a_body_is_handed_on_as_soon_as_it_cannot_be_the_end() -> None:
    frame = FrameReader(NONCE, 100)
    assert frame.feed(b"\n@0011aa{=mount\x00") == b"=mount\x00"
    assert frame.feed(b"x\n@0011") == b"x"
    assert frame.feed(b"zz") == b"\n@0011zz"


def test_noise_without_end_is_refused() -> None:
    frame = FrameReader(NONCE, 100)
    with pytest.raises(FrameError):
        for _ in range(100):
            frame.feed(b"blah blah\n")


@pytest.mark.parametrize("end", [b"abc\n", b"\n", b"12345", b"-1\n"])
def test_a_wrong_end_is_refused(end: bytes) -> None:
    frame = FrameReader(NONCE, 100)
    with pytest.raises(FrameError):
        frame.feed(b"\n@0011aa{body\n@0011aa}" + end)


FIELDS = st.lists(st.binary(max_size=8).map(lambda raw: raw.replace(b"\0", b"")), max_size=5)


@given(items=st.lists(FIELDS, max_size=8), places=st.lists(st.integers(min_value=0), max_size=8))
@settings(max_examples=200, deadline=None)
def test_records_read_piece_by_piece_are_those_read_at_once(items: list[list[bytes]], places: list[int]) -> None:
    listed: list[list[str | bytes | int]] = [["tag", *fields] for fields in items]
    body = answer(*listed)
    reader = RecordReader(10_000)
    pieces: list[Record] = []
    for part in cut(body, places):
        pieces += reader.feed(part)
    assert pieces == list(records(body))
    assert [list(record.fields) for record in pieces] == items


@given(noise=st.binary(max_size=200), places=st.lists(st.integers(min_value=0), max_size=8))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused_or_waits_but_never_more(noise: bytes, places: list[int]) -> None:
    reader = RecordReader(1000)
    try:
        for part in cut(noise, places):
            list(reader.feed(part))
    except (WireError, FrameError):
        pass


@pytest.mark.parametrize("piece", [b"x" * 500, b"x" * 100 + b"\0", b"\0"])
def test_an_unfinished_record_is_bounded(piece: bytes) -> None:
    reader = RecordReader(10_000)
    list(reader.feed(b"=big\x009999999\x00"))
    with pytest.raises(FrameError):
        for _ in range(10_000):
            list(reader.feed(piece))
