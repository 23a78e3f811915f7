"""Finding an answer in what a shell sends: pure, fed with chunks however they are cut."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from tui.domain.phrases import phrase
from tui.remote.wire import Record, WireError

__all__ = ["FrameError", "FrameReader", "Inflater", "RecordReader"]

INFLATE_SLICE = 256 * 1024


class FrameError(ValueError):
    """What came is not an answer: endless noise, or markers that make no sense.

    The message continues "The shell on HOST …".
    """


class FrameReader:
    """Cuts one answer out of a byte stream: noise, ``\\n@NONCE{``, body, ``\\n@NONCE}STATUS\\n``.

    A fresh nonce for each request makes late answers to earlier ones noise, too.
    """

    def __init__(self, nonce: bytes, noise_limit: int) -> None:
        self._begin = b"\n@" + nonce + b"{"
        self._end = b"\n@" + nonce + b"}"
        self._noise_left = noise_limit
        self._held = b""
        self._ended = False
        self.begun = False
        self.status: int | None = None
        """The exit status, once the answer is whole."""
        self.rest = b""
        """What came after the answer."""

    def whole(self) -> bool:
        """True once the answer's end arrived."""
        return self.status is not None

    def feed(self, data: bytes) -> bytes:
        """The part of the body that *data* completes. Raises :class:`FrameError`."""
        data = self._held + data
        self._held = b""
        if not self.begun:
            at = data.find(self._begin)
            if at < 0:
                self._held = _beginning_of(self._begin, data)
                self._noise_left -= len(data) - len(self._held)
                if self._noise_left < 0:
                    raise FrameError(phrase("keeps printing things that nobody asked for"))
                return b""
            self.begun = True
            data = data[at + len(self._begin) :]
        body = b""
        if not self._ended:
            at = data.find(self._end)
            if at < 0:
                self._held = _beginning_of(self._end, data)
                return data[: len(data) - len(self._held)]
            self._ended = True
            body, data = data[:at], data[at + len(self._end) :]
        newline = data.find(b"\n")
        digits = data if newline < 0 else data[:newline]
        if len(digits) > 3 or (digits and not digits.isdigit()) or (digits == b"" and newline >= 0):
            raise FrameError(phrase("sent an answer that ends in a wrong way"))
        if newline < 0:
            self._held = data
        else:
            self.status = int(digits)
            self.rest = data[newline + 1 :]
        return body


def _beginning_of(marker: bytes, data: bytes) -> bytes:
    """The longest end of *data* with which *marker* may begin."""
    at = data.rfind(b"\n", max(0, len(data) - len(marker) + 1))
    # A marker holds one line break, its first byte: no other end of the data can begin one.
    return data[at:] if at >= 0 and marker.startswith(data[at:]) else b""


class Inflater:
    """Unpacks gzip in slices, so that a small packet that unpacks to gigabytes is met step by step."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The unpacked bytes of *data*, at most 256 KiB at a time. Raises :class:`FrameError`."""
        try:
            while data and not self._stream.eof:
                out = self._stream.decompress(data, INFLATE_SLICE)
                data = self._stream.unconsumed_tail
                if out:
                    yield out
        except zlib.error as error:
            raise FrameError(
                phrase("sent a compressed answer that cannot be unpacked ({reason})", reason=str(error))
            ) from error

    @property
    def whole(self) -> bool:
        """True once the end of the compressed data arrived."""
        return self._stream.eof


class RecordReader:
    """Records (see :mod:`tui.remote.wire`) out of a byte stream; at most *largest* bytes of an unfinished one."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._part: list[bytes] = []
        self._part_bytes = 0
        self._fields: list[bytes] = []
        self._at = 0
        self._held = 0

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that *data* completes. Raises WireError, or :class:`FrameError` for one too large.

        Take all of them before feeding more.
        """
        cut = data.find(b"\0")
        if cut < 0:
            self._part.append(data)
            self._part_bytes += len(data)
            self._check()
            return
        self._part.append(data[:cut])
        self._fields.append(b"".join(self._part))
        rest = data[cut + 1 :].split(b"\0")
        tail = rest.pop()
        self._fields += rest
        self._part = [tail] if tail else []
        self._part_bytes = len(tail)
        while (record := self._take()) is not None:
            yield record
        del self._fields[: self._at]
        self._at = 0
        self._held = sum(map(len, self._fields)) + 8 * len(self._fields)
        self._check()

    def _check(self) -> None:
        if self._held + self._part_bytes > self._largest:
            raise FrameError(phrase("sent a record of more than {n} bytes", n=self._largest))

    def _take(self) -> Record | None:
        fields, at = self._fields, self._at
        if at >= len(fields):
            return None
        head = fields[at]
        if not head.startswith(b"=") or len(head) > 64:
            raise WireError("no record begins where one should")
        if at + 1 >= len(fields):
            return None
        count = fields[at + 1]
        if not count.isdigit() or len(count) > 7:
            raise WireError("a record has no field count")
        end = at + 2 + int(count)
        if end > len(fields):
            return None
        self._at = end
        return Record(head[1:].decode("utf-8", "surrogateescape"), tuple(fields[at + 2 : end]))
