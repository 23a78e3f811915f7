"""One try to reach a host: from its settings to a connection that is logged in, or a fault."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncssh

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import joined, phrase
from tui.domain.text import printable
from tui.fleet.admission import Place
from tui.fleet.connection import SshConnection
from tui.fleet.deadline import Deadline
from tui.fleet.dial import Wire, dial
from tui.fleet.engine import Engine
from tui.fleet.faults import GOES_ON, Phase, clean, connect_fault, forward_fault, no_greeting_fault, timeout_fault
from tui.fleet.hostkeys import host_key_fault
from tui.fleet.jumps import Lease
from tui.fleet.login import HostKeyProblem, Login, LoginContext
from tui.fleet.options import host_key_algorithms, make_options, offered_types
from tui.fleet.resolved import Resolved
from tui.fleet.transport import ProxyProcess, connect_tcp
from tui.ports import ConnectionFacts

__all__ = ["Attempt", "HostKeyRefusedError", "LateAnswerError"]


class HostKeyRefusedError(Exception):
    """The server's key needs a decision before anything else happens."""

    def __init__(self, problem: HostKeyProblem) -> None:
        super().__init__(problem.verdict.value)
        self.problem = problem


class LateAnswerError(Exception):
    """The server hung up while a person was typing; the answer is there now."""


