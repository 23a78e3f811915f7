"""What a command would do, read from its dry run (or from its run: the plan is printed in both). Pure.

conda's JSON gives sizes for what it fetches alone, micromamba's for all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tui.domain.planned import MOST_PACKAGES, SUBDIRS, PackagePlan, PlannedPackage
from tui.remote.condasays.document import document, text_of, whole_number
from tui.remote.condasays.plantext import plan_in_text

__all__ = ["read_plan"]

_LONGEST = 500
_SUBDIR = re.compile(f"/{SUBDIRS}")


def read_plan(stdout: str) -> PackagePlan | None:
    """The plan in a command's output; None where none can be read. Never raises."""
    said = document(stdout) if "{" in stdout else None
    if said is None:
        return plan_in_text(stdout)
    return _from_json(said) if said.get("actions") or said.get("message") else None


def _from_json(said: Mapping[str, Any]) -> PackagePlan | None:
    if said.get("success") is False or said.get("error"):
        return None
    actions = said.get("actions")
    listed: list[Any] = actions if isinstance(actions, list) else [actions]  # conda lists them when there are several
    groups: list[dict[str, Any]] = [each for each in listed if isinstance(each, dict)]
    link, cut_link = _packages(groups, "LINK")
    unlink, cut_unlink = _packages(groups, "UNLINK")
    fetch, cut_fetch = _packages(groups, "FETCH")
    named = [text_of(each.get("PREFIX")) for each in groups]
    dry = said.get("dry_run")
    return PackagePlan(
        prefix=text_of(said.get("prefix")) or next((each for each in named if each), None),
        link=link,
        unlink=unlink,
        fetch=fetch if groups else None,
        message=text_of(said.get("message")),
        dry_run=dry if isinstance(dry, bool) else None,
        cut=cut_link or cut_unlink or cut_fetch,
    )


def _packages(groups: list[dict[str, Any]], key: str) -> tuple[tuple[PlannedPackage, ...], bool]:
    records = [each for group in groups for each in _listed(group.get(key))]
    found = (_package(each) for each in records[:MOST_PACKAGES])
    return tuple(each for each in found if each is not None), len(records) > MOST_PACKAGES


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _package(record: object) -> PlannedPackage | None:
    if not isinstance(record, dict):
        return None
    name = text_of(record.get("name"))
    if name is None or len(name) > _LONGEST:
        return None
    channel = _short(record.get("base_url")) or _short(record.get("channel"))
    return PlannedPackage(
        name,
        _short(record.get("version")),
        _short(record.get("build")) or _short(record.get("build_string")),
        _SUBDIR.sub("", channel) if channel else None,
        _short(record.get("subdir")) or _short(record.get("platform")),
        whole_number(record.get("size")) or None,  # micromamba prints 0 where it does not know
    )


def _short(value: object) -> str | None:
    text = text_of(value)
    return text if text is not None and len(text) <= _LONGEST else None
