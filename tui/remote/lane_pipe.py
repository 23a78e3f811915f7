"""A resident shell's input and output, with a limit on every wait, and what is wrong when one is reached."""

from __future__ import annotations

import asyncio

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable
from tui.ports import Channel

__all__ = ["Pipe", "broken", "late", "silent"]

_END_S = 1.0


class Pipe:
    """The bytes to and from a shell. None is lost by a reader that is cancelled or runs out of time."""

    def __init__(self, channel: Channel, name: str) -> None:
        self._channel = channel
        self._name = name
        self._left = b""

    async def send(self, data: bytes, timeout: float) -> None:
        """Raises HostFaultError. However it fails, half of *data* may have gone: send nothing more then."""
        try:
            async with asyncio.timeout(timeout):
                await self._channel.write(data)
        except TimeoutError:
            raise HostFaultError(silent(self._name, timeout)) from None

    async def read(self, deadline: float | None) -> bytes:
        """The next bytes. Raises TimeoutError at *deadline* (loop time), HostFaultError when the shell has ended."""
        if self._left:
            left, self._left = self._left, b""
            return left
        async with asyncio.timeout_at(deadline):
            data = await self._channel.read()
        if not data:
            raise HostFaultError(await self._ended())
        return data

    def put_back(self, data: bytes) -> None:
        """What was read and belongs to what comes next."""
        self._left = data + self._left

    async def finish(self) -> None:
        """Close the shell's input and wait until it has ended."""
        await self._channel.write_eof()
        await self._channel.wait()

    def stderr_tail(self) -> bytes:
        """The last of what came on stderr: untrusted."""
        return self._channel.stderr_tail()

    def close(self) -> None:
        """Give the shell up at once. Safe to call twice."""
        self._channel.close()

    async def _ended(self) -> Fault:
        """Why there is no more output."""
        status: int | None = None
        try:
            async with asyncio.timeout(_END_S):
                status = await self._channel.wait()
        except TimeoutError:
            pass
        said = printable(decode(self._channel.stderr_tail()[-400:].strip()))
        how = phrase("ended") if status is None else phrase("ended with status {status}", status=status)
        what = phrase("{how} and said: {said}", how=how, said=said) if said else phrase("{how}.", how=how)
        return broken(self._name, FaultKind.SHELL_BROKEN, what)


def broken(name: str, kind: FaultKind, what: str) -> Fault:
    """The shell of host *name* is of no more use; *what* continues "The shell on HOST …"."""
    remedy = {
        FaultKind.SHELL_BROKEN: phrase("Look whether the account may run /bin/sh there, and at its start-up files."),
        FaultKind.PROTOCOL: phrase("Look at what the account's start-up files print and start."),
    }.get(kind, "")
    return Fault(kind, phrase("The shell on {host} {what}", host=name, what=what), remedy)


def silent(name: str, timeout: float) -> Fault:
    """Nothing came, or nothing was taken."""
    return Fault(
        FaultKind.TIMEOUT,
        phrase("The shell on {host} did not answer within {seconds} s.", host=name, seconds=f"{timeout:g}"),
        phrase("It is tried again by itself."),
    )


def late(name: str, timeout: float) -> Fault:
    """An answer began and did not end."""
    return Fault(
        FaultKind.TOOL_HUNG,
        phrase(
            "A command on {host} did not end within {seconds} s; it was left alone.",
            host=name,
            seconds=f"{timeout:g}",
        ),
        phrase("Look for processes in state D on the host, or a mount or driver that does not answer."),
    )
