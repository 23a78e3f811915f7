"""Snapshots as JSON and back, by the fields that their dataclasses declare.

A value that equals its field's default is left out, so a field added later reads old files. Packages
are written once and sets once, environments refer to them: 40 environments that share 200 packages
stay small on the disk, and in memory once they were read through the interner.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from tui.domain.environments import Use
from tui.domain.faults import Fault
from tui.domain.gpus import GpuProcess
from tui.domain.machine import Mount
from tui.domain.packages import EMPTY_SET, Package, PackageInterner, PackageManager, PackageSet
from tui.domain.redact import redact
from tui.domain.sessions import Pane, Window
from tui.domain.snapshot import HostSnapshot, Part

__all__ = ["SCHEMA", "decode_snapshot", "decode_value", "encode_snapshot", "encode_value"]

SCHEMA = 1

# What a person typed and what addresses a server may hold secrets; names and paths are kept as they are.
_REDACTED: dict[type, frozenset[str]] = {
    Fault: frozenset({"message", "remedy"}),
    GpuProcess: frozenset({"command"}),
    Mount: frozenset({"source"}),
    Pane: frozenset({"command", "title"}),
    Use: frozenset({"command"}),
    Window: frozenset({"name"}),
}

Json = Any
"""What json reads and writes."""


class _Tables:
    """The packages and sets of one snapshot while it is written."""

    def __init__(self) -> None:
        self.packages: dict[Package, int] = {}
        self.rows: list[list[str | None]] = []
        self.sets: dict[str, int] = {}
        self.members: list[list[int]] = []

    def index(self, package_set: PackageSet) -> int:
        known = self.sets.get(package_set.digest)
        if known is not None:
            return known
        self.members.append([self._package(package) for package in package_set.packages])
        self.sets[package_set.digest] = len(self.members) - 1
        return len(self.members) - 1

    def _package(self, package: Package) -> int:
        index = self.packages.setdefault(package, len(self.rows))
        if index == len(self.rows):
            channel = _clean(package.channel) if package.channel else package.channel
            self.rows.append([package.name, package.version, package.build, channel, package.manager.value])
        return index


def encode_snapshot(snapshot: HostSnapshot) -> dict[str, Json]:
    """*snapshot* as JSON, without secrets. It touches no shared state: callable from any thread."""
    tables = _Tables()
    body = _writer(HostSnapshot)(dataclasses.replace(snapshot, stale=False), tables)
    return {"schema": SCHEMA, "packages": tables.rows, "sets": tables.members, "snapshot": body}


def decode_snapshot(data: Json, interner: PackageInterner) -> HostSnapshot:
    """The snapshot in *data*, marked stale. Raises ValueError when *data* is nothing that this version wrote."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"the schema is {data.get('schema') if isinstance(data, dict) else None!r}, not {SCHEMA}")
    rows, members = data.get("packages"), data.get("sets")
    if not isinstance(rows, list) or not isinstance(members, list):
        raise ValueError("the tables of packages are missing")
    packages = [_package(row, interner) for row in rows]
    sets = [_package_set(indices, packages, interner) for indices in members]
    snapshot: HostSnapshot = _reader(HostSnapshot)(data.get("snapshot"), sets)
    return dataclasses.replace(snapshot, stale=True)


def encode_value(value: Any) -> Json:
    """A dataclass that holds no package sets, as JSON. Its secrets are its maker's business."""
    kind: Any = type(value)
    return _writer(kind)(value, _Tables())


def decode_value(hint: Any, data: Json) -> Any:
    """The dataclass *hint* that :func:`encode_value` made *data* of. Raises ValueError, TypeError for anything else."""
    return _reader(hint)(data, [])


def _package(row: Json, interner: PackageInterner) -> Package:
    if not isinstance(row, list) or len(row) != 5 or not isinstance(row[0], str):
        raise ValueError("a package is no list of five")
    if not all(field is None or isinstance(field, str) for field in row):
        raise ValueError("a package holds what is no text")
    return interner.package(row[0], row[1], row[2], row[3], PackageManager(row[4]))


def _package_set(indices: Json, packages: list[Package], interner: PackageInterner) -> PackageSet:
    if not isinstance(indices, list):
        raise ValueError("a set is no list")
    if not all(type(index) is int and 0 <= index < len(packages) for index in indices):
        raise ValueError("a set names a package that is not there")
    return interner.package_set([packages[index] for index in indices])


