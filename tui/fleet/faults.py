"""From what went wrong on the way to a host to a fault in plain words: one table."""

from __future__ import annotations

import errno
import os
import socket
from enum import Enum

import asyncssh

from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import mark, phrase
from tui.domain.text import printable

__all__ = [
    "GOES_ON",
    "Phase",
    "clean",
    "connect_fault",
    "forward_fault",
    "lost_fault",
    "no_greeting_fault",
    "timeout_fault",
]

GOES_ON = phrase("What runs on the host goes on, and can be reached again over a new connection.")
"""The remedy for a connection that was up: true where it is made again without asking, and where it is not."""

_LONGEST = 300


class Phase(Enum):
    """How far a connection has come; the value completes "while …"."""

    RESOLVE = phrase("its name was looked up")
    CONNECT = phrase("the connection was made")
    BANNER = phrase("waiting for its SSH greeting")
    KEX = phrase("the keys were exchanged")
    LOGIN = phrase("logging in")


def clean(text: str) -> str:
    """A remote or foreign text as part of a message: printed form, one line, bounded."""
    flat = printable(" ".join(text.split()))
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def timeout_fault(where: str, phase: Phase, seconds: float) -> Fault:
    """*where* is ``gpu01 (192.0.2.1 port 22)``."""
    message, remedy = {
        Phase.RESOLVE: (
            mark("The name of {where} was not resolved within {seconds} s."),
            phrase("See whether the name server can be reached, or write the host's `address` in the configuration."),
        ),
        Phase.CONNECT: (
            mark("{where} did not answer within {seconds} s."),
            phrase("See whether the host is on, and whether a firewall or a missing VPN stands in between."),
        ),
        Phase.BANNER: (
            mark("{where} accepted the connection and sent no SSH greeting within {seconds} s."),
            phrase("The host may be overloaded or hung, or something other than sshd listens on that port."),
        ),
        Phase.KEX: (
            mark("{where} stopped answering within {seconds} s, while keys were exchanged."),
            phrase("The host may be overloaded, or the network drops large packets (MTU)."),
        ),
        Phase.LOGIN: (
            mark("{where} did not finish the login within {seconds} s."),
            phrase("Its login may wait for a name server or a network home; raise `limits: connect` to wait longer."),
        ),
    }[phase]
    return Fault(FaultKind.TIMEOUT, phrase(message, where=where, seconds=f"{seconds:g}"), remedy)


def connect_fault(where: str, phase: Phase, error: BaseException) -> Fault:
    """The fault for an exception of the socket or of the SSH library. Never raises."""
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Fault(
            FaultKind.KEX_FAILED,
            phrase(
                "{where} and this program know no common way to exchange keys: {reason}.",
                where=where,
                reason=clean(error.reason),
            ),
            phrase(
                "Enable a current algorithm in its sshd_config (KexAlgorithms, Ciphers, MACs, "
                "HostKeyAlgorithms), or look at what ssh_config restricts here."
            ),
        )
    if isinstance(error, asyncssh.IllegalUserName):
        return Fault(
            FaultKind.CONFIG,
            phrase("The user name for {where} cannot be used: {reason}.", where=where, reason=clean(error.reason)),
            phrase("Correct `user` in the configuration."),
        )
    if isinstance(error, asyncssh.ConnectionLost):
        return _dropped(where, phase)
    if isinstance(error, asyncssh.DisconnectError):
        return _disconnected(where, phase, error)
    if isinstance(error, socket.gaierror):
        return _name_fault(where, error)
    if isinstance(error, OSError):
        return _os_fault(where, phase, error)
    # Noise from a server can raise nearly anything inside the SSH library.
    return _no_ssh(where, phase, clean(str(error) or type(error).__name__))


def no_greeting_fault(where: str, received: bytes) -> Fault:
    """Something answered, but not an SSH server; *received* is how it began."""
    began = clean(received[:80].decode("utf-8", "surrogateescape"))
    return _no_ssh(where, Phase.BANNER, phrase("it began with {text}", text=repr(began)))


def _no_ssh(where: str, phase: Phase, reason: str) -> Fault:
    return Fault(
        FaultKind.PROTOCOL,
        phrase(
            "{where} sent something that is no valid SSH, while {phase}: {reason}.",
            where=where,
            phase=phase.value,
            reason=reason,
        ),
        phrase("See what listens on that port, and whether something in between changes the data."),
    )


def _dropped(where: str, phase: Phase) -> Fault:
    if phase in (Phase.CONNECT, Phase.BANNER):
        return Fault(
            FaultKind.LOST,
            phrase("{where} took the connection and closed it before any greeting.", where=where),
            phrase(
                "sshd may be at its limit (MaxStartups), may have banned this address for a while "
                "(PerSourcePenalties, fail2ban), or may be restarting."
            ),
        )
    return Fault(
        FaultKind.LOST,
        phrase("{where} dropped the connection while {phase}.", where=where, phase=phase.value),
        phrase("It is tried again; sshd's log on the host says why."),
    )


def _disconnected(where: str, phase: Phase, error: asyncssh.DisconnectError) -> Fault:
    reason = clean(error.reason)
    if "too many authentication failures" in error.reason.lower():
        return Fault(
            FaultKind.AUTH_FAILED,
            phrase("{where} refused further login attempts: {reason}.", where=where, reason=reason),
            phrase("Name the right key as `identity` in the configuration."),
        )
    if isinstance(error, asyncssh.ProtocolNotSupported):
        return Fault(
            FaultKind.PROTOCOL,
            phrase("{where} speaks no SSH version that can be used: {reason}.", where=where, reason=reason),
            phrase("See what listens on that port; SSH 1 is not supported."),
        )
    if isinstance(error, (asyncssh.ProtocolError, asyncssh.MACError, asyncssh.CompressionError)):
        return _no_ssh(where, phase, reason)
    return Fault(
        FaultKind.LOST,
        phrase("{where} ended the connection while {phase}: {reason}.", where=where, phase=phase.value, reason=reason),
        phrase("It is tried again; sshd's log on the host says why."),
    )


