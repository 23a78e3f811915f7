"""The demo's server process: builds the hosts, serves them all, and takes everything with it when it ends.

Its standard input is its lifeline: the first line says which hosts are wanted, further lines are orders, and
its end, however the parent came to its own, ends the demo. One line on standard output says that it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import asyncssh

from tui.demo.channel_demo import DemoChannel
from tui.demo.cleanup import hold_new_folder, parent_folders, reap, remove, sweep
from tui.demo.host import DemoHost, make_tools
from tui.demo.plan import Answer, Auth, HostKey, HostPlan
from tui.demo.settings import write_settings
from tui.demo.sshd import Connection, Gate

__all__ = ["main"]

_log = logging.getLogger("tui.demo")
TICK_S = 2.0
TICK_EACH_S = 0.03
"""So that playing takes a small part of the process, however many hosts are watched."""


class Server:
    """All hosts of one demo."""

    def __init__(self, base: Path, plans: list[HostPlan]) -> None:
        self.base = base
        tools = make_tools(base / "tools")
        channel = DemoChannel(base)
        channel.announce()
        self.hosts = [DemoHost(plan, number, base, tools, channel) for number, plan in enumerate(plans)]
        self.gates = {host.plan.name: Gate(host) for host in self.hosts}
        self.ports: dict[str, int] = {}
        self._listeners: dict[str, asyncssh.SSHAcceptor | asyncio.Server] = {}
        self._sockets: list[socket.socket] = []
        self._silent: set[asyncio.StreamWriter] = set()
        self._keys: dict[str, asyncssh.SSHKey] = {}
        self._trusted: asyncssh.SSHAuthorizedKeys | None = None
        self._nobody: asyncssh.SSHAuthorizedKeys | None = None

    def build(self) -> None:
        """Make the hosts' disks and begin their sessions. Blocks."""
        starting: list[tuple[DemoHost, subprocess.Popen[bytes]]] = []
        for host in self.hosts:
            host.build()
            starting += [(host, process) for process in host.start_sessions()]
        for host, process in starting:
            try:
                _, words = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                words = b"no answer from tmux in 20 s"
            if process.returncode:
                _log.warning("%s: tmux did not start: %s", host.plan.name, words.decode(errors="replace").strip())
            else:
                host.await_runs()

    async def serve(self) -> None:
        """Listen for all hosts on free ports of 127.0.0.1, and write configuration, keys and known hosts."""
        client = asyncssh.generate_private_key("ssh-ed25519", comment="condafleet demo")
        client.write_private_key(self.base / "id_ed25519")
        (self.base / "id_ed25519").chmod(0o600)
        client.write_public_key(self.base / "id_ed25519.pub")
        self._trusted = asyncssh.import_authorized_keys(client.export_public_key().decode())
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        self._nobody = asyncssh.import_authorized_keys(other)
        known = []
        for host in self.hosts:
            name, behaviour = host.plan.name, host.plan.behaviour
            self._keys[name] = key = asyncssh.generate_private_key("ssh-ed25519")
            await self.listen(name)
            if behaviour.host_key is HostKey.CHANGED:
                key = asyncssh.generate_private_key("ssh-ed25519")
            if behaviour.host_key is not HostKey.UNKNOWN:
                words = key.export_public_key().decode().split()
                known.append(f"[127.0.0.1]:{self.ports[name]} {words[0]} {words[1]}\n")
        (self.base / "known_hosts").write_text("".join(known))
        write_settings(self.base, self.hosts, self.ports)

    async def listen(self, name: str) -> None:
        """Begin to listen for one host, on the port that it had before if it had one."""
        answer = self.gates[name].behaviour.answer
        port = self.ports.get(name, 0)
        if answer is Answer.REFUSED:
            own = socket.socket()  # bound and never listening: refused, and nobody else gets the port
            own.bind(("127.0.0.1", port))
            self._sockets.append(own)
            self.ports[name] = own.getsockname()[1]
        elif answer in (Answer.SILENT, Answer.GARBAGE):
            greet = b"" if answer is Answer.SILENT else b"HTTP/1.1 400 Bad Request\r\n\r\n"
            listener = await asyncio.start_server(lambda r, w: self._be_odd(r, w, greet), "127.0.0.1", port)
            self._listeners[name] = listener
            self.ports[name] = listener.sockets[0].getsockname()[1]
        else:
            gate = self.gates[name]
            acceptor = await asyncssh.listen(
                "127.0.0.1",
                port,
                server_factory=lambda: Connection(gate),
                server_host_keys=[self._keys[name]],
                authorized_client_keys={Auth.KEY: self._trusted, Auth.NOBODY: self._nobody}.get(gate.behaviour.auth),
                encoding=None,
                line_editor=False,
                agent_forwarding=False,
                server_version="CondafleetDemo",
                config=None,
                gss_host=None,
                login_timeout=120,
                backlog=256,
            )
            self._listeners[name] = acceptor
            self.ports[name] = acceptor.get_port()

    async def _be_odd(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, greet: bytes) -> None:
        """Take what comes and say nothing that helps."""
        self._silent.add(writer)
        try:
            writer.write(greet)
            while await reader.read(65536):
                pass
        except OSError:
            pass  # the client is gone, which is all that was waited for
        finally:
            self._silent.discard(writer)
            writer.close()

    async def order(self, line: bytes) -> None:
        """``{"order": "drop" | "stop" | "start", "host": NAME}``, from tests."""
        words = json.loads(line)
        name = words["host"]
        if words["order"] in ("drop", "stop"):
            if words["order"] == "stop" and name in self._listeners:
                self._listeners.pop(name).close()
            self.gates[name].drop()
        elif words["order"] == "start" and name not in self._listeners:
            await self.listen(name)

    async def play(self) -> None:
        """Keep the numbers of those hosts moving that somebody looks at."""
        while True:
            watched = [gate for gate in self.gates.values() if gate.connections]
            await asyncio.sleep(max(TICK_S, len(watched) * TICK_EACH_S))
            for gate in watched:
                with contextlib.suppress(OSError):
                    gate.host.play()
                await asyncio.sleep(0)

    def close(self) -> None:
        """Stop listening and drop everybody."""
        for listener in self._listeners.values():
            listener.close()
        for own in self._sockets:
            own.close()
        for gate in self.gates.values():
            gate.drop()
        for writer in tuple(self._silent):
            writer.transport.abort()


