"""The form in which scripts answer: records of NUL-terminated fields, safe for any name.

A record is the fields ``=TAG``, ``N`` and then N fields; with ``*`` for N, all that follow. In sh::

    rec() { printf '%s\\0' "$@"; }
    rec =env 2 "$prefix" "$owner"

No file name holds a NUL, so no name can end a field early, whatever it contains. Output of
other programs travels as one field. Everything here is bytes from an untrusted host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui.domain.text import decode

__all__ = ["Record", "WireError", "records", "whole_answer"]


class WireError(ValueError):
    """The host's answer is not made of records."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its tag without the ``=`` and its fields."""

    tag: str
    fields: tuple[bytes, ...]

    def text(self, index: int) -> str | None:
        """Field *index* as a raw string (see :mod:`tui.domain.text`); None when absent or empty."""
        if index >= len(self.fields) or not self.fields[index]:
            return None
        return decode(self.fields[index])

    def integer(self, index: int) -> int | None:
        """Field *index* as a whole number of at most 18 digits; None when it is none."""
        raw = self.fields[index].strip() if index < len(self.fields) else b""
        digits = raw[1:] if raw[:1] == b"-" else raw
        return int(raw) if digits.isdigit() and len(digits) <= 18 else None

    def number(self, index: int) -> float | None:
        """Field *index* as a finite number of at most 40 characters; None when it is none."""
        raw = self.fields[index].strip() if index < len(self.fields) else b""
        if not raw or len(raw) > 40 or raw.strip(b"-0123456789.") != b"":
            return None
        try:
            return float(raw)
        except ValueError:
            return None


def records(body: bytes) -> Iterator[Record]:
    """The records of *body*, in order; a truncated last record is left out.

    Raises :class:`WireError` at the first place where no record begins.
    """
    if not body:
        return
    fields = body.split(b"\0")
    fields.pop()  # what follows the last NUL was not finished
    at = 0
    while at < len(fields):
        head = fields[at]
        if not head.startswith(b"=") or len(head) > 64:
            raise WireError(f"no record begins at field {at}")
        if at + 1 >= len(fields):
            return
        count = fields[at + 1]
        if count == b"*":
            yield Record(decode(head[1:]), tuple(fields[at + 2 :]))
            return
        if not count.isdigit() or len(count) > 7:
            raise WireError(f"record {decode(head)!r} has no field count")
        end = at + 2 + int(count)
        if end > len(fields):
            return
        yield Record(decode(head[1:]), tuple(fields[at + 2 : end]))
        at = end


def whole_answer(body: bytes) -> list[Record] | None:
    """The records of an answer that says with `=end` that it is whole, that one included; None of any other answer."""
    try:
        answer = list(records(body))
    except WireError:
        return None
    return answer if answer and answer[-1].tag == "end" else None
