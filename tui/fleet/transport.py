"""The way to a host before SSH begins: names, TCP connections, ProxyCommand."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tui.fleet.inbox import Tail

__all__ = ["Names", "ProxyProcess", "connect_tcp"]

_STAGGER_S = 0.25
_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}
_Address = tuple[int, tuple[object, ...]]


class Names:
    """Name look-ups in threads of their own, so that a dead name server holds up nothing else."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def look_up(self, host: str, port: int, family: str) -> list[_Address]:
        """Addresses to try, the families taking turns. Raises OSError (socket.gaierror)."""
        wanted = _FAMILIES.get(family, socket.AF_UNSPEC)
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host.partition("%")[0])
            found = socket.getaddrinfo(host, port, wanted, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            return [(entry[0], entry[4]) for entry in found]
        if self._threads is None:
            self._threads = ThreadPoolExecutor(32, thread_name_prefix="names")
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, wanted, socket.SOCK_STREAM)
        )
        six: list[_Address] = [(entry[0], entry[4]) for entry in found if entry[0] == socket.AF_INET6]
        four: list[_Address] = [(entry[0], entry[4]) for entry in found if entry[0] != socket.AF_INET6]
        ordered: list[_Address] = []
        first, second = (six, four) if found and found[0][0] == socket.AF_INET6 else (four, six)
        for index in range(max(len(first), len(second))):
            ordered += first[index : index + 1] + second[index : index + 1]
        return list(dict.fromkeys(ordered))

    def close(self) -> None:
        """Wait for nobody."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


async def connect_tcp(addresses: list[_Address], bind: str | None) -> socket.socket:
    """The first connection that comes about, the next address being tried after 0.25 s or a failure.

    Raises the OSError of the first address when none does. Cancelling leaves no socket open.
    """
    if len(addresses) == 1:
        return await _connect(*addresses[0], bind)
    loop = asyncio.get_running_loop()
    running: dict[asyncio.Task[socket.socket], int] = {}
    errors: dict[int, OSError] = {}
    waiting = list(enumerate(addresses))
    try:
        while waiting or running:
            if waiting:
                index, (family, address) = waiting.pop(0)
                running[loop.create_task(_connect(family, address, bind))] = index
            done, _ = await asyncio.wait(
                running, timeout=_STAGGER_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                index = running.pop(task)
                error = task.exception()
                if error is None:
                    for other in done - {task}:
                        if other in running and other.exception() is None:
                            other.result().close()
                            running.pop(other)
                    return task.result()
                if not isinstance(error, OSError):
                    raise error
                errors[index] = error
    finally:
        for task in running:
            task.cancel()
        for result in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(result, socket.socket):
                result.close()
    raise errors[min(errors)] if errors else OSError("no address to connect to")


async def _connect(family: int, address: tuple[object, ...], bind: str | None) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM | getattr(socket, "SOCK_CLOEXEC", 0))
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if bind is not None:
            sock.bind((bind, 0))
        await asyncio.get_running_loop().sock_connect(sock, address)
        return sock
    except BaseException:
        sock.close()
        raise


class ProxyProcess:
    """A ProxyCommand: the operator's own words, run by a shell as OpenSSH does, its ends joined to a socket."""

    def __init__(self) -> None:
        self.sock: socket.socket | None = None
        self._stderr = Tail(4096)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._closed: Callable[[ProxyProcess], None] | None = None
        self._killer: asyncio.TimerHandle | None = None

    async def start(
        self, command: str, environment: Mapping[str, str], closed: Callable[[ProxyProcess], None]
    ) -> socket.socket:
        """Start it; the socket that leads to the host. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            self._process = await asyncio.create_subprocess_exec(
                "/bin/sh", "-c", f"exec {command}",
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=asyncio.subprocess.PIPE,
                env=dict(environment), start_new_session=True, cwd=_cwd(),
            )  # fmt: skip
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._closed = closed
        self._reader = asyncio.get_running_loop().create_task(self._watch(self._process))
        self.sock = ours
        return ours

    @property
    def said(self) -> str:
        """The last of what it wrote on stderr."""
        return self._stderr.value().decode("utf-8", "surrogateescape").strip()

    @property
    def failed(self) -> int | None:
        """Its exit status, when it ended by itself with one that is not 0."""
        return self._process.returncode or None if self._process is not None else None

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while data := await process.stderr.read(4096):
            self._stderr.feed(data)
        await process.wait()
        if self._killer is not None:
            self._killer.cancel()
        if self._closed is not None:
            self._closed(self)

    def close(self) -> None:
        """Hang it up, and kill it a second later if it is still there."""
        if self._process is None or self._process.returncode is not None or self._killer is not None:
            return
        self._signal(signal.SIGTERM)
        self._killer = asyncio.get_running_loop().call_later(1.0, self._signal, signal.SIGKILL)

    def kill(self) -> None:
        """End it now."""
        self._signal(signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until it is gone."""
        if self._reader is not None:
            await self._reader

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "/"
