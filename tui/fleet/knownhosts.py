"""known_hosts files: who is vouched for, by which line. Parsing is pure; files are read once and shared.

A malformed line is passed over, alone. Keys are compared as the base64 text of the file, so that
nothing is decoded to read ten thousand lines.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path

from tui.fleet.patterns import matches

__all__ = ["Entry", "KnownHosts", "KnownHostsFiles", "Trust", "Verdict", "append_line", "fingerprint_of"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One usable line."""

    file: str
    line: int
    """1-based"""
    marker: str
    """"", cert-authority or revoked"""
    key_type: str
    key: str
    """base64"""

    @property
    def place(self) -> str:
        """``/home/ada/.ssh/known_hosts:17``"""
        return f"{self.file}:{self.line}"

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``"""
        return fingerprint_of(self.key)


@lru_cache(maxsize=1024)
def fingerprint_of(key: str) -> str:
    """``SHA256:…`` of a public key given in base64, as OpenSSH shows it."""
    digest = hashlib.sha256(base64.b64decode(key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


class Verdict(Enum):
    """What known_hosts says to a key that a server showed."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Trust:
    """What known_hosts holds for one name."""

    plain: tuple[Entry, ...] = ()
    bare: tuple[Entry, ...] = ()
    """Entries of the name without its port: they vouch for a key, but never contradict one."""
    authorities: tuple[Entry, ...] = ()
    revoked: tuple[Entry, ...] = ()

    def judge(self, key_type: str, key: str, offered: Iterable[str] = ()) -> tuple[Verdict, Entry | None]:
        """The verdict on a plain key, and the line that it rests on.

        *offered* are the key types that the server could have chosen. They are offered in the order of what
        is known, so a server that answers with another type has lost the key that it was known by: that is
        a change, too.
        """
        for entry in self.revoked:
            if entry.key == key:
                return Verdict.REVOKED, entry
        for entry in (*self.plain, *self.bare):
            if entry.key == key:
                return Verdict.KNOWN, entry
        for entry in self.plain:
            if entry.key_type == key_type:
                return Verdict.CHANGED, entry
        known_types = set(offered)
        for entry in self.plain:
            if entry.key_type in known_types:
                return Verdict.CHANGED, entry
        return Verdict.UNKNOWN, None

    def judge_authority(self, key: str, subject: str = "") -> tuple[Verdict, Entry | None]:
        """The verdict on a certificate: its authority's *key* and the certified *subject* key, both in base64."""
        for entry in self.revoked:
            if entry.key in (key, subject):
                return Verdict.REVOKED, entry
        for entry in self.authorities:
            if entry.key == key:
                return Verdict.KNOWN, entry
        return Verdict.UNKNOWN, None

    @property
    def key_types(self) -> tuple[str, ...]:
        """Types of the plain keys known, each once, in the order of the files."""
        return tuple(dict.fromkeys(entry.key_type for entry in (*self.plain, *self.bare)))


@dataclass(slots=True)
class KnownHosts:
    """The parsed lines of one file."""

    exact: dict[str, list[Entry]] = field(default_factory=dict)
    patterns: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    hashed: list[tuple[bytes, bytes, Entry]] = field(default_factory=list)
    skipped: tuple[int, ...] = ()
    """Numbers of the lines that cannot be read."""
    _found: dict[str, list[Entry]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, file: str) -> KnownHosts:
        """Read all lines; those that cannot be read are counted in ``skipped``."""
        self = cls()
        skipped = []
        for number, raw in enumerate(text.split("\n"), 1):
            line = raw.strip()
            if line and not line.startswith("#") and not self._add(line, file, number):
                skipped.append(number)
        self.skipped = tuple(skipped)
        return self

    def _add(self, line: str, file: str, number: int) -> bool:
        words = line.split(None, 4)
        marker = ""
        if words[0].startswith("@"):
            marker = words.pop(0)[1:]
            if marker not in ("cert-authority", "revoked"):
                return False
        if len(words) < 3 or words[1].isdigit():  # a number: a key of SSH 1
            return False
        names, key_type, key = words[0], words[1], words[2]
        # A key's text begins with the length and name of its type: enough to tell a cut or mixed-up line.
        if len(key) < 32 or len(key) % 4 or not key.startswith("AAAA"):
            return False
        entry = Entry(file, number, marker, key_type, key)
        if names.startswith("|"):
            try:
                _, magic, salt, digest = names.split("|")
                if magic != "1":
                    return False
                self.hashed.append((binascii.a2b_base64(salt), binascii.a2b_base64(digest), entry))
            except ValueError:
                return False
            return True
        parts = names.lower().split(",")
        if any(char in names for char in "*?!"):
            self.patterns.append((tuple(parts), entry))
        else:
            for part in parts:
                self.exact.setdefault(part, []).append(entry)
        return True

    def find(self, name: str) -> list[Entry]:
        """The lines for *name* (in lower case, ``[host]:port`` for ports other than 22), in the file's order."""
        found = self._found.get(name)
        if found is None:
            raw = name.encode("utf-8", "surrogateescape")
            found = [*self.exact.get(name, ())]
            found += [entry for patterns, entry in self.patterns if matches(name, patterns)]
            found += [entry for salt, digest, entry in self.hashed if hmac.digest(salt, raw, "sha1") == digest]
            found.sort(key=lambda entry: entry.line)
            self._found[name] = found
        return found


