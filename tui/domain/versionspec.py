"""Constraints on versions as conda writes them: ``<2.1``, ``>=1.2,<2|3.*``, ``=1.26``, ``~=1.4.2``, ``!=1.3``."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from tui.domain.phrases import phrase
from tui.domain.versions import Version, parse_version

__all__ = ["VersionSpec", "parse_version_spec"]

Test = Callable[[Version], bool]

_OPERATOR = re.compile(r"==|!=|<=|>=|~=|=|<|>")
_TOKEN = re.compile(r"\s*([,|()]|[^,|()]+)")
LONGEST = 500


class VersionSpec:
    """A constraint, ready to match. ``text`` is what was written."""

    __slots__ = ("_test", "local", "text")

    def __init__(self, text: str, test: Test, local: bool) -> None:
        self.text = text
        self._test = test
        self.local = local
        """Whether it names a local version (``2.1.0+cu118``)."""

    def __repr__(self) -> str:
        return f"VersionSpec({self.text!r})"

    def matches(self, version: str | None, *, pip: bool = False) -> bool:
        """Whether *version* fits. What is unknown or no version never does.

        With *pip*, a local part that the constraint does not name counts for nothing, as PEP 440 has it:
        ``2.1.0+cu118`` is ``==2.1.0``.
        """
        if version is None:
            return False
        try:
            parsed = parse_version(version)
        except ValueError:
            return False
        return self._test(parsed.public() if pip and not self.local else parsed)


@lru_cache(maxsize=1024)
def parse_version_spec(text: str) -> VersionSpec:
    """The constraint that *text* spells: a version alone means exactly that one.

    ``,`` is "and", ``|`` is "or", ``,`` binds stronger, parentheses group. Raises ValueError, whose text is a
    sentence for people.
    """
    if len(text) > LONGEST:
        raise ValueError(phrase("That is too long for a constraint on versions."))
    tokens = [match.group(1).strip() for match in _TOKEN.finditer(text.strip())]
    test, at = _any(tokens, 0, 0)
    if at < len(tokens):
        raise ValueError(phrase("There is a {token} too much.", token=f"{tokens[at]!r}"))
    return VersionSpec(text, test, "+" in text)


def _any(tokens: list[str], at: int, depth: int) -> tuple[Test, int]:
    test, at = _all(tokens, at, depth)
    while at < len(tokens) and tokens[at] == "|":
        test, at = _either(test, *_all(tokens, at + 1, depth))
    return test, at


def _all(tokens: list[str], at: int, depth: int) -> tuple[Test, int]:
    test, at = _one(tokens, at, depth)
    while at < len(tokens) and tokens[at] == ",":
        test, at = _both(test, *_one(tokens, at + 1, depth))
    return test, at


def _either(first: Test, second: Test, at: int) -> tuple[Test, int]:
    return (lambda version: first(version) or second(version)), at


def _both(first: Test, second: Test, at: int) -> tuple[Test, int]:
    return (lambda version: first(version) and second(version)), at


def _one(tokens: list[str], at: int, depth: int) -> tuple[Test, int]:
    if at >= len(tokens) or tokens[at] in ",|)":
        raise ValueError(phrase("A version is missing."))
    if tokens[at] != "(":
        return _single(tokens[at]), at + 1
    if depth > 20:
        raise ValueError(phrase("That is nested too deeply."))
    test, at = _any(tokens, at + 1, depth + 1)
    if at >= len(tokens) or tokens[at] != ")":
        raise ValueError(phrase("A closing parenthesis is missing."))
    return test, at + 1


def _single(text: str) -> Test:
    match = _OPERATOR.match(text)
    operator = match.group() if match else ""
    written = text[len(operator) :].strip()
    if not written:
        raise ValueError(phrase("A version is missing after {operator}.", operator=f"{operator!r}"))
    if written == "*" and operator in ("", "=", "=="):
        return lambda version: True
    stem = written.rstrip("*")
    starred = stem != written
    if starred:
        stem = stem.removesuffix(".")
    if "*" in stem or not stem:
        raise ValueError(
            phrase("A star stands only at the end of a version, not as in {written}.", written=f"{written!r}")
        )
    try:
        wanted = parse_version(stem)
    except ValueError:
        raise ValueError(phrase("{written} is no version.", written=f"{written!r}")) from None
    return _TESTS[_STARRED.get(operator, operator) if starred else operator](wanted)


def _compatible(wanted: Version) -> Test:
    head, dot, _ = wanted.text.rpartition(".")
    if not dot:
        raise ValueError(phrase("~= needs a version with at least two parts, not {text}.", text=f"{wanted.text!r}"))
    start = parse_version(head)
    return lambda version: version >= wanted and version.starts_with(start)


# With a star at the end, a comparison compares with what stands before it, as conda does.
_STARRED = {"": "=", "!=": "!=*"}
_TESTS: dict[str, Callable[[Version], Test]] = {
    "": lambda wanted: lambda version: version == wanted,
    "==": lambda wanted: lambda version: version == wanted,
    "!=": lambda wanted: lambda version: version != wanted,
    "!=*": lambda wanted: lambda version: not version.starts_with(wanted),
    "=": lambda wanted: lambda version: version.starts_with(wanted),
    "<": lambda wanted: lambda version: version < wanted,
    "<=": lambda wanted: lambda version: version <= wanted,
    ">": lambda wanted: lambda version: version > wanted,
    ">=": lambda wanted: lambda version: version >= wanted,
    "~=": _compatible,
}
