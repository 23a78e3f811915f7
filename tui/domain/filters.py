"""What the filter of the environments knows. Pure.

Fields: host name prefix install manager owner kind state python size packages pip conda used unused changed
created; any package by its name. Flags behind ``is:``: frozen protected inuse ghost incomplete base named prefix
stale clobbered shared readonly linked. A size that nobody measured fits neither ``size>`` nor ``size<``.
"""

from __future__ import annotations

from collections.abc import Callable

from tui.domain.environments import EnvKind, Manager
from tui.domain.faults import FaultKind
from tui.domain.filterrows import EnvironmentRow
from tui.domain.packages import PackageManager
from tui.domain.phrases import phrase
from tui.domain.query import Flag, Schema
from tui.domain.queryfields import (
    age_field,
    choice_field,
    number_field,
    schema,
    size_field,
    text_field,
    version_field,
)
from tui.domain.text import printable

__all__ = ["ENVIRONMENTS", "FAULTS"]

FAULTS = tuple(kind.value for kind in FaultKind)


def _count(row: EnvironmentRow, manager: PackageManager | None = None) -> int | None:
    if row.packages is None or row.pip_packages is None:
        return None
    total = len(row.packages.packages)
    return total if manager is None else row.pip_packages if manager is PackageManager.PIP else total - row.pip_packages


def _has_fault(kind: FaultKind) -> Callable[[EnvironmentRow], bool]:
    return lambda row: row.environment.fault is not None and row.environment.fault.kind is kind


def _in_use(row: EnvironmentRow) -> bool | None:
    if row.environment.in_use:
        return True
    return False if row.environment.in_use_complete else None


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _shown(raw: str | None) -> str | None:
    return None if raw is None else printable(raw)


def _state(row: EnvironmentRow) -> str:
    return "ok" if row.environment.fault is None else row.environment.fault.kind.value


def _python(row: EnvironmentRow) -> str | None:
    """No version at all is known, too, where the packages are."""
    env = row.environment
    return "" if env.python is None and env.packages_known else env.python


def _shared(row: EnvironmentRow) -> bool | None:
    if row.shared:
        return True
    return None if row.environment.fs_id is None else False


def _clobbered(row: EnvironmentRow) -> bool | None:
    return bool(row.environment.clobbered) if row.environment.packages_known else None


ENVIRONMENTS: Schema[EnvironmentRow] = schema(
    (
        text_field("host", phrase("the host"), "host:gpu*", lambda row: row.environment.host),
        text_field("name", phrase("the name"), "name:llm-*", lambda row: _shown(row.environment.name or "")),
        text_field("prefix", phrase("the place"), "prefix:/data/*", lambda row: printable(row.environment.prefix)),
        text_field(
            "install",
            phrase("the install that it belongs to"),
            "install:miniforge",
            lambda row: _shown(row.environment.install or ""),
        ),
        choice_field(
            "manager",
            phrase("what made it"),
            "manager:mamba",
            lambda row: row.environment.manager.value,
            tuple(Manager),
        ),
        text_field("owner", phrase("who owns it"), "owner:ada", lambda row: _shown(row.environment.owner)),
        choice_field(
            "kind",
            phrase("base, named or a prefix"),
            "kind:named",
            lambda row: row.environment.kind.value,
            tuple(EnvKind),
        ),
        choice_field("state", phrase("ok, or what is wrong"), "state:ok", _state, ("ok", *FAULTS)),
        version_field("python", phrase("its Python"), "python:3.10", _python),
        size_field(
            "size",
            phrase("what it holds, where it was counted"),
            "size>5G",
            lambda row: None if row.size is None else row.size.total_bytes,
        ),
        size_field(
            "frees",
            phrase("what removing it gives back, where it was counted"),
            "frees>1G",
            lambda row: None if row.size is None else row.size.exclusive_bytes,
        ),
        number_field("packages", phrase("how many packages"), "packages>200", lambda row: _count(row)),
        number_field("pip", phrase("how many by pip"), "pip>0", lambda row: _count(row, PackageManager.PIP)),
        number_field("conda", phrase("how many by conda"), "conda>100", lambda row: _count(row, PackageManager.CONDA)),
        age_field("unused", phrase("time since it was last used"), "unused>90d", lambda row: row.environment.last_used),
        age_field("used", phrase("time since it was last used"), "used<1d", lambda row: row.environment.last_used),
        age_field("changed", phrase("time since it was changed"), "changed<7d", lambda row: row.environment.modified),
        age_field("created", phrase("time since it was made"), "created<30d", lambda row: row.environment.created),
    ),
    {
        "frozen": Flag(phrase("protected from changes by its owner"), lambda row: row.environment.frozen),
        "protected": Flag(phrase("protected by the configuration, or base"), lambda row: row.environment.protected),
        "inuse": Flag(phrase("something runs from it now"), _in_use),
        "ghost": Flag(phrase("listed but gone"), _has_fault(FaultKind.GHOST)),
        "incomplete": Flag(phrase("not a whole environment"), _has_fault(FaultKind.INCOMPLETE)),
        "base": Flag(phrase("the base of an install"), lambda row: row.environment.kind is EnvKind.BASE),
        "named": Flag(phrase("it has a name"), lambda row: row.environment.kind is EnvKind.NAMED),
        "prefix": Flag(phrase("it has a place only"), lambda row: row.environment.kind is EnvKind.PREFIX),
        "stale": Flag(phrase("not renewed since the start"), lambda row: row.stale),
        "clobbered": Flag(phrase("pip's packages lie over conda's"), _clobbered),
        "shared": Flag(phrase("one environment seen several times"), _shared),
        "readonly": Flag(phrase("we can't change it"), lambda row: _not(row.environment.writable)),
        "linked": Flag(phrase("a soft link"), lambda row: row.environment.linked_to is not None),
    },
    packages=True,
)
