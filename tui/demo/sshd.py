"""The SSH side of demo hosts: asyncssh's server, with each host's behaviour on top."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Sequence

import asyncssh

from tui.demo.child import Child
from tui.demo.host import DemoHost
from tui.demo.plan import PASSWORD, Auth, Behaviour

__all__ = ["Connection", "Gate"]

FLOOD = b"noise without end \x1b[2J\x1b]0;title\x07 [/b] \xff\xfe" * 400


KbdIntChallenge = tuple[str, str, str, list[tuple[str, bool]]]


class Gate:
    """What all connections of one host share."""

    def __init__(self, host: DemoHost) -> None:
        self.host = host
        self.connections: set[Connection] = set()

    @property
    def behaviour(self) -> Behaviour:
        """How the host behaves."""
        return self.host.plan.behaviour

    def drop(self) -> None:
        """End all connections without a word, as a dead network does when it says so at last."""
        for connection in tuple(self.connections):
            connection.drop()


class Connection(asyncssh.SSHServer):
    """One client on one host."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.sessions: set[Session] = set()
        self.sent = 0
        self._connection: asyncssh.SSHServerConnection | None = None
        self._asked = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """asyncssh: the transport stands."""
        self._connection = conn
        self.gate.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncssh: it is gone."""
        self.gate.connections.discard(self)
        for session in tuple(self.sessions):
            session.give_up()

    def drop(self) -> None:
        """End it without a word."""
        if self._connection is not None:
            self._connection.abort()

    def facts(self) -> dict[str, str]:
        """What sshd tells programs about the connection."""
        if self._connection is None:
            return {}
        peer = self._connection.get_extra_info("peername") or ("", 0)
        own = self._connection.get_extra_info("sockname") or ("", 0)
        return {
            "SSH_CLIENT": f"{peer[0]} {peer[1]} {own[1]}",
            "SSH_CONNECTION": f"{peer[0]} {peer[1]} {own[0]} {own[1]}",
        }

    def begin_auth(self, username: str) -> bool:
        """asyncssh: everybody must prove who they are."""
        motd = self.gate.behaviour.motd
        if motd and self._connection is not None:
            self._connection.send_auth_banner(motd)
        return True

    def password_auth_supported(self) -> bool:
        """asyncssh."""
        return self.gate.behaviour.auth is Auth.PASSWORD

    def validate_password(self, username: str, password: str) -> bool:
        """asyncssh: the same for all hosts."""
        return password == PASSWORD

    def kbdint_auth_supported(self) -> bool:
        """asyncssh."""
        return self.gate.behaviour.auth is Auth.INTERACTIVE

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> KbdIntChallenge:
        """asyncssh: one question."""
        return "Demo", "This host asks in its own words.", "", [("Demo password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        """asyncssh."""
        return list(responses) == [PASSWORD]

    def session_requested(self) -> Session:
        """asyncssh: a channel, while there is room for one."""
        if len(self.sessions) >= self.gate.behaviour.max_sessions:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        session = Session(self)
        self.sessions.add(session)
        return session

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        """asyncssh: a jump host passes connections on, others do not."""
        return self.gate.behaviour.forwarding


class Session(asyncssh.SSHServerSession[bytes]):
    """One channel: a command or a shell, as the host behaves."""

    def __init__(self, owner: Connection) -> None:
        self._owner = owner
        self._behaviour = owner.gate.behaviour
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._child: Child | None = None
        self._size: tuple[int, int] | None = None
        self._term = "dumb"
        self._command: str | None = None
        self._flood: asyncio.TimerHandle | None = None
        self._held = False

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """asyncssh: the channel stands."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        """asyncssh: a terminal is wanted."""
        self._term = term_type
        self._size = (term_size[0] or 80, term_size[1] or 24)
        return True

    def shell_requested(self) -> bool:
        """asyncssh."""
        return True

    def exec_requested(self, command: str) -> bool:
        """asyncssh."""
        self._command = command
        return True

    def session_started(self) -> None:
        """asyncssh: the client has been told yes."""
        host = self._owner.gate.host
        environ = {**host.environ, **self._owner.facts()}
        if self._size is not None:
            environ["TERM"] = self._term
        argv, executable = self._argv(environ["SHELL"])
        if self._behaviour.shout:
            self._on_output(self._behaviour.shout.encode(), False)
        if self._behaviour.flood:
            self._pour()
            return
        try:
            self._child = Child(
                argv,
                executable=executable,
                environ=environ,
                cwd=str(host.home),
                size=self._size,
                output=self._on_output,
                ended=self._on_end,
                blocked=self._on_blocked,
            )
        except OSError as error:
            self._on_output(f"demo host: cannot start a program: {error.strerror}\n".encode(), True)
            self._on_end(127)

    def _argv(self, shell: str) -> tuple[list[str], str | None]:
        if self._command is not None:
            return ["/bin/sh", "-c", self._command], None
        return [shell, "-l"], None

    def _pour(self) -> None:
        if self._channel is not None and not self._channel.is_closing():
            if not self._held:
                self._on_output(FLOOD, False)
            self._flood = asyncio.get_running_loop().call_later(0.001, self._pour)

    def _on_output(self, data: bytes, is_stderr: bool) -> None:
        owner, behaviour = self._owner, self._behaviour
        if self._channel is None:
            return
        if behaviour.stall_after is not None:
            data = data[: max(0, behaviour.stall_after - owner.sent)]
        owner.sent += len(data)
        if behaviour.drop_after is not None and owner.sent >= behaviour.drop_after:
            owner.drop()
        elif data:
            with contextlib.suppress(BrokenPipeError, OSError):
                self._channel.write(data, asyncssh.EXTENDED_DATA_STDERR if is_stderr else None)

    def _on_end(self, status: int) -> None:
        if self._channel is None or self._channel.is_closing():
            return
        if status < 0:
            self._channel.exit_with_signal(signal.Signals(-status).name.removeprefix("SIG"))
        else:
            self._channel.exit(status)

    def _on_blocked(self, full: bool) -> None:
        if self._channel is not None:
            if full:
                self._channel.pause_reading()
            else:
                self._channel.resume_reading()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """asyncssh: input."""
        if self._child is not None:
            self._child.write(data)

    def eof_received(self) -> bool:
        """asyncssh: the end of input; output may still come."""
        if self._child is not None:
            self._child.write_eof()
        return True

    def pause_writing(self) -> None:
        """asyncssh: the client does not read."""
        self._held = True
        if self._child is not None:
            self._child.pause()

    def resume_writing(self) -> None:
        """asyncssh: it does again."""
        self._held = False
        if self._child is not None:
            self._child.resume()

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """asyncssh."""
        if self._child is not None:
            self._child.resize(width, height)

    def signal_received(self, signal: str) -> None:
        """asyncssh: a signal for the program."""
        self._signal(signal)

    def _signal(self, name: str) -> None:
        number = getattr(signal, f"SIG{name}", None)
        if self._child is not None and isinstance(number, signal.Signals):
            self._child.signal(number)

    def break_received(self, msec: int) -> bool:
        """asyncssh: taken as Ctrl-C."""
        self._signal("INT")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncssh: the channel is closed."""
        self.give_up()

    def give_up(self) -> None:
        """Hang up on the program and free the place."""
        self._owner.sessions.discard(self)
        if self._flood is not None:
            self._flood.cancel()
        if self._child is not None:
            self._child.abandon()
            self._child = None
        self._channel = None
