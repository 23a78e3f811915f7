"""The escape out of a frozen connection, and the reset of the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.terminal.escape import EscapeDetector
from tui.terminal.reset import ScreenTracker, reset_sequence


@pytest.mark.parametrize(
    ("typed", "sent", "left"),
    [
        (b"~.", b"", True),
        (b"ls\r~.more", b"ls\r", True),
        (b"ls\n~.", b"ls\n", True),
        (b"\r~~.", b"\r~.", False),
        (b"\r~x", b"\r~x", False),
        (b"\r~\r~.", b"\r~\r", True),
        (b"cd ~.", b"cd ~.", False),
        (b"\r~~\r", b"\r~\r", False),
    ],
)
def test_tilde_dot_leaves_only_at_the_beginning_of_a_line(typed: bytes, sent: bytes, left: bool) -> None:
    detector = EscapeDetector()
    assert detector.feed(typed) == sent
    assert detector.left is left


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=6).map(lambda raw: raw.replace(b"a", b"~").replace(b"b", b"\r")), max_size=8))
def test_how_keys_are_cut_into_pieces_makes_no_difference(pieces: list[bytes]) -> None:
    whole, cut = EscapeDetector(), EscapeDetector()
    at_once = whole.feed(b"".join(pieces))
    assert b"".join(cut.feed(piece) for piece in pieces) == at_once
    assert cut.left == whole.left


@settings(max_examples=100)
@given(st.binary(max_size=200).filter(lambda raw: b"~" not in raw))
def test_without_a_tilde_every_byte_passes(data: bytes) -> None:
    assert EscapeDetector().feed(data) == data


@pytest.mark.parametrize("cut", range(1, 12))
def test_the_alternate_screen_is_followed_through_split_sequences(cut: int) -> None:
    data = b"a\x1b[?1049hb"
    tracker = ScreenTracker()
    tracker.feed(data[:cut])
    tracker.feed(data[cut:])
    assert tracker.alternate
    tracker.feed(b"\x1b[?1049l[detached]")
    assert not tracker.alternate


def test_the_reset_leaves_the_cursor_in_place_when_the_screen_was_left_already() -> None:
    assert b"\x1b7\x1b[?1049l" in reset_sequence(alternate=False)
    assert b"\x1b7\x1b[?1049l" not in reset_sequence(alternate=True)


@pytest.mark.parametrize("mode", [1000, 1002, 1003, 1004, 1005, 1006, 2004, 2026, 7727, 1, 6, 1049])
@pytest.mark.parametrize("alternate", [True, False])
def test_every_mode_that_tmux_may_leave_on_is_switched_off(mode: int, alternate: bool) -> None:
    assert f"\x1b[?{mode}l".encode() in reset_sequence(alternate)
