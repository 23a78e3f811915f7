"""What of an environment no file makes again, or not everywhere: a closed list of reasons, with names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.envchannels import channel_of, is_local
from tui.domain.envrecord import CondaRecord, EnvironmentRecord, PipOrigin, PipRecord, without_secrets
from tui.domain.explicit import address_of, hash_of
from tui.domain.phrases import Phrase, mark, phrase
from tui.domain.piprequirements import has_plain_name, local_version, requirement
from tui.domain.text import printable

__all__ = ["NEEDS_SOURCE", "Missing", "Reason", "is_plain", "losses"]

SHOWN = 5


class Reason(StrEnum):
    """Why something cannot be made again. The value is what ``--json`` shows."""

    EDITABLE = "editable"
    """pip packages that use their sources where they lie on the host."""
    LOCAL = "local"
    """pip packages from a file or folder of the host."""
    DIRECT_URL = "direct_url"
    """pip packages from an address named by hand: as long as it holds what it held."""
    OTHER_INDEX = "other_index"
    """pip packages of a version that PyPI does not have (``+cu124``): which index it was is recorded nowhere."""
    NO_VERSION = "no_version"
    """pip packages of unknown version."""
    ODD_NAME = "odd_name"
    """Packages whose recorded name or version no tool takes."""
    LOCAL_CHANNEL = "local_channel"
    """conda packages from a channel on the host's own disk."""
    NO_ADDRESS = "no_address"
    """conda packages whose record does not say where they came from."""
    NO_HASH = "no_hash"
    """conda packages whose record holds no hash: what comes from their address is not verified."""
    BROKEN_RECORD = "broken_record"
    """conda packages of which only the name, version and build are known."""
    CREDENTIALS = "credentials"
    """Places from which a token or a password was taken out; whoever makes it again gives their own."""
    ADDED_PATHS = "added_paths"
    """Folders outside the environment from which its Python takes modules."""
    PINS = "pins"
    """``conda-meta/pinned``, of which no such file knows."""
    NOT_READ = "not_read"
    """Parts that could not be read."""

    # of one file alone
    PIP_PACKAGES = "pip_packages"
    """An explicit list has no place for them."""
    VARIABLES = "variables"
    """Neither has it for variables that are set on activation."""
    NO_REQUESTS = "no_requests"
    """Nobody knows what was asked for."""
    OLD_REQUESTS = "old_requests"
    """What was asked for long ago was not read."""


NEEDS_SOURCE = frozenset({Reason.EDITABLE, Reason.LOCAL, Reason.DIRECT_URL})
"""pip parts of which names and versions alone give no copy."""

