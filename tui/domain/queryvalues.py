"""What stands behind a field of a filter: globs, sizes, ages, numbers, percentages, versions. Pure.

Each function here makes, from an operator and a value, a test of one row that answers True, False or None: None
is "not known", and what is not known is never shown, whether the term is negated or not. Whoever filters for
what may be removed must not be shown what nobody measured. They raise ValueError with a sentence for people.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from tui.domain.globs import Glob, is_glob
from tui.domain.phrases import phrase
from tui.domain.text import parse_printed
from tui.domain.versionspec import parse_version_spec

__all__ = ["Test", "age_test", "choice_test", "number_test", "size_test", "text_test", "version_test"]

R = TypeVar("R")
Test = Callable[[R, float], bool | None]
"""A test of a row at a time (Unix seconds)."""

COMPARE: dict[str, Callable[[float, float], bool]] = {
    ":": operator.eq,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-zA-Z%]*)\Z", re.ASCII)
_SIZES = {"": 30, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
_AGES = {
    "s": 1, "min": 60, "m": 60, "h": 3600, "": 86_400, "d": 86_400, "w": 604_800, "mo": 2_629_800, "y": 31_557_600,
}  # fmt: skip


def text_test(sign: str, value: str, get: Callable[[R], str | None]) -> Test[R]:
    """``:`` a part of the text in any case, or all of it as a glob; ``=`` all of it. A comma separates choices."""
    if sign not in (":", "=", "==", "!="):
        raise ValueError(phrase("It is a text: write : or = after it."))
    wanted = [one for one in value.split(",") if one]
    if not wanted:
        raise ValueError(phrase("It waits for what to look for."))
    tests = [_one_text(one, whole=sign != ":") for one in wanted]
    known: dict[str | None, bool | None] = {None: None}  # a fleet has few different texts in one field

    def test(row: R, now: float) -> bool | None:
        text = get(row)
        if text not in known:
            folded = (text or "").casefold()
            known[text] = any(one(folded) for one in tests)
        return known[text]

    return _negated(test) if sign == "!=" else test


def _one_text(written: str, whole: bool) -> Callable[[str], bool]:
    folded = written.casefold()
    literal = parse_printed(folded)
    if not whole and not is_glob(folded):
        return lambda text: literal in text
    whole_text: Callable[[str], bool] = Glob(folded).matches if is_glob(folded) else literal.__eq__
    # Of what a row has several, each stands on a line of its own.
    return lambda text: any(map(whole_text, text.split("\n"))) if "\n" in text else whole_text(text)


def choice_test(sign: str, value: str, get: Callable[[R], str | None], choices: Iterable[str]) -> Test[R]:
    """One of a few words, which may be cut short as long as they mean something."""
    if sign not in (":", "=", "==", "!="):
        raise ValueError(phrase("It is a word: write : or = after it."))
    known = tuple(choices)
    wanted: set[str] = set()
    for word in filter(None, value.casefold().split(",")):
        meant = [word] if word in known else [choice for choice in known if choice.startswith(word)]
        if not meant:
            raise ValueError(phrase("{word} is none of {known}.", word=f"{word[:40]!r}", known=", ".join(known)))
        wanted.update(meant)
    if not wanted:
        raise ValueError(phrase("It waits for one of {known}.", known=", ".join(known)))

    def test(row: R, now: float) -> bool | None:
        word = get(row)
        return None if word is None else word in wanted

    return _negated(test) if sign == "!=" else test


def number_test(
    sign: str,
    value: str,
    get: Callable[[R], float | None],
    percent: Callable[[R], float | None] | None = None,
) -> Test[R]:
    """A plain number; with *percent*, which gives 0 to 1, the number is a percentage."""
    amount, unit = _number(
        value, phrase("a number such as 12") if percent is None else phrase("a percentage such as 90%")
    )
    if unit and (unit != "%" or percent is None):
        raise ValueError(phrase("{value} is no number.", value=f"{value[:40]!r}"))
    if percent is None:
        return _measure(sign, amount, get)
    fraction = percent
    return _measure(sign, amount, lambda row: None if (part := fraction(row)) is None else part * 100)


def size_test(
    sign: str,
    value: str,
    get: Callable[[R], float | None],
    percent: Callable[[R], float | None] | None = None,
) -> Test[R]:
    """Bytes: ``5G`` and ``5`` are 5 GiB, ``500M``, ``1.5TiB``; or, with *percent*, ``90%``."""
    amount, unit = _number(value, phrase("a size such as 5G or 90%") if percent else phrase("a size such as 5G"))
    if unit == "%" and percent is not None:
        return number_test(sign, value, get, percent)
    stem = unit.removesuffix("b").removesuffix("i") or ("b" if unit else "")
    if stem not in _SIZES:
        raise ValueError(phrase("{value} is no size; write 500M, 5G or 1.5T.", value=f"{value[:40]!r}"))
    return _measure(sign, amount * (1 << _SIZES[stem]), get)


def age_test(sign: str, value: str, get: Callable[[R], float | None]) -> Test[R]:
    """How long ago the time was that *get* gives: ``90d`` or ``90``, ``12h``, ``30min``, ``2w``, ``6mo``, ``1y``."""
    amount, unit = _number(value, phrase("a span such as 90d"))
    if unit not in _AGES:
        raise ValueError(phrase("{value} is no span of time; write 12h, 90d, 2w, 6mo or 1y.", value=f"{value[:40]!r}"))
    compare = _comparison(sign)
    span = amount * _AGES[unit]

    def test(row: R, now: float) -> bool | None:
        then = get(row)
        return None if then is None else compare(max(0.0, now - then), span)

    return test


def version_test(sign: str, value: str, get: Callable[[R], str | None]) -> Test[R]:
    """``3.10`` means 3.10 and all below it; a comparison is as in a package spec. No version, "", fits none."""
    written = value.rstrip(".-_+,|")
    if sign == ":" and written[:1] not in "<>=!~":
        sign = "="
    if not written:
        raise ValueError(phrase("It waits for a version."))
    spec = parse_version_spec(written if sign == ":" else sign + written)
    known: dict[str | None, bool | None] = {None: None, "": False}

    def test(row: R, now: float) -> bool | None:
        version = get(row)
        if version not in known:
            known[version] = spec.matches(version)
        return known[version]

    return test


def _number(value: str, form: str) -> tuple[float, str]:
    if not value:
        raise ValueError(phrase("It waits for {form}.", form=form))
    match = _NUMBER.match(value)
    if match is None or len(value) > 30:
        raise ValueError(phrase("{value} is not {form}.", value=f"{value[:40]!r}", form=form))
    return float(match[1]), match[2].lower()


def _comparison(sign: str) -> Callable[[float, float], bool]:
    if sign not in COMPARE:
        raise ValueError(phrase("{sign} compares versions only.", sign=f"{sign!r}"))
    return COMPARE[sign]


def _measure(sign: str, wanted: float, get: Callable[[R], float | None]) -> Test[R]:
    compare = _comparison(sign)

    def test(row: R, now: float) -> bool | None:
        value = get(row)
        return None if value is None else compare(value, wanted)

    return test


def _negated(test: Test[R]) -> Test[R]:
    def other(row: R, now: float) -> bool | None:
        result = test(row, now)
        return None if result is None else not result

    return other
