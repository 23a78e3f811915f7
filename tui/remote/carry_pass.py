"""One package archive from a host to another through this program: a piece at a time, and never on a disk of ours.

Both ends are channels of their own over the connections that are there. The host that gets it looks at every byte
before the archive has a name; what is cut short is gone, or has a name that nobody takes for whole.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from tui.domain.carrying import Load
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable
from tui.ports import Channel, Connection
from tui.remote.lane import OPEN_COMMAND
from tui.remote.quoting import quote_all
from tui.remote.scripts import script

__all__ = ["PIECE", "WINDOW", "pass_on"]

PIECE = 64 << 10
WINDOW = 1 << 20
"""So much is under way on the source's side, whatever the target takes."""
_STILL_S = 60.0
"""The longest silence that is borne, on either side."""
_LOOK_S = 600.0
"""For the last look at an archive of some gigabytes."""
_MOST_NOISE = 64 << 10


async def pass_on(
    source: Connection, target: Connection, names: tuple[str, str], cache: str, load: Load, told: Callable[[int], None]
) -> None:
    """Have *load*'s archive wait in *cache* on the host behind *target*; it is whole when this returns.

    *names* are those of both hosts; *told* gets the bytes that went through since it was called last. Raises
    HostFaultError: nothing half is left then that anybody would take for whole. Cancelled, the same.
    """
    parcel = load.parcel
    taking: Channel | None = None
    sending: Channel | None = None
    try:
        async with asyncio.timeout(_STILL_S):
            taking = await target.open(OPEN_COMMAND)
        words = (cache, parcel.staged, parcel.algorithm, parcel.digest, str(load.size))
        end = _End(taking, names[1], parcel.file)
        await end.begin("carry_take", words)
        if (said := await end.line(_STILL_S)) != "ready":
            raise _failed(names[1], parcel.file, said)
        async with asyncio.timeout(_STILL_S):
            sending = await source.open(OPEN_COMMAND, window=WINDOW)
        begin = _End(sending, names[0], parcel.file)
        await begin.begin("carry_send", (load.path, str(load.size)))
        if await begin.line(_STILL_S) != str(load.size):
            raise _gone(names[0], parcel.file)
        await _pump(begin, end, load.size, told, names)
        async with asyncio.timeout(_STILL_S):
            await taking.write_eof()
        if (said := await end.line(_LOOK_S)) != "ok":
            raise _failed(names[1], parcel.file, said)
    except TimeoutError:
        raise HostFaultError(
            Fault(
                FaultKind.TIMEOUT,
                phrase("{file} stood still on its way from {source} to {target}.", file=parcel.file, source=names[0],
                       target=names[1]),
                phrase("What has arrived whole stays: try again, and only the rest is sent."),
            )
        ) from None  # fmt: skip
    finally:
        for channel in (taking, sending):
            if channel is not None:
                channel.close()


async def _pump(begin: _End, end: _End, size: int, told: Callable[[int], None], names: tuple[str, str]) -> None:
    left = size
    while left:
        data = await begin.read(min(PIECE, left), _STILL_S)
        if not data:
            raise _gone(names[0], begin.file)
        left -= len(data)
        async with asyncio.timeout(_STILL_S):
            await end.channel.write(data)
        told(len(data))


class _End:
    """A channel's words before and behind the bytes: what a login shell prints beside them is passed over."""

    def __init__(self, channel: Channel, host: str, file: str) -> None:
        self.channel = channel
        self.file = file
        self._host = host
        self._nonce = secrets.token_hex(8)
        self._seen = b""

    async def begin(self, name: str, words: tuple[str, ...]) -> None:
        """Have the script *name* run: all of it is read before the first byte of an archive could be taken for it."""
        text = b"set -- " + quote_all((self._nonce, *words)) + b"\n" + script("lane") + script(name) + b'cy_main "$@"\n'
        async with asyncio.timeout(_STILL_S):
            await self.channel.write(text)

    async def line(self, limit: float) -> str:
        """What it says next."""
        mark = b"\n" + self._nonce.encode() + b" "
        noise = 0
        while True:
            _, found, rest = self._seen.partition(mark)
            if found and b"\n" in rest:
                said, _, self._seen = rest.partition(b"\n")
                return decode(said)
            data = await self._more(limit)
            noise += len(data)
            if not data or noise > _MOST_NOISE:
                tail = printable(" ".join(decode(self.channel.stderr_tail()[-300:]).split()))
                raise HostFaultError(
                    Fault(
                        FaultKind.SHELL_BROKEN,
                        phrase(
                            "{host} ended the carrying of {file}. {words}", host=self._host, file=self.file, words=tail
                        ),
                        phrase("Nothing half is left there. Try again."),
                    )
                )
            self._seen += data

    async def read(self, most: int, limit: float) -> bytes:
        """Up to *most* bytes; none at the end."""
        if self._seen:
            data, self._seen = self._seen[:most], self._seen[most:]
            return data
        return await self._more(limit, most)

    async def _more(self, limit: float, most: int = PIECE) -> bytes:
        async with asyncio.timeout(limit):
            return await self.channel.read(most)


def _gone(host: str, file: str) -> HostFaultError:
    return HostFaultError(
        Fault(
            FaultKind.GHOST,
            phrase("{file} on {host} went, or changed, while it was carried.", file=file, host=host),
            phrase("What has arrived whole stays: try again."),
        )
    )


def _failed(host: str, file: str, said: str) -> HostFaultError:
    why = printable(said.removeprefix("no "))[:300]
    kind = FaultKind.PERMISSION if "ours to write" in said else FaultKind.INCOMPLETE
    return HostFaultError(
        Fault(
            kind,
            phrase("{file} could not be carried to {host}: {reason}.", file=file, host=host, reason=why),
            phrase("Nothing half is left there."),
        )
    )
