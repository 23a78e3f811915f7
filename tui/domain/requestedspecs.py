"""What a person asked of conda for an environment, as it was asked: from its history and its records. Pure."""

from __future__ import annotations

import re

from tui.domain.envrecord import CondaRecord, EnvironmentRecord
from tui.domain.redact import PLACEHOLDER

__all__ = ["requested_specs"]

_NAME = re.compile(r"\s*([A-Za-z0-9_][A-Za-z0-9_.-]*)")
_SPEC = re.compile(r"[A-Za-z0-9_][ -~]*\Z")
_FILE = re.compile(r"://|\[(?:.*[,\s])?(?:url|fn|md5|sha256)=")
_REMOVING = frozenset({"remove", "uninstall"})


def requested_specs(record: EnvironmentRecord) -> tuple[str, ...]:
    """The specs that still count, by name: the last that was asked of each package that is there.

    Versions, builds and channels stand as they were asked for. A package that was asked for by its file's address is
    named by its version and build. Where the history says nothing of requests, or its beginning was not read, the
    package records tell.
    """
    installed = {each.name: each for each in record.conda}
    asked: dict[str, str] = {}
    for revision in reversed(record.history.revisions):
        for request in revision.requests:
            for spec in request.specs:
                name = _name_of(spec)
                if name is not None and request.action in _REMOVING:
                    asked.pop(name, None)
                elif name is not None:
                    asked[name] = spec
    if not asked or not record.history.complete:
        for each in record.conda:
            for spec in each.requested[-1:]:
                asked.setdefault(each.name, spec)
    return tuple(_written(asked[name], installed[name]) for name in sorted(asked.keys() & installed.keys()))


def _name_of(spec: str) -> str | None:
    match = _NAME.match(spec.rpartition("::")[2])
    return match[1].lower() if match else None


def _written(spec: str, record: CondaRecord) -> str:
    stripped = spec.strip()
    # The redactor takes the version of a package that is called after secrets, such as x-token=1.0.
    if PLACEHOLDER in stripped or _FILE.search(stripped) or not _SPEC.match(stripped):
        return "=".join(part for part in (record.name, record.version, record.build) if part)
    return stripped
