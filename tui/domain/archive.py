"""What is kept of an environment before it goes: enough to make it again, with who, when, why and where. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NewType

from tui.domain.envrecord import EnvironmentRecord, without_secrets
from tui.domain.exports import Form, render
from tui.domain.losses import Missing, losses
from tui.domain.text import printable

__all__ = [
    "ENVIRONMENT_FILE",
    "RECORD_FILE",
    "Archive",
    "ArchiveCause",
    "ArchiveHead",
    "ArchiveId",
    "ArchiveListing",
    "archive_head",
    "archive_texts",
]

ArchiveId = NewType("ArchiveId", str)
"""Sorts by time, is a safe file name, and holds nothing of what a host said."""

ENVIRONMENT_FILE = "environment.yml"
RECORD_FILE = "record.json"
_FORMS = {
    ENVIRONMENT_FILE: Form.FULL,
    "environment-no-builds.yml": Form.NO_BUILDS,
    "environment-from-history.yml": Form.FROM_HISTORY,
    "explicit.txt": Form.EXPLICIT,
    "pip-freeze.txt": Form.PIP,
}


@dataclass(frozen=True, slots=True)
class ArchiveCause:
    """Why an archive is made."""

    kind: str
    """What is about to be done, as the ``kind`` of a task: ``remove``, ``install``, …"""
    operator: str
    """``ada@laptop``"""
    task: str | None = None
    """The id of that task; None where none is started."""
    install: str | None = None
    """The root of the install that the environment belongs to."""


@dataclass(frozen=True, slots=True)
class ArchiveHead:
    """An archive in a list."""

    id: ArchiveId
    time: float
    """Unix time, operator's clock."""
    host: str
    prefix: str
    name: str | None
    cause: ArchiveCause
    conda_packages: int = 0
    pip_packages: int = 0
    files: tuple[str, ...] = ()
    """Their names, the record's not among them."""
    size_bytes: int = 0
    missing: tuple[Missing, ...] = ()
    """What cannot be made again from it."""

    @property
    def label(self) -> str:
        """``HOST:NAME``, or ``HOST:PREFIX``, in printed form."""
        return f"{self.host}:{printable(self.prefix if self.name is None else self.name)}"


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive, whole."""

    head: ArchiveHead
    record: EnvironmentRecord
    """Without its secrets."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By file name."""


@dataclass(frozen=True, slots=True)
class ArchiveListing:
    """All archives that there are."""

    archives: tuple[ArchiveHead, ...] = ()
    """The newest first."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """(id, why) of those that are there and cannot be read; both in printed form."""


def archive_head(id_: ArchiveId, time: float, record: EnvironmentRecord, cause: ArchiveCause) -> ArchiveHead:
    """The head of the archive of *record*, without its files."""
    return ArchiveHead(
        id_,
        time,
        record.host,
        record.prefix,
        record.name,
        cause,
        len(record.conda),
        len(record.pip),
        missing=losses(record),
    )


def archive_texts(record: EnvironmentRecord) -> dict[str, str]:
    """The files of an archive by name, without secrets; those that would be empty are left out."""
    texts = {name: render(record, form).text for name, form in _FORMS.items()}
    clean = without_secrets(replace(record, conda=(), pip=()))
    texts["condarc.yml"] = "".join(
        f"---\n# {printable(each.path)}\n{each.text}{'' if each.text.endswith(chr(10)) else chr(10)}"
        for each in clean.condarcs
    )
    texts["pinned"] = "".join(f"{pin}\n" for pin in clean.pins)
    return {name: text for name, text in texts.items() if text}
