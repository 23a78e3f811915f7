"""Reading what a host says of its disk: nothing of it is believed before it was checked."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence

from tui.domain.cacheusers import UsersSeen
from tui.domain.diskbounds import filesystem_reasons
from tui.domain.diskplaces import CACHE_PARTS, DiskPlace, OwnerKind, PlaceKind
from tui.domain.disktable import OUTSIDE, Device, DiskTable, Owner, OwnerState, Row
from tui.domain.text import decode
from tui.remote.wire import Record

__all__ = ["DiskAnswer", "DiskAnswerError"]

TEXT_LIMIT = 32 << 20
MOST_ROWS = 300_000
MOST_DEVICES = 1000
MOST_MOUNTS = 20
_DIGITS = {
    digit: value for value, digit in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.")
}
_STATES = {
    b"y": OwnerState.READ,
    b"n": OwnerState.ABSENT,
    b"x": OwnerState.DENIED,
    b"l": OwnerState.LINK,
    b"s": OwnerState.SAME,
}
_KINDS = {
    PlaceKind.ENVIRONMENT: (OwnerKind.ENVIRONMENT,),
    PlaceKind.ASIDE: (OwnerKind.ASIDE,),
    PlaceKind.OTHER: (OwnerKind.OTHER,),
    PlaceKind.CACHE: CACHE_PARTS,
}


class DiskAnswerError(ValueError):
    """The answer contradicts itself or the question; the message continues "… makes no sense"."""


class _Seen:
    """What was said of one place."""

    def __init__(self, place: DiskPlace, first: int) -> None:
        self.place = place
        self.first = first
        self.state: OwnerState | None = None
        self.same: int | None = None
        self.device: str | None = None
        self.real = place.path
        self.denied = self.changed = self.crossed = 0
        self.mounts: list[str] = []

    @property
    def owners(self) -> int:
        """How many owners it stands for."""
        return len(_KINDS[self.place.kind])


class DiskAnswer:
    """Takes the records of ``disk_places.sh`` with ``disk_find.sh``, or of ``disk_table.py``, for *places*."""

    def __init__(self, places: Sequence[DiskPlace]) -> None:
        self._places: list[_Seen] = []
        first = 0
        for place in places:
            self._places.append(_Seen(place, first))
            first += self._places[-1].owners
        self._count = first
        self._devices: dict[str, Device] = {}
        self._form = b""
        self._raw: bytes | None = None
        self.whole = False
        """True once the host said that nothing is missing."""

    def take(self, record: Record) -> None:
        """Learn from one record; unknown ones are for later versions. Raises :class:`DiskAnswerError`."""
        tag = record.tag
        if tag == "place":
            self._place(record)
        elif tag == "noticed":
            seen = self._seen(record)
            for name, at in (("denied", 1), ("changed", 2), ("crossed", 3)):
                setattr(seen, name, getattr(seen, name) + max(0, record.integer(at) or 0))
        elif tag == "mounted":
            seen, path = self._seen(record), record.text(1)
            if path is not None and len(seen.mounts) < MOST_MOUNTS:
                seen.mounts.append(path)
        elif tag == "device":
            number = record.text(0)
            if number is not None and len(self._devices) < MOST_DEVICES:
                kind, options = record.text(2), record.text(3) or ""
                reasons = filesystem_reasons(kind, options.split(","))
                self._devices[number] = Device(number, record.text(1), kind, reasons)
        elif tag == "table" and len(record.fields) == 2:
            self._form, self._raw = record.fields
        elif tag == "end":
            self.whole = self._raw is not None and all(seen.state is not None for seen in self._places)

    def table(self, users: UsersSeen) -> DiskTable:
        """The table, once :attr:`whole`. Raises :class:`DiskAnswerError`.

        Packages count as used in the caches that *users* names, and in those that a place may lead to which could
        not be read whole.
        """
        devices = tuple(self._devices.values())
        owners = self._owners({device.number: at for at, device in enumerate(devices)})
        table = DiskTable(devices, owners, self._rows(owners))
        if users.unseen is None:
            return table.with_users_unseen()
        blind = {
            owner.path
            for owner in owners
            if owner.kind not in CACHE_PARTS and (owner.state is OwnerState.DENIED or owner.unreadable)
        }
        caches = {owner.path for owner in owners if owner.kind is OwnerKind.PACKAGES}
        unseen = set(users.unseen)
        if blind:
            unseen |= caches - users.private if blind <= users.strangers else caches
        return table.with_users_unseen(unseen) if unseen & caches else table

    def _seen(self, record: Record) -> _Seen:
        number = record.integer(0)
        if number is None or not 0 <= number < len(self._places):
            raise DiskAnswerError("it speaks of a place that nobody asked for")
        return self._places[number]

    def _place(self, record: Record) -> None:
        seen = self._seen(record)
        state = _STATES.get(record.fields[1] if len(record.fields) > 1 else b"")
        if state is None or seen.state is not None:
            raise DiskAnswerError("it says nothing clear of a place")
        seen.state = state
        seen.real = record.text(4) or seen.real
        if state is OwnerState.READ:
            seen.device = record.text(3)
        elif state is OwnerState.SAME:
            seen.same = record.integer(2)

    def _owners(self, devices: dict[str, int]) -> tuple[Owner, ...]:
        holders = {
            seen.real: seen.first
            for seen in self._places
            if seen.state is OwnerState.READ and seen.place.kind is not PlaceKind.CACHE
        }
        owners: list[Owner] = []
        for seen in self._places:
            device, state = None, seen.state or OwnerState.ABSENT
            if state is OwnerState.READ:
                device = devices.get(seen.device or "")
                if device is None:
                    raise DiskAnswerError("a place lies on a device that was not named")
            same = self._same(seen)
            within = _within(seen.real, holders) if state is OwnerState.READ else None
            owners += (
                Owner(
                    kind,
                    seen.place.path,
                    state,
                    device,
                    within,
                    None if same is None else same + part,
                    seen.denied,
                    seen.changed,
                    seen.crossed,
                    tuple(seen.mounts),
                )
                for part, kind in enumerate(_KINDS[seen.place.kind])
            )
        return tuple(owners)

    def _same(self, seen: _Seen) -> int | None:
        """The first owner of the place that *seen* is the same as."""
        if seen.state is not OwnerState.SAME:
            return None
        number = seen.same
        if number is None or not 0 <= number < len(self._places):
            raise DiskAnswerError("a place is the same as none")
        other = self._places[number]
        if other.state is not OwnerState.READ:
            raise DiskAnswerError("a place is the same as one that is not counted")
        # An environment that is a package cache, too, is counted as what it was first named.
        return other.first if other.owners == seen.owners else None

    def _rows(self, owners: tuple[Owner, ...]) -> tuple[Row, ...]:
        lines = self._text().split(b"\n")
        head = lines[0].split(b" ")
        if len(head) != 2 or head[0] != str(self._count).encode() or head[1] not in (b"1", b"8"):
            raise DiskAnswerError("its table is of other owners")
        if len(lines) - 1 > MOST_ROWS:
            raise DiskAnswerError("its table has too many rows")
        unit = 512 * int(head[1])
        devices: dict[int, int] = {}
        for number, owner in enumerate(owners):
            if owner.device is not None:
                devices[owner.device] = devices.get(owner.device, OUTSIDE) | 1 << (number + 1)
        read = 0
        for mask in devices.values():
            read |= mask
        sums: dict[tuple[int, int], list[int]] = {}
        for line in lines[1:]:
            words = line.split(b" ")
            if len(words) != 4:
                raise DiskAnswerError("a row of its table is not whole")
            held, users = self._set(words[0]), self._set(words[1])
            if held & ~OUTSIDE == 0 or users & ~read or not any(held & ~mask == 0 for mask in devices.values()):
                raise DiskAnswerError("a row of its table belongs to nobody")
            row = sums.setdefault((held, users), [0, 0])
            row[0] += _number(words[2]) * unit
            row[1] += _number(words[3])
        return tuple(Row(held, users, row[0], row[1]) for (held, users), row in sorted(sums.items()))

    def _set(self, word: bytes) -> int:
        if word == b"-":
            return 0
        if len(word) > self._count // 6 + 1:
            raise DiskAnswerError("a row of its table has owners that nobody asked for")
        found = 0
        for at, digit in enumerate(decode(word)):
            value = _DIGITS.get(digit)
            if value is None:
                raise DiskAnswerError("a row of its table has no owners")
            found |= value << (6 * at)
        return found

    def _text(self) -> bytes:
        raw = self._raw or b""
        if self._form == b"p":
            return raw
        try:
            packed = base64.b64decode(raw, validate=True)
            stream = zlib.decompressobj(15 + 32)
            text = stream.decompress(packed, TEXT_LIMIT)
        except (binascii.Error, zlib.error) as error:
            raise DiskAnswerError("its table cannot be unpacked") from error
        if not stream.eof:
            raise DiskAnswerError("its table is too large, or not whole")
        return text.rstrip(b"\n")


def _number(word: bytes) -> int:
    if not word.isdigit() or len(word) > 15:
        raise DiskAnswerError("a row of its table has no numbers")
    return int(word)


def _within(path: str, holders: dict[str, int]) -> int | None:
    """The owner in whose directory *path* lies, the innermost of several."""
    above = path.rpartition("/")[0]
    while above:
        if above in holders:
            return holders[above]
        above = above.rpartition("/")[0]
    return None
