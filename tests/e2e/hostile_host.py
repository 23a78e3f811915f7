"""An SSH host that a test plays: a real ``sh`` behind every channel, and lies in front of it.

The user name that a client logs in with chooses the play, so one server is many hosts. A play sees each
question of the client (which script, its nonce, whether the answer is to be compressed) and says what it
wants in its place; what it leaves alone is answered by the real shell.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh

from tui.remote.scripts import script

__all__ = ["Channel", "HostileServer", "Play", "Question", "talker"]

SCRIPTS = (
    "status", "mounts", "gpus", "stamp",
    "inventory_places", "inventory_scan", "inventory_packages", "inventory_uses", "inventory_search",
)  # fmt: skip
DEFINITION = re.compile(rb"(?:^|\n)(f\d+)\(\) \{\n")
REQUEST = re.compile(rb"(?:^|\n)([RZ]) ([0-9a-f]{16}) s?(\w+)")


@dataclass(frozen=True, slots=True)
class Question:
    """What the client asks."""

    name: str
    """The script, or ``greet`` or ``alive``."""
    nonce: bytes
    packed: bool
    line: bytes
    """The request as it stands."""


class Channel:
    """One resident shell as its play sees it."""

    def __init__(self, process: asyncssh.SSHServerProcess[bytes], shell: asyncio.subprocess.Process) -> None:
        self.process = process
        self.ssh: Any = process.channel
        self.connection: Any = process.channel.get_connection()
        self._shell = shell

    async def put(self, data: bytes) -> None:
        """Send *data* as it stands, as fast as the client takes it."""
        self.process.stdout.write(data)
        await self.process.stdout.drain()

    async def complain(self, data: bytes) -> None:
        """Send *data* on stderr."""
        self.process.stderr.write(data)
        await self.process.stderr.drain()

    def frame(self, question: Question, body: bytes, status: int = 0) -> bytes:
        """*body* as a true answer to *question*."""
        if question.packed:
            body = gzip.compress(body, 1)
        return b"\n@%s{%s\n@%s}%d\n" % (question.nonce, body, question.nonce, status)

    async def answer(self, question: Question, body: bytes) -> None:
        """Answer *question* with *body*, well framed."""
        await self.put(self.frame(question, body))

    async def honest(self, question: Question) -> bytes:
        """What the real shell answers."""
        assert self._shell.stdin is not None and self._shell.stdout is not None
        self._shell.stdin.write(question.line)
        await self._shell.stdin.drain()
        await self._shell.stdout.readuntil(b"\n@" + question.nonce + b"{")
        end = b"\n@" + question.nonce + b"}"
        body = (await self._shell.stdout.readuntil(end)).removesuffix(end)
        await self._shell.stdout.readline()
        return gzip.decompress(body) if question.packed else body


Answer = Callable[[Question, Channel], Awaitable[None]]


async def true(question: Question, channel: Channel) -> None:
    """The answer of an honest host."""
    await channel.answer(question, await channel.honest(question))


@dataclass(frozen=True)
class Play:
    """One host."""

    answer: Answer = true
    env: Mapping[str, str] = field(default_factory=dict)
    """The environment of its shell, besides PATH."""
    banner: str = ""
    prompts: Sequence[str] = ()
    """Questions asked at the login, keyboard-interactively."""
    on_login: Callable[[Any], None] = lambda connection: None
    """Called with the library's connection after the login."""
    drops: bool = False
    """Each session is dropped as soon as it was opened."""


class HostileServer:
    """All *plays* on one port of loopback, in a thread with a loop of its own."""

    def __init__(self, plays: Mapping[str, Play], key: Path) -> None:
        self._plays = plays
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        private = asyncssh.generate_private_key("ssh-ed25519")
        private.write_private_key(str(key))
        self._key = private
        self.port = 0

    @property
    def known_hosts(self) -> str:
        """The line that makes a client trust it."""
        return f"[127.0.0.1]:{self.port} {self._key.export_public_key().decode().strip()}\n"

    def __enter__(self) -> HostileServer:
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda *_: None)
        plays = self._plays
        open_now: set[Any] = set()

        class Server(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                self._conn = conn
                open_now.add(conn)

            def connection_lost(self, exc: Exception | None) -> None:
                open_now.discard(self._conn)

            def begin_auth(self, username: str) -> bool:
                self._play = plays[username]
                if self._play.banner:
                    self._conn.send_auth_banner(self._play.banner)
                if not self._play.prompts:
                    self._play.on_login(self._conn)
                return bool(self._play.prompts)

            def kbdint_auth_supported(self) -> bool:
                return True

            def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Any:
                first, *rest = self._play.prompts
                return first, first, "", [(prompt, False) for prompt in rest]

            def validate_kbdint_response(self, username: str, responses: Any) -> bool:
                return True

        server = await asyncssh.create_server(
            Server, "127.0.0.1", 0, server_host_keys=[self._key], process_factory=self._process, encoding=None,
            kex_algs=["curve25519-sha256"], backlog=200, allow_scp=False, x11_forwarding=False,
        )  # fmt: skip
        self.port = server.get_port()
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in list(open_now):
            connection.abort()
        for task in (tasks := asyncio.all_tasks() - {asyncio.current_task()}):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    async def _process(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        play = self._plays[process.get_extra_info("username")]
        if play.drops:
            process.channel.abort()
            return
        shell = await asyncio.create_subprocess_exec(
            "/bin/sh", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=1 << 26, start_new_session=True,
            env={"PATH": os.environ["PATH"], "SHELL": "/bin/sh", **play.env},
        )  # fmt: skip
        try:
            await _converse(play, Channel(process, shell), shell)
        except (OSError, asyncssh.Error, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            with contextlib.suppress(ProcessLookupError):
                shell.kill()
            await shell.wait()
            process.channel.abort()


async def _converse(play: Play, channel: Channel, shell: asyncio.subprocess.Process) -> None:
    assert shell.stdin is not None
    names = {b"S": "greet", b"A": "alive"}
    held = b""
    while data := await channel.process.stdin.read(65536):
        held += data
        while (found := REQUEST.search(held)) is not None:
            start = found.start(1)
            end = held.find(b"\n", start)
            while end >= 0 and held[start:end].replace(b"'\\''", b"").count(b"'") % 2:
                end = held.find(b"\n", end + 1)
            if end < 0:
                break
            before, line, held = held[:start], held[start : end + 1], held[end + 1 :]
            for definition in DEFINITION.finditer(before):
                text = before[definition.end() :]
                # What scripts share stands before them.
                text = text.removeprefix(script("proc_links")).removeprefix(script("inventory_common"))
                names[definition[1]] = next((name for name in SCRIPTS if text.startswith(script(name))), "unknown")
            shell.stdin.write(before)
            question = Question(names[found[3]], found[2], found[1] == b"Z", line)
            await play.answer(question, channel)


@contextmanager
def talker(words: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP server that says *words* to each who connects, and no more; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ending = threading.Event()

        def talk(peer: socket.socket) -> None:
            with peer, contextlib.suppress(OSError):
                peer.settimeout(30)
                words(peer)
                while peer.recv(65536):
                    pass

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    if ending.is_set():
                        peer.close()
                        return
                    threading.Thread(target=talk, args=(peer,), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ending.set()
            with contextlib.suppress(OSError):
                socket.create_connection(server.getsockname(), 1).close()
            thread.join(10)
