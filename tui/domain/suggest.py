"""What may be written next in a filter: names of fields, their values, flags, groups, packages, versions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tui.domain.packageindex import PackageIndex
from tui.domain.packagespec import read_package_spec
from tui.domain.phrases import phrase
from tui.domain.query import Field, Row, Schema
from tui.domain.querylex import Term, terms
from tui.domain.text import printable

__all__ = ["Suggestion", "suggestions"]

R = TypeVar("R", bound=Row)
MOST = 50
ENOUGH_ROWS = 20_000
"""More rows than these are not looked through for values."""

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


def suggestions(
    text: str,
    cursor: int,
    schema: Schema[R],
    rows: Sequence[R] = (),
    index: PackageIndex | None = None,
) -> list[Suggestion]:
    """What may stand where the *cursor* is, at most 50, best first.

    Values come from *rows*, packages and their versions from *index*. Nothing is offered that is there already.
    """
    term = _at(text, cursor)
    start = term.start if term else cursor
    end = term.end if term else cursor
    written = text[start:cursor]
    sign = written[:1] if written[:1] in ("!", "-") else ""
    found: list[tuple[str, str]]
    match = _FRAGMENT.match(written)
    if written[len(sign) :].startswith("@"):
        found = [(f"{sign}@{group}", phrase("group")) for group in _groups(rows, written[len(sign) + 1 :])]
    elif match is None:
        found = _names(written[len(sign) :], sign, schema, index)
    else:
        found = _values(match, schema, rows, index)
    unique = dict.fromkeys(pair for pair in found if pair[0] != written)
    return [Suggestion(new, start, end, meaning) for new, meaning in list(unique)[:MOST]]


def _at(text: str, cursor: int) -> Term | None:
    return next((term for term in terms(text) if term.start < cursor <= term.end), None)


def _names(start: str, sign: str, schema: Schema[R], index: PackageIndex | None) -> list[tuple[str, str]]:
    folded = start.casefold()
    found = [
        (
            f"{sign}{field.name}{'>' if field.measure else ':'}",
            phrase("{meaning}: {example}", meaning=field.meaning, example=field.example),
        )
        for field in schema.fields.values()
        if field.name.startswith(folded)
    ]
    if "is".startswith(folded):
        found.append((f"{sign}is:", phrase("one of {known}", known=", ".join(schema.flags))))
    if index is not None and schema.has_packages and len(folded) > 1 and re.fullmatch(r"[a-z0-9_.-]+", folded):
        found += [(sign + name, phrase("package")) for name in index.names(folded)[:MOST]]
    return found


def _values(
    match: re.Match[str], schema: Schema[R], rows: Sequence[R], index: PackageIndex | None
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
        (f"{head}{before}{comma}{_quoted(one)}", field.meaning)
        for one in _fitting(_known(field, rows), last.strip("\"'"))
    ]


def _versions(head: str, name: str, value: str, index: PackageIndex | None) -> list[tuple[str, str]]:
    if index is None:
        return []
    try:
        spec = read_package_spec(name)
    except ValueError:
        return []
    return [(head + version, name) for version in map(printable, index.versions(spec)) if version.startswith(value)]


def _known(field: Field[R], rows: Sequence[R]) -> Iterable[str]:
    if field.choices:
        return field.choices
    get = field.get
    if get is None:
        return ()
    texts = {text for row in rows[:ENOUGH_ROWS] if (text := get(row))}
    return sorted({line for text in texts for line in text.split("\n")})


def _fitting(values: Iterable[str], start: str) -> list[str]:
    """Those that begin with *start*, then those that hold it."""
    folded = start.casefold()
    held = [value for value in values if folded in value.casefold()]
    return sorted(held, key=lambda value: not value.casefold().startswith(folded))


def _groups(rows: Iterable[R], start: str) -> list[str]:
    return _fitting(sorted({group for row in rows for group in row.groups}), start)


def _quoted(value: str) -> str:
    if not re.search(r"[\s\"',]", value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'