@dataclass(slots=True)
class Attempt:
    """Everything one try needs; use it once."""

    engine: Engine
    resolved: Resolved
    lease: Lease | None
    report: Callable[[str], None]
    certificates: bool = True
    only_key: bool = False
    without: frozenset[str] = frozenset()
    """Host key types that are not offered (to see a server's other keys)."""
    phase: Phase = Phase.RESOLVE
    _wire: Wire | None = None
    _login: Login | None = None
    _place: Place | None = None
    _proxy: ProxyProcess | None = None
    _sock: socket.socket | None = None
    _late: bool = field(default=False)

    async def run(self) -> SshConnection:
        """Raises HostFaultError, HostKeyRefusedError, LateAnswerError."""
        deadline = Deadline(self.engine.limits.connect)
        up = False
        try:
            try:
                async with deadline:
                    connection = await self._run(deadline)
            except Exception as error:  # noise from a server raises nearly anything inside the SSH library
                raise await self._explain(error, deadline) from error
            up = True
            return connection
        finally:
            if self._place is not None:
                self._place.leave()
            if not up:
                self._clean_up()

    async def _run(self, deadline: Deadline) -> SshConnection:
        engine, resolved = self.engine, self.resolved
        files = (*resolved.known_hosts, *resolved.global_known_hosts)
        name = resolved.hostname
        if engine.known_hosts.changed(files):
            await asyncio.to_thread(engine.known_hosts.look_up, files, name, resolved.port, resolved.host_key_alias)
        trust = engine.known_hosts.look_up(files, name, resolved.port, resolved.host_key_alias)
        algorithms = tuple(
            algorithm
            for algorithm in host_key_algorithms(resolved, trust, certificates=self.certificates)
            if algorithm not in self.without and not (self.without and "ssh-rsa" in self.without and "rsa" in algorithm)
        )
        if not algorithms:
            raise asyncssh.KeyExchangeFailed("no further kind of host key")
        worked = engine.worked.get((resolved.user, resolved.hostname, resolved.port))
        login = Login(
            LoginContext(
                resolved, trust, offered_types(algorithms), engine.accepted_keys(resolved), engine.prompts,
                engine.secrets, engine.keys, deadline, self.report, self._asked, worked, self.only_key,
            )
        )  # fmt: skip
        self._login = login
        options = make_options(resolved, trust, algorithms, lambda: login)
        if self.lease is None:
            await self._open_socket()
        self.phase = Phase.CONNECT if self.lease is not None else Phase.BANNER
        with deadline.paused():
            self._place = await engine.admission.enter()
        self.report(phrase("shaking hands"))
        first_key = None if self.only_key else await login.first_key()
        wire = await dial(
            options, login, sock=self._sock, tunnel=self.lease.connection if self.lease else None,
            first_key=first_key, sure=first_key == worked, made=self._made,
        )  # fmt: skip
        connection = self._connection(wire, login)
        method = connection.facts.auth_method if login.record.method else None
        self.report(
            phrase("logged in by {method}", method=method)
            if method
            else phrase("logged in: the server asked for nothing")
        )
        return connection

    async def _open_socket(self) -> None:
        resolved = self.resolved
        if resolved.proxy_command is not None:
            self.phase = Phase.CONNECT
            self.report(phrase("starting the ProxyCommand"))
            self._proxy = ProxyProcess()
            self.engine.proxies.add(self._proxy)
            self._sock = await self._proxy.start(
                resolved.proxy_command, self.engine.environment, self.engine.proxies.discard
            )
            return
        self.report(phrase("looking up {hostname}", hostname=printable(resolved.hostname)))
        addresses = await self.engine.names.look_up(resolved.hostname, resolved.port, resolved.family)
        self.phase = Phase.CONNECT
        self.report(
            phrase("connecting to {hostname} port {port}", hostname=printable(resolved.hostname), port=resolved.port)
        )
        self._sock = await connect_tcp(addresses, resolved.bind_address)

    def _made(self, wire: Wire) -> None:
        self._wire = wire
        self.phase = Phase.BANNER
        if self._place is not None:
            self._place.watch(lambda: not wire.greeted)

    def _asked(self) -> None:
        if self._place is not None:
            self._place.leave()

    def _connection(self, wire: Wire, login: Login) -> SshConnection:
        engine, resolved, record = self.engine, self.resolved, login.record
        if record.method == "publickey" and record.last is not None:
            engine.worked[(resolved.user, resolved.hostname, resolved.port)] = record.last.blob
        method = record.method or "none"
        if method == "publickey" and record.last is not None:
            method = f"publickey {record.last.label}"
        version = wire.get_extra_info("server_version", "")
        peer = wire.get_extra_info("peername") if self.lease is None and self._proxy is None else None
        via = self.lease.via if self.lease is not None else ("ProxyCommand",) if self._proxy is not None else ()
        facts = ConnectionFacts(
            address=str(peer[0]) if peer else resolved.hostname,
            port=resolved.port,
            user=resolved.user,
            via=via,
            host_key=record.host_key_name,
            auth_method=printable(method),
            server_version=clean(version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)),
            not_honoured=(*resolved.not_honoured, *record.problems),
            connected_at=engine.clock.now(),
        )
        lease, proxy = self.lease, self._proxy

        def release() -> None:
            engine.connections.discard(connection)
            if lease is not None:
                lease.release()
            if proxy is not None:
                proxy.close()

        connection = SshConnection(wire, resolved.name, facts, engine.limits.connect, release)
        engine.connections.add(connection)
        if lease is not None:
            jump = lease

            def why() -> Fault | None:
                if not jump.connection.is_gone:
                    return None
                message = phrase(
                    "The connection to {host} was lost with that of {jump}, through which it went.",
                    host=resolved.name,
                    jump=jump.name,
                )
                return Fault(FaultKind.LOST, message, GOES_ON)

            connection.why_lost = why
        connection.start()
        return connection

    def _clean_up(self) -> None:
        if self._login is not None:
            self._login.forget_agent()
            if not self._late:
                self._login.cancel()
        if self._wire is None and self._sock is not None:
            self._sock.close()
        if self._proxy is not None:
            self._proxy.close()

    # -- what went wrong ----------------------------------------------------------------------------

    @property
    def _where(self) -> str:
        where = self.resolved.where
        if self.lease is None:
            return where
        return phrase("{where} through {jump}", where=where, jump=self.lease.name)

    async def _explain(self, error: Exception, deadline: Deadline) -> Exception:
        login, wire = self._login, self._wire
        if self.phase is Phase.BANNER and wire is not None and wire.greeted:
            self.phase = Phase.KEX
        if login is not None and login.record.phase is Phase.LOGIN:
            self.phase = Phase.LOGIN
        if isinstance(error, HostFaultError):
            return error
        if self.phase is Phase.BANNER and wire is not None and wire.received:
            return HostFaultError(no_greeting_fault(self._where, wire.received))
        if login is not None and login.record.host_key is not None:
            return HostKeyRefusedError(login.record.host_key)
        if isinstance(error, TimeoutError) and not getattr(error, "errno", None):
            return HostFaultError(timeout_fault(self._where, self.phase, deadline.seconds))
        if login is not None and self.phase is Phase.LOGIN and await login.late_answer():
            self._late = True
            return LateAnswerError()
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return HostFaultError(host_key_fault(self.resolved, None, error.reason))
        if isinstance(error, asyncssh.PermissionDenied) and login is not None:
            return HostFaultError(self._login_fault(login))
        if isinstance(error, asyncssh.ChannelOpenError) and self.lease is not None:
            return HostFaultError(forward_fault(self.lease.name, self.resolved.where, error))
        if self._proxy is not None and self.phase in (Phase.CONNECT, Phase.BANNER):
            return HostFaultError(await self._proxy_fault(self._proxy, error))
        if isinstance(error, ValueError) and wire is None:
            message = phrase(
                "The settings for {host} cannot be used: {reason}.", host=self.resolved.name, reason=clean(str(error))
            )
            return HostFaultError(Fault(FaultKind.CONFIG, message, phrase("Correct ssh_config or the configuration.")))
        fault = connect_fault(self._where, self.phase, error)
        if fault.kind is FaultKind.AUTH_FAILED and login is not None:
            fault = self._login_fault(login, fault.message)
        return HostFaultError(fault)

    async def _proxy_fault(self, proxy: ProxyProcess, error: Exception) -> Fault:
        try:
            async with asyncio.timeout(1.0):
                await proxy.ended()
        except TimeoutError:
            proxy.kill()
        said = clean(proxy.said)
        closed = phrase("it closed the connection")
        status = phrase("exit status {status}", status=proxy.failed) if proxy.failed else closed
        message = phrase(
            "The ProxyCommand for {where} led nowhere ({reason}).", where=self.resolved.where, reason=said or status
        )
        return Fault(FaultKind.JUMP_FAILED, message, phrase("Run the ProxyCommand of ssh_config by hand to see why."))

    def _login_fault(self, login: Login, said: str = "") -> Fault:
        record, resolved = login.record, self.resolved
        user = printable(resolved.user)
        keys = phrase("publickey with {keys}", keys=", ".join(map(printable, record.keys)))
        tried = joined("{before}; {next}", (keys if method == "publickey" else method for method in record.tried))
        done = [phrase("Tried: {methods}.", methods=tried) if tried else phrase("Nothing could be tried.")]
        if "publickey" in record.begun and not record.keys:
            done.append(phrase("There was no key that could be offered."))
        if record.accepts:
            done.append(phrase("The server still accepts {methods}.", methods=", ".join(record.accepts)))
        if record.unanswered:
            asked = phrase(
                "{where} wants {secret} for {user}, and none was given.",
                where=self._where,
                secret=record.unanswered,
                user=user,
            )
            remedy = phrase("Connect again to be asked, or set up a key (ssh-copy-id).")
            return Fault(FaultKind.AUTH_NEEDED, joined("{before} {next}", (asked, *done)), remedy)
        sentences = [said or phrase("{where} did not let {user} in.", where=self._where, user=user), *done]
        sentences += [phrase("Not used: {reason}.", reason=problem) for problem in record.problems[:5]]
        wanted = {"gssapi-with-mic": "GSSAPI", "hostbased": "Hostbased"}
        for method, word in wanted.items():
            if method in record.accepts:
                sentences += [
                    phrase("{sentence}.", sentence=line) for line in resolved.not_honoured if line.startswith(word)
                ]
        agent_only = [line for line in resolved.not_honoured if line.startswith(("PKCS11", "SecurityKey"))]
        sentences += [phrase("{sentence}.", sentence=line) for line in agent_only]
        remedy = phrase(
            "Add this account's public key to the host (ssh-copy-id), or name the right `identity` and `user`."
        )
        return Fault(FaultKind.AUTH_FAILED, joined("{before} {next}", sentences), remedy)
