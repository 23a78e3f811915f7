"""Text as YAML, so that what is read back is what was written, and a terminal obeys nothing of it. Pure."""

from __future__ import annotations

import re

from tui.domain.text import encode_lossless, printable

__all__ = ["comment", "scalar"]

_PLAIN = re.compile(r"[A-Za-z_/][\w.+=<>!,*|@/~^%-]*(?:[: ][\w.+=<>!,*|@/~^%-]+)*\Z", re.ASCII)
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def scalar(text: str) -> str:
    r"""*text* as a scalar: plain where nothing can mistake it, else in double quotes.

    Control and format characters are written as YAML's escapes and read back exactly. A byte that is no UTF-8, which
    YAML cannot hold, stays visible as ``\xNN`` in the text that is read back.
    """
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "".join(f"\\\\x{byte:02x}" for byte in encode_lossless(char))
    if char.isprintable():
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def comment(text: str) -> str:
    """*text* as a comment of one line, in printed form."""
    return f"# {printable(text)}"
