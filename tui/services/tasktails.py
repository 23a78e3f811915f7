"""How far running tasks are, by what they print: read from wherever their logs are followed."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field

from tui.remote.condasays.progress import Progress, ProgressReader
from tui.remote.task_log import LogPart

__all__ = ["TAIL_BYTES", "Tails"]

TAIL_BYTES = 64 << 10
"""Of a log that nobody has read so far, so much of its end tells where the task is."""
Key = tuple[str, str]


@dataclass(slots=True)
class _Tail:
    at: int
    reader: ProgressReader = field(default_factory=ProgressReader)
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )


class Tails:
    """One reader for each running task; a byte that comes twice is read once."""

    def __init__(self) -> None:
        self._tails: dict[Key, _Tail] = {}

    def progress(self, key: Key) -> Progress | None:
        """Where the task is; None when nothing told."""
        tail = self._tails.get(key)
        return None if tail is None else tail.reader.progress

    def wanted(self, key: Key, size: int) -> int | None:
        """From where a log of *size* bytes is to be read next; None when it is read to its end."""
        tail = self._tails.get(key)
        if tail is None or size - tail.at > TAIL_BYTES:
            return max(0, size - TAIL_BYTES) if size else None
        return tail.at if tail.at < size else None

    def feed(self, key: Key, part: LogPart) -> bool:
        """Read *part* where it goes on from what was read, or is far ahead of it; whether it told of something new."""
        tail = self._tails.get(key)
        end = part.offset + len(part.data)
        if tail is None or part.offset > tail.at:
            tail = self._tails[key] = _Tail(part.offset)
        if end <= tail.at:
            return False
        before = tail.reader.progress
        tail.reader.feed(tail.decoder.decode(part.data[tail.at - part.offset :]))
        tail.at = end
        return tail.reader.progress != before

    def forget(self, key: Key) -> None:
        """The task is over."""
        self._tails.pop(key, None)
