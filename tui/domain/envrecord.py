"""What is known of one environment that could be made again from it: read on the host, kept in an archive. Pure.

Strings are raw (see :mod:`tui.domain.text`) and as the host gave them: a record may hold secrets (a channel's token,
a variable's value) and stays in memory. Whatever is written, printed or kept goes through :func:`without_secrets`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tui.domain.history import History
from tui.domain.redact import PLACEHOLDER, looks_secret, redact

__all__ = [
    "CondaRecord",
    "Condarc",
    "EnvironmentRecord",
    "PipOrigin",
    "PipRecord",
    "Unread",
    "redacted_config",
    "without_secrets",
]


@dataclass(frozen=True, slots=True)
class CondaRecord:
    """A package record of ``conda-meta``; what it does not say is None."""

    stem: str
    """Its file's name without ``.json``."""
    name: str
    version: str | None = None
    build: str | None = None
    channel: str | None = None
    """As recorded: an address with or without the platform, or a name."""
    url: str | None = None
    md5: str | None = None
    sha256: str | None = None
    subdir: str | None = None
    file_name: str | None = None
    depends: tuple[str, ...] = ()
    """Names alone."""
    requested: tuple[str, ...] = ()
    """The specs by which a person asked for it."""
    broken: bool = False
    """The record cannot be read: name, version and build are those of its file's name, the rest is unknown."""


class PipOrigin(StrEnum):
    """Where a pip package came from."""

    INDEX = "index"
    EDITABLE = "editable"
    """Sources that are used where they lie."""
    LOCAL = "local"
    """A file or folder of the host."""
    URL = "url"
    """An address named by hand: an archive, or a commit in a repository."""


@dataclass(frozen=True, slots=True)
class PipRecord:
    """A package that pip (or another tool of its kind) installed."""

    name: str
    version: str | None = None
    origin: PipOrigin = PipOrigin.INDEX
    address: str | None = None
    """Of an editable or local one the path on the host; else the address as pip takes it, commit or hash included."""
    over_conda: bool = False
    """A conda package of that name is recorded, too: pip wrote over its files."""


@dataclass(frozen=True, slots=True)
class Condarc:
    """A configuration file of conda that holds for the environment."""

    path: str
    text: str
    channels: tuple[str, ...] = ()
    """Its ``channels``, in order."""


class Unread(StrEnum):
    """Parts of an environment that are there and could not be read. A closed list."""

    PACKAGES = "packages"
    """Some package records or pip packages: names that no line holds, or too many of them."""
    HISTORY = "history"
    CONFIG = "config"
    VARIABLES = "variables"
    PINS = "pins"
    ORIGINS = "origins"
    """Where some pip packages came from."""


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """One environment, as far as it can be made again from records."""

    host: str
    prefix: str
    name: str | None = None
    """What it is called; None for one that is known by its path alone."""
    conda: tuple[CondaRecord, ...] = ()
    """By name."""
    pip: tuple[PipRecord, ...] = ()
    """By name; conda's own Python packages are not among them."""
    history: History = field(default_factory=History)
    pins: tuple[str, ...] = ()
    frozen: str | None = None
    """What ``conda-meta/frozen`` says; empty when it is there and says nothing; None when it is not there."""
    variables: tuple[tuple[str, str], ...] = ()
    """Set on activation, as ``conda env config vars`` keeps them."""
    condarcs: tuple[Condarc, ...] = ()
    """Those that exist, the one that conda heeds most first: the environment's, the user's, the install's."""
    added_paths: tuple[tuple[str, str], ...] = ()
    """(``*.pth`` file, folder outside the environment) that Python looks for modules in."""
    unread: tuple[Unread, ...] = ()

    @property
    def label(self) -> str:
        """The name, or the last part of the prefix."""
        return self.name if self.name is not None else self.prefix.rstrip("/").rpartition("/")[2] or "environment"

    @property
    def platform(self) -> str | None:
        """``linux-64``, as the packages say; None where none is for a platform of its own."""
        return next((each.subdir for each in self.conda if each.subdir and each.subdir != "noarch"), None)


def without_secrets(record: EnvironmentRecord) -> EnvironmentRecord:
    """*record* with every secret that can be recognised replaced by a placeholder."""
    return replace(
        record,
        conda=tuple(
            replace(
                each, channel=_clean(each.channel), url=_clean(each.url), requested=tuple(map(redact, each.requested))
            )
            for each in record.conda
        ),
        pip=tuple(replace(each, address=_clean(each.address)) for each in record.pip),
        pins=tuple(map(redact, record.pins)),
        frozen=_clean(record.frozen),
        variables=tuple(
            (name, PLACEHOLDER if looks_secret(name) and value else redact(value)) for name, value in record.variables
        ),
        condarcs=tuple(
            Condarc(each.path, redacted_config(each.text), tuple(map(redact, each.channels)))
            for each in record.condarcs
        ),
    )


def _clean(text: str | None) -> str | None:
    return None if text is None else redact(text)


_ENTRY = re.compile(r"(?P<lead>[ \t]*(?:-[ \t]+)*)(?P<quote>[\"']?)(?P<key>[\w.-]+)(?P=quote)[ \t]*:(?=\s|\Z)[ \t]*")
_SWITCH = re.compile(r"(?:true|false|yes|no|on|off|null|~)?[ \t\r]*(?:#.*)?\Z", re.IGNORECASE)


def redacted_config(text: str) -> str:
    """A YAML file without secrets, line by line: comments and order stay, and so does what is no secret.

    What stands below a key that looks secret goes as a whole; a switch such as ``add_anaconda_token: true`` stays.
    """
    return "\n".join(_redacted_lines(text.split("\n")))


def _redacted_lines(lines: Iterable[str]) -> Iterable[str]:
    below: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip(" \t"))
        if below is not None and line.strip():
            if indent > below or (indent == below and line.lstrip().startswith("- ")):
                yield f"{line[:indent]}{'- ' if line.lstrip().startswith('- ') else ''}{PLACEHOLDER}"
                continue
            below = None
        entry = _ENTRY.match(line)
        if entry is None or not (looks_secret(entry["key"]) or looks_secret(entry["key"].removesuffix("s"))):
            yield redact(line)
        elif _SWITCH.match(line, entry.end()):
            # The redactor would take a switch for the secret; a comment behind it may hold one.
            value, mark, note = line.partition("#")
            yield f"{value}{redact(mark + note)}"
            below = len(entry["lead"]) if not value[entry.end() :].strip() else None
        else:
            below = len(entry["lead"])
            yield f"{line[: entry.end()]}{PLACEHOLDER}"
