"""The marked rows of a table."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence

__all__ = ["Marks"]


class Marks(Collection[Hashable]):
    """Keys in the order in which they were marked. They stay marked while a filter or a folded group hides them."""

    def __init__(self) -> None:
        self._keys: dict[Hashable, None] = {}
        self._last: Hashable | None = None

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Iterable[Hashable]) -> None:
        """Mark *keys*."""
        for key in keys:
            self._keys[key] = None
            self._last = key

    def toggle(self, key: Hashable) -> None:
        """Mark *key*, or take its mark away."""
        if key in self._keys:
            del self._keys[key]
        else:
            self._keys[key] = None
        self._last = key

    def toggle_all(self, keys: Collection[Hashable]) -> None:
        """Mark *keys*, or take their marks away when all have one."""
        if all(key in self._keys for key in keys):
            self.drop(keys)
        else:
            self.add(keys)

    def reach(self, shown: Sequence[Hashable], key: Hashable) -> None:
        """Mark all of *shown* from the row that was marked or unmarked last to *key*; *key* alone without one."""
        places = {each: place for place, each in enumerate(shown)}
        here = places.get(key)
        if here is None:
            return
        start = places.get(self._last, here)
        self.add(shown[min(start, here) : max(start, here) + 1])
        self._last = key

    def drop(self, keys: Iterable[Hashable]) -> None:
        """Take the marks of *keys* away."""
        for key in keys:
            self._keys.pop(key, None)

    def keep(self, present: Collection[Hashable]) -> None:
        """Take the marks of all others away: they are gone."""
        self.drop([key for key in self._keys if key not in present])

    def clear(self) -> None:
        """Take all marks away."""
        self._keys.clear()
        self._last = None

    def hidden(self, shown: Iterable[Hashable]) -> int:
        """How many marked rows are not among *shown*."""
        return len(self._keys.keys() - set(shown)) if self._keys else 0
