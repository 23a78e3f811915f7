"""From what went wrong on the way to a host to a fault in plain words: one table."""

from __future__ import annotations

import errno
import os
import socket
from enum import Enum

import asyncssh

from tui.domain.faults import Fault, FaultKind
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

GOES_ON = "What runs on the host goes on, and can be reached again over a new connection."
"""The remedy for a connection that was up: true where it is made again without asking, and where it is not."""

_LONGEST = 300


class Phase(Enum):
    """How far a connection has come; the value completes "while …"."""

    RESOLVE = "its name was looked up"
    CONNECT = "the connection was made"
    BANNER = "waiting for its SSH greeting"
    KEX = "the keys were exchanged"
    LOGIN = "logging in"


def clean(text: str) -> str:
    """A remote or foreign text as part of a message: printed form, one line, bounded."""
    flat = printable(" ".join(text.split()))
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def timeout_fault(where: str, phase: Phase, seconds: float) -> Fault:
    """*where* is ``gpu01 (192.0.2.1 port 22)``."""
    within = f"within {seconds:g} s"
    message, remedy = {
        Phase.RESOLVE: (
            f"The name of {where} was not resolved {within}.",
            "See whether the name server can be reached, or write the host's `address` in the configuration.",
        ),
        Phase.CONNECT: (
            f"{where} did not answer {within}.",
            "See whether the host is on, and whether a firewall or a missing VPN stands in between.",
        ),
        Phase.BANNER: (
            f"{where} accepted the connection and sent no SSH greeting {within}.",
            "The host may be overloaded or hung, or something other than sshd listens on that port.",
        ),
        Phase.KEX: (
            f"{where} stopped answering {within}, while keys were exchanged.",
            "The host may be overloaded, or the network drops large packets (MTU).",
        ),
        Phase.LOGIN: (
            f"{where} did not finish the login {within}.",
            "Its login may wait for a name server or a network home; raise `limits: connect` to wait longer.",
        ),
    }[phase]
    return Fault(FaultKind.TIMEOUT, message, remedy)


def connect_fault(where: str, phase: Phase, error: BaseException) -> Fault:
    """The fault for an exception of the socket or of the SSH library. Never raises."""
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return Fault(
            FaultKind.KEX_FAILED,
            f"{where} and this program know no common way to exchange keys: {clean(error.reason)}.",
            "Enable a current algorithm in its sshd_config (KexAlgorithms, Ciphers, MACs, HostKeyAlgorithms), "
            "or look at what ssh_config restricts here.",
        )
    if isinstance(error, asyncssh.IllegalUserName):
        return Fault(FaultKind.CONFIG, f"The user name for {where} cannot be used: {clean(error.reason)}.",
                     "Correct `user` in the configuration.")  # fmt: skip
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
    return _no_ssh(where, Phase.BANNER, f"it began with {clean(received[:80].decode('utf-8', 'surrogateescape'))!r}")


def _no_ssh(where: str, phase: Phase, reason: str) -> Fault:
    return Fault(
        FaultKind.PROTOCOL,
        f"{where} sent something that is no valid SSH, while {phase.value}: {reason}.",
        "See what listens on that port, and whether something in between changes the data.",
    )


def _dropped(where: str, phase: Phase) -> Fault:
    if phase in (Phase.CONNECT, Phase.BANNER):
        return Fault(
            FaultKind.LOST,
            f"{where} took the connection and closed it before any greeting.",
            "sshd may be at its limit (MaxStartups), may have banned this address for a while "
            "(PerSourcePenalties, fail2ban), or may be restarting.",
        )
    return Fault(FaultKind.LOST, f"{where} dropped the connection while {phase.value}.",
                 "It is tried again; sshd's log on the host says why.")  # fmt: skip


def _disconnected(where: str, phase: Phase, error: asyncssh.DisconnectError) -> Fault:
    reason = clean(error.reason)
    if "too many authentication failures" in error.reason.lower():
        return Fault(FaultKind.AUTH_FAILED, f"{where} refused further login attempts: {reason}.",
                     "Name the right key as `identity` in the configuration.")  # fmt: skip
    if isinstance(error, asyncssh.ProtocolNotSupported):
        return Fault(FaultKind.PROTOCOL, f"{where} speaks no SSH version that can be used: {reason}.",
                     "See what listens on that port; SSH 1 is not supported.")  # fmt: skip
    if isinstance(error, (asyncssh.ProtocolError, asyncssh.MACError, asyncssh.CompressionError)):
        return _no_ssh(where, phase, reason)
    return Fault(FaultKind.LOST, f"{where} ended the connection while {phase.value}: {reason}.",
                 "It is tried again; sshd's log on the host says why.")  # fmt: skip


