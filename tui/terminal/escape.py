"""Leaving a connection that no longer answers: Enter, then ``~.`` (as in OpenSSH's client). Pure."""

from __future__ import annotations

__all__ = ["EscapeDetector"]

_LINE_ENDS = b"\r\n"
_TILDE = 0x7E
_DOT = 0x2E


class EscapeDetector:
    """Watches what a person types for ``~.`` at the beginning of a line; ``~~`` there sends one ``~``.

    A ``~`` at the beginning of a line is held back until the next key decides. Everything else
    passes unchanged, in order. The very beginning counts as the beginning of a line.
    """

    def __init__(self) -> None:
        self._line_start = True
        self._held = False
        self.left = False
        """True once the person asked to leave; what is fed later is dropped."""

    def feed(self, data: bytes) -> bytes:
        """What of *data* is to be sent on; look at :attr:`left` afterwards."""
        if self.left:
            return b""
        if not self._held and _TILDE not in data:  # nearly every key
            self._line_start = data[-1] in _LINE_ENDS if data else self._line_start
            return data
        out = bytearray()
        for byte in data:
            if self._held:
                self._held = False
                if byte == _DOT:
                    self.left = True
                    break
                out.append(_TILDE)
                self._line_start = False
                if byte == _TILDE:
                    continue
            elif self._line_start and byte == _TILDE:
                self._held = True
                continue
            out.append(byte)
            self._line_start = byte in _LINE_ENDS
        return bytes(out)