async def _orders() -> tuple[asyncio.StreamReader, asyncio.Event]:
    """Standard input as a stream, and an event for the signals that end the process."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return reader, stop


async def _serve_until_the_end(base: Path, server: Server, lines: asyncio.StreamReader, stop: asyncio.Event) -> None:
    tasks = [asyncio.create_task(_obey(server, lines)), asyncio.create_task(stop.wait())]
    background = asyncio.create_task(server.play())
    _say({"ready": True, "base": str(base), "ports": server.ports})
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, background):
        task.cancel()
    server.close()
    await asyncio.sleep(0)


async def _obey(server: Server, lines: asyncio.StreamReader) -> None:
    """Orders until the lifeline ends."""
    while line := await lines.readline():
        try:
            await server.order(line)
        except (ValueError, KeyError, OSError) as error:
            _log.warning("order not understood: %r: %s", line, error)
            _say({"error": str(error)})
        else:
            _say({"done": True})


def _say(words: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(words).encode() + b"\n")


async def _run() -> None:
    lines, stop = await _orders()
    request = json.loads(await lines.readline() or b"null")
    if request is None:
        return
    parents = [Path(request["parent"])] if request.get("parent") else parent_folders()
    for parent in parents:
        sweep(parent)
    try:
        base, lock = hold_new_folder(parents[0], request.get("name"))
    except OSError as error:
        _say({"error": f"{error.strerror}: {error.filename}"})
        return
    _say({"base": str(base)})
    logging.basicConfig(filename=base / "server.log", level=logging.DEBUG if request.get("debug") else logging.WARNING)
    with (base / "server.log").open("ab") as log:
        os.dup2(log.fileno(), 2)  # nobody reads a pipe for as long as the demo lives
    try:
        server = Server(base, [HostPlan.from_json(item) for item in request["hosts"]])
        await asyncio.to_thread(server.build)
        await server.serve()
        await _serve_until_the_end(base, server, lines, stop)
    except OSError as error:
        _say({"error": f"{error.strerror or error}: {error.filename or base}"})
    except Exception as error:  # whatever it is: the folder goes, so the parent has to be told
        _say({"error": f"{type(error).__name__}: {error}"})
    finally:
        reap(base)
        remove(base)
        os.close(lock)


def _guard(work: Coroutine[Any, Any, None]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16) if hard > 0 else 1 << 16, hard))
    os.umask(0o077)
    asyncio.run(work)


def main() -> int:
    """Serve until standard input ends."""
    _guard(_run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
