"""The keys that may be offered to a host: from files and from the agent, in a sensible order.

Files are read once, in a thread: bcrypt costs 110 ms, checking an RSA key 200 ms. A file that is
missing is passed over, one that cannot be used is named, an encrypted one is offered by its public
half and asks for its passphrase only when a server wants it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import copy
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import asyncssh
from asyncssh.public_key import SSHLocalKeyPair

from tui.domain.phrases import phrase
from tui.fleet.faults import clean
from tui.fleet.knownhosts import fingerprint_of
from tui.fleet.prompts import Prompts
from tui.fleet.resolved import Resolved

__all__ = ["Candidate", "KeyFile", "KeyStore", "agent_keys", "candidates"]

_AGENT_LIMIT_S = 3.0
MOST_OFFERED = 5
"""A server counts every key that it refuses, and hangs up at the sixth (MaxAuthTries); newer ones then
ban the address for a while. One try is left for a password."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One identity file as found on the disk."""

    path: str
    stamp: tuple[int, int]
    public: asyncssh.SSHKey | None = None
    key: asyncssh.SSHKey | None = None
    data: bytes = b""
    """The file, when it is encrypted."""
    problem: str = ""
    """Why it cannot be used, naming the file, in printed form."""

    @property
    def blob(self) -> bytes | None:
        """The public key as it goes over the wire."""
        return self.public.public_data if self.public is not None else None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One key to offer."""

    pair: asyncssh.SSHKeyPair
    label: str
    """``~/.ssh/id_ed25519 (SHA256:…)``"""
    blob: bytes
    asks: bool = False
    """True when using it asks for a passphrase."""
    here: bool = False
    """True when its private half is in memory: to sign with it asks nobody."""


class KeyStore:
    """Key files, read once each and again when they change; decrypted keys stay in memory only."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self._files: dict[str, KeyFile] = {}
        self._open: dict[tuple[str, tuple[int, int]], asyncssh.SSHKey] = {}
        self._certificates: dict[str, tuple[tuple[int, int], asyncssh.SSHCertificate | None]] = {}

    async def load(self, path: str) -> KeyFile | None:
        """The file at *path*; None when there is none. Never raises."""
        stamp = _stamp(path)
        if stamp is None:
            return None
        kept = self._files.get(path)
        if kept is None or kept.stamp != stamp:
            kept = await asyncio.to_thread(_read, path, stamp)
            self._files[path] = kept
        return kept

    def certificate(self, path: str) -> asyncssh.SSHCertificate | None:
        """The certificate at *path*; None when there is none that can be read."""
        stamp = _stamp(path)
        if stamp is None:
            return None
        kept = self._certificates.get(path)
        if kept is None or kept[0] != stamp:
            found: asyncssh.SSHCertificate | None = None
            with contextlib.suppress(OSError, ValueError):
                found = asyncssh.read_certificate(path)
            kept = (stamp, found)
            self._certificates[path] = kept
        return kept[1]

    def opened(self, file: KeyFile) -> asyncssh.SSHKey | None:
        """The private key, when it needs no passphrase or was decrypted before."""
        return file.key or self._open.get((file.path, file.stamp))

    async def unlock(
        self, file: KeyFile, attempts: int, ask: Callable[[int], Awaitable[str | None]]
    ) -> asyncssh.SSHKey | None:
        """The decrypted key, asking *ask* (with the number of the attempt); None when it was not given.

        Hosts that want the same file at the same time share one question.
        """

        async def decrypt() -> asyncssh.SSHKey | None:
            for attempt in range(1, attempts + 1):
                passphrase = await ask(attempt)
                if passphrase is None:
                    return None
                with contextlib.suppress(ValueError):
                    key = await asyncio.to_thread(_import, file.data, passphrase)
                    self._open[(file.path, file.stamp)] = key
                    return key
            return None

        return self.opened(file) or await self._prompts.shared(f"key {file.path}", decrypt)

    def clear(self) -> None:
        """Forget every key."""
        self._open.clear()
        self._files.clear()


_path = lru_cache(maxsize=256)(Path)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = _path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _import(data: bytes, passphrase: str | None) -> asyncssh.SSHKey:
    # The check of an RSA key's primes protects against a forged key file: here it is the person's own.
    return asyncssh.import_private_key(data, passphrase, unsafe_skip_rsa_key_validation=True)


def _read(path: str, stamp: tuple[int, int]) -> KeyFile:
    try:
        if stamp[1] > 1 << 20:
            return KeyFile(path, stamp, problem=phrase("{file} is too large for a key file", file=clean(path)))
        data = Path(path).read_bytes()
    except OSError as error:
        return KeyFile(
            path,
            stamp,
            problem=phrase("{file} cannot be read ({reason})", file=clean(path), reason=str(error.strerror)),
        )
    public = _public_half(path, data)
    if public is not None and public.algorithm.startswith(b"sk-") and b"PRIVATE KEY" in data:
        problem = phrase("{file} belongs to a security key: use it through ssh-agent (ssh-add)", file=clean(path))
        return KeyFile(path, stamp, public=public, problem=problem)
    try:
        key = _import(data, None)
        return KeyFile(path, stamp, public=key.convert_to_public(), key=key)
    except ValueError as error:
        # An encrypted key, a public key (its private half is in the agent), or something else.
        if str(error).startswith("Passphrase"):
            return KeyFile(path, stamp, public=public, data=data)
        if public is not None and b"PRIVATE KEY" not in data:
            return KeyFile(path, stamp, public=public)
        problem = phrase("{file} is no key that can be used ({reason})", file=clean(path), reason=clean(str(error)))
        return KeyFile(path, stamp, public=public, problem=problem)


