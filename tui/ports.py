"""The few things that services ask of the world. Production, demo and tests each give their own.

Values that cross a port are plain (bytes, numbers, frozen dataclasses), so that an engine behind
a port could live in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tui.domain.archive import Archive, ArchiveCause, ArchiveId, ArchiveListing
from tui.domain.envrecord import EnvironmentRecord
from tui.domain.faults import Fault
from tui.domain.hosts import HostSpec
from tui.domain.layout import Layout
from tui.domain.phrases import Phrase
from tui.domain.snapshot import HostSnapshot
from tui.domain.taskhistory import TaskRecord

__all__ = [
    "ArchiveStore",
    "Channel",
    "Clock",
    "Connection",
    "ConnectionFacts",
    "Connector",
    "HostKeyAnswer",
    "HostKeyQuestion",
    "LayoutStore",
    "Notice",
    "Prompter",
    "SecretKind",
    "SecretQuestion",
    "SnapshotStore",
    "TaskHistoryStore",
    "TermRequest",
    "TrustedKey",
]


@dataclass(frozen=True, slots=True)
class TermRequest:
    """A pty wanted for a channel."""

    term: str
    columns: int
    rows: int


class Channel(Protocol):
    """One program running on a host: bytes in, bytes out.

    Reading and writing raise :class:`tui.domain.errors.HostFaultError` (kind ``lost``) once the
    connection is gone. stderr arrives mixed into nothing: it is read apart, at most 64 KiB of it kept.
    """

    async def read(self, limit: int = 65536) -> bytes:
        """Up to *limit* bytes of stdout as soon as there are any; b"" at its end.

        A read that is cancelled takes none.
        """

    async def write(self, data: bytes) -> None:
        """Send *data* to stdin; waits while the host does not take it."""

    async def write_eof(self) -> None:
        """Close stdin."""

    def stderr_tail(self) -> bytes:
        """The last of what came on stderr so far."""

    def resize(self, columns: int, rows: int) -> None:
        """Tell the program's pty its new size; nothing without a pty."""

    def pause_reading(self) -> None:
        """Let back-pressure reach the host until :meth:`resume_reading`."""

    def resume_reading(self) -> None:
        """Undo :meth:`pause_reading`."""

    async def wait(self) -> int | None:
        """The exit status once the program ended; None when it is unknown (signal, lost connection)."""

    def close(self) -> None:
        """Give the channel up at once, without waiting. Safe to call twice.

        This does not end a program that ignores its hang-up: end it by process group, over another channel.
        """


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """How a host was reached, for its detail view. Times are Unix seconds."""

    address: str | None = None
    port: int | None = None
    user: str | None = None
    via: tuple[str, ...] = ()
    """Jump hosts in the order passed, or ``("ProxyCommand",)``."""
    host_key: str | None = None
    """``ssh-ed25519 SHA256:…``"""
    auth_method: str | None = None
    server_version: str | None = None
    not_honoured: tuple[str, ...] = ()
    """Directives of ssh_config that cannot be honoured here, each with its reason."""
    connected_at: float | None = None


class Connection(Protocol):
    """One live way to a host; bounded in its number of channels."""

    @property
    def facts(self) -> ConnectionFacts:
        """How the host was reached."""

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        """Start *command*, a constant of the program (never built from a host's or a person's words).

        Waits for a free channel; one place is kept for *control* requests such as cancelling.
        *window* bounds the bytes in flight (64 KiB for terminals). Raises HostFaultError
        (``sessions_exhausted``, ``lost``, ``timeout``). Without *term* a program that the host then does not start
        is told by reading (``shell_broken``): what is written next need not wait for the host's word.
        """

    async def closed(self) -> Fault | None:
        """Wait until the connection is gone; the fault says why, None after :meth:`close`."""

    async def close(self) -> None:
        """End it and all its channels. Safe to call twice."""


class Notice(Phrase):
    """A step on the way to a host that a person should read though nothing failed: a key that could not be saved."""


class Connector(Protocol):
    """Makes connections: the only door to the network."""

    async def connect(
        self,
        spec: HostSpec,
        report: Callable[[str], None] | None = None,
        resolved: Callable[[ConnectionFacts], None] | None = None,
    ) -> Connection:
        """Reach *spec*, within the configured limit (time spent asking a person not counted).

        *report* receives the steps as they happen ("resolving", "jump bastion", "authenticating with …",
        "asking for the password"), for the connection log: plain text without secrets; one that is a
        :class:`Notice` is for the person's eyes, at once. *resolved* receives the address, port, user and jump hosts
        as soon as the settings of ssh are read, whatever comes of the try; not for ``local``.
        Raises HostFaultError.
        """

    async def close(self) -> None:
        """Close shared jump connections and whatever else is held."""