class KnownHostsFiles:
    """Files read once, shared by all connections, and read again when they change."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[tuple[int, int, int], KnownHosts]] = {}

    def look_up(self, files: Sequence[str], name: str, port: int, alias: str | None) -> Trust:
        """What *files* hold for a host; missing and unreadable files are passed over."""
        bare = (alias or name).lower()
        primary = bare if alias or port == 22 else f"[{bare}]:{port}"
        plain: list[Entry] = []
        other: list[Entry] = []
        authorities: list[Entry] = []
        revoked: list[Entry] = []
        for file in files:
            parsed = self.get(file)
            if parsed is None:
                continue
            for name_, into in ((primary, plain),) if primary == bare else ((primary, plain), (bare, other)):
                for entry in parsed.find(name_):
                    if entry.marker == "cert-authority":
                        authorities.append(entry)
                    elif entry.marker == "revoked":
                        revoked.append(entry)
                    else:
                        into.append(entry)
        return Trust(tuple(plain), tuple(other), tuple(authorities), tuple(revoked))

    def get(self, file: str) -> KnownHosts | None:
        """The parsed *file*; None when it cannot be read."""
        try:
            status = _path(file).stat()
            if not _regular(status.st_mode):
                return None
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            kept = self._files.get(file)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            text = Path(file).read_bytes().decode("utf-8", "surrogateescape")
        except OSError:
            self._files.pop(file, None)
            return None
        parsed = KnownHosts.parse(text, file)
        self._files[file] = (stamp, parsed)
        return parsed

    def changed(self, files: Sequence[str]) -> bool:
        """True when a look-up would have to read a large file (do it off the event loop)."""
        for file in files:
            with contextlib.suppress(OSError):
                status = _path(file).stat()
                kept = self._files.get(file)
                stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
                if status.st_size > 65536 and (kept is None or kept[0] != stamp):
                    return True
        return False


@lru_cache(maxsize=64)
def _path(file: str) -> Path:
    """Made once: it costs more than to look at the file, which is done for each connection."""
    return Path(file)


def _regular(mode: int) -> bool:
    return (mode & 0o170000) == 0o100000


def append_line(file: str, name: str, key_type: str, key: str, *, hashed: bool) -> bool:
    """Add a line for *name*; False when the very key is there already. Raises OSError.

    Makes the folder (0700) and the file (0600). A second client that appends at the same time loses
    nothing: one write, at the end of the file, under a lock.
    """
    path = Path(file)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "rb", closefd=True) as stream:
        status = os.fstat(descriptor)
        if not _regular(status.st_mode):
            return True  # /dev/null: the person wants nothing kept
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        text = stream.read()
        known = KnownHosts.parse(text.decode("utf-8", "surrogateescape"), file)
        if any(entry.key == key and not entry.marker for entry in known.find(name)):
            return False
        shown = _hashed_name(name) if hashed else name
        line = f"{shown} {key_type} {key}\n".encode("utf-8", "surrogateescape")
        if text and not text.endswith(b"\n"):
            line = b"\n" + line
        written = os.write(descriptor, line)
        if written != len(line):
            os.ftruncate(descriptor, len(text))
            raise OSError(28, "No space left on device")
        return True


def _hashed_name(name: str) -> str:
    salt = secrets.token_bytes(20)
    digest = hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
