r"""Remote bytes as text: exact inside, harmless outside.

Inside the program a remote name is a ``str`` decoded by :func:`decode` (UTF-8 with
``surrogateescape``), so that :func:`encode` gives back the very bytes. Outside it (tables,
JSON, arguments, log) it is the *printed form* made by :func:`printable`: bytes that are not
UTF-8, control characters and invisible direction marks are written ``\xNN``, a backslash is
doubled. The form printed is the form read back, by :func:`parse_printed`.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["decode", "encode", "is_printed", "parse_printed", "printable"]

_PLAIN = re.compile(r"[ -\[\]-~]*\Z")
_ESCAPE = re.compile(r"\\(\\|x[0-9a-fA-F]{2})")
# Joiners make one glyph out of several (emoji, Indic scripts): a name without them is another name to the eye.
_JOINERS = frozenset("\u200c\u200d")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def decode(raw: bytes) -> str:
    """Remote bytes as a string that :func:`encode` turns back into exactly these bytes."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes that *text*, made by :func:`decode` or :func:`parse_printed`, stands for."""
    return text.encode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    r"""*text* with nothing in it that a terminal obeys; reversible by :func:`parse_printed`.

    Control and format characters, line separators and undecodable bytes become ``\xNN``
    for each of their UTF-8 bytes; a backslash becomes two.
    """
    if _PLAIN.match(text):
        return text
    return "".join(map(_printable_char, text))


def is_printed(text: str) -> bool:
    """Whether *text* may be shown as it stands: it holds nothing that a terminal obeys and nothing invisible."""
    return bool(_PLAIN.match(text)) or all(
        char in _JOINERS or unicodedata.category(char) not in _HIDDEN for char in text
    )


def _printable_char(char: str) -> str:
    if char == "\\":
        return "\\\\"
    if char not in _JOINERS and unicodedata.category(char) in _HIDDEN:
        return "".join(f"\\x{byte:02x}" for byte in encode_lossless(char))
    return char


def encode_lossless(char: str) -> bytes:
    """UTF-8 of one character; lone surrogates that are no escaped byte pass as themselves."""
    try:
        return char.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return char.encode("utf-8", "surrogatepass")


def parse_printed(printed: str) -> str:
    r"""The string whose printed form is *printed*.

    Lenient towards people: a backslash that begins neither ``\\`` nor ``\xNN`` stands for itself.
    """
    if "\\" not in printed:
        return printed
    out = bytearray()
    end = 0
    for match in _ESCAPE.finditer(printed):
        out += encode(printed[end : match.start()])
        body = match.group(1)
        out += b"\\" if body == "\\" else bytes((int(body[1:], 16),))
        end = match.end()
    out += encode(printed[end:])
    return decode(bytes(out))
