"""Connections to a shell of this machine, for tests: dash, bash or busybox sh, any userland, any login shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.ports import Channel, ConnectionFacts, TermRequest

SHELLS: dict[str, tuple[str, ...]] = {
    "dash": ("/usr/bin/dash",),
    "bash": ("/usr/bin/bash", "--posix"),
    "busybox": ("/usr/bin/busybox", "sh"),
}
GNU_PATH = "/usr/local/bin:/usr/bin:/bin"


def busybox_path(folder: Path) -> str:
    """A PATH that holds busybox's applets and nothing of the GNU userland."""
    applets = folder / "applets"
    applets.mkdir(parents=True, exist_ok=True)
    for name in subprocess.run(
        ["/usr/bin/busybox", "--list"], check=True, capture_output=True, text=True
    ).stdout.split():
        if not (applets / name).exists():
            (applets / name).symlink_to("/usr/bin/busybox")
    return str(applets)


class ShellChannel:
    """A :class:`tui.ports.Channel` over a process of this machine."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr = bytearray()
        self.sent: list[bytes] = []
        self._reader = asyncio.create_task(self._read_stderr())

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(65536):
            self._stderr = (self._stderr + data)[-65536:]

    async def read(self, limit: int = 65536) -> bytes:
        assert self._process.stdout is not None
        return await self._process.stdout.read(limit)

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self.sent.append(data)
        try:
            self._process.stdin.write(data)
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # as over SSH: the end is seen by reading

    async def write_eof(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write_eof()

    def stderr_tail(self) -> bytes:
        return bytes(self._stderr)

    def resize(self, columns: int, rows: int) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    async def wait(self) -> int | None:
        return await self._process.wait()

    def close(self) -> None:
        # As sshd does at the end of a channel: nothing more comes in, and nobody takes what is said.
        for pipe in (0, 1):
            transport = self._process._transport.get_pipe_transport(pipe)  # type: ignore[attr-defined]
            if transport is not None:
                transport.close()

    @property
    def pid(self) -> int:
        """The process on this machine."""
        return self._process.pid

    async def end(self) -> None:
        """Kill what is left of the process group, and wait."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        # Unread output would otherwise hold the pipe, and with it the wait, for ever.
        self._process._transport.close()  # type: ignore[attr-defined]  # asyncio gives no other way
        await self._process.wait()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


class ShellConnection:
    """A :class:`tui.ports.Connection` to this machine, with a chosen shell and environment.

    *argv* replaces the shell that the constant command names. With *login*, the command itself is
    handed to that login shell, as sshd does.
    """

    def __init__(
        self,
        argv: tuple[str, ...] = SHELLS["dash"],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        login: tuple[str, ...] | None = None,
        wrap: tuple[str, ...] = (),
    ) -> None:
        self.argv = argv
        self.env = dict(env) if env is not None else {"PATH": GNU_PATH, "HOME": "/nonexistent"}
        self.cwd = cwd
        self.login = login
        self.wrap = wrap
        self.channels: list[ShellChannel] = []
        self.is_closed = asyncio.Event()

    @property
    def facts(self) -> ConnectionFacts:
        return ConnectionFacts()

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        if self.is_closed.is_set():
            raise HostFaultError(Fault(FaultKind.LOST, "closed", ""))
        argv = (*self.wrap, *((*self.login, "-c", command) if self.login else self.argv))
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env,
            cwd=self.cwd,
            start_new_session=True,
        )
        channel = ShellChannel(process)
        self.channels.append(channel)
        return channel

    async def closed(self) -> Fault | None:
        await self.is_closed.wait()
        return None

    async def close(self) -> None:
        self.is_closed.set()
        for channel in self.channels:
            channel.close()
            await channel.end()
