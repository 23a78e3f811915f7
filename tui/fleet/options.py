"""From what OpenSSH would do to the explicit options of the SSH library, which reads no file of its own."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, cast

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import get_certificate_algs, get_public_key_algs
from asyncssh.saslprep import saslprep as _saslprep

from tui.fleet.knownhosts import Trust
from tui.fleet.resolved import Resolved

__all__ = ["host_key_algorithms", "make_options", "offered_types"]

# asyncssh's warnings would go to stderr, over the screen, through logging's last resort, which is for loggers
# without any handler. The log file, where there is one, still gets them.
_logger = logging.getLogger("asyncssh")
_logger.addHandler(logging.NullHandler())

_FAST_KEX = ("curve25519-sha256", "curve25519-sha256@libssh.org")
_RSA = ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa")
_PLAIN_ORDER = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
                "rsa-sha2-512", "rsa-sha2-256")  # fmt: skip
_CERT = "-cert-v01@openssh.com"


@lru_cache(maxsize=64)
def _known(
    wanted: tuple[str, ...], possible: Callable[[], list[bytes]], first: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Those of *wanted* that the library has, *first* ones first; () when none were asked for."""
    have = {name.decode() for name in possible()}
    found = [name for name in wanted if name in have]
    if wanted and not found:
        raise ValueError(f"none of {', '.join(wanted)} can be used here")
    return tuple(sorted(found, key=lambda name: first.index(name) if name in first else len(first)))


def host_key_algorithms(resolved: Resolved, trust: Trust, *, certificates: bool = True) -> tuple[str, ...]:
    """What is offered for the server's key: first what known_hosts holds for it, so that it shows that one.

    Certificates are asked for only where an authority is known for the host, as OpenSSH does. Raises ValueError.
    """
    return _algorithms(resolved.host_key_algorithms, trust.key_types, certificates and bool(trust.authorities))


@lru_cache(maxsize=64)
def _algorithms(named: tuple[str, ...], key_types: tuple[str, ...], certificates: bool) -> tuple[str, ...]:
    have = {name.decode() for name in (*get_public_key_algs(), *get_certificate_algs())}
    allowed = [name for name in named or _PLAIN_ORDER if name in have]
    plain = [name for name in allowed if not name.endswith(_CERT)]
    known = [name for name in plain if _type_of(name) in key_types]
    found = list(dict.fromkeys((*known, *plain)))
    if certificates:
        wanted = [name for name in allowed if name.endswith(_CERT)]
        wanted = wanted or [name.decode() for name in get_certificate_algs() if name.decode().endswith(_CERT)]
        found = [*wanted, *found]
    if not found:
        raise ValueError(f"none of HostKeyAlgorithms {', '.join(named)} can be used here")
    return tuple(found)


def _type_of(algorithm: str) -> str:
    return "ssh-rsa" if algorithm in _RSA else algorithm


@lru_cache(maxsize=64)
def offered_types(algorithms: tuple[str, ...]) -> frozenset[str]:
    """The types of plain keys that a server may answer with."""
    return frozenset(_type_of(name) for name in algorithms if not name.endswith(_CERT))


saslprep = lru_cache(maxsize=64)(_saslprep)


def make_options(
    resolved: Resolved,
    trust: Trust,
    algorithms: Sequence[str],
    client: Callable[[], asyncssh.SSHClient],
) -> asyncssh.SSHClientConnectionOptions:
    """All that is needed to connect. Nothing is read from a file; keys and host keys are *client*'s business.

    Raises ValueError (an option that cannot be used).
    """
    # The library sees the key inside a certificate, which no callback shows; plain keys are judged by ours.
    revoked = []
    for entry in trust.revoked if trust.authorities else ():
        try:
            revoked.append(asyncssh.import_public_key(f"{entry.key_type} {entry.key}"))
        except ValueError:
            continue  # a type that this library could not accept from a server either
    options = copy.copy(
        _common(
            resolved.kex, resolved.ciphers, resolved.macs, resolved.compression,
            (resolved.publickey, resolved.interactive, resolved.password), resolved.preferred, resolved.tcp_keepalive,
            resolved.alive_interval, resolved.alive_count, tuple(algorithms),
        )
    )  # fmt: skip
    options.protocol_factory = client
    options.host = options.orig_host = resolved.hostname
    options.port = resolved.port
    options.username = saslprep(resolved.user)
    options.known_hosts = cast(Any, ([], [], revoked))
    options.host_key_alias = resolved.host_key_alias
    return options


@lru_cache(maxsize=64)
def _common(
    kex: tuple[str, ...],
    ciphers: tuple[str, ...],
    macs: tuple[str, ...],
    compression: bool,
    logins: tuple[bool, bool, bool],
    preferred: tuple[str, ...],
    tcp_keepalive: bool,
    alive_interval: float,
    alive_count: int,
    algorithms: tuple[str, ...],
) -> asyncssh.SSHClientConnectionOptions:
    """What hosts have in common; to check and prepare it costs 0.2 ms each time. Raises ValueError."""
    extra: dict[str, object] = {}
    kex = _known(kex, get_kex_algs, _FAST_KEX)
    ciphers = _known(ciphers, get_encryption_algs)
    macs = _known(macs, get_mac_algs)
    if kex:
        extra["kex_algs"] = list(kex)
    if ciphers:
        extra["encryption_algs"] = list(ciphers)
    if macs:
        extra["mac_algs"] = list(macs)
    publickey, interactive, password = logins
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        username="",
        known_hosts=([], [], []),
        server_host_key_algs=list(algorithms),
        compression_algs=["zlib@openssh.com", "none"] if compression else ["none"],
        client_keys=None,
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        host_based_auth=False,
        public_key_auth=publickey,
        kbdint_auth=interactive,
        password_auth=password,
        # The last two are never done, but listed, so that what a server accepts can be named.
        preferred_auth=[*preferred, "gssapi-with-mic", "hostbased"],
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        agent_forwarding=False,
        x11_forwarding=False,
        tcp_keepalive=tcp_keepalive,
        connect_timeout=None,
        login_timeout=0,
        keepalive_interval=alive_interval,
        keepalive_count_max=alive_count,
        encoding=None,
        errors="replace",
        utf8_decode_errors="replace",
        **extra,
    )
