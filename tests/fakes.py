"""Stand-ins for the ports and for broken servers, shared by the tests of all parts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from enum import Enum

from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretQuestion

__all__ = ["BadServer", "FakeClock", "ScriptedPrompter", "bad_server", "eventually", "refused_port"]


async def eventually(condition: Callable[[], object], limit: float = 30) -> None:
    """Wait until *condition* holds; fail after *limit* seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"did not become true within {limit} s"
        await asyncio.sleep(0.01)


class FakeClock:
    """A clock that stands still until :meth:`advance`; sleepers wake in the order of their time."""

    def __init__(self, now: float = 1_700_000_000.0, jitter: float = 0.5) -> None:
        self._start = now
        self._elapsed = 0.0
        self._jitter = jitter
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._start + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def jitter(self) -> float:
        return self._jitter

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, future))
        await future

    @property
    def sleepers(self) -> int:
        """How many tasks sleep now."""
        return sum(not future.done() for _, future in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Let *seconds* pass: everybody whose time comes runs, in order."""
        until = self._elapsed + seconds
        while True:
            self._sleepers = [entry for entry in self._sleepers if not entry[1].done()]
            due = min((at for at, _ in self._sleepers if at <= until), default=None)
            if due is None:
                break
            self._elapsed = max(self._elapsed, due)
            for at, future in self._sleepers:
                if at <= due and not future.done():
                    future.set_result(None)
            for _ in range(10):
                await asyncio.sleep(0)
        self._elapsed = until
        await asyncio.sleep(0)


class ScriptedPrompter:
    """Answers from lists, in order; None (nobody there) when a list is used up. Keeps every question.

    A secret may also be a callable of the question, sync or async.
    """

    def __init__(
        self,
        secrets: Iterable[str | Callable[[SecretQuestion], str | Awaitable[str | None] | None] | None] = (),
        host_keys: Iterable[HostKeyAnswer | None] = (),
    ) -> None:
        self.secrets = list(secrets)
        self.host_keys = list(host_keys)
        self.asked: list[SecretQuestion] = []
        self.keys_asked: list[HostKeyQuestion] = []
        self.open = 0
        self.most_open = 0

    @contextlib.asynccontextmanager
    async def _question(self) -> AsyncIterator[None]:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(0)
            yield
        finally:
            self.open -= 1

    async def secret(self, question: SecretQuestion) -> str | None:
        async with self._question():
            self.asked.append(question)
            answer = self.secrets.pop(0) if self.secrets else None
            if callable(answer):
                result = answer(question)
                return await result if isinstance(result, Awaitable) else result
            return answer

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        async with self._question():
            self.keys_asked.append(question)
            return self.host_keys.pop(0) if self.host_keys else None


class BadServer(Enum):
    """Ways in which a TCP server on an SSH port goes wrong."""

    SILENT = "accepts and never answers"
    GARBAGE = "sends lines that are no SSH banner"
    HTTP = "answers like a web server"
    CLOSES = "closes at once"
    BANNER_ONLY = "sends an SSH banner and then nothing"
    BINARY = "sends an SSH banner and then noise"


_OPENINGS = {
    BadServer.SILENT: b"",
    BadServer.GARBAGE: b"\x1b[2J[red]what[/red] \xff\xfe\r\n" * 40,
    BadServer.HTTP: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    BadServer.CLOSES: b"",
    BadServer.BANNER_ONLY: b"SSH-2.0-Slow_1.0\r\n",
    BadServer.BINARY: b"SSH-2.0-Noise_1.0\r\n" + bytes(range(255, -1, -1)) * 64,
}


@contextlib.asynccontextmanager
async def bad_server(kind: BadServer, address: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server that behaves as *kind*; yields its port."""
    held: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.add(writer)
        try:
            writer.write(_OPENINGS[kind])
            await writer.drain()
            if kind in (BadServer.CLOSES, BadServer.GARBAGE, BadServer.HTTP):
                return
            while await reader.read(65536):
                pass
        except OSError:
            return
        finally:
            held.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(held):
            writer.transport.abort()
        await asyncio.wait_for(server.wait_closed(), 30)


@contextlib.contextmanager
def refused_port(address: str = "127.0.0.1") -> Iterator[int]:
    """A port on which nothing listens, and on which nothing else can begin to."""
    with socket.socket() as sock:
        sock.bind((address, 0))
        yield sock.getsockname()[1]