Writer = Callable[[Any, _Tables], Json]
Reader = Callable[[Json, list[PackageSet]], Any]


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    return redact(text)


@cache
def _writer(hint: Any) -> Writer:
    """How a value of the type *hint* is written."""
    if hint is PackageSet:
        return lambda value, tables: -1 if value.digest == EMPTY_SET.digest else tables.index(value)
    if dataclasses.is_dataclass(_origin(hint)):
        return _dataclass_writer(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return lambda value, tables: value.value
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        some = _writer(_only_other(args))
        return lambda value, tables: None if value is None else some(value, tables)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            item = _writer(args[0])
            return lambda value, tables: [item(each, tables) for each in value]
        items = [_writer(arg) for arg in args]
        return lambda value, tables: [one(each, tables) for one, each in zip(items, value, strict=True)]
    if origin is frozenset:
        return lambda value, tables: sorted(value)
    return lambda value, tables: value


def _dataclass_writer(hint: Any) -> Writer:
    cls = _origin(hint)
    redacted = _REDACTED.get(cls, frozenset())
    plan = [(field.name, _default(field), _writer(kind), field.name in redacted) for field, kind in _fields(hint)]

    def write(value: Any, tables: _Tables) -> Json:
        out = {}
        for name, default, writer, secret in plan:
            item = getattr(value, name)
            if item is default or (type(item) is type(default) and item == default):
                continue
            out[name] = _clean(item) if secret and item else writer(item, tables)
        return out

    return write


@cache
def _reader(hint: Any) -> Reader:
    """How a value of the type *hint* is read back; it raises ValueError for any other."""
    hint = getattr(hint, "__supertype__", hint)  # what a NewType is made of
    if hint is PackageSet:
        return _read_set
    if dataclasses.is_dataclass(_origin(hint)):
        return _dataclass_reader(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return lambda value, sets: hint(value)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        some = _reader(_only_other(args))
        return lambda value, sets: None if value is None else some(value, sets)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            item = _reader(args[0])
            return lambda value, sets: tuple([item(each, sets) for each in _list(value)])
        items = [_reader(arg) for arg in args]
        return lambda value, sets: tuple(one(each, sets) for one, each in zip(items, _list(value), strict=True))
    if origin is frozenset:
        item = _reader(args[0])
        return lambda value, sets: frozenset([item(each, sets) for each in _list(value)])
    accepted: tuple[type, ...] = (int, float) if hint is float else (hint,)

    def plain(value: Json, sets: list[PackageSet]) -> Any:
        if type(value) not in accepted:
            raise ValueError(f"{type(value).__name__} where {hint.__name__} belongs")
        return value

    return plain


def _dataclass_reader(hint: Any) -> Reader:
    cls = _origin(hint)
    plan = [(field.name, _default(field), _reader(kind)) for field, kind in _fields(hint)]

    def read(value: Json, sets: list[PackageSet]) -> Any:
        if not isinstance(value, dict):
            raise ValueError(f"no {cls.__name__}")
        kept = {name: reader(value[name], sets) for name, _, reader in plan if name in value}
        for name, default, _ in plan:
            if name not in kept and default is dataclasses.MISSING:
                raise ValueError(f"a {cls.__name__} without its {name}")
        return cls(**kept)

    return read


def _read_set(value: Json, sets: list[PackageSet]) -> PackageSet:
    if value == -1:
        return EMPTY_SET
    if type(value) is not int or not 0 <= value < len(sets):
        raise ValueError("an environment names a set that is not there")
    return sets[value]


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ValueError(f"{type(value).__name__} where a list belongs")
    return value


def _origin(hint: Any) -> Any:
    return typing.get_origin(hint) or hint


def _fields(hint: Any) -> list[tuple[dataclasses.Field[Any], Any]]:
    """The fields of a dataclass with their types; a Part's value has the type that it is a part of."""
    cls = _origin(hint)
    hints = typing.get_type_hints(cls)
    if cls is Part:
        hints["value"] = typing.get_args(hint)[0] | None
    return [(field, hints[field.name]) for field in dataclasses.fields(cls)]


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default


def _only_other(args: tuple[Any, ...]) -> Any:
    others = [arg for arg in args if arg is not type(None)]
    if len(others) != 1:
        raise TypeError(f"a field of several types cannot be kept: {args}")
    return others[0]
