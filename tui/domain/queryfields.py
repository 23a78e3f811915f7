"""How the fields of a filter are declared: one function for each kind of value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from tui.domain.query import Field, Flag, Row, Schema
from tui.domain.queryvalues import age_test, choice_test, number_test, size_test, text_test, version_test

__all__ = [
    "age_field", "choice_field", "number_field", "percent_field", "schema", "size_field", "text_field",
    "version_field",
]  # fmt: skip

R = TypeVar("R", bound=Row)


def text_field(name: str, meaning: str, example: str, get: Callable[[R], str | None]) -> Field[R]:
    return Field(name, meaning, example, lambda sign, value: text_test(sign, value, get), get=get)


def choice_field(
    name: str, meaning: str, example: str, get: Callable[[R], str | None], choices: tuple[str, ...]
) -> Field[R]:
    return Field(name, meaning, example, lambda sign, value: choice_test(sign, value, get, choices), choices, get)


def number_field(name: str, meaning: str, example: str, get: Callable[[R], float | None]) -> Field[R]:
    return Field(name, meaning, example, lambda sign, value: number_test(sign, value, get), measure=True)


def percent_field(name: str, meaning: str, example: str, get: Callable[[R], float | None]) -> Field[R]:
    """*get* gives 0 to 1."""
    return Field(name, meaning, example, lambda sign, value: number_test(sign, value, get, get), measure=True)


def size_field(
    name: str,
    meaning: str,
    example: str,
    get: Callable[[R], float | None],
    percent: Callable[[R], float | None] | None = None,
) -> Field[R]:
    return Field(name, meaning, example, lambda sign, value: size_test(sign, value, get, percent), measure=True)


def age_field(name: str, meaning: str, example: str, get: Callable[[R], float | None]) -> Field[R]:
    return Field(name, meaning, example, lambda sign, value: age_test(sign, value, get), measure=True)


def version_field(name: str, meaning: str, example: str, get: Callable[[R], str | None]) -> Field[R]:
    return Field(name, meaning, example, lambda sign, value: version_test(sign, value, get), get=get)


def schema(fields: Iterable[Field[R]], flags: dict[str, Flag[R]], *, packages: bool = False) -> Schema[R]:
    return Schema({field.name: field for field in fields}, flags, packages)