_SENTENCES = {
    Reason.EDITABLE: mark("pip packages that use their sources where they lie: {names}"),
    Reason.LOCAL: mark("pip packages from files of the host: {names}"),
    Reason.DIRECT_URL: mark("pip packages from an address named by hand: {names}"),
    Reason.OTHER_INDEX: mark("pip packages from an index that is recorded nowhere, PyPI has no such version: {names}"),
    Reason.NO_VERSION: mark("pip packages of unknown version: {names}"),
    Reason.ODD_NAME: mark("packages with a name or version that no tool takes: {names}"),
    Reason.LOCAL_CHANNEL: mark("conda packages from a channel on the host's own disk: {names}"),
    Reason.NO_ADDRESS: mark("conda packages of which no record says where they came from: {names}"),
    Reason.NO_HASH: mark("conda packages without a hash: {names}"),
    Reason.BROKEN_RECORD: mark("conda packages whose record cannot be read: {names}"),
    Reason.CREDENTIALS: mark("places from which a token or a password was taken out: {names}"),
    Reason.ADDED_PATHS: mark("folders outside the environment that its Python takes modules from: {names}"),
    Reason.PINS: mark("pins, which are no part of the file: {names}"),
    Reason.NOT_READ: mark("parts that could not be read: {names}"),
    Reason.PIP_PACKAGES: mark("pip packages, which an explicit list cannot hold: {names}"),
    Reason.VARIABLES: mark("variables, which an explicit list cannot hold: {names}"),
    Reason.NO_REQUESTS: mark("what was asked of conda, which is not known"),
    Reason.OLD_REQUESTS: mark("what was asked of conda long ago: the history is longer than what was read"),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """What one reason keeps from being made again."""

    reason: Reason
    names: tuple[str, ...] = ()
    """Raw, sorted; empty where the reason needs none."""

    @property
    def text(self) -> Phrase:
        """What is missing, to stand in a list, in printed form; of many names the first few."""
        shown = ", ".join(map(printable, self.names[:SHOWN]))
        if len(self.names) > SHOWN:
            shown = f"{shown}, … ({len(self.names)})"
        return phrase(_SENTENCES[self.reason], names=shown)


def losses(record: EnvironmentRecord) -> tuple[Missing, ...]:
    """What of *record*, as it came from the host, cannot be made again from records, by reason."""
    found: dict[Reason, set[str]] = {}
    for reason, name in (*_conda(record.conda), *_pip(record.pip), *_rest(record)):
        found.setdefault(reason, set()).add(name)
    return tuple(Missing(reason, tuple(sorted(found[reason]))) for reason in Reason if reason in found)


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_PART = re.compile(r"[A-Za-z0-9_.+!~-]+\Z")


def is_plain(record: CondaRecord) -> bool:
    """Whether name, version and build are such as conda itself takes: nothing of them can be read as more."""
    parts = (part for part in (record.version, record.build) if part is not None)
    return bool(_NAME.match(record.name)) and all(map(_PART.match, parts))


def _conda(records: Iterable[CondaRecord]) -> Iterator[tuple[Reason, str]]:
    for each in records:
        address = address_of(each)
        if not is_plain(each):
            yield Reason.ODD_NAME, each.stem
        if each.broken:
            yield Reason.BROKEN_RECORD, each.name
        elif address is None:
            yield Reason.NO_ADDRESS, each.name
        elif hash_of(each) is None:
            yield Reason.NO_HASH, each.name
        if is_local(address or channel_of(each) or ""):
            yield Reason.LOCAL_CHANNEL, each.name


_PIP_REASONS = {
    PipOrigin.EDITABLE: Reason.EDITABLE,
    PipOrigin.LOCAL: Reason.LOCAL,
    PipOrigin.URL: Reason.DIRECT_URL,
    PipOrigin.INDEX: Reason.NO_VERSION,
}


def _pip(records: Iterable[PipRecord]) -> Iterator[tuple[Reason, str]]:
    for each in records:
        if not has_plain_name(each):
            yield Reason.ODD_NAME, each.name
        elif each.origin is not PipOrigin.INDEX or requirement(each) is None:
            yield _PIP_REASONS[each.origin], each.name
        elif local_version(each):
            yield Reason.OTHER_INDEX, each.name


def _rest(record: EnvironmentRecord) -> Iterator[tuple[Reason, str]]:
    yield from ((Reason.ADDED_PATHS, path) for _, path in record.added_paths)
    yield from ((Reason.NOT_READ, part.value) for part in record.unread)
    clean = without_secrets(record)
    yield from ((Reason.PINS, pin) for pin in clean.pins)
    for conda, shown in zip(record.conda, clean.conda, strict=True):
        if (conda.url, conda.channel) != (shown.url, shown.channel):
            yield Reason.CREDENTIALS, channel_of(shown) or shown.name
    for pip, shown_pip in zip(record.pip, clean.pip, strict=True):
        if pip != shown_pip:
            yield Reason.CREDENTIALS, pip.name
    for (name, value), (_, kept) in zip(record.variables, clean.variables, strict=True):
        if value != kept:
            yield Reason.CREDENTIALS, name
    for condarc, kept_rc in zip(record.condarcs, clean.condarcs, strict=True):
        if condarc != kept_rc:
            yield Reason.CREDENTIALS, condarc.path
