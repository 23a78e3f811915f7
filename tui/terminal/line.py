"""A line typed key by key, for questions that a terminal's own line editing can't ask. Pure."""

from __future__ import annotations

__all__ = ["LineEditor"]

LONGEST = 4096

_ENTER = b"\r\n"
_CANCEL = b"\x03\x04\x1b"
_BACKSPACE = b"\x08\x7f"
_KILL = 0x15


class LineEditor:
    """Collects one line: Backspace and Ctrl-U edit, Enter ends, Ctrl-C, Ctrl-D and Esc cancel."""

    def __init__(self, echo: bool) -> None:
        self._echo = echo
        self._line = bytearray()
        self.done = False
        self.cancelled = False

    def feed(self, data: bytes) -> bytes:
        """Take typed bytes; returns what the terminal is to show for them (nothing without echo)."""
        shown = bytearray()
        for byte in data:
            if self.done:
                break
            if byte in _ENTER:
                self.done = True
            elif byte in _CANCEL:
                self.done = self.cancelled = True
            elif byte in _BACKSPACE:
                shown += self._erase()
            elif byte == _KILL:
                while self._line:
                    shown += self._erase()
            elif byte >= 0x20 and len(self._line) < LONGEST:
                self._line.append(byte)
                shown.append(byte)
        return bytes(shown) if self._echo else b""

    def text(self) -> str | None:
        """The line; None when it was cancelled or is no UTF-8."""
        if self.cancelled:
            return None
        try:
            return self._line.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _erase(self) -> bytes:
        """Remove the last character, all of its bytes."""
        if not self._line:
            return b""
        while len(self._line) > 1 and self._line[-1] & 0xC0 == 0x80:
            self._line.pop()
        self._line.pop()
        return b"\b \b"
