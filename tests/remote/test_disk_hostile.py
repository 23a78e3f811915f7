"""A host that lies about its disk gets a fault: never a wrong kind of number, never an exception, never much memory."""

from __future__ import annotations

import base64
import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.remote.answers import answer
from tests.remote.shells import ShellConnection
from tui.domain.cacheusers import UsersSeen
from tui.domain.diskplaces import DiskPlace, PlaceKind
from tui.domain.disktable import DiskTable, OwnerState, Row
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.remote import disk
from tui.remote.disk import ask_disk
from tui.remote.diskanswer import DiskAnswer, DiskAnswerError
from tui.remote.lane import Lane
from tui.remote.wire import Record, records

PLACES = (DiskPlace(PlaceKind.ENVIRONMENT, "/e"), DiskPlace(PlaceKind.CACHE, "/p"), DiskPlace(PlaceKind.OTHER, "/o"))
GOOD = b"8 8\n2 - 1 1\nW 01 3 1\n04 - 5 2"
HEAD = (
    ("place", 0, "y", "", "7", ""),
    ("place", 1, "y", "", "7", "/real"),
    ("place", 2, "y", "", "9", ""),
    ("device", "7", "/", "ext4", ""),
    ("device", "9", "/o", "xfs", ""),
)


def read(*items: tuple[str | bytes | int, ...], text: bytes = GOOD, form: str = "p") -> DiskTable:
    reader = DiskAnswer(PLACES)
    for record in records(answer(*(items or HEAD), ("table", form, text), ("end",))):
        reader.take(record)
    if not reader.whole:
        raise DiskAnswerError("not whole")
    return reader.table(UsersSeen())


def test_a_good_answer_is_read_in_every_form() -> None:
    table = read()
    assert [row for row in table.rows if row.owners == 2] == [Row(2, 0, 8 * 512, 1)]
    assert len(table.rows) == 3
    packed = base64.b64encode(zlib.compress(GOOD))
    assert read(text=packed, form="z") == table
    compressor = zlib.compressobj(wbits=31)
    assert read(text=base64.b64encode(compressor.compress(GOOD) + compressor.flush()), form="g") == table


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"9 8\n2 - 1 1",
        b"8 7\n2 - 1 1",
        b"8 8\n2 - 1",
        b"8 8\n2 - -1 1",
        b"8 8\n2 - 1 x",
        b"8 8\n2 - 9999999999999999999 1",
        b"8 8\n- - 1 1",
        b"8 8\n1 - 1 1",
        b"8 8\n\xff - 1 1",
        b"8 8\n2!! - 1 1",
        b"8 8\n" + b"_" * 1000 + b" - 1 1",
        b"8 8\n00_ - 1 1",
        b"8 8\n26 - 1 1",  # links of one file on two devices
        b"8 8\n2 00_ 1 1",
        b"8 8\n2 - \xd9\xa3 1",
        b"8 8\n\n2 - 1 1",
    ],
)
def test_a_table_that_makes_no_sense_is_refused(text: bytes) -> None:
    with pytest.raises(DiskAnswerError):
        read(text=text)


@pytest.mark.parametrize(
    "items",
    [
        (("place", 3, "y", "", "7", ""), *HEAD),
        (("place", -1, "y", "", "7", ""), *HEAD),
        (("place", "x", "y", "", "7", ""), *HEAD),
        (("place", 0), *HEAD),
        (("place", 0, "q", "", "", ""), *HEAD),
        (HEAD[0], *HEAD),
        (("noticed", 99, 1, 1, 1), *HEAD),
        HEAD[:3],
        HEAD[1:],
        (("place", 0, "s", 99, "", ""), *HEAD[1:]),
        (("place", 0, "s", "", "", ""), *HEAD[1:]),
        (("place", 0, "s", 0, "", ""), *HEAD[1:]),
        (("place", 0, "n", "", "", ""), *HEAD[1:]),  # the table has a row of a place that is not there
    ],
)
def test_places_that_make_no_sense_are_refused(items: tuple[tuple[str | bytes | int, ...], ...]) -> None:
    with pytest.raises(DiskAnswerError):
        read(*items)


