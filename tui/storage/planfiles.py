"""Plan files: what is to go, kept to be read, reviewed and run later. YAML, or JSON where the name ends so.

They are the operator's own, at the path that they name. Every error says line and key, as in the configuration.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml

from tui.domain.errors import ConfigError, ConfigProblem, StorageError
from tui.domain.planitems import Item, ItemKind
from tui.domain.planmissed import Missed
from tui.domain.plans import Plan
from tui.domain.text import parse_printed, printable
from tui.storage.atomic import write_private

__all__ = ["VERSION", "read_plan", "write_plan"]

VERSION = 1
LONGEST = 16 << 20
MOST_ITEMS = 20_000
_HEAD = """\
# A plan of condafleet: what is to go, as it was counted when the plan was made.
# Nothing happens until `condafleet plan run` is given this file. It counts again first, and refuses what changed.
# Take out what is to stay. Under `missed` are hosts that were not looked at: of them nothing is known here.
"""
T = TypeVar("T")


def write_plan(path: Path, plan: Plan) -> None:
    """Put *plan* at *path*, mode 0600, whole or not at all. Raises StorageError."""
    said: dict[str, Any] = {"condafleet-plan": VERSION, "made": _time_text(plan.made), "by": printable(plan.by)}
    if plan.older_s is not None:
        said["older_than_s"] = int(plan.older_s)
    counted = dict(plan.counted)
    said["hosts"] = {
        host: {
            "counted": _time_text(counted[host]) if host in counted else None,
            "items": [_item_data(item) for item in plan.of(host)],
        }
        for host in plan.hosts
    }
    if plan.missed:
        said["missed"] = {
            each.host: {"why": each.kind, "message": printable(each.message) or None} for each in plan.missed
        }
    if path.suffix == ".json":
        text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    else:
        text = _HEAD + yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=1000)
    try:
        write_private(path, text.encode())
    except OSError as error:
        raise StorageError(
            f"The plan cannot be written to {printable(str(path))}: {error.strerror}.", "Name another file."
        ) from error


def _item_data(item: Item) -> dict[str, Any]:
    said: dict[str, Any] = {
        "kind": item.kind.value,
        "path": printable(item.path),
        "name": None if item.name is None else printable(item.name),
        "bytes": item.bytes,
        "exclusive_bytes": item.exclusive_bytes,
        "files": item.files,
        "identity": None if item.fs_id is None else printable(item.fs_id),
        "in_use": item.in_use or None,
        "last_used": None if item.last_used is None else _time_text(item.last_used),
        "last_used_signal": None if item.last_used_signal is None else printable(item.last_used_signal),
    }
    return {key: value for key, value in said.items() if value is not None}


def _time_text(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_plan(path: Path) -> Plan:
    """The plan in *path*. Raises ConfigError, which names line and key of everything wrong, and StorageError."""
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(LONGEST + 1)
    except OSError as error:
        raise StorageError(f"The plan {shown} cannot be read: {error.strerror}.", "Name an existing file.") from error
    if len(data) > LONGEST:
        raise StorageError(f"The plan {shown} is longer than any plan.", "Name a file made by `condafleet plan new`.")
    return _Reader(shown).plan(data)


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[ConfigProblem] = []
        self.line = 1
        """Of the item that is read, for what it lacks."""

    def plan(self, data: bytes) -> Plan:
        try:
            node = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
        except (UnicodeDecodeError, RecursionError):
            self._stop(None, "", "no text in UTF-8", "a plan")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            words = str(getattr(error, "problem", None) or "an error")
            self._stop(None if mark is None else mark.line + 1, "", printable(words), "YAML or JSON")
        top = self._mapping(node, "", {"condafleet-plan", "made", "by", "older_than_s", "hosts", "missed"})
        version = top.get("condafleet-plan")
        if self._whole(version, "condafleet-plan") != VERSION:
            self._stop(_line(version), "condafleet-plan", _shown(version), f"{VERSION}, the version of this form")
        made = self._optional(top.get("made"), "made", self._time)
        by = self._optional(top.get("by"), "by", self._text) or ""
        older = self._optional(top.get("older_than_s"), "older_than_s", self._whole)
        items: list[Item] = []
        counted: list[tuple[str, float]] = []
        for host, value in self._pairs(top.get("hosts"), "hosts"):
            inner = self._mapping(value, f"hosts.{host}", {"counted", "items"})
            time = self._optional(inner.get("counted"), f"hosts.{host}.counted", self._time)
            if time is not None:
                counted.append((host, time))
            items += self._items(inner.get("items"), f"hosts.{host}.items", host)
        missed = self._optional(top.get("missed"), "missed", self._missed) or ()
        if len(items) > MOST_ITEMS:
            self._add(None, "hosts", f"{len(items)} items", f"at most {MOST_ITEMS}")
        if self.problems:
            raise ConfigError(self.problems)
        return Plan(tuple(items), made or 0.0, by, tuple(counted), None if older is None else float(older), missed)

    def _missed(self, node: yaml.Node | None, key: str) -> tuple[Missed, ...]:
        found = []
        for host, value in self._pairs(node, key):
            self.line = _line(value) or self.line
            inner = self._mapping(value, f"{key}.{host}", {"why", "message"})
            why = self._text(inner.get("why"), f"{key}.{host}.why")
            message = self._optional(inner.get("message"), f"{key}.{host}.message", self._text)
            found.append(Missed(host, printable(why or ""), printable(message or "")))
        return tuple(found)

    def _items(self, node: yaml.Node | None, key: str, host: str) -> Iterator[Item]:
        if not isinstance(node, yaml.SequenceNode):
            self._add(_line(node), key, _shown(node), "a list of items")
            return
        seen = set()
        for number, each in enumerate(node.value):
            at = f"{key}[{number}]"
            self.line = _line(each) or self.line
            known = {
                "kind", "path", "name", "bytes", "exclusive_bytes", "files", "identity", "in_use", "last_used",
                "last_used_signal",
            }  # fmt: skip
            fields = self._mapping(each, at, known)
            kind = self._kind(fields.get("kind") or each, f"{at}.kind")
            path = self._text(fields.get("path"), f"{at}.path")
            if path is not None and not path.startswith("/"):
                self._add(_line(fields["path"]), f"{at}.path", _shown(fields["path"]), "an absolute path")
            if kind is None or path is None:
                continue
            if (kind, path) in seen:
                self._add(_line(each), at, "the same item again", "each item once")
            seen.add((kind, path))
            yield Item(
                host,
                kind,
                path,
                self._optional(fields.get("name"), f"{at}.name", self._text),
                self._optional(fields.get("bytes"), f"{at}.bytes", self._whole),
                self._optional(fields.get("exclusive_bytes"), f"{at}.exclusive_bytes", self._whole),
                self._optional(fields.get("files"), f"{at}.files", self._whole),
                self._optional(fields.get("identity"), f"{at}.identity", self._text),
                bool(self._optional(fields.get("in_use"), f"{at}.in_use", self._truth)),
                self._optional(fields.get("last_used"), f"{at}.last_used", self._time),
                self._optional(fields.get("last_used_signal"), f"{at}.last_used_signal", self._text),
            )

    def _pairs(self, node: yaml.Node | None, key: str) -> Iterator[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._add(_line(node), key, _shown(node), "keys with values")
            return
        seen = set()
        for name, value in node.value:
            text = name.value if isinstance(name, yaml.ScalarNode) else ""
            if text in seen or not text:
                self._add(_line(name), key, f"the key {text!r} " + ("again" if text else ""), "each key once")
                continue
            seen.add(text)
            yield text, value

    def _mapping(self, node: yaml.Node | None, key: str, known: set[str]) -> dict[str, yaml.Node]:
        found = {}
        for name, value in self._pairs(node, key):
            if name in known:
                found[name] = value
            else:
                where = f"{key}.{name}" if key else name
                self._add(_line(value), where, "a key that is not known", ", ".join(sorted(known)))
        return found

    def _optional(self, node: yaml.Node | None, key: str, read: Callable[[yaml.Node | None, str], T]) -> T | None:
        absent = node is None or (isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"))
        return None if absent else read(node, key)

    def _text(self, node: yaml.Node | None, key: str) -> str | None:
        if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
            self._add(_line(node), key, _shown(node), "a text")
            return None
        return parse_printed(node.value)

    def _whole(self, node: yaml.Node | None, key: str) -> int | None:
        digits = node.value if isinstance(node, yaml.ScalarNode) else ""
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
            self._add(_line(node), key, _shown(node), "a whole number")
            return None
        return int(digits)

    def _truth(self, node: yaml.Node | None, key: str) -> bool | None:
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if value not in ("true", "false"):
            self._add(_line(node), key, _shown(node), "true or false")
        return bool(value == "true")

    def _time(self, node: yaml.Node | None, key: str) -> float | None:
        text = node.value if isinstance(node, yaml.ScalarNode) else ""
        try:
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        except ValueError:
            self._add(_line(node), key, _shown(node), "a time such as 2026-11-21T10:15:00Z")
            return None

    def _kind(self, node: yaml.Node, key: str) -> ItemKind | None:
        value = node.value if isinstance(node, yaml.ScalarNode) else ""
        if value in {kind.value for kind in ItemKind}:
            return ItemKind(value)
        self._add(_line(node), key, _shown(node), ", ".join(kind.value for kind in ItemKind))
        return None

    def _add(self, line: int | None, key: str, found: str, expected: str) -> None:
        if len(self.problems) < 50:
            self.problems.append(ConfigProblem(self.file, line or self.line, printable(key), found, expected))

    def _stop(self, line: int | None, key: str, found: str, expected: str) -> NoReturn:
        self._add(line, key, found, expected)
        raise ConfigError(self.problems)


def _line(node: yaml.Node | None) -> int | None:
    return None if node is None else int(node.start_mark.line) + 1


def _shown(node: yaml.Node | None) -> str:
    if node is None:
        return "nothing"
    return repr(printable(node.value)[:60]) if isinstance(node, yaml.ScalarNode) else "keys or a list"