class SecretKind(StrEnum):
    """What is asked for."""

    PASSWORD = "password"
    ONE_TIME_CODE = "one_time_code"
    PASSPHRASE = "passphrase"
    INTERACTIVE = "interactive"
    """A question of the server's own (keyboard-interactive); may be shown while typed if ``echo``."""


@dataclass(frozen=True, slots=True)
class SecretQuestion:
    """A question to the person. Answers stay in memory only."""

    host: str
    kind: SecretKind
    prompt: str
    """What the server or the key wants, in printed form."""
    detail: str = ""
    """The key file, or the server's instructions."""
    echo: bool = False
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class HostKeyQuestion:
    """A server that nobody vouched for yet."""

    host: str
    address: str
    port: int
    algorithm: str
    fingerprint: str
    """``SHA256:…``"""
    known_hosts: str
    """The file that "save" would add a line to."""


class HostKeyAnswer(StrEnum):
    """What the person decided."""

    REFUSE = "refuse"
    ONCE = "once"
    SAVE = "save"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A host key that is trusted now."""

    key_type: str
    fingerprint: str
    file: str | None
    """Where it was saved; None when it was known before, or is kept in memory only."""
    known_before: bool


class Prompter(Protocol):
    """Asks the person: one question at a time, naming the host, cancellable."""

    async def secret(self, question: SecretQuestion) -> str | None:
        """The answer, or None when the person cancelled or nobody can be asked."""

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        """The decision, or None when nobody can be asked."""


class Clock(Protocol):
    """Time, so that ages, retries and limits can be tested without waiting."""

    def now(self) -> float:
        """Unix time in seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait; cancellable."""

    def jitter(self) -> float:
        """A random number from 0 to 1."""


class SnapshotStore(Protocol):
    """The last snapshots, kept on the operator's machine."""

    def load(self, hosts: Sequence[str]) -> dict[str, HostSnapshot]:
        """What was kept for *hosts*, each marked ``stale``; unreadable or foreign files are left out."""

    def save(self, snapshot: HostSnapshot) -> None:
        """Keep *snapshot*: atomically, mode 0600, safe with a second client at work."""

    def load_search(self, host: str) -> tuple[str, ...]:
        """The places that ``--search`` added for *host*, remembered."""

    def load_found(self, host: str) -> tuple[str, ...]:
        """The prefixes of environments that searches found on *host*, remembered."""

    def save_search(self, host: str, paths: Sequence[str], found: Sequence[str] = ()) -> str | None:
        """Remember the places for *host*, and the prefixes *found* below them, most wanted first: some hundreds.

        Returns why it could not, in plain words and printed form; None when all is well.
        """


class LayoutStore(Protocol):
    """How the person left the screen, kept on the operator's machine. No method raises."""

    def load(self) -> Layout:
        """What was kept; the defaults when there is nothing."""

    def save(self, layout: Layout) -> None:
        """Keep *layout*."""


class ArchiveStore(Protocol):
    """What is kept on the operator's machine of environments before they go. May be called from any thread."""

    def save(
        self, record: EnvironmentRecord, cause: ArchiveCause, *, told: Callable[[str], None] | None = None
    ) -> ArchiveId:
        """Keep what *record* can be made again from, without its secrets; written through to the disk on return.

        The oldest go where there are too many; *told* gets a sentence for each of them that is younger than 90 days.
        Raises StorageError, which says that nothing was changed on the host: whatever was to follow is not to be done.
        """

    def list(self) -> ArchiveListing:
        """All that there are. Raises StorageError when the folder cannot be read."""

    def load(self, wanted: str) -> Archive:
        """The archive whose id is, or alone begins with, *wanted*, each file as it was written.

        Raises NothingMatchedError, and StorageError when it is damaged.
        """


class TaskHistoryStore(Protocol):
    """What tasks did, remembered on the operator's machine. Not on the event loop: it reads and writes files."""

    def add(self, records: Sequence[TaskRecord]) -> None:
        """Remember *records*, each once, whoever else does so at the same time. Raises StorageError."""

    def load(self) -> tuple[TaskRecord, ...]:
        """All that is remembered, the newest first; what makes no sense is left out. Raises StorageError."""