def test_a_use_by_what_is_not_there_is_refused() -> None:
    items = (*HEAD[:2], ("place", 2, "n", "", "", ""), *HEAD[3:])
    assert read(*items, text=b"8 8\nW 2 3 1").rows
    with pytest.raises(DiskAnswerError):
        read(*items, text=b"8 8\nW 04 3 1")


def test_a_table_that_unpacks_to_gigabytes_is_refused() -> None:
    compressor = zlib.compressobj(9)
    packed = b"".join(compressor.compress(b"0" * (1 << 20)) for _ in range(64)) + compressor.flush()
    with pytest.raises(DiskAnswerError, match="too large"):
        read(text=base64.b64encode(packed), form="z")


def test_paths_and_numbers_of_a_host_are_bounded() -> None:
    noise: list[tuple[str | bytes | int, ...]] = [("mounted", 0, f"/m{number}") for number in range(500)]
    noise += [("device", f"d{number}", "/", "ext4", "") for number in range(5000)]
    table = read(*HEAD, *noise, ("noticed", 0, "-5", "9" * 30, "x"))
    assert len(table.owners[0].mounts) == 20
    assert len(table.devices) <= 1000
    assert (table.owners[0].unreadable, table.owners[0].changed, table.owners[0].crossed) == (0, 0, 0)


def test_an_environment_that_is_also_a_cache_is_counted_once() -> None:
    table = read(HEAD[0], ("place", 1, "s", 0, "", ""), HEAD[2], *HEAD[3:], text=b"8 8\n2 - 1 1")
    assert {owner.state for owner in table.owners[1:7]} == {OwnerState.SAME}
    assert table.freed([2]).bytes == 0
    assert table.freed([0]).bytes == 4096


WORDS = st.sampled_from(["y", "n", "s", "l", "x", "7", "9", "", "0", "1", "2", "-", "z", "p", "g", "/", "8 8\n2 - 1 1"])
TAGS = st.sampled_from(["place", "noticed", "mounted", "device", "table", "end", "strange"])


@given(st.lists(st.tuples(TAGS, st.lists(WORDS | st.binary(max_size=6), max_size=6)), max_size=15))
def test_noise_gives_a_table_or_the_one_error(noise: list[tuple[str, list[str | bytes]]]) -> None:
    reader = DiskAnswer(PLACES)
    try:
        for tag, words in noise:
            fields = tuple(word if isinstance(word, bytes) else word.encode() for word in words)
            reader.take(Record(tag, fields))
        if reader.whole:
            table = reader.table(UsersSeen())
            for number in range(len(table.owners)):
                table.holding(number)
    except DiskAnswerError:
        pass


@given(st.binary(max_size=60))
def test_noise_as_a_table_gives_a_table_or_the_one_error(noise: bytes) -> None:
    for text, form in ((noise, "p"), (noise, "z"), (b"8 8\n" + noise, "p")):
        with contextlib.suppress(DiskAnswerError):
            read(text=text.replace(b"\0", b""), form=form)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (rb"printf 'not a record at all'", FaultKind.INCOMPLETE),
        (rb"printf 'not a record at all\0'", FaultKind.PROTOCOL),
        (rb"printf '=end\0000\000'", FaultKind.INCOMPLETE),
        (rb"printf '=table\0002\000p\0008 8\000=end\0000\000'", FaultKind.INCOMPLETE),
        (rb"printf '=place\0002\0009\000y\000'", FaultKind.PROTOCOL),
        (rb"printf '=missing\0001\000\033[2J\000'", FaultKind.TOOL_MISSING),
        (rb"head -c 40000000 /dev/zero | tr '\0' x", FaultKind.TOO_LARGE),
    ],
)
async def test_over_a_lane_every_lie_is_a_fault(monkeypatch: pytest.MonkeyPatch, said: bytes, kind: FaultKind) -> None:
    monkeypatch.setattr(disk, "script", lambda name: said if name == "disk_find" else b"")
    connection = ShellConnection()
    try:
        lane = await Lane.open(connection, timeout=30)
        with pytest.raises(HostFaultError) as caught:
            await ask_disk(lane, PLACES, "gpu01", timeout=30, method=disk.DiskMethod.FIND)
        assert caught.value.fault.kind is kind
        assert "\033" not in caught.value.message
    finally:
        await connection.close()
