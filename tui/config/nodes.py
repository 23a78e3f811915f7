"""Checked access to PyYAML's nodes: every problem is noted with its place, none ends the reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeVar

import yaml

from tui.domain.errors import ConfigProblem
from tui.domain.text import printable

__all__ = ["Entry", "Reading", "found"]

T = TypeVar("T")

NULL = "tag:yaml.org,2002:null"
BOOL = "tag:yaml.org,2002:bool"
INT = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
STR = "tag:yaml.org,2002:str"
MERGE = "tag:yaml.org,2002:merge"
TIMESTAMP = "tag:yaml.org,2002:timestamp"
TEXT_TAGS = frozenset({STR, INT, FLOAT, TIMESTAMP})
KINDS = {NULL: "nothing", BOOL: "the truth value", INT: "the number", FLOAT: "the number", STR: "the text"}

MAX_VALUES = 100_000
"""How many values may be looked at, those behind aliases counted each time: an end to alias bombs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and its value."""

    key: yaml.ScalarNode
    value: yaml.Node
    merged: bool = False
    """True when it came by ``<<``."""

    @property
    def name(self) -> str:
        """The key as it is written, whatever YAML would make of it (a host may be called ``no`` or ``01``)."""
        return str(self.key.value)


@dataclass
class Reading:
    """One pass over a file; collects its problems."""

    file: str
    problems: list[ConfigProblem] = field(default_factory=list)
    values_left: int = MAX_VALUES

    def problem(self, node: yaml.Node, key: str, what: str, expected: str, suggestion: str = "") -> None:
        """Note a problem at *node*."""
        self.problems.append(ConfigProblem(self.file, node.start_mark.line + 1, key, what, expected, suggestion))

    def entries(self, node: yaml.Node, path: str, expected: str) -> dict[str, Entry]:
        """The keys of a mapping in the order of the file; null is an empty one. Duplicates are problems."""
        if is_null(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, path, found(node), expected)
            return {}
        return self._mapping(node, path, ())

    def known(self, entries: dict[str, Entry], path: str, known: Sequence[str]) -> dict[str, Entry]:
        """Those of *entries* whose key is in *known*; the others are problems, with the nearest known key."""
        for name, entry in entries.items():
            if name not in known:
                near = get_close_matches(name.lower().replace("-", "_")[:80], known, n=1, cutoff=0.6)
                expected = f"one of {', '.join(known)}"
                self.problem(entry.key, join(path, name), "an unknown key", expected, near[0] if near else "")
        return {name: entry for name, entry in entries.items() if name in known}

    def text(self, node: yaml.Node, path: str, expected: str) -> str | None:
        """A text, or a number as it is written; None for null, and after a problem."""
        if not self._spend(node) or is_null(node):
            return None
        if isinstance(node, yaml.ScalarNode) and node.tag in TEXT_TAGS and node.value:
            return str(node.value)
        self.problem(node, path, found(node), expected)
        return None

    def texts(self, node: yaml.Node, path: str, expected: str, read: Callable[[str], T]) -> tuple[T, ...] | None:
        """A list of texts (a single text counts as a list of one), each through *read*; None for null.

        *read* raises ValueError, whose text says what was expected.
        """
        if is_null(node):
            return None
        if isinstance(node, yaml.ScalarNode) and node.tag in TEXT_TAGS:
            one = self.parsed(node, path, expected, read)
            return None if one is None else (one,)
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, path, found(node), f"a list, each item {expected}")
            return None
        out: list[T] = []
        for at, item in enumerate(node.value):
            if self.values_left <= 0:
                break
            where = f"{path}[{at}]"
            if is_null(item):
                hint = ' ("~" in quotes is the home)' if isinstance(item, yaml.ScalarNode) and item.value == "~" else ""
                self.problem(item, where, "nothing", f"{expected}{hint}")
                continue
            value = self.parsed(item, where, expected, read)
            if value is not None:
                out.append(value)
        return tuple(out)

    def parsed(self, node: yaml.Node, path: str, expected: str, read: Callable[[str], T]) -> T | None:
        """A text through *read*; None for null, and after a problem."""
        text = self.text(node, path, expected)
        if text is None:
            return None
        try:
            return read(text)
        except ValueError as error:
            reason = str(error).removeprefix("expected ")
            self.problem(node, path, found(node), reason or expected)
            return None

    def integer(self, node: yaml.Node, path: str, low: int, high: int, also: str = "") -> int | None:
        """A whole number from *low* to *high*; None for null, and after a problem."""
        if not self._spend(node) or is_null(node):
            return None
        expected = f"a whole number from {low} to {high}{also}"
        if isinstance(node, yaml.ScalarNode) and node.tag == INT:
            digits = str(node.value)
            if digits.isascii() and digits.isdigit() and len(digits) <= 9 and str(int(digits)) == digits:
                number = int(digits)
                if low <= number <= high:
                    return number
        self.problem(node, path, found(node), expected)
        return None

    def truth(self, node: yaml.Node, path: str) -> bool | None:
        """``true`` or ``false``; None for null, and after a problem."""
        if not self._spend(node) or is_null(node):
            return None
        if isinstance(node, yaml.ScalarNode) and node.tag == BOOL:
            return str(node.value).lower() in ("true", "yes", "on")
        self.problem(node, path, found(node), "true or false")
        return None

    def _spend(self, node: yaml.Node) -> bool:
        self.values_left -= 1
        if self.values_left == 0:
            self.problem(node, "", "aliases that unfold to too much", f"at most {MAX_VALUES} values")
        return self.values_left > 0

    def _mapping(self, node: yaml.MappingNode, path: str, within: tuple[int, ...]) -> dict[str, Entry]:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in node.value:
            if not self._spend(key):
                break
            if key.tag == MERGE:
                for name, entry in self._merged(value, path, (*within, id(node))).items():
                    merged.setdefault(name, entry)
            elif not isinstance(key, yaml.ScalarNode):
                self.problem(key, path, f"{found(key)} as a key", "a plain name")
            elif key.value in own:
                line = own[key.value].key.start_mark.line + 1
                once = f"each key once (the first is on line {line})"
                self.problem(key, join(path, key.value), "a second key of this name", once)
            else:
                own[str(key.value)] = Entry(key, value)
        return own | {name: entry for name, entry in merged.items() if name not in own}

    def _merged(self, node: yaml.Node, path: str, within: tuple[int, ...]) -> dict[str, Entry]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        out: dict[str, Entry] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self.problem(source, join(path, "<<"), found(source), "an alias of a mapping")
            elif id(source) in within:
                self.problem(source, join(path, "<<"), "an alias of itself", "an alias of another mapping")
            elif self.values_left > 0:
                for name, entry in self._mapping(source, path, within).items():
                    out.setdefault(name, Entry(entry.key, entry.value, merged=True))
        return out


def is_null(node: yaml.Node) -> bool:
    """Whether *node* says "nothing": no value, ``null`` or ``~``."""
    return isinstance(node, yaml.ScalarNode) and node.tag == NULL


def join(path: str, name: str) -> str:
    """The dotted key of *name* below *path*, harmless to show."""
    shown = printable(name if len(name) <= 80 else f"{name[:80]}…")
    return f"{path}.{shown}" if path else shown


def found(node: yaml.Node) -> str:
    """What is there, for a person."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    value = str(node.value)
    if node.tag == NULL:
        return "nothing"
    if not value:
        return "an empty text"
    shown = printable(value if len(value) <= 60 else f"{value[:60]}…")
    if node.tag not in KINDS and node.tag != TIMESTAMP:
        return f"`{shown}` with the tag {printable(str(node.tag)[:80])}"
    return f"{KINDS.get(node.tag, 'the date')} `{shown}`"