def _name_fault(where: str, error: socket.gaierror) -> Fault:
    if error.errno == socket.EAI_AGAIN:
        message = phrase("The name of {where} could not be looked up now: no name server answered.", where=where)
        return Fault(FaultKind.NAME_NOT_FOUND, message, phrase("See whether this machine has a network."))
    return Fault(FaultKind.NAME_NOT_FOUND, phrase("The name of {where} is not known.", where=where),
                 phrase("Correct the name, or write the host's `address` in the configuration."))  # fmt: skip


_OS_FAULTS: dict[int, tuple[FaultKind, str, str]] = {
    errno.ECONNREFUSED: (
        FaultKind.REFUSED,
        mark("{where} refused the connection: nothing listens on that port."),
        phrase("See whether sshd runs on the host and whether the port is right."),
    ),
    errno.ETIMEDOUT: (
        FaultKind.TIMEOUT,
        mark("{where} did not answer."),
        phrase("See whether the host is on, and whether a firewall or a missing VPN stands in between."),
    ),
    **dict.fromkeys(
        (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL),
        (
            FaultKind.NO_ROUTE,
            mark("There is no way to {where}: {reason}."),
            phrase("See whether this machine's network or VPN is up and whether the host is on."),
        ),
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM),
        (FaultKind.NO_ROUTE, mark("This machine does not let a connection out to {where}: {reason}."),
         phrase("Look at the local firewall.")),
    ),
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE),
        (FaultKind.CONFIG, mark("No connection to {where}: this machine has too many files open."),
         phrase("Raise the limit with `ulimit -n` and start again.")),
    ),
}  # fmt: skip


def _os_fault(where: str, phase: Phase, error: OSError) -> Fault:
    reason = os.strerror(error.errno) if error.errno else clean(str(error) or type(error).__name__)
    if error.errno in _OS_FAULTS:
        kind, message, remedy = _OS_FAULTS[error.errno]
        return Fault(kind, phrase(message, where=where, reason=reason), remedy)
    if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return _dropped(where, phase)
    return Fault(
        FaultKind.LOST,
        phrase(
            "The connection to {where} failed while {phase}: {reason}.", where=where, phase=phase.value, reason=reason
        ),
        phrase("It is tried again."),
    )


def lost_fault(where: str, error: BaseException | None) -> Fault:
    """Why a connection that was up is gone."""
    if isinstance(error, asyncssh.ConnectionLost) and "keepalive" in error.reason.lower():
        message = phrase("The connection to {where} was lost: the host did not answer any more.", where=where)
    elif isinstance(error, (asyncssh.ProtocolError, asyncssh.MACError, asyncssh.CompressionError)):
        # Ours or the server's: the library raises the same for a packet that it does not take and for one that
        # the server says it cannot take.
        message = phrase(
            "The connection to {where} was ended, because something that came over it was no valid SSH: {reason}.",
            where=where,
            reason=clean(error.reason),
        )
    elif isinstance(error, asyncssh.DisconnectError) and not isinstance(error, asyncssh.ConnectionLost):
        message = phrase("{where} ended the connection: {reason}.", where=where, reason=clean(error.reason))
    elif isinstance(error, OSError):
        message = phrase(
            "The connection to {where} was lost: {reason}.", where=where, reason=clean(error.strerror or str(error))
        )
    else:
        message = phrase("The connection to {where} was lost.", where=where)
    return Fault(FaultKind.LOST, message, GOES_ON)


def forward_fault(jump: str, where: str, error: asyncssh.ChannelOpenError) -> Fault:
    """A jump host that is up could not pass the connection on."""
    reason = clean(error.reason)
    low = error.reason.lower()
    on = phrase("See whether the host is on and can be reached from {jump}.", jump=jump)
    correct = phrase("The name is looked up on {jump}: correct it, or write an `address`.", jump=jump)
    server = phrase("The name is looked up on {jump}: see its name server.", jump=jump)
    kinds = (
        ("refused", FaultKind.REFUSED, phrase("See whether sshd runs on the host and whether the port is right.")),
        ("timed out", FaultKind.TIMEOUT, on),
        ("no route", FaultKind.NO_ROUTE, on),
        ("unreachable", FaultKind.NO_ROUTE, on),
        ("not known", FaultKind.NAME_NOT_FOUND, correct),
        ("name resolution", FaultKind.NAME_NOT_FOUND, server),
    )
    for words, kind, remedy in kinds:
        if words in low:
            return Fault(
                kind, phrase("{jump} could not reach {where}: {reason}.", jump=jump, where=where, reason=reason), remedy
            )
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return Fault(
            FaultKind.JUMP_FAILED,
            phrase("{jump} does not pass connections on to {where}: {reason}.", jump=jump, where=where, reason=reason),
            phrase("Allow it in the sshd_config of {jump} (AllowTcpForwarding, PermitOpen).", jump=jump),
        )
    return Fault(
        FaultKind.JUMP_FAILED,
        phrase("{jump} could not pass the connection on to {where}: {reason}.", jump=jump, where=where, reason=reason),
        phrase("See whether {jump} can reach the host.", jump=jump),
    )
