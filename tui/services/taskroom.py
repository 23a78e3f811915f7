"""How many tasks of one program may be under way at once, over all hosts."""

from __future__ import annotations

import asyncio

__all__ = ["Room"]

Key = tuple[str, str]
"""A host and the id of a task."""


class Room:
    """Lets *most* in; the others wait, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._inside: set[Key] = set()
        self._waiting: dict[Key, asyncio.Future[None]] = {}

    def enter(self, key: Key) -> bool:
        """Whether there is room for *key* at once, which it then has; else it waits: see :meth:`admitted`."""
        if len(self._inside) < self._most:
            self._inside.add(key)
            return True
        self._waiting[key] = asyncio.get_running_loop().create_future()
        return False

    async def admitted(self, key: Key) -> None:
        """Wait until *key*, which waits, is let in."""
        await self._waiting[key]
        del self._waiting[key]

    def waits(self, key: Key) -> bool:
        """Whether *key* waits to be let in."""
        return key in self._waiting and not self._waiting[key].done()

    def leave(self, key: Key) -> None:
        """*key* needs no room any more, whether it had some, or waited, or neither."""
        waiting = self._waiting.get(key)
        if waiting is not None and not waiting.done():
            del self._waiting[key]
        self._inside.discard(key)
        for other, future in self._waiting.items():
            if len(self._inside) >= self._most:
                return
            if not future.done():
                self._inside.add(other)
                future.set_result(None)