def _name_fault(where: str, error: socket.gaierror) -> Fault:
    if error.errno == socket.EAI_AGAIN:
        message = f"The name of {where} could not be looked up now: no name server answered."
        return Fault(FaultKind.NAME_NOT_FOUND, message, "See whether this machine has a network.")
    return Fault(FaultKind.NAME_NOT_FOUND, f"The name of {where} is not known.",
                 "Correct the name, or write the host's `address` in the configuration.")  # fmt: skip


_OS_FAULTS: dict[int, tuple[FaultKind, str, str]] = {
    errno.ECONNREFUSED: (
        FaultKind.REFUSED,
        "{where} refused the connection: nothing listens on that port.",
        "See whether sshd runs on the host and whether the port is right.",
    ),
    errno.ETIMEDOUT: (
        FaultKind.TIMEOUT,
        "{where} did not answer.",
        "See whether the host is on, and whether a firewall or a missing VPN stands in between.",
    ),
    **dict.fromkeys(
        (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL),
        (
            FaultKind.NO_ROUTE,
            "There is no way to {where}: {reason}.",
            "See whether this machine's network or VPN is up and whether the host is on.",
        ),
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM),
        (FaultKind.NO_ROUTE, "This machine does not let a connection out to {where}: {reason}.",
         "Look at the local firewall."),
    ),
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE),
        (FaultKind.CONFIG, "No connection to {where}: this machine has too many files open.",
         "Raise the limit with `ulimit -n` and start again."),
    ),
}  # fmt: skip


def _os_fault(where: str, phase: Phase, error: OSError) -> Fault:
    reason = os.strerror(error.errno) if error.errno else clean(str(error) or type(error).__name__)
    if error.errno in _OS_FAULTS:
        kind, message, remedy = _OS_FAULTS[error.errno]
        return Fault(kind, message.format(where=where, reason=reason), remedy)
    if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return _dropped(where, phase)
    return Fault(
        FaultKind.LOST, f"The connection to {where} failed while {phase.value}: {reason}.", "It is tried again."
    )


def lost_fault(where: str, error: BaseException | None) -> Fault:
    """Why a connection that was up is gone."""
    if isinstance(error, asyncssh.ConnectionLost) and "keepalive" in error.reason.lower():
        message = f"The connection to {where} was lost: the host did not answer any more."
    elif isinstance(error, (asyncssh.ProtocolError, asyncssh.MACError, asyncssh.CompressionError)):
        # Ours or the server's: the library raises the same for a packet that it does not take and for one that
        # the server says it cannot take.
        message = (
            f"The connection to {where} was ended, because something that came over it was no valid SSH: "
            f"{clean(error.reason)}."
        )
    elif isinstance(error, asyncssh.DisconnectError) and not isinstance(error, asyncssh.ConnectionLost):
        message = f"{where} ended the connection: {clean(error.reason)}."
    elif isinstance(error, OSError):
        message = f"The connection to {where} was lost: {clean(error.strerror or str(error))}."
    else:
        message = f"The connection to {where} was lost."
    return Fault(FaultKind.LOST, message, GOES_ON)


def forward_fault(jump: str, where: str, error: asyncssh.ChannelOpenError) -> Fault:
    """A jump host that is up could not pass the connection on."""
    reason = clean(error.reason)
    low = error.reason.lower()
    kinds = (
        ("refused", FaultKind.REFUSED, "See whether sshd runs on the host and whether the port is right."),
        ("timed out", FaultKind.TIMEOUT, f"See whether the host is on and can be reached from {jump}."),
        ("no route", FaultKind.NO_ROUTE, f"See whether the host is on and can be reached from {jump}."),
        ("unreachable", FaultKind.NO_ROUTE, f"See whether the host is on and can be reached from {jump}."),
        ("not known", FaultKind.NAME_NOT_FOUND, f"The name is looked up on {jump}: correct it, or write an `address`."),
        ("name resolution", FaultKind.NAME_NOT_FOUND, f"The name is looked up on {jump}: see its name server."),
    )
    for words, kind, remedy in kinds:
        if words in low:
            return Fault(kind, f"{jump} could not reach {where}: {reason}.", remedy)
    if error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return Fault(FaultKind.JUMP_FAILED, f"{jump} does not pass connections on to {where}: {reason}.",
                     f"Allow it in the sshd_config of {jump} (AllowTcpForwarding, PermitOpen).")  # fmt: skip
    return Fault(FaultKind.JUMP_FAILED, f"{jump} could not pass the connection on to {where}: {reason}.",
                 f"See whether {jump} can reach the host.")  # fmt: skip