def _public_half(path: str, data: bytes) -> asyncssh.SSHKey | None:
    with contextlib.suppress(ValueError):
        if b"PRIVATE KEY" not in data:
            return asyncssh.import_public_key(data)
    with contextlib.suppress(ValueError, struct.error, binascii.Error):
        if b"BEGIN OPENSSH PRIVATE KEY" in data:
            return _openssh_header(data)
    with contextlib.suppress(OSError, ValueError):
        return asyncssh.read_public_key(path + ".pub")
    return None


def _openssh_header(data: bytes) -> asyncssh.SSHKey:
    """The public key that stands unencrypted before the private one in OpenSSH's format."""
    body = base64.b64decode(b"".join(data.split(b"-----")[2].split()))
    offset = len(b"openssh-key-v1\0")

    def string() -> bytes:
        nonlocal offset
        (size,) = struct.unpack_from(">I", body, offset)
        offset += 4 + size
        return body[offset - size : offset]

    for _ in range(3):  # cipher, kdf, kdf options
        string()
    offset += 4
    blob = string()
    (size,) = struct.unpack_from(">I", blob, 0)
    return asyncssh.import_public_key(blob[4 : 4 + size] + b" " + base64.b64encode(blob))


class _AskingPair(SSHLocalKeyPair):
    """Offered by its public half; the private one is opened when a server wants a signature."""

    def __init__(
        self,
        public: asyncssh.SSHKey,
        certificate: asyncssh.SSHCertificate | None,
        unlock: Callable[[], Awaitable[asyncssh.SSHKey | None]],
    ) -> None:
        super().__init__(public, None, certificate, None)
        self._unlock = unlock

    async def sign_async(self, data: bytes) -> bytes:
        """Raises ValueError, upon which the next key is tried."""
        key = await self._unlock()
        if key is None:
            raise ValueError("no passphrase was given")
        return key.sign(data, self.sig_algorithm)


async def agent_keys(path: str | None) -> tuple[asyncssh.SSHAgentClient | None, Sequence[asyncssh.SSHKeyPair]]:
    """The agent and its keys; (None, ()) when there is none or it does not answer. Close the agent afterwards."""
    if path is None:
        return None, ()
    agent: asyncssh.SSHAgentClient | None = None
    try:
        async with asyncio.timeout(_AGENT_LIMIT_S):
            agent = await asyncssh.connect_agent(path)
            return agent, await agent.get_keys()
    except (OSError, ValueError, TimeoutError):
        if agent is not None:
            agent.close()
        return None, ()
    except asyncio.CancelledError:
        if agent is not None:
            agent.close()
        raise


async def candidates(
    resolved: Resolved,
    store: KeyStore,
    agent: Sequence[asyncssh.SSHKeyPair],
    first: bytes | None,
    ask: Callable[[KeyFile, int], Awaitable[str | None]],
    locked: Callable[[KeyFile], None],
    problem: Callable[[str], None],
) -> list[Candidate]:
    """The keys that may be offered: what worked last, named files, the agent's others, encrypted files.

    A key file whose public half the agent holds is used through the agent. *first* is the public key
    that worked last; *ask* asks for a passphrase, *locked* is told when none was right, *problem* of files that
    cannot be used.
    """
    files = [file for path in dict.fromkeys(resolved.identities) if (file := await store.load(path)) is not None]
    certificates = [
        certificate
        for path in dict.fromkeys((*resolved.certificates, *(f"{file.path}-cert.pub" for file in files)))
        if (certificate := store.certificate(path)) is not None
    ]
    by_blob = {pair.key_public_data: pair for pair in agent if not pair.has_cert}
    ready: list[Candidate] = []
    asking: list[Candidate] = []
    used: set[bytes] = set()
    for file in files:
        matching = [c for c in certificates if file.blob is not None and c.key.public_data == file.blob]
        in_agent = by_blob.get(file.blob or b"")
        key = store.opened(file)
        if in_agent is not None:
            used.add(in_agent.public_data)
            for certificate in matching:
                certified = copy.copy(in_agent)
                certified.set_certificate(certificate)
                ready += _candidates([certified], file.path)
            ready += _candidates([in_agent], file.path)
        elif key is not None:
            pairs = [pair for c in matching for pair in asyncssh.load_keypairs([(key, c)])[:1]]
            ready += _candidates([*pairs, *asyncssh.load_keypairs([key])], file.path, here=True)
        elif file.problem:
            problem(file.problem)
        elif file.data and file.public is not None:

            async def unlock(file: KeyFile = file) -> asyncssh.SSHKey | None:
                key = await store.unlock(file, resolved.prompts, lambda attempt: ask(file, attempt))
                if key is None:
                    locked(file)
                return key

            pairs = [_AskingPair(file.public, c, unlock) for c in matching]
            pairs.append(_AskingPair(file.public, None, unlock))
            asking += _candidates(pairs, file.path, asks=True)
        elif file.data:
            public = clean(f"{Path(file.path).name}.pub")
            problem(
                phrase(
                    "{file} is encrypted, and its public half {public} is not beside it",
                    file=clean(file.path),
                    public=public,
                )
            )
    if not resolved.identities_only:
        ready += _candidates([pair for pair in agent if pair.public_data not in used], "agent")
    return sorted((*ready, *asking), key=lambda candidate: candidate.blob != first)


def _candidates(
    pairs: Sequence[asyncssh.SSHKeyPair], label: str, *, asks: bool = False, here: bool = False
) -> list[Candidate]:
    return [
        Candidate(
            pair,
            f"{label} ({fingerprint_of(base64.b64encode(pair.key_public_data).decode())}"
            f"{', certificate' if pair.has_cert else ''})",
            pair.public_data,
            asks,
            here,
        )
        for pair in pairs
    ]
