"""Long work cut into steps: whoever runs it decides when to pause, and may leave it unfinished. Pure.

A function of this kind yields after each piece of at most a millisecond or two and returns its result::

    def steps(rows: Sequence[Row]) -> Steps[list[Row]]:
        for some in pieces(rows):
            ...
            yield
        return found
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TypeAlias, TypeVar

__all__ = ["PIECE", "Steps", "finish", "pieces"]

T = TypeVar("T")

Steps: TypeAlias = Generator[None, None, T]

PIECE = 256
"""So many rows are looked at between two pauses."""


def pieces(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """*rows*, at most :data:`PIECE` at a time."""
    for start in range(0, len(rows), PIECE):
        yield rows[start : start + PIECE]


def finish(steps: Steps[T]) -> T:
    """The result, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
