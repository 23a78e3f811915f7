"""What a host says of cleaning is data: whatever it is, nothing breaks, and nothing that is not whole is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.remote.answers import answer
from tests.remote.shells import ShellConnection
from tests.remote.taskhost import PATIENCE_S
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.planitems import ItemKind
from tui.remote.changes import clean
from tui.remote.changes.clean import CleanRequest, CleanSaid, RemovedPart, ask_clean, clean_job, read_said
from tui.remote.freespace import ask_free
from tui.remote.lane import Lane

PART = ("part", "tarballs", "/p", "3", "4096", "2")
WORDS = st.sampled_from(
    ["part", "parts", "kept", "concern", "place", "left", "freed", "tarballs", "packages", "1", "-1"]
)


def test_what_is_whole_is_read() -> None:
    said = read_said([("parts", "1"), PART, ("left", "/x"), ("freed", "/", "1", "2", "3", "4")])
    assert said.parts == (RemovedPart(ItemKind.TARBALLS, "/p", 3, 4096, 2),)
    assert (said.whole, said.left, said.freed[0].after, said.bytes) == (True, ("/x",), 2, 4096)


@pytest.mark.parametrize(
    "line",
    [
        (*PART, "more"),
        PART[:-1],
        ("part", "everything", *PART[2:]),
        ("part", "environment", *PART[2:]),
        (*PART[:4], "-5", "2"),
        (*PART[:4], "9" * 30, "2"),
        (*PART[:4], "４", "2"),
        ("kept", "used", "tarballs", "/p", "many"),
        ("freed", "/", "1", "", "3", "4"),
    ],
)
def test_what_is_not_whole_is_not_believed(line: tuple[str, ...]) -> None:
    assert read_said([line]) == CleanSaid()


def test_where_a_part_is_missing_it_is_known() -> None:
    assert not read_said([("parts", "2"), PART]).whole
    assert not read_said([PART]).whole


@given(st.lists(st.lists(WORDS | st.text(max_size=20), max_size=8), max_size=20))
def test_no_noise_breaks_the_reader(said: list[list[str]]) -> None:
    found = read_said(said)
    assert all(part.files >= 0 and part.bytes >= 0 for part in found.parts)


def test_environments_are_no_part_of_a_cache() -> None:
    with pytest.raises(ValueError, match="no part of a cache"):
        clean_job(CleanRequest(((ItemKind.ENVIRONMENT, "/e"),)), id="x", operator="ada")


async def test_an_answer_that_ends_early_is_a_fault_and_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = ShellConnection()
    try:
        lane = await Lane.open(connection, timeout=PATIENCE_S)
        for said in (b"", b"nonsense", answer(PART)):
            quoted = said.replace(b"\0", b"\\000").decode()
            monkeypatch.setattr(clean, "_program", lambda quoted=quoted: f"printf '{quoted}'".encode())
            with pytest.raises(HostFaultError) as caught:
                await ask_clean(lane, "gpu01", CleanRequest(()), timeout=PATIENCE_S)
            assert caught.value.fault.kind is FaultKind.INCOMPLETE
    finally:
        await connection.close()


async def test_free_space_is_asked_of_the_places_named_alone() -> None:
    connection = ShellConnection()
    try:
        lane = await Lane.open(connection, timeout=PATIENCE_S)
        found = await ask_free(lane, ["/tmp", "/no/such/place"], timeout=PATIENCE_S)
        assert list(found) == ["/tmp"]
        assert found["/tmp"].bytes > 0
    finally:
        await connection.close()
