"""pip packages as pip takes them again: ``NAME==VERSION``, ``NAME @ URL``, ``-e PATH``. Pure.

A line holds nothing that pip would read as more than one requirement, whatever the host said: what is no plain name,
version or address becomes a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from tui.domain.envrecord import PipOrigin, PipRecord
from tui.domain.packages import canonical_name
from tui.domain.text import encode_lossless, printable

__all__ = ["freeze_lines", "has_plain_name", "local_version", "requirement"]

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]*\Z")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[!-~]+\Z")


def has_plain_name(record: PipRecord) -> bool:
    """Whether name and version are such as pip itself takes."""
    return bool(_NAME.match(record.name)) and (record.version is None or bool(_VERSION.match(record.version)))


def local_version(record: PipRecord) -> bool:
    """Whether the version is one that only an index of its own has: ``2.5.1+cu124``. PyPI takes none such."""
    return record.origin is PipOrigin.INDEX and "+" in (record.version or "")


def requirement(record: PipRecord) -> str | None:
    """What makes the package anew on any host; None when nothing does: local, editable, of no known version."""
    if not has_plain_name(record) or record.origin in (PipOrigin.EDITABLE, PipOrigin.LOCAL):
        return None
    if record.origin is PipOrigin.URL:
        address = record.address or ""
        return f"{record.name} @ {address}" if _ADDRESS.match(address) else None
    return f"{record.name}=={record.version}" if record.version else None


def freeze_lines(records: Iterable[PipRecord]) -> Iterator[str]:
    """The packages as ``pip freeze`` lists them, local and editable ones with the place that they came from."""
    for record in sorted(records, key=lambda each: (canonical_name(each.name), each.version or "")):
        known = requirement(record)
        named = f"{record.name}=={record.version}" if record.version else record.name
        if known is not None:
            yield known
        elif not has_plain_name(record):
            yield f"# left out: {printable(named)} (no name or version that pip takes)"
        elif record.origin is PipOrigin.EDITABLE and record.address:
            yield f"# Editable install with no version control ({named})"
            yield f"-e {_file_url(record.address) if _needs_quotes(record.address) else record.address}"
        elif record.origin is PipOrigin.LOCAL and record.address:
            yield f"{record.name} @ {_file_url(record.address)}"
        else:
            yield f"# left out: {printable(named)} ({record.origin.value}, {_why(record)})"


def _why(record: PipRecord) -> str:
    if record.origin is PipOrigin.INDEX:
        return "its version is not known"
    return f"from {printable(record.address)}" if record.address else "where from is not known"


def _needs_quotes(path: str) -> bool:
    return not re.fullmatch(r"/[A-Za-z0-9._/+@=,-]*", path)


def _file_url(path: str) -> str:
    return f"file://{quote(b''.join(map(encode_lossless, path)), safe='/+@=,~')}"
