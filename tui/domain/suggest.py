"""What may be written next in a filter: names of fields, their values, flags, groups, packages, versions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tui.domain.packageindex import PackageIndex
from tui.domain.packagespec import read_package_spec
from tui.domain.phrases import phrase
from tui.domain.query import Field, Row, Schema
from tui.domain.querylex import Term, terms
from tui.domain.text import printable

__all__ = ["Suggestion", "Values", "completion", "suggestions"]

R = TypeVar("R", bound=Row)
MOST = 50
ENOUGH_ROWS = 20_000
"""More rows than these are not looked through for values."""
MOST_VALUES = 2000
"""More values of one field are not offered: each key looks through them."""

_FRAGMENT = re.compile(r"([!-]?)([A-Za-z_-]+)(<=|>=|!=|==|~=|:|=|<|>)(.*)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Put ``text`` in the place of ``[start:end]``, and the cursor behind it."""

    text: str
    start: int
    end: int
    meaning: str = ""

    def applied(self, to: str) -> tuple[str, int]:
        """The filter with it, and where the cursor stands then."""
        return to[: self.start] + self.text + to[self.end :], self.start + len(self.text)


class Values(Generic[R]):
    """The values that are in some rows, by field: each field is looked through once, when it is first asked for."""

    def __init__(self, rows: Sequence[R]) -> None:
        self._rows = rows[:ENOUGH_ROWS]
        self._known: dict[str, tuple[str, ...]] = {}
        self._groups: tuple[str, ...] | None = None

    def of(self, field: Field[R]) -> tuple[str, ...]:
        """The values of *field*, sorted."""
        if field.name not in self._known:
            self._known[field.name] = tuple(field.choices or self._held(field))
        return self._known[field.name]

    def groups(self) -> tuple[str, ...]:
        """The groups of the rows' hosts, sorted."""
        if self._groups is None:
            self._groups = tuple(sorted({group for row in self._rows for group in row.groups}))
        return self._groups

    def _held(self, field: Field[R]) -> Iterable[str]:
        get = field.get
        if get is None:
            return ()
        texts = {text for row in self._rows if (text := get(row))}
        return sorted({line for text in texts for line in text.split("\n")})[:MOST_VALUES]


def completion(
    text: str, schema: Schema[R], values: Values[R] | None = None, index: PackageIndex | None = None
) -> str | None:
    """*text* with its last term written on as it most likely goes on; None when nothing begins like it.

    Every letter of *text* stays, at most in another case. A term that is not begun yet is not written for anybody.
    """
    if not text or text[-1].isspace():
        return None
    folded = text.casefold()
    for offered in suggestions(text, len(text), schema, values if values is not None else (), index):
        whole, _ = offered.applied(text)
        if len(whole) > len(text) and whole[: len(text)].casefold() == folded:
            return whole
    return None


def suggestions(
    text: str,
    cursor: int,
    schema: Schema[R],
    rows: Sequence[R] | Values[R] = (),
    index: PackageIndex | None = None,
) -> list[Suggestion]:
    """What may stand where the *cursor* is, at most 50, best first.

    Values come from *rows*, packages and their versions from *index*. Nothing is offered that is there already.
    """
    values = rows if isinstance(rows, Values) else Values(rows)
    term = _at(text, cursor)
    start = term.start if term else cursor
    end = term.end if term else cursor
    written = text[start:cursor]
    sign = written[:1] if written[:1] in ("!", "-") else ""
    found: list[tuple[str, str]]
    match = _FRAGMENT.match(written)
    if written[len(sign) :].startswith("@"):
        found = [(f"{sign}@{group}", phrase("group")) for group in _fitting(values.groups(), written[len(sign) + 1 :])]
    elif match is None:
        found = _names(written[len(sign) :], sign, schema, index)
    else:
        found = _values(match, schema, values, index)
    unique = dict.fromkeys(pair for pair in found if pair[0] != written)
    return [Suggestion(new, start, end, meaning) for new, meaning in list(unique)[:MOST]]


def _at(text: str, cursor: int) -> Term | None:
    return next((term for term in terms(text) if term.start < cursor <= term.end), None)


def _names(start: str, sign: str, schema: Schema[R], index: PackageIndex | None) -> list[tuple[str, str]]:
    folded = start.casefold()
    found: list[tuple[str, str]] = [
        (
            f"{sign}{field.name}{'>' if field.measure else ':'}",
            phrase("{meaning}: {example}", meaning=field.meaning, example=field.example),
        )
        for field in schema.fields.values()
        if field.name.startswith(folded)
    ]
    if schema.flags and "is".startswith(folded):
        found.append((f"{sign}is:", phrase("one of {known}", known=", ".join(schema.flags))))
    if index is not None and schema.has_packages and len(folded) > 1 and re.fullmatch(r"[a-z0-9_.-]+", folded):
        found += [(sign + name, phrase("package")) for name in index.names(folded)[:MOST]]
    return found


def _values(
    match: re.Match[str], schema: Schema[R], values: Values[R], index: PackageIndex | None
) -> list[tuple[str, str]]:
    negation, name, sign, value = match.groups()
    head = f"{negation}{name}{sign}"
    field = schema.fields.get(name.lower())
    if name.lower() == "is" and sign == ":":
        fits = [flag for flag in schema.flags if flag.startswith(value.casefold())]
        return [(head + flag, schema.flags[flag].meaning) for flag in fits]
    if field is None:
        return _versions(head, name, value, index) if schema.has_packages and sign != ":" else []
    if field.measure:
        return []
    before, comma, last = value.rpartition(",")  # of several, the last is being written
    return [
        (f"{head}{before}{comma}{_quoted(one)}", field.meaning) for one in _fitting(values.of(field), last.strip("\"'"))
    ]


def _versions(head: str, name: str, value: str, index: PackageIndex | None) -> list[tuple[str, str]]:
    if index is None:
        return []
    try:
        spec = read_package_spec(name)
    except ValueError:
        return []
    return [(head + version, name) for version in map(printable, index.versions(spec)) if version.startswith(value)]


def _fitting(values: Iterable[str], start: str) -> list[str]:
    """Those that begin with *start*, then those that hold it."""
    folded = start.casefold()
    held = [value for value in values if folded in value.casefold()]
    return sorted(held, key=lambda value: not value.casefold().startswith(folded))


def _quoted(value: str) -> str:
    if not re.search(r"[\s\"',]", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
