"""The only door to the network: hosts in, connections out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.phrases import phrase
from tui.domain.settings import Limits
from tui.fleet.admission import Admission
from tui.fleet.attempt import Attempt, HostKeyRefusedError, LateAnswerError
from tui.fleet.connection import SshConnection
from tui.fleet.engine import Engine
from tui.fleet.hostkeys import append_key, decide, host_key_fault, not_saved_fault
from tui.fleet.jumps import JumpPool, Lease
from tui.fleet.keys import KeyStore
from tui.fleet.knownhosts import Verdict, fingerprint_of
from tui.fleet.local import LocalConnection
from tui.fleet.prompts import Prompts, Secrets
from tui.fleet.resolved import JumpPart, Resolved
from tui.fleet.sshconfig import SshConfig
from tui.ports import Clock, Connection, ConnectionFacts, Prompter, TrustedKey

__all__ = ["SshConnector"]

_ROUNDS = 5
_DEEPEST = 8


class SshConnector:
    """Reaches the hosts of a fleet, and ``local``.

    *hosts* are the fleet by name: a jump host named there is reached as it says. *ssh_config* is read instead
    of the user's and the system's files (``ssh -F``). *environment* stands for ``os.environ`` (SSH_AUTH_SOCK, PATH).
    """

    def __init__(
        self,
        hosts: Mapping[str, HostSpec],
        prompter: Prompter,
        clock: Clock,
        limits: Limits,
        *,
        ssh_config: Path | None = None,
        environment: Mapping[str, str] | None = None,
        ssh: str = "ssh",
    ) -> None:
        environment = dict(os.environ if environment is None else environment)
        self._hosts = hosts
        prompts = Prompts(prompter, clock)
        self._engine = Engine(
            limits, clock, environment, prompts, Secrets(), KeyStore(prompts), Admission(limits.handshakes)
        )
        self._config = SshConfig(ssh_config, environment, ssh)
        self._jumps = JumpPool(self._dial_jump)

    async def connect(
        self,
        spec: HostSpec,
        report: Callable[[str], None] | None = None,
        resolved: Callable[[ConnectionFacts], None] | None = None,
    ) -> Connection:
        """Reach *spec*; see the port."""
        if spec.is_local:
            return LocalConnection(self._engine.clock)
        connection = await self._reach(spec, None, (), report or _silent, resolved)
        self._jumps.forgive({spec.name, *connection.facts.via})
        return connection

    async def close(self) -> None:
        """Close every connection still up and the jumps below them, end helpers, and forget every secret."""
        # Those that go through others first; a jump is one of them, and closing it twice does no harm.
        await asyncio.gather(*(one.close() for one in list(self._engine.connections)))
        await self._jumps.close()
        await self._config.close()
        self._engine.names.close()
        for proxy in list(self._engine.proxies):
            proxy.kill()
        await asyncio.gather(*(proxy.ended() for proxy in list(self._engine.proxies)))
        self._engine.keys.clear()
        self._engine.secrets.clear()

    async def trust(self, spec: HostSpec, fingerprint: str, report: Callable[[str], None] | None = None) -> TrustedKey:
        """Save the host key of *spec* whose fingerprint is *fingerprint*, without logging in.

        All kinds of key that the server has are looked at. Raises HostFaultError: ``host_key_unknown`` when
        none has that fingerprint (the message names those seen), ``host_key_changed`` and
        ``host_key_revoked`` as when connecting, ``permission`` when it cannot be written.
        """
        tell = report or _silent
        resolved = replace(await self._config.resolve(spec), strict="ask")
        lease = await self._lease(resolved, resolved.jumps, (), tell)
        seen: dict[str, str] = {}
        first: HostFaultError | None = None
        try:
            for _ in range(_ROUNDS):
                attempt = Attempt(self._engine, resolved, lease, tell, certificates=False, only_key=True,
                                  without=frozenset(seen))  # fmt: skip
                try:
                    connection = await attempt.run()
                except HostKeyRefusedError as refused:
                    problem = refused.problem
                except HostFaultError as error:
                    first = error
                    break
                else:  # pragma: no cover - a login cannot succeed with its key refused
                    await connection.close()
                    break
                shown = fingerprint_of(problem.key)
                seen[problem.key_type] = shown
                if shown != fingerprint:
                    continue
                if problem.verdict is Verdict.KNOWN:
                    return TrustedKey(problem.key_type, shown, None, True)
                if problem.verdict is not Verdict.UNKNOWN:
                    raise HostFaultError(host_key_fault(resolved, problem))
                self._engine.accepted.setdefault(resolved.key_name, set()).add(problem.key)
                try:
                    file = await append_key(resolved, problem, tell)
                except OSError as error:
                    raise HostFaultError(not_saved_fault(resolved, error)) from error
                return TrustedKey(problem.key_type, shown, file, False)
        finally:
            if lease is not None:
                lease.release()
        if first is not None and not seen:
            raise first
        shown = ", ".join(f"{kind} {value}" for kind, value in seen.items())
        raise HostFaultError(
            Fault(
                FaultKind.HOST_KEY_UNKNOWN,
                phrase(
                    "No host key of {where} has that fingerprint. It showed {shown}. Nothing was saved.",
                    where=resolved.where,
                    shown=shown,
                ),
                phrase(
                    "Compare with what the host's keeper says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there)."
                ),
            )
        )

    async def _reach(
        self,
        spec: HostSpec,
        jumps: tuple[JumpPart, ...] | None,
        passed: tuple[str, ...],
        report: Callable[[str], None],
        tell: Callable[[ConnectionFacts], None] | None = None,
    ) -> SshConnection:
        report(phrase("reading its ssh settings"))
        resolved = await self._config.resolve(spec)
        if tell is not None:
            via = tuple(part.host for part in resolved.jumps)
            tell(ConnectionFacts(address=resolved.hostname, port=resolved.port, user=resolved.user, via=via))
        try:
            lease = await self._lease(resolved, resolved.jumps if jumps is None else jumps, passed, report)
            if lease is not None and resolved.proxy_command is not None:
                resolved = replace(resolved, proxy_command=None)
            try:
                return await self._rounds(resolved, lease, report)
            except BaseException:
                if lease is not None:
                    lease.release()
                raise
        except HostFaultError:
            # The person may correct ssh_config before the next try.
            self._config.forget(spec)
            raise

    async def _rounds(self, resolved: Resolved, lease: Lease | None, report: Callable[[str], None]) -> SshConnection:
        certificates = True
        for _ in range(_ROUNDS):
            attempt = Attempt(self._engine, resolved, lease, report, certificates=certificates)
            try:
                return await attempt.run()
            except HostKeyRefusedError as refused:
                if refused.problem.authority and refused.problem.verdict is Verdict.UNKNOWN and certificates:
                    # As OpenSSH does: an unknown authority counts for nothing, the plain key may be known.
                    certificates = False
                else:
                    await decide(self._engine, resolved, refused.problem, report)
            except LateAnswerError:
                report(phrase("connecting again with the answer"))
        raise HostFaultError(
            Fault(
                FaultKind.HOST_KEY_UNKNOWN,
                phrase("{where} showed another host key each time.", where=resolved.where),
                phrase("Several machines may answer under one address: give each a name of its own."),
            )
        )

    async def _lease(
        self, resolved: Resolved, parts: tuple[JumpPart, ...], passed: tuple[str, ...], report: Callable[[str], None]
    ) -> Lease | None:
        if not parts:
            return None
        if len(passed) >= _DEEPEST:
            raise HostFaultError(
                Fault(
                    FaultKind.CONFIG,
                    phrase("{host} lies behind more than {n} jump hosts.", host=resolved.name, n=_DEEPEST),
                    phrase("Correct ProxyJump in ssh_config."),
                )
            )
        report(phrase("jump {host}", host=parts[-1].host))
        try:
            return await self._jumps.lease(parts, (*passed, resolved.name), report)
        except HostFaultError as error:
            cause = error.fault
            if cause.kind is FaultKind.CONFIG:
                raise
            jump = parts[-1].host
            message = phrase(
                "{host} is reached through {jump}, which failed: {reason}",
                host=resolved.name,
                jump=jump,
                reason=cause.message,
            )
            remedy = cause.remedy
            if cause.kind is FaultKind.HOST_KEY_UNKNOWN and jump not in self._hosts:
                # `hosts trust` knows the fleet only.
                remedy = phrase(
                    "Compare it with the host's own, then: ssh {jump} (which asks and saves it). Connect again.",
                    jump=jump,
                )
            raise HostFaultError(
                Fault(FaultKind.JUMP_FAILED, message, remedy, needs_person=cause.waits_for_a_person)
            ) from error

    async def _dial_jump(
        self, parts: tuple[JumpPart, ...], passed: tuple[str, ...], report: Callable[[str], None]
    ) -> SshConnection:
        part = parts[-1]
        spec = self._hosts.get(part.host) or HostSpec(part.host)
        if part.user is not None or part.port is not None:
            spec = replace(spec, user=part.user or spec.user, port=part.port or spec.port)
        # In a chain the first host's own ProxyJump counts; the others are reached through the one before.
        return await self._reach(spec, parts[:-1] or None, passed, report)


def _silent(step: str) -> None:
    return None
