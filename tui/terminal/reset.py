"""What a full-screen program may have left switched on in the operator's terminal, and how to undo it. Pure."""

from __future__ import annotations

__all__ = ["ScreenTracker", "reset_sequence"]

_ALTERNATE = (b"?1049", b"?1047", b"?47")
_TAIL = 16

_BREAK_OFF = b"\x18\x1b\\"
"""Ends whatever sequence the connection died in: CAN for CSI, ST for strings."""

_INPUT_MODES = (
    # mouse (five encodings), focus, paste brackets, synchronised output, mintty's escape key, cursor keys, keypad
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[?7727l"
    b"\x1b[?1l\x1b>"
    # xterm's modifyOtherKeys, kitty's keyboard flags
    b"\x1b[>4m\x1b[=0u"
)

# Origin mode and margins move the cursor home when they are reset, so it is saved around them.
_OUTPUT_MODES = b"\x1b7\x1b[?6l\x1b[r\x1b8\x1b[?7h\x1b[4l\x1b(B\x1b)B\x0f\x1b[0m\x1b[?25h\x1b[0 q"


class ScreenTracker:
    """Follows whether the other side has the alternate screen on, from the bytes that it sends."""

    def __init__(self) -> None:
        self.alternate = False
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Bytes as they go to the terminal; a sequence may be split anywhere."""
        text = self._tail + data
        found, last = -1, False
        for mode in _ALTERNATE:
            for on, letter in ((True, b"h"), (False, b"l")):
                at = text.rfind(mode + letter)
                if at > found:
                    found, last = at, on
        if found >= 0:
            self.alternate = last
        self._tail = text[-_TAIL:]


def reset_sequence(alternate: bool) -> bytes:
    """The bytes that make the terminal usable again, whatever was cut off.

    *alternate*: the other side left the alternate screen on. Leaving it puts the cursor back where it
    was; where it is off already the cursor is saved first and put back, so that it stays in place. (tmux moves
    it even then, to where the last alternate screen began.)
    """
    leave = b"\x1b[?1049l\x1b[23;0;0t" if alternate else b"\x1b7\x1b[?1049l\x1b8"
    return _BREAK_OFF + _INPUT_MODES + leave + _OUTPUT_MODES
