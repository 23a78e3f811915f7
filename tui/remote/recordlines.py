"""Package records as ``export.sh`` thins them out: one JSON key a line, or a whole record on one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.domain.assemble import split_dist_name
from tui.domain.envrecord import CondaRecord
from tui.remote.jsontext import read_json

__all__ = ["read_meta"]

LONGEST = 4000


def read_meta(text: str) -> dict[str, CondaRecord]:
    """The records by their file stems; those that say nothing that can be read are left out. Never raises."""
    found: dict[str, dict[str, Any]] = {}
    record: dict[str, Any] = {}
    for line in text.split("\n"):
        kind, said = line[:1], line[1:]
        if kind == "R":
            record = found.setdefault(said, {})
        elif kind == "J":
            record.update(_object("{" + said.strip().rstrip(",") + "}"))
        elif kind == "C":
            record.update(_object(said))
    return {stem: _record(stem, said) for stem, said in found.items() if said}


def _object(text: str) -> dict[str, Any]:
    data = read_json(text)
    return data if isinstance(data, dict) else {}


def _record(stem: str, said: Mapping[str, Any]) -> CondaRecord:
    name, version, build = split_dist_name(stem)
    return CondaRecord(
        stem,
        _text(said, "name") or name,
        _text(said, "version") or version,
        _text(said, "build") or build,
        _text(said, "channel"),
        _text(said, "url"),
        _text(said, "md5"),
        _text(said, "sha256"),
        _text(said, "subdir"),
        _text(said, "fn"),
        tuple(each.split()[0] for each in _texts(said, "depends") if each.split()),
        tuple(each for each in (*_texts(said, "requested_specs"), _text(said, "requested_spec") or "") if _asked(each)),
    )


def _asked(spec: str) -> bool:
    return spec not in ("", "None")


def _text(said: Mapping[str, Any], key: str) -> str | None:
    value = said.get(key)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST else None


def _texts(said: Mapping[str, Any], key: str) -> list[str]:
    value = said.get(key)
    return [each for each in value if isinstance(each, str) and len(each) <= LONGEST] if isinstance(value, list) else []
